// SPDX-License-Identifier: GPL-2.0-only
/*
 * Has the finished module what was taken, as it was taken?  Linker, objtool and the renaming of
 * symbols come in between. Every piece is looked up in the module, by its name or by what it says,
 * and compared with what the compiler has made: its bytes, and where each relocation leads. And
 * every function that replaces another stands in a table together with that one's name.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

#define DEPTH	16	/* of constants that lead to constants */

/**
 * struct place - where a piece could be in the module
 * @section: of the module
 * @at: offset in it
 */
struct place {
	const struct section *section;
	uint64_t at;
};

static const struct elf_object *module;
static size_t nr_problems;

static char *difference(const struct piece *piece, const struct place *place, int depth);

/* ---- relocations */

static int by_offset(const void *a, const void *b)
{
	const struct reloc *x = *(const struct reloc * const *)a;
	const struct reloc *y = *(const struct reloc * const *)b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static size_t add_relocs(const struct section *section, uint64_t start, uint64_t end,
			 const struct reloc ***relocs, size_t nr)
{
	struct relocs in = section_relocs(section, start, end);

	for (struct reloc *reloc = in.first; reloc < in.end; reloc++) {
		if (reloc->type == R_X86_64_NONE)
			continue;
		*relocs = grow(*relocs, nr, sizeof(**relocs));
		(*relocs)[nr++] = reloc;
	}
	return nr;
}

/* Those from START to END, also those that wait for livepatch; the array is the caller's. */
static const struct reloc **relocs_of(const struct section *section, uint64_t start, uint64_t end,
				      size_t *nr)
{
	const struct reloc **relocs = NULL;

	*nr = add_relocs(section, start, end, &relocs, 0);
	for (size_t i = 1; i < section->object->nr_sections; i++) {
		if (section->object->sections[i].applies == section)
			*nr = add_relocs(&section->object->sections[i], start, end, &relocs, *nr);
	}
	if (*nr)
		qsort(relocs, *nr, sizeof(*relocs), by_offset);
	return relocs;
}

/* Does the module call PLACE what the piece is called? */
static int has_name(const struct piece *piece, const struct place *place)
{
	const struct section *section = place->section;
	const struct symbol *name = piece->symbol;

	for (size_t i = 0; i < section->nr_symbols; i++) {
		if (section->symbols[i]->value == place->at + name->value - piece->start &&
		    !strcmp(section->symbols[i]->name, name->name))
			return 1;
	}
	return 0;
}

static int is_there(const struct piece *piece, const struct place *place, int depth)
{
	char *wrong;

	if (piece->symbol)
		return has_name(piece, place);
	if (depth == DEPTH)
		return 1;
	wrong = difference(piece, place, depth + 1);
	free(wrong);
	return !wrong;
}

/* Is NEW, of SECTION, among those that livepatch applies when the object NEEDS is there? */
static int waits_for(const struct section *section, const struct reloc *new, const char *needs)
{
	char *name = format(".klp.rela.%s.%s", needs, section->name);
	int waits = 0;

	for (size_t i = 1; i < module->nr_sections; i++) {
		const struct section *late = &module->sections[i];

		if (late->applies == section && !strcmp(late->name, name))
			waits |= new >= late->relocs && new < late->relocs + late->nr_relocs;
	}
	free(name);
	return waits;
}

static int leads_outside(const struct target *target, const struct section *section,
			 const struct reloc *old, const struct reloc *new)
{
	const struct external *external = target->external;
	char *name = external_name(external);
	int same = !new->symbol->section && new->symbol->livepatch == !external->plain &&
		!strcmp(new->symbol->name, name) && new->addend == old->addend + target->shift;

	free(name);
	return same && (external->plain || waits_for(section, new, external->needs));
}

static int leads_there(const struct piece *from, const struct reloc *old,
		       const struct section *section, const struct reloc *new, int depth)
{
	struct target target = reach_target(from, old);
	struct place place = { .section = new->symbol->section };

	if (target.external)
		return leads_outside(&target, section, old, new);
	if (!target.piece || !place.section)
		return 0;
	place.at = new->symbol->value + new->addend -
		(target.symbol->value + old->addend - target.piece->start);
	return is_there(target.piece, &place, depth);
}

static char *relocs_difference(const struct piece *piece, const struct place *place, int depth)
{
	uint64_t size = piece->end - piece->start;
	size_t nr_old, nr_new, k = 0;
	const struct reloc **old = relocs_of(piece->section, piece->start, piece->end, &nr_old);
	const struct reloc **new = relocs_of(place->section, place->at, place->at + size, &nr_new);
	char *wrong = NULL;

	for (size_t i = 0; i < nr_old && !wrong; i++) {
		uint64_t at = old[i]->offset - piece->start;

		if (k < nr_new && new[k]->offset - place->at == at &&
		    new[k]->type == old[i]->type &&
		    leads_there(piece, old[i], place->section, new[k], depth))
			k++;
		else
			wrong = format("+0x%llx does not lead to %s", (unsigned long long)at,
				       old[i]->symbol->name);
	}
	if (!wrong && k < nr_new)
		wrong = format("+0x%llx leads to %s, and should not",
			       (unsigned long long)(new[k]->offset - place->at),
			       new[k]->symbol->name);
	free(old);
	free(new);
	return wrong;
}

/* ---- pieces */

static char *bytes_difference(const struct piece *piece, const struct place *place)
{
	uint64_t size = piece->end - piece->start;
	const unsigned char *data = piece->section->data + piece->start;
	unsigned char *mask;
	char *wrong = NULL;

	if (!piece->section->data)
		return NULL;
	if (!place->section->data)
		return format("has no contents");
	mask = identity_mask(piece->section, piece->start, size);
	for (uint64_t i = 0; i < size && !wrong; i++) {
		if (mask[i] && data[i] != place->section->data[place->at + i])
			wrong = format("+0x%llx is not what was compiled", (unsigned long long)i);
	}
	free(mask);
	return wrong;
}

/* What is different there, the caller's; or NULL. */
static char *difference(const struct piece *piece, const struct place *place, int depth)
{
	uint64_t size = piece->end - piece->start;
	char *wrong;

	if (place->at > place->section->size || size > place->section->size - place->at)
		return format("is cut off");
	wrong = bytes_difference(piece, place);
	return wrong ? wrong : relocs_difference(piece, place, depth);
}

static int is_code(const struct section *section)
{
	return (section->flags & SHF_EXECINSTR) != 0;
}

/* Of several that have the name one is it: what is wrong with the last of the others. */
static char *look_for_name(const struct piece *piece, struct place *place)
{
	const struct symbol *name = piece->symbol;
	char *wrong = format("is not there");

	for (size_t i = 1; i < module->nr_symbols && wrong; i++) {
		const struct symbol *symbol = &module->symbols[i];

		if (!symbol->section || strcmp(symbol->name, name->name) ||
		    is_code(symbol->section) != is_code(piece->section))
			continue;
		free(wrong);
		place->section = symbol->section;
		place->at = symbol->value - (name->value - piece->start);
		wrong = difference(piece, place, 0);
	}
	return wrong;
}

/* Entries of a table are somewhere in that of the module; what objtool alone reads is in none. */
static char *look_for_entry(const struct piece *piece)
{
	uint64_t size = piece->end - piece->start;
	struct place place = { .section = object_section(module, piece->section->name) };

	if (!strncmp(piece->section->name, ".discard.", 9))
		return NULL;
	for (; place.section && size && place.at < place.section->size; place.at += size) {
		char *wrong = difference(piece, &place, 0);

		if (!wrong)
			return NULL;
		free(wrong);
	}
	return format("has lost an entry");
}

/* ---- tables of functions, see struct klp_func */

#define FUNC_NEW	8	/* the pointer to the function, seen from that to the name */
#define FUNC_SYMPOS	8	/* seen from the pointer to the function */

static int leads_to(const struct reloc *reloc, const struct place *place)
{
	return reloc->symbol->section == place->section &&
		reloc->symbol->value + reloc->addend == place->at;
}

static int is_text(const struct section *section, uint64_t offset, const char *text)
{
	size_t len = strlen(text) + 1;

	return section->data && offset < section->size && len <= section->size - offset &&
		!memcmp(section->data + offset, text, len);
}

/* FUNCTION is a relocation of SECTION: that of the name is the one before. */
static int is_entry(const struct section *section, const struct reloc *function,
		    const struct kernel_symbol *old)
{
	const struct reloc *name = function - 1;
	uint64_t sympos;

	if (function == section->relocs || name->offset != function->offset - FUNC_NEW ||
	    !name->symbol->section ||
	    !is_text(name->symbol->section, name->symbol->value + name->addend, old->name))
		return 0;
	if (!section->data || function->offset + FUNC_SYMPOS + sizeof(sympos) > section->size)
		return 0;
	memcpy(&sympos, section->data + function->offset + FUNC_SYMPOS, sizeof(sympos));
	return sympos == old->sympos;
}

static int replaces(const struct place *place, const struct kernel_symbol *old)
{
	for (size_t i = 1; i < module->nr_sections; i++) {
		const struct section *section = &module->sections[i];

		for (size_t k = 0; !is_code(section) && k < section->nr_relocs; k++) {
			if (section->relocs[k].type == R_X86_64_64 &&
			    leads_to(&section->relocs[k], place) &&
			    is_entry(section, &section->relocs[k], old))
				return 1;
		}
	}
	return 0;
}

/* ---- all of it */

static void check_piece(const struct piece *piece)
{
	struct place place = { 0 };
	char *wrong = NULL;

	if (piece->symbol)
		wrong = look_for_name(piece, &place);
	else if (piece->kind == PIECE_ENTRY)
		wrong = look_for_entry(piece);
	if (!wrong && piece->kind == PIECE_FUNCTION && piece->why == WHY_CHANGED &&
	    !replaces(&place, reach_replaced(piece)))
		wrong = format("replaces nothing");
	if (!wrong)
		return;
	error("%s: %s of %s: %s", module->path,
	      piece->symbol ? piece->symbol->name : piece->section->name,
	      unit_of(piece)->source, wrong);
	free(wrong);
	nr_problems++;
}

/* Tells what the module PATH has not as it was taken; the number of problems. */
size_t whole_check(struct piece **pieces, size_t nr, const char *path)
{
	module = object_read(path, CONTENTS_CODE);
	nr_problems = 0;
	for (size_t i = 0; i < nr; i++)
		check_piece(pieces[i]);
	return nr_problems;
}
