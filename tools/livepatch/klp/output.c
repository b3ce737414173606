// SPDX-License-Identifier: GPL-2.0-only
/*
 * How does klp speak?  Results go to "out", which is standard output unless a report is written;
 * errors and what to do about them go to standard error. Colours only on a terminal, and never when
 * NO_COLOR is set.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

FILE *out;

static int colours[2];		/* of standard output and standard error */
static int terminal;
static int hushed;		/* nothing is said of errors */

static const char * const sequences[] = {
	[PLAIN]		= "\033[0m",
	[BOLD]		= "\033[1m",
	[DIM]		= "\033[2m",
	[RED]		= "\033[31m",
	[GREEN]		= "\033[32m",
	[YELLOW]	= "\033[33m",
};

void output_init(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	int smart = term && *term && strcmp(term, "dumb");

	out = stdout;
	terminal = isatty(STDOUT_FILENO) && smart;
	colours[0] = terminal && !(no && *no);
	colours[1] = isatty(STDERR_FILENO) && smart && !(no && *no);
}

/* Standard output can be redrawn. */
int on_terminal(void)
{
	return terminal;
}

/* The sequence that switches on a colour, empty when there are none. */
const char *paint(enum colour colour)
{
	return colours[0] && out == stdout ? sequences[colour] : "";
}

/* What could not be written has not been said. */
int output_end(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		/* Whoever has read as much as he wanted needs not be told. */
		if (errno == EPIPE)
			return KLP_OK;
		fprintf(stderr, "klp: writing to standard output failed: %s\n", strerror(errno));
		return KLP_FAILED;
	}
	return KLP_OK;
}

/* While MORE has been added and not been taken away again, errors are not told. */
void hush(int more)
{
	hushed += more;
}

static void speak(enum colour colour, const char *word, const char *fmt, va_list args)
{
	char *text;

	if (hushed)
		return;
	fflush(out);
	/* In one piece: others may be writing, too. */
	if (vasprintf(&text, fmt, args) < 0)
		return;
	fprintf(stderr, "%sklp: %s%s%s\n", colours[1] ? sequences[colour] : "", word, text,
		colours[1] ? sequences[PLAIN] : "");
	free(text);
}

/* What went wrong, with the names of all that had to do with it. */
void error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	speak(RED, "", fmt, args);
	va_end(args);
}

/* What the user can do about it. */
void next_step(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	speak(YELLOW, "  ", fmt, args);
	va_end(args);
}

/* Something is only for root; or, when root has asked, there is another reason. */
void not_permitted(const char *otherwise)
{
	if (geteuid())
		next_step("run klp as root");
	else
		next_step("%s", otherwise);
}

/* How things go on; not for --json, whose output is the document alone. */
void tell(const char *fmt, ...)
{
	va_list args;

	if (options.given & OPT_JSON)
		return;
	va_start(args, fmt);
	vfprintf(out, fmt, args);
	va_end(args);
	fputc('\n', out);
	fflush(out);
}

/* The next character: its length in bytes, 0 if it is not well-formed UTF-8. */
const char *utf8_step(const char *text, size_t *len)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t need;

	if (c[0] < 0x80)
		need = 1;
	else if (c[0] >= 0xc2 && c[0] < 0xe0)
		need = 2;
	else if (c[0] >= 0xe0 && c[0] < 0xf0)
		need = 3;
	else if (c[0] >= 0xf0 && c[0] < 0xf5)
		need = 4;
	else
		need = 0;
	for (size_t i = 1; i < need; i++) {
		if ((c[i] & 0xc0) != 0x80)
			need = 0;
	}
	/* Overlong forms, surrogates, beyond the end. */
	if ((need == 3 && ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] >= 0xa0))) ||
	    (need == 4 && ((c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] >= 0x90))))
		need = 0;
	*len = need;
	return text + (need ? need : 1);
}

/* Names of tasks are chosen by anybody: nothing of them may steer the terminal. */
void print_clean(const char *text, size_t most)
{
	while (*text && most--) {
		size_t len;
		const char *next = utf8_step(text, &len);
		unsigned char c = *text;

		/* 0xc2 0x80 to 0x9f are control characters as well. */
		if (!len || c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && (unsigned char)text[1] < 0xa0))
			fputc('?', out);
		else
			fwrite(text, 1, len, out);
		text = next;
	}
}

/* A column of a table. */
void print_padded(const char *text, int width)
{
	int len = strlen(text);

	print_clean(text, len);
	fprintf(out, "%*s", len < width ? width - len + 2 : 2, "");
}
