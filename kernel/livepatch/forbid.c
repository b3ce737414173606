// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which code must a task have left before it changes over?
 *
 * What only the world that it leaves uses, and the way there. Sorted sets of addresses, so that a
 * frame is looked up in the logarithm of the number of patched functions.
 */
#include <linux/slab.h>
#include "internal.h"

static int klp_forbid_code(int target, struct klp_ranges **set)
{
	struct klp_site *site;
	int ret;

	klp_for_each_site(site) {
		ret = klp_site_forbid(site, !target, set);
		if (ret)
			return ret;
	}
	klp_ranges_seal(*set);
	return 0;
}

static int klp_forbid_text(int target, struct klp_ranges **set)
{
	struct klp_patch *patch;
	int ret;

	list_for_each_entry(patch, &klp_patches, list) {
		const struct module_memory *text = &patch->mod->mem[MOD_TEXT];
		unsigned long start = (unsigned long)text->base;

		if (!klp_world_loses(patch, target))
			continue;
		ret = klp_ranges_add(set, start, start + text->size);
		if (ret)
			return ret;
	}
	klp_ranges_seal(*set);
	return 0;
}

/**
 * klp_forbidden_free() - throw sets away that nobody has seen
 * @forbidden: from klp_forbidden_collect(); empty afterwards
 *
 * Context: process context, may sleep.
 */
void klp_forbidden_free(struct klp_forbidden *forbidden)
{
	kvfree(forbidden->code);
	kvfree(forbidden->text);
	*forbidden = (struct klp_forbidden){};
}

/**
 * klp_forbidden_collect() - work out what tasks have to leave
 * @target: the world that they go to; the bits of all patches and the sites are as they will be
 * @forbidden: out: what calls are diverted to, or not, in the other world only; and everything in
 *	the module of a patch that goes away, since a replacement may have jumped to a helper at
 *	its end and left no trace of itself on the stack
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0 or -ENOMEM, upon which @forbidden is empty.
 */
int klp_forbidden_collect(int target, struct klp_forbidden *forbidden)
{
	int ret;

	*forbidden = (struct klp_forbidden){};

	ret = klp_forbid_code(target, &forbidden->code);
	if (!ret)
		ret = klp_forbid_text(target, &forbidden->text);
	if (!ret)
		return 0;

	klp_forbidden_free(forbidden);
	return ret;
}
