// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp load --dry-run: what else can be told without loading a patch?  Whether the symbols that it
 * takes are exported, whether the functions that it replaces exist and are unambiguous, and what
 * it means for the patches that are in force.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "image.h"

#define EXPORT		"__ksymtab_"
#define KLP_SYM		".klp.sym."
#ifndef SHN_LIVEPATCH
#define SHN_LIVEPATCH	0xff20
#endif

/* A line of /proc/kallsyms; the object is "vmlinux" or a module. */
struct symbol {
	const char *name;
	const char *object;
};

struct symbols {
	char *text;
	struct symbol *symbol;
	size_t nr;
	int exports;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

/* Address, type, name, and a module in brackets behind a tab. */
static int take_line(char *line, struct symbol *symbol)
{
	char *name = strchr(line, ' '), *object;

	name = name ? strchr(name + 1, ' ') : NULL;
	if (!name)
		return 0;
	symbol->name = ++name;
	symbol->object = "vmlinux";
	object = strchr(name, '\t');
	if (object) {
		*object = '\0';
		object += 1 + (object[1] == '[');
		object[strcspn(object, "]")] = '\0';
		symbol->object = object;
	}
	return 1;
}

static void symbols_read(struct symbols *all)
{
	char *path = rooted("/proc/kallsyms"), *rest, *line;
	size_t room = 1;

	memset(all, 0, sizeof(*all));
	all->text = read_all(path);
	rest = all->text;
	free(path);
	for (const char *c = rest; c && *c; c++)
		room += *c == '\n';
	all->symbol = allocate(room * sizeof(*all->symbol));
	while (rest && (line = strsep(&rest, "\n"))) {
		if (!take_line(line, &all->symbol[all->nr]))
			continue;
		if (!strncmp(all->symbol[all->nr].name, EXPORT, strlen(EXPORT)))
			all->exports = 1;
		all->nr++;
	}
	qsort(all->symbol, all->nr, sizeof(*all->symbol), by_name);
}

static void symbols_free(struct symbols *all)
{
	free(all->symbol);
	free(all->text);
}

/* How many of this name are in the object, or in any if that is NULL? */
static size_t symbols_count(const struct symbols *all, const char *name, const char *object)
{
	const struct symbol key = { .name = name };
	const struct symbol *end = all->symbol + all->nr;
	const struct symbol *s = bsearch(&key, all->symbol, all->nr, sizeof(key), by_name);
	size_t nr = 0;

	while (s && s > all->symbol && !strcmp(s[-1].name, name))
		s--;
	for (; s && s < end && !strcmp(s->name, name); s++)
		nr += !object || !strcmp(s->object, object);
	return nr;
}

static int check_export(const struct symbols *all, const struct module_file *m, const char *name)
{
	char *export = format("%s%s", all->exports ? EXPORT : "", name);
	int found = symbols_count(all, export, NULL) > 0;

	free(export);
	if (found)
		return 0;
	error("%s needs symbol %s, which %s", m->path, name,
	      symbols_count(all, name, NULL) ? "is not exported" : "does not exist");
	next_step("load the module that has it, or get the patch for this kernel");
	return 1;
}

/* POSITION counts from 1, 0 stands for the only one. */
static int check_place(const struct symbols *all, const struct module_file *m, const char *object,
		       const char *name, unsigned long position)
{
	size_t nr;

	/* What is not loaded cannot be looked at, and is patched when it comes. */
	if (strcmp(object, "vmlinux") && !module_loaded(object))
		return 0;
	nr = symbols_count(all, name, object);
	if (!nr)
		error("%s: %s has no symbol %s", m->path, object, name);
	else if (position > nr)
		error("%s: %s has %zu symbols %s, there is no number %lu", m->path, object, nr,
		      name, position);
	else if (!position && nr > 1)
		error("%s: %s has %zu symbols %s, the patch does not say which one it means",
		      m->path, object, nr, name);
	else
		return 0;
	next_step("get the patch for this kernel, from those who have built it");
	return 1;
}

/* .klp.sym.OBJECT.NAME,POSITION */
static int check_livepatch_symbol(const struct symbols *all, const struct module_file *m,
				  const char *text)
{
	char *object = copy(text + strlen(KLP_SYM)), *name = strchr(object, '.'), *comma;
	int bad = 0;

	comma = name ? strrchr(name, ',') : NULL;
	if (comma) {
		*name++ = '\0';
		*comma = '\0';
		bad = check_place(all, m, object, name, strtoul(comma + 1, NULL, 10));
	}
	free(object);
	return bad;
}

static int check_symbol(const struct symbols *all, const struct module_file *m,
			const ElfW(Shdr) *table, const ElfW(Sym) *sym)
{
	const char *name = image_string(m->image, table->sh_link, sym->st_name);

	if (!name || !*name)
		return 0;
	if (sym->st_shndx == SHN_LIVEPATCH && !strncmp(name, KLP_SYM, strlen(KLP_SYM)))
		return check_livepatch_symbol(all, m, name);
	if (sym->st_shndx != SHN_UNDEF || ELF64_ST_BIND(sym->st_info) == STB_WEAK)
		return 0;
	return check_export(all, m, name);
}

static int check_symbols(const struct symbols *all, const struct module_file *m)
{
	int bad = 0;

	for (size_t i = 0; i < m->image->head.e_shnum; i++) {
		ElfW(Shdr) s;
		ElfW(Sym) sym;

		if (image_section(m->image, i, &s) || s.sh_type != SHT_SYMTAB)
			continue;
		for (size_t at = 0; at + sizeof(sym) <= s.sh_size; at += sizeof(sym)) {
			memcpy(&sym, m->image->data + s.sh_offset + at, sizeof(sym));
			bad |= check_symbol(all, m, &s, &sym);
		}
	}
	return bad;
}

static int check_functions(const struct symbols *all, const struct module_file *m)
{
	int bad = 0;

	for (size_t i = 0; i < m->tables.nr; i++) {
		const struct object *object = &m->tables.objects[i];

		for (size_t j = 0; j < object->nr; j++)
			bad |= check_place(all, m, object->name, object->functions[j].name,
					   object->functions[j].sympos);
	}
	return bad;
}

/* What becomes of one that is in force? */
static int check_other(const struct module_file *m, const struct patch *other)
{
	const char *shared = objects_shared(m->tables.objects, m->tables.nr, other->objects,
					   other->nr);
	long set = m->tables.replace_set;

	if (m->tables.replace == 1 &&
	    (other->replace_set == UNKNOWN || tables_cover(&m->tables, other->replace_set))) {
		tell("  replaces %s", other->name);
		return 0;
	}
	if (!shared)
		return 0;
	if (other->replace_set == UNKNOWN || other->replace_set == set) {
		tell("  goes on top of %s, which has function %s, too", other->name, shared);
		return 0;
	}
	error("%s: patch %s of set %ld and patch %s of set %ld both have function %s", m->path,
	      m->name, set, other->name, other->replace_set, shared);
	next_step("patches of different sets have nothing in common: klp unload %s", other->name);
	return 1;
}

static int check_others(const struct module_file *m)
{
	struct patches all;
	int bad = 0;

	if (m->tables.replace == UNKNOWN) {
		tell("  does not tell before it is loaded what it patches and replaces");
		return 0;
	}
	patches_read(&all);
	for (size_t i = 0; i < all.nr; i++) {
		if (!all.patch[i].inactive)
			bad |= check_other(m, &all.patch[i]);
	}
	patches_free(&all);
	return bad;
}

/* What becomes of one that will be in force by then?  After check_module() has found nothing. */
int verify_after(const struct module_file *m, const struct module_file *before)
{
	const struct patch other = {
		.name = before->name,
		.replace_set = before->tables.replace_set,
		.objects = before->tables.objects,
		.nr = before->tables.nr,
	};

	return m->tables.replace == UNKNOWN ? 0 : check_other(m, &other);
}

/* After check_module() has found nothing. */
int verify_module(const struct module_file *m)
{
	struct symbols all;
	int bad = 0;

	symbols_read(&all);
	if (all.nr) {
		bad |= check_symbols(&all, m);
		bad |= check_functions(&all, m);
	} else {
		tell("  %s/proc/kallsyms cannot be read: its symbols have not been checked", root);
	}
	symbols_free(&all);
	if (is_left_over(m->name))
		tell("  its module is still loaded, from before, and would be removed first");
	bad |= check_others(m);
	if (bad)
		return KLP_FAILED;
	tell("%s: patch %s can be loaded, as far as it shows without loading it", m->path, m->name);
	return KLP_OK;
}
