// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is gone, and may be there under another name or in another file?  A variable without a twin
 * is new, and begins empty: if it is one that the kernel has, what that holds would be lost, or
 * there would be two. Nobody can tell, so it is refused.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

/* A word of both texts, each of words with a blank behind them? */
static int share_a_word(const char *a, const char *b)
{
	while (*a) {
		size_t len = strcspn(a, " ") + 1;

		for (const char *at = b; *at; at += strcspn(at, " ") + 1) {
			if (!strncmp(a, at, len))
				return 1;
		}
		a += len;
	}
	return 0;
}

/*
 * A variable that was there before or has come, and that the source has named. Constants that do
 * not lead to code may be copied.
 */
static int is_unpaired(const struct piece *piece)
{
	return piece->kind == PIECE_DATA && piece->symbol && !piece->twin &&
		piece->symbol->type == STT_OBJECT && *piece->symbol->name != '_' &&
		!section_has_run(piece->section) && section_is_plain_data(piece->section) &&
		(piece->section->flags & SHF_WRITE || leads_to_code(piece));
}

/* What NEW holds from the begin is lost if it is GONE by another name. */
static void look_at_pair(const struct unit *unit, const struct piece *gone,
			 const struct piece *new)
{
	char *before, *after;

	if (gone->end - gone->start != new->end - new->start ||
	    (gone->section->flags ^ new->section->flags) & SHF_WRITE)
		return;
	before = twins_users(unit->before, gone->symbol);
	after = twins_users(unit->after, new->symbol);
	if (share_a_word(before, after))
		refuse("renamed", "leave it its name; a new one beside it can have any",
		       "%s: %s is gone and %s, as large, has come: if it is the same, %s",
		       unit->source, gone->symbol->name, new->symbol->name,
		       "what it holds in the kernel would be lost");
	free(before);
	free(after);
}

/* The same in another unit; those that others can see are looked for in the kernel. */
static void look_elsewhere(const struct unit *unit, const struct unit *other,
			   const struct piece *gone, const struct piece *new)
{
	char *before = name_base(gone->symbol->name), *after = name_base(new->symbol->name);

	if (new->symbol->hidden && !strcmp(before, after) &&
	    gone->end - gone->start == new->end - new->start)
		refuse("moved", "change it in the file where it is",
		       "%s: %s has been moved here from %s: what it holds in the kernel would be lost",
		       unit->source, after, other->source);
	free(before);
	free(after);
}

/* NEW is of UNIT; what is gone, of OTHER. */
static void look_for_gone(const struct unit *unit, const struct unit *other,
			  const struct piece *new)
{
	for (size_t i = 1; i < other->before->nr_sections; i++) {
		const struct section *section = &other->before->sections[i];

		for (size_t k = 0; k < section->nr_pieces; k++) {
			if (!is_unpaired(section->pieces[k]))
				continue;
			if (unit == other)
				look_at_pair(unit, section->pieces[k], new);
			else if (!strcmp(unit->module, other->module))
				look_elsewhere(unit, other, section->pieces[k], new);
		}
	}
}

/* Variables of UNIT that may be those of one of these units, which have all been compared. */
void unit_look_for_gone(const struct unit *unit, const struct units *units)
{
	for (size_t i = 1; i < unit->after->nr_sections; i++) {
		const struct section *section = &unit->after->sections[i];

		for (size_t k = 0; k < section->nr_pieces; k++) {
			for (size_t u = 0; u < units->nr && is_unpaired(section->pieces[k]); u++)
				look_for_gone(unit, &units->unit[u], section->pieces[k]);
		}
	}
}

/* Others go on with the one that they know. */
void unit_look_for_moved(const struct unit *unit)
{
	for (size_t i = 1; i < unit->after->nr_symbols; i++) {
		const struct symbol *symbol = &unit->after->symbols[i];

		if (symbol->bind == STB_GLOBAL && !symbol->hidden && !symbol->twin &&
		    symbol->piece && symbol->piece->symbol == symbol &&
		    !section_has_run(symbol->section) && kernel_has_global(unit, symbol->name))
			refuse("moved", "change it in the file where it is",
			       "%s: %s has been moved here: the kernel has one from another file",
			       unit->source, symbol->name);
	}
}
