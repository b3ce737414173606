// SPDX-License-Identifier: GPL-2.0-only
/*
 * What could klp not look at?  Who finds something that is there but cannot be read notes it here.
 * What was asked for may be wrong without it: who tells how things are looks here before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "klp.h"

static long count;
static char *first;

/* What is not there has been seen not to be there; ERR 0 stands for what nobody can look at. */
void unseen_note(const char *what, int err)
{
	static const int absent[] = { ENOENT, ENOTDIR, ESRCH, ENODEV, ENXIO, ENAMETOOLONG };
	int saved = errno;

	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		if (err == absent[i])
			return;
	}
	count++;
	if (!first && asprintf(&first, "%s%s%s", what, err ? ": " : "",
			       err ? strerror(err) : "") < 0)
		first = NULL;
	errno = saved;
}

/* Only for comparing with what it was before. */
long unseen_count(void)
{
	return count;
}

/* What has been noted since then has been learnt in another way. */
void unseen_forget(long before)
{
	count = before;
	if (before)
		return;
	free(first);
	first = NULL;
}

/* NULL when there is nothing. */
const char *unseen_first(void)
{
	return count ? first ? first : "something" : NULL;
}
