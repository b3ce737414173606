// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of the many units that read a changed file does it matter to? Behind a header of the
 * kernel there can be a thousand. Whether a layout changes, one unit for each file tells as well
 * as all. Of the others only those are compiled whose text the preprocessor makes another one:
 * that takes it a tenth of the time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "build.h"

#define FEW	16	/* so many units are compiled as fast as looked at */
#define BATCH	64	/* units whose texts are there at a time; each is a megabyte or two */

/* Two farms that stand at the same place in turn: messages and names have it in them. */
static char *place, *aside;

static void move(const char *from, const char *to)
{
	if (rename(from, to))
		stop(KLP_FAILED, NULL, "cannot rename %s: %s", from, strerror(errno));
}

/* The other one's turn. */
static void swap(void)
{
	char *third = work_path("tree.third");

	move(place, third);
	move(aside, place);
	move(third, aside);
	free(third);
}

static void add_unit(struct units *units, const struct unit *unit)
{
	units->unit = grow(units->unit, units->nr, sizeof(*units->unit));
	units->unit[units->nr++] = *unit;
}

static int is_in(const struct units *units, const struct unit *unit)
{
	for (size_t i = 0; i < units->nr; i++) {
		if (!strcmp(units->unit[i].object, unit->object))
			return 1;
	}
	return 0;
}

/* For each file one unit that is made from it. */
static struct units pick_heralds(const struct units *units, size_t nr_files)
{
	struct units heralds = { 0 };

	for (size_t i = 0; i < nr_files; i++) {
		size_t k = 0;

		while (k < units->nr && !units->unit[k].reads[i])
			k++;
		if (k < units->nr && !is_in(&heralds, &units->unit[k]))
			add_unit(&heralds, &units->unit[k]);
	}
	return heralds;
}

static struct elf_object *read_object(const struct unit *unit, enum side side)
{
	char *path = unit_path(unit, side, "o");
	struct elf_object *object = object_read(path, CONTENTS_CODE);

	free(path);
	return object;
}

/* The patched farm is in its place. */
static int layouts_differ(const struct units *heralds)
{
	size_t before = refusals();

	compile_units(heralds, SIDE_AFTER, place);
	swap();
	compile_units(heralds, SIDE_BEFORE, place);
	for (size_t i = 0; i < heralds->nr; i++) {
		struct unit *unit = &heralds->unit[i];

		unit->before = read_object(unit, SIDE_BEFORE);
		unit->after = read_object(unit, SIDE_AFTER);
		layouts_compare(unit);
	}
	return refusals() != before;
}

/* The next line that is not of the preprocessor's own, or empty; NULL at the end. */
static const char *next_line(const char **at, size_t *len)
{
	while (**at) {
		const char *line = *at;

		*len = strcspn(line, "\n");
		*at += *len + (line[*len] == '\n');
		if (*len && *line != '#')
			return line;
	}
	return NULL;
}

static int texts_differ(const char *before, const char *after)
{
	for (;;) {
		size_t nr_b, nr_a;
		const char *b = next_line(&before, &nr_b), *a = next_line(&after, &nr_a);

		if (!b || !a)
			return b != a;
		if (nr_b != nr_a || memcmp(b, a, nr_b))
			return 1;
	}
}

static char *take_text(const struct unit *unit, enum side side)
{
	char *path = unit_path(unit, side, "i"), *text = read_all(path);

	if (!text)
		stop(KLP_FAILED, NULL, "%s: %s", path, strerror(errno));
	unlink(path);
	free(path);
	return text;
}

/* The plain farm is in its place, before and afterwards. */
static void look_at_texts(const struct units *batch, struct units *differing)
{
	compile_units(batch, SIDE_TEXT_BEFORE, place);
	swap();
	compile_units(batch, SIDE_TEXT_AFTER, place);
	swap();
	for (size_t i = 0; i < batch->nr; i++) {
		char *before = take_text(&batch->unit[i], SIDE_TEXT_BEFORE);
		char *after = take_text(&batch->unit[i], SIDE_TEXT_AFTER);

		if (texts_differ(before, after))
			add_unit(differing, &batch->unit[i]);
		free(before);
		free(after);
	}
}

/*
 * Those of the units that have to be compiled; when layouts have changed, none, and that is
 * refused. The farm TREE, made of these files and units, is as before.
 */
struct units narrow(const struct units *units, const struct changed_file *files, size_t nr_files,
		    char *tree)
{
	struct units heralds, differing = { 0 };

	if (units->nr <= FEW || choices.everything)
		return *units;
	place = tree;
	aside = work_path("tree.aside");
	move(place, aside);
	free(farm_make(choices.source, files, nr_files, units));
	diffs_apply(place);
	heralds = pick_heralds(units, nr_files);
	if (layouts_differ(&heralds))
		return differing;
	for (size_t i = 0; i < units->nr; i += BATCH) {
		struct units batch = { &units->unit[i],
				       units->nr - i < BATCH ? units->nr - i : BATCH };

		look_at_texts(&batch, &differing);
		tell("  %zu of %zu units looked at, %zu to compile", i + batch.nr, units->nr,
		     differing.nr);
	}
	return differing;
}
