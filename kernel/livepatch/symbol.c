// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where is the function called NAME, and which code belongs to it?
 *
 * Questions come in batches, because a module's symbol table can only be walked from end to end:
 * one walk answers them all. "Code" is the body of the function, up to the next symbol, and the
 * part that the compiler may have moved out of the hot path under the name of NAME.cold: a task
 * asleep there is inside the function as well. GCC before version 9 called it NAME.cold.N, which
 * is found in modules only: vmlinux has an index by full name and is too large to be walked.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kallsyms.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "internal.h"

/* A part of a function that was found apart from its body. */
struct klp_cold {
	struct klp_symbol *sym;
	unsigned long addr;
};

/**
 * struct klp_walk - state of a walk over one symbol table
 * @mod: the module, NULL for vmlinux
 * @syms: the questions, sorted by what the walk looks for
 * @nr: number of questions
 * @cold: cold parts found
 * @nr_cold: number of @cold
 * @max_cold: how many @cold has room for
 * @addrs: addresses of all symbols in the module's text, to tell where a function ends
 * @nr_addrs: number of @addrs
 * @max_addrs: how many @addrs has room for
 */
struct klp_walk {
	struct module *mod;
	struct klp_symbol **syms;
	unsigned int nr;
	struct klp_cold *cold;
	unsigned int nr_cold;
	unsigned int max_cold;
	unsigned long *addrs;
	unsigned int nr_addrs;
	unsigned int max_addrs;
};

static int klp_symbol_cmp_name(const void *a, const void *b)
{
	const struct klp_symbol *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int klp_symbol_cmp_addr(const void *a, const void *b)
{
	const struct klp_symbol *const *x = a, *const *y = b;

	if ((*x)->addr != (*y)->addr)
		return (*x)->addr < (*y)->addr ? -1 : 1;
	return 0;
}

static int klp_addr_cmp(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	if (x != y)
		return x < y ? -1 : 1;
	return 0;
}

/* Index of the first question whose name is not less than the first @len bytes of @name. */
static unsigned int klp_walk_first(const struct klp_walk *walk, const char *name, size_t len)
{
	unsigned int low = 0, high = walk->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (strncmp(walk->syms[mid]->name, name, len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool klp_walk_asks(const struct klp_walk *walk, unsigned int i, const char *name,
			  size_t len)
{
	if (i >= walk->nr)
		return false;
	return !strncmp(walk->syms[i]->name, name, len);
}

static void klp_symbol_seen(struct klp_symbol *sym, unsigned long addr)
{
	sym->count++;
	if (sym->count == (sym->pos ?: 1))
		sym->addr = addr;
}

static int klp_walk_add_cold(struct klp_walk *walk, struct klp_symbol *sym, unsigned long addr)
{
	if (walk->nr_cold == walk->max_cold) {
		unsigned int max = max(walk->max_cold * 2, 16);
		struct klp_cold *cold;

		cold = krealloc_array(walk->cold, max, sizeof(*cold), GFP_KERNEL);
		if (!cold)
			return -ENOMEM;
		walk->cold = cold;
		walk->max_cold = max;
	}
	walk->cold[walk->nr_cold++] = (struct klp_cold){ .sym = sym, .addr = addr };
	return 0;
}

static int klp_walk_add_addr(struct klp_walk *walk, unsigned long addr)
{
	if (walk->nr_addrs == walk->max_addrs) {
		unsigned int max = max(walk->max_addrs * 2, 256);
		unsigned long *addrs;

		addrs = kvmalloc_array(max, sizeof(*addrs), GFP_KERNEL);
		if (!addrs)
			return -ENOMEM;
		if (walk->nr_addrs)
			memcpy(addrs, walk->addrs, walk->nr_addrs * sizeof(*addrs));
		kvfree(walk->addrs);
		walk->addrs = addrs;
		walk->max_addrs = max;
	}
	walk->addrs[walk->nr_addrs++] = addr;
	return 0;
}

/* One symbol of a module, when names are what is looked for. */
static int klp_walk_by_name(void *data, const char *name, unsigned long addr)
{
	struct klp_walk *walk = data;
	size_t len = strlen(name), stem = klp_symbol_stem(name);
	unsigned int i;
	int ret;

	if (within_module_mem_type(addr, walk->mod, MOD_TEXT)) {
		ret = klp_walk_add_addr(walk, addr);
		if (ret)
			return ret;
	}

	for (i = klp_walk_first(walk, name, len + 1); klp_walk_asks(walk, i, name, len + 1); i++)
		klp_symbol_seen(walk->syms[i], addr);

	if (!stem)
		return 0;

	for (i = klp_walk_first(walk, name, stem); klp_walk_asks(walk, i, name, stem); i++) {
		if (walk->syms[i]->name[stem])
			continue;
		ret = klp_walk_add_cold(walk, walk->syms[i], addr);
		if (ret)
			return ret;
	}
	return 0;
}

/* One symbol of a module, when addresses are known and names are looked for. */
static int klp_walk_by_addr(void *data, const char *name, unsigned long addr)
{
	struct klp_walk *walk = data;
	unsigned int low = 0, high = walk->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (walk->syms[mid]->addr < addr)
			low = mid + 1;
		else
			high = mid;
	}

	for (; low < walk->nr && walk->syms[low]->addr == addr; low++) {
		if (walk->syms[low]->name)
			continue;
		walk->syms[low]->name = kstrdup(name, GFP_KERNEL);
		if (!walk->syms[low]->name)
			return -ENOMEM;
	}
	return 0;
}

struct klp_match {
	struct klp_walk *walk;
	struct klp_symbol *sym;
};

static int klp_match_body(void *data, unsigned long addr)
{
	struct klp_match *match = data;

	klp_symbol_seen(match->sym, addr);
	/* Seen enough: the one that was asked for, or that there is more than one. */
	return match->sym->count == (match->sym->pos ?: 2);
}

static int klp_match_cold(void *data, unsigned long addr)
{
	struct klp_match *match = data;

	return klp_walk_add_cold(match->walk, match->sym, addr);
}

/* vmlinux has an index by name. */
static int klp_walk_vmlinux(struct klp_walk *walk)
{
	struct klp_match match = { .walk = walk };
	char *cold __free(kfree) = kmalloc(KSYM_NAME_LEN, GFP_KERNEL);
	unsigned int i;
	int ret;

	if (!cold)
		return -ENOMEM;

	for (i = 0; i < walk->nr; i++) {
		match.sym = walk->syms[i];
		kallsyms_on_each_match_symbol(klp_match_body, match.sym->name, &match);

		if (snprintf(cold, KSYM_NAME_LEN, "%s.cold", match.sym->name) >= KSYM_NAME_LEN)
			continue;
		ret = kallsyms_on_each_match_symbol(klp_match_cold, cold, &match);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* End of the function at @addr, 0 when there is no such function. */
static unsigned long klp_walk_end(const struct klp_walk *walk, unsigned long addr)
{
	unsigned int low = 0, high = walk->nr_addrs;
	unsigned long size;

	if (!walk->mod || !within_module_mem_type(addr, walk->mod, MOD_TEXT)) {
		if (!kallsyms_lookup_size_offset(addr, &size, NULL))
			return 0;
		return addr + size;
	}

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (walk->addrs[mid] <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < walk->nr_addrs)
		return walk->addrs[low];
	return (unsigned long)walk->mod->mem[MOD_TEXT].base + walk->mod->mem[MOD_TEXT].size;
}

static int klp_symbol_build(const struct klp_walk *walk, struct klp_symbol *sym)
{
	unsigned int i, nr = 1;

	for (i = 0; i < walk->nr_cold; i++)
		nr += walk->cold[i].sym == sym;

	sym->code = kmalloc(struct_size(sym->code, part, nr), GFP_KERNEL);
	if (!sym->code)
		return -ENOMEM;
	sym->code->nr = nr;
	sym->code->part[0].start = sym->addr;
	sym->code->part[0].end = klp_walk_end(walk, sym->addr);

	for (i = 0, nr = 1; i < walk->nr_cold; i++) {
		if (walk->cold[i].sym != sym)
			continue;
		sym->code->part[nr].start = walk->cold[i].addr;
		sym->code->part[nr].end = klp_walk_end(walk, walk->cold[i].addr);
		nr++;
	}
	return 0;
}

/* The names are known, the walk's questions are sorted by them: walk, then note the code. */
static int klp_walk_run(struct klp_walk *walk, struct klp_symbol *syms, unsigned int nr)
{
	unsigned int i;
	int ret;

	if (walk->mod)
		ret = module_kallsyms_on_each_symbol(walk->mod->name, klp_walk_by_name, walk);
	else
		ret = klp_walk_vmlinux(walk);
	if (ret)
		goto out;

	sort(walk->addrs, walk->nr_addrs, sizeof(*walk->addrs), klp_addr_cmp, NULL);
	for (i = 0; i < nr && !ret; i++) {
		if (syms[i].addr)
			ret = klp_symbol_build(walk, &syms[i]);
	}
out:
	kvfree(walk->addrs);
	kfree(walk->cold);
	return ret;
}

/**
 * klp_symbols_find() - look up functions by name
 * @mod: the module they are in, NULL for vmlinux
 * @syms: in: name and position; out: address, count and code
 * @nr: number of questions
 *
 * Whether an answer is good is for klp_symbol_check() to say; symbols that do not exist are not
 * an error here.
 *
 * Context: process context, may sleep, takes module_mutex. The module must not go away.
 * Return: 0 or -ENOMEM. What is in @syms is to be freed with klp_symbols_free() in both cases.
 */
int klp_symbols_find(struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	struct klp_symbol **sorted __free(kvfree) = kvmalloc_array(nr, sizeof(*sorted),
								   GFP_KERNEL);
	struct klp_walk walk = { .mod = mod, .syms = sorted, .nr = nr };
	unsigned int i;

	if (!sorted)
		return -ENOMEM;

	for (i = 0; i < nr; i++)
		sorted[i] = &syms[i];
	sort(sorted, nr, sizeof(*sorted), klp_symbol_cmp_name, NULL);

	return klp_walk_run(&walk, syms, nr);
}

static bool klp_symbol_is_here(const struct klp_symbol *sym, const struct module *mod)
{
	return sym->addr && within_module_mem_type(sym->addr, mod, MOD_TEXT);
}

/**
 * klp_symbols_measure() - find out which code belongs to functions whose address is known
 * @mod: the livepatch module, where most of them are
 * @syms: in: address (0: nothing to do); out: code, whose body ends at 0 when there is no function
 * @nr: number of questions
 *
 * A cold part is found by name. When several functions in @mod have the same name, each is taken
 * to own the cold parts of all: a task may then be held up without need, but never let go early.
 *
 * Context: process context, may sleep, takes module_mutex. The module must not go away.
 * Return: 0 or -ENOMEM. What is in @syms is to be freed with klp_symbols_free() in both cases.
 */
int klp_symbols_measure(struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	struct klp_symbol **sorted __free(kvfree) = kvmalloc_array(nr, sizeof(*sorted),
								   GFP_KERNEL);
	struct klp_walk walk = { .mod = mod, .syms = sorted };
	unsigned int i, named = 0;
	int ret;

	if (!sorted)
		return -ENOMEM;

	for (i = 0; i < nr; i++) {
		if (klp_symbol_is_here(&syms[i], mod))
			sorted[walk.nr++] = &syms[i];
	}
	sort(sorted, walk.nr, sizeof(*sorted), klp_symbol_cmp_addr, NULL);
	ret = module_kallsyms_on_each_symbol(mod->name, klp_walk_by_addr, &walk);

	/* Only the cold parts are asked for by name, so the position must not match anything. */
	for (i = 0; i < walk.nr; i++) {
		sorted[i]->pos = ULONG_MAX;
		if (sorted[i]->name)
			sorted[named++] = sorted[i];
	}
	walk.nr = named;
	sort(sorted, walk.nr, sizeof(*sorted), klp_symbol_cmp_name, NULL);
	if (!ret)
		ret = klp_walk_run(&walk, syms, nr);

	for (i = 0; i < named; i++) {
		kfree(sorted[i]->name);
		sorted[i]->name = NULL;
		sorted[i]->pos = 0;
	}
	return ret;
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
