// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which names mean the same thing?  gcc numbers local statics and the clones of functions, and the
 * numbers change with whatever else stands in the unit.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"

/* With one of NR words? */
int name_begins(const char *name, const char * const *with, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (!strncmp(name, with[i], strlen(with[i])))
			return 1;
	}
	return 0;
}

/* Names that macros make from lines and a counter of the preprocessor. */
static int is_counted(const char *name)
{
	static const char * const starts[] = { "__UNIQUE_ID_", "__initcall_" };

	return name_begins(name, starts, ARRAY_SIZE(starts));
}

/* Names of types in lists for BPF end with such numbers; others in them are the types' own. */
static char *base_of_type(const char *name)
{
	size_t len = strlen(name);

	while (len && isdigit((unsigned char)name[len - 1]))
		len--;
	return format("%.*s", (int)len, name);
}

/* Without the numbers that gcc and the preprocessor have added; the caller's. */
char *name_base(const char *name)
{
	int is_unique = is_counted(name);
	char *base, *to;

	if (!strncmp(name, "__BTF_ID__", 10))
		return base_of_type(name);
	base = allocate(strlen(name) + 1);
	to = base;
	while (*name) {
		if ((*name == '.' && to != base) || is_unique) {
			size_t digits = *name == '.' ? strspn(name + 1, "0123456789") :
				strspn(name, "0123456789");
			size_t skip = digits + (*name == '.');

			if (digits && (!name[skip] || name[skip] == '.' || is_unique)) {
				name += skip;
				continue;
			}
		}
		*to++ = *name++;
	}
	*to = '\0';
	return base;
}

/* Of a part that gcc has put elsewhere, the name of the whole function; else NULL. */
char *name_of_whole(const char *name)
{
	static const char cold[] = ".cold";
	const char *at = strstr(name, cold);

	if (!at || at == name || (at[5] && at[5] != '.'))
		return NULL;
	return format("%.*s", (int)(at - name), name);
}

/* What can stand in C, for a name with dots. */
char *name_for_c(const char *name)
{
	char *plain = copy(name);

	for (char *c = plain; *c; c++) {
		if (!isalnum((unsigned char)*c))
			*c = '_';
	}
	return plain;
}

/* Without the folders that the file stands in. */
const char *name_of_file(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* As kbuild makes it from that of the file, which has no suffix here; the caller's. */
char *name_of_module(const char *path)
{
	char *name = copy(name_of_file(path));

	for (char *c = name; *c; c++) {
		if (*c == '-')
			*c = '_';
	}
	return name;
}
