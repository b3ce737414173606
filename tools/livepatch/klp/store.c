// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which patches are installed, so that they are loaded at boot?  The files in a directory for each
 * kernel, in the order in which they are loaded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "klp.h"

#define STORE	"/var/lib/klp/patches"

/* What uname -r prints; made-up trees have one of their own. */
char *kernel_release(void)
{
	char *release = *root ? read_line("/proc/sys/kernel/osrelease") : NULL;
	struct utsname kernel;

	if (release)
		return release;
	return copy(uname(&kernel) ? "unknown" : kernel.release);
}

/* Something that may be the name of a directory for a kernel. */
int is_release(const char *text)
{
	return *text && *text != '.' && !strchr(text, '/') && strlen(text) < 200;
}

char *store_directory(const char *release)
{
	return rooted(STORE "/%s", release);
}

/* All that there is something for, as list_directory() has them. */
char **store_releases(size_t *nr)
{
	char *path = rooted(STORE);
	char **names = list_directory(path, nr);

	free(path);
	return names;
}

static int by_version(const void *a, const void *b)
{
	return version_compare(*(char * const *)a, *(char * const *)b);
}

/* Names of the modules in a directory, the oldest version first; NULL and errno on errors. */
char **store_files(const char *directory, size_t *nr)
{
	char **names = list_directory(directory, nr);
	size_t left = 0;

	for (size_t i = 0; names && i < *nr; i++) {
		if (module_suffix(names[i]))
			names[left++] = names[i];
		else
			free(names[i]);
	}
	*nr = left;
	if (left)
		qsort(names, left, sizeof(*names), by_version);
	return names;
}

/* How well does a file fit what the user has given? */
enum fit {
	FIT_NOT,
	FIT_PATCH,	/* by the name of the module in it */
	FIT_STEM,	/* by its name but for suffixes and dashes */
	FIT_FILE,
};

static enum fit fit_of(const char *path, const char *file, const char *given)
{
	char *of_file = module_name(file), *wanted = module_name(given);
	const char *slash = strrchr(given, '/');
	enum fit fit = FIT_NOT;
	struct module_file m;

	if (!strcmp(file, slash ? slash + 1 : given)) {
		fit = FIT_FILE;
	} else if (!strcmp(of_file, wanted)) {
		fit = FIT_STEM;
	} else {
		hush(1);
		if (!module_open(&m, path) && !strcmp(m.name, wanted))
			fit = FIT_PATCH;
		module_close(&m);
		hush(-1);
	}
	free(wanted);
	free(of_file);
	return fit;
}

/*
 * The path of the installed patch that is meant, NULL if there is none, or if there are two and
 * none fits better: then it is said which, and *MANY is set.
 */
char *store_find(const char *release, const char *given, int *many)
{
	char *directory = store_directory(release), *found = NULL, *other = NULL;
	enum fit best = FIT_NOT;
	size_t nr;
	char **names = store_files(directory, &nr);

	*many = 0;
	for (size_t i = 0; i < nr; i++) {
		char *path = format("%s/%s", directory, names[i]);
		enum fit fit = fit_of(path, names[i], given);

		if (fit < best || fit == FIT_NOT) {
			free(path);
			continue;
		}
		free(other);
		other = fit == best ? found : NULL;
		if (fit != best)
			free(found);
		found = path;
		best = fit;
	}
	if (other) {
		error("%s could be %s or %s", given, other, found);
		next_step("give the whole name of the file");
		*many = 1;
		free(found);
		found = NULL;
	}
	free(other);
	free_list(names, nr);
	free(directory);
	return found;
}
