/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LIVEPATCH_TESTS_SHADOW_H
#define _LIVEPATCH_TESTS_SHADOW_H

#include <kunit/test.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include "../internal.h"

/* There is no line for the id, not one that says 0. */
#define SHADOW_NO_LINE	(-1)

/* Expect what debugfs says about an id: number of variables and bytes, or SHADOW_NO_LINE and 0. */
static inline void shadow_expect_count(struct kunit *test, unsigned long id, long nr,
				       unsigned long bytes)
{
	struct seq_file m = { .size = PAGE_SIZE };
	unsigned long seen_id, seen_nr, seen_bytes;
	char *line, *rest;
	int fields;

	m.buf = kunit_kzalloc(test, m.size + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	klp_shadow_show(&m, NULL);
	KUNIT_ASSERT_FALSE(test, seq_has_overflowed(&m));

	rest = m.buf;
	while ((line = strsep(&rest, "\n")) && *line) {
		fields = sscanf(line, "%lx %lu %lu", &seen_id, &seen_nr, &seen_bytes);
		KUNIT_ASSERT_EQ(test, fields, 3);
		if (seen_id == id) {
			KUNIT_EXPECT_EQ(test, (long)seen_nr, nr);
			KUNIT_EXPECT_EQ(test, seen_bytes, bytes);
			return;
		}
	}
	KUNIT_EXPECT_EQ(test, (long)SHADOW_NO_LINE, nr);
}

#endif /* _LIVEPATCH_TESTS_SHADOW_H */
