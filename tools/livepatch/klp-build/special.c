// SPDX-License-Identifier: GPL-2.0-only
/*
 * What do the kernel's special sections mean?  One table tells: whose entries belong to a function
 * and go with it, what says nothing, and what nobody may add to. The sizes of entries come from the
 * headers of the kernel that is built for; they differ by configuration.  A section that is not in
 * the table and has no symbols for what is in it is not known: fail closed.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

static struct special specials[] = {
	/* Entries: the first relocation of each tells the code that it is about. */
	{ "__bug_table",	SPECIAL_ENTRIES, "bug", 0 },
	{ "__ex_table",		SPECIAL_ENTRIES, "extable", 0 },
	{ "__jump_table",	SPECIAL_ENTRIES, "jump", 0 },
	{ ".altinstructions",	SPECIAL_ENTRIES, "alt", 0 },
	{ ".smp_locks",		SPECIAL_ENTRIES, "lock", 0 },
	{ "__mcount_loc",	SPECIAL_ENTRIES, "mcount", 0 },
	{ "__patchable_function_entries", SPECIAL_NOTHING, NULL, 0 },
	/* What objtool is told; as many entries as relocations. */
	{ ".discard.klp_callback_ptrs", SPECIAL_NOTHING, NULL, 0 },
	{ ".discard.addressable", SPECIAL_NOTHING, NULL, 0 },
	{ ".discard.",		SPECIAL_EVEN, NULL, 0 },
	/* Code without names, which the entries refer to. */
	{ ".altinstr_replacement", SPECIAL_CODE, NULL, 0 },
	{ ".altinstr_aux",	SPECIAL_CODE, NULL, 0 },
	/* Places that boot code fills in: not in what has been compiled for us. */
	{ "runtime_",		SPECIAL_UNKNOWN, NULL, 0 },
	/* What the module has of its own, and what describes the file. */
	{ ".modinfo",		SPECIAL_NOTHING, NULL, 0 },
	{ ".export_symbol",	SPECIAL_NOTHING, NULL, 0 },
	{ ".note",		SPECIAL_NOTHING, NULL, 0 },
	{ "__versions",		SPECIAL_NOTHING, NULL, 0 },
	{ "___ksymtab",		SPECIAL_NOTHING, NULL, 0 },
};

#define VALUE(name, type)	\
	"asm volatile(\"\\n->" name " %c0\" : : \"i\"(sizeof(" type ")));\n"

static const char program[] =
	"#include <linux/module.h>\n"
	"#include <linux/bug.h>\n"
	"#include <linux/jump_label.h>\n"
	"#include <asm/extable.h>\n"
	"#include <asm/alternative.h>\n"
	"void klp_build_values(void);\n"
	"void klp_build_values(void)\n"
	"{\n"
	"#ifdef CONFIG_GENERIC_BUG\n"
	VALUE("bug", "struct bug_entry")
	"#endif\n"
	"#ifdef CONFIG_JUMP_LABEL\n"
	VALUE("jump", "struct jump_entry")
	"#endif\n"
	VALUE("extable", "struct exception_table_entry")
	VALUE("alt", "struct alt_instr")
	VALUE("lock", "s32")
	VALUE("mcount", "unsigned long")
	"}\n";

/* Asks the kernel's headers, by the command of any unit. */
void special_measure(const struct unit *unit)
{
	char *text = compile_values(unit, program);

	for (size_t i = 0; i < ARRAY_SIZE(specials); i++) {
		char *key, *at;

		if (!specials[i].key)
			continue;
		key = format("->%s ", specials[i].key);
		at = text ? strstr(text, key) : NULL;
		specials[i].size = at ? strtoul(at + strlen(key), NULL, 10) : 0;
		free(key);
	}
	free(text);
}

/* What is known of a section; NULL for one that is not special. */
const struct special *special_find(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++) {
		if (!strncmp(section, specials[i].name, strlen(specials[i].name)))
			return &specials[i];
	}
	return NULL;
}

/* In bytes, for this section of an object file; ends the build when it does not fit. */
uint64_t special_entry_size(const struct special *special, const struct section *section)
{
	uint64_t size = special->size;

	if (special->kind == SPECIAL_EVEN)
		size = section->nr_relocs ? section->size / section->nr_relocs : 0;
	if (!size || section->size % size || section->nr_relocs % (section->size / size))
		stop(KLP_FAILED, NULL, "%s: section %s of %llu bytes has no entries of %llu bytes",
		     section->object->path, section->name, (unsigned long long)section->size,
		     (unsigned long long)size);
	return size;
}

/*
 * An instruction that is replaced by nothing has a replacement all the same, of no length, at a
 * place that belongs to another one. It gets that of the instruction itself.
 */
void special_prepare(const struct special *special, struct section *section)
{
	uint64_t size;

	if (strcmp(section->name, ".altinstructions") || !section->data)
		return;
	size = special_entry_size(special, section);
	for (uint64_t at = 0; at < section->size; at += size) {
		size_t i = section_reloc_from(section, at);

		/* The length of the replacement is the last byte, its place the second field. */
		if (section->data[at + size - 1] || i + 1 >= section->nr_relocs)
			continue;
		section->relocs[i + 1].symbol = section->relocs[i].symbol;
		section->relocs[i + 1].addend = section->relocs[i].addend;
	}
}
