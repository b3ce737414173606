// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does a patch file say?  It is taken apart into one difference a file, whose hunks are
 * counted and written out again: patch(1) gets nothing else to read, and has nothing to guess.
 * Around the differences there may be whatever a mail or git writes. What is not whole ends the
 * build.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "build.h"

#define MOST_LINES	100000000L	/* of a file */

struct reader {
	const char *patch;
	char **lines;
	size_t nr;
	size_t at;
	struct diff *diffs;
	size_t nr_diffs;
	struct diff *git;	/* begun by a line of git, without hunks so far */
};

/* Lines of git about a file, and how it is changed other than by hunks. */
static const struct {
	const char *start;
	const char *how;
} sayings[] = {
	{ "index ",		NULL },
	{ "old mode ",		NULL },
	{ "new mode ",		NULL },
	{ "similarity ",	NULL },
	{ "dissimilarity ",	NULL },
	{ "rename ",		"renamed" },
	{ "copy ",		"copied" },
	{ "deleted file mode ",	"removed" },
	{ "GIT binary patch",	"binary" },
	{ "Binary files ",	"binary" },
	{ "new file mode 12",	"a symbolic link" },
	{ "new file mode 16",	"a git repository" },
	{ "new file mode ",	NULL },
};

static int starts(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

static int ends(const char *line, const char *with)
{
	size_t len = strlen(line), tail = strlen(with);

	return len >= tail && !strcmp(line + len - tail, with);
}

/* NULL behind the last line. */
static const char *line_at(const struct reader *r, size_t ahead)
{
	return r->at + ahead < r->nr ? r->lines[r->at + ahead] : NULL;
}

static noreturn __printf(2, 3) void malformed(const struct reader *r, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = vformat(fmt, args);
	va_end(args);
	stop(BUILD_NO_APPLY, "get the patch once more, as git format-patch or diff -up writes it",
	     "%s, line %zu: %s", r->patch, r->at + 1, text);
}

/* ---- the file */

static char *read_text(const char *patch)
{
	FILE *file = fopen(patch, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t len;

	if (!file)
		stop(KLP_FAILED, NULL, "cannot read %s: %s", patch, strerror(errno));
	len = getdelim(&text, &room, '\0', file);
	if (ferror(file))
		stop(KLP_FAILED, NULL, "cannot read %s: %s", patch, strerror(errno));
	fclose(file);
	if (len > 0 && !text[len - 1])
		stop(BUILD_NO_APPLY, "unpack it, or save it as UTF-8",
		     "%s is no plain text: it has a zero byte", patch);
	if (len <= 0) {
		free(text);
		return copy("");
	}
	return text;
}

static void split(struct reader *r, char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		r->lines = grow(r->lines, r->nr, sizeof(*r->lines));
		r->lines[r->nr++] = text;
		if (!text[len])
			break;
		text[len] = '\0';
		text += len + 1;
	}
}

/* ---- names */

/* What stands behind --- or +++: a name, and often a date behind a tab. */
static char *name_in(const char *text)
{
	size_t len = strcspn(text, "\t");
	const char *blank = strchr(text, ' ');
	char *name;

	if (!text[len] && blank && strspn(blank + 1, "(0123456789"))
		len = blank - text;
	name = format("%.*s", (int)len, text);
	for (len = strlen(name); len && name[len - 1] == ' '; len--)
		name[len - 1] = '\0';
	return name;
}

static struct diff *begin(struct reader *r, char *old, char *new)
{
	struct diff *diff;

	r->diffs = grow(r->diffs, r->nr_diffs, sizeof(*r->diffs));
	diff = &r->diffs[r->nr_diffs++];
	diff->patch = r->patch;
	diff->line = r->at + 1;
	diff->old = old;
	diff->new = new;
	diff->only_comments = 1;
	return diff;
}

/* ---- hunks */

static const char *number_in(const char *text, long *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	*number = strtol(text, &end, 10);
	return *number < MOST_LINES ? end : NULL;
}

/* -1,2 or -1, which means -1,1; with + likewise. */
static const char *range_in(const char *text, char sign, long *start, long *lines)
{
	*lines = 1;
	if (!text || *text != sign)
		return NULL;
	text = number_in(text + 1, start);
	if (text && *text == ',')
		text = number_in(text + 1, lines);
	return text;
}

/* The numbers of a line that begins with @@; 0 if these are none. */
int hunk_read(const char *line, struct hunk *hunk)
{
	const char *text = line + 3;

	if (!starts(line, "@@ "))
		return 0;
	text = range_in(text, '-', &hunk->old_start, &hunk->old_lines);
	if (!text || *text != ' ')
		return 0;
	text = range_in(text + 1, '+', &hunk->new_start, &hunk->new_lines);
	return text && starts(text, " @@");
}

/* A line of a Makefile or a Kconfig that says nothing. */
static int is_comment(const char *line)
{
	line += strspn(line, " \t");
	return !*line || *line == '#';
}

/* The text of a hunk; its lines are counted down to zero. */
static void copy_hunk(struct reader *r, FILE *body, struct diff *diff, struct hunk left)
{
	size_t first = r->at;

	while (left.old_lines || left.new_lines) {
		const char *line = line_at(r, 1);
		char sign;

		/* Some mailers take away the blank of an empty line. */
		sign = line && *line ? *line : ' ';
		if (!line)
			malformed(r, "the file ends within the hunk of line %zu", first + 1);
		r->at++;
		if (sign == '\\') {
			fprintf(body, "%s\n", line);
			continue;
		}
		if (!strchr(" -+", sign))
			malformed(r, "the hunk of line %zu has fewer lines than it says",
				  first + 1);
		left.old_lines -= sign != '+';
		left.new_lines -= sign != '-';
		if (left.old_lines < 0 || left.new_lines < 0)
			malformed(r, "the hunk of line %zu has other lines than it says",
				  first + 1);
		if (sign != ' ' && !is_comment(line + 1))
			diff->only_comments = 0;
		fprintf(body, "%c%s\n", sign, *line ? line + 1 : "");
	}
	if (line_at(r, 1) && *line_at(r, 1) == '\\')
		fprintf(body, "%s\n", r->lines[++r->at]);
}

/* Would the next line be part of a hunk?  Behind a patch in a mail there is a line "-- ". */
static int goes_on(const struct reader *r)
{
	const char *line = line_at(r, 1), *next = line_at(r, 2);

	if (!line || !strchr(" -+", *line) || !*line || !strcmp(line, "-- ") || !strcmp(line, "--"))
		return 0;
	return !(starts(line, "--- ") && next && starts(next, "+++ "));
}

static void check_end(const struct reader *r, const char *line)
{
	if (ends(line, "\r"))
		stop(BUILD_NO_APPLY, "sed -i 's/\\r$//' takes them away",
		     "%s, line %zu: lines end in CR and LF", r->patch, r->at + 1);
}

/* From the line with @@ to the last of the hunk. */
static void read_hunk(struct reader *r, FILE *body, struct diff *diff)
{
	struct hunk hunk;

	check_end(r, line_at(r, 0));
	if (!hunk_read(line_at(r, 0), &hunk))
		malformed(r, "a hunk without line numbers");
	fprintf(body, "@@ -%ld,%ld +%ld,%ld @@\n", hunk.old_start, hunk.old_lines, hunk.new_start,
		hunk.new_lines);
	copy_hunk(r, body, diff, hunk);
	diff->nr_hunks++;
	if (goes_on(r))
		malformed(r, "there are more lines behind it than the hunk says");
	diff->from_nothing |= !hunk.old_start && !hunk.old_lines;
	if (!hunk.new_start && !hunk.new_lines)
		diff->how = "removed";
}

/* All that stands below the names. */
static void read_hunks(struct reader *r, struct diff *diff)
{
	size_t size;
	FILE *body = open_memstream(&diff->body, &size);

	if (!body)
		stop(KLP_FAILED, NULL, "out of memory");
	while (line_at(r, 1) && starts(line_at(r, 1), "@@ ")) {
		r->at++;
		read_hunk(r, body, diff);
	}
	if (fclose(body))
		stop(KLP_FAILED, NULL, "out of memory");
	if (!diff->nr_hunks)
		malformed(r, "no hunk behind the names of the files");
}

/* ---- what stands around them */

/* --- a/file and +++ b/file: the ones that count. */
static void read_diff(struct reader *r)
{
	struct diff *diff = r->git;

	check_end(r, line_at(r, 0));
	if (!diff)
		diff = begin(r, NULL, NULL);
	r->git = NULL;
	free(diff->old);
	free(diff->new);
	diff->line = r->at + 1;
	/* The date of a file that is not there. */
	diff->created |= starts(line_at(r, 0), "--- /dev/null") ||
		strstr(line_at(r, 0), "\t1970-01-01 ") || strstr(line_at(r, 0), "\t1969-12-31 ");
	diff->old = name_in(line_at(r, 0) + 4);
	diff->new = name_in(line_at(r, 1) + 4);
	r->at++;
	read_hunks(r, diff);
	if (!strcmp(diff->new, "/dev/null"))
		diff->how = "removed";
}

/* diff --git a/X b/X: the name is half of it, as long as it stays the same. */
static void begin_git(struct reader *r)
{
	const char *names = line_at(r, 0) + strlen("diff --git "), *second = strstr(names, " b/");

	check_end(r, line_at(r, 0));
	if (!second)
		second = names + strlen(names) / 2;
	r->git = begin(r, format("%.*s", (int)(second - names), names),
		       copy(*second ? second + 1 : second));
}

/* Whether LINE is one of those below it, which are taken in. */
static int read_git(struct reader *r, const char *line)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(sayings) && !starts(line, sayings[i].start))
		i++;
	if (i == ARRAY_SIZE(sayings))
		return 0;
	if (sayings[i].how)
		r->git->how = sayings[i].how;
	if (starts(line, "new file mode "))
		r->git->created = 1;
	if (starts(line, "old mode "))
		r->git->mode = 1;
	if (starts(line, "index ") && ends(line, " 120000"))
		r->git->how = "a symbolic link";
	return 1;
}

/* Kinds of differences that are none of ours. */
static void check_kind(const struct reader *r, const char *line)
{
	const char *next = line_at(r, 1), *third = line_at(r, 2);

	if (starts(line, "@@@ ") || starts(line, "diff --cc ") || starts(line, "diff --combined "))
		stop(BUILD_NO_APPLY, "git show -m --first-parent shows a merge as a patch",
		     "%s, line %zu: a combined diff, of a merge", r->patch, r->at + 1);
	if (starts(line, "*** ") && next && starts(next, "--- ") && third && starts(third, "*****"))
		stop(BUILD_NO_APPLY, "diff -up makes a unified one",
		     "%s, line %zu: a context diff", r->patch, r->at + 1);
	if (!r->nr_diffs && !strncasecmp(line, "Content-Transfer-Encoding:", 26) &&
	    (strcasestr(line, "quoted-printable") || strcasestr(line, "base64")))
		stop(BUILD_NO_APPLY, "git mailinfo, or the mailer, gives the text",
		     "%s, line %zu: the mail is encoded", r->patch, r->at + 1);
	if (starts(line, "@@ -"))
		malformed(r, "a hunk without names of files in front of it");
	if (starts(line, "Only in "))
		warn("%s, line %zu: the file is not in the patch: %s", r->patch, r->at + 1, line);
}

/* A plain diff -r says it about files that git has no word about. */
static void read_binary(struct reader *r, const char *line)
{
	const char *name = strstr(line, " and ");
	struct diff *diff;

	name = name ? name + strlen(" and ") : line;
	diff = begin(r, copy(name), format("%.*s", (int)(strlen(name) - strlen(" differ")), name));
	diff->how = "binary";
}

/* A part of git without hunks says something else, or is cut. */
static void end_git(struct reader *r)
{
	if (r->git && !r->git->how && !r->git->mode && !r->git->created)
		malformed(r, "the part of line %zu has no hunks", r->git->line);
	r->git = NULL;
}

static void read_line_of(struct reader *r, const char *line)
{
	const char *next = line_at(r, 1);

	if (starts(line, "--- ") && next && starts(next, "+++ ")) {
		read_diff(r);
		return;
	}
	if (r->git && read_git(r, line))
		return;
	end_git(r);
	if (starts(line, "diff --git "))
		begin_git(r);
	else if (starts(line, "Binary files ") && ends(line, " differ"))
		read_binary(r, line);
	else
		check_kind(r, line);
}

/* What the file PATCH changes, in its order. */
struct diff *unified_read(const char *patch, size_t *nr)
{
	struct reader r = { .patch = patch };
	char *text = read_text(patch);

	split(&r, text);
	for (; r.at < r.nr; r.at++)
		read_line_of(&r, line_at(&r, 0));
	end_git(&r);
	if (!r.nr_diffs)
		stop(BUILD_NO_APPLY, "diff -up and git format-patch make one",
		     "%s: no unified diff in it", patch);
	free(r.lines);
	free(text);
	*nr = r.nr_diffs;
	return r.diffs;
}
