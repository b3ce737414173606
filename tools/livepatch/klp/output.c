// SPDX-License-Identifier: GPL-2.0-only
/*
 * How does klp speak?  Results go to "out", which is standard output unless a report is written;
 * errors and what to do about them go to standard error. What can do harm to a terminal or a line
 * never gets through, see text.c; JSON has its own way to see to that. Colours only on a terminal,
 * and never when NO_COLOR is set.
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

/* Errors name files, modules and patches, and pass on what the kernel has said: all is cleaned. */
static void speak(enum colour colour, const char *word, const char *fmt, va_list args)
{
	char *text;

	if (hushed)
		return;
	text = vformat(fmt, args);
	text_clean(text);
	fflush(out);
	/* In one piece: others may be writing, too. */
	fprintf(stderr, "%sklp: %s%s%s\n", colours[1] && colour != PLAIN ? sequences[colour] : "",
		word, text, colours[1] && colour != PLAIN ? sequences[PLAIN] : "");
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

/* What goes on beside the results. */
void remark(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	speak(PLAIN, "", fmt, args);
	va_end(args);
}

/* The first MOST characters, none of which can do harm. */
void print_clean(const char *text, size_t most)
{
	while (*text && most--) {
		const char *start = text;
		long character = text_next(&text);

		if (character == NO_CHARACTER || text_is_harmful(character))
			fputc('?', out);
		else
			fwrite(start, 1, text - start, out);
	}
}

/* Whatever the arguments are, this is one line: a line feed counts at the end of FMT only. */
static void vprint(const char *fmt, va_list args)
{
	size_t len = strlen(fmt);
	int ends = len && fmt[len - 1] == '\n';
	char *text = vformat(fmt, args);

	if (ends)
		text[strlen(text) - 1] = '\0';
	print_clean(text, strlen(text));
	if (ends)
		fputc('\n', out);
	free(text);
}

/* The way for everything that klp has not made up itself, unless it is JSON. */
void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprint(fmt, args);
	va_end(args);
}

void print_in(enum colour colour, const char *fmt, ...)
{
	va_list args;

	fputs(paint(colour), out);
	va_start(args, fmt);
	vprint(fmt, args);
	va_end(args);
	fputs(paint(PLAIN), out);
}

/* A text of several lines, with tabs. */
void print_lines(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n\t");
		char *part = format("%.*s", (int)len, text);

		print_clean(part, len);
		free(part);
		text += len;
		if (*text)
			fputc(*text++, out);
	}
}

/* The status of a command that tells how things are: has it seen all of that? */
int unseen_tell(void)
{
	if (!unseen_first())
		return KLP_OK;
	error("not everything can be seen: %s", unseen_first());
	next_step(geteuid() ? "run klp as root" :
		  "see what keeps root from it: a container, or how /proc and /sys are mounted");
	return KLP_UNKNOWN;
}

/* How things go on; not for --json, whose output is the document alone. */
void tell(const char *fmt, ...)
{
	va_list args;

	if (options.given & OPT_JSON)
		return;
	va_start(args, fmt);
	vprint(fmt, args);
	va_end(args);
	fputc('\n', out);
	fflush(out);
}

/* A column of a table. */
void print_padded(const char *text, int width)
{
	int len = strlen(text);

	print_clean(text, len);
	fprintf(out, "%*s", len < width ? width - len + 2 : 2, "");
}
