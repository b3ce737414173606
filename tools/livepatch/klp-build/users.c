// SPDX-License-Identifier: GPL-2.0-only
/*
 * What if something changes that cannot be changed where it is? What is declared inline, such as
 * the body of a system call, ftrace does not reach, even if gcc has not put it into its callers;
 * and what is constant stands in the kernel as it was. If only functions of this unit know it,
 * these are replaced instead, and bring a copy of it along. Some of them may be out of reach as
 * well; then it is the turn of theirs.
 */
#include <string.h>
#include "build.h"

/* ftrace knows the function: its compiler has left a place for it. */
int is_traceable(const struct piece *piece)
{
	for (size_t i = 0; i < piece->nr_entries; i++) {
		if (!strcmp(piece->entries[i]->section->name, "__mcount_loc"))
			return 1;
	}
	return 0;
}

/* Whoever has an operation of the old table goes on to use it. */
int leads_to_code(const struct piece *piece)
{
	struct relocs relocs = piece_relocs(piece);

	for (struct reloc *reloc = relocs.first; reloc < relocs.end; reloc++) {
		const struct symbol *symbol = reloc->symbol;

		if (!symbol->section || symbol->section->flags & SHF_EXECINSTR)
			return 1;
	}
	return 0;
}

/* What to do with a place that refers to PIECE; 0 ends it. */
typedef int visit_t(struct piece *from, struct piece *piece, const struct reloc *reloc);

/* All that refers to PIECE, except for PIECE; tells whether VISIT has said yes to each. */
static int each_reference(struct piece *piece, visit_t *visit)
{
	const struct elf_object *object = piece->section->object;

	for (size_t i = 1; i < object->nr_sections; i++) {
		const struct section *section = &object->sections[i];

		for (size_t k = 0; section->flags & SHF_ALLOC && k < section->nr_relocs; k++) {
			const struct reloc *reloc = &section->relocs[k];
			struct piece *to = reloc_piece(section, reloc), *from;

			if (!to || piece_whole(to) != piece)
				continue;
			from = section_piece(section, reloc->offset);
			if (from && piece_whole(from) != piece &&
			    !visit(piece_whole(from), piece, reloc))
				return 0;
		}
	}
	return 1;
}

/* Nobody who keeps the address would know about a copy. */
static int is_call(struct piece *from, struct piece *piece, const struct reloc *reloc)
{
	(void)piece;
	return from->kind == PIECE_IGNORED ||
		(from->kind == PIECE_FUNCTION && reloc->type == R_X86_64_PLT32);
}

static int is_from_code(struct piece *from, struct piece *piece, const struct reloc *reloc)
{
	(void)piece;
	(void)reloc;
	return from->kind == PIECE_IGNORED || from->kind == PIECE_FUNCTION;
}

/* What has run is no user any more. */
static int is_from_past(struct piece *from, struct piece *piece, const struct reloc *reloc)
{
	(void)piece;
	(void)reloc;
	return from->kind == PIECE_IGNORED || section_has_run(from->section);
}

/* What is new uses the new one in any case. */
static int change_user(struct piece *from, struct piece *piece, const struct reloc *reloc)
{
	(void)reloc;
	if (from->kind != PIECE_FUNCTION || !from->twin || section_has_run(from->section) ||
	    from->changed)
		return 1;
	from->changed = 1;
	from->twin->changed = 1;
	from->because = copy(piece->symbol->name);
	return 1;
}

/* Is PIECE left to its users, of which there are some, and VISIT says yes to each? */
static int leave_to_users(struct piece *piece, visit_t *visit)
{
	if (!piece->symbol || !piece->symbol->hidden || !each_reference(piece, visit) ||
	    each_reference(piece, is_from_past))
		return 0;
	piece->copied = 1;
	each_reference(piece, change_user);
	return 1;
}

/* ---- constants */

static void leave_data(const struct unit *unit, struct piece *piece)
{
	const char *name = piece->symbol ? piece->symbol->name : piece->section->name;
	int is_constant = !(piece->section->flags & SHF_WRITE) &&
		piece->section->type == SHT_PROGBITS && !section_has_run(piece->section);

	if (is_constant && !leads_to_code(piece) && leave_to_users(piece, is_from_code))
		warn("%s: functions of the module have a copy of %s: %s", unit->source, name,
		     "if its address gets into data of the kernel, the module must never be removed");
	else
		refuse("data changed", "patch its users, or change it in a callback (--callbacks)",
		       "%s: the contents of %s are changed; the running kernel has its own",
		       unit->source, name);
}

/* ---- functions */

/* Code of sections with a meaning of their own must not be elsewhere. */
static int is_stuck(const struct piece *piece)
{
	return piece->kind == PIECE_FUNCTION && piece->changed && piece->twin && !piece->owner &&
		!piece->copied && !is_traceable(piece->twin) &&
		!strncmp(piece->section->name, ".text", 5);
}

/* One round; true when something has come of it. */
static int leave_some(struct unit *unit)
{
	int some = 0;

	for (size_t i = 1; i < unit->after->nr_sections; i++) {
		const struct section *section = &unit->after->sections[i];

		for (size_t k = 0; k < section->nr_pieces; k++)
			some |= is_stuck(section->pieces[k]) &&
				leave_to_users(section->pieces[k], is_call);
	}
	return some;
}

/* Of a unit that has been compared: who has to change since what they use cannot. */
void users_change(struct unit *unit)
{
	for (size_t i = 1; i < unit->after->nr_sections; i++) {
		const struct section *section = &unit->after->sections[i];

		for (size_t k = 0; k < section->nr_pieces; k++) {
			if (section->pieces[k]->kind == PIECE_DATA && section->pieces[k]->changed)
				leave_data(unit, section->pieces[k]);
		}
	}
	while (leave_some(unit))
		;
}
