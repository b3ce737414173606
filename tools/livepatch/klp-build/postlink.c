// SPDX-License-Identifier: GPL-2.0-only
/*
 * How does a linked module become one whose references livepatch resolves?  Symbols of the kernel
 * that the module loader does not know get the names that livepatch understands, and the
 * relocations against them move to sections of their own, by the object that has to be there first.
 * See Documentation/livepatch/module-elf-format.rst.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"

/**
 * struct renaming - a line of the file "symbols"
 * @link_name: of the symbol in the linked module
 * @needs: object that has to be there
 * @name: of the symbol for livepatch
 * @symbol: that it is about, NULL until it has been seen
 */
struct renaming {
	char *link_name;
	char *needs;
	char *name;
	struct symbol *symbol;
};

static struct renaming *renamings;
static size_t nr_renamings;

static void read_renamings(const char *path)
{
	char *text = read_all(path), *line;

	if (!text)
		stop(KLP_FAILED, NULL, "%s: %s", path, strerror(errno));
	while ((line = strsep(&text, "\n"))) {
		struct renaming r = { 0 };

		if (!*line || *line == '#')
			continue;
		r.link_name = strsep(&line, " ");
		r.needs = strsep(&line, " ");
		r.name = line;
		if (!r.needs || !r.name || strncmp(r.name, ".klp.sym.", 9))
			stop(KLP_FAILED, NULL, "%s: no line of three words: %s", path, r.link_name);
		renamings = grow(renamings, nr_renamings, sizeof(*renamings));
		renamings[nr_renamings++] = r;
	}
}

static void find_symbols(struct elf_object *object)
{
	for (size_t i = 1; i < object->nr_symbols; i++) {
		struct symbol *symbol = &object->symbols[i];

		for (size_t k = 0; k < nr_renamings; k++) {
			struct renaming *r = &renamings[k];

			if (symbol->section || symbol->absolute ||
			    strcmp(symbol->name, r->link_name))
				continue;
			r->symbol = symbol;
			symbol->name = r->name;
			symbol->bind = STB_GLOBAL;
			symbol->livepatch = 1;
		}
	}
}

/* The names that the table in C has used become those of the functions. */
static void rename_functions(struct elf_object *object)
{
	for (size_t i = 1; i < object->nr_symbols; i++) {
		struct symbol *symbol = &object->symbols[i];

		if (symbol->bind == STB_LOCAL || strncmp(symbol->name, C_NAME, strlen(C_NAME)))
			continue;
		for (size_t k = 0; symbol->section && k < symbol->section->nr_symbols; k++) {
			struct symbol *other = symbol->section->symbols[k];

			if (other != symbol && other->value == symbol->value &&
			    other->type == STT_FUNC) {
				symbol->name = other->name;
				symbol->bind = STB_LOCAL;
			}
		}
	}
}

static struct renaming *renaming_of(const struct symbol *symbol)
{
	for (size_t i = 0; i < nr_renamings; i++) {
		if (renamings[i].symbol == symbol)
			return &renamings[i];
	}
	return NULL;
}

/* The section of relocations for one that is linked when the object NEEDS is there. */
static size_t section_for(struct elf_object *object, const char *needs, size_t of)
{
	char *name = format(".klp.rela.%s.%s", needs, object->sections[of].name);

	for (size_t i = 1; i < object->nr_sections; i++) {
		if (object->sections[i].applies == &object->sections[of] &&
		    !strcmp(object->sections[i].name, name)) {
			free(name);
			return i;
		}
	}
	object->sections[object->nr_sections] = (struct section){
		.object = object, .name = name, .type = SHT_RELA,
		.flags = SHF_ALLOC | SHF_RELA_LIVEPATCH, .align = 8, .index = object->nr_sections,
		.applies = &object->sections[of],
	};
	return object->nr_sections++;
}

static void move_relocs(struct elf_object *object, size_t of)
{
	struct section *section = &object->sections[of];
	size_t left = 0;

	for (size_t i = 0; i < section->nr_relocs; i++) {
		struct renaming *r = renaming_of(section->relocs[i].symbol);
		struct section *to;

		if (!r) {
			section->relocs[left++] = section->relocs[i];
			continue;
		}
		to = &object->sections[section_for(object, r->needs, of)];
		to->relocs = grow(to->relocs, to->nr_relocs, sizeof(*to->relocs));
		to->relocs[to->nr_relocs++] = section->relocs[i];
	}
	section->nr_relocs = left;
}

/* Sections point to each other: room for all that can come is made before the first does. */
static void make_room(struct elf_object *object)
{
	size_t nr = object->nr_sections, room = nr + nr * (nr_renamings + 1);
	struct section *old = object->sections, *new = allocate((room + 1) * sizeof(*new));

	memcpy(new, old, nr * sizeof(*new));
	for (size_t i = 1; i < nr; i++) {
		if (new[i].link)
			new[i].link = &new[new[i].link->index];
		if (new[i].applies)
			new[i].applies = &new[new[i].applies->index];
	}
	for (size_t i = 1; i < object->nr_symbols; i++) {
		if (object->symbols[i].section)
			object->symbols[i].section = &new[object->symbols[i].section->index];
	}
	object->sections = new;
	free(old);
}

/* Changes the module PATH as the file SYMBOLS says. */
void postlink(const char *symbols, const char *path)
{
	struct elf_object *object = object_read(path, CONTENTS_ALL);
	size_t nr = object->nr_sections;

	read_renamings(symbols);
	find_symbols(object);
	rename_functions(object);
	make_room(object);
	for (size_t i = 1; i < nr; i++) {
		if (!object->sections[i].applies)
			move_relocs(object, i);
	}
	object_write(object, path);
}
