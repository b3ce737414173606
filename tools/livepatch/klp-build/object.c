// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in this object file?  Sections, symbols and relocations, by libelf, tied to each other.
 * Nothing in the file is believed: what points to nowhere ends the build with the file's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "build.h"

static noreturn void broken(const struct elf_object *object, const char *what)
{
	stop(KLP_FAILED, NULL, "%s: %s", object->path, what);
}

static const char *string_at(const struct elf_object *object, Elf *elf, size_t table, size_t at)
{
	const char *text = elf_strptr(elf, table, at);

	if (!text)
		broken(object, "a name lies outside of its table");
	return text;
}

/* Of vmlinux, what is for debuggers is most of it. */
static int is_wanted(const struct elf_object *object, const char *section)
{
	return object->contents == CONTENTS_ALL ||
		(strncmp(section, ".debug", 6) && strncmp(section, ".rela.debug", 11));
}

static void read_section(struct elf_object *object, Elf *elf, Elf_Scn *scn, size_t names)
{
	size_t index = elf_ndxscn(scn);
	struct section *section = &object->sections[index];
	Elf_Data *data;
	GElf_Shdr head;

	if (!gelf_getshdr(scn, &head))
		broken(object, elf_errmsg(-1));
	*section = (struct section){
		.object = object, .name = copy(string_at(object, elf, names, head.sh_name)),
		.type = head.sh_type, .flags = head.sh_flags, .align = head.sh_addralign,
		.entsize = head.sh_entsize, .size = head.sh_size, .address = head.sh_addr,
		.index = index,
	};
	if (head.sh_type == SHT_NOBITS || !head.sh_size || !is_wanted(object, section->name))
		return;
	data = elf_rawdata(scn, NULL);
	if (!data || data->d_size != head.sh_size)
		broken(object, "a section lies outside of the file");
	section->data = allocate(data->d_size + 1);
	memcpy(section->data, data->d_buf, data->d_size);
}

/* What refers to other sections by their numbers. */
static void tie_section(struct elf_object *object, Elf_Scn *scn)
{
	struct section *section = &object->sections[elf_ndxscn(scn)];
	GElf_Shdr head;

	if (!gelf_getshdr(scn, &head))
		broken(object, elf_errmsg(-1));
	if (head.sh_flags & SHF_LINK_ORDER && head.sh_link && head.sh_link < object->nr_sections)
		section->link = &object->sections[head.sh_link];
	if (head.sh_type == SHT_RELA && head.sh_flags & SHF_RELA_LIVEPATCH &&
	    head.sh_info < object->nr_sections)
		section->applies = &object->sections[head.sh_info];
}

static void read_symbols(struct elf_object *object, Elf *elf, Elf_Scn *scn)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	const char *file = NULL;
	GElf_Shdr head;

	if (!data || !gelf_getshdr(scn, &head) || object->symbols)
		broken(object, "the symbol table cannot be read");
	object->nr_symbols = head.sh_size / gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	object->symbols = allocate((object->nr_symbols + 1) * sizeof(*object->symbols));
	for (size_t i = 0; i < object->nr_symbols; i++) {
		struct symbol *symbol = &object->symbols[i];
		GElf_Sym sym;

		if (!gelf_getsym(data, i, &sym))
			broken(object, "the symbol table is cut");
		*symbol = (struct symbol){
			.name = copy(string_at(object, elf, head.sh_link, sym.st_name)),
			.value = sym.st_value, .size = sym.st_size, .index = i,
			.type = GELF_ST_TYPE(sym.st_info), .bind = GELF_ST_BIND(sym.st_info),
			.absolute = sym.st_shndx == SHN_ABS, .other = sym.st_other,
			.livepatch = sym.st_shndx == SHN_LIVEPATCH,
		};
		if (sym.st_shndx < SHN_LORESERVE && sym.st_shndx >= object->nr_sections)
			broken(object, "a symbol lies in no section");
		if (sym.st_shndx && sym.st_shndx < SHN_LORESERVE)
			symbol->section = &object->sections[sym.st_shndx];
		if (symbol->type == STT_FILE)
			file = symbol->name;
		if (symbol->bind == STB_LOCAL)
			symbol->file = file;
		/* In files that are yet to be linked the section's own name is better than none. */
		if (symbol->type == STT_SECTION && symbol->section && !*symbol->name)
			symbol->name = symbol->section->name;
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct reloc *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void read_relocs(struct elf_object *object, Elf *elf, Elf_Scn *scn)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	struct section *section;
	GElf_Shdr head;

	if (!data || !gelf_getshdr(scn, &head) || head.sh_info >= object->nr_sections)
		broken(object, "relocations of no section");
	section = &object->sections[head.sh_info];
	/* Those for livepatch are beside the others. */
	if (object->sections[elf_ndxscn(scn)].applies)
		section = &object->sections[elf_ndxscn(scn)];
	if (section->relocs)
		broken(object, "a section has relocations twice");
	section->nr_relocs = head.sh_size / gelf_fsize(elf, ELF_T_RELA, 1, EV_CURRENT);
	section->relocs = allocate((section->nr_relocs + 1) * sizeof(*section->relocs));
	for (size_t i = 0; i < section->nr_relocs; i++) {
		GElf_Rela rela;

		if (!gelf_getrela(data, i, &rela) ||
		    GELF_R_SYM(rela.r_info) >= object->nr_symbols ||
		    rela.r_offset >= object->sections[head.sh_info].size)
			broken(object, "a relocation of no place or no symbol");
		section->relocs[i] = (struct reloc){
			.offset = rela.r_offset, .type = GELF_R_TYPE(rela.r_info),
			.addend = rela.r_addend,
			.symbol = &object->symbols[GELF_R_SYM(rela.r_info)],
		};
	}
	qsort(section->relocs, section->nr_relocs, sizeof(*section->relocs), by_offset);
}

static int by_value(const void *a, const void *b)
{
	const struct symbol *x = *(struct symbol * const *)a, *y = *(struct symbol * const *)b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	/* The longest first, then as in the table. */
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Symbols with an extent or a meaning: not those of sections and files. */
static int is_named(const struct symbol *symbol)
{
	return symbol->section && *symbol->name &&
		(symbol->type == STT_FUNC || symbol->type == STT_OBJECT ||
		 symbol->type == STT_NOTYPE || symbol->type == STT_TLS);
}

static void sort_symbols(struct elf_object *object)
{
	for (size_t i = 1; i < object->nr_symbols; i++) {
		struct symbol *symbol = &object->symbols[i];
		struct section *section = symbol->section;

		if (!is_named(symbol))
			continue;
		section->symbols = grow(section->symbols, section->nr_symbols,
					sizeof(*section->symbols));
		section->symbols[section->nr_symbols++] = symbol;
	}
	for (size_t i = 0; i < object->nr_sections; i++) {
		struct section *section = &object->sections[i];

		if (section->nr_symbols)
			qsort(section->symbols, section->nr_symbols, sizeof(*section->symbols),
			      by_value);
	}
}

static void read_all_of(struct elf_object *object, Elf *elf)
{
	size_t names;
	Elf_Scn *scn;

	if (elf_kind(elf) != ELF_K_ELF || gelf_getclass(elf) != ELFCLASS64 ||
	    elf_getshdrnum(elf, &object->nr_sections) || elf_getshdrstrndx(elf, &names))
		broken(object, "no object file of 64 bits");
	object->sections = allocate((object->nr_sections + 1) * sizeof(*object->sections));
	for (scn = NULL; (scn = elf_nextscn(elf, scn));)
		read_section(object, elf, scn, names);
	for (size_t i = 1; i < object->nr_sections; i++)
		tie_section(object, elf_getscn(elf, i));
	for (size_t i = 1; i < object->nr_sections; i++) {
		if (object->sections[i].type == SHT_SYMTAB)
			read_symbols(object, elf, elf_getscn(elf, i));
	}
	for (size_t i = 1; i < object->nr_sections; i++) {
		if (object->sections[i].type == SHT_RELA && object->symbols &&
		    is_wanted(object, object->sections[i].name))
			read_relocs(object, elf, elf_getscn(elf, i));
	}
	sort_symbols(object);
}

/* Ends the build if it cannot be read. */
struct elf_object *object_read(const char *path, enum contents contents)
{
	struct elf_object *object = allocate(sizeof(*object));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf;

	object->path = copy(path);
	object->contents = contents;
	if (fd < 0)
		broken(object, strerror(errno));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		broken(object, elf_errmsg(-1));
	read_all_of(object, elf);
	elf_end(elf);
	close(fd);
	return object;
}

/* NULL if there is none. */
struct section *object_section(const struct elf_object *object, const char *name)
{
	for (size_t i = 1; i < object->nr_sections; i++) {
		if (!strcmp(object->sections[i].name, name))
			return &object->sections[i];
	}
	return NULL;
}

/* The first relocation at OFFSET or behind it; its number may be that of all. */
size_t section_reloc_from(const struct section *section, uint64_t offset)
{
	size_t low = 0, high = section->nr_relocs;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (section->relocs[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Those at offsets from START to before END. */
struct relocs section_relocs(const struct section *section, uint64_t start, uint64_t end)
{
	size_t first = section_reloc_from(section, start);
	size_t behind = section_reloc_from(section, end);

	return (struct relocs){ &section->relocs[first], &section->relocs[behind] };
}

/* The first that is defined, has this name, and names a thing; NULL if there is none. */
struct symbol *object_symbol(const struct elf_object *object, const char *name)
{
	for (size_t i = 1; i < object->nr_symbols; i++) {
		struct symbol *symbol = &object->symbols[i];

		if (is_named(symbol) && !strcmp(symbol->name, name))
			return symbol;
	}
	return NULL;
}
