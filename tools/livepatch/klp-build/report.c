// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in the module, and why?  Every function that is replaced or new, what it asks the kernel
 * for, and which sections came along; as text or as JSON.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

static const char *why_in_words(const struct piece *piece)
{
	switch (piece->why) {
	case WHY_CHANGED:
		return "changed";
	case WHY_NEW:
		return "new";
	case WHY_COPIED:
		return "copied";
	default:
		return "part";
	}
}

/* Descriptions of messages have names that macros have made up. */
static int is_told(const struct piece *piece)
{
	return (piece->kind == PIECE_FUNCTION && !piece->owner) ||
		(piece->kind == PIECE_DATA && piece->symbol &&
		 strcmp(piece->section->name, "__dyndbg"));
}

static void tell_piece(const struct piece *piece)
{
	const struct unit *unit = unit_of(piece);

	print("  %-8s %s %s (%s, %s)", why_in_words(piece),
	      piece->kind == PIECE_FUNCTION ? "function" : "variable", piece->symbol->name,
	      unit->source, unit->module);
	if (piece->because)
		print(", %s %s", piece->why == WHY_CHANGED ? "uses" : "used by", piece->because);
	print("\n");
}

static void tell_externals(void)
{
	size_t nr, livepatch = 0;
	struct external **all = reach_externals(&nr);

	for (size_t i = 0; i < nr; i++)
		livepatch += !all[i]->plain;
	print("  %zu symbols of the kernel, %zu of them by livepatch relocations\n", nr, livepatch);
}

/* What the author has given along. */
static void tell_gifts(void)
{
	size_t nr;
	char **names = callbacks_in_file(&nr);

	for (size_t i = 0; i < nr; i++)
		print("  callback %s (%s)\n", names[i], choices.callbacks);
	for (size_t i = 0; i < choices.nr_guards; i++)
		print("  guard    function %s (vmlinux)\n", choices.guards[i]);
	free_list(names, nr);
}

static void json_gifts(void)
{
	size_t nr;
	char **names = callbacks_in_file(&nr);

	json_open("callbacks", '[');
	for (size_t i = 0; i < nr; i++)
		json_string(NULL, names[i]);
	json_close();
	json_open("guards", '[');
	for (size_t i = 0; i < choices.nr_guards; i++)
		json_string(NULL, choices.guards[i]);
	json_close();
	free_list(names, nr);
}

static void json_pieces(struct piece **pieces, size_t nr)
{
	json_open("pieces", '[');
	for (size_t i = 0; i < nr; i++) {
		const struct piece *piece = pieces[i];

		if (!is_told(piece))
			continue;
		json_open(NULL, '{');
		json_string("name", piece->symbol->name);
		json_string("kind", piece->kind == PIECE_FUNCTION ? "function" : "variable");
		json_string("why", why_in_words(piece));
		json_string("because", piece->because);
		json_string("file", unit_of(piece)->source);
		json_string("object", unit_of(piece)->module);
		json_close();
	}
	json_close();
}

static void json_externals(void)
{
	size_t nr;
	struct external **all = reach_externals(&nr);

	json_open("symbols", '[');
	for (size_t i = 0; i < nr; i++) {
		json_open(NULL, '{');
		json_string("object", all[i]->kernel->object);
		json_string("name", all[i]->kernel->name);
		json_number("sympos", all[i]->kernel->sympos);
		json_flag("exported", all[i]->plain);
		json_close();
	}
	json_close();
}

/* MODULE is the file that was written, NULL if none was. */
void report(struct piece **pieces, size_t nr, const char *module)
{
	if (options.given & OPT_JSON) {
		json_open(NULL, '{');
		json_string("module", module);
		json_pieces(pieces, nr);
		json_gifts();
		json_externals();
		refusals_json();
		json_close();
		return;
	}
	for (size_t i = 0; i < nr; i++) {
		if (is_told(pieces[i]))
			tell_piece(pieces[i]);
	}
	tell_gifts();
	if (!refusals())
		tell_externals();
	refusals_tell();
	if (module)
		print("%s\n", module);
}
