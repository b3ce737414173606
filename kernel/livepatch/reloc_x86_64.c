// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many bytes does a relocation write on x86-64?
 *
 * Of the types that apply_relocate_add() knows there; it refuses the others.
 */
#include <linux/elf.h>
#include "internal.h"

/* 4 where the type is not known: it is not for us to say so. */
unsigned int klp_reloc_width(unsigned int type)
{
	switch (type) {
	case R_X86_64_NONE:
		return 0;
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	default:
		return 4;
	}
}
