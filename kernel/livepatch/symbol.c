// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where is the symbol called NAME?
 *
 * Questions come in batches, because a module's symbol table can only be walked from end to end:
 * one walk answers them all. vmlinux has an index by name.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "internal.h"

static int klp_symbol_cmp_name(const void *a, const void *b)
{
	const struct klp_symbol *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* Index of the first of the questions, sorted by name, whose name is not less. */
static unsigned int klp_symbols_first(struct klp_symbol **sorted, unsigned int nr,
				      const char *name)
{
	unsigned int low = 0, high = nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (strcmp(sorted[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void klp_symbol_seen(struct klp_symbol *sym, unsigned long addr)
{
	sym->count++;
	if (sym->count == (sym->pos ?: 1))
		sym->addr = addr;
}

static int klp_symbols_locate_module(const struct module *mod, struct klp_symbol *syms,
				     unsigned int nr)
{
	struct klp_symbol **sorted __free(kvfree) = kvmalloc_array(nr, sizeof(*sorted),
								   GFP_KERNEL);
	unsigned int i, at = 0;
	unsigned long addr;
	const char *name;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		sorted[i] = &syms[i];
	sort(sorted, nr, sizeof(*sorted), klp_symbol_cmp_name, NULL);

	while (klp_symtab_next(mod, &at, &name, &addr)) {
		i = klp_symbols_first(sorted, nr, name);
		for (; i < nr && !strcmp(sorted[i]->name, name); i++)
			klp_symbol_seen(sorted[i], addr);
	}
	return 0;
}

static int klp_symbol_match(void *data, unsigned long addr)
{
	struct klp_symbol *sym = data;

	klp_symbol_seen(sym, addr);
	/* Seen enough: the one that was asked for, or that there is more than one. */
	return sym->count == (sym->pos ?: 2);
}

/*
 * Positions count what is for init only, too, as whoever has worked them out has seen it in the
 * file. But the memory is not that function's any more.
 */
static void klp_symbol_locate_vmlinux(struct klp_symbol *sym)
{
	kallsyms_on_each_match_symbol(klp_symbol_match, sym->name, sym);
	if (!sym->addr || klp_symtab_keeps(NULL, sym->addr))
		return;
	sym->addr = 0;
	sym->count = 0;
}

/**
 * klp_symbols_locate() - look up symbols by name
 * @mod: the module they are in, NULL for vmlinux
 * @syms: in: name and position; out: address and count
 * @nr: number of questions
 *
 * Whether an answer is good is for klp_symbol_check() to say; symbols that do not exist are not
 * an error here. Nor do those exist that are given back after init.
 *
 * Context: process context, may sleep. The module must not go away.
 * Return: 0 or -ENOMEM.
 */
int klp_symbols_locate(const struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	unsigned int i;

	if (mod)
		return klp_symbols_locate_module(mod, syms, nr);
	for (i = 0; i < nr; i++)
		klp_symbol_locate_vmlinux(&syms[i]);
	return 0;
}

/**
 * klp_symbol_check() - was the question answered?
 * @sym: question and answer
 * @who: name of the patch, for the message
 * @objname: name of the object, for the message
 *
 * Context: any.
 * Return: 0, or -EINVAL after a message that says what is wrong.
 */
int klp_symbol_check(const struct klp_symbol *sym, const char *who, const char *objname)
{
	if (!sym->count) {
		pr_err("patch '%s': symbol '%s' not found in object '%s'\n", who, sym->name,
		       objname);
		return -EINVAL;
	}
	if (!sym->pos && sym->count > 1) {
		pr_err("patch '%s': symbol '%s' is ambiguous in object '%s', a position is needed\n",
		       who, sym->name, objname);
		return -EINVAL;
	}
	if (sym->pos > sym->count) {
		pr_err("patch '%s': symbol '%s' has no position %lu in object '%s', there are %lu\n",
		       who, sym->name, sym->pos, objname, sym->count);
		return -EINVAL;
	}
	return 0;
}

/**
 * klp_symbols_free() - free what the look-up has allocated
 * @syms: questions and answers
 * @nr: how many
 */
void klp_symbols_free(struct klp_symbol *syms, unsigned int nr)
{
	while (nr--) {
		kfree(syms[nr].code);
		syms[nr].code = NULL;
	}
}
