// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does a patch say of itself before it is loaded?  Its tables, struct klp_patch and what that
 * points to, as they lie in the file: plain static data and relocations.  A patch that fills them
 * in at run time tells nothing here, and neither does one whose structures have another layout.
 */
#include <stdlib.h>
#include <string.h>
#include "image.h"

/* include/linux/livepatch.h has static_asserts on these, for 64 bits. */
#define PATCH_SIZE	200
#define PATCH_OBJS	8
#define PATCH_REPLACE	24
#define PATCH_SET	28
#define PATCH_SUPERSEDES 144
#define OBJECT_STRIDE	168
#define OBJECT_FUNCS	8
#define FUNC_STRIDE	152
#define FUNC_NEW	8
#define FUNC_SYMPOS	16
#define FUNC_GUARD	146

/* A place in a section that is filled in with an address when the module is loaded. */
struct pointer {
	size_t section;
	size_t offset;
	size_t to_section;
	size_t to_offset;
	int to_module;
};

struct pointers {
	const struct image *image;
	struct pointer *p;
	size_t nr;
};

static int by_place(const void *a, const void *b)
{
	const struct pointer *p = a, *q = b;

	if (p->section != q->section)
		return p->section < q->section ? -1 : 1;
	return (p->offset > q->offset) - (p->offset < q->offset);
}

static const struct pointer *pointer_at(const struct pointers *all, size_t in, size_t offset)
{
	const struct pointer key = { .section = in, .offset = offset };

	return all->nr ? bsearch(&key, all->p, all->nr, sizeof(key), by_place) : NULL;
}

static int is_code(const struct image *image, size_t in)
{
	ElfW(Shdr) s;

	return !image_section(image, in, &s) && (s.sh_flags & SHF_EXECINSTR);
}

static int take_relocation(struct pointers *all, const ElfW(Shdr) *relocations, const ElfW(Rela) *r)
{
	ElfW(Shdr) symbols;
	struct pointer *p;
	const char *name;
	ElfW(Sym) sym;
	const void *at;

	if (image_section(all->image, relocations->sh_link, &symbols))
		return -1;
	at = image_bytes(all->image, relocations->sh_link,
			 ELF64_R_SYM(r->r_info) * sizeof(sym), sizeof(sym));
	if (!at)
		return -1;
	memcpy(&sym, at, sizeof(sym));
	name = image_string(all->image, symbols.sh_link, sym.st_name);
	p = &all->p[all->nr++];
	p->section = relocations->sh_info;
	p->offset = r->r_offset;
	p->to_section = sym.st_shndx;
	p->to_offset = sym.st_value + r->r_addend;
	p->to_module = name && !strcmp(name, "__this_module") && !r->r_addend;
	return 0;
}

/* Those in data; the ones in code are many, and of no use here. */
static int take_relocations(struct pointers *all, const ElfW(Shdr) *relocations)
{
	size_t nr = relocations->sh_size / sizeof(ElfW(Rela));
	ElfW(Shdr) target;

	if (image_section(all->image, relocations->sh_info, &target) ||
	    !(target.sh_flags & SHF_ALLOC) || (target.sh_flags & SHF_EXECINSTR))
		return 0;
	all->p = grow_by(all->p, all->nr, nr, sizeof(*all->p));
	for (size_t i = 0; i < nr; i++) {
		ElfW(Rela) r;

		memcpy(&r, all->image->data + relocations->sh_offset + i * sizeof(r), sizeof(r));
		if (take_relocation(all, relocations, &r))
			return -1;
	}
	return 0;
}

static int collect(struct pointers *all)
{
	for (size_t i = 0; i < all->image->head.e_shnum; i++) {
		ElfW(Shdr) s;

		if (image_section(all->image, i, &s) ||
		    (s.sh_type == SHT_RELA && take_relocations(all, &s)))
			return -1;
	}
	if (all->nr)
		qsort(all->p, all->nr, sizeof(*all->p), by_place);
	return 0;
}

static int read_function(const struct pointers *all, struct object *object,
			 const struct pointer *name, const struct pointer *code)
{
	const char *text = image_string(all->image, name->to_section, name->to_offset);
	const unsigned char *f = image_bytes(all->image, name->section, name->offset, FUNC_STRIDE);
	unsigned long long sympos;
	struct function *function;

	if (!text || !f)
		return -1;
	/* A guard only watches. */
	if (f[FUNC_GUARD])
		return 0;
	if (!code || !is_code(all->image, code->to_section))
		return -1;
	memcpy(&sympos, f + FUNC_SYMPOS, sizeof(sympos));
	object->functions = grow(object->functions, object->nr, sizeof(*function));
	function = &object->functions[object->nr++];
	function->name = copy(text);
	function->sympos = sympos;
	return 0;
}

static int read_functions(const struct pointers *all, struct object *object,
			  const struct pointer *table)
{
	size_t in = table->to_section, offset = table->to_offset;
	const struct pointer *name = pointer_at(all, in, offset);

	if (is_code(all->image, in))
		return -1;
	/* An object may have none, for its callbacks alone. */
	while (name) {
		if (read_function(all, object, name, pointer_at(all, in, offset + FUNC_NEW)))
			return -1;
		offset += FUNC_STRIDE;
		name = pointer_at(all, in, offset);
	}
	return 0;
}

static int read_object(const struct pointers *all, struct tables *tables,
		       const struct pointer *name, const struct pointer *functions)
{
	const char *text = "vmlinux";
	struct object *object;

	if (name)
		text = image_string(all->image, name->to_section, name->to_offset);
	if (!text || !functions)
		return -1;
	tables->objects = grow(tables->objects, tables->nr, sizeof(*object));
	object = &tables->objects[tables->nr++];
	object->name = copy(text);
	object->patched = UNKNOWN;
	return read_functions(all, object, functions);
}

static int read_objects(const struct pointers *all, struct tables *tables,
			const struct pointer *table)
{
	size_t in = table->to_section, offset = table->to_offset;

	for (;; offset += OBJECT_STRIDE) {
		const struct pointer *name = pointer_at(all, in, offset);
		const struct pointer *functions = pointer_at(all, in, offset + OBJECT_FUNCS);

		if (!name && !functions)
			return tables->nr ? 0 : -1;
		if (read_object(all, tables, name, functions))
			return -1;
	}
}

static void read_supersedes(const struct pointers *all, struct tables *tables,
			    const struct pointer *list)
{
	for (size_t i = 0; list; i++) {
		const void *at = image_bytes(all->image, list->to_section,
					  list->to_offset + i * sizeof(unsigned int),
					  sizeof(unsigned int));
		unsigned int set;

		if (!at)
			return;
		memcpy(&set, at, sizeof(set));
		if (!set)
			return;
		tables->sets = grow(tables->sets, tables->nr_sets, sizeof(*tables->sets));
		tables->sets[tables->nr_sets++] = set;
	}
}

static int has_functions(const struct tables *tables)
{
	for (size_t i = 0; i < tables->nr; i++) {
		if (tables->objects[i].nr)
			return 1;
	}
	return 0;
}

/* Could this pointer to the module be the first member of a patch? */
static int read_patch(const struct pointers *all, struct tables *tables, const struct pointer *mod)
{
	const unsigned char *patch = image_bytes(all->image, mod->section, mod->offset, PATCH_SIZE);
	const struct pointer *objs = pointer_at(all, mod->section, mod->offset + PATCH_OBJS);
	unsigned int set;

	if (!patch || !objs || patch[PATCH_REPLACE] > 1 || read_objects(all, tables, objs) ||
	    !has_functions(tables))
		return -1;
	memcpy(&set, patch + PATCH_SET, sizeof(set));
	tables->replace = patch[PATCH_REPLACE];
	tables->replace_set = set;
	read_supersedes(all, tables,
			pointer_at(all, mod->section, mod->offset + PATCH_SUPERSEDES));
	return 0;
}

void tables_free(struct tables *tables)
{
	for (size_t i = 0; i < tables->nr; i++)
		object_free(&tables->objects[i]);
	free(tables->objects);
	free(tables->sets);
	memset(tables, 0, sizeof(*tables));
	tables->replace = UNKNOWN;
	tables->replace_set = UNKNOWN;
}

/* Without objects and with UNKNOWN if the file does not tell, or is not clear about it. */
void tables_read(struct tables *tables, const struct image *image)
{
	struct pointers all = { .image = image };
	size_t found = 0;

	tables_free(tables);
	if (sizeof(ElfW(Addr)) != 8 || collect(&all)) {
		free(all.p);
		return;
	}
	for (size_t i = 0; i < all.nr; i++) {
		struct tables candidate = { };

		if (!all.p[i].to_module || read_patch(&all, &candidate, &all.p[i])) {
			tables_free(&candidate);
			continue;
		}
		tables_free(tables);
		*tables = candidate;
		found++;
	}
	if (found != 1)
		tables_free(tables);
	free(all.p);
}
