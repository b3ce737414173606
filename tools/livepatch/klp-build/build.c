// SPDX-License-Identifier: GPL-2.0-only
/*
 * How does a patch become a module?  Step after step; what is refused on the way is told at once,
 * all of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "build.h"

static void read_side(struct units *units, enum side side)
{
	for (size_t i = 0; i < units->nr; i++) {
		struct unit *unit = &units->unit[i];
		char *path = unit_path(unit, side, "o");
		struct elf_object *object = object_read(path, CONTENTS_CODE);

		if (side == SIDE_BUILT)
			unit->as_built = object;
		else if (side == SIDE_BEFORE)
			unit->before = object;
		else
			unit->after = object;
		if (side != SIDE_BUILT)
			pieces_make(object);
		free(path);
	}
}

/*
 * Local statics are called in the kernel as in a unit that was compiled with the kernel's headers.
 */
static void take_names(struct units *units)
{
	for (size_t i = 0; i < units->nr; i++) {
		char *path = unit_path(&units->unit[i], SIDE_NAMED, "o");
		struct elf_object *named = object_read(path, CONTENTS_CODE);

		pieces_make(named);
		twins_name(named, units->unit[i].before);
		free(path);
	}
}

/* Where layouts have changed, code and data that differ for it need not be told. */
static int layouts_differ(const struct units *units)
{
	size_t before = refusals();

	for (size_t i = 0; i < units->nr; i++)
		layouts_compare(&units->unit[i]);
	return refusals() != before;
}

/* Something that was static is there for other units now, which may use it. */
static int is_opened(const struct unit *unit)
{
	for (size_t i = 1; i < unit->after->nr_symbols; i++) {
		const struct symbol *symbol = &unit->after->symbols[i];

		if (!symbol->hidden && symbol->twin && symbol->twin->hidden)
			return 1;
	}
	return 0;
}

/*
 * Those of the units whose code has changed: behind a header there can be hundreds that have not.
 */
static struct units compare(const struct units *units)
{
	struct units changed = { 0 };

	if (layouts_differ(units))
		return changed;
	for (size_t i = 0; i < units->nr; i++) {
		struct unit *unit = &units->unit[i];

		twins_find(unit->before, unit->after);
		declarations_compare(unit, kernel_exports);
		if (!unit_compare(unit) && !is_opened(unit) && !choices.everything)
			continue;
		changed.unit = grow(changed.unit, changed.nr, sizeof(*changed.unit));
		changed.unit[changed.nr++] = *unit;
	}
	for (size_t i = 0; i < units->nr; i++) {
		unit_look_for_gone(&units->unit[i], units);
		unit_look_for_moved(&units->unit[i]);
	}
	return changed;
}

static void look_for_units(const struct units *units, const struct changed_file *files, size_t nr)
{
	char *link, *made_from;

	if (units->nr)
		return;
	link = format("%s/source", choices.build);
	made_from = realpath(link, NULL);
	if (made_from && strcmp(made_from, choices.source))
		stop(BUILD_REFUSED, "leave --source out",
		     "%s was built from %s, not from %s", choices.build, made_from,
		     choices.source);
	free(made_from);
	free(link);
	for (size_t i = 0; i < nr; i++)
		remark("%s is compiled into nothing that this kernel has", files[i].path);
	stop(BUILD_REFUSED, "see whether the configuration has what the patch is for",
	     "the patch changes no code in this configuration");
}

/* The kernel would not find them, and refuse the module. */
static void check_guards(void)
{
	for (size_t i = 0; i < choices.nr_guards; i++) {
		size_t many = kernel_count("vmlinux", choices.guards[i]);

		if (many != 1)
			refuse("guard", "nm vmlinux tells what there is",
			       "--guard %s: vmlinux has %zu symbols of this name",
			       choices.guards[i], many);
	}
}

static int is_file_or_nothing(const char *path)
{
	struct stat st;

	return lstat(path, &st) || S_ISREG(st.st_mode);
}

/* Whole or not at all; to what is no file, such as /dev/null, straight. */
static void copy_file(const char *from, const char *to)
{
	int is_file = is_file_or_nothing(to);
	char *part = is_file ? format("%s.part", to) : copy(to), *log = work_path("copy.log");
	const char * const argv[] = { "cp", "--", from, part, NULL };

	if (run(argv, NULL, log)) {
		if (is_file)
			unlink(part);
		stop(KLP_FAILED, "see whether the folder is there and has room",
		     "%s cannot be written: %s", to, first_line(log));
	}
	if (is_file && rename(part, to))
		stop(KLP_FAILED, NULL, "%s cannot be written: %s", to, strerror(errno));
	free(part);
	free(log);
}

static char *make_module(struct units *units, struct piece **pieces, size_t nr)
{
	char *directory = work_path("module"), *carried, *symbols, *path, *to;

	if (mkdir(directory, 0755))
		stop(KLP_FAILED, NULL, "%s: %s", directory, strerror(errno));
	carried = format("%s/carried.bin", directory);
	symbols = format("%s/symbols", directory);
	output_write(pieces, nr, carried);
	callbacks_copy(directory);
	generate(pieces, nr, directory);
	tell("linking %s.ko", choices.name);
	path = link_module(units, directory);
	postlink(symbols, path);
	if (verify_built(path) + whole_check(pieces, nr, path))
		stop(KLP_FAILED, NULL, "the module is not right, which is a fault of klp-build");
	to = choices.output ? copy(choices.output) : format("%s.ko", choices.name);
	copy_file(path, to);
	return to;
}

/* All of it; the status that the program ends with. */
int build(void)
{
	struct changed_file *files;
	struct units units, changed;
	struct piece **pieces;
	size_t nr_files, nr;
	char *farm, *module = NULL;

	files = diffs_read(&nr_files);
	units = kbuild_units(files, nr_files);
	if (!units.nr && refusals()) {
		report(NULL, 0, NULL);
		return BUILD_REFUSED;
	}
	look_for_units(&units, files, nr_files);
	work_begin();
	tell("%zu file%s changed, %zu unit%s to compile", nr_files, nr_files == 1 ? "" : "s",
	     units.nr, units.nr == 1 ? "" : "s");
	special_measure(&units.unit[0]);
	farm = farm_make(choices.source, files, nr_files, &units);
	units = narrow(&units, files, nr_files, farm);
	compile_units(&units, SIDE_BEFORE, farm);
	diffs_apply(farm);
	compile_units(&units, SIDE_AFTER, farm);
	read_side(&units, SIDE_BEFORE);
	read_side(&units, SIDE_AFTER);
	changed = compare(&units);
	compile_units(&changed, SIDE_BUILT, NULL);
	compile_units(&changed, SIDE_NAMED, NULL);
	read_side(&changed, SIDE_BUILT);
	take_names(&changed);
	pieces = reach(&changed, &nr);
	proof_check(&changed);
	if (!nr && !refusals())
		refuse("no effect", "see whether the configuration has what the patch is for",
		       "the patch changes no code in this configuration");
	check_guards();
	callbacks_check(pieces, nr);
	if (!refusals() && !choices.dry_run)
		module = make_module(&changed, pieces, nr);
	report(pieces, nr, module);
	return refusals() ? BUILD_REFUSED : KLP_OK;
}
