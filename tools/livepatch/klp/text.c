// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which texts can do harm?  Names of tasks are chosen by anybody, what a module says of itself by
 * its author, names of files by whoever has made them.  Nothing of them may steer the terminal,
 * begin a line of its own, or change how the text around it reads.
 */
#include <stdlib.h>
#include <string.h>
#include "klp.h"

/* Characters that control something, and those that are not seen but have an effect. */
static const struct {
	long first;
	long last;
} harmful[] = {
	{ 0x0, 0x1f },
	{ 0x7f, 0x9f },		/* DEL, and the control characters with eight bits */
	{ 0xad, 0xad },
	{ 0x61c, 0x61c },
	{ 0x180e, 0x180e },
	{ 0x200b, 0x200f },	/* of no width; marks of the direction */
	{ 0x2028, 0x202e },	/* ends of lines, paragraphs; direction overridden */
	{ 0x2060, 0x206f },	/* isolated direction */
	{ 0xfeff, 0xfeff },
	{ 0xfff9, 0xfffb },
	{ 0xe0000, 0xe0fff },	/* tags */
};

int text_is_harmful(long character)
{
	for (size_t i = 0; i < ARRAY_SIZE(harmful); i++) {
		if (character >= harmful[i].first && character <= harmful[i].last)
			return 1;
	}
	return 0;
}

/* Length of the character that begins there, 0 if it is not well-formed UTF-8. */
static size_t utf8_length(const unsigned char *c)
{
	size_t need = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 :
		c[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < need; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Overlong forms, surrogates, beyond the end. */
	if ((need == 3 && ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] >= 0xa0))) ||
	    (need == 4 && ((c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] >= 0x90))))
		return 0;
	return need;
}

/* The next character, TEXT goes behind it; NO_CHARACTER for a byte that is part of none. */
long text_next(const char **text)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *c = (const unsigned char *)*text;
	size_t len = utf8_length(c);
	long character = c[0] & first_bits[len];

	for (size_t i = 1; i < len; i++)
		character = character << 6 | (c[i] & 0x3f);
	*text += len ? len : 1;
	return len ? character : NO_CHARACTER;
}

/* In place: a question mark for each character that can do harm. */
void text_clean(char *text)
{
	const char *from = text, *start = text;
	char *to = text;

	while (*from) {
		long character = text_next(&from);

		if (character == NO_CHARACTER || text_is_harmful(character)) {
			*to++ = '?';
		} else {
			memmove(to, start, from - start);
			to += from - start;
		}
		start = from;
	}
	*to = '\0';
}

/* In debugfs the kernel writes what is not printable, and backslashes, as octal numbers. */
void text_unescape(char *text)
{
	char *to = text;

	while (*text) {
		char digits[] = { text[0] == '\\' ? text[1] : '\0', '\0', '\0', '\0' };
		long value = 0;

		if (*digits && strspn(text + 1, "01234567") >= 3) {
			digits[1] = text[2];
			digits[2] = text[3];
			value = strtol(digits, NULL, 8);
		}
		if (value > 0 && value <= 0xff) {
			*to++ = value;
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}
