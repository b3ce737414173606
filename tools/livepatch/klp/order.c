// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of two versions is the newer one?  As "sort -V" has it, for people look at directories with
 * it: words by their letters, numbers by their value, a suffix of letters only when all else is
 * alike.  (strverscmp() is not that: to it 1.01 is older than 1.1, and a suffix part of the name.)
 */
#include <stdlib.h>
#include <string.h>
#include "klp.h"

#define END_RANK	-1
#define TILDE_RANK	-2	/* 2.0~rc1 is older than 2.0 */
#define OTHER_RANK	256	/* letters stand before all other characters */

struct cursor {
	const char *at;
	const char *end;
};

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Where does the name end without suffixes such as .ko.xz?  The first character is never in one. */
static const char *body_end(const char *name)
{
	const char *end = name + strlen(name);

	for (;;) {
		const char *c = end;

		while (c > name && (is_letter(c[-1]) || is_digit(c[-1]) || c[-1] == '~'))
			c--;
		if (c == end || is_digit(*c) || c - name < 2 || c[-1] != '.')
			return end;
		end = c - 1;
	}
}

static int rank(const struct cursor *c)
{
	if (c->at == c->end)
		return END_RANK;
	if (is_digit(*c->at))
		return 0;
	if (is_letter(*c->at))
		return (unsigned char)*c->at;
	return *c->at == '~' ? TILDE_RANK : (unsigned char)*c->at + OTHER_RANK;
}

static int in_word(const struct cursor *c)
{
	return c->at < c->end && !is_digit(*c->at);
}

static int compare_words(struct cursor *a, struct cursor *b)
{
	while (in_word(a) || in_word(b)) {
		int difference = rank(a) - rank(b);

		if (difference)
			return difference;
		a->at++;
		b->at++;
	}
	return 0;
}

/* Without zeros in front; the cursor stands behind the number then. */
static size_t take_number(struct cursor *c, const char **digits)
{
	while (c->at < c->end && *c->at == '0')
		c->at++;
	*digits = c->at;
	while (c->at < c->end && is_digit(*c->at))
		c->at++;
	return c->at - *digits;
}

static int compare_numbers(struct cursor *a, struct cursor *b)
{
	const char *x, *y;
	size_t n = take_number(a, &x), m = take_number(b, &y);

	if (n != m)
		return n < m ? -1 : 1;
	return memcmp(x, y, n);
}

static int compare_parts(struct cursor a, struct cursor b)
{
	int difference = 0;

	while (!difference && (a.at < a.end || b.at < b.end)) {
		difference = compare_words(&a, &b);
		if (!difference)
			difference = compare_numbers(&a, &b);
	}
	return difference;
}

/* Less than, equal to, or greater than 0, as strcmp(). */
int version_compare(const char *a, const char *b)
{
	struct cursor x = { a, body_end(a) }, y = { b, body_end(b) };
	int difference = compare_parts(x, y);

	if (!difference) {
		x.end = a + strlen(a);
		y.end = b + strlen(b);
		difference = compare_parts(x, y);
	}
	return difference ? difference : strcmp(a, b);
}
