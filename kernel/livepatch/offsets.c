// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where in our structures is what the trampoline reads?
 *
 * Compiled to assembly only, from which kbuild makes offsets.h.
 */
#define COMPILE_OFFSETS
#include <linux/kbuild.h>
#include <linux/sched.h>
#include <asm/asm-offsets.h>
#include <asm/current.h>
#include "compat.h"
#include "internal.h"

static void __used klp_offsets(void)
{
	DEFINE(KLP_preempt_count, KLP_PREEMPT_COUNT_OFFSET);
	OFFSET(KLP_patch_state, task_struct, patch_state);
	OFFSET(KLP_mask, klp_index, mask);
	OFFSET(KLP_slot_key, klp_index, slots[0].key);
	OFFSET(KLP_slot_site, klp_index, slots[0].site);
	DEFINE(KLP_slot_size, sizeof(struct klp_slot));
	/* Of world 0; the one of idle tasks stands before it, that of world 1 behind it. */
	OFFSET(KLP_dest, klp_site, dest);
	OFFSET(KLP_hits, klp_site, hits);
	OFFSET(KLP_hits_original, klp_hits, calls[0]);
	OFFSET(KLP_hits_diverted, klp_hits, calls[1]);
}
