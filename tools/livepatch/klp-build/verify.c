// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does this module fit the kernel?  What livepatch and the module loader would ask for is looked up
 * in the build tree: every symbol at its position, every function that is replaced, the entries of
 * special sections by their sizes. A module of which a part is cut off or that was made for another
 * kernel loads without a word and fails later.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

#define SYM		".klp.sym."
#define RELA		".klp.rela."

static const struct elf_object *object;
static size_t nr_problems;

static void problem(const char *fmt, ...) __printf(1, 2);

static void problem(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = vformat(fmt, args);
	va_end(args);
	error("%s: %s", object->path, text);
	free(text);
	nr_problems++;
}

/* OBJECT.NAME,POSITION behind the prefix; the parts are the caller's. */
static int split_symbol(const char *name, char **of, char **plain, unsigned long *sympos)
{
	const char *rest = name + strlen(SYM), *dot = strchr(rest, '.');
	const char *comma = strrchr(rest, ',');
	char *end;

	if (strncmp(name, SYM, strlen(SYM)) || !dot || !comma || comma < dot)
		return 0;
	*sympos = strtoul(comma + 1, &end, 10);
	if (end == comma + 1 || *end)
		return 0;
	*of = format("%.*s", (int)(dot - rest), rest);
	*plain = format("%.*s", (int)(comma - dot - 1), dot + 1);
	return 1;
}

static void check_livepatch_symbol(const struct symbol *symbol)
{
	unsigned long sympos;
	char *of, *plain;

	if (!split_symbol(symbol->name, &of, &plain, &sympos)) {
		problem("symbol %s has no name of the form " SYM "OBJECT.NAME,POSITION",
			symbol->name);
		return;
	}
	if (!kernel_at(of, plain, sympos))
		problem("there is no %s at position %lu in %s, which has %zu of that name", plain,
			sympos, of, kernel_count(of, plain));
	free(of);
	free(plain);
}

static void check_symbols(void)
{
	for (size_t i = 1; i < object->nr_symbols; i++) {
		const struct symbol *symbol = &object->symbols[i];

		if (symbol->livepatch)
			check_livepatch_symbol(symbol);
		else if (!symbol->section && !symbol->absolute && *symbol->name &&
			 symbol->type != STT_FILE && !kernel_exports(symbol->name))
			problem("the kernel does not export %s", symbol->name);
	}
}

/* The object that a section of livepatch relocations waits for; the caller's. */
static char *object_of_section(const struct section *section)
{
	const char *rest = section->name + strlen(RELA), *dot;

	if (strncmp(section->name, RELA, strlen(RELA)))
		return NULL;
	dot = strchr(rest, '.');
	return dot && !strcmp(dot + 1, section->applies->name) ?
		format("%.*s", (int)(dot - rest), rest) : NULL;
}

static void check_late_reloc(const struct section *section, const char *of,
			     const struct reloc *reloc)
{
	unsigned long sympos;
	char *other, *plain;

	if (!reloc->symbol->livepatch) {
		problem("%s has a relocation against %s, which is no livepatch symbol",
			section->name, reloc->symbol->name);
		return;
	}
	if (!split_symbol(reloc->symbol->name, &other, &plain, &sympos))
		return;
	if (!strcmp(of, "vmlinux") && strcmp(other, "vmlinux"))
		problem("%s refers to %s of module %s, which may not be there", section->name,
			plain, other);
	free(other);
	free(plain);
}

static void check_late_relocs(const struct section *section)
{
	char *of = object_of_section(section);

	if (!of)
		problem("section %s is not named after the section that it is for, %s",
			section->name, section->applies->name);
	for (size_t i = 0; of && i < section->nr_relocs; i++)
		check_late_reloc(section, of, &section->relocs[i]);
	free(of);
}

/* Relocations of the kernel's own kind may not wait. */
static void check_relocs(const struct section *section)
{
	for (size_t i = 0; i < section->nr_relocs; i++) {
		if (section->relocs[i].symbol->livepatch)
			problem("the module loader would apply a relocation of %s against %s",
				section->name, section->relocs[i].symbol->name);
	}
}

/* How many fields of a section are filled in, now or later. */
static size_t count_relocs(const struct section *section)
{
	size_t nr = section->nr_relocs;

	for (size_t i = 1; i < object->nr_sections; i++) {
		if (object->sections[i].applies == section)
			nr += object->sections[i].nr_relocs;
	}
	return nr;
}

static void check_entries(const struct section *section)
{
	const struct special *special = special_find(section->name);
	size_t entries, fields;

	if (!special || special->kind != SPECIAL_ENTRIES || !section->size)
		return;
	if (!special->size || section->size % special->size) {
		problem("section %s of %llu bytes has no entries of %llu bytes, as it should",
			section->name, (unsigned long long)section->size,
			(unsigned long long)special->size);
		return;
	}
	entries = section->size / special->size;
	fields = count_relocs(section);
	if (fields % entries)
		problem("section %s has %zu entries and %zu relocations", section->name, entries,
			fields);
}

static void check_sections(void)
{
	for (size_t i = 1; i < object->nr_sections; i++) {
		const struct section *section = &object->sections[i];

		if (section->applies)
			check_late_relocs(section);
		else
			check_relocs(section);
		check_entries(section);
	}
}

static void check_modinfo(void)
{
	const struct section *section = object_section(object, ".modinfo");
	const char *text = section ? (char *)section->data : NULL;
	const char *end = text ? text + section->size : NULL;
	int marked = 0;

	for (; text && text < end; text += strnlen(text, end - text) + 1)
		marked |= !strcmp(text, "livepatch=Y");
	if (!marked)
		problem("it is no livepatch: modinfo does not have livepatch=Y");
}

static void check_function(const char *of, const struct function *function)
{
	const struct symbol *symbol = kernel_at(of, function->name, function->sympos);

	if (!symbol)
		problem("there is no function %s at position %lu in %s", function->name,
			function->sympos, of);
	else if (!strcmp(of, "vmlinux") && !kernel_traces(symbol->value))
		problem("ftrace does not reach %s, so it cannot be replaced", function->name);
}

static void check_functions(const char *path)
{
	struct module_file m;

	if (module_open(&m, path)) {
		nr_problems++;
		return;
	}
	for (size_t i = 0; i < m.tables.nr; i++) {
		const struct object *one = &m.tables.objects[i];

		for (size_t k = 0; k < one->nr; k++)
			check_function(one->name ? one->name : "vmlinux", &one->functions[k]);
	}
	module_close(&m);
}

/*
 * Tells what is wrong with a module; the number of problems. The values of the headers are known.
 */
size_t verify_built(const char *path)
{
	object = object_read(path, CONTENTS_CODE);
	nr_problems = 0;
	check_modinfo();
	check_symbols();
	check_sections();
	check_functions(path);
	return nr_problems;
}

/* klp build --check */
int verify(const char *path)
{
	struct unit any;

	work_begin();
	kbuild_any(&any);
	special_measure(&any);
	if (verify_built(path))
		return BUILD_REFUSED;
	tell("%s fits %s", path, choices.build);
	return KLP_OK;
}
