// SPDX-License-Identifier: GPL-2.0-only
/* States of the case of this name: it has one, and not the other. */
#include <linux/kernel.h>

static struct klp_patch patch;

static struct klp_state states[] = {
	{ .id = 4711, .version = 3 },
	{ }
};

static int pre_patch_vmlinux(struct klp_object *obj)
{
	struct klp_state *state = klp_get_state(&patch, 4711);

	pr_info("states: version %u, %s other\n", state ? state->version : 0,
		klp_get_state(&patch, 4712) ? "and the" : "no");
	return 0;
}
