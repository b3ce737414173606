// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is an address inside any of many pieces of code?
 *
 * A set is filled in any order, sealed once (sorted, overlaps merged) and then only searched, so
 * that looking at one stack frame costs the logarithm of the number of patched functions.
 */
#include <linux/bsearch.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "internal.h"

#define KLP_RANGES_FIRST 16

static int klp_range_cmp(const void *a, const void *b)
{
	const struct klp_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return 0;
}

static int klp_ranges_append(struct klp_ranges **set, struct klp_range range)
{
	struct klp_ranges *old = *set, *new;
	unsigned int nr = old ? old->nr : 0;
	unsigned int max;

	if (!old || old->nr == old->max) {
		max = max(nr * 2, KLP_RANGES_FIRST);
		new = kvmalloc(struct_size(new, range, max), GFP_KERNEL);
		if (!new)
			return -ENOMEM;
		new->max = max;
		new->nr = nr;
		if (old)
			memcpy(new->range, old->range, array_size(nr, sizeof(*old->range)));
		kvfree(old);
		*set = old = new;
	}

	old->range[old->nr++] = range;
	return 0;
}

/**
 * klp_ranges_add() - put [@start, @end) into a set that is not sealed yet
 * @set: the set, grown as needed; *@set is NULL at first
 * @start: first address
 * @end: first address behind; an empty range adds nothing
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM, upon which the set is as before.
 */
int klp_ranges_add(struct klp_ranges **set, unsigned long start, unsigned long end)
{
	if (start >= end)
		return 0;
	return klp_ranges_append(set, (struct klp_range){ .start = start, .end = end });
}

/**
 * klp_ranges_add_addr() - put a single address into a set that is not sealed yet
 * @set: as for klp_ranges_add()
 * @addr: the address; not the one behind it, either
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM, upon which the set is as before.
 */
int klp_ranges_add_addr(struct klp_ranges **set, unsigned long addr)
{
	return klp_ranges_append(set, (struct klp_range){ .start = addr, .end = addr });
}

/**
 * klp_ranges_seal() - make a set ready for klp_ranges_contain()
 * @set: the set, may be NULL
 *
 * Context: any.
 */
void klp_ranges_seal(struct klp_ranges *set)
{
	unsigned int in, out = 0;

	if (!set || !set->nr)
		return;

	sort(set->range, set->nr, sizeof(*set->range), klp_range_cmp, NULL);

	for (in = 1; in < set->nr; in++) {
		struct klp_range *last = &set->range[out];
		const struct klp_range *next = &set->range[in];

		if (next->start <= last->end)
			last->end = max(last->end, next->end);
		else
			set->range[++out] = *next;
	}
	set->nr = out + 1;
}

static int klp_range_find(const void *key, const void *elt)
{
	unsigned long addr = *(const unsigned long *)key;
	const struct klp_range *range = elt;

	if (addr < range->start)
		return -1;
	return addr > range->end;
}

/**
 * klp_ranges_contain() - does an address from a stack belong to a sealed set?
 * @set: the set, may be NULL
 * @addr: the address
 *
 * The first byte behind a range counts as inside: it is the return address of a function that
 * ends with a call of something that never returns.
 *
 * Context: any, takes no lock.
 * Return: true when it does.
 */
bool klp_ranges_contain(const struct klp_ranges *set, unsigned long addr)
{
	if (!set)
		return false;
	return bsearch(&addr, set->range, set->nr, sizeof(*set->range), klp_range_find);
}
