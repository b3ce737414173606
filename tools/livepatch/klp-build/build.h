/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What do the files of klp-build share?  The types, and the prototypes grouped by the file that has
 * the function, from the front door down: a file uses only what stands below its own group, and
 * the small helpers of klp (../klp/klp.h: file.c, text.c, output.c, json.c).  main.c is the door.
 */
#ifndef KLP_BUILD_H
#define KLP_BUILD_H

#include <gelf.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>
#include "../klp/klp.h"

/* With what klp-build ends, beside KLP_OK, KLP_FAILED (a tool has), KLP_USAGE; in the man page. */
enum build_status {
	BUILD_REFUSED	= KLP_DECLINED,
	BUILD_NO_APPLY	= 7,
	BUILD_NO_COMPILE = 8,
};

/**
 * struct choices - what the user asked for
 * @patches: the files
 * @nr_patches: number of these
 * @source: the kernel's source tree
 * @build: the kernel's build tree
 * @name: of the module, NULL for one made from the first patch's name
 * @output: the file to write, NULL for NAME.ko in the current folder
 * @callbacks: a C file with callbacks, or NULL
 * @guards: functions that must not be on a stack
 * @nr_guards: number of these
 * @supersedes: further sets that it replaces
 * @nr_supersedes: number of these
 * @set: replace set, UNKNOWN when none was asked for
 * @replace: cumulative
 * @leave_kernel: tasks change over at the way to user mode only
 * @keep: the work folder stays
 * @dry_run: report, no module
 * @everything: all functions that can be replaced count as changed
 * @jobs: compilers at a time
 */
struct choices {
	char **patches;
	size_t nr_patches;
	char *source;
	char *build;
	char *name;
	char *output;
	char *callbacks;
	char **guards;
	size_t nr_guards;
	long *supersedes;
	size_t nr_supersedes;
	long set;
	int replace;
	int leave_kernel;
	int keep;
	int dry_run;
	int everything;
	long jobs;
};

/**
 * struct hunk - where a patch changes a file
 * @old_start: first line before, from 1
 * @old_lines: number of lines before
 * @new_start: first line afterwards
 * @new_lines: number of lines afterwards
 */
struct hunk {
	long old_start;
	long old_lines;
	long new_start;
	long new_lines;
};

/**
 * struct changed_file - a file of the source tree that the patches change
 * @path: from the top of the tree
 * @created: it is not there before
 */
struct changed_file {
	char *path;
	int created;
};

/**
 * struct diff - what a patch does to a file
 * @patch: the file it stands in
 * @line: and where, from 1
 * @old: name of the file before, as it is written there
 * @new: and afterwards
 * @path: from the top of the tree, once it is known
 * @body: the hunks
 * @nr_hunks: number of these
 * @created: it says that there is no such file before
 * @from_nothing: or it changes no line that is there
 * @mode: who may read or run it is changed
 * @only_comments: of a Makefile or a Kconfig
 * @how: "renamed", "binary", ... when it is changed in a way that no hunk tells, or NULL
 */
struct diff {
	const char *patch;
	size_t line;
	char *old;
	char *new;
	char *path;
	char *body;
	size_t nr_hunks;
	int created;
	int from_nothing;
	int mode;
	int only_comments;
	const char *how;
};

struct section;
struct piece;
struct elf_object;

/**
 * struct symbol - an entry of a symbol table
 * @name: as it stands there
 * @section: that it lies in, NULL if it is defined elsewhere or absolute
 * @value: offset in the section, or the address in a linked file
 * @size: in bytes
 * @type: STT_*
 * @bind: STB_*
 * @index: in the table
 * @absolute: SHN_ABS
 * @hidden: it was local before compile.c had the assembler show it
 * @file: last STT_FILE before it, or NULL; for local ones
 * @other: its visibility
 * @livepatch: SHN_LIVEPATCH
 * @kernel_name: what it is called in the kernel, NULL if the same
 * @twin: the same thing on the other side, or NULL
 * @piece: that it names
 * @out: the same in the file that is written, or NULL
 * @out_section: number of its section in the file that is written, 0 for none
 */
struct symbol {
	char *name;
	struct section *section;
	uint64_t value;
	uint64_t size;
	unsigned char type;
	unsigned char bind;
	size_t index;
	int absolute;
	int hidden;
	const char *file;
	unsigned char other;
	int livepatch;
	char *kernel_name;
	struct symbol *twin;
	struct piece *piece;
	struct symbol *out;
	size_t out_section;
};

/**
 * struct reloc - a place that the linker fills in
 * @offset: in its section
 * @type: R_X86_64_*
 * @symbol: what is put there
 * @addend: and how far from it
 */
struct reloc {
	uint64_t offset;
	uint32_t type;
	struct symbol *symbol;
	int64_t addend;
};

/**
 * struct relocs - relocations that stand side by side in the list of a section
 * @first: of them
 * @end: behind the last one
 */
struct relocs {
	struct reloc *first;
	struct reloc *end;
};

/**
 * struct section - of an object file
 * @object: that it is part of
 * @name: its name
 * @type: SHT_*
 * @flags: SHF_*
 * @align: in bytes
 * @entsize: of tables and mergeable constants
 * @size: in bytes
 * @data: the contents, NULL for SHT_NOBITS
 * @address: in a linked file
 * @index: in the file
 * @relocs: in the order of their offsets
 * @nr_relocs: number of these
 * @symbols: that are defined there, in the order of their values
 * @nr_symbols: number of these
 * @pieces: what it is made of, in the order of their offsets
 * @nr_pieces: number of these
 * @link: section that it is ordered by, or NULL
 * @applies: of relocations for livepatch to apply: the section that these are for
 */
struct section {
	struct elf_object *object;
	char *name;
	uint32_t type;
	uint64_t flags;
	uint64_t align;
	uint64_t entsize;
	uint64_t size;
	unsigned char *data;
	uint64_t address;
	size_t index;
	struct reloc *relocs;
	size_t nr_relocs;
	struct symbol **symbols;
	size_t nr_symbols;
	struct piece **pieces;
	size_t nr_pieces;
	struct section *link;
	struct section *applies;
};

/* What is read of an object file. */
enum contents {
	CONTENTS_ALL,
	CONTENTS_CODE,		/* all but what debuggers want */
};

/**
 * struct elf_object - an object file, a module or vmlinux
 * @path: the file
 * @contents: what has been read of it
 * @sections: by index
 * @nr_sections: number of these
 * @symbols: by index
 * @nr_symbols: number of these
 */
struct elf_object {
	char *path;
	enum contents contents;
	struct section *sections;
	size_t nr_sections;
	struct symbol *symbols;
	size_t nr_symbols;
};

/* What a piece of a section is. */
enum piece_kind {
	PIECE_FUNCTION,		/* code that a symbol names, also parts that stand apart */
	PIECE_CODE,		/* code without a name, such as replacements of instructions */
	PIECE_DATA,		/* data that a symbol names */
	PIECE_CONSTANT,		/* read-only data whose name does not matter: strings */
	PIECE_ENTRY,		/* an entry of a table that belongs to a function */
	PIECE_IGNORED,		/* what says nothing about behaviour */
};

/* Why a piece is in the module. */
enum why {
	NOT_IN,
	WHY_CHANGED,		/* its code differs */
	WHY_NEW,		/* what is in refers to it, and the kernel has nothing like it */
	WHY_COPIED,		/* it has changed, cannot be replaced, and what is in uses it */
	WHY_PART,		/* it is a part of something that is in */
};

/**
 * struct piece - the smallest thing that is taken or left
 * @kind: what it is
 * @section: that it lies in
 * @start: offset in the section
 * @end: offset of the first byte behind it
 * @symbol: the name, or NULL
 * @owner: the function that it belongs to, for parts that stand apart and entries; or NULL
 * @twin: the same thing on the other side, or NULL
 * @entries: what belongs to this function
 * @nr_entries: number of these
 * @changed: it differs from its twin, or uses what does and is @copied
 * @copied: it cannot be replaced: its users are, and bring it along
 * @why: it is in the module
 * @because: who refers to it; or who has made it change, by being @copied
 * @out: offset in the section that is written
 * @out_section: number of that section
 * @c_name: what the tables in C call the function, NULL if it is in none
 * @callback: of which kind the function is one, or NULL
 */
struct piece {
	enum piece_kind kind;
	struct section *section;
	uint64_t start;
	uint64_t end;
	struct symbol *symbol;
	struct piece *owner;
	struct piece *twin;
	struct piece **entries;
	size_t nr_entries;
	int changed;
	int copied;
	enum why why;
	char *because;
	uint64_t out;
	size_t out_section;
	char *c_name;
	const char *callback;
};

/**
 * struct unit - a source file that is compiled
 * @source: the file, from the top of the tree
 * @object: the object file, from the top of the build tree
 * @command: the words of the compiler's saved command
 * @nr_words: number of these
 * @objtool: the saved command of objtool on this file, or NULL
 * @module: name of the module that it is part of, "vmlinux" for none
 * @module_path: the module's file without .ko, from the top of the build tree
 * @created: the patches create it
 * @reads: for each changed file, whether it is made from that
 * @as_built: compiled as it was for the running kernel
 * @before: compiled to be compared, without the patches
 * @after: and with them
 */
struct unit {
	char *source;
	char *object;
	char **command;
	size_t nr_words;
	char *objtool;
	char *module;
	char *module_path;
	int created;
	char *reads;
	struct elf_object *as_built;
	struct elf_object *before;
	struct elf_object *after;
};

struct units {
	struct unit *unit;
	size_t nr;
};

/**
 * struct kernel_symbol - how a livepatch names something of the running kernel
 * @object: "vmlinux" or the name of a module
 * @name: of the symbol
 * @sympos: its position among those of this name, 0 if it is the only one
 * @exported: the module loader knows it, if the object is vmlinux
 * @address: in vmlinux, or the offset in the module's section
 */
struct kernel_symbol {
	char *object;
	char *name;
	unsigned long sympos;
	int exported;
	uint64_t address;
};

/**
 * struct external - something of the kernel that code in the module refers to
 * @kernel: how it is named
 * @needs: the object that has to be there before it can be looked up
 * @link_name: what it is called until the module is linked
 * @plain: the module loader finds it
 * @unit: that it is a symbol of, NULL if it is named as a global one
 * @proved: code of the kernel agrees about its address
 * @out: its symbol in the file that is written
 */
struct external {
	struct kernel_symbol *kernel;
	char *needs;
	char *link_name;
	int plain;
	const struct unit *unit;
	int proved;
	struct symbol *out;
};

/**
 * struct target - what a relocation leads to
 * @symbol: of the relocation, or that of another unit it stands for
 * @piece: it is in the module, or NULL
 * @external: the kernel has it, or NULL
 * @shift: to be added to the relocation's addend, if it counted from another symbol than @external
 */
struct target {
	struct symbol *symbol;
	struct piece *piece;
	struct external *external;
	int64_t shift;
};

/* What a special section holds. */
enum special_kind {
	SPECIAL_ENTRIES,	/* entries of a known size that belong to functions */
	SPECIAL_EVEN,		/* entries, as many as relocations */
	SPECIAL_CODE,		/* code without names */
	SPECIAL_NOTHING,	/* nothing that matters here */
	SPECIAL_UNKNOWN,	/* nothing that can be carried */
};

/**
 * struct special - what is known of a special section
 * @name: how its name begins
 * @kind: what it holds
 * @key: of the size of an entry among the values of the headers, or NULL
 * @size: of an entry, in bytes, 0 if it is not known
 */
struct special {
	const char *name;
	enum special_kind kind;
	const char *key;
	uint64_t size;
};

/* ---- build.c */

int build(void);

/* ---- report.c */

void report(struct piece **pieces, size_t nr, const char *module);

/* ---- verify.c */

int verify(const char *path);
size_t verify_built(const char *path);

/* ---- whole.c */

size_t whole_check(struct piece **pieces, size_t nr, const char *path);

/* ---- postlink.c */

void postlink(const char *symbols, const char *path);

/* ---- link.c */

char *link_module(const struct units *units, const char *directory);

/* ---- generate.c */

void generate(struct piece **pieces, size_t nr, const char *directory);

/* ---- callbacks.c */

void callbacks_declare(FILE *f, struct piece **pieces, size_t nr);
void callbacks_write(FILE *f, const char *object, struct piece **pieces, size_t nr);
char **callbacks_in_file(size_t *nr);
void callbacks_check(struct piece **pieces, size_t nr);
int callbacks_states(void);
void callbacks_copy(const char *directory);

/* ---- output.c */

#define C_NAME		"klp_new"	/* how the names begin that the table in C uses */

void output_write(struct piece **pieces, size_t nr, const char *path);

/* ---- proof.c */

void proof_check(const struct units *units);

/* ---- reach.c */

struct unit *unit_of(const struct piece *piece);
struct target reach_target(const struct piece *from, const struct reloc *reloc);
struct external **reach_externals(size_t *nr);
char *external_name(const struct external *external);
struct kernel_symbol *reach_replaced(const struct piece *piece);
struct piece **reach(struct units *units, size_t *nr);

/* ---- narrow.c */

struct units narrow(const struct units *units, const struct changed_file *files, size_t nr_files,
		    char *tree);

/* ---- threads.c */

void threads_warn(const struct unit *unit, const struct piece *piece);

/* ---- layout.c */

void layouts_compare(const struct unit *unit);
void declarations_compare(const struct unit *unit, int (*is_exported)(const char *name));

/* ---- types.c, see types.h */

/* ---- gone.c */

void unit_look_for_gone(const struct unit *unit, const struct units *units);
void unit_look_for_moved(const struct unit *unit);

/* ---- compare.c */

int unit_compare(struct unit *unit);
int section_is_plain_data(const struct section *section);

/* ---- users.c */

int is_traceable(const struct piece *piece);
int leads_to_code(const struct piece *piece);
void users_change(struct unit *unit);

/* ---- identity.c */

unsigned char *identity_mask(const struct section *section, uint64_t start, uint64_t size);
void identity_check(const struct unit *unit, const struct symbol *symbol);

/* ---- kernel.c */

int unit_is_module(const struct unit *unit);
struct symbol *kernel_find(const struct unit *unit, const struct symbol *symbol, size_t *many);
int kernel_exports(const char *name);
struct kernel_symbol *kernel_name_of(const struct unit *unit, const struct symbol *symbol);
struct kernel_symbol *kernel_external(const struct unit *unit, const char *name);
int kernel_has_global(const struct unit *unit, const char *name);
size_t kernel_count(const char *object, const char *name);
const struct symbol *kernel_at(const char *object, const char *name, unsigned long sympos);
int kernel_traces(uint64_t address);
const unsigned char *kernel_bytes(uint64_t address, uint64_t size);

/* ---- twins.c */

char *twins_users(const struct elf_object *object, const struct symbol *symbol);
void twins_find(const struct elf_object *before, const struct elf_object *after);
void twins_name(const struct elf_object *named, struct elf_object *before);

/* ---- pieces.c */

uint64_t reloc_target(const struct section *section, const struct reloc *reloc);
struct piece *section_piece(const struct section *section, uint64_t offset);
struct piece *reloc_piece(const struct section *section, const struct reloc *reloc);
struct piece *piece_whole(struct piece *piece);
struct relocs piece_relocs(const struct piece *piece);
int section_has_run(const struct section *section);
void pieces_make(struct elf_object *object);

/* ---- special.c */

void special_measure(const struct unit *unit);
const struct special *special_find(const char *section);
void special_prepare(const struct special *special, struct section *section);
uint64_t special_entry_size(const struct special *special, const struct section *section);

/* ---- compile.c */

enum side {
	SIDE_BUILT,
	SIDE_NAMED,
	SIDE_BEFORE,
	SIDE_AFTER,
	SIDE_TEXT_BEFORE,	/* by the preprocessor alone */
	SIDE_TEXT_AFTER,
};

char *unit_path(const struct unit *unit, enum side side, const char *suffix);
void compile_units(const struct units *units, enum side side, const char *farm);
char *compile_values(const struct unit *unit, const char *text);

/* ---- assembly.c */

#define SECTION_HIDDEN	".klp.hidden"

void assembly_show(const char *from, const char *to);

/* ---- kbuild.c */

char *module_file(const char *name);
char *path_from_top(const char *path, size_t len);
void kbuild_any(struct unit *unit);
struct units kbuild_units(const struct changed_file *files, size_t nr);

/* ---- diffs.c */

struct changed_file *diffs_read(size_t *nr);
void diffs_apply(const char *tree);

/* ---- lines.c */

void lines_keep(const char *path, const struct hunk *hunks, size_t nr);

/* ---- unified.c */

int hunk_read(const char *line, struct hunk *hunk);
struct diff *unified_read(const char *patch, size_t *nr);

/* ---- places.c */

int place_runs(const char *path);
int place_is_safe(const char *path);
int place_is_code(const struct diff *diff);

/* ---- farm.c */

char *farm_make(const char *source, const struct changed_file *files, size_t nr,
		const struct units *units);

/* ---- writer.c */

#ifndef SHN_LIVEPATCH
#define SHN_LIVEPATCH		0xff20
#endif
#ifndef SHF_RELA_LIVEPATCH
#define SHF_RELA_LIVEPATCH	0x00100000
#endif

void object_write(const struct elf_object *object, const char *path);

/* ---- object.c */

struct elf_object *object_read(const char *path, enum contents contents);
struct section *object_section(const struct elf_object *object, const char *name);
struct symbol *object_symbol(const struct elf_object *object, const char *name);
size_t section_reloc_from(const struct section *section, uint64_t offset);
struct relocs section_relocs(const struct section *section, uint64_t start, uint64_t end);

/* ---- name.c */

int name_begins(const char *name, const char * const *with, size_t nr);
char *name_base(const char *name);
char *name_of_whole(const char *name);
char *name_for_c(const char *name);
const char *name_of_file(const char *path);
char *name_of_module(const char *path);

/* ---- work.c */

extern char *work;

void work_begin(void);
char *work_path(const char *fmt, ...) __printf(1, 2);
noreturn void stop(int status, const char *next, const char *fmt, ...) __printf(3, 4);
pid_t start_child(void);
int wait_child(void);
char *first_line(const char *log);
char *checksum(const char *path);
int run(const char * const *argv, const char *directory, const char *log);

/* ---- refuse.c */

void refuse(const char *what, const char *next, const char *fmt, ...) __printf(3, 4);
void warn(const char *fmt, ...) __printf(1, 2);
size_t refusals(void);
void refusals_tell(void);
void refusals_json(void);

/* ---- choices.c */

extern struct choices choices;

#endif
