// SPDX-License-Identifier: GPL-2.0-only
/*
 * What cannot be done safely, and why?  All that is found is collected, so that the author of a fix
 * sees it at once, in the order in which it was found, each once; with what to do instead.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

struct refusal {
	const char *what;	/* the kind, one word or two, for --json */
	char *text;
	const char *next;
};

struct list {
	struct refusal *one;
	size_t nr;
};

static struct list all, warnings;

/* Whose text is in the list already is not put there again. */
static void note(struct list *list, struct refusal new)
{
	for (size_t i = 0; i < list->nr; i++) {
		if (!strcmp(list->one[i].text, new.text)) {
			free(new.text);
			return;
		}
	}
	list->one = grow(list->one, list->nr, sizeof(*list->one));
	list->one[list->nr++] = new;
}

/* WHAT and NEXT are constants; NEXT, unless it is NULL, is what to do instead. */
void refuse(const char *what, const char *next, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note(&all, (struct refusal){ what, vformat(fmt, args), next });
	va_end(args);
}

/* What is no reason to refuse, but has to be known. */
void warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note(&warnings, (struct refusal){ NULL, vformat(fmt, args), NULL });
	va_end(args);
}

size_t refusals(void)
{
	return all.nr;
}

/* On standard error, for people. */
void refusals_tell(void)
{
	for (size_t i = 0; i < warnings.nr; i++)
		remark("warning: %s", warnings.one[i].text);
	for (size_t i = 0; i < all.nr; i++) {
		error("refused: %s", all.one[i].text);
		if (all.one[i].next)
			next_step("%s", all.one[i].next);
	}
}

/* For programs: two arrays. */
void refusals_json(void)
{
	json_open("warnings", '[');
	for (size_t i = 0; i < warnings.nr; i++)
		json_string(NULL, warnings.one[i].text);
	json_close();
	json_open("refusals", '[');
	for (size_t i = 0; i < all.nr; i++) {
		json_open(NULL, '{');
		json_string("kind", all.one[i].what);
		json_string("text", all.one[i].text);
		json_string("next", all.one[i].next);
		json_close();
	}
	json_close();
}
