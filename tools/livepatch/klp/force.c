// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the patch of a file in force?  That its module is loaded says nothing: patches that were
 * disabled or replaced leave theirs behind.
 */
#include <string.h>
#include "klp.h"

int is_in_force(const char *name)
{
	struct patch patch;
	int ret;

	patch_read(&patch, name);
	ret = !strcmp(patch_state(&patch), "enabled");
	patch_free(&patch);
	return ret;
}

/* The module is loaded, of a livepatch, and no patch of it is there. */
int is_left_over(const char *name)
{
	return !patch_exists(name) && module_loaded(name) && module_is_livepatch(name);
}

/* Does a patch with these tables replace the patches of the set? */
int tables_cover(const struct tables *tables, long set)
{
	if (tables->replace_set == set)
		return 1;
	for (size_t i = 0; i < tables->nr_sets; i++) {
		if (tables->sets[i] == set)
			return 1;
	}
	return 0;
}

/* By what two files say; one that does not tell replaces nothing here. */
int tables_replace(const struct tables *new, const struct tables *old)
{
	return new->replace == 1 && old->replace != UNKNOWN && tables_cover(new, old->replace_set);
}

/*
 * Has the patch in OLD been replaced by one in force, PATCH, that was loaded from NEW?  UNKNOWN if
 * neither the kernel nor the file tells whether that is cumulative.
 */
long force_replaces(const struct module_file *new, const struct patch *patch,
		    const struct module_file *old)
{
	long replace = patch->replace == UNKNOWN ? new->tables.replace : patch->replace;
	/* Who does not say otherwise is in set 0; kernels without sets do not look. */
	long set = old->tables.replace_set == UNKNOWN ? 0 : old->tables.replace_set;

	if (replace != 1)
		return replace;
	return patch->replace_set == UNKNOWN || patch->replace_set == set ||
		tables_cover(&new->tables, set);
}
