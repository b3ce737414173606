// SPDX-License-Identifier: GPL-2.0-only
/*
 * How is a JSON document written?  Value after value: keys inside of objects, NULL in arrays; what
 * a kernel does not show is null.
 */
#include <stdlib.h>
#include <string.h>
#include "klp.h"

#define MOST_DEPTH	8

static char stack[MOST_DEPTH];
static int filled[MOST_DEPTH];	/* something stands at this depth */
static int depth;

static void quote(const char *text)
{
	const char *next;
	size_t len;

	fputc('"', out);
	for (; *text; text = next) {
		unsigned char c = *text;

		next = utf8_step(text, &len);
		if (!len)
			fputs("\\ufffd", out);
		else if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c == '\t')
			fputs("\\t", out);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fwrite(text, 1, len, out);
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

void json_number(const char *key, long value)
{
	before(key);
	if (value == UNKNOWN)
		fputs("null", out);
	else
		fprintf(out, "%ld", value);
}

void json_seconds(const char *key, double value)
{
	before(key);
	fprintf(out, "%.6f", value);
}

void json_flag(const char *key, long value)
{
	static const char * const words[] = { "false", "true" };

	before(key);
	fputs(value == UNKNOWN ? "null" : words[!!value], out);
}
