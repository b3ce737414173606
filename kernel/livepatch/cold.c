// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which cold parts do the functions of vmlinux have?
 *
 * The compiler calls a part of NAME that it has moved away NAME.cold, or NAME.cold.N before GCC 9.
 * NAME is one of the names of the function, which need not be the one that a patch knows it by.
 * The kernel's symbols can be looked up by name, or walked from end to end; so they are walked
 * once, and what is found is kept, by address.
 */
#include <linux/kallsyms.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "internal.h"

#define KLP_COLDS_FIRST 256

/**
 * struct klp_colds - pairs of functions and cold parts
 * @nr: pairs in use
 * @max: pairs there is room for
 * @cold: sorted by function, then by part
 */
struct klp_colds {
	unsigned int nr;
	unsigned int max;
	struct klp_cold cold[] __counted_by(max);
};

/* Those of vmlinux, NULL until they are asked for; constant from then on (klp_mutex). */
static struct klp_colds *klp_colds;

/**
 * struct klp_cold_walk - state of the walk over the symbols of vmlinux
 * @colds: what has been found
 * @addr: the cold part at hand
 * @stem: its function's name
 */
struct klp_cold_walk {
	struct klp_colds *colds;
	unsigned long addr;
	char stem[KSYM_NAME_LEN];
};

static int klp_cold_cmp(const void *a, const void *b)
{
	const struct klp_cold *x = a, *y = b;

	if (x->func != y->func)
		return x->func < y->func ? -1 : 1;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return 0;
}

static int klp_cold_add(void *data, unsigned long func)
{
	struct klp_cold_walk *walk = data;
	struct klp_colds *colds = walk->colds;
	unsigned int max;

	if (!colds || colds->nr == colds->max) {
		max = colds ? colds->max * 2 : KLP_COLDS_FIRST;
		colds = kvrealloc(colds, struct_size(colds, cold, max), GFP_KERNEL);
		if (!colds)
			return -ENOMEM;
		colds->nr = walk->colds ? colds->nr : 0;
		colds->max = max;
		walk->colds = colds;
	}
	colds->cold[colds->nr++] = (struct klp_cold){ .func = func, .addr = walk->addr };
	return 0;
}

/* One symbol of vmlinux. A cold part belongs to every function that has the name. */
static int klp_cold_visit(void *data, const char *name, unsigned long addr)
{
	size_t stem = klp_symbol_stem(name);
	struct klp_cold_walk *walk = data;

	if (!stem)
		return 0;
	walk->addr = addr;
	memcpy(walk->stem, name, stem);
	walk->stem[stem] = '\0';
	return kallsyms_on_each_match_symbol(klp_cold_add, walk->stem, walk);
}

/**
 * klp_cold_load() - make the cold parts of vmlinux known, if they are not yet
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0 or -ENOMEM, upon which it can be tried again.
 */
int klp_cold_load(void)
{
	struct klp_cold_walk *walk __free(kfree) = NULL;
	int ret;

	if (klp_colds)
		return 0;
	walk = kzalloc(sizeof(*walk), GFP_KERNEL);
	if (!walk)
		return -ENOMEM;

	ret = kallsyms_on_each_symbol(klp_cold_visit, walk);
	/* Also when there is none: an empty table says so. */
	if (!ret && !walk->colds) {
		walk->colds = kvzalloc(sizeof(*walk->colds), GFP_KERNEL);
		ret = walk->colds ? 0 : -ENOMEM;
	}
	if (ret) {
		kvfree(walk->colds);
		return ret;
	}
	sort(walk->colds->cold, walk->colds->nr, sizeof(*walk->colds->cold), klp_cold_cmp, NULL);
	klp_colds = walk->colds;
	return 0;
}

/**
 * klp_cold_next() - go through the cold parts of a function of vmlinux
 * @func: address of the function
 * @last: the part before, NULL to start
 *
 * Context: klp_mutex held, after klp_cold_load().
 * Return: the next part, or NULL.
 */
const struct klp_cold *klp_cold_next(unsigned long func, const struct klp_cold *last)
{
	unsigned int low = 0, high = klp_colds->nr;

	if (last) {
		low = last + 1 - klp_colds->cold;
	} else {
		while (low < high) {
			unsigned int mid = low + (high - low) / 2;

			if (klp_colds->cold[mid].func < func)
				low = mid + 1;
			else
				high = mid;
		}
	}
	if (low == klp_colds->nr || klp_colds->cold[low].func != func)
		return NULL;
	return &klp_colds->cold[low];
}
