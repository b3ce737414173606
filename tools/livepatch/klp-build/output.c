// SPDX-License-Identifier: GPL-2.0-only
/*
 * How do the pieces that are in become one object file?  Each function in a section of its own,
 * data and entries in sections named as before, all relocations led to where their targets are now.
 * Names are those of the source, so that stack traces read as always; each function that replaces
 * another has a second, global one for the table in C.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

static struct elf_object carried;
static struct symbol **section_symbols;	/* by number of the section */

static int is_same_kind(const struct section *a, const struct section *b)
{
	return a->type == b->type && !((a->flags ^ b->flags) & (SHF_WRITE | SHF_EXECINSTR));
}

/* Text of a section that the source has named goes where modules have text. */
static char *section_name(const struct piece *piece)
{
	const char *name = piece->section->name;

	if (piece->kind == PIECE_FUNCTION && strncmp(name, ".text", 5))
		return format(".text.%s", piece->symbol->name);
	return copy(name);
}

static size_t section_for(const struct piece *piece)
{
	char *name = section_name(piece);
	const struct section *from = piece->section;
	struct section *new;

	for (size_t i = 1; i < carried.nr_sections; i++) {
		if (!strcmp(carried.sections[i].name, name) &&
		    is_same_kind(&carried.sections[i], from)) {
			free(name);
			return i;
		}
	}
	carried.sections = grow(carried.sections, carried.nr_sections, sizeof(*new));
	new = &carried.sections[carried.nr_sections];
	*new = (struct section){
		.name = name, .type = from->type, .align = from->align,
		.flags = from->flags & (SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR),
		.index = carried.nr_sections,
	};
	return carried.nr_sections++;
}

/* Entries follow one another; the rest keeps the alignment that its section had. */
static void place(struct piece *piece)
{
	size_t number = section_for(piece);
	struct section *to = &carried.sections[number];
	uint64_t align = piece->kind == PIECE_ENTRY || piece->kind == PIECE_CODE ||
		!piece->section->align ? 1 : piece->section->align;
	uint64_t size = piece->end - piece->start, at = to->size;

	/* What stands somewhere in its section is aligned as there, and no more. */
	while (at % align != piece->start % align)
		at++;
	piece->out = at;
	piece->out_section = number;
	if (to->align < piece->section->align)
		to->align = piece->section->align;
	if (piece->section->data) {
		to->data = grow_by(to->data, to->size, at + size - to->size, 1);
		memcpy(to->data + at, piece->section->data + piece->start, size);
	}
	to->size = at + size;
}

/* ---- symbols */

static struct symbol *new_symbol(const char *name, unsigned char type, unsigned char bind)
{
	struct symbol *symbol = allocate(sizeof(*symbol));

	symbol->name = copy(name);
	symbol->type = type;
	symbol->bind = bind;
	return symbol;
}

/* Symbols move while there are more of them: they get into one table at the end. */
static struct symbol **symbols;
static size_t nr_symbols;

static struct symbol *add_symbol(struct symbol *symbol)
{
	symbols = grow(symbols, nr_symbols, sizeof(*symbols));
	symbols[nr_symbols++] = symbol;
	return symbol;
}

/* Those of a piece, in the order of the source; what a relocation names finds its own by "out". */
static void add_names(struct piece *piece)
{
	const struct section *section = piece->section;

	for (size_t i = 0; i < section->nr_symbols; i++) {
		struct symbol *old = section->symbols[i], *new;

		if (old->piece != piece)
			continue;
		new = add_symbol(new_symbol(old->name, old->type, STB_LOCAL));
		new->value = piece->out + old->value - piece->start;
		new->size = old->size;
		new->out_section = piece->out_section;
		old->out = new;
	}
}

static int is_replacement(const struct piece *piece)
{
	return piece->kind == PIECE_FUNCTION && (piece->why == WHY_CHANGED || piece->callback);
}

static void add_global(struct piece *piece, size_t number)
{
	char *plain = name_for_c(piece->symbol->name);
	struct symbol *new;

	piece->c_name = format(C_NAME "%zu_%s", number, plain);
	new = add_symbol(new_symbol(piece->c_name, STT_FUNC, STB_GLOBAL));
	new->value = piece->symbol->out->value;
	new->size = piece->symbol->size;
	new->out_section = piece->out_section;
	free(plain);
}

static void add_externals(void)
{
	size_t nr;
	struct external **all = reach_externals(&nr);

	for (size_t i = 0; i < nr; i++)
		all[i]->out = add_symbol(new_symbol(all[i]->link_name, STT_NOTYPE,
						    all[i]->plain ? STB_GLOBAL : STB_WEAK));
}

static void add_section_symbols(void)
{
	section_symbols = allocate((carried.nr_sections + 1) * sizeof(*section_symbols));
	for (size_t i = 1; i < carried.nr_sections; i++) {
		section_symbols[i] = add_symbol(new_symbol("", STT_SECTION, STB_LOCAL));
		section_symbols[i]->out_section = i;
	}
}

/* ---- relocations */

static void add_reloc(struct section *to, const struct reloc *reloc)
{
	to->relocs = grow(to->relocs, to->nr_relocs, sizeof(*to->relocs));
	to->relocs[to->nr_relocs++] = *reloc;
}

static void move_reloc(struct piece *piece, const struct reloc *old)
{
	struct target target = reach_target(piece, old);
	struct reloc new = *old;

	new.offset = piece->out + old->offset - piece->start;
	if (target.external) {
		new.symbol = target.external->out;
		new.addend += target.shift;
	} else if (target.symbol->out) {
		new.symbol = target.symbol->out;
	} else {
		new.symbol = section_symbols[target.piece->out_section];
		/* As far from the field as before, whatever stands behind that. */
		new.addend = old->addend + (int64_t)(target.piece->out - target.piece->start) +
			(int64_t)old->symbol->value;
	}
	add_reloc(&carried.sections[piece->out_section], &new);
}

static void move_relocs(struct piece *piece)
{
	struct relocs relocs = piece_relocs(piece);

	for (struct reloc *reloc = relocs.first; reloc < relocs.end; reloc++)
		move_reloc(piece, reloc);
}

/* ---- all of it */

/* One table, with the symbols at their final places. */
static void settle_symbols(void)
{
	carried.nr_symbols = nr_symbols + 1;
	carried.symbols = allocate((carried.nr_symbols + 1) * sizeof(*carried.symbols));
	for (size_t i = 0; i < nr_symbols; i++) {
		symbols[i]->index = i + 1;
		if (symbols[i]->out_section)
			symbols[i]->section = &carried.sections[symbols[i]->out_section];
		carried.symbols[i + 1] = *symbols[i];
	}
	for (size_t i = 1; i < carried.nr_sections; i++) {
		struct section *section = &carried.sections[i];

		for (size_t k = 0; k < section->nr_relocs; k++)
			section->relocs[k].symbol =
				&carried.symbols[section->relocs[k].symbol->index];
	}
}

/* Stack not executable, as the linker wants to be told. */
static void add_note(void)
{
	carried.sections = grow(carried.sections, carried.nr_sections, sizeof(*carried.sections));
	carried.sections[carried.nr_sections] = (struct section){
		.name = copy(".note.GNU-stack"), .type = SHT_PROGBITS, .align = 1,
		.index = carried.nr_sections,
	};
	carried.nr_sections++;
}

/* The pieces that reach() has found, as an object file. */
void output_write(struct piece **pieces, size_t nr, const char *path)
{
	size_t replaced = 0;

	carried.path = copy(path);
	carried.sections = grow(NULL, carried.nr_sections++, sizeof(*carried.sections));
	for (size_t i = 0; i < nr; i++)
		place(pieces[i]);
	for (size_t i = 0; i < nr; i++) {
		add_names(pieces[i]);
		if (is_replacement(pieces[i]))
			add_global(pieces[i], ++replaced);
	}
	add_externals();
	add_section_symbols();
	for (size_t i = 0; i < nr; i++)
		move_relocs(pieces[i]);
	add_note();
	settle_symbols();
	object_write(&carried, path);
}
