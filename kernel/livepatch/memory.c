// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is what the author of a patch points to there, and for as long as the patch may need it?
 *
 * Where it lies tells: what is on the stack or in init memory is gone soon after the patch has come
 * in; what is read-only cannot be used for lists and reference counts; and only text is code. For
 * memory that was allocated the author answers.
 *
 * An array in a module cannot reach beyond its symbol, so an array without an end is found out
 * before anything behind it is taken for an entry. The symbol table of a livepatch module is
 * complete, with sizes, by the time that its init runs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/elf.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sched/task_stack.h>
#include <linux/string.h>
#include <asm/sections.h>
#include "internal.h"

/* Say what is wrong with something of @patch: -EINVAL. */
static int klp_memory_blame(const struct klp_patch *patch, const char *what, va_list *args,
			    const char *fault)
{
	struct va_format vaf = { .fmt = what, .va = args };

	pr_err("patch '%s': %pV %s\n", patch->mod->name, &vaf, fault);
	return -EINVAL;
}

/* The module that something lies in, NULL when it is none. With preemption off. */
static const struct module *klp_memory_owner(const struct klp_patch *patch, unsigned long addr)
{
	return within_module(addr, patch->mod) ? patch->mod : __module_address(addr);
}

/* Why data at @ptr cannot be what the patch keeps pointing to; NULL when it can. */
static const char *klp_memory_data_fault(const struct klp_patch *patch, const void *ptr,
					 enum klp_access access)
{
	const char *fixed = access == KLP_WRITTEN ? "lies in read-only memory" : NULL;
	unsigned long addr = (unsigned long)ptr;
	const struct module *mod;

	scoped_guard(preempt) {
		mod = klp_memory_owner(patch, addr);
		if (mod && within_module_init(addr, mod))
			return "lies in init memory";
		if (mod)
			return within_module_mem_type(addr, mod, MOD_DATA) ? NULL : fixed;
	}

	if (object_is_on_stack(ptr))
		return "lies on the stack";
	/* Later, pages from there may have been allocated again. */
	if (system_state < SYSTEM_FREEING_INITMEM && init_section_contains((void *)ptr, 1))
		return "lies in init memory";
	return is_kernel_rodata(addr) || core_kernel_text(addr) ? fixed : NULL;
}

/**
 * klp_memory_check_data() - may a patch keep a pointer to this?
 * @patch: the patch
 * @ptr: where it points, may be NULL
 * @access: whether the core writes there
 * @what: what lies there, as for printf()
 *
 * Context: the task that enables the patch, for its stack is looked at; any.
 * Return: 0, or -EINVAL after a message.
 */
int klp_memory_check_data(const struct klp_patch *patch, const void *ptr, enum klp_access access,
			  const char *what, ...)
{
	const char *fault = ptr ? klp_memory_data_fault(patch, ptr, access) : NULL;
	va_list args;
	int ret;

	if (!fault)
		return 0;

	va_start(args, what);
	ret = klp_memory_blame(patch, what, &args, fault);
	va_end(args);
	return ret;
}

/* Why @code cannot be a function that is called as long as the patch is there; NULL when it can. */
static const char *klp_memory_code_fault(const struct klp_patch *patch, const void *code)
{
	unsigned long addr = (unsigned long)code;
	const struct module *mod;

	scoped_guard(preempt) {
		mod = klp_memory_owner(patch, addr);
		if (mod && within_module_mem_type(addr, mod, MOD_TEXT))
			return NULL;
		if (mod && within_module_mem_type(addr, mod, MOD_INIT_TEXT))
			return "is init code";
		if (mod)
			return "is not code";
	}

	if (is_kernel_inittext(addr))
		return "is init code";
	return core_kernel_text(addr) ? NULL : "is not code";
}

/**
 * klp_memory_check_code() - may a patch keep a pointer to this function?
 * @patch: the patch
 * @code: the function, may be NULL
 * @what: what it is for, as for printf()
 *
 * Context: any.
 * Return: 0, or -EINVAL after a message.
 */
int klp_memory_check_code(const struct klp_patch *patch, const void *code, const char *what, ...)
{
	const char *fault = code ? klp_memory_code_fault(patch, code) : NULL;
	va_list args;
	int ret;

	if (!fault)
		return 0;

	va_start(args, what);
	ret = klp_memory_blame(patch, what, &args, fault);
	va_end(args);
	return ret;
}

/* The end of memory of a module, @addr lies in it. */
static unsigned long klp_memory_last(const struct module *mod, unsigned long addr)
{
	for_each_mod_mem_type(type) {
		if (within_module_mem_type(addr, mod, type))
			return (unsigned long)mod->mem[type].base + mod->mem[type].size;
	}
	return ULONG_MAX;
}

/*
 * Where the object of a module ends that @addr lies in, or begins at when it has no size; ULONG_MAX
 * when it is in no memory of the module.
 */
static unsigned long klp_memory_end(const struct module *mod, unsigned long addr)
{
	const struct mod_kallsyms *table = &mod->core_kallsyms;
	unsigned long end = 0;
	unsigned int i;

	if (!within_module(addr, mod))
		return ULONG_MAX;

	for (i = 1; i < table->num_symtab; i++) {
		const typeof(*table->symtab) *sym = &table->symtab[i];

		if (ELF_ST_TYPE(sym->st_info) == STT_OBJECT && sym->st_shndx != SHN_UNDEF &&
		    (addr == sym->st_value || addr - sym->st_value < sym->st_size))
			end = max(end, (unsigned long)(sym->st_value + sym->st_size));
	}
	return end ?: klp_memory_last(mod, addr);
}

/**
 * klp_memory_check_end() - does an array have an end?
 * @patch: the patch
 * @array: the array, may be NULL
 * @shape: its entries
 * @what: what it is, as for printf()
 *
 * Context: any.
 * Return: 0 when there is an empty entry, or -EINVAL after a message.
 */
int klp_memory_check_end(const struct klp_patch *patch, const void *array, struct klp_shape shape,
			 const char *what, ...)
{
	unsigned long end = klp_memory_end(patch->mod, (unsigned long)array);
	const void *entry;
	va_list args;
	int ret;

	for (entry = array; entry; entry += shape.stride) {
		if (end - (unsigned long)entry < shape.stride)
			break;
		if (!memchr_inv(entry, 0, shape.head))
			return 0;
	}
	if (!entry)
		return 0;

	va_start(args, what);
	ret = klp_memory_blame(patch, what, &args, "has no empty entry at its end");
	va_end(args);
	return ret;
}
