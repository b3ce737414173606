// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which callbacks does the author give along?  Functions that the patches declare as such, by the
 * macros of <linux/livepatch_helpers.h>. And the file of --callbacks becomes a part of the
 * generated C; a function in it whose name is that of a callback, followed by that of an object, is
 * called for this object: pre_patch_vmlinux(), post_unpatch_e1000e(). An array states[] in it is
 * that of the patch.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"

static const char * const kinds[] = { "pre_patch", "post_patch", "pre_unpatch", "post_unpatch" };

static int is_part_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Comments do not call anything. */
static void blank_comments(char *text)
{
	for (char *c = text; (c = strchr(c, '/'));) {
		const char *end = c[1] == '*' ? strstr(c + 2, "*/") :
			c[1] == '/' ? strchr(c, '\n') : c + 1;

		if (c[1] == '*' && end)
			end += 2;
		if (!end)
			end = c + strlen(c);
		if (end == c + 1)
			c++;
		while (c < end)
			*c++ = ' ';
	}
}

static char *read_text(void)
{
	char *text = read_all(choices.callbacks);

	if (!text)
		stop(KLP_USAGE, NULL, "%s: %s", choices.callbacks, strerror(errno));
	return text;
}

/* The object in the name of a callback, NULL if it is none. */
static const char *object_in(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i]);

		if (!strncmp(name, kinds[i], len) && name[len] == '_')
			return name + len + 1;
	}
	return NULL;
}

static int is_named(const char *name, char **names, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (!strcmp(names[i], name))
			return 1;
	}
	return 0;
}

/*
 * The functions of the file that are named like callbacks, and "states" for the array; an array of
 * texts that is the caller's.
 */
char **callbacks_in_file(size_t *nr)
{
	char *text = choices.callbacks ? read_text() : NULL, **names = NULL;
	size_t len;

	*nr = 0;
	if (text)
		blank_comments(text);
	for (const char *at = text; at && *at; at += len ? len : 1) {
		char *name;

		len = 0;
		while (is_part_of_name(at[len]))
			len++;
		name = format("%.*s", (int)len, at);
		if (((at[len] == '(' && object_in(name)) ||
		     (at[len] == '[' && !strcmp(name, "states"))) && !is_named(name, names, *nr)) {
			names = grow(names, *nr, sizeof(*names));
			names[(*nr)++] = name;
		} else {
			free(name);
		}
	}
	free(text);
	return names;
}

/* Those that stand in the patches themselves. */
void callbacks_declare(FILE *f, struct piece **pieces, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (pieces[i]->callback)
			fprintf(f, "%s %s(struct klp_object *obj);\n",
				strcmp(pieces[i]->callback, "pre_patch") ? "void" : "int",
				pieces[i]->c_name);
	}
}

/* The function that is a callback of this kind for OBJECT, the caller's; NULL if there is none. */
static char *find(char **names, size_t nr_names, const char *kind, const char *object,
		  struct piece **pieces, size_t nr)
{
	char *name = format("%s_%s", kind, object), *found = NULL;

	if (is_named(name, names, nr_names))
		found = copy(name);
	for (size_t i = 0; i < nr; i++) {
		if (!pieces[i]->callback || strcmp(pieces[i]->callback, kind) ||
		    strcmp(unit_of(pieces[i])->module, object))
			continue;
		if (found)
			stop(BUILD_REFUSED, "call one from the other",
			     "%s has two %s callbacks", object, kind);
		found = copy(pieces[i]->c_name);
	}
	free(name);
	return found;
}

/* The member of a struct klp_object, if there are callbacks for it. */
void callbacks_write(FILE *f, const char *object, struct piece **pieces, size_t nr)
{
	int opened = 0;
	size_t nr_names;
	char **names = callbacks_in_file(&nr_names);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char *name = find(names, nr_names, kinds[i], object, pieces, nr);

		if (name) {
			fprintf(f, "%s\t\t\t.%s = %s,\n", opened ? "" : "\t\t.callbacks = {\n",
				kinds[i], name);
			opened = 1;
		}
		free(name);
	}
	if (opened)
		fputs("\t\t},\n", f);
	free_list(names, nr_names);
}

/* Has the module a function of this object to replace? */
static int is_patched(const char *object, struct piece **pieces, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (pieces[i]->kind == PIECE_FUNCTION && pieces[i]->why == WHY_CHANGED &&
		    !strcmp(unit_of(pieces[i])->module, object))
			return 1;
	}
	return 0;
}

/* Refuses what would be left out without a word. */
void callbacks_check(struct piece **pieces, size_t nr)
{
	size_t found;
	char **names = callbacks_in_file(&found);

	if (choices.callbacks && !found)
		refuse("callback", "call them pre_patch_OBJECT(), post_patch_OBJECT() and the like",
		       "%s has neither a callback nor states[]", choices.callbacks);
	for (size_t i = 0; i < found; i++) {
		const char *object = object_in(names[i]);

		if (object && !is_patched(object, pieces, nr))
			refuse("callback", "call it from a callback of an object that changes",
			       "%s: nobody calls %s(): no function of %s is replaced",
			       choices.callbacks, names[i], object);
	}
	free_list(names, found);
}

/* Is there an array of struct klp_state for the patch? */
int callbacks_states(void)
{
	size_t nr;
	char **names = callbacks_in_file(&nr);
	int found = is_named("states", names, nr);

	free_list(names, nr);
	return found;
}

/* To where the generated C stands. */
void callbacks_copy(const char *directory)
{
	char *path = format("%s/callbacks.c", directory), *text;
	FILE *f;

	if (!choices.callbacks)
		return;
	text = read_text();
	f = fopen(path, "we");
	if (!f || fputs(text, f) < 0 || fclose(f))
		stop(KLP_FAILED, NULL, "%s: %s", path, strerror(errno));
	free(text);
	free(path);
}
