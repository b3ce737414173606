// SPDX-License-Identifier: GPL-2.0-only
/*
 * How is a unit compiled so that it can be compared?  By the command that kbuild has saved. From
 * the farm before and after the patches, with a section for each function and variable, every
 * reference a relocation (assembly.c), debug information for the layouts of structures, and no
 * objtool, which would renumber. If that differs, also from the tree itself: as it was, to see that
 * compiler and tree are those of the running kernel, and in the way of the others, for the names
 * that local statics have in the kernel. Some units at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "build.h"

static const char * const side_names[] = {
	[SIDE_BUILT]	= "built",
	[SIDE_NAMED]	= "named",
	[SIDE_BEFORE]	= "before",
	[SIDE_AFTER]	= "after",
	[SIDE_TEXT_BEFORE] = "before",
	[SIDE_TEXT_AFTER] = "after",
};

struct words {
	char **word;
	size_t nr;
};

static void add(struct words *words, char *word)
{
	words->word = grow(words->word, words->nr, sizeof(*words->word));
	words->word[words->nr++] = word;
}

static int starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* What is about files beside the object, and debug information. */
static int is_left_out(const char *word)
{
	return starts(word, "-Wp,-M") || !strcmp(word, "-c") || starts(word, "-gdwarf") ||
		starts(word, "-gsplit") || starts(word, "-gz") || !strcmp(word, "-g") ||
		starts(word, "-gno-") || starts(word, "-gstrict") || starts(word, "-fdebug-");
}

/* WORD, or what it means when the farm, unless it is NULL, is the source tree. */
static char *in_farm(const char *word, const char *farm)
{
	static const char * const options_with_path[] = { "-I", "-fmacro-prefix-map=",
		"-ffile-prefix-map=", "-iquote", "-isystem" };
	size_t start = 0, len;
	char *top, *moved;

	for (size_t i = 0; i < ARRAY_SIZE(options_with_path) && !start; i++) {
		if (starts(word, options_with_path[i]))
			start = strlen(options_with_path[i]);
	}
	len = strcspn(word + start, "=");
	/* The farm of a tree that was built in itself is where the command runs. */
	if (!farm || (!start && *word == '-') ||
	    (!strcmp(choices.source, choices.build) && word[start] != '/'))
		return copy(word);
	/* Words that are no paths lie in the build tree, which is left alone. */
	top = path_from_top(word + start, len);
	if (!top)
		return copy(word);
	moved = format("%.*s%s/%s%s", (int)start, word, farm, top, word + start + len);
	free(top);
	return moved;
}

/* The compiler's words up to what is special to one step; the source is left out. */
static struct words base_words(const struct unit *unit, const char *farm)
{
	struct words words = { 0 };

	for (size_t i = 0; i + 1 < unit->nr_words; i++) {
		if (!strcmp(unit->command[i], "-o"))
			i++;
		else if (!is_left_out(unit->command[i]))
			add(&words, in_farm(unit->command[i], farm));
	}
	return words;
}

/* The source as the command names it, below the farm if there is one. */
static char *source_word(const struct unit *unit, const char *farm)
{
	return in_farm(unit->command[unit->nr_words - 1], farm);
}

/* Where a saved command means what it meant: a tree that was built in itself is the farm. */
static const char *directory_for(const char *farm)
{
	return farm && !strcmp(choices.source, choices.build) ? farm : choices.build;
}

#define NO_ROOM		99	/* a child's status, beside those of the program */

static void run_compiler(struct words *words, const char *farm, const char *log)
{
	add(words, NULL);
	if (run((const char * const *)words->word, directory_for(farm), log)) {
		char *said = read_all(log);

		if (said)
			fputs(said, stderr);
		_exit(said && strstr(said, strerror(ENOSPC)) ? NO_ROOM : BUILD_NO_COMPILE);
	}
}

char *unit_path(const struct unit *unit, enum side side, const char *suffix)
{
	char *flat = copy(unit->object), *path;

	for (char *c = flat; *c; c++) {
		if (*c == '/')
			*c = '-';
	}
	path = work_path("units/%s.%s.%s", flat, side_names[side], suffix);
	free(flat);
	return path;
}

static void compile_as_built(const struct unit *unit)
{
	struct words words = base_words(unit, NULL);

	add(&words, copy("-c"));
	add(&words, copy("-o"));
	add(&words, unit_path(unit, SIDE_BUILT, "o"));
	add(&words, source_word(unit, NULL));
	run_compiler(&words, NULL, unit_path(unit, SIDE_BUILT, "log"));
}

static void assemble(const struct unit *unit, enum side side, const char *farm)
{
	struct words words = base_words(unit, farm), rest = { 0 };

	for (size_t i = 0; i < words.nr; i++) {
		/* Of the preprocessor and the optimizers nothing is wanted any more. */
		if (!i || starts(words.word[i], "-Wa,") || starts(words.word[i], "-m") ||
		    !strcmp(words.word[i], "gcc") || strstr(words.word[i], "-gcc"))
			add(&rest, words.word[i]);
	}
	add(&rest, copy("-c"));
	add(&rest, copy("-Wa,-mshared"));
	add(&rest, copy("-o"));
	add(&rest, unit_path(unit, side, "o"));
	add(&rest, unit_path(unit, side, "shown.s"));
	run_compiler(&rest, farm, unit_path(unit, side, "log"));
}

static void compile_side(const struct unit *unit, enum side side, const char *farm)
{
	struct words words = base_words(unit, farm);

	add(&words, copy("-g"));
	/* Types that only sizeof looks at as well. */
	add(&words, copy("-fno-eliminate-unused-debug-types"));
	add(&words, copy("-ffunction-sections"));
	add(&words, copy("-fdata-sections"));
	add(&words, copy("-S"));
	add(&words, copy("-o"));
	add(&words, unit_path(unit, side, "s"));
	add(&words, source_word(unit, farm));
	run_compiler(&words, farm, unit_path(unit, side, "log"));
	assembly_show(unit_path(unit, side, "s"), unit_path(unit, side, "shown.s"));
	assemble(unit, side, farm);
}

static void preprocess(const struct unit *unit, enum side side, const char *farm)
{
	struct words words = base_words(unit, farm);

	add(&words, copy("-E"));
	add(&words, copy("-o"));
	add(&words, unit_path(unit, side, "i"));
	add(&words, source_word(unit, farm));
	run_compiler(&words, farm, unit_path(unit, side, "log"));
}

static int is_text(enum side side)
{
	return side == SIDE_TEXT_BEFORE || side == SIDE_TEXT_AFTER;
}

/* In a process of its own. */
static noreturn void compile_one(const struct unit *unit, enum side side, const char *farm)
{
	if (side == SIDE_BUILT)
		compile_as_built(unit);
	else if (is_text(side))
		preprocess(unit, side, farm);
	else
		compile_side(unit, side, farm);
	if (!is_text(side))
		tell("  %-7s %s", side_names[side], unit->source);
	fflush(NULL);
	_exit(KLP_OK);
}

/* What one of them has ended with, 0 if all is well. */
static int reap(void)
{
	int status = wait_child();

	return WIFEXITED(status) ? WEXITSTATUS(status) : KLP_FAILED;
}

static void stop_if_failed(int status, enum side side)
{
	static const char * const next[] = {
		[SIDE_BUILT]	= "is the compiler the one that the kernel was built with?",
		[SIDE_NAMED]	= "is the source tree the one that the kernel was built from?",
		[SIDE_BEFORE]	= "is the source tree the one that the kernel was built from?",
		[SIDE_TEXT_BEFORE] = "is the source tree the one that the kernel was built from?",
		[SIDE_AFTER]	= "see above; lines that the patches add are not counted",
		[SIDE_TEXT_AFTER] = "see above; lines that the patches add are not counted",
	};

	if (status == NO_ROOM)
		stop(KLP_FAILED, "TMPDIR=DIR says where there is more",
		     "there is no room below %s", work);
	if (status == BUILD_NO_COMPILE && (side == SIDE_AFTER || side == SIDE_TEXT_AFTER))
		stop(BUILD_NO_COMPILE, next[side], "the source does not compile with the patches");
	if (status)
		stop(KLP_FAILED, next[side], "the source does not compile as it is");
}

/* One side of all units; FARM is the tree for those that are compared. */
void compile_units(const struct units *units, enum side side, const char *farm)
{
	char *directory = work_path("units");
	long running = 0;
	int status = 0;

	make_directories(directory);
	free(directory);
	for (size_t i = 0; i < units->nr && !status; i++) {
		fflush(NULL);
		if (running == choices.jobs) {
			status = reap();
			running--;
		}
		if (status || start_child())
			running += !status;
		else
			compile_one(&units->unit[i], side, farm);
	}
	while (running--) {
		int other = reap();

		status = status ? status : other;
	}
	stop_if_failed(status, side);
}

/*
 * Values that only the kernel's headers know: the program TEXT is compiled by a unit's command, the
 * lines that it has put into the assembly with "->" are the result.
 */
char *compile_values(const struct unit *unit, const char *text)
{
	struct words words = base_words(unit, NULL);
	char *source = work_path("values.c"), *result = work_path("values.s");
	char *log = work_path("values.log");
	FILE *f = fopen(source, "we");

	if (!f || fputs(text, f) < 0 || fclose(f))
		stop(KLP_FAILED, NULL, "%s: %s", source, strerror(errno));
	add(&words, copy("-S"));
	add(&words, copy("-o"));
	add(&words, result);
	add(&words, source);
	add(&words, NULL);
	if (run((const char * const *)words.word, choices.build, log))
		stop(KLP_FAILED, "is the compiler the one that the kernel was built with?",
		     "the kernel's headers do not compile: %s", first_line(log));
	free(log);
	return read_all(result);
}
