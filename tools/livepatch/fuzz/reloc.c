// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do sections and symbols of a livepatch module that are wrong do harm?
 *
 * An input is a module: headers and contents of sections, symbols and relocations. What the module
 * loader checks before it comes to livepatch (elf_validity_cache_copy() in kernel/module/main.c) is
 * as it should be; all else is as the input says. The module goes through what the loader does: a
 * temporary copy, sections that stay and sections that do not, relocations for vmlinux, the end of
 * the copy. Then modules come and go that it has relocations for.
 *
 * Each section and table is surrounded by poison, and so is what has gone. Beyond that: what is
 * refused is refused with a message, and a module that is refused leaves nothing written.
 */
#include "internal.h"
#include "fuzz.h"

#define SECTIONS	8	/* beside those of FIRST */
#define SYMBOLS		6
#define RELAS		5
#define ENOUGH		64	/* bytes in a section that is no table */

enum { SYMTAB = 1, STRTAB, SHSTRTAB, FIRST };

static struct module patch = { .name = "patch", .klp = true };

/* What may be patched, with its symbols. */
static char target_names[] = "\0g0\0g1\0dup";
static Elf_Sym target_symbols[] = {
	{},
	{ .st_name = 1, .st_shndx = 1, .st_info = STT_FUNC, .st_value = 0x1000 },
	{ .st_name = 4, .st_shndx = 1, .st_info = STT_FUNC, .st_value = 0x1100 },
	{ .st_name = 7, .st_shndx = 1, .st_info = STT_FUNC, .st_value = 0x1200 },
	{ .st_name = 7, .st_shndx = 1, .st_info = STT_FUNC, .st_value = 0x1300 },
};

static struct module target[] = {
	{ .name = "m1" },
	{ .name = "m2" },
};

/**
 * struct image - the module as the loader has it
 * @sechdrs: a header for each section
 * @content: of each section in the temporary copy
 * @nr: number of sections
 * @names: of sections
 * @strings: of symbols
 */
struct image {
	Elf_Shdr *sechdrs;
	char *content[FIRST + SECTIONS];
	unsigned int nr;
	char names[2048], strings[2048];
	size_t names_size, strings_size;
};

/* What a module is usually like; every input is one, more or less. */
static bool usual(struct input *in)
{
	return take_below(in, 4) != 3;
}

/* OBJECT, NAME and the like, or whatever the input says. */
static void take_word(struct input *in, char *to, size_t size, const char * const *words,
		      unsigned int nr)
{
	unsigned int which = take_byte(in);

	if (which == 0xff)
		take_text(in, to, size);
	else
		snprintf(to, size, "%s", words[which % nr]);
}

static size_t add_name(char *table, size_t *used, const char *name)
{
	size_t at = *used, len = strlen(name);

	if (*used + len + 1 > 2048)
		return 0;
	memcpy(table + at, name, len + 1);
	*used += len + 1;
	return at;
}

static const char * const objects[] = { "m1", "vmlinux", "m2", "m3", "patch" };
static const char * const sections[] = { ".text", ".data", ".init.text", "" };
static const char * const symbols[] = { "g0", "f0", "dup", "alias", "early", "nowhere" };
static const char * const positions[] = { ",0", ",1", ",2", ",3", ",4294967296", "" };

static size_t take_section_name(struct image *image, struct input *in, const char *prefix)
{
	char a[300], b[300], name[700];

	take_word(in, a, sizeof(a), objects, ARRAY_SIZE(objects));
	take_word(in, b, sizeof(b), sections, ARRAY_SIZE(sections));
	snprintf(name, sizeof(name), "%s%s%s", prefix, a, b);
	return add_name(image->names, &image->names_size, name);
}

static size_t take_symbol_name(struct image *image, struct input *in)
{
	char a[300], b[600], c[40], name[1024];

	take_word(in, a, sizeof(a), objects, ARRAY_SIZE(objects));
	take_word(in, b, sizeof(b), symbols, ARRAY_SIZE(symbols));
	take_word(in, c, sizeof(c), positions, ARRAY_SIZE(positions));
	snprintf(name, sizeof(name), "%s%s.%s%s", usual(in) ? ".klp.sym." : ".klp.", a, b, c);
	return add_name(image->strings, &image->strings_size, name);
}

/* A table that may have no whole number of entries. */
static char *take_table(struct input *in, size_t *size, size_t nr, size_t entry)
{
	*size = nr * entry + (usual(in) ? 0 : take_below(in, entry));
	return calloc(1, *size ?: 1);
}

static void take_symbols(struct image *image, struct input *in)
{
	unsigned int nr = 1 + take_below(in, SYMBOLS);
	Elf_Shdr *sec = &image->sechdrs[SYMTAB];
	unsigned int i;
	Elf_Sym *sym;
	size_t size;

	image->content[SYMTAB] = take_table(in, &size, nr, sizeof(*sym));
	*sec = (Elf_Shdr){ .sh_type = SHT_SYMTAB, .sh_link = STRTAB, .sh_size = size };
	sym = (Elf_Sym *)image->content[SYMTAB];
	for (i = 1; i < nr; i++) {
		sym[i].st_name = take_symbol_name(image, in);
		sym[i].st_shndx = usual(in) ? SHN_LIVEPATCH : take_byte(in);
		sym[i].st_value = usual(in) ? 0 : take_number(in);
	}
}

static void take_relas(struct image *image, struct input *in, unsigned int at)
{
	static const unsigned int types[] = {
		R_X86_64_64, R_X86_64_PC32, R_X86_64_32, R_X86_64_NONE,
	};
	unsigned int nr = take_below(in, RELAS), symbols, i, type;
	Elf_Rela *rela;
	size_t size;

	image->content[at] = take_table(in, &size, nr, sizeof(*rela));
	image->sechdrs[at].sh_size = size;
	symbols = image->sechdrs[SYMTAB].sh_size / sizeof(Elf_Sym);
	rela = (Elf_Rela *)image->content[at];
	for (i = 0; i < nr; i++) {
		type = take_below(in, ARRAY_SIZE(types) + 1);
		rela[i].r_offset = usual(in) ? 8 * i : usual(in) ? take_below(in, ENOUGH + 8) :
				   take_number(in);
		type = type < ARRAY_SIZE(types) ? types[type] : take_byte(in);
		rela[i].r_info = ELF64_R_INFO(usual(in) ? take_below(in, symbols) :
					      take_number(in), type);
		rela[i].r_addend = usual(in) ? 0 : take_number(in);
	}
}

/* Relocations for the section behind it. */
static void take_rela_section(struct image *image, struct input *in, unsigned int at)
{
	static const unsigned int types[] = {
		SHT_RELA, SHT_PROGBITS, SHT_NOBITS, SHT_NULL, SHT_REL,
	};
	Elf_Shdr *sec = &image->sechdrs[at];

	sec->sh_name = take_section_name(image, in, usual(in) ? ".klp.rela." : ".rela.");
	sec->sh_type = types[usual(in) ? 0 : take_below(in, ARRAY_SIZE(types))];
	sec->sh_info = usual(in) ? at + 1 : take_below(in, image->nr + 1);
	sec->sh_flags = (usual(in) ? SHF_ALLOC : 0) | (usual(in) ? SHF_RELA_LIVEPATCH : 0);
	take_relas(image, in, at);
	/* What the loader does not look at for those that have no contents. */
	if (sec->sh_type == SHT_NULL) {
		sec->sh_name = take_number(in);
		sec->sh_size = take_number(in);
	}
}

static void take_section(struct image *image, struct input *in, unsigned int at)
{
	Elf_Shdr *sec = &image->sechdrs[at];

	sec->sh_name = take_section_name(image, in, "");
	sec->sh_type = usual(in) ? SHT_PROGBITS : SHT_NOBITS;
	sec->sh_flags = usual(in) ? SHF_ALLOC : take_number(in);
	sec->sh_size = usual(in) ? ENOUGH : take_below(in, ENOUGH);
	image->content[at] = calloc(1, sec->sh_size ?: 1);
}

static void take_strings(struct image *image, unsigned int at, const char *table, size_t used)
{
	image->sechdrs[at] = (Elf_Shdr){ .sh_type = SHT_STRTAB, .sh_size = used };
	image->content[at] = calloc(1, used);
	memcpy(image->content[at], table, used);
}

static void take_image(struct image *image, struct input *in)
{
	unsigned int i;

	memset(image, 0, sizeof(*image));
	image->names_size = 1;
	image->strings_size = 1;
	image->nr = FIRST + 2 + take_below(in, SECTIONS - 1);
	image->sechdrs = calloc(image->nr, sizeof(*image->sechdrs));
	take_symbols(image, in);
	for (i = FIRST; i < image->nr; i++) {
		if ((i - FIRST) % 2)
			take_section(image, in, i);
		else
			take_rela_section(image, in, i);
	}
	take_strings(image, STRTAB, image->strings, image->strings_size);
	take_strings(image, SHSTRTAB, image->names, image->names_size);
	for (i = 1; i < image->nr; i++)
		image->sechdrs[i].sh_addr = (unsigned long)image->content[i];
}

/* Where the loader puts a section; the tables of symbols stand at the end of init memory. */
static enum arena section_arena(const struct image *image, unsigned int at)
{
	const char *name = image->content[SHSTRTAB] + image->sechdrs[at].sh_name;

	if (at == SYMTAB || at == STRTAB)
		return ARENA_INIT;
	if (image->sechdrs[at].sh_type == SHT_NULL || strncmp(name, ".init", strlen(".init")))
		return ARENA_DATA;
	return ARENA_INIT;
}

static void move_sections(struct image *image)
{
	unsigned int i;

	image->sechdrs[SYMTAB].sh_flags = SHF_ALLOC;
	image->sechdrs[STRTAB].sh_flags = SHF_ALLOC;
	for (i = 1; i < image->nr; i++) {
		Elf_Shdr *sec = &image->sechdrs[i];
		void *to;

		if (!(sec->sh_flags & SHF_ALLOC))
			continue;
		/* No such module would fit. */
		if (sec->sh_type == SHT_NULL && sec->sh_size > ENOUGH)
			sec->sh_size = ENOUGH;
		to = arena_take(0, section_arena(image, i), sec->sh_size);
		if (sec->sh_type != SHT_NOBITS && sec->sh_type != SHT_NULL)
			memcpy(to, image->content[i], sec->sh_size);
		sec->sh_addr = (unsigned long)to;
	}
}

static int apply_relocations(struct image *image)
{
	unsigned int i;
	int ret = 0;

	for (i = 1; i < image->nr && !ret; i++) {
		const Elf_Shdr *sec = &image->sechdrs[i];

		if (sec->sh_info >= image->nr ||
		    !(image->sechdrs[sec->sh_info].sh_flags & SHF_ALLOC))
			continue;
		if (sec->sh_flags & SHF_RELA_LIVEPATCH)
			ret = klp_apply_section_relocs(&patch, image->sechdrs,
						       image->content[SHSTRTAB],
						       image->content[STRTAB], SYMTAB, i, NULL);
	}
	return ret;
}

/* The symbol table that stays: all of it, for a livepatch. */
static void keep_symbols(struct image *image)
{
	const Elf_Sym *from = (const Elf_Sym *)image->sechdrs[SYMTAB].sh_addr;
	struct mod_kallsyms *keep = &patch.core_kallsyms;
	unsigned int i;
	size_t used = 0;

	keep->num_symtab = image->sechdrs[SYMTAB].sh_size / sizeof(*from);
	keep->symtab = arena_take(0, ARENA_DATA, keep->num_symtab * sizeof(*from));
	for (i = 0; i < keep->num_symtab; i++)
		used += strlen(image->content[STRTAB] + from[i].st_name) + 1;
	keep->strtab = arena_take(0, ARENA_DATA, used);
	for (i = 0, used = 0; i < keep->num_symtab; i++) {
		keep->symtab[i] = from[i];
		keep->symtab[i].st_name = used;
		used += sprintf(keep->strtab + used, "%s", image->content[STRTAB] +
				from[i].st_name) + 1;
	}
}

static void free_image(struct image *image)
{
	unsigned int i;

	for (i = 1; i < image->nr; i++)
		free(image->content[i]);
	free(image->sechdrs);
}

/* What is known of a livepatch module once it is there. */
static void keep_elf(struct image *image, struct klp_modinfo *info)
{
	*info = (struct klp_modinfo){ .hdr.e_shnum = image->nr, .symndx = SYMTAB };
	info->sechdrs = malloc(image->nr * sizeof(*info->sechdrs));
	memcpy(info->sechdrs, image->sechdrs, image->nr * sizeof(*info->sechdrs));
	info->sechdrs[SYMTAB].sh_addr = (unsigned long)patch.core_kallsyms.symtab;
	info->secstrings = malloc(image->names_size);
	memcpy(info->secstrings, image->content[SHSTRTAB], image->names_size);
	patch.klp_info = info;
}

/* All that relocations may be written to, one section after the other. */
static size_t snapshot(const struct klp_modinfo *info, char *to, size_t size)
{
	size_t used = 0;
	unsigned int i;

	for (i = FIRST; i < info->hdr.e_shnum; i++) {
		const Elf_Shdr *sec = &info->sechdrs[i];

		if (!within_module(sec->sh_addr, &patch) || used + sec->sh_size > size)
			continue;
		memcpy(to + used, (void *)sec->sh_addr, sec->sh_size);
		used += sec->sh_size;
	}
	return used;
}

static unsigned long place_of(const struct klp_modinfo *info, unsigned int sec, unsigned int nr)
{
	const Elf_Shdr *target = &info->sechdrs[info->sechdrs[sec].sh_info];

	return target->sh_addr + ((const Elf_Rela *)info->sechdrs[sec].sh_addr)[nr].r_offset;
}

static unsigned int relas_of(const struct klp_modinfo *info, unsigned int sec)
{
	const Elf_Shdr *head = &info->sechdrs[sec];

	if (!(head->sh_flags & SHF_RELA_LIVEPATCH) || head->sh_type != SHT_RELA ||
	    !(head->sh_flags & SHF_ALLOC) || head->sh_info >= info->hdr.e_shnum)
		return 0;
	return head->sh_size / sizeof(Elf_Rela);
}

/* Do two relocations write to one place? Then the one cannot be undone without the other. */
static bool places_overlap(const struct klp_modinfo *info)
{
	unsigned int a, b, i, j;

	for (a = FIRST; a < info->hdr.e_shnum; a++) {
		for (i = 0; i < relas_of(info, a); i++) {
			for (b = a; b < info->hdr.e_shnum; b++) {
				for (j = a == b ? i + 1 : 0; j < relas_of(info, b); j++) {
					if (place_of(info, a, i) - place_of(info, b, j) + 7 < 15)
						return true;
				}
			}
		}
	}
	return false;
}

/* True when it could be relocated for: else it is refused. */
static bool module_comes(struct module *mod, const struct klp_modinfo *info)
{
	static char before[4096], after[4096];
	unsigned long said = fuzz.said;
	size_t size = snapshot(info, before, sizeof(before));
	int ret = klp_reloc_apply(&patch, mod->name);

	if (!ret)
		return true;
	if (ret != -ENOMEM && fuzz.said == said)
		violated("%d for module %s without a message", ret, mod->name);
	snapshot(info, after, sizeof(after));
	if (memcmp(before, after, size) && !places_overlap(info))
		violated("module %s is refused, and its relocations stay", mod->name);
	return false;
}

/* Found sections can be read, all of them. */
static void look_for_sections(const struct klp_modinfo *info)
{
	static const char * const names[] = {
		".klp.rela.m1.text", "vmlinux.text", "m1.data", ".m2",
	};
	volatile char sum = 0;
	unsigned int i;
	size_t size;
	char *at;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		at = klp_find_section_by_name(&patch, names[i], &size);
		if (at && size)
			sum += at[0] + at[size - 1];
	}
}

static void live(struct input *in, const struct klp_modinfo *info)
{
	unsigned int steps = take_below(in, 8), i, init = take_below(in, 8);
	bool there[ARRAY_SIZE(target)] = {};

	for (i = 0; i < steps; i++) {
		unsigned int which = take_below(in, ARRAY_SIZE(target));

		if (i == init)
			arena_end_init(0, &patch);
		if (there[which]) {
			klp_reloc_clear(&patch, target[which].name);
			there[which] = false;
		} else {
			fuzz_module_add(&target[which]);
			fuzz.fails = usual(in) ? 0 : 1 + take_below(in, 16);
			there[which] = module_comes(&target[which], info);
			fuzz.fails = 0;
		}
		if (!there[which])
			fuzz_module_remove(&target[which]);
		if (i < init)
			look_for_sections(info);
	}
	for (i = 0; i < ARRAY_SIZE(target); i++)
		fuzz_module_remove(&target[i]);
}

static void open_modules(void)
{
	unsigned int i;

	memset(patch.mem, 0, sizeof(patch.mem));
	patch.klp_info = NULL;
	arena_open(0, &patch);
	for (i = 0; i < ARRAY_SIZE(target); i++) {
		target[i].refs = 0;
		target[i].mem[MOD_TEXT] = (struct module_memory){ (void *)0x1000, 0x1000 };
		target[i].core_kallsyms = (struct mod_kallsyms){
			.symtab = target_symbols,
			.num_symtab = ARRAY_SIZE(target_symbols),
			.strtab = target_names,
		};
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct klp_modinfo info;
	unsigned long said;
	struct image image;
	long allocated;
	int ret;

	fuzz_boot();
	open_modules();
	take_image(&image, &in);
	move_sections(&image);
	allocated = fuzz.allocated;
	said = fuzz.said;
	ret = apply_relocations(&image);
	if (ret && fuzz.said == said)
		violated("%d without a message", ret);
	if (!ret) {
		keep_symbols(&image);
		keep_elf(&image, &info);
	}
	free_image(&image);
	if (!ret) {
		live(&in, &info);
		free(info.sechdrs);
		free(info.secstrings);
	}
	if (fuzz.allocated != allocated)
		violated("%ld pieces of memory are left", fuzz.allocated - allocated);
	arena_close(0);
	return 0;
}
