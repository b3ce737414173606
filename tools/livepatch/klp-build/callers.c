// SPDX-License-Identifier: GPL-2.0-only
/*
 * What if a function that changes cannot be replaced?  What is declared inline, such as the body of a
 * system call, ftrace does not reach, even if gcc has not put it into its callers. If only this unit
 * knows it, all who call it are known: these are replaced instead, and bring a copy of it along. Some
 * of them may be out of reach as well; then it is the turn of theirs.
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

/* Code of sections with a meaning of their own must not be elsewhere. */
static int is_plain_text(const struct piece *piece)
{
	return !strncmp(piece->section->name, ".text", 5);
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

/* What has run called the old one, and what is new calls the new one in any case. */
static int change_caller(struct piece *from, struct piece *piece, const struct reloc *reloc)
{
	(void)reloc;
	if (from->kind != PIECE_FUNCTION || !from->twin || section_has_run(from->section) || from->changed)
		return 1;
	from->changed = 1;
	from->twin->changed = 1;
	from->because = copy(piece->symbol->name);
	return 1;
}

/* Can PIECE be left to its callers? Then they have changed now. */
static int leave_to_callers(struct piece *piece)
{
	if (!piece->symbol->hidden || !is_plain_text(piece) || !each_reference(piece, is_call))
		return 0;
	piece->copied = 1;
	each_reference(piece, change_caller);
	return 1;
}

static int is_stuck(const struct piece *piece)
{
	return piece->kind == PIECE_FUNCTION && piece->changed && piece->twin && !piece->owner &&
		!piece->copied && !section_has_run(piece->section) && !is_traceable(piece->twin);
}

/* One round; true when something has come of it. */
static int leave_some(struct unit *unit)
{
	int some = 0;

	for (size_t i = 1; i < unit->after->nr_sections; i++) {
		const struct section *section = &unit->after->sections[i];

		for (size_t k = 0; k < section->nr_pieces; k++)
			some |= is_stuck(section->pieces[k]) &&
				leave_to_callers(section->pieces[k]);
	}
	return some;
}

/* Of a unit that has been compared: who has to change since others cannot be reached. */
void callers_change(struct unit *unit)
{
	while (leave_some(unit))
		;
}
