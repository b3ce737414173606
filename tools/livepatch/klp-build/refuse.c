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

static struct refusal *all;
static size_t nr;
static char **warnings;
static size_t nr_warnings;

/* WHAT and NEXT are constants; NEXT, unless it is NULL, is what to do instead. */
void refuse(const char *what, const char *next, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = vformat(fmt, args);
	va_end(args);
	for (size_t i = 0; i < nr; i++) {
		if (!strcmp(all[i].text, text)) {
			free(text);
			return;
		}
	}
	all = grow(all, nr, sizeof(*all));
	all[nr++] = (struct refusal){ what, text, next };
}

/* What is no reason to refuse, but has to be known. */
void warn(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = vformat(fmt, args);
	va_end(args);
	for (size_t i = 0; i < nr_warnings; i++) {
		if (!strcmp(warnings[i], text)) {
			free(text);
			return;
		}
	}
	warnings = grow(warnings, nr_warnings, sizeof(*warnings));
	warnings[nr_warnings++] = text;
}

size_t refusals(void)
{
	return nr;
}

/* On standard error, for people. */
void refusals_tell(void)
{
	for (size_t i = 0; i < nr_warnings; i++)
		remark("warning: %s", warnings[i]);
	for (size_t i = 0; i < nr; i++) {
		error("refused: %s", all[i].text);
		if (all[i].next)
			next_step("%s", all[i].next);
	}
}

/* For programs: two arrays. */
void refusals_json(void)
{
	json_open("warnings", '[');
	for (size_t i = 0; i < nr_warnings; i++)
		json_string(NULL, warnings[i]);
	json_close();
	json_open("refusals", '[');
	for (size_t i = 0; i < nr; i++) {
		json_open(NULL, '{');
		json_string("kind", all[i].what);
		json_string("text", all[i].text);
		json_string("next", all[i].next);
		json_close();
	}
	json_close();
}
