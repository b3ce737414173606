// SPDX-License-Identifier: GPL-2.0-only
/*
 * What did the last transition of a patch cost?  The block of the patch in debugfs
 * livepatch/statistics: lines "key: value", the first of which is "patch: NAME".
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "klp.h"

/* An integer, UNKNOWN for all else. */
static long whole(const char *value)
{
	char *end;
	long number;

	if (!isdigit((unsigned char)*value))
		return UNKNOWN;
	number = strtol(value, &end, 10);
	return *end ? UNKNOWN : number;
}

static void entry(const char *key, const char *value)
{
	if (!(options.given & OPT_JSON))
		print("  %s: %s\n", key, value);
	else if (whole(value) != UNKNOWN)
		json_number(key, whole(value));
	else
		json_string(key, value);
}

static void begin(void)
{
	if (options.given & OPT_JSON)
		json_open("statistics", '{');
	else
		fputs("last transition:\n", out);
}

static void nothing(const char *error_text)
{
	if (options.given & OPT_JSON)
		json_string("statistics", NULL);
	else if (error_text)
		print("last transition: unknown, debugfs cannot be read: %s\n", error_text);
	else
		fputs("last transition: no statistics in debugfs\n", out);
}

void statistics_show(const char *patch)
{
	char *path = rooted("/sys/kernel/debug/livepatch/statistics");
	long before = unseen_count();
	char *text = read_all(path), *rest = text, *key;
	const char *problem = unseen_count() == before ? NULL : strerror(errno);
	int inside = 0, seen = 0;

	while ((key = strsep(&rest, "\n"))) {
		char *value = strstr(key, ": ");

		if (!value)
			continue;
		*value = '\0';
		value += 2;
		key += strspn(key, " \t");
		text_unescape(value);
		if (!strcmp(key, "patch")) {
			inside = !seen && !strcmp(value, patch);
			if (inside) {
				begin();
				seen = 1;
			}
		} else if (inside) {
			entry(key, value);
		}
	}
	if (!seen)
		nothing(problem);
	else if (options.given & OPT_JSON)
		json_close();
	free(text);
	free(path);
}
