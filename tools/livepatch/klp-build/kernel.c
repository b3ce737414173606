// SPDX-License-Identifier: GPL-2.0-only
/*
 * How does a livepatch name something of the running kernel?  By object, name and position among
 * the symbols of that name. Names that are not unique are told apart by what stands around them in
 * the symbol table, the other symbols of their unit, and these by their sizes; never by a guess.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"

/**
 * struct exported - a line of Module.symvers
 * @name: of the symbol
 * @by: "vmlinux", or the path of the module
 * @in_namespace: it takes an import
 */
struct exported {
	char *name;
	char *by;
	int in_namespace;
};

/**
 * struct image_file - vmlinux or a module, as linked
 * @path: from the top of the build tree, without .ko
 * @object: its contents
 * @by_name: defined symbols by name, then in the order in which positions are counted
 * @nr: number of these
 */
struct image_file {
	char *path;
	struct elf_object *object;
	struct symbol **by_name;
	size_t nr;
};

static struct image_file *files;
static size_t nr_files;
static struct exported *exports;
static size_t nr_exports;

static int is_vmlinux(const char *path)
{
	return !strcmp(path, "vmlinux");
}

/* What kallsyms shows: in vmlinux by address, in modules as in the table. */
static int by_name(const void *a, const void *b)
{
	const struct symbol *x = *(struct symbol * const *)a, *y = *(struct symbol * const *)b;
	int order = strcmp(x->name, y->name);

	if (!order)
		return x->index < y->index ? -1 : x->index > y->index;
	return order;
}

static int by_name_and_address(const void *a, const void *b)
{
	const struct symbol *x = *(struct symbol * const *)a, *y = *(struct symbol * const *)b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* A module has freed what stands there. */
static int is_init(const struct section *section)
{
	return section && !strncmp(section->name, ".init", 5);
}

static int is_listed(const struct image_file *file, const struct symbol *symbol)
{
	if (!*symbol->name || (!symbol->section && !symbol->absolute))
		return 0;
	if (symbol->type != STT_FUNC && symbol->type != STT_OBJECT && symbol->type != STT_NOTYPE)
		return 0;
	return is_vmlinux(file->path) || (symbol->section && !is_init(symbol->section) &&
					  symbol->section->flags & SHF_ALLOC);
}

static void index_file(struct image_file *file)
{
	const struct elf_object *object = file->object;

	file->by_name = allocate((object->nr_symbols + 1) * sizeof(*file->by_name));
	for (size_t i = 1; i < object->nr_symbols; i++) {
		if (is_listed(file, &object->symbols[i]))
			file->by_name[file->nr++] = &object->symbols[i];
	}
	qsort(file->by_name, file->nr, sizeof(*file->by_name),
	      is_vmlinux(file->path) ? by_name_and_address : by_name);
}

/* PATH is "vmlinux" or that of a module without .ko, from the top of the build tree. */
static struct image_file *open_file(const char *path)
{
	char *full;

	for (size_t i = 0; i < nr_files; i++) {
		if (!strcmp(files[i].path, path))
			return &files[i];
	}
	full = format("%s/%s%s", choices.build, path, is_vmlinux(path) ? "" : ".ko");
	files = grow(files, nr_files, sizeof(*files));
	files[nr_files].path = copy(path);
	files[nr_files].object = object_read(full, CONTENTS_CODE);
	index_file(&files[nr_files]);
	free(full);
	return &files[nr_files++];
}

int unit_is_module(const struct unit *unit)
{
	return strcmp(unit->module, "vmlinux") != 0;
}

/* What the unit is linked to. */
static struct image_file *image_of(const struct unit *unit)
{
	return open_file(unit_is_module(unit) ? unit->module_path : "vmlinux");
}

/* The first of this name in the index; its number is that of all if there is none. */
static size_t first_named(const struct image_file *file, const char *name)
{
	size_t low = 0, high = file->nr;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(file->by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < file->nr && !strcmp(file->by_name[low]->name, name) ? low : file->nr;
}

static size_t count_named(const struct image_file *file, size_t first)
{
	size_t i = first;

	while (i < file->nr && !strcmp(file->by_name[i]->name, file->by_name[first]->name))
		i++;
	return i - first;
}

static unsigned long position_of(const struct image_file *file, const struct symbol *symbol)
{
	size_t first = first_named(file, symbol->name), many = count_named(file, first);

	for (size_t i = 0; many > 1 && i < many; i++) {
		if (file->by_name[first + i] == symbol)
			return i + 1;
	}
	return 0;
}

/* ---- units in the symbol table */

/* The local symbol NAME between entry FROM, that of a file, and the next file; NULL if none. */
static struct symbol *in_group(const struct elf_object *object, size_t from, const char *name,
			       unsigned char type)
{
	for (size_t i = from + 1; i < object->nr_symbols; i++) {
		struct symbol *symbol = &object->symbols[i];

		if (symbol->type == STT_FILE || symbol->bind != STB_LOCAL)
			return NULL;
		if (symbol->type == type && !strcmp(symbol->name, name))
			return symbol;
	}
	return NULL;
}

/* What vmlinux has no more: what the linker drops, and modinfo, which is a file beside it. */
static int is_dropped(const struct section *section)
{
	static const char * const starts[] = { ".discard", ".modinfo", ".exitcall.exit",
		".export_symbol" };

	return name_begins(section->name, starts, ARRAY_SIZE(starts));
}

/* Do all local functions and variables of the unit stand there, with their sizes? */
static int group_fits(const struct unit *unit, const struct elf_object *object, size_t from)
{
	const struct elf_object *built = unit->as_built;

	for (size_t i = 1; i < built->nr_symbols; i++) {
		const struct symbol *want = &built->symbols[i], *have;

		if (want->bind != STB_LOCAL || !want->section || !want->size ||
		    (want->type != STT_FUNC && want->type != STT_OBJECT) ||
		    !(want->section->flags & SHF_ALLOC) || is_dropped(want->section))
			continue;
		have = in_group(object, from, want->name, want->type);
		if (!have || have->size != want->size)
			return 0;
	}
	return 1;
}

/*
 * Where the unit's local symbols begin in the table of what it is linked to; 0 and *MANY tells how
 * many places there could be.
 */
static size_t group_of(const struct unit *unit, const struct elf_object *object, size_t *many)
{
	size_t found = 0;

	*many = 0;
	for (size_t i = 1; i < object->nr_symbols; i++) {
		const struct symbol *symbol = &object->symbols[i];

		if (symbol->type != STT_FILE || strcmp(symbol->name, name_of_file(unit->source)) ||
		    !group_fits(unit, object, i))
			continue;
		found = i;
		++*many;
	}
	return *many == 1 ? found : 0;
}

/* The name that a symbol of the unit "before" has in the kernel. */
static const char *kernel_name(const struct symbol *symbol)
{
	return symbol->kernel_name ? symbol->kernel_name : symbol->name;
}

static struct symbol *find_global(const struct image_file *file, const char *name)
{
	size_t first = first_named(file, name), many = first < file->nr ?
		count_named(file, first) : 0;

	for (size_t i = 0; i < many; i++) {
		if (file->by_name[first + i]->bind != STB_LOCAL)
			return file->by_name[first + i];
	}
	return NULL;
}

/* Does what the unit is linked to define NAME for others, and keep it? */
int kernel_has_global(const struct unit *unit, const char *name)
{
	const struct symbol *symbol = find_global(image_of(unit), name);

	return symbol && symbol->bind == STB_GLOBAL && !is_init(symbol->section);
}

/* A local one that has a name of its own needs no group. */
static struct symbol *find_only(const struct image_file *file, const char *name,
				unsigned char type)
{
	size_t first = first_named(file, name);

	if (first == file->nr || count_named(file, first) != 1)
		return NULL;
	return file->by_name[first]->type == type ? file->by_name[first] : NULL;
}

/*
 * The symbol of the running kernel, or of the module, that is this one of a unit before the
 * patches. NULL if there is none; *MANY is above 1 if they cannot be told apart.
 */
struct symbol *kernel_find(const struct unit *unit, const struct symbol *symbol, size_t *many)
{
	struct image_file *file = image_of(unit);
	struct symbol *found;
	size_t group;

	*many = 0;
	if (!symbol->hidden && symbol->bind != STB_LOCAL)
		return find_global(file, symbol->name);
	found = find_only(file, kernel_name(symbol), symbol->type);
	if (found)
		return found;
	group = group_of(unit, file->object, many);
	return group ? in_group(file->object, group, kernel_name(symbol), symbol->type) : NULL;
}

/* ---- exported symbols */

static int by_export(const void *a, const void *b)
{
	return strcmp(((const struct exported *)a)->name, ((const struct exported *)b)->name);
}

/* A line: CRC, name, who exports it, how, namespace; with tabs between them. */
static void add_export(char *line)
{
	char *field[5] = { NULL };
	size_t room = nr_exports;

	for (size_t i = 0; i < ARRAY_SIZE(field); i++)
		field[i] = strsep(&line, "\t");
	if (!field[2])
		return;
	exports = room % 1024 ? exports : grow_by(exports, room, 1024, sizeof(*exports));
	exports[nr_exports++] = (struct exported){
		field[1], field[2], field[4] && *field[4],
	};
}

static void read_exports(void)
{
	char *path = format("%s/Module.symvers", choices.build), *text = read_all(path), *line;

	if (!text)
		stop(KLP_FAILED, "build the kernel first: make vmlinux modules", "%s: %s", path,
		     strerror(errno));
	while ((line = strsep(&text, "\n"))) {
		if (*line)
			add_export(line);
	}
	qsort(exports, nr_exports, sizeof(*exports), by_export);
	free(path);
}

static const struct exported *find_export(const char *name)
{
	struct exported key = { .name = (char *)name };

	if (!exports)
		read_exports();
	return bsearch(&key, exports, nr_exports, sizeof(*exports), by_export);
}

int kernel_exports(const char *name)
{
	return !!find_export(name);
}

/* ---- names for livepatch relocations */

static struct kernel_symbol *name_symbol(struct image_file *file, const struct symbol *symbol)
{
	struct kernel_symbol *name = allocate(sizeof(*name));
	const struct exported *export = is_vmlinux(file->path) && symbol->bind != STB_LOCAL ?
		find_export(symbol->name) : NULL;

	name->object = is_vmlinux(file->path) ? copy("vmlinux") : name_of_module(file->path);
	name->name = copy(symbol->name);
	name->sympos = position_of(file, symbol);
	name->exported = export && is_vmlinux(export->by) && !export->in_namespace;
	name->address = symbol->value;
	return name;
}

/* How a symbol that kernel_find() has found is named. */
struct kernel_symbol *kernel_name_of(const struct unit *unit, const struct symbol *symbol)
{
	struct image_file *file = image_of(unit);

	return name_symbol(file, symbol);
}

/* A symbol that a unit takes from elsewhere; NULL if nobody has it. */
struct kernel_symbol *kernel_external(const struct unit *unit, const char *name)
{
	const struct exported *export = find_export(name);
	struct symbol *symbol = NULL;

	if (unit_is_module(unit)) {
		symbol = find_global(open_file(unit->module_path), name);
		if (symbol)
			return name_symbol(open_file(unit->module_path), symbol);
	}
	symbol = find_global(open_file("vmlinux"), name);
	if (symbol)
		return name_symbol(open_file("vmlinux"), symbol);
	/* From another module: only code of a module can be sure that it is there. */
	if (!export || is_vmlinux(export->by) || !unit_is_module(unit))
		return NULL;
	symbol = find_global(open_file(export->by), name);
	return symbol ? name_symbol(open_file(export->by), symbol) : NULL;
}

/* ---- what vmlinux has at an address */

/* The bytes behind ADDRESS, at least SIZE of them; NULL if there are none. */
const unsigned char *kernel_bytes(uint64_t address, uint64_t size)
{
	const struct elf_object *object = open_file("vmlinux")->object;

	for (size_t i = 1; i < object->nr_sections; i++) {
		const struct section *section = &object->sections[i];

		if (section->flags & SHF_ALLOC && section->data && address >= section->address &&
		    address - section->address <= section->size &&
		    size <= section->size - (address - section->address))
			return section->data + (address - section->address);
	}
	return NULL;
}

/* ---- the other way round, for who looks at a module */

static struct image_file *file_of(const char *object)
{
	char *path = is_vmlinux(object) ? copy(object) : module_file(object);
	struct image_file *file = path ? open_file(path) : NULL;

	free(path);
	return file;
}

/* Symbols of this name in an object; 0 if there is no such object either. */
size_t kernel_count(const char *object, const char *name)
{
	const struct image_file *file = file_of(object);
	size_t first = file ? first_named(file, name) : 0;

	return file && first < file->nr ? count_named(file, first) : 0;
}

/* The one at this position, or the only one; NULL if there is none. */
const struct symbol *kernel_at(const char *object, const char *name, unsigned long sympos)
{
	size_t many = kernel_count(object, name);
	const struct image_file *file = many ? file_of(object) : NULL;

	if (!many || sympos > many || (!sympos && many > 1))
		return NULL;
	return file->by_name[first_named(file, name) + (sympos ? sympos - 1 : 0)];
}

/* The symbol of vmlinux with this name, such as a place that the linker has marked; 0 if none. */
static uint64_t address_of(const char *name)
{
	const struct symbol *symbol = find_global(open_file("vmlinux"), name);

	return symbol ? symbol->value : 0;
}

#define LARGEST_ENTRY	16	/* bytes before the call of ftrace, such as ENDBR */

/* Does ftrace reach the function at this address of vmlinux? */
int kernel_traces(uint64_t address)
{
	uint64_t at = address_of("__start_mcount_loc"), end = address_of("__stop_mcount_loc");
	const unsigned char *table = end > at ? kernel_bytes(at, end - at) : NULL;

	for (uint64_t i = 0; table && i + sizeof(at) <= end - at; i += sizeof(at)) {
		uint64_t site;

		memcpy(&site, table + i, sizeof(site));
		if (site >= address && site - address < LARGEST_ENTRY)
			return 1;
	}
	return 0;
}
