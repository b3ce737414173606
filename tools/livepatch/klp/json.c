// SPDX-License-Identifier: GPL-2.0-only
/*
 * How is a JSON document written?  Value after value: keys inside of objects, NULL in arrays; what
 * a kernel does not show is null.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "klp.h"

#define MOST_DEPTH	8

static char stack[MOST_DEPTH];
static int filled[MOST_DEPTH];	/* something stands at this depth */
static int depth;

/* Characters of more than 16 bits are written as two surrogates. */
static void escape(long character)
{
	if (character > 0xffff) {
		fprintf(out, "\\u%04lx", 0xd7c0 + (character >> 10));
		character = 0xdc00 + (character & 0x3ff);
	}
	fprintf(out, "\\u%04lx", character);
}

/* What can do harm is escaped: documents are looked at on terminals as well. */
static void quote(const char *text)
{
	fputc('"', out);
	while (*text) {
		const char *start = text;
		long character = text_next(&text);

		if (character == NO_CHARACTER)
			fputs("\\ufffd", out);
		else if (character == '"' || character == '\\')
			fprintf(out, "\\%c", (int)character);
		else if (character == '\n')
			fputs("\\n", out);
		else if (character == '\t')
			fputs("\\t", out);
		else if (text_is_harmful(character))
			escape(character);
		else
			fwrite(start, 1, text - start, out);
	}
	fputc('"', out);
}

static void before(const char *key)
{
	if (filled[depth])
		fputs(", ", out);
	filled[depth] = 1;
	if (key) {
		quote(key);
		fputs(": ", out);
	}
}

/* KIND is '{' or '['. */
void json_open(const char *key, char kind)
{
	before(key);
	if (depth == MOST_DEPTH - 1)
		abort();
	stack[++depth] = kind == '{' ? '}' : ']';
	filled[depth] = 0;
	fputc(kind, out);
}

/* Closes what was opened last; the document ends with a line feed. */
void json_close(void)
{
	fputc(stack[depth--], out);
	if (!depth) {
		filled[0] = 0;
		fputc('\n', out);
		fflush(out);
	}
}

void json_string(const char *key, const char *value)
{
	before(key);
	if (value)
		quote(value);
	else
		fputs("null", out);
}

/* What may be unknown, and is never negative. */
void json_number(const char *key, long value)
{
	before(key);
	if (value == UNKNOWN)
		fputs("null", out);
	else
		fprintf(out, "%ld", value);
}

/* What is known, whatever it is. */
void json_signed(const char *key, long long value)
{
	before(key);
	fprintf(out, "%lld", value);
}

void json_unsigned(const char *key, unsigned long long value)
{
	before(key);
	fprintf(out, "%llu", value);
}

void json_seconds(const char *key, double value)
{
	before(key);
	if (isfinite(value))
		fprintf(out, "%.6f", value);
	else
		fputs("null", out);
}

void json_flag(const char *key, long value)
{
	static const char * const words[] = { "false", "true" };

	before(key);
	fputs(value == UNKNOWN ? "null" : words[!!value], out);
}
