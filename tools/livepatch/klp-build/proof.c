// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the symbol table tell the truth?  What a name of the unit means in the kernel is found by
 * the symbol table. This looks at something else: the fields of the running code that the linker
 * has filled in. Each tells where a section of the unit has come to lie; all of them must agree
 * with each other, and with the symbols that the module asks for.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

/**
 * struct place - where a section of a unit lies in vmlinux
 * @section: of the unit as it was built
 * @base: its address
 * @votes: fields that say so
 */
struct place {
	const struct section *section;
	uint64_t base;
	size_t votes;
};

static struct place *places;
static size_t nr_places;

static struct place *place_of(const struct section *section)
{
	for (size_t i = 0; i < nr_places; i++) {
		if (places[i].section == section)
			return &places[i];
	}
	places = grow(places, nr_places, sizeof(*places));
	places[nr_places].section = section;
	return &places[nr_places++];
}

/*
 * The address that a field of TYPE at ADDRESS holds, less its addend; 0 and *OK if it cannot be
 * read.
 */
static uint64_t field_value(uint64_t address, const struct reloc *reloc, int *ok)
{
	int is_wide = reloc->type == R_X86_64_64;
	const unsigned char *bytes = kernel_bytes(address, is_wide ? 8 : 4);
	int32_t narrow;
	uint64_t wide;

	*ok = 0;
	if (!bytes)
		return 0;
	memcpy(&narrow, bytes, sizeof(narrow));
	switch (reloc->type) {
	case R_X86_64_64:
		memcpy(&wide, bytes, sizeof(wide));
		break;
	case R_X86_64_32S:
		wide = (int64_t)narrow;
		break;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		wide = address + (int64_t)narrow;
		break;
	default:
		return 0;
	}
	*ok = 1;
	return wide - reloc->addend;
}

static void disagree(const struct unit *unit, const char *what)
{
	refuse("proof", "is the build tree the one of the running kernel?",
	       "%s: code of the kernel and its symbol table do not agree about %s",
	       unit->source, what);
}

/* One field of a function that stands at ADDRESS. */
static void take_vote(const struct unit *unit, const struct symbol *function, uint64_t address,
		      const struct reloc *reloc)
{
	int ok;
	uint64_t value = field_value(address + reloc->offset - function->value, reloc, &ok);
	const struct symbol *symbol = reloc->symbol;
	struct place *place;

	/*
	 * The linker merges strings; what is elsewhere, or may be overridden, is not about the
	 * unit.
	 */
	if (!ok || !symbol->section || symbol->section->flags & SHF_MERGE ||
	    symbol->bind == STB_WEAK)
		return;
	value -= symbol->value;
	place = place_of(symbol->section);
	if (place->votes && place->base != value)
		disagree(unit, symbol->section->name);
	else
		place->base = value;
	place->votes++;
}

static void take_votes(const struct unit *unit, const struct symbol *function)
{
	const struct section *section = function->section;
	const struct symbol *running;
	struct relocs relocs;
	size_t many;

	if (function->type != STT_FUNC || function->bind == STB_WEAK || !section ||
	    strncmp(section->name, ".text", 5))
		return;
	running = kernel_find(unit, function, &many);
	if (!running || running->size != function->size)
		return;
	relocs = section_relocs(section, function->value, function->value + function->size);
	for (struct reloc *reloc = relocs.first; reloc < relocs.end; reloc++)
		take_vote(unit, function, running->value, reloc);
}

/* Symbols of the unit that the module asks for. */
static void check_externals(const struct unit *unit)
{
	size_t nr;
	struct external **all = reach_externals(&nr);

	for (size_t i = 0; i < nr; i++) {
		const struct kernel_symbol *kernel = all[i]->kernel;
		const struct symbol *built = all[i]->unit == unit ?
			object_symbol(unit->as_built, kernel->name) : NULL;
		struct place *place = built ? place_of(built->section) : NULL;

		if (!place || !place->votes)
			continue;
		if (place->base + built->value != kernel->address)
			disagree(unit, kernel->name);
		all[i]->proved = 1;
	}
}

/* Of what the module asks for, each thing whose unit was compiled. */
void proof_check(const struct units *units)
{
	for (size_t i = 0; i < units->nr; i++) {
		struct unit *unit = &units->unit[i];
		struct elf_object *built = unit->as_built;

		if (unit_is_module(unit))
			continue;
		nr_places = 0;
		for (size_t k = 1; k < built->nr_symbols; k++) {
			built->symbols[k].hidden = built->symbols[k].bind == STB_LOCAL;
			take_votes(unit, &built->symbols[k]);
		}
		check_externals(unit);
	}
}
