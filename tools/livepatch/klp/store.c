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

/* Does the user mean this file: by its name, or by that of its module? */
static int is_meant(const char *path, const char *file, const char *given, int by_file)
{
	char *of_file = module_name(file), *wanted = module_name(given);
	int found = !strcmp(of_file, wanted);
	struct module_file m;

	if (!found && !by_file) {
		hush(1);
		found = !module_open(&m, path) && !strcmp(m.name, wanted);
		module_close(&m);
		hush(-1);
	}
	free(wanted);
	free(of_file);
	return found;
}

/* The path of the installed patch that is meant, NULL if there is none. Names of files go first. */
char *store_find(const char *release, const char *given)
{
	char *directory = store_directory(release), *found = NULL;
	size_t nr;
	char **names = store_files(directory, &nr);

	for (int by_file = 1; by_file >= 0; by_file--) {
		for (size_t i = 0; i < nr && !found; i++) {
			char *path = format("%s/%s", directory, names[i]);

			if (is_meant(path, names[i], given, by_file))
				found = path;
			else
				free(path);
		}
	}
	free_list(names, nr);
	free(directory);
	return found;
}
