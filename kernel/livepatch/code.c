// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which code belongs to a function?
 *
 * Its body, up to the next symbol, and the part that the compiler may have moved out of the hot
 * path under the name of NAME.cold: a task asleep there is inside the function as well. A function
 * may have several names, and a cold part is called after any of them, so that it is the address
 * that counts: all names at an address are gathered first, then the cold parts of all these names.
 * When several functions have the same name, each is taken to own the cold parts of all: a task
 * may then be held up without need, but never let go early.
 *
 * However many questions there are, a module's symbols are walked once; if there are cold parts at
 * all, once more for whose they are; if they belong to functions in question, for their ends, too.
 * For vmlinux, cold.c knows.
 */
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/module_symbol.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "internal.h"

/* A question, and the module that the function is in; NULL: vmlinux, or nowhere. */
struct klp_query {
	struct klp_symbol *sym;
	const struct module *mod;
};

/* A cold part of any function of the module, whose name is the first @stem bytes of this. */
struct klp_stray {
	const char *name;
	size_t stem;
	unsigned long addr;
};

/* A piece of the code of a function in question. */
struct klp_part {
	struct klp_symbol *sym;
	struct klp_range range;
};

/**
 * struct klp_measure - what is found out about functions of one module, or of vmlinux
 * @query: the questions, sorted by address
 * @nr: number of @query
 * @stray: cold parts of a module, whosever they are; sorted by function once complete
 * @nr_stray: number of @stray
 * @max_stray: how many @stray has room for
 * @part: pieces of code
 * @nr_part: number of @part
 * @max_part: how many @part has room for
 */
struct klp_measure {
	const struct klp_query *query;
	unsigned int nr;
	struct klp_stray *stray;
	unsigned int nr_stray;
	unsigned int max_stray;
	struct klp_part *part;
	unsigned int nr_part;
	unsigned int max_part;
};

static int klp_query_cmp(const void *a, const void *b)
{
	const struct klp_query *x = a, *y = b;

	if (x->mod != y->mod)
		return x->mod < y->mod ? -1 : 1;
	if (x->sym->addr != y->sym->addr)
		return x->sym->addr < y->sym->addr ? -1 : 1;
	return 0;
}

/* Is the function of a cold part called before, after or just as @name, of @len bytes? */
static int klp_stray_cmp_name(const struct klp_stray *stray, const char *name, size_t len)
{
	int diff = strncmp(stray->name, name, min(stray->stem, len));

	if (diff || stray->stem == len)
		return diff;
	return stray->stem < len ? -1 : 1;
}

static int klp_stray_cmp(const void *a, const void *b)
{
	const struct klp_stray *y = b;

	return klp_stray_cmp_name(a, y->name, y->stem);
}

static int klp_part_cmp_start(const void *a, const void *b)
{
	const struct klp_part *x = a, *y = b;

	if (x->range.start != y->range.start)
		return x->range.start < y->range.start ? -1 : 1;
	return 0;
}

/* The parts of one function stand side by side, its body first. */
static int klp_part_cmp_owner(const void *a, const void *b)
{
	const struct klp_part *x = a, *y = b;
	bool x_cold = x->range.start != x->sym->addr, y_cold = y->range.start != y->sym->addr;

	if (x->sym != y->sym)
		return x->sym < y->sym ? -1 : 1;
	if (x_cold != y_cold)
		return x_cold - y_cold;
	return klp_part_cmp_start(a, b);
}

/* Make room for one more in an array that is full. */
static void *klp_measure_grow(void *array, unsigned int *max, size_t size)
{
	unsigned int more = max(*max * 2, 16);
	void *new = kvmalloc_array(more, size, GFP_KERNEL);

	if (!new)
		return NULL;
	if (array)
		memcpy(new, array, *max * size);
	kvfree(array);
	*max = more;
	return new;
}

static int klp_measure_add_stray(struct klp_measure *m, const char *name, size_t stem,
				 unsigned long addr)
{
	if (m->nr_stray == m->max_stray) {
		void *stray = klp_measure_grow(m->stray, &m->max_stray, sizeof(*m->stray));

		if (!stray)
			return -ENOMEM;
		m->stray = stray;
	}
	m->stray[m->nr_stray++] = (struct klp_stray){ .name = name, .stem = stem, .addr = addr };
	return 0;
}

static int klp_measure_add_part(struct klp_measure *m, struct klp_symbol *sym,
				unsigned long start, unsigned long end)
{
	if (m->nr_part == m->max_part) {
		void *part = klp_measure_grow(m->part, &m->max_part, sizeof(*m->part));

		if (!part)
			return -ENOMEM;
		m->part = part;
	}
	m->part[m->nr_part++] = (struct klp_part){
		.sym = sym,
		.range = { .start = start, .end = end },
	};
	return 0;
}

/* The first question about an address that is not less. */
static unsigned int klp_measure_first(const struct klp_measure *m, unsigned long addr)
{
	unsigned int low = 0, high = m->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (m->query[mid].sym->addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The first cold part whose function's name is not less. */
static unsigned int klp_measure_first_stray(const struct klp_measure *m, const char *name,
					    size_t len)
{
	unsigned int low = 0, high = m->nr_stray;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (klp_stray_cmp_name(&m->stray[mid], name, len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * The next place that a piece of code begins at. Assemblers and linkers have symbols of their own,
 * for sections and for places inside of a function: those are none.
 */
static bool klp_measure_next(const struct module *mod, unsigned int *at, const char **name,
			     unsigned long *addr)
{
	while (klp_symtab_next(mod, at, name, addr)) {
		if (within_module_mem_type(*addr, mod, MOD_TEXT) && **name &&
		    !is_mapping_symbol(*name))
			return true;
	}
	return false;
}

/* A symbol at @addr: what begins before it ends there. */
static void klp_measure_cut(struct klp_measure *m, unsigned long addr)
{
	unsigned int low = 0, high = m->nr_part;
	unsigned long start;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (m->part[mid].range.start < addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return;
	/* They may have been cut in different walks. */
	start = m->part[low - 1].range.start;
	while (low-- && m->part[low].range.start == start)
		m->part[low].range.end = min(m->part[low].range.end, addr);
}

/* Where do the pieces end?  At first these are bodies, and cold parts are gathered. */
static int klp_measure_walk(struct klp_measure *m, const struct module *mod, bool first)
{
	unsigned int at = 0;
	unsigned long addr;
	const char *name;
	size_t stem;
	int ret = 0;

	while (!ret && klp_measure_next(mod, &at, &name, &addr)) {
		klp_measure_cut(m, addr);
		stem = first ? klp_symbol_stem(name) : 0;
		if (stem)
			ret = klp_measure_add_stray(m, name, stem, addr);
	}
	return ret;
}

/* A cold part of what question @i is about, and maybe others. */
static int klp_measure_add_cold(struct klp_measure *m, unsigned int i, unsigned long start,
				unsigned long end)
{
	unsigned long addr = m->query[i].sym->addr;
	int ret = 0;

	for (; i < m->nr && m->query[i].sym->addr == addr && !ret; i++)
		ret = klp_measure_add_part(m, m->query[i].sym, start, end);
	return ret;
}

/* Whose are the cold parts?  All names that a function has count. */
static int klp_measure_colds(struct klp_measure *m, const struct module *mod, unsigned long end)
{
	unsigned int at = 0, i, j;
	unsigned long addr;
	const char *name;
	size_t len;
	int ret;

	sort(m->stray, m->nr_stray, sizeof(*m->stray), klp_stray_cmp, NULL);
	while (klp_measure_next(mod, &at, &name, &addr)) {
		i = klp_measure_first(m, addr);
		if (i == m->nr || m->query[i].sym->addr != addr)
			continue;
		len = strlen(name);
		for (j = klp_measure_first_stray(m, name, len); j < m->nr_stray; j++) {
			if (klp_stray_cmp_name(&m->stray[j], name, len))
				break;
			ret = klp_measure_add_cold(m, i, m->stray[j].addr, end);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* All questions are about functions in the text of one module. */
static int klp_measure_module(struct klp_measure *m, const struct module *mod)
{
	const struct module_memory *text = &mod->mem[MOD_TEXT];
	unsigned long end = (unsigned long)text->base + text->size;
	unsigned int i;
	int ret = 0;

	/* In order of their addresses, as the questions are. */
	for (i = 0; i < m->nr && !ret; i++)
		ret = klp_measure_add_part(m, m->query[i].sym, m->query[i].sym->addr, end);
	if (!ret)
		ret = klp_measure_walk(m, mod, true);
	if (!ret && m->nr_stray)
		ret = klp_measure_colds(m, mod, end);
	if (!ret && m->nr_part > m->nr) {
		sort(m->part, m->nr_part, sizeof(*m->part), klp_part_cmp_start, NULL);
		ret = klp_measure_walk(m, mod, false);
	}
	return ret;
}

/* End of what is at @addr, 0 when there is nothing, or not for long. */
static unsigned long klp_code_end(const struct module *mod, unsigned long addr)
{
	unsigned long size;

	/* BPF programs are in no module, either. */
	if (!klp_symtab_keeps(mod, addr) || !kallsyms_lookup_size_offset(addr, &size, NULL))
		return 0;
	return addr + size;
}

static int klp_measure_vmlinux_colds(struct klp_measure *m, struct klp_symbol *sym)
{
	const struct klp_cold *cold = NULL;
	int ret = 0;

	while (!ret && (cold = klp_cold_next(sym->addr, cold)))
		ret = klp_measure_add_part(m, sym, cold->addr, klp_code_end(NULL, cold->addr));
	return ret;
}

/* All questions are about vmlinux, or about what is not the text of @mod. */
static int klp_measure_others(struct klp_measure *m, const struct module *mod)
{
	unsigned int i;
	int ret = mod ? 0 : klp_cold_load();

	for (i = 0; i < m->nr && !ret; i++) {
		struct klp_symbol *sym = m->query[i].sym;

		ret = klp_measure_add_part(m, sym, sym->addr, klp_code_end(mod, sym->addr));
		if (!ret && !mod)
			ret = klp_measure_vmlinux_colds(m, sym);
	}
	return ret;
}

/* Hand the pieces over to the questions. */
static int klp_measure_answer(struct klp_measure *m)
{
	unsigned int i, nr, first = 0;

	sort(m->part, m->nr_part, sizeof(*m->part), klp_part_cmp_owner, NULL);
	while (first < m->nr_part) {
		struct klp_symbol *sym = m->part[first].sym;

		for (nr = 1; first + nr < m->nr_part && m->part[first + nr].sym == sym;)
			nr++;
		sym->code = kmalloc(struct_size(sym->code, part, nr), GFP_KERNEL);
		if (!sym->code)
			return -ENOMEM;
		sym->code->nr = nr;
		for (i = 0; i < nr; i++)
			sym->code->part[i] = m->part[first + i].range;
		first += nr;
	}
	return 0;
}

static bool klp_query_in_text(const struct klp_query *query)
{
	return query->mod && within_module_mem_type(query->sym->addr, query->mod, MOD_TEXT);
}

/* Answer what the first question is about, and those behind it about the same module. */
static int klp_query_run(const struct klp_query *query, unsigned int left, unsigned int *done)
{
	struct klp_measure m = { .query = query };
	bool in_text = klp_query_in_text(query);
	int ret;

	while (m.nr < left && query[m.nr].mod == query->mod &&
	       klp_query_in_text(&query[m.nr]) == in_text)
		m.nr++;

	ret = in_text ? klp_measure_module(&m, query->mod) : klp_measure_others(&m, query->mod);
	if (!ret)
		ret = klp_measure_answer(&m);
	kvfree(m.part);
	kvfree(m.stray);
	*done = m.nr;
	return ret;
}

static const struct module *klp_query_module(const struct module *mod, unsigned long addr)
{
	if (mod && within_module(addr, mod))
		return mod;
	guard(preempt)();
	return __module_address(addr);
}

/**
 * klp_symbols_measure() - find out which code belongs to functions whose address is known
 * @mod: the module that most of them are in, NULL for vmlinux
 * @syms: in: address (0: nothing to do); out: code, whose body ends at 0 when there is no function,
 *	or only one that is given back after init
 * @nr: number of questions
 *
 * Context: process context, may sleep; klp_mutex held. The functions must not go away.
 * Return: 0 or -ENOMEM. What is in @syms is to be freed with klp_symbols_free() in both cases.
 */
int klp_symbols_measure(const struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	struct klp_query *query __free(kvfree) = kvmalloc_array(nr, sizeof(*query), GFP_KERNEL);
	unsigned int i, n = 0, done;
	int ret = 0;

	if (!query)
		return -ENOMEM;

	for (i = 0; i < nr; i++) {
		if (!syms[i].addr)
			continue;
		query[n].sym = &syms[i];
		query[n++].mod = klp_query_module(mod, syms[i].addr);
	}
	sort(query, n, sizeof(*query), klp_query_cmp, NULL);

	for (i = 0; i < n && !ret; i += done)
		ret = klp_query_run(&query[i], n - i, &done);
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
 * Context: process context, may sleep; klp_mutex held. The module must not go away.
 * Return: 0 or -ENOMEM. What is in @syms is to be freed with klp_symbols_free() in both cases.
 */
int klp_symbols_find(const struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	int ret = klp_symbols_locate(mod, syms, nr);

	return ret ?: klp_symbols_measure(mod, syms, nr);
}
