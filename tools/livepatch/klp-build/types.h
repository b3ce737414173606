/* SPDX-License-Identifier: GPL-2.0-only */
/* What types.c tells of an object file's types, for layout.c. */
#ifndef KLP_BUILD_TYPES_H
#define KLP_BUILD_TYPES_H

#include <stddef.h>

/**
 * struct field - a member of a structure or union, or a constant of an enumeration
 * @name: with the names of anonymous structures' members that it is part of before it: "a.b"
 * @type: two that are of use in the same way have the same here: "4-byte signed", "struct S *"
 * @written: the type as the source has it
 * @at: offset in bits; the value of a constant
 * @bits: of a bit field, otherwise 0
 */
struct field {
	char *name;
	char *type;
	char *written;
	unsigned long at;
	unsigned long bits;
};

enum record_kind {
	RECORD_STRUCT,
	RECORD_UNION,
	RECORD_ENUM,
};

/**
 * struct record - a structure, union or enumeration that is defined
 * @kind: which of these
 * @name: "struct S"; "typedef T" when only that has a name; "enum" when nothing has
 * @function: that it is defined in, or NULL
 * @file: that it is defined in, as the compiler has it
 * @named: for a typedef: the structure has a name of its own, too
 * @size: in bytes
 * @align: in bytes when the source asks for it, otherwise 0
 * @fields: in the order of the source; those of anonymous members stand in their place
 * @nr_fields: number of these
 * @parts: names of structures that it has within itself
 * @nr_parts: number of these
 */
struct record {
	enum record_kind kind;
	char *name;
	char *function;
	char *file;
	int named;
	unsigned long size;
	unsigned long align;
	struct field *fields;
	size_t nr_fields;
	char **parts;
	size_t nr_parts;
};

/**
 * struct prototype - how a function that is defined and can be called from elsewhere is called
 * @name: of the function
 * @type: its type as in struct field
 * @written: the type as the source has it
 */
struct prototype {
	char *name;
	char *type;
	char *written;
};

/**
 * struct variable - a variable that has a place in memory
 * @name: of the variable
 * @function: that it is local to, or NULL
 * @type: its type as in struct field
 * @written: the type as the source has it
 */
struct variable {
	char *name;
	char *function;
	char *type;
	char *written;
};

/**
 * struct types - of an object file
 * @source: the file that was compiled, as the compiler has it
 * @records: by name and function
 * @nr_records: number of these
 * @prototypes: by name
 * @nr_prototypes: number of these
 * @variables: by name and function
 * @nr_variables: number of these
 */
struct types {
	char *source;
	struct record *records;
	size_t nr_records;
	struct prototype *prototypes;
	size_t nr_prototypes;
	struct variable *variables;
	size_t nr_variables;
};

const char *record_tag(const struct record *record);
int record_order(const void *a, const void *b);
int variable_order(const void *a, const void *b);
struct types *types_read(const char *path);
void types_free(struct types *types);

#endif
