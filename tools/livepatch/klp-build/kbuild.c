// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which files does kbuild compile from what the patches change, and how?  Beside every object file
 * stands a .cmd file: the command that has made it, its source, and all files that were read.
 */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"

#define AT_ONCE		32
#define SHELL_SPACE	" \t"

static struct units found;
static const struct changed_file *changed;
static size_t nr_changed;
/* Units that are compiled for other places: how many, and one of them. */
static size_t nr_elsewhere;
static char *elsewhere;

/* The rest of the line that begins with KEY and a name; NULL if there is none. */
static char *value_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text) {
		if (!strncmp(text, key, len)) {
			const char *at = strstr(text, " := ");

			if (at && at < text + strcspn(text, "\n"))
				return format("%.*s", (int)strcspn(at + 4, "\n"), at + 4);
		}
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

/* What stands for itself in make is doubled, or has a name. */
static char *without_make(const char *text)
{
	char *plain = allocate(strlen(text) + 1), *to = plain;

	while (*text) {
		if (!strncmp(text, "$(pound)", 8)) {
			*to++ = '#';
			text += 8;
		} else {
			if (text[0] == '$' && text[1] == '$')
				text++;
			*to++ = *text++;
		}
	}
	return plain;
}

/*
 * One word as a shell reads it, from *AT on; NULL at the end of the command.  The result is the
 * caller's.  Commands that kbuild saves have words and quotes, and no expansions.
 */
static char *shell_word(const char **at)
{
	const char *from = *at + strspn(*at, SHELL_SPACE);
	char *word = allocate(strlen(from) + 1), *to = word, quote = '\0';

	if (!*from || *from == ';') {
		*at = from;
		free(word);
		return NULL;
	}
	for (; *from && (quote || !strchr(SHELL_SPACE ";", *from)); from++) {
		if (quote != '\'' && *from == '\\' && from[1])
			*to++ = *++from;
		else if (quote ? *from == quote : *from == '\'' || *from == '"')
			quote = quote ? '\0' : *from;
		else
			*to++ = *from;
	}
	*at = from;
	return word;
}

static void split_command(struct unit *unit, const char *saved)
{
	char *plain = without_make(saved), *word;
	const char *at = plain;

	while ((word = shell_word(&at))) {
		unit->command = grow(unit->command, unit->nr_words, sizeof(*unit->command));
		unit->command[unit->nr_words++] = word;
	}
	/* Behind the compiler's, to the end, from the word that is a path of objtool. */
	at = strstr(at, "/objtool ");
	while (at && at > plain && at[-1] != ' ')
		at--;
	unit->objtool = at ? copy(at) : NULL;
	free(plain);
}

/* What -DNAME="VALUE" of the command says, without quotes; NULL if there is no such word. */
static char *defined_as(const struct unit *unit, const char *name)
{
	char *start = format("-D%s=\"", name), *value = NULL;

	for (size_t i = 0; i < unit->nr_words && !value; i++) {
		if (!strncmp(unit->command[i], start, strlen(start)))
			value = format("%.*s", (int)strcspn(unit->command[i] + strlen(start), "\""),
				       unit->command[i] + strlen(start));
	}
	free(start);
	return value;
}

static int unit_has_word(const struct unit *unit, const char *word)
{
	for (size_t i = 0; i < unit->nr_words; i++) {
		if (!strcmp(unit->command[i], word))
			return 1;
	}
	return 0;
}

/* In place: without "." and "..", as text. */
static void collapse(char *path)
{
	char *from = path, *to = path;

	while (*from) {
		size_t len;

		from += strspn(from, "/");
		len = strcspn(from, "/");
		if (len == 2 && !strncmp(from, "..", 2)) {
			while (to > path && *--to != '/')
				;
		} else if (len && !(len == 1 && *from == '.')) {
			*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	*to = '\0';
}

static int lies_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return !strncmp(path, folder, len) && (!path[len] || path[len] == '/');
}

/*
 * LEN characters that name a file in a saved command, which means them in the build tree: the name
 * from the top of the source tree, the caller's; NULL if it lies elsewhere.
 */
char *path_from_top(const char *path, size_t len)
{
	char *full = *path == '/' ? format("%.*s", (int)len, path) :
		format("%s/%.*s", choices.build, (int)len, path);
	char *top = NULL;

	collapse(full);
	if (lies_below(full, choices.source) &&
	    (!strcmp(choices.build, choices.source) || !lies_below(full, choices.build)))
		top = copy(full + strlen(choices.source) + !!full[strlen(choices.source)]);
	free(full);
	return top;
}

/* PATH as the saved commands name the file FROM_TOP of the source tree? */
static int names_file(const char *path, size_t len, const char *from_top)
{
	size_t want = strlen(from_top);
	char *top;
	int same;

	if (len < want || strncmp(path + len - want, from_top, want))
		return 0;
	top = path_from_top(path, len);
	same = top && !strcmp(top, from_top);
	free(top);
	return same;
}

/* The source itself stands apart from what it reads. */
static int is_source_changed(const char *text, char *reads)
{
	char *source = value_of(text, "source_");
	int any = 0;

	for (size_t i = 0; source && i < nr_changed; i++) {
		if (names_file(source, strlen(source), changed[i].path)) {
			reads[i] = 1;
			any = 1;
		}
	}
	free(source);
	return any;
}

/* Notes in READS which of the changed files were read; true if one was. */
static int reads_changed(const char *text, char *reads)
{
	const char *at = strstr(text, "\ndeps_");
	int any = 0;

	while (at && *at) {
		size_t len = strcspn(at, " \t\n");

		for (size_t i = 0; i < nr_changed; i++) {
			if (!reads[i] && names_file(at, len, changed[i].path)) {
				reads[i] = 1;
				any = 1;
			}
		}
		at += len;
		at += strspn(at, " \t\n\\");
	}
	return any;
}

static int ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), most = strlen(end);

	return len >= most && !strcmp(text + len - most, end);
}

/* The object file that a .cmd file stands beside: DIR/.NAME.cmd is of DIR/NAME. */
static char *object_of(const char *cmd)
{
	const char *name = strrchr(cmd, '/') + 1, *top = cmd + strlen(choices.build) + 1;

	return format("%.*s%.*s", (int)(name - top), top, (int)strlen(name) - 5, name + 1);
}

/*
 * The file of the module NAME without its suffix, from the top of the build tree; the caller's,
 * NULL if there is none. Commands tell the name only, of which there is but one.
 */
char *module_file(const char *name)
{
	static char *order;

	if (!order) {
		char *path = format("%s/modules.order", choices.build);

		order = read_all(path);
		if (!order)
			order = copy("");
		free(path);
	}
	for (const char *line = order; *line; line += strcspn(line, "\n"), line += !!*line) {
		char *path = format("%.*s", (int)strcspn(line, "\n"), line);
		char *dot = strrchr(name_of_file(path), '.'), *module;
		int is;

		if (dot)
			*dot = '\0';
		module = name_of_module(path);
		is = dot && !strcmp(module, name);
		free(module);
		if (is)
			return path;
		free(path);
	}
	return NULL;
}

/* Which file the unit is linked to. */
static void find_module(struct unit *unit)
{
	if (unit_has_word(unit, "-DMODULE")) {
		unit->module = defined_as(unit, "KBUILD_MODNAME");
		unit->module_path = unit->module ? module_file(unit->module) : NULL;
	} else {
		unit->module = copy("vmlinux");
		unit->module_path = defined_as(unit, "KBUILD_MODFILE");
	}
}

/* A build tree that was copied or moved goes on to compile the sources that it was made from. */
static void check_tree(const struct unit *unit)
{
	const char *word = unit->command[unit->nr_words - 1];
	char *top = path_from_top(word, strlen(word));

	if (!top || strcmp(top, unit->source))
		stop(KLP_FAILED, "say --source DIR with that tree, or build the kernel anew",
		     "%s was compiled from %s, which is not in %s", unit->object, word,
		     choices.source);
	free(top);
}

static void add_unit(const char *cmd, const char *text, const char *saved, char *reads)
{
	char *source = value_of(text, "source_");
	struct unit unit = {
		.object = object_of(cmd),
		.reads = reads,
		.source = source ? path_from_top(source, strlen(source)) : NULL,
	};

	free(source);
	if (!unit.source || ends_with(unit.object, ".mod.o"))
		return;
	split_command(&unit, saved);
	find_module(&unit);
	/* What kbuild compiles for itself, and for user space, is not part of the kernel. */
	if (!unit.module || !unit.module_path || !unit_has_word(&unit, "-D__KERNEL__"))
		return;
	if (!place_runs(unit.source)) {
		elsewhere = unit.source;
		nr_elsewhere++;
		return;
	}
	check_tree(&unit);
	found.unit = grow(found.unit, found.nr, sizeof(*found.unit));
	found.unit[found.nr++] = unit;
}

static int is_command(const char *path, int type, const struct FTW *place)
{
	return type == FTW_F && path[place->base] == '.' && ends_with(path, ".o.cmd");
}

/* The unit of a .cmd file, if WANTED says so of its contents. */
static void take_unit(const char *path, int (*wanted)(const char *text, char *reads))
{
	char *text = read_all(path), *saved, *reads = allocate(nr_changed + 1);

	if (!text)
		stop(KLP_FAILED, NULL, "%s: %s", path, strerror(errno));
	saved = value_of(text, "savedcmd_");
	if (saved && wanted(text, reads))
		add_unit(path, text, saved, reads);
	else
		free(reads);
	free(saved);
	free(text);
}

static int is_changed(const char *text, char *reads)
{
	int by_source = is_source_changed(text, reads);

	return reads_changed(text, reads) || by_source;
}

static int look_at(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	if (is_command(path, type, place))
		take_unit(path, is_changed);
	return 0;
}

static int by_source(const void *a, const void *b)
{
	return strcmp(((const struct unit *)a)->object, ((const struct unit *)b)->object);
}

/* All units that read one of these files. */
struct units kbuild_units(const struct changed_file *files, size_t nr)
{
	changed = files;
	nr_changed = nr;
	if (nftw(choices.build, look_at, AT_ONCE, FTW_PHYS))
		stop(KLP_FAILED, NULL, "%s: %s", choices.build, strerror(errno));
	if (found.nr)
		qsort(found.unit, found.nr, sizeof(*found.unit), by_source);
	if (nr_elsewhere)
		warn("%zu unit%s of the vDSO, the boot code or the like, such as %s, %s",
		     nr_elsewhere, nr_elsewhere == 1 ? "" : "s", elsewhere,
		     "may change as well: these stay as they are");
	return found;
}

static int is_any(const char *text, char *reads)
{
	(void)reads;
	return !!*text;
}

static int take_first(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	if (is_command(path, type, place))
		take_unit(path, is_any);
	return found.nr != 0;
}

/* One of the kernel, whichever: for its command. */
void kbuild_any(struct unit *unit)
{
	char *folder = format("%s/kernel", choices.build);

	found = (struct units){ 0 };
	if (nftw(folder, take_first, AT_ONCE, FTW_PHYS) < 0 || !found.nr)
		stop(KLP_FAILED, NULL, "%s: there is no unit that has been compiled", folder);
	*unit = found.unit[0];
	free(folder);
}
