// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does a livepatch module reach symbols that are not exported to it?
 *
 * Such a reference is a relocation in a section called .klp.rela.OBJECT.SECTION against a symbol
 * called .klp.sym.OBJECT.NAME,POSITION. Those of vmlinux are written while the livepatch module
 * is loaded, those of a module once that module is there, and are cleared when it goes, because
 * the architecture refuses to relocate a place that is not empty. Documentation/livepatch/
 * module-elf-format.rst has the format.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/elf.h>
#include <linux/moduleloader.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "internal.h"

/* A livepatch symbol, and what its name says. */
struct klp_reloc {
	Elf_Sym *sym;
	char *text;
	struct klp_reloc_name name;
};

/**
 * struct klp_relocs - the livepatch symbols that a section refers to, once each
 * @pmod: the livepatch module
 * @object: the object that the section belongs to
 * @nr: number of @reloc and @want
 * @reloc: the symbols, those of one object side by side
 * @want: the questions about them, in the same order
 */
struct klp_relocs {
	const struct module *pmod;
	const char *object;
	unsigned int nr;
	struct klp_reloc *reloc;
	struct klp_symbol *want;
};

static int klp_reloc_cmp(const void *a, const void *b)
{
	const struct klp_reloc *x = a, *y = b;
	int cmp = strcmp(x->name.obj, y->name.obj);

	return cmp ?: (x->sym < y->sym ? -1 : x->sym > y->sym);
}

/* Is the symbol as it should be, and may the section refer to it? */
static int klp_reloc_read(const struct klp_relocs *relocs, struct klp_reloc *reloc, Elf_Sym *sym,
			  const char *text)
{
	const char *who = relocs->pmod->name;

	if (sym->st_shndx != SHN_LIVEPATCH) {
		pr_err("patch '%s': symbol '%s' in a livepatch relocation section is not a livepatch symbol\n",
		       who, text);
		return -EINVAL;
	}

	reloc->sym = sym;
	reloc->text = kstrdup(text, GFP_KERNEL);
	if (!reloc->text)
		return -ENOMEM;
	if (klp_reloc_parse(reloc->text, &reloc->name)) {
		pr_err("patch '%s': malformed livepatch symbol '%s'\n", who, text);
		return -EINVAL;
	}

	/*
	 * Written late, it would be missed by what runs over the module's special sections while
	 * the module is loaded.
	 */
	if (!strcmp(reloc->name.obj, "vmlinux") && strcmp(relocs->object, "vmlinux")) {
		pr_err("patch '%s': relocations for module '%s' must not refer to vmlinux symbol '%s'\n",
		       who, relocs->object, reloc->name.sym);
		return -EINVAL;
	}
	return 0;
}

/*
 * The module that symbols are looked up in. The one that is patched cannot go meanwhile; of
 * another one a reference is taken. That one must be live: as long as it is coming, it may fail
 * to, and nobody would wait for us.
 */
static struct module *klp_reloc_get_module(const struct klp_relocs *relocs, const char *objname)
{
	struct module *mod;

	rcu_read_lock_sched();
	mod = find_module(objname);
	if (mod && strcmp(objname, relocs->object) &&
	    (READ_ONCE(mod->state) != MODULE_STATE_LIVE || !try_module_get(mod)))
		mod = NULL;
	rcu_read_unlock_sched();
	return mod;
}

static void klp_reloc_put_module(const struct klp_relocs *relocs, struct module *mod)
{
	if (mod && strcmp(mod->name, relocs->object))
		module_put(mod);
}

/* Symbols of one object: find their addresses and note them in the module's symbol table. */
static int klp_reloc_locate(const struct klp_relocs *relocs, unsigned int first, unsigned int nr)
{
	const struct klp_reloc *reloc = &relocs->reloc[first];
	struct klp_symbol *want = &relocs->want[first];
	const char *objname = reloc->name.obj;
	struct module *mod = NULL;
	unsigned int i;
	int ret;

	if (strcmp(objname, "vmlinux")) {
		mod = klp_reloc_get_module(relocs, objname);
		if (!mod) {
			pr_err("patch '%s': symbol '%s' refers to module '%s', which is not loaded\n",
			       relocs->pmod->name, reloc->name.sym, objname);
			return -EINVAL;
		}
	}

	ret = klp_symbols_locate(mod, want, nr);
	for (i = 0; i < nr && !ret; i++)
		ret = klp_symbol_check(&want[i], relocs->pmod->name, objname);
	for (i = 0; i < nr && !ret; i++)
		reloc[i].sym->st_value = want[i].addr;

	klp_reloc_put_module(relocs, mod);
	return ret;
}

/* All symbols have been read: look up those of each object in one go. */
static int klp_reloc_locate_all(struct klp_relocs *relocs)
{
	unsigned int i, nr, first;
	int ret = 0;

	sort(relocs->reloc, relocs->nr, sizeof(*relocs->reloc), klp_reloc_cmp, NULL);
	for (i = 0; i < relocs->nr; i++) {
		relocs->want[i].name = relocs->reloc[i].name.sym;
		relocs->want[i].pos = relocs->reloc[i].name.pos;
	}

	for (first = 0; first < relocs->nr && !ret; first += nr) {
		const char *objname = relocs->reloc[first].name.obj;

		for (nr = 1; first + nr < relocs->nr; nr++) {
			if (strcmp(relocs->reloc[first + nr].name.obj, objname))
				break;
		}
		ret = klp_reloc_locate(relocs, first, nr);
	}
	return ret;
}

/* Mark the symbols that a section refers to; @size is that of the section which is relocated. */
static int klp_reloc_mark(const struct klp_relocs *relocs, const Elf_Shdr *sec, unsigned long size,
			  unsigned long *used, unsigned int nr_syms)
{
	const Elf_Rela *rela = (const Elf_Rela *)sec->sh_addr;
	unsigned int i, ndx;

	for (i = 0; i < sec->sh_size / sizeof(*rela); i++) {
		if (rela[i].r_offset > size ||
		    size - rela[i].r_offset < klp_reloc_width(ELF_R_TYPE(rela[i].r_info))) {
			pr_err("patch '%s': livepatch relocation %u for '%s' is outside of its section\n",
			       relocs->pmod->name, i, relocs->object);
			return -EINVAL;
		}
		ndx = ELF_R_SYM(rela[i].r_info);
		if (ndx >= nr_syms) {
			pr_err("patch '%s': livepatch relocation %u for '%s' has no symbol\n",
			       relocs->pmod->name, i, relocs->object);
			return -EINVAL;
		}
		__set_bit(ndx, used);
	}
	return 0;
}

static int klp_reloc_alloc(struct klp_relocs *relocs, unsigned int nr)
{
	relocs->reloc = kvcalloc(nr, sizeof(*relocs->reloc), GFP_KERNEL);
	relocs->want = kvcalloc(nr, sizeof(*relocs->want), GFP_KERNEL);
	return relocs->reloc && relocs->want ? 0 : -ENOMEM;
}

static void klp_reloc_free(struct klp_relocs *relocs)
{
	while (relocs->nr--)
		kfree(relocs->reloc[relocs->nr].text);
	kvfree(relocs->reloc);
	kvfree(relocs->want);
}

/* Every symbol that a section refers to, once each. */
static int klp_reloc_resolve(struct module *pmod, Elf_Shdr *sechdrs, const char *strtab,
			     unsigned int symndx, const Elf_Shdr *sec, const char *sec_obj)
{
	Elf_Sym *symtab = (Elf_Sym *)sechdrs[symndx].sh_addr;
	unsigned int nr_syms = sechdrs[symndx].sh_size / sizeof(*symtab);
	unsigned long *used __free(bitmap) = bitmap_zalloc(nr_syms, GFP_KERNEL);
	struct klp_relocs relocs = { .pmod = pmod, .object = sec_obj };
	unsigned int ndx;
	int ret;

	if (!used)
		return -ENOMEM;
	ret = klp_reloc_mark(&relocs, sec, sechdrs[sec->sh_info].sh_size, used, nr_syms);
	if (ret)
		return ret;
	if (bitmap_empty(used, nr_syms))
		return 0;

	ret = klp_reloc_alloc(&relocs, bitmap_weight(used, nr_syms));
	for (ndx = 0; !ret && (ndx = find_next_bit(used, nr_syms, ndx)) < nr_syms; ndx++)
		ret = klp_reloc_read(&relocs, &relocs.reloc[relocs.nr++], &symtab[ndx],
				     strtab + symtab[ndx].st_name);
	if (!ret)
		ret = klp_reloc_locate_all(&relocs);
	klp_reloc_free(&relocs);
	return ret;
}

/*
 * Can a section be used for what its flag says? The module loader goes by that flag alone. What
 * it has as relocations or names is read as it is, and must not be written to.
 */
static int klp_reloc_check_section(const struct module *pmod, const Elf_Shdr *sechdrs,
				   unsigned int secndx)
{
	const Elf_Shdr *sec = &sechdrs[secndx];

	if (sec->sh_type != SHT_RELA) {
		pr_err("patch '%s': livepatch relocation section %u is of another type\n",
		       pmod->name, secndx);
		return -EINVAL;
	}
	switch (sechdrs[sec->sh_info].sh_type) {
	case SHT_RELA:
	case SHT_REL:
	case SHT_SYMTAB:
	case SHT_STRTAB:
		pr_err("patch '%s': livepatch relocation section %u is for a table of the file\n",
		       pmod->name, secndx);
		return -EINVAL;
	}
	return 0;
}

/* Those of a module are read again when that module comes: is the section there until then? */
static int klp_reloc_check_lifetime(const struct module *pmod, const Elf_Shdr *sec,
				    const char *secname, const char *sec_obj)
{
	if (sec->sh_flags & SHF_ALLOC || !strcmp(sec_obj, "vmlinux"))
		return 0;
	pr_err("patch '%s': livepatch relocation section '%s' is not kept in memory\n", pmod->name,
	       secname);
	return -EINVAL;
}

/* Does a livepatch relocation section belong to the object? Negative: its name is malformed. */
static int klp_reloc_concerns(const struct module *pmod, const char *secname, const char *objname,
			      char *sec_obj)
{
	if (!str_has_prefix(secname, KLP_RELOC_SEC_PREFIX) ||
	    !klp_reloc_copy_obj(secname + strlen(KLP_RELOC_SEC_PREFIX), sec_obj)) {
		pr_err("patch '%s': malformed name of livepatch relocation section '%s'\n",
		       pmod->name, secname);
		return -EINVAL;
	}
	return !strcmp(objname ?: "vmlinux", sec_obj);
}

/**
 * clear_relocate_add() - empty the places that a relocation section has filled
 * @sechdrs: section headers of the module
 * @strtab: names of its symbols
 * @symindex: index of its symbol table
 * @relsec: index of the relocation section
 * @me: the module
 *
 * For architectures that do not mind relocating twice and so have nothing to clear.
 */
void __weak clear_relocate_add(Elf_Shdr *sechdrs, const char *strtab, unsigned int symindex,
			       unsigned int relsec, struct module *me)
{
}

/**
 * klp_apply_section_relocs() - write one livepatch relocation section
 * @pmod: the livepatch module
 * @sechdrs: its section headers
 * @shstrtab: names of its sections
 * @strtab: names of its symbols
 * @symndx: index of its symbol table
 * @secndx: index of the relocation section
 * @objname: the object whose symbols are known by now, NULL for vmlinux
 *
 * Sections of other objects are left alone.
 *
 * Context: process context, may sleep; called by the module loader before the module's text is
 * sealed, and by klp_reloc_apply().
 * Return: 0, or a negative error after a message.
 */
int klp_apply_section_relocs(struct module *pmod, Elf_Shdr *sechdrs, const char *shstrtab,
			     const char *strtab, unsigned int symndx, unsigned int secndx,
			     const char *objname)
{
	const Elf_Shdr *sec = &sechdrs[secndx];
	char sec_obj[MODULE_NAME_LEN];
	int ret, concerns;

	ret = klp_reloc_check_section(pmod, sechdrs, secndx);
	if (ret)
		return ret;
	concerns = klp_reloc_concerns(pmod, shstrtab + sec->sh_name, objname, sec_obj);
	if (concerns < 0)
		return concerns;
	ret = klp_reloc_check_lifetime(pmod, sec, shstrtab + sec->sh_name, sec_obj);
	if (ret || !concerns)
		return ret;

	ret = klp_reloc_resolve(pmod, sechdrs, strtab, symndx, sec, sec_obj);
	if (ret)
		return ret;
	ret = apply_relocate_add(sechdrs, strtab, symndx, secndx, pmod);
	/* It has stopped where something was wrong, and so does this. */
	if (ret)
		clear_relocate_add(sechdrs, strtab, symndx, secndx, pmod);
	return ret;
}

/*
 * The next livepatch relocation section for a section that is there: those for init code are over
 * when the init function is, and what is not loaded has never been there.
 */
static bool klp_reloc_next(const struct module *pmod, unsigned int *secndx)
{
	const struct klp_modinfo *info = pmod->klp_info;

	while (++*secndx < info->hdr.e_shnum) {
		const Elf_Shdr *sec = &info->sechdrs[*secndx];

		if ((sec->sh_flags & SHF_RELA_LIVEPATCH) && sec->sh_info < info->hdr.e_shnum &&
		    within_module(info->sechdrs[sec->sh_info].sh_addr, pmod))
			return true;
	}
	return false;
}

/* Clear the sections that concern an object, up to section @end. */
static void klp_reloc_clear_until(struct module *pmod, const char *objname, unsigned int end)
{
	const struct klp_modinfo *info = pmod->klp_info;
	char sec_obj[MODULE_NAME_LEN];
	unsigned int secndx = 0;

	while (klp_reloc_next(pmod, &secndx) && secndx < end) {
		const char *secname = info->secstrings + info->sechdrs[secndx].sh_name;

		if (klp_reloc_concerns(pmod, secname, objname, sec_obj) > 0)
			clear_relocate_add(info->sechdrs, pmod->core_kallsyms.strtab,
					   info->symndx, secndx, pmod);
	}
}

/**
 * klp_reloc_apply() - write all relocations of a loaded livepatch module that concern a module
 * @pmod: the livepatch module
 * @objname: name of the module that is patched
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0, or a negative error after a message, upon which no section is left written.
 */
int klp_reloc_apply(struct module *pmod, const char *objname)
{
	const struct klp_modinfo *info = pmod->klp_info;
	unsigned int secndx = 0;
	int ret;

	while (klp_reloc_next(pmod, &secndx)) {
		ret = klp_apply_section_relocs(pmod, info->sechdrs, info->secstrings,
					       pmod->core_kallsyms.strtab, info->symndx, secndx,
					       objname);
		if (ret) {
			klp_reloc_clear_until(pmod, objname, secndx);
			return ret;
		}
	}
	return 0;
}

/**
 * klp_reloc_clear() - undo klp_reloc_apply()
 * @pmod: the livepatch module
 * @objname: name of the module that is patched
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_reloc_clear(struct module *pmod, const char *objname)
{
	klp_reloc_clear_until(pmod, objname, UINT_MAX);
}

/**
 * klp_find_section_by_name() - find a section of a livepatch module
 * @mod: the livepatch module
 * @name: name of the section
 * @sec_size: where to store its size in bytes, 0 when there is no such section
 *
 * Init sections can be found, and used, only until the module's init function has returned.
 *
 * Context: any; the module must be alive.
 * Return: the section's address, or NULL when @mod is no livepatch module or has no such section in
 * memory.
 */
void *klp_find_section_by_name(const struct module *mod, const char *name, size_t *sec_size)
{
	const struct klp_modinfo *info = mod->klp_info;
	unsigned int i;

	*sec_size = 0;
	if (!info)
		return NULL;

	for (i = 1; i < info->hdr.e_shnum; i++) {
		const Elf_Shdr *sec = &info->sechdrs[i];

		/* What was only in the file is not there any more. */
		if (!(sec->sh_flags & SHF_ALLOC) || sec->sh_type == SHT_NULL ||
		    strcmp(info->secstrings + sec->sh_name, name))
			continue;
		*sec_size = sec->sh_size;
		return (void *)sec->sh_addr;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(klp_find_section_by_name);
