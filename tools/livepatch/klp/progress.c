// SPDX-License-Identifier: GPL-2.0-only
/*
 * How far is the transition?  On a terminal a bar with the tasks that are waited for under it,
 * drawn again and again in its place; elsewhere a line whenever their number has changed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "klp.h"

#define DRAW_EVERY	0.2	/* seconds */
#define LOOK_EVERY	1.0	/* it costs the kernel a look at the stacks of all who are left */
#define MOST_BLOCKERS	10
#define NOTHING_SHOWN	(-2L)	/* neither a number nor UNKNOWN */

static struct transition transition;
static double drawn, looked;	/* when */
static long total, shown;	/* tasks; number in the last plain line */
static int height;		/* of what stands on the terminal */

static void terminal_size(int *columns, int *rows)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row) {
		size.ws_col = 80;
		size.ws_row = 24;
	}
	*columns = size.ws_col;
	*rows = size.ws_row;
}

static void wipe(void)
{
	if (height)
		fprintf(out, "\033[%dA", height);
	fputs("\r\033[J", out);
	height = 0;
}

static void draw_bar(const char *name, long target, long left, double seconds, int columns)
{
	char head[160], tail[80], number[32] = "unknown how many";
	int room, full;
	char *line;

	if (left >= 0)
		snprintf(number, sizeof(number), "%ld", left);
	snprintf(head, sizeof(head), "%.60s to %s ", name, target ? "patched" : "unpatched");
	if (left < 0) {
		snprintf(tail, sizeof(tail), " unknown how many tasks left, %.0f s", seconds);
		left = total;
	} else {
		snprintf(tail, sizeof(tail), " %ld/%ld tasks, %ld left, %.0f s", total - left,
			 total, left, seconds);
	}
	room = columns - 1 - (int)strlen(head) - (int)strlen(tail) - 2;
	if (room < 4) {
		/* No room for a bar: what is left matters most. */
		line = format("%s left, %s", number, head);
		print_clean(line, columns - 1);
		free(line);
		fputc('\n', out);
		height++;
		return;
	}
	if (room > 50)
		room = 50;
	full = total > 0 ? room * (total - left) / total : 0;
	print("%s[", head);
	fputs(paint(left ? YELLOW : GREEN), out);
	for (int i = 0; i < room; i++)
		fputc(i < full ? '#' : '-', out);
	fputs(paint(PLAIN), out);
	print("]%s\n", tail);
	height++;
}

static void draw_blockers(int columns, int rows)
{
	size_t most = MOST_BLOCKERS;

	/* The bar, a line for the rest, and the one that the cursor is in. */
	if (rows < 4)
		return;
	if (rows < (int)most + 3)
		most = rows - 3;
	for (size_t i = 0; i < transition.nr && i < most; i++) {
		blocker_print(&transition.blocker[i], columns - 1);
		fputc('\n', out);
		height++;
	}
	if (transition.nr > most) {
		char *line = format("%7s and %zu more", "", transition.nr - most);

		print_clean(line, columns - 1);
		free(line);
		fputc('\n', out);
		height++;
	}
}

static void draw(const char *name, long target, double seconds)
{
	int columns, rows;

	terminal_size(&columns, &rows);
	wipe();
	draw_bar(name, target, transition.left, seconds, columns);
	draw_blockers(columns, rows);
	fflush(out);
}

static void say(const char *name, double seconds)
{
	if (transition.left == shown)
		return;
	shown = transition.left;
	if (transition.left == UNKNOWN)
		print("%s: unknown how many of %ld tasks left after %.0f s\n", name, total,
		      seconds);
	else
		print("%s: %ld of %ld tasks left after %.0f s\n", name, transition.left, total,
		      seconds);
	for (size_t i = 0; i < transition.nr && i < MOST_BLOCKERS; i++) {
		blocker_print(&transition.blocker[i], 0);
		fputc('\n', out);
	}
	fflush(out);
}

/* A transition of patch NAME is about to be watched. */
void progress_begin(const char *name)
{
	(void)name;
	memset(&transition, 0, sizeof(transition));
	drawn = -1;
	looked = -1;
	total = tasks_total();
	shown = NOTHING_SHOWN;
	height = 0;
}

/* Call this as often as you like. */
void progress_show(const char *name, long target, double seconds)
{
	if (looked < 0 || seconds - looked >= LOOK_EVERY) {
		transition_free(&transition);
		transition_read(&transition);
		looked = seconds;
		if (transition.left > total)
			total = transition.left;
	} else if (on_terminal() && seconds - drawn >= DRAW_EVERY && transition.by_kernel) {
		transition.left = tasks_left(name, target);
	}
	if (!transition.patch)
		return;
	if (!on_terminal()) {
		say(name, seconds);
	} else if (drawn < 0 || seconds - drawn >= DRAW_EVERY) {
		draw(name, target, seconds);
		drawn = seconds;
	}
}

/* Leaves the full bar behind, or when it has not ended well what stands there. */
void progress_end(const char *name, enum outcome outcome)
{
	int columns, rows;

	if (on_terminal() && (outcome == OUTCOME_PATCHED || outcome == OUTCOME_UNPATCHED)) {
		terminal_size(&columns, &rows);
		wipe();
		draw_bar(name, outcome == OUTCOME_PATCHED, 0, drawn > 0 ? drawn : 0, columns);
		fflush(out);
	}
	transition_free(&transition);
}
