// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is an object file made of?  Of pieces, the smallest things that can be taken or left: a
 * function, a variable, a string, an entry of a table, a replacement of instructions.  Every
 * relocation leads from one piece to another.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

#define PC_FIELD	4	/* a field relative to what comes behind it, at the end of code */

static struct piece *add_piece(struct section *section, enum piece_kind kind, uint64_t start,
			       uint64_t end)
{
	struct piece *piece = allocate(sizeof(*piece));

	piece->kind = kind;
	piece->section = section;
	piece->start = start;
	piece->end = end;
	section->pieces = grow(section->pieces, section->nr_pieces, sizeof(*section->pieces));
	section->pieces[section->nr_pieces++] = piece;
	return piece;
}

static int section_is_code(const struct section *section)
{
	return !!(section->flags & SHF_EXECINSTR);
}

static int is_pc_relative(uint32_t type)
{
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_GOTPCREL ||
		type == R_X86_64_GOTPCRELX || type == R_X86_64_REX_GOTPCRELX;
}

/*
 * The offset in the symbol's section that a relocation of SECTION means. References of code to what
 * has no symbol are to its begin, with nothing behind the field.
 */
uint64_t reloc_target(const struct section *section, const struct reloc *reloc)
{
	uint64_t offset = reloc->symbol->value + reloc->addend;

	if (section_is_code(section) && is_pc_relative(reloc->type))
		offset += PC_FIELD;
	return offset;
}

/* The last one that begins at OFFSET or before; one without extent only if it begins there. */
struct piece *section_piece(const struct section *section, uint64_t offset)
{
	for (size_t i = section->nr_pieces; i--;) {
		struct piece *piece = section->pieces[i];

		if (offset >= piece->start && (offset < piece->end || offset == piece->start))
			return piece;
	}
	return NULL;
}

/* What a relocation leads to, NULL if that lies elsewhere or is nothing known. */
struct piece *reloc_piece(const struct section *section, const struct reloc *reloc)
{
	struct symbol *symbol = reloc->symbol;

	if (symbol->piece)
		return symbol->piece;
	if (!symbol->section)
		return NULL;
	return section_piece(symbol->section, reloc_target(section, reloc));
}

/* Names that gcc has made up for read-only data, and what the language defines as such. */
static int is_made_up(const char *name)
{
	static const char * const names[] = { "__func__.", "__FUNCTION__.", "__PRETTY_FUNCTION__.",
		"CSWTCH.", "C.", ".LC" };

	return name_begins(name, names, ARRAY_SIZE(names));
}

/*
 * Read-only data of which a copy is as good: nobody knows its address. What the source has named
 * may be known by it, also if it is empty: an inode keeps that of its operations.
 */
static int is_constant(const struct section *section, const struct symbol *symbol)
{
	return !(section->flags & SHF_WRITE) && section->type != SHT_NOBITS &&
		is_made_up(symbol->name);
}

static int is_function(const struct symbol *symbol)
{
	return symbol->type == STT_FUNC;
}

static void name_piece(struct piece *piece, const struct section *section)
{
	for (size_t i = 0; i < section->nr_symbols; i++) {
		struct symbol *symbol = section->symbols[i];

		if (symbol->value < piece->start ||
		    (symbol->value >= piece->end && symbol->value != piece->start) || symbol->piece)
			continue;
		symbol->piece = piece;
		if (!piece->symbol || (is_function(symbol) && !is_function(piece->symbol)))
			piece->symbol = symbol;
	}
}

/* Pieces from one symbol to the next; what lies before the first, padding, belongs to it. */
static void split_code(struct section *section)
{
	uint64_t start = 0;

	for (size_t i = 0; i < section->nr_symbols; i++) {
		size_t next = i + 1;
		struct piece *piece;

		if (!is_function(section->symbols[i]))
			continue;
		while (next < section->nr_symbols &&
		       (!is_function(section->symbols[next]) ||
			section->symbols[next]->value == section->symbols[i]->value))
			next++;
		piece = add_piece(section, PIECE_FUNCTION, start,
				  next < section->nr_symbols ? section->symbols[next]->value :
				  section->size);
		name_piece(piece, section);
		start = piece->end;
		i = next - 1;
	}
	if (!section->nr_pieces && section->size)
		add_piece(section, PIECE_CODE, 0, section->size);
}

static void split_data(struct section *section)
{
	for (size_t i = 0; i < section->nr_symbols; i++) {
		struct symbol *symbol = section->symbols[i];
		struct piece *last = section->nr_pieces ?
			section->pieces[section->nr_pieces - 1] : NULL, *piece;

		/* Another name of what stands there. */
		if (last && (symbol->value < last->end || symbol->value == last->start)) {
			symbol->piece = last;
			continue;
		}
		piece = add_piece(section, is_constant(section, symbol) ? PIECE_CONSTANT :
				  PIECE_DATA, symbol->value, symbol->value + symbol->size);
		piece->symbol = symbol;
		symbol->piece = piece;
	}
}

static void split_strings(struct section *section)
{
	uint64_t width = section->entsize ? section->entsize : 1;

	for (uint64_t at = 0; at < section->size;) {
		uint64_t end = at;

		while (end + width <= section->size) {
			uint64_t i = 0;

			while (i < width && !section->data[end + i])
				i++;
			end += width;
			if (i == width)
				break;
		}
		if (end == at)
			end = section->size;
		add_piece(section, PIECE_CONSTANT, at, end);
		at = end;
	}
}

static void split_even(struct section *section, enum piece_kind kind, uint64_t size)
{
	for (uint64_t at = 0; at < section->size; at += size)
		add_piece(section, kind, at, at + size < section->size ? at + size : section->size);
}

/* What an assembler has been told of a string is a name of that string. */
static void name_strings(struct section *section)
{
	for (size_t i = 0; i < section->nr_symbols; i++) {
		struct symbol *symbol = section->symbols[i];

		symbol->piece = section_piece(section, symbol->value);
	}
}

/* Strings and numbers that the linker may merge: no symbol has an extent of its own. */
static int is_mergeable(const struct section *section)
{
	for (size_t i = 0; i < section->nr_symbols; i++) {
		if (section->symbols[i]->size)
			return 0;
	}
	return section->flags & SHF_MERGE && section->entsize && section->data;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Where relocations of other sections lead to in this one. */
static uint64_t *targets_in(const struct section *section, size_t *nr)
{
	const struct elf_object *object = section->object;
	uint64_t *starts = NULL;

	*nr = 0;
	for (size_t i = 1; i < object->nr_sections; i++) {
		const struct section *from = &object->sections[i];

		if (from == section || !(from->flags & SHF_ALLOC))
			continue;
		for (size_t k = 0; k < from->nr_relocs; k++) {
			if (from->relocs[k].symbol->section != section)
				continue;
			starts = grow(starts, *nr, sizeof(*starts));
			starts[(*nr)++] = reloc_target(from, &from->relocs[k]);
		}
	}
	if (*nr)
		qsort(starts, *nr, sizeof(*starts), by_number);
	return starts;
}

/* Code without names begins where something refers to it. */
static void split_nameless(struct section *section)
{
	size_t nr;
	uint64_t *starts = targets_in(section, &nr), at = 0;

	for (size_t i = 0; i <= nr; i++) {
		uint64_t end = i < nr ? starts[i] : section->size;

		if (end <= at || end > section->size)
			continue;
		add_piece(section, PIECE_CODE, at, end);
		at = end;
	}
	free(starts);
}

static void split_special(struct section *section, const struct special *special)
{
	switch (special->kind) {
	case SPECIAL_ENTRIES:
	case SPECIAL_EVEN:
		split_even(section, PIECE_ENTRY, special_entry_size(special, section));
		break;
	case SPECIAL_CODE:
		split_nameless(section);
		break;
	case SPECIAL_NOTHING:
		add_piece(section, PIECE_IGNORED, 0, section->size);
		break;
	case SPECIAL_UNKNOWN:
		add_piece(section, PIECE_DATA, 0, section->size);
		break;
	}
}

static void split_mergeable(struct section *section)
{
	if (section->flags & SHF_STRINGS)
		split_strings(section);
	else
		split_even(section, PIECE_CONSTANT, section->entsize);
	name_strings(section);
}

static void split_section(struct section *section)
{
	const struct special *special = special_find(section->name);

	if (section->type != SHT_PROGBITS && section->type != SHT_NOBITS &&
	    section->type != SHT_NOTE && section->type < SHT_LOOS)
		return;
	if (special && section->size)
		split_special(section, special);
	else if (!(section->flags & SHF_ALLOC))
		add_piece(section, PIECE_IGNORED, 0, section->size);
	else if (section_is_code(section))
		split_code(section);
	else if (is_mergeable(section))
		split_mergeable(section);
	else if (section->nr_symbols)
		split_data(section);
	else if (section->size)
		add_piece(section, section->flags & SHF_WRITE ? PIECE_DATA : PIECE_CONSTANT, 0,
			  section->size);
}

/* The function that a part belongs to; other pieces are on their own. */
struct piece *piece_whole(struct piece *piece)
{
	return piece->owner ? piece->owner : piece;
}

struct relocs piece_relocs(const struct piece *piece)
{
	return section_relocs(piece->section, piece->start, piece->end);
}

/* When the kernel started, or it will when the kernel, or the module, is at its end. */
int section_has_run(const struct section *section)
{
	static const char * const starts[] = { ".init", ".exit" };

	return name_begins(section->name, starts, ARRAY_SIZE(starts));
}

static void give(struct piece *piece, struct piece *owner)
{
	if (!owner || piece->owner || owner == piece)
		return;
	while (owner->owner)
		owner = owner->owner;
	piece->owner = owner;
	owner->entries = grow(owner->entries, owner->nr_entries, sizeof(*owner->entries));
	owner->entries[owner->nr_entries++] = piece;
}

/* foo.cold is a part of foo, wherever it stands. */
static void join_parts(struct elf_object *object)
{
	for (size_t i = 1; i < object->nr_symbols; i++) {
		struct symbol *symbol = &object->symbols[i];
		char *whole = symbol->piece && is_function(symbol) ?
			name_of_whole(symbol->name) : NULL;
		struct symbol *parent = whole ? object_symbol(object, whole) : NULL;

		if (parent && parent->piece)
			give(symbol->piece, parent->piece);
		free(whole);
	}
}

/* Entries belong to the code that they are about, nameless code to the function that it is for. */
static void join_entries(struct elf_object *object, int nameless)
{
	for (size_t i = 1; i < object->nr_sections; i++) {
		struct section *section = &object->sections[i];

		for (size_t k = 0; k < section->nr_pieces; k++) {
			struct piece *piece = section->pieces[k], *about;
			size_t first = section_reloc_from(section, piece->start);

			if (piece->kind != PIECE_ENTRY || first == section->nr_relocs)
				continue;
			about = reloc_piece(section, &section->relocs[first]);
			if (about && (about->kind == PIECE_FUNCTION || about->owner))
				give(piece, about);
			if (!nameless || !piece->owner)
				continue;
			for (size_t r = first; r < section->nr_relocs &&
			     section->relocs[r].offset < piece->end; r++) {
				about = reloc_piece(section, &section->relocs[r]);
				if (about && about->kind == PIECE_CODE)
					give(about, piece->owner);
			}
		}
	}
}

/* Code that a function jumps to and that has no name, such as .altinstr_aux. */
static void join_nameless(struct elf_object *object)
{
	for (size_t i = 1; i < object->nr_sections; i++) {
		struct section *section = &object->sections[i];

		if (!section_is_code(section))
			continue;
		for (size_t r = 0; r < section->nr_relocs; r++) {
			struct piece *from = section_piece(section, section->relocs[r].offset);
			struct piece *to = reloc_piece(section, &section->relocs[r]);

			if (from && to && to->kind == PIECE_CODE &&
			    (from->kind == PIECE_FUNCTION || from->owner))
				give(to, from);
		}
	}
}

static void mark_hidden(struct elf_object *object)
{
	const struct section *section = object_section(object, SECTION_HIDDEN);
	const char *at = section ? (char *)section->data : NULL;
	const char *end = at ? at + section->size : NULL;

	while (at && at < end) {
		struct symbol *symbol = object_symbol(object, at);

		if (symbol)
			symbol->hidden = 1;
		at += strlen(at) + 1;
	}
}

/* Everything of an object file that has been compiled to be compared. */
void pieces_make(struct elf_object *object)
{
	mark_hidden(object);
	for (size_t i = 1; i < object->nr_sections; i++) {
		const struct special *special = special_find(object->sections[i].name);

		if (special && object->sections[i].size)
			special_prepare(special, &object->sections[i]);
	}
	for (size_t i = 1; i < object->nr_sections; i++)
		split_section(&object->sections[i]);
	join_parts(object);
	join_entries(object, 1);
	join_nameless(object);
	/* Entries about nameless code, whose owner is known now. */
	join_entries(object, 0);
}
