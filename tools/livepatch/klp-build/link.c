// SPDX-License-Identifier: GPL-2.0-only
/*
 * How do the object file and the generated C become a module?  kbuild links them, with objtool
 * where the kernel has it; where that looks at each unit instead of the whole module, it has looked
 * at ours before.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

/* The saved command of a unit that has one, on our object file instead. */
static void run_objtool(const struct units *units, const char *object)
{
	for (size_t i = 0; i < units->nr; i++) {
		const char *saved = units->unit[i].objtool;
		const char *last = saved ? strrchr(saved, ' ') : NULL;
		const char *argv[4] = { "sh", "-c" };
		char *command;

		/* The last word may have blanks behind it. */
		while (last && !last[strspn(last, " ")]) {
			while (last > saved && last[-1] == ' ')
				last--;
			do {
				last--;
			} while (last > saved && *last != ' ');
		}
		if (!last)
			continue;
		command = format("%.*s '%s'", (int)(last - saved), saved, object);
		argv[2] = command;
		if (run(argv, choices.build, work_path("objtool.log")))
			stop(KLP_FAILED, "see it with --keep", "objtool has failed: %s",
			     work_path("objtool.log"));
		free(command);
		return;
	}
}

static void tell_log(const char *path)
{
	char *text = read_all(path);

	if (text)
		fputs(text, stderr);
	free(text);
}

/* Builds the module in DIRECTORY; its path. */
char *link_module(const struct units *units, const char *directory)
{
	char *carried = format("%s/carried.bin", directory), *log = work_path("link.log");
	char *m = format("M=%s", directory), *jobs = format("-j%ld", choices.jobs);
	/* Where it was linked must not be seen in it. */
	const char * const argv[] = { "make", "--no-print-directory", "-C", choices.build, m, jobs,
		"KCFLAGS=-g0", "modules", NULL };

	run_objtool(units, carried);
	if (run(argv, NULL, log)) {
		tell_log(log);
		stop(KLP_FAILED, NULL, "kbuild has not linked the module: see above");
	}
	free(carried);
	free(log);
	free(m);
	free(jobs);
	return format("%s/%s.ko", directory, choices.name);
}
