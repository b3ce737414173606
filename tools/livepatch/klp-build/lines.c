// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which number has a line?  The one that it had before the patches: a warning, an assertion or a
 * lock holds the number of its line, and functions that nobody has touched would differ. So #line
 * stands behind each hunk that moves what follows, in front of the first line of code outside of
 * functions and all other brackets. What the preprocessor skips, it does not count by: where the
 * branches of a condition meet again with different numbers, there is another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"

#define BRANCHES	64	/* conditions in conditions; deeper ones are not told apart */
#define MIXED		(-1000000000L)

enum text { CODE, COMMENT, LINE_COMMENT, STRING, CHARACTER };

enum directive { NO_DIRECTIVE, OTHER, IF, ELSE, ENDIF, LINE };

struct depth {
	long braces;
	long others;
};

/**
 * struct branch - a condition of the preprocessor that is not at its end
 * @before: brackets in front of it
 * @first: brackets behind its first branch
 * @lead: how far the lines were ahead of their numbers in front of it
 * @joined: and are behind the branches so far
 * @nr: number of these branches
 * @is_never: nobody compiles the first one
 * @is_whole: there is an #else
 */
struct branch {
	struct depth before;
	struct depth first;
	long lead;
	long joined;
	int nr;
	int is_never;
	int is_whole;
};

/**
 * struct scan - what is known at the beginning of a line
 * @text: what kind of text it is in
 * @continues: the line before ends in a backslash
 * @directive: it is in the middle of one
 * @depth: open brackets
 * @branches: conditions around it, from the outside
 * @nr: number of these
 * @lead: how far the lines are ahead of their numbers here, or MIXED
 * @own: there was a #line of the file's own, and what follows it has numbers of its own
 */
struct scan {
	enum text text;
	int continues;
	enum directive directive;
	struct depth depth;
	struct branch branches[BRANCHES];
	size_t nr;
	long lead;
	int own;
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static const char *skip_blanks(const char *text, const char *end)
{
	while (text < end && is_blank(*text))
		text++;
	return text;
}

static int is_word(const char *text, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - text) >= len && !strncmp(text, word, len);
}

/* What the line from TEXT on, behind its blanks, is to the preprocessor. */
static enum directive directive_of(const char *text, const char *end)
{
	if (text == end || *text != '#')
		return NO_DIRECTIVE;
	text = skip_blanks(text + 1, end);
	if (is_word(text, end, "if"))
		return IF;
	if (is_word(text, end, "el"))
		return ELSE;
	if (is_word(text, end, "endif"))
		return ENDIF;
	if (is_word(text, end, "line") || (text < end && *text >= '0' && *text <= '9'))
		return LINE;
	return OTHER;
}

/* ---- branches */

static void join(struct branch *branch, long lead)
{
	branch->joined = branch->nr && branch->joined != lead ? MIXED : lead;
}

static void branch_begin(struct scan *s, const char *text, const char *end)
{
	const char *condition = skip_blanks(text + 1, end);

	if (s->nr < BRANCHES) {
		s->branches[s->nr] = (struct branch){ .before = s->depth, .lead = s->lead };
		s->branches[s->nr].is_never = is_word(condition, end, "if 0");
	}
	s->nr++;
}

static void branch_end(struct scan *s)
{
	struct branch *branch;

	if (s->nr > BRANCHES)
		s->lead = MIXED;
	if (!s->nr || s->nr > BRANCHES)
		return;
	branch = &s->branches[s->nr - 1];
	if (!branch->nr)
		branch->first = branch->is_never ? branch->before : s->depth;
	join(branch, s->lead);
	branch->nr++;
	s->depth = branch->before;
	s->lead = branch->lead;
}

static void condition_end(struct scan *s)
{
	struct branch *branch;

	branch_end(s);
	if (s->nr && s->nr <= BRANCHES) {
		branch = &s->branches[s->nr - 1];
		if (!branch->is_whole)
			join(branch, branch->lead);
		s->depth = branch->first;
		s->lead = branch->joined;
	}
	s->nr -= !!s->nr;
}

static void direct(struct scan *s, const char *text, const char *end)
{
	const char *word = skip_blanks(text + 1, end);

	if (s->directive == IF)
		branch_begin(s, text, end);
	if (s->directive == ELSE) {
		branch_end(s);
		if (s->nr && s->nr <= BRANCHES && is_word(word, end, "else"))
			s->branches[s->nr - 1].is_whole = 1;
	}
	if (s->directive == ENDIF)
		condition_end(s);
	s->own |= s->directive == LINE;
}

/* ---- characters */

static void count_bracket(struct depth *depth, char c)
{
	long *which = c == '{' || c == '}' ? &depth->braces : &depth->others;

	if (strchr("{([", c))
		++*which;
	else if (*which)
		--*which;
}

/* Takes in C, which NEXT follows; returns by how many characters to go on. */
static size_t scan_code(struct scan *s, char c, char next)
{
	if (c == '/' && (next == '*' || next == '/')) {
		s->text = next == '*' ? COMMENT : LINE_COMMENT;
		return 2;
	}
	if (c == '"' || c == '\'')
		s->text = c == '"' ? STRING : CHARACTER;
	else if (s->directive == NO_DIRECTIVE && c && strchr("{}()[]", c))
		count_bracket(&s->depth, c);
	return 1;
}

static size_t scan_character(struct scan *s, char c, char next)
{
	switch (s->text) {
	case CODE:
		return scan_code(s, c, next);
	case COMMENT:
		if (c != '*' || next != '/')
			return 1;
		s->text = CODE;
		return 2;
	case STRING:
	case CHARACTER:
		if (c == '\\')
			return 2;
		if (c == (s->text == STRING ? '"' : '\''))
			s->text = CODE;
		return 1;
	default:
		return 1;
	}
}

/*
 * A bracket in column 0 that stands alone ends whatever has been opened, as functions are written.
 */
static int is_end(const char *text, const char *end)
{
	return *text == '}' && (end - text == 1 || (end - text == 2 && text[1] == ';'));
}

/* The line from TEXT to END, where its line feed is. */
static void scan_line(struct scan *s, const char *text, const char *end)
{
	const char *first = skip_blanks(text, end), *last = end;

	if (s->text == CODE && !s->continues) {
		s->directive = directive_of(first, end);
		direct(s, first, end);
		if (is_end(text, end))
			s->depth = (struct depth){ 1, 0 };
	}
	for (const char *c = text; c < end; )
		c += scan_character(s, *c, c + 1 < end ? c[1] : '\0');
	while (last > text && is_blank(last[-1]))
		last--;
	s->continues = last > text && last[-1] == '\\';
	if (s->continues)
		return;
	if (s->text != COMMENT) {
		s->text = CODE;
		s->directive = NO_DIRECTIVE;
	}
}

/* May a directive stand in front of the line from TEXT to END, and would it be of any use? */
static int is_place(const struct scan *s, const char *text, const char *end)
{
	text = skip_blanks(text, end);
	return !s->own && s->text == CODE && !s->continues &&
		s->directive == NO_DIRECTIVE && !s->depth.braces &&
		!s->depth.others && text < end && *text != '#';
}

/* ---- hunks */

/* The number that line NUMBER had, 0 within a hunk; hunks in front of it are taken off *HUNKS. */
static long number_before(long number, const struct hunk **hunks, size_t *nr, long *moved)
{
	while (*nr) {
		const struct hunk *hunk = *hunks;
		/* A hunk that leaves nothing names the line in front of it. */
		long start = hunk->new_start + !hunk->new_lines;

		if (number < start)
			break;
		if (number < start + hunk->new_lines)
			return 0;
		*moved += hunk->new_lines - hunk->old_lines;
		++*hunks;
		--*nr;
	}
	return number - *moved;
}

/* Copies TEXT to the file OUT_FILE with what it needs. */
static void number_lines(FILE *out_file, const char *text, const struct hunk *hunks, size_t nr)
{
	struct scan s = { .lead = 0 };
	long number = 0, written = 0, moved = 0, before;

	while (*text) {
		size_t len = strcspn(text, "\n"), whole = len + (text[len] == '\n');
		const char *end = text + len;

		before = number_before(++number, &hunks, &nr, &moved);
		written++;
		if (before > 0 && written - s.lead != before && is_place(&s, text, end)) {
			fprintf(out_file, "#line %ld\n", before);
			s.lead = ++written - before;
		}
		scan_line(&s, text, end);
		fwrite(text, 1, whole, out_file);
		text += whole;
	}
}

/*
 * The lines of the file PATH that none of the hunks touches get the numbers that they had before.
 */
void lines_keep(const char *path, const struct hunk *hunks, size_t nr)
{
	char *text = read_all(path);
	FILE *file = text ? fopen(path, "we") : NULL;

	if (!file)
		stop(KLP_FAILED, NULL, "cannot change %s: %s", path, strerror(errno));
	number_lines(file, text, hunks, nr);
	if (ferror(file) | fclose(file))
		stop(KLP_FAILED, NULL, "cannot write %s: %s", path, strerror(errno));
	free(text);
}
