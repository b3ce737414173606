// SPDX-License-Identifier: GPL-2.0-only
/*
 * What differs between a unit before and after the patches?  Twins are compared byte by byte, and
 * relocation by relocation: these are alike when they lead to twins, to the same name elsewhere, or
 * to constants of the same contents. A function has changed when its code, a part of it or an entry
 * of a table about it has.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

static int pieces_alike(const struct piece *a, const struct piece *b);

/* Without a name they are what they contain. */
static int is_by_contents(const struct piece *piece)
{
	return piece->kind == PIECE_CONSTANT || piece->kind == PIECE_CODE;
}

static int targets_alike(const struct section *sa, const struct reloc *a,
			 const struct section *sb, const struct reloc *b)
{
	struct piece *pa = reloc_piece(sa, a), *pb = reloc_piece(sb, b);

	if (!pa || !pb)
		return !pa && !pb && !a->symbol->section && !b->symbol->section &&
			a->addend == b->addend && !strcmp(a->symbol->name, b->symbol->name);
	/* How far in a piece it leads. */
	if (a->symbol->piece && b->symbol->piece) {
		if (a->symbol->value - pa->start + a->addend !=
		    b->symbol->value - pb->start + b->addend)
			return 0;
	} else if (reloc_target(sa, a) - pa->start != reloc_target(sb, b) - pb->start) {
		return 0;
	}
	if (is_by_contents(pa) || is_by_contents(pb))
		return pa->kind == pb->kind && pieces_alike(pa, pb);
	return pa->twin == pb;
}

/* Within their sections, both from the piece's start. */
static int relocs_alike(const struct piece *a, const struct piece *b)
{
	const struct section *sa = a->section, *sb = b->section;
	size_t i = section_reloc_from(sa, a->start), k = section_reloc_from(sb, b->start);

	for (;; i++, k++) {
		int in_a = i < sa->nr_relocs && sa->relocs[i].offset < a->end;
		int in_b = k < sb->nr_relocs && sb->relocs[k].offset < b->end;

		if (!in_a || !in_b)
			return in_a == in_b;
		if (sa->relocs[i].type != sb->relocs[k].type ||
		    sa->relocs[i].offset - a->start != sb->relocs[k].offset - b->start ||
		    !targets_alike(sa, &sa->relocs[i], sb, &sb->relocs[k]))
			return 0;
	}
}

/* Bytes that relocations fill in are zero in object files. */
static int pieces_alike(const struct piece *a, const struct piece *b)
{
	uint64_t size = a->end - a->start;

	if (size != b->end - b->start || !a->section->data != !b->section->data)
		return 0;
	if (size && a->section->data &&
	    memcmp(a->section->data + a->start, b->section->data + b->start, size))
		return 0;
	return relocs_alike(a, b);
}

/* Parts are twins if their wholes are; a cold part may be new or gone. */
static int entries_alike(const struct piece *a, const struct piece *b)
{
	size_t i = 0, k = 0;

	/* Both lists are in the order of sections and offsets, which are gcc's and alike. */
	for (;; i++, k++) {
		while (i < a->nr_entries && a->entries[i]->kind == PIECE_IGNORED)
			i++;
		while (k < b->nr_entries && b->entries[k]->kind == PIECE_IGNORED)
			k++;
		if (i == a->nr_entries || k == b->nr_entries)
			return i == a->nr_entries && k == b->nr_entries;
		if (a->entries[i]->kind != b->entries[k]->kind ||
		    !pieces_alike(a->entries[i], b->entries[k]))
			return 0;
	}
}

static void compare_function(struct piece *piece)
{
	struct piece *twin = piece->twin;

	piece->changed = !pieces_alike(twin, piece) || !entries_alike(twin, piece);
	twin->changed = piece->changed;
}

/* The order of entries: by their sections' names, then as they stand there. */
static int by_place(const void *a, const void *b)
{
	const struct piece *x = *(struct piece * const *)a, *y = *(struct piece * const *)b;
	int order = 0;

	/* Sections of parts carry the names of their functions, which are twins at best. */
	if (x->kind != PIECE_FUNCTION && y->kind != PIECE_FUNCTION)
		order = strcmp(x->section->name, y->section->name);
	if (!order)
		order = x->kind - y->kind;
	if (!order && x->section != y->section)
		order = x->section->index < y->section->index ? -1 : 1;
	return order ? order : x->start < y->start ? -1 : x->start > y->start;
}

static void sort_entries(struct elf_object *object)
{
	for (size_t i = 1; i < object->nr_sections; i++) {
		struct section *section = &object->sections[i];

		for (size_t k = 0; k < section->nr_pieces; k++) {
			struct piece *piece = section->pieces[k];

			if (piece->nr_entries)
				qsort(piece->entries, piece->nr_entries, sizeof(*piece->entries),
				      by_place);
		}
	}
}

/* Contents that are a matter of the build and say nothing. */
static int is_noise(const struct piece *piece)
{
	static const char * const sections[] = {
		"__dyndbg", ".BTF_ids", ".init.rodata", ".init.data"
	};
	const struct symbol *symbol = piece->symbol;

	return name_begins(piece->section->name, sections, ARRAY_SIZE(sections)) ||
		(symbol && !strncmp(symbol->name, "__UNIQUE_ID_", 12));
}

/* Sections in which a variable is a variable and nothing more. */
int section_is_plain_data(const struct section *section)
{
	static const char * const starts[] = { ".data", ".bss", ".rodata", ".ref.data", "__dyndbg",
		"__tracepoints_", ".discard", ".init.data", ".init.rodata", ".init.bss", ".exit.",
		".static_call.text", ".BTF_ids" };

	return name_begins(section->name, starts, ARRAY_SIZE(starts));
}

/* Not in the unit before: data of the module, unless the kernel would have had to know it. */
static void look_at_new_data(const struct unit *unit, const struct piece *piece, const char *name)
{
	const char *section = piece->section->name;

	if (!strcmp(section, "__tracepoints"))
		refuse("tracepoint", "use one that is there, or printk()",
		       "%s: %s is a new tracepoint", unit->source, name);
	else if (!section_is_plain_data(piece->section))
		refuse("special section", "patch the users of what it registers instead",
		       "%s: new entry %s in section %s, which is read when the kernel starts",
		       unit->source, name, section);
}

static void compare_data(struct unit *unit, struct piece *piece)
{
	const char *name = piece->symbol ? piece->symbol->name : piece->section->name;

	if (!piece->twin) {
		look_at_new_data(unit, piece, name);
		return;
	}
	if (is_noise(piece) || pieces_alike(piece->twin, piece))
		return;
	piece->changed = 1;
	piece->twin->changed = 1;
}

/* Tables without names, such as those of the linker, are compared as a whole. */
static void compare_nameless(struct unit *unit, struct piece *piece)
{
	struct section *other = object_section(unit->before, piece->section->name);
	struct piece *twin = other && other->nr_pieces == 1 ? other->pieces[0] : NULL;

	if (twin && pieces_alike(twin, piece))
		return;
	refuse("special section", NULL, "%s: section %s differs, and what it means is not known",
	       unit->source, piece->section->name);
}

static void compare_section(struct unit *unit, struct section *section)
{
	for (size_t i = 0; i < section->nr_pieces; i++) {
		struct piece *piece = section->pieces[i];

		if (piece->kind == PIECE_DATA && piece->symbol)
			compare_data(unit, piece);
		else if (piece->kind == PIECE_DATA)
			compare_nameless(unit, piece);
		else if (piece->kind == PIECE_FUNCTION && piece->twin && !piece->owner)
			compare_function(piece);
	}
}

/* Functions that have run, and are gone. */
static void look_at_init(struct unit *unit, struct section *section)
{
	for (size_t i = 0; section_has_run(section) && i < section->nr_pieces; i++) {
		struct piece *piece = section->pieces[i];

		if (piece->kind == PIECE_FUNCTION && piece->twin && piece->changed)
			refuse("init", "leave it out; a callback can change what it has left",
			       "%s: %s has run already, or never will: __init or __exit code",
			       unit->source, piece->symbol->name);
	}
}

/* Code that has changed is elsewhere from now on: tables that others read would not tell so. */
static void look_at_table(const struct unit *unit, const struct section *section,
			  const struct piece *table)
{
	struct relocs relocs = piece_relocs(table);

	for (struct reloc *reloc = relocs.first; reloc < relocs.end; reloc++) {
		struct piece *about = reloc_piece(section, reloc);

		if (about && about->owner)
			about = about->owner;
		if (about && about->kind == PIECE_FUNCTION && about->changed)
			refuse("special section", NULL,
			       "%s: section %s refers to %s, and what it means is not known",
			       unit->source, section->name, about->symbol->name);
	}
}

/* Only what has no name: whoever looks for a name goes on to find the function that is replaced. */
static void look_at_tables(const struct unit *unit, const struct section *section)
{
	if (!(section->flags & SHF_ALLOC) || section->flags & SHF_EXECINSTR ||
	    section_is_plain_data(section))
		return;
	for (size_t i = 0; i < section->nr_pieces; i++) {
		const struct piece *piece = section->pieces[i];

		if (!piece->symbol &&
		    (piece->kind == PIECE_DATA || piece->kind == PIECE_CONSTANT))
			look_at_table(unit, section, piece);
	}
}

/* What modules find is settled when the kernel, or the module that has it, is linked. */
static void compare_exports(const struct unit *unit)
{
	static const char start[] = "__export_symbol_";

	for (size_t i = 1; i < unit->after->nr_symbols; i++) {
		const char *name = unit->after->symbols[i].name;

		if (!strncmp(name, start, strlen(start)) && !object_symbol(unit->before, name))
			warn("%s: no module finds the new export %s, only code of this livepatch",
			     unit->source, name + strlen(start));
	}
	for (size_t i = 1; i < unit->before->nr_symbols; i++) {
		const char *name = unit->before->symbols[i].name;

		if (!strncmp(name, start, strlen(start)) && !object_symbol(unit->after, name))
			warn("%s: modules find the export %s as before", unit->source,
			     name + strlen(start));
	}
}

/* Lists for BPF: the kernel's build fills in the numbers, and it reads them when it starts. */
static void compare_types(const struct unit *unit)
{
	const struct section *a = object_section(unit->before, ".BTF_ids");
	const struct section *b = object_section(unit->after, ".BTF_ids");

	if (!a && !b)
		return;
	if (!a || !b || a->size != b->size ||
	    (a->size && a->data && b->data && memcmp(a->data, b->data, a->size)))
		refuse("special section", NULL,
		       "%s: a list of types or of functions for BPF, or a flag in it, has changed",
		       unit->source);
}

/* Has a function changed, or come? */
static int has_changed(const struct elf_object *after)
{
	for (size_t i = 1; i < after->nr_sections; i++) {
		const struct section *section = &after->sections[i];

		for (size_t k = 0; k < section->nr_pieces; k++) {
			const struct piece *piece = section->pieces[k];

			if (piece->kind == PIECE_FUNCTION && (piece->changed || !piece->twin))
				return 1;
		}
	}
	return 0;
}

/* Marks what has changed in both sides of a unit, refuses what cannot; tells whether code has. */
int unit_compare(struct unit *unit)
{
	sort_entries(unit->before);
	sort_entries(unit->after);
	for (size_t i = 1; i < unit->after->nr_sections; i++) {
		compare_section(unit, &unit->after->sections[i]);
		look_at_init(unit, &unit->after->sections[i]);
	}
	users_change(unit);
	for (size_t i = 1; i < unit->after->nr_sections; i++)
		look_at_tables(unit, &unit->after->sections[i]);
	compare_exports(unit);
	compare_types(unit);
	return has_changed(unit->after);
}
