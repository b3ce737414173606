// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Turns relocations against undefined symbols of a module into livepatch relocations.
 *
 *	klprela IN.ko OUT.ko SYMBOL:SECTION:NAME[:HOW] ...
 *
 * Each SYMBOL, undefined in IN.ko, is renamed to NAME, marked as a livepatch symbol, and all
 * relocations against it move to a section of their own for each section that they apply to, named
 * SECTION with the name of that section appended. Nothing is checked: tests want wrong names, too,
 * and other things that are wrong, see "hows". The format is told in
 * Documentation/livepatch/module-elf-format.rst.
 *
 * 64-bit modules only.
 */

#include <elf.h>
#include <endian.h>
#include <err.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SHF_RELA_LIVEPATCH
#define SHF_RELA_LIVEPATCH	0x00100000
#endif
#ifndef SHN_LIVEPATCH
#define SHN_LIVEPATCH		0xff20
#endif

/* Every section is a buffer of its own until the file is written. */
struct section {
	Elf64_Shdr hdr;
	char *data;
};

static Elf64_Ehdr ehdr;
static struct section *sections;
static unsigned int nr_sections, symtab;

static void *more(void *old, size_t size)
{
	void *new = realloc(old, size);

	if (!new)
		err(1, "memory");
	return new;
}

/* The sizes of the fields of what is in a module. */
#define EHDR	"224888422222"		/* behind e_ident */
#define SHDR	"4488884488"
#define SYM	"411288"
#define RELA	"888"

#if BYTE_ORDER == LITTLE_ENDIAN
#define OWN_DATA	ELFDATA2LSB
#else
#define OWN_DATA	ELFDATA2MSB
#endif

/* Turn the bytes of each field around if the module is for machines that have it so. */
static void swap(void *data, size_t size, const char *fields)
{
	unsigned char *at = data, *end = at + size;

	if (ehdr.e_ident[EI_DATA] == OWN_DATA)
		return;
	while (at < end) {
		for (const char *field = fields; *field; field++) {
			unsigned int n = *field - '0';

			for (unsigned int i = 0; i < n / 2; i++) {
				unsigned char byte = at[i];

				at[i] = at[n - 1 - i];
				at[n - 1 - i] = byte;
			}
			at += n;
		}
	}
}

static void swap_ehdr(void)
{
	swap(&ehdr.e_type, sizeof(ehdr) - offsetof(Elf64_Ehdr, e_type), EHDR);
}

static void swap_contents(struct section *sec)
{
	if (sec->hdr.sh_type == SHT_SYMTAB)
		swap(sec->data, sec->hdr.sh_size, SYM);
	if (sec->hdr.sh_type == SHT_RELA)
		swap(sec->data, sec->hdr.sh_size, RELA);
}

static void read_module(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f || fread(&ehdr, sizeof(ehdr), 1, f) != 1)
		err(1, "%s", path);
	swap_ehdr();
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_type != ET_REL)
		errx(1, "%s: not a 64-bit kernel module", path);

	nr_sections = ehdr.e_shnum;
	sections = more(NULL, nr_sections * sizeof(*sections));
	for (unsigned int i = 0; i < nr_sections; i++) {
		struct section *sec = &sections[i];

		if (fseek(f, ehdr.e_shoff + i * sizeof(sec->hdr), SEEK_SET) ||
		    fread(&sec->hdr, sizeof(sec->hdr), 1, f) != 1)
			err(1, "%s: section %u", path, i);
		swap(&sec->hdr, sizeof(sec->hdr), SHDR);
		sec->data = more(NULL, sec->hdr.sh_size + 1);
		if (sec->hdr.sh_type == SHT_SYMTAB)
			symtab = i;
		if (sec->hdr.sh_type == SHT_NOBITS || !sec->hdr.sh_size)
			continue;
		if (fseek(f, sec->hdr.sh_offset, SEEK_SET) ||
		    fread(sec->data, sec->hdr.sh_size, 1, f) != 1)
			err(1, "%s: contents of section %u", path, i);
		swap_contents(sec);
	}
	fclose(f);
	if (!symtab)
		errx(1, "%s: no symbols", path);
}

static void write_module(const char *path)
{
	FILE *f = fopen(path, "wb");
	Elf64_Off at = sizeof(ehdr);

	if (!f)
		err(1, "%s", path);
	for (unsigned int i = 1; i < nr_sections; i++) {
		Elf64_Shdr *hdr = &sections[i].hdr;
		Elf64_Xword align = hdr->sh_addralign ?: 1;

		at = (at + align - 1) / align * align;
		hdr->sh_offset = at;
		if (hdr->sh_type == SHT_NOBITS || !hdr->sh_size)
			continue;
		swap_contents(&sections[i]);
		if (fseek(f, at, SEEK_SET) || fwrite(sections[i].data, hdr->sh_size, 1, f) != 1)
			err(1, "%s", path);
		at += hdr->sh_size;
	}
	ehdr.e_shoff = (at + 7) / 8 * 8;
	ehdr.e_shnum = nr_sections;
	for (unsigned int i = 0; i < nr_sections; i++) {
		swap(&sections[i].hdr, sizeof(Elf64_Shdr), SHDR);
		if (fseek(f, ehdr.e_shoff + i * sizeof(Elf64_Shdr), SEEK_SET) ||
		    fwrite(&sections[i].hdr, sizeof(Elf64_Shdr), 1, f) != 1)
			err(1, "%s", path);
	}
	swap_ehdr();
	if (fseek(f, 0, SEEK_SET) || fwrite(&ehdr, sizeof(ehdr), 1, f) != 1 || fclose(f))
		err(1, "%s", path);
}

static Elf64_Word add_string(struct section *sec, const char *text)
{
	Elf64_Word at = sec->hdr.sh_size;

	sec->data = more(sec->data, at + strlen(text) + 1);
	memcpy(sec->data + at, text, strlen(text) + 1);
	sec->hdr.sh_size += strlen(text) + 1;
	return at;
}

static const char *section_name(unsigned int i)
{
	return sections[ehdr.e_shstrndx].data + sections[i].hdr.sh_name;
}

static unsigned int mark_symbol(const char *old, const char *name, int plain)
{
	Elf64_Sym *syms = (Elf64_Sym *)sections[symtab].data;
	struct section *strings = &sections[sections[symtab].hdr.sh_link];

	for (unsigned int i = 1; i < sections[symtab].hdr.sh_size / sizeof(*syms); i++) {
		if (syms[i].st_shndx != SHN_UNDEF || strcmp(strings->data + syms[i].st_name, old))
			continue;
		syms[i].st_name = add_string(strings, name);
		if (!plain)
			syms[i].st_shndx = SHN_LIVEPATCH;
		return i;
	}
	errx(1, "no undefined symbol %s", old);
}

/* The livepatch relocations of section @base, which has the others in section @from. */
static unsigned int klp_section(unsigned int from, const char *prefix)
{
	Elf64_Word base = sections[from].hdr.sh_info;
	char name[512];

	if (snprintf(name, sizeof(name), "%s%s", prefix, section_name(base)) >= (int)sizeof(name))
		errx(1, "%s: too long", prefix);
	for (unsigned int i = 1; i < nr_sections; i++) {
		if (!strcmp(section_name(i), name))
			return i;
	}

	sections = more(sections, (nr_sections + 1) * sizeof(*sections));
	memset(&sections[nr_sections], 0, sizeof(*sections));
	sections[nr_sections].hdr = (Elf64_Shdr) {
		.sh_name	= add_string(&sections[ehdr.e_shstrndx], name),
		.sh_type	= SHT_RELA,
		.sh_flags	= SHF_ALLOC | SHF_INFO_LINK | SHF_RELA_LIVEPATCH,
		.sh_link	= symtab,
		.sh_info	= base,
		.sh_addralign	= 8,
		.sh_entsize	= sizeof(Elf64_Rela),
	};
	return nr_sections++;
}

static unsigned int move_relocations(unsigned int from, unsigned int symbol, const char *prefix)
{
	Elf64_Rela *relas = (Elf64_Rela *)sections[from].data;
	unsigned int left = 0, moved = 0;

	for (unsigned int i = 0; i < sections[from].hdr.sh_size / sizeof(*relas); i++) {
		struct section *to;
		unsigned int index;

		if (ELF64_R_SYM(relas[i].r_info) != symbol) {
			relas[left++] = relas[i];
			continue;
		}
		index = klp_section(from, prefix);	/* moves the sections */
		to = &sections[index];
		to->data = more(to->data, to->hdr.sh_size + sizeof(*relas));
		memcpy(to->data + to->hdr.sh_size, &relas[i], sizeof(*relas));
		to->hdr.sh_size += sizeof(*relas);
		moved++;
	}
	sections[from].hdr.sh_size = left * sizeof(*relas);
	return moved;
}

static Elf64_Rela *last_relocation(struct section *sec)
{
	return (Elf64_Rela *)(sec->data + sec->hdr.sh_size) - 1;
}

static void do_nothing(struct section *sec)
{
}

static void do_not_load(struct section *sec)
{
	sec->hdr.sh_flags &= ~SHF_ALLOC;
}

static void leave_section(struct section *sec)
{
	last_relocation(sec)->r_offset += 1 << 20;
}

/* Of a type that strip knows, and the kernel does not: on all of our architectures. */
#define NO_MODULE_HAS	R_X86_64_GOTPCREL

static void end_in_nonsense(struct section *sec)
{
	Elf64_Rela *rela = last_relocation(sec);

	rela->r_info = ELF64_R_INFO(ELF64_R_SYM(rela->r_info), NO_MODULE_HAS);
}

/* What is wrong with a symbol, or with the sections that refer to it. */
static const struct how {
	const char *name;
	void (*spoil)(struct section *sec);
} hows[] = {
	{ "right",	do_nothing },
	{ "plain",	do_nothing },		/* the symbol is not marked */
	{ "unloaded",	do_not_load },		/* the sections are in the file only */
	{ "outside",	leave_section },	/* the last place is not in what is relocated */
	{ "half",	end_in_nonsense },	/* the last relocation is of another type */
};

static const struct how *find_how(const char *name)
{
	for (unsigned int i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
		if (!strcmp(hows[i].name, name))
			return &hows[i];
	}
	errx(1, "no such thing: %s", name);
}

static void spoil_sections(const struct how *how, const char *prefix)
{
	for (unsigned int i = 1; i < nr_sections; i++) {
		if (sections[i].hdr.sh_flags & SHF_RELA_LIVEPATCH &&
		    !strncmp(section_name(i), prefix, strlen(prefix)))
			how->spoil(&sections[i]);
	}
}

static void convert(char *rule)
{
	char *old = strtok(rule, ":"), *prefix = strtok(NULL, ":"), *name = strtok(NULL, ":");
	char *wrong = strtok(NULL, ":");
	const struct how *how = find_how(wrong ?: "right");
	unsigned int symbol, moved = 0, end = nr_sections;

	if (!name)
		errx(1, "usage: klprela IN.ko OUT.ko SYMBOL:SECTION:NAME[:HOW] ...");
	symbol = mark_symbol(old, name, !strcmp(how->name, "plain"));
	for (unsigned int i = 1; i < end; i++) {
		if (sections[i].hdr.sh_type == SHT_RELA &&
		    !(sections[i].hdr.sh_flags & SHF_RELA_LIVEPATCH))
			moved += move_relocations(i, symbol, prefix);
	}
	if (!moved)
		errx(1, "no relocation against %s", old);
	spoil_sections(how, prefix);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(1, "usage: klprela IN.ko OUT.ko SYMBOL:SECTION:NAME[:HOW] ...");
	read_module(argv[1]);
	for (int i = 3; i < argc; i++)
		convert(argv[i]);
	write_module(argv[2]);
	return 0;
}
