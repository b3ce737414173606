// SPDX-License-Identifier: GPL-2.0-only
/*
 * How is an object file written?  From the same structures that object.c reads: sections with their
 * relocations, and symbols, of which the local ones come first. The same input gives the same file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "build.h"

/* A table of names that is being made. */
struct strings {
	char *data;
	size_t size;
};

/* What belongs to one file while it is written. */
struct writing {
	const struct elf_object *object;
	Elf *elf;
	size_t *section_at;	/* by number in the model: number in the file */
	size_t *symbol_at;
	struct strings names;
	struct strings symbols;
	size_t symtab_at;
};

static noreturn void failed(const struct writing *w)
{
	stop(KLP_FAILED, NULL, "%s: %s", w->object->path, elf_errmsg(-1));
}

static size_t add_string(struct strings *strings, const char *text)
{
	size_t at, len = strlen(text) + 1;

	if (!strings->size)
		strings->data = grow_by(strings->data, strings->size++, 1, 1);
	if (len == 1)
		return 0;
	at = strings->size;
	strings->data = grow_by(strings->data, at, len, 1);
	memcpy(strings->data + at, text, len);
	strings->size += len;
	return at;
}

/* Tables that are made here; relocations of the kernel are sections like others. */
static int is_made_here(const struct section *section)
{
	return section->type == SHT_NULL || section->type == SHT_SYMTAB ||
		section->type == SHT_STRTAB || (section->type == SHT_RELA && !section->applies);
}

static Elf_Scn *new_section(struct writing *w, const char *name, GElf_Shdr *head)
{
	Elf_Scn *scn = elf_newscn(w->elf);

	if (!scn || !gelf_getshdr(scn, head))
		failed(w);
	head->sh_name = add_string(&w->names, name);
	return scn;
}

static void fill_section(struct writing *w, Elf_Scn *scn, const GElf_Shdr *head, void *data,
			 Elf_Type type, size_t size)
{
	Elf_Data *d = elf_newdata(scn);

	if (!d)
		failed(w);
	d->d_buf = data;
	d->d_type = type;
	d->d_size = size;
	d->d_align = head->sh_addralign ? head->sh_addralign : 1;
	d->d_version = EV_CURRENT;
	if (!gelf_update_shdr(scn, (GElf_Shdr *)head))
		failed(w);
}

static void *pack_relocs(struct writing *w, const struct reloc *relocs, size_t nr)
{
	Elf64_Rela *table = allocate((nr + 1) * sizeof(*table));

	for (size_t i = 0; i < nr; i++) {
		table[i].r_offset = relocs[i].offset;
		table[i].r_info = ELF64_R_INFO(w->symbol_at[relocs[i].symbol->index],
					       relocs[i].type);
		table[i].r_addend = relocs[i].addend;
	}
	return table;
}

static void write_relocs(struct writing *w, const char *name, const struct section *of,
			 const struct section *section, uint64_t flags)
{
	GElf_Shdr head;
	Elf_Scn *scn = new_section(w, name, &head);

	head.sh_type = SHT_RELA;
	head.sh_flags = flags;
	head.sh_addralign = 8;
	head.sh_entsize = sizeof(Elf64_Rela);
	head.sh_link = w->symtab_at;
	head.sh_info = w->section_at[of->index];
	fill_section(w, scn, &head, pack_relocs(w, section->relocs, section->nr_relocs), ELF_T_RELA,
		     section->nr_relocs * sizeof(Elf64_Rela));
}

static void write_section(struct writing *w, const struct section *section)
{
	GElf_Shdr head;
	Elf_Scn *scn = new_section(w, section->name, &head);

	head.sh_type = section->type;
	head.sh_flags = section->flags & ~SHF_INFO_LINK;
	head.sh_addralign = section->align;
	head.sh_entsize = section->entsize;
	if (section->link)
		head.sh_link = w->section_at[section->link->index];
	fill_section(w, scn, &head, section->data, ELF_T_BYTE, section->size);
}

/* Where everything will be: sections that stay, one with relocations for each that has some. */
static void number_sections(struct writing *w)
{
	size_t next = 1;

	for (size_t i = 1; i < w->object->nr_sections; i++) {
		if (!is_made_here(&w->object->sections[i]) && !w->object->sections[i].applies)
			w->section_at[i] = next++;
	}
}

static size_t number_symbols(struct writing *w)
{
	size_t next = 1, locals;

	for (int global = 0; global < 2; global++) {
		locals = global ? locals : 0;
		for (size_t i = 1; i < w->object->nr_symbols; i++) {
			int is_global = w->object->symbols[i].bind != STB_LOCAL;

			if (is_global == global)
				w->symbol_at[i] = next++;
		}
		if (!global)
			locals = next;
	}
	return locals;
}

static void *pack_symbols(struct writing *w)
{
	const struct elf_object *object = w->object;
	Elf64_Sym *table = allocate((object->nr_symbols + 1) * sizeof(*table));

	for (size_t i = 1; i < object->nr_symbols; i++) {
		const struct symbol *symbol = &object->symbols[i];
		Elf64_Sym *sym = &table[w->symbol_at[i]];

		if (symbol->type != STT_SECTION)
			sym->st_name = add_string(&w->symbols, symbol->name);
		sym->st_info = ELF64_ST_INFO(symbol->bind, symbol->type);
		sym->st_other = symbol->other;
		sym->st_value = symbol->value;
		sym->st_size = symbol->size;
		sym->st_shndx = symbol->section ? w->section_at[symbol->section->index] :
			symbol->livepatch ? SHN_LIVEPATCH : symbol->absolute ? SHN_ABS : SHN_UNDEF;
	}
	return table;
}

static void write_symbols(struct writing *w, size_t locals)
{
	GElf_Shdr head;
	Elf_Scn *scn = new_section(w, ".symtab", &head);

	w->symtab_at = elf_ndxscn(scn);
	head.sh_type = SHT_SYMTAB;
	head.sh_addralign = 8;
	head.sh_entsize = sizeof(Elf64_Sym);
	head.sh_info = locals;
	head.sh_link = w->symtab_at + 1;
	fill_section(w, scn, &head, pack_symbols(w), ELF_T_SYM,
		     w->object->nr_symbols * sizeof(Elf64_Sym));

	scn = new_section(w, ".strtab", &head);
	head.sh_type = SHT_STRTAB;
	head.sh_addralign = 1;
	add_string(&w->symbols, "");
	fill_section(w, scn, &head, w->symbols.data, ELF_T_BYTE, w->symbols.size);
}

static void write_names(struct writing *w, GElf_Ehdr *head_of_file)
{
	GElf_Shdr head;
	Elf_Scn *scn = new_section(w, ".shstrtab", &head);

	head.sh_type = SHT_STRTAB;
	head.sh_addralign = 1;
	head_of_file->e_shstrndx = elf_ndxscn(scn);
	fill_section(w, scn, &head, w->names.data, ELF_T_BYTE, w->names.size);
	if (!gelf_update_ehdr(w->elf, head_of_file))
		failed(w);
}

static void write_all(struct writing *w)
{
	const struct elf_object *object = w->object;
	size_t locals;
	GElf_Ehdr head;

	if (!gelf_newehdr(w->elf, ELFCLASS64) || !gelf_getehdr(w->elf, &head))
		failed(w);
	head.e_ident[EI_DATA] = ELFDATA2LSB;
	head.e_type = ET_REL;
	head.e_machine = EM_X86_64;
	head.e_version = EV_CURRENT;
	number_sections(w);
	locals = number_symbols(w);
	for (size_t i = 1; i < object->nr_sections; i++) {
		if (w->section_at[i])
			write_section(w, &object->sections[i]);
	}
	write_symbols(w, locals);
	for (size_t i = 1; i < object->nr_sections; i++) {
		const struct section *section = &object->sections[i];

		if (section->applies) {
			write_relocs(w, section->name, section->applies, section, section->flags);
		} else if (w->section_at[i] && section->nr_relocs) {
			char *name = format(".rela%s", section->name);

			write_relocs(w, name, section, section, SHF_INFO_LINK);
			free(name);
		}
	}
	write_names(w, &head);
	if (elf_update(w->elf, ELF_C_WRITE) < 0)
		failed(w);
}

/* To a new file; ends the build if it cannot be written. */
void object_write(const struct elf_object *object, const char *path)
{
	struct elf_object named = *object;
	struct writing w = { .object = &named };
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	named.path = (char *)path;
	if (fd < 0)
		stop(KLP_FAILED, NULL, "%s: %s", path, strerror(errno));
	elf_version(EV_CURRENT);
	w.elf = elf_begin(fd, ELF_C_WRITE, NULL);
	if (!w.elf)
		failed(&w);
	w.section_at = allocate((object->nr_sections + 1) * sizeof(*w.section_at));
	w.symbol_at = allocate((object->nr_symbols + 1) * sizeof(*w.symbol_at));
	write_all(&w);
	elf_end(w.elf);
	if (close(fd))
		stop(KLP_FAILED, NULL, "%s: %s", path, strerror(errno));
}
