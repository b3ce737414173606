// SPDX-License-Identifier: GPL-2.0-only
/*
 * When has a patch left sysfs that was replaced?  The kernel takes it out a moment after the
 * transition; whoever asks until then sees it, and cannot load it again.
 */
#include <stdlib.h>
#include "klp.h"

#define LEAVE_WITHIN	10	/* seconds */

/* Neither in force nor on its way anywhere, and there nevertheless. */
static int is_leaving(const char *name)
{
	return read_number("/sys/kernel/livepatch/%s/transition", name) == 0 &&
		read_number("/sys/kernel/livepatch/%s/enabled", name) == 0;
}

static int somebody_leaves(void)
{
	char *path = rooted("/sys/kernel/livepatch");
	int leaving = 0;
	size_t nr;
	char **names = list_directory(path, &nr);

	for (size_t i = 0; i < nr && !leaving; i++)
		leaving = is_leaving(names[i]);
	free_list(names, nr);
	free(path);
	return leaving;
}

/* Wait for patch NAME, or, if that is NULL, for all; not longer than for a transition. */
void await_leaving(const char *name)
{
	double start = now(), limit = LEAVE_WITHIN;

	if (options.timeout >= 0 && options.timeout < limit)
		limit = options.timeout;
	while (!*root && (name ? is_leaving(name) : somebody_leaves()) && !interrupted() &&
	       now() - start < limit)
		nap(0.05);
}
