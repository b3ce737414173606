// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which vmlinux does a fuzzer show to the core?  A few symbols, of which some are alike, some are
 * for init only, and one ftrace cannot reach; and an ftrace that takes what it is given, but for
 * one place.
 */
#include "internal.h"
#include "fuzz.h"

/* ---- symbols of vmlinux */

#define VMLINUX		0xffffffff81000000UL
#define VMLINUX_INIT	0xffffffff82000000UL
#define VMLINUX_DATA	0xffffffff83000000UL
#define FUNC_SIZE	0x100UL

static const struct symbol {
	const char *name;
	unsigned long addr;
} vmlinux[] = {
	{ "f0",		VMLINUX },
	{ "alias",	VMLINUX },
	{ "f1",		VMLINUX + 1 * FUNC_SIZE },
	{ "f2",		VMLINUX + 2 * FUNC_SIZE },
	{ "f3",		VMLINUX + 3 * FUNC_SIZE },
	{ "dup",	VMLINUX + 4 * FUNC_SIZE },
	{ "dup",	VMLINUX + 5 * FUNC_SIZE },
	{ "dup",	VMLINUX_INIT + 1 * FUNC_SIZE },
	{ "f1.cold",	VMLINUX + 6 * FUNC_SIZE },
	{ "alias.cold.3", VMLINUX + 7 * FUNC_SIZE },
	/* ftrace cannot reach those from here on. */
	{ "deaf",	VMLINUX + 8 * FUNC_SIZE },
	{ "early",	VMLINUX_INIT },
	{ "data",	VMLINUX_DATA },
};

const char *fuzz_vmlinux_name(unsigned int nr)
{
	return nr < ARRAY_SIZE(vmlinux) ? vmlinux[nr].name : NULL;
}

unsigned long fuzz_vmlinux_addr(unsigned int nr)
{
	return nr < ARRAY_SIZE(vmlinux) ? vmlinux[nr].addr : 0;
}

int kallsyms_on_each_symbol(int (*visit)(void *data, const char *name, unsigned long addr),
			    void *data)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(vmlinux) && !ret; i++)
		ret = visit(data, vmlinux[i].name, vmlinux[i].addr);
	return ret;
}

int kallsyms_on_each_match_symbol(int (*visit)(void *data, unsigned long addr), const char *name,
				  void *data)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(vmlinux) && !ret; i++) {
		if (!strcmp(vmlinux[i].name, name))
			ret = visit(data, vmlinux[i].addr);
	}
	return ret;
}

static const struct symbol *symbol_at(unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vmlinux); i++) {
		if (addr - vmlinux[i].addr < FUNC_SIZE)
			return &vmlinux[i];
	}
	return NULL;
}

bool kallsyms_lookup_size_offset(unsigned long addr, unsigned long *size, unsigned long *offset)
{
	*size = FUNC_SIZE;
	return symbol_at(addr) || __module_address(addr);
}

bool core_kernel_text(unsigned long addr)
{
	return addr - VMLINUX < 0x10 * FUNC_SIZE;
}

bool is_kernel_inittext(unsigned long addr)
{
	return addr - VMLINUX_INIT < 0x10 * FUNC_SIZE;
}

bool is_kernel_rodata(unsigned long addr)
{
	return false;
}

bool init_section_contains(const void *at, size_t size)
{
	return is_kernel_inittext((unsigned long)at);
}

/* ---- ftrace */

static struct ftrace_ops *registered[256];

int ftrace_is_dead(void)
{
	return 0;
}

/* In vmlinux and in modules, what begins a symbol. */
unsigned long ftrace_location_range(unsigned long start, unsigned long end)
{
	const struct symbol *symbol = symbol_at(start);

	if (symbol)
		return core_kernel_text(start) && strcmp(symbol->name, "deaf") &&
			symbol->addr == start ? start : 0;
	return __module_address(start) ? start : 0;
}

int ftrace_set_filter_ips(struct ftrace_ops *ops, unsigned long *ips, unsigned int nr, int remove,
			  int reset)
{
	unsigned int i, j;

	if (reset)
		ops->nr = 0;
	for (i = 0; i < nr; i++) {
		if (!remove && ops->nr == FTRACE_PLACES)
			return -ENOMEM;
		for (j = 0; remove && j < ops->nr && ops->place[j] != ips[i]; j++)
			;
		if (!remove)
			ops->place[ops->nr++] = ips[i];
		else if (j < ops->nr)
			ops->place[j] = ops->place[--ops->nr];
		else
			violated("ftrace: %#lx is not in the filter", ips[i]);
	}
	return 0;
}

int register_ftrace_function(struct ftrace_ops *ops)
{
	unsigned int i, j, k, room = ARRAY_SIZE(registered);

	for (i = 0; i < ARRAY_SIZE(registered); i++) {
		if (!registered[i] && room == ARRAY_SIZE(registered))
			room = i;
		for (j = 0; registered[i] && j < registered[i]->nr; j++) {
			for (k = 0; k < ops->nr; k++) {
				if (registered[i]->place[j] == ops->place[k])
					violated("ftrace: two handlers at %#lx", ops->place[k]);
			}
		}
	}
	for (k = 0; k < ops->nr; k++) {
		if (fuzz.refuses && ops->place[k] == fuzz.refuses)
			return -EBUSY;
	}
	if (room == ARRAY_SIZE(registered))
		return -ENOMEM;
	registered[room] = ops;
	ops->flags |= FTRACE_OPS_FL_ENABLED;
	fuzz.ftrace++;
	return 0;
}

int unregister_ftrace_function(struct ftrace_ops *ops)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(registered); i++) {
		if (registered[i] != ops)
			continue;
		registered[i] = NULL;
		ops->flags &= ~FTRACE_OPS_FL_ENABLED;
		fuzz.ftrace--;
		return 0;
	}
	return -EINVAL;
}

/* What the instructions there tell: all is as it should be. */
bool klp_place_fits(unsigned long start, unsigned long ip)
{
	return ip == start;
}

bool klp_place_leads(unsigned long ip, unsigned long trampoline)
{
	return true;
}

void klp_trampoline_offer(struct ftrace_ops *fops) { }

int klp_trampoline_forbid(struct klp_ranges **set)
{
	return 0;
}
