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

/* Is something of this name in the text, with this character behind it? */
static int defines(const char *text, const char *name, char next)
{
	size_t len = strlen(name);

	for (const char *at = text; (at = strstr(at, name)); at += len) {
		if ((at == text || !is_part_of_name(at[-1])) && at[len] == next)
			return 1;
	}
	return 0;
}

static char *callbacks_text(void)
{
	char *text = read_all(choices.callbacks);

	if (!text)
		stop(KLP_USAGE, NULL, "%s: %s", choices.callbacks, strerror(errno));
	return text;
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
static char *find(const char *text, const char *kind, const char *object, struct piece **pieces,
		  size_t nr)
{
	char *name = format("%s_%s", kind, object), *found = NULL;

	if (text && defines(text, name, '('))
		return name;
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
	char *text = choices.callbacks ? callbacks_text() : NULL;
	int opened = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char *name = find(text, kinds[i], object, pieces, nr);

		if (name) {
			fprintf(f, "%s\t\t\t.%s = %s,\n", opened ? "" : "\t\t.callbacks = {\n",
				kinds[i], name);
			opened = 1;
		}
		free(name);
	}
	if (opened)
		fputs("\t\t},\n", f);
	free(text);
}

/* Is there an array of struct klp_state for the patch? */
int callbacks_states(void)
{
	char *text = choices.callbacks ? callbacks_text() : NULL;
	int found = text && defines(text, "states", '[');

	free(text);
	return found;
}

/* To where the generated C stands. */
void callbacks_copy(const char *directory)
{
	char *path = format("%s/callbacks.c", directory), *text;
	FILE *f;

	if (!choices.callbacks)
		return;
	text = callbacks_text();
	f = fopen(path, "we");
	if (!f || fputs(text, f) < 0 || fclose(f))
		stop(KLP_FAILED, NULL, "%s: %s", path, strerror(errno));
	free(text);
	free(path);
}
