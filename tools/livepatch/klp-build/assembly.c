// SPDX-License-Identifier: GPL-2.0-only
/*
 * How is every reference between two things of a unit made visible?  The assembler resolves what it
 * can, and names sections instead of local symbols: then it takes a disassembler to tell what an
 * instruction means. Global symbols keep their relocations, with -mshared those nearby as well. So
 * gcc's output is made to declare all functions and objects global before it is assembled; which
 * were not is written down in a section, SECTION_HIDDEN. Functions whose section somebody has
 * chosen get one each, as -ffunction-sections does for the others.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"

#define LOOK_AHEAD	12	/* lines between .section and the .type of its function */

struct names {
	char **name;
	size_t nr;
};

/* The next word of a directive's arguments, copied; NULL at the end. */
static char *next_word(const char **at)
{
	size_t len;
	char *word;

	*at += strspn(*at, " \t,");
	len = strcspn(*at, " \t,\n;");
	if (!len)
		return NULL;
	word = format("%.*s", (int)len, *at);
	*at += len;
	return word;
}

/* Arguments of LINE if it is this directive. */
static const char *directive(const char *line, const char *name)
{
	size_t len = strlen(name);

	line += strspn(line, " \t");
	if (strncmp(line, name, len) || !isspace((unsigned char)line[len]))
		return NULL;
	return line + len;
}

static void add(struct names *names, char *name)
{
	names->name = grow(names->name, names->nr, sizeof(*names->name));
	names->name[names->nr++] = name;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

static void sort(struct names *names)
{
	if (names->nr)
		qsort(names->name, names->nr, sizeof(*names->name), compare);
}

static int has(const struct names *names, const char *name)
{
	return names->nr &&
		bsearch(&name, names->name, names->nr, sizeof(*names->name), compare);
}

static char **split_lines(char *text, size_t *nr)
{
	char **lines = NULL;
	size_t room = 0;

	for (*nr = 0; *text; (*nr)++) {
		if (*nr == room) {
			lines = grow_by(lines, room, room + 1024, sizeof(*lines));
			room += room + 1024;
		}
		lines[*nr] = text;
		text += strcspn(text, "\n");
		if (*text)
			*text++ = '\0';
	}
	return lines;
}

/* The function or object that LINE gives a type, NULL if it does not. */
static char *typed(const char *line, int *is_function)
{
	const char *at = directive(line, ".type");
	char *name = at ? next_word(&at) : NULL, *type = name ? next_word(&at) : NULL;

	if (type)
		*is_function = !!strstr(type, "function");
	if (!type || (!*is_function && !strstr(type, "object"))) {
		free(name);
		name = NULL;
	}
	free(type);
	return name;
}

/* The function that begins behind a .section, NULL if none does. */
static char *function_behind(char **lines, size_t i, size_t nr)
{
	for (size_t end = i + LOOK_AHEAD; ++i < nr && i < end;) {
		int is_function;
		char *name = typed(lines[i], &is_function);

		if (name && is_function)
			return name;
		free(name);
		if (name || directive(lines[i], ".section") || directive(lines[i], ".text"))
			return NULL;
	}
	return NULL;
}

/*
 * A section of code that is named in the source, such as .sched.text, for more than one function.
 */
static int is_shared_text(const char *section)
{
	size_t len = strlen(section);

	return len > 5 && !strcmp(section + len - 5, ".text");
}

static void write_section(FILE *f, char **lines, size_t i, size_t nr)
{
	const char *at = directive(lines[i], ".section");
	char *section = at ? next_word(&at) : NULL, *function = NULL;

	if (section && is_shared_text(section))
		function = function_behind(lines, i, nr);
	if (function)
		fprintf(f, "\t.section\t%s.%s,\"ax\",@progbits\n", section, function);
	else
		fprintf(f, "%s\n", lines[i]);
	free(function);
	free(section);
}

static void write_symbols(FILE *f, struct names *types, struct names *shown)
{
	const char *last = "";

	sort(types);
	sort(shown);
	fputs("\t.section\t" SECTION_HIDDEN ",\"\",@progbits\n", f);
	for (size_t i = 0; i < types->nr; i++) {
		if (has(shown, types->name[i]) || !strcmp(last, types->name[i]))
			continue;
		last = types->name[i];
		fprintf(f, "\t.globl\t%s\n\t.asciz\t\"%s\"\n", last, last);
	}
	fputs("\t.text\n", f);
}

static void read_line_of(const char *line, struct names *types, struct names *shown)
{
	const char *at = directive(line, ".globl");
	int is_function;
	char *name = at ? NULL : typed(line, &is_function);

	if (!at)
		at = directive(line, ".weak");
	if (name)
		add(types, name);
	while (at && (name = next_word(&at)))
		add(shown, name);
}

/* From the file FROM to the file TO. */
void assembly_show(const char *from, const char *to)
{
	char *text = read_all(from), **lines;
	struct names types = { 0 }, shown = { 0 };
	FILE *f = fopen(to, "we");
	size_t nr;

	if (!text || !f)
		stop(KLP_FAILED, NULL, "%s: %s", text ? to : from, strerror(errno));
	lines = split_lines(text, &nr);
	for (size_t i = 0; i < nr; i++)
		read_line_of(lines[i], &types, &shown);
	/* In front: a call of what is known to be global is told from a mere address. */
	write_symbols(f, &types, &shown);
	for (size_t i = 0; i < nr; i++)
		write_section(f, lines, i, nr);
	if (fclose(f))
		stop(KLP_FAILED, NULL, "%s: %s", to, strerror(errno));
	free(text);
	free(lines);
}
