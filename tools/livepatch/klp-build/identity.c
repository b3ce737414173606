// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is this tree, with this compiler, what the kernel was built from?  Each function of a unit that
 * is compiled again as it was must be in vmlinux, or in the module, byte by byte. Not compared are
 * the fields that the linker fills in, and the sites of jump labels, which objtool has rewritten.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

#define JUMP_SHORT	2
#define JUMP_NEAR	5

static unsigned int field_size(uint32_t type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_NONE:
		return 0;
	default:
		return 4;
	}
}

/* Zero where a relocation of SECTION puts something between START and START + SIZE. */
static void mask_relocs(const struct section *section, uint64_t start, uint64_t size,
			unsigned char *mask)
{
	for (size_t i = section_reloc_from(section, start); i < section->nr_relocs; i++) {
		uint64_t at = section->relocs[i].offset - start;
		unsigned int field = field_size(section->relocs[i].type);

		if (at >= size)
			break;
		for (unsigned int k = 0; k < field && at + k < size; k++)
			mask[at + k] = 0;
	}
}

static void mask_jump(const unsigned char *code, uint64_t at, uint64_t size, unsigned char *mask)
{
	unsigned int len = code[at] == 0xeb || code[at] == 0x66 ? JUMP_SHORT : JUMP_NEAR;

	for (unsigned int k = 0; k < len && at + k < size; k++)
		mask[at + k] = 0;
}

/* The first relocation of each entry tells the site. */
static void mask_jumps(const struct section *section, uint64_t start, uint64_t size,
		       unsigned char *mask)
{
	const struct section *table = object_section(section->object, "__jump_table");
	const struct special *special = special_find("__jump_table");

	for (size_t i = 0; table && special->size && i < table->nr_relocs; i++) {
		const struct reloc *reloc = &table->relocs[i];
		uint64_t at = reloc->symbol->value + reloc->addend - start;

		if (!(reloc->offset % special->size) && reloc->symbol->section == section &&
		    at < size)
			mask_jump(section->data + start, at, size, mask);
	}
}

/*
 * Zero for bytes of SECTION that others fill in, one for the others; the array is the caller's.
 */
unsigned char *identity_mask(const struct section *section, uint64_t start, uint64_t size)
{
	unsigned char *mask = allocate(size + 1);

	memset(mask, 1, size);
	mask_relocs(section, start, size, mask);
	mask_jumps(section, start, size, mask);
	return mask;
}

/* What stands in the kernel where SYMBOL is. */
static const unsigned char *running_code(const struct unit *unit, const struct symbol *symbol)
{
	if (!unit_is_module(unit))
		return kernel_bytes(symbol->value, symbol->size);
	return symbol->section && symbol->section->data &&
		symbol->value + symbol->size <= symbol->section->size ?
		symbol->section->data + symbol->value : NULL;
}

/* The first offset that differs, or -1. */
static long first_difference(const struct unit *unit, const struct symbol *built,
			     const struct symbol *running)
{
	const unsigned char *code = running_code(unit, running);
	unsigned char *mask;
	long at = -1;

	if (!code || built->size != running->size)
		return 0;
	mask = identity_mask(built->section, built->value, built->size);
	if (unit_is_module(unit))
		mask_relocs(running->section, running->value, running->size, mask);
	for (uint64_t i = 0; i < built->size && at < 0; i++) {
		if (mask[i] && code[i] != built->section->data[built->value + i])
			at = i;
	}
	free(mask);
	return at;
}

static int is_overridden(const struct symbol *built, const struct symbol *running)
{
	return built->bind == STB_WEAK && running->bind != STB_WEAK;
}

/* The function as it was compiled for the kernel, by the name that it has there. */
static const struct symbol *as_built(const struct unit *unit, const struct symbol *symbol)
{
	return object_symbol(unit->as_built,
			     symbol->kernel_name ? symbol->kernel_name : symbol->name);
}

/* SYMBOL is a function of the unit before the patches that is to be replaced. */
void identity_check(const struct unit *unit, const struct symbol *symbol)
{
	const struct symbol *built = as_built(unit, symbol), *running;
	size_t many;
	long at;

	running = kernel_find(unit, symbol, &many);
	if (!running && many > 1) {
		refuse("ambiguous", "patch its callers",
		       "%s: %s stands in the kernel in %zu units of this name that look alike",
		       unit->source, symbol->name, many);
		return;
	}
	if (!running || !built || !built->section || !built->section->data) {
		refuse("identity", "is the build tree the one of the running kernel?",
		       "%s: %s is not in %s", unit->source, symbol->name, unit->module);
		return;
	}
	if (is_overridden(built, running)) {
		refuse("weak", "patch the one that is used",
		       "%s: %s is not what the kernel uses: another one overrides it",
		       unit->source, symbol->name);
		return;
	}
	at = first_difference(unit, built, running);
	if (at >= 0)
		refuse("identity", "wrong tree, configuration or compiler",
		       "%s: %s in %s differs from this tree at +0x%lx", unit->source, symbol->name,
		       unit->module, at);
}
