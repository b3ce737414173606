// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which modules does a fuzzer show to the core, and where are they?  Pieces of their memory lie in
 * poison, parts of it become constant or go, and relocations are written as on x86-64.
 */
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include "internal.h"
#include "fuzz.h"

#define MODULES		8

/* ---- modules */

static struct module *modules[MODULES];
static struct notifier_block *notifier;

int register_module_notifier(struct notifier_block *nb)
{
	notifier = nb;
	return 0;
}

/* The module is about to go, whatever its references say. */
void fuzz_evict(struct module *mod)
{
	mod->state = MODULE_STATE_GOING;
	notifier->notifier_call(notifier, MODULE_STATE_GOING, mod);
}

void fuzz_module_add(struct module *mod)
{
	unsigned int i;

	for (i = 0; i < MODULES && modules[i]; i++)
		;
	modules[i] = mod;
}

void fuzz_module_remove(struct module *mod)
{
	unsigned int i;

	for (i = 0; i < MODULES; i++) {
		if (modules[i] == mod)
			modules[i] = NULL;
	}
}

struct module *find_module(const char *name)
{
	unsigned int i;

	for (i = 0; i < MODULES; i++) {
		if (modules[i] && !strcmp(modules[i]->name, name))
			return modules[i];
	}
	return NULL;
}

struct module *__module_address(unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < MODULES; i++) {
		if (modules[i] && within_module(addr, modules[i]))
			return modules[i];
	}
	return NULL;
}

bool try_module_get(struct module *mod)
{
	if (mod->state == MODULE_STATE_GOING)
		return false;
	mod->refs++;
	return true;
}

void module_put(struct module *mod)
{
	if (!mod->refs)
		violated("a reference to %s is put twice", mod->name);
	mod->refs--;
}

bool within_module_mem_type(unsigned long addr, const struct module *mod, enum mod_mem_type type)
{
	return addr - (unsigned long)mod->mem[type].base < mod->mem[type].size;
}

static bool within_types(unsigned long addr, const struct module *mod, int first, int last)
{
	for (; first <= last; first++) {
		if (within_module_mem_type(addr, mod, first))
			return true;
	}
	return false;
}

bool within_module_core(unsigned long addr, const struct module *mod)
{
	return within_types(addr, mod, MOD_TEXT, MOD_RO_AFTER_INIT);
}

bool within_module_init(unsigned long addr, const struct module *mod)
{
	return within_types(addr, mod, MOD_INIT_TEXT, MOD_INIT_RODATA);
}

bool within_module(unsigned long addr, const struct module *mod)
{
	return within_module_core(addr, mod) || within_module_init(addr, mod);
}

/* ---- memory of modules */

#define ARENA_SIZE	0x8000
#define ARENA_GAP	32

static struct {
	char *base;
	size_t used;
} arenas[MODULES][ARENA_KINDS];

static const enum mod_mem_type arena_type[] = {
	[ARENA_DATA]	= MOD_DATA,
	[ARENA_CONST]	= MOD_RODATA,
	[ARENA_INIT]	= MOD_INIT_DATA,
};

static void arena_set(struct module *mod, enum arena kind, void *base, size_t size)
{
	if (kind < ARRAY_SIZE(arena_type))
		mod->mem[arena_type[kind]] = (struct module_memory){ base, size };
}

void arena_open(unsigned int nr, struct module *mod)
{
	unsigned int kind;

	for (kind = 0; kind < ARENA_KINDS; kind++) {
		if (!arenas[nr][kind].base)
			arenas[nr][kind].base = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
						     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (arenas[nr][kind].base == MAP_FAILED)
			violated("no memory for modules");
		arenas[nr][kind].used = 0;
		ASAN_POISON_MEMORY_REGION(arenas[nr][kind].base, ARENA_SIZE);
		arena_set(mod, kind, arenas[nr][kind].base, ARENA_SIZE);
	}
}

void *arena_take(unsigned int nr, enum arena kind, size_t size)
{
	char *at = arenas[nr][kind].base + arenas[nr][kind].used;

	if (arenas[nr][kind].used + size + ARENA_GAP > ARENA_SIZE)
		violated("arena %u of module %u is full", kind, nr);
	arenas[nr][kind].used += (size + ARENA_GAP + 7) / 8 * 8;
	ASAN_UNPOISON_MEMORY_REGION(at, size);
	memset(at, 0, size);
	return at;
}

/* From here on, what is constant is. */
void arena_seal(unsigned int nr)
{
	mprotect(arenas[nr][ARENA_CONST].base, ARENA_SIZE, PROT_READ);
}

/* Init memory has gone, and so has the stack of who was there. */
void arena_end_init(unsigned int nr, struct module *mod)
{
	ASAN_POISON_MEMORY_REGION(arenas[nr][ARENA_INIT].base, ARENA_SIZE);
	ASAN_POISON_MEMORY_REGION(arenas[nr][ARENA_STACK].base, ARENA_SIZE);
	arena_set(mod, ARENA_INIT, NULL, 0);
}

void arena_close(unsigned int nr)
{
	unsigned int kind;

	mprotect(arenas[nr][ARENA_CONST].base, ARENA_SIZE, PROT_READ | PROT_WRITE);
	for (kind = 0; kind < ARENA_KINDS; kind++)
		ASAN_POISON_MEMORY_REGION(arenas[nr][kind].base, ARENA_SIZE);
}

bool object_is_on_stack(const void *at)
{
	unsigned int nr;

	for (nr = 0; nr < MODULES; nr++) {
		const char *base = arenas[nr][ARENA_STACK].base;

		if (base && (size_t)((const char *)at - base) < ARENA_SIZE)
			return true;
	}
	return false;
}

/* ---- relocations, as x86-64 writes them */

static int relocate(Elf_Shdr *sechdrs, unsigned int symindex, unsigned int relsec, bool apply)
{
	const Elf_Rela *rela = (const Elf_Rela *)sechdrs[relsec].sh_addr;
	char *section = (char *)sechdrs[sechdrs[relsec].sh_info].sh_addr;
	size_t i;

	for (i = 0; i < sechdrs[relsec].sh_size / sizeof(*rela); i++) {
		const Elf_Sym *sym = (const Elf_Sym *)sechdrs[symindex].sh_addr +
			ELF_R_SYM(rela[i].r_info);
		unsigned long value = sym->st_value + rela[i].r_addend, none = 0;
		char *place = section + rela[i].r_offset;
		size_t size = 4;

		switch (ELF_R_TYPE(rela[i].r_info)) {
		case R_X86_64_NONE:
			continue;
		case R_X86_64_64:
			size = 8;
			break;
		case R_X86_64_32:
			if (value != (u32)value)
				return -ENOEXEC;
			break;
		case R_X86_64_PC32:
			value -= (unsigned long)place;
			break;
		default:
			return -ENOEXEC;
		}
		if (memcmp(place, apply ? &none : &value, size))
			return -ENOEXEC;
		memcpy(place, apply ? &value : &none, size);
	}
	return 0;
}

int apply_relocate_add(Elf_Shdr *sechdrs, const char *strtab, unsigned int symindex,
		       unsigned int relsec, struct module *mod)
{
	int ret = relocate(sechdrs, symindex, relsec, true);

	if (ret)
		say("%s: invalid relocation", mod->name);
	return ret;
}

void clear_relocate_add(Elf_Shdr *sechdrs, const char *strtab, unsigned int symindex,
			unsigned int relsec, struct module *mod)
{
	relocate(sechdrs, symindex, relsec, false);
}
