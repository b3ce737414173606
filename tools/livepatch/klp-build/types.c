// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which structures, unions and enumerations does an object file know, and where are their members?
 * As DWARF tells it: gcc's own .BTF leaves out types that are local to a function, constants from
 * 0x80000000 up and what vectors are made of.  Members of anonymous structures are taken as members
 * of what these are part of, so that it makes no difference whether some of them are grouped.
 */
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"
#include "types.h"

#define DEEPEST		64	/* types within types; the kernel has about ten */

/* How a type is told. */
enum style {
	RESOLVED,		/* equal if and only if old and new code can share the data */
	WRITTEN,		/* as the source has it */
};

static const char *path_read;	/* of the object file, for messages */
static unsigned int depth;

static noreturn void damaged(const char *what)
{
	stop(KLP_FAILED, NULL, "%s: cannot understand its debugging information: %s", path_read,
	     what);
}

static void enter(void)
{
	if (++depth > DEEPEST)
		damaged("types are nested too deep");
}

static void leave(void)
{
	depth--;
}

/* The first child, or the next sibling; none when the result is 0. */
static int first(Dwarf_Die *parent, Dwarf_Die *child)
{
	int status = dwarf_child(parent, child);

	if (status < 0)
		damaged(dwarf_errmsg(-1));
	return !status;
}

static int next(Dwarf_Die *child)
{
	int status = dwarf_siblingof(child, child);

	if (status < 0)
		damaged(dwarf_errmsg(-1));
	return !status;
}

/* NULL when it has none, which is not the same as one that cannot be read. */
static const char *name_of(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	if (!name && dwarf_hasattr_integrate(die, DW_AT_name))
		damaged("a name is out of reach");
	return name;
}

static unsigned long number(Dwarf_Die *die, unsigned int attribute, unsigned long otherwise)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr(die, attribute, &attr))
		return otherwise;
	if (dwarf_formudata(&attr, &value))
		damaged(dwarf_errmsg(-1));
	return value;
}

static unsigned long size_of(Dwarf_Die *type)
{
	return number(type, DW_AT_byte_size, 0);
}

/* The type of a member, variable or typedef; 0 for void. */
static int type_of(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attr;

	if (!dwarf_attr_integrate(die, DW_AT_type, &attr))
		return 0;
	if (!dwarf_formref_die(&attr, type))
		damaged(dwarf_errmsg(-1));
	return 1;
}

static int is_qualifier(int tag)
{
	return tag == DW_TAG_const_type || tag == DW_TAG_volatile_type ||
	       tag == DW_TAG_restrict_type || tag == DW_TAG_atomic_type;
}

static int is_aggregate(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

/*
 * The type behind qualifiers and typedefs, 0 for void. ALIAS is the typedef of what has no other
 * name, or NULL.
 */
static int resolve(Dwarf_Die *die, const char **alias)
{
	unsigned int steps = 0;
	int tag;

	*alias = NULL;
	for (;;) {
		tag = dwarf_tag(die);
		if (tag == DW_TAG_typedef)
			*alias = name_of(die);
		else if (!is_qualifier(tag))
			break;
		if (++steps > DEEPEST)
			damaged("a typedef of itself");
		if (!type_of(die, die))
			return 0;
	}
	if (name_of(die))
		*alias = NULL;
	return 1;
}

/* Number of elements as text; nothing when the end is open. */
static char *dimension(Dwarf_Die *range)
{
	unsigned long nr = number(range, DW_AT_count, 0);
	Dwarf_Attribute attr;

	/* The bound of an array whose size is found out at run time is no number. */
	if (dwarf_attr(range, DW_AT_upper_bound, &attr) &&
	    (dwarf_whatform(&attr) == DW_FORM_exprloc || dwarf_whatform(&attr) == DW_FORM_ref4))
		return copy("[?]");
	if (dwarf_hasattr(range, DW_AT_upper_bound))
		nr = number(range, DW_AT_upper_bound, 0) + 1;
	return nr ? format("[%lu]", nr) : copy("[]");
}

/* BEFORE and MORE in one; both are gone. */
static char *join(char *before, char *more)
{
	char *both = format("%s%s", before, more);

	free(before);
	free(more);
	return both;
}

static char *dimensions(Dwarf_Die *array)
{
	char *text = copy(dwarf_hasattr(array, DW_AT_GNU_vector) ? " vector" : "");
	Dwarf_Die range;

	for (int more = first(array, &range); more; more = next(&range)) {
		if (dwarf_tag(&range) == DW_TAG_subrange_type)
			text = join(text, dimension(&range));
	}
	return text;
}

static const char *encoding(Dwarf_Die *base)
{
	switch (number(base, DW_AT_encoding, 0)) {
	case DW_ATE_boolean:
		return "boolean";
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		return "signed";
	case DW_ATE_unsigned:
	case DW_ATE_unsigned_char:
	case DW_ATE_UTF:
		return "unsigned";
	case DW_ATE_float:
		return "float";
	case DW_ATE_complex_float:
		return "complex";
	}
	damaged("a basic type of an unknown kind");
}

static const char *kind_word(int tag)
{
	if (tag == DW_TAG_enumeration_type)
		return "enum";
	return tag == DW_TAG_union_type ? "union" : "struct";
}

/* A basic type, or an enumeration that has no name. */
static char *describe_value(Dwarf_Die *type)
{
	return format("%lu-byte %s", size_of(type),
		      dwarf_tag(type) == DW_TAG_base_type ? encoding(type) : "enum");
}

/* Where a member begins, in bits, counted from the structure that it stands in. */
static unsigned long member_at(Dwarf_Die *member)
{
	unsigned long bytes = number(member, DW_AT_data_member_location, 0);

	/* DWARF 4 and before count bits of a unit of BYTE_SIZE from its upper end. */
	if (dwarf_hasattr(member, DW_AT_bit_offset))
		return 8 * (bytes + number(member, DW_AT_byte_size, 0)) -
		       number(member, DW_AT_bit_offset, 0) - number(member, DW_AT_bit_size, 0);
	return 8 * bytes + number(member, DW_AT_data_bit_offset, 0);
}

/* Types that are told by their name; NULL for others. */
static char *describe_name(Dwarf_Die *type, const char *alias, enum style style)
{
	const char *name = name_of(type);
	int tag = dwarf_tag(type);

	switch (tag) {
	case DW_TAG_base_type:
		return style == WRITTEN && name ? copy(name) : describe_value(type);
	case DW_TAG_enumeration_type:
		return name ? format("enum %s", name) : describe_value(type);
	case DW_TAG_unspecified_type:
		return copy(name ? name : "void");
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return name ? format("%s %s", kind_word(tag), name) : alias ? copy(alias) : NULL;
	case DW_TAG_pointer_type:
	case DW_TAG_array_type:
	case DW_TAG_subroutine_type:
		return NULL;
	}
	damaged("a type of an unknown kind");
}

/* TEXT with one more element of a list. */
static char *add_to_list(char *text, char *more)
{
	return join(text, join(copy(text[strlen(text) - 1] == '(' ? "" : ", "), more));
}

/*
 * The type that OF (a member, a parameter, a pointer, a function ...) has, in words. Structures
 * with a name are told by it, so that this comes to an end.
 */
static char *describe(Dwarf_Die *of, enum style style)
{
	const char *alias;
	Dwarf_Die type, child;
	char *text;
	int tag;

	if (!type_of(of, &type))
		return copy("void");
	while (is_qualifier(dwarf_tag(&type))) {
		if (!type_of(&type, &type))
			return copy("void");
	}
	if (style == WRITTEN && dwarf_tag(&type) == DW_TAG_typedef)
		return copy(name_of(&type) ? name_of(&type) : "(no name)");
	if (!resolve(&type, &alias))
		return copy("void");
	text = describe_name(&type, alias, style);
	if (text)
		return text;

	enter();
	tag = dwarf_tag(&type);
	text = is_aggregate(tag) ? copy(kind_word(tag)) : describe(&type, style);
	if (tag == DW_TAG_pointer_type || tag == DW_TAG_array_type) {
		leave();
		return join(text, tag == DW_TAG_pointer_type ? copy(" *") : dimensions(&type));
	}
	text = join(text, copy(" ("));
	for (int more = first(&type, &child); more; more = next(&child)) {
		if (dwarf_tag(&child) == DW_TAG_unspecified_parameters)
			text = add_to_list(text, copy("..."));
		if (dwarf_tag(&child) == DW_TAG_formal_parameter ||
		    dwarf_tag(&child) == DW_TAG_member)
			text = add_to_list(text, describe(&child, style));
		if (dwarf_tag(&child) == DW_TAG_member)
			text = join(text, format(" at %lu", member_at(&child)));
	}
	leave();
	return join(text, copy(")"));
}

/* What a function that is defined takes and returns. */
static char *describe_function(Dwarf_Die *function, enum style style)
{
	char *text = join(describe(function, style), copy(" ("));
	Dwarf_Die child;

	for (int more = first(function, &child); more; more = next(&child)) {
		if (dwarf_tag(&child) == DW_TAG_formal_parameter)
			text = add_to_list(text, describe(&child, style));
		else if (dwarf_tag(&child) == DW_TAG_unspecified_parameters)
			text = add_to_list(text, copy("..."));
	}
	return join(text, copy(")"));
}

static void add_field(struct record *record, struct field field)
{
	record->fields = grow(record->fields, record->nr_fields, sizeof(*record->fields));
	record->fields[record->nr_fields++] = field;
}

static void add_part(struct record *record, char *name)
{
	record->parts = grow(record->parts, record->nr_parts, sizeof(*record->parts));
	record->parts[record->nr_parts++] = name;
}

/* The type of a bit field is as wide as the field. */
static char *describe_bits(Dwarf_Die *member, Dwarf_Die *type)
{
	if (dwarf_tag(type) == DW_TAG_base_type)
		return copy(encoding(type));
	return describe(member, RESOLVED);
}

static void add_leaf(struct record *record, Dwarf_Die *member, char *name, unsigned long at,
		     const char *times)
{
	unsigned long bits = number(member, DW_AT_bit_size, 0);
	const char *alias;
	Dwarf_Die type;
	struct field field = { .name = name, .at = at, .bits = bits };

	if (!type_of(member, &type) || !resolve(&type, &alias))
		damaged("a member without a type");
	field.type = bits ? describe_bits(member, &type) : describe(member, RESOLVED);
	field.type = join(copy(times), field.type);
	field.written = describe(member, WRITTEN);
	/* A structure with a name of its own may stand there without one: -fms-extensions. */
	if (!name_of(member))
		field.name = join(field.name, copy(field.written));
	add_field(record, field);
}

/* What is in an array, or in an array of arrays; TIMES says how many. */
static void resolve_elements(Dwarf_Die *type, const char **alias, char **times)
{
	while (dwarf_tag(type) == DW_TAG_array_type) {
		*times = join(*times, dimensions(type));
		if (!type_of(type, type) || !resolve(type, alias))
			damaged("an array of nothing");
	}
}

/*
 * The members of AGGREGATE, which begins BASE bits behind the start of the record; PREFIX goes
 * before their names, TIMES before their types.
 */
static void add_members(struct record *record, Dwarf_Die *aggregate, const char *prefix,
			unsigned long base, const char *times)
{
	const char *alias, *name;
	Dwarf_Die member, type;
	char *full, *many;
	int tag;

	enter();
	for (int more = first(aggregate, &member); more; more = next(&member)) {
		if (dwarf_tag(&member) != DW_TAG_member)
			continue;
		if (!type_of(&member, &type) || !resolve(&type, &alias))
			damaged("a member without a type");
		many = copy("");
		resolve_elements(&type, &alias, &many);
		tag = dwarf_tag(&type);
		name = name_of(&member);
		full = format("%s%s", prefix, name ? name : "");
		if (is_aggregate(tag) && !name_of(&type) && !alias) {
			if (*many)
				many = join(many, format(" of %lu bytes, ", size_of(&type)));
			many = join(copy(times), many);
			full = join(full, copy(name ? "." : ""));
			add_members(record, &type, full, base + member_at(&member), many);
			free(full);
		} else {
			add_leaf(record, &member, full, base + member_at(&member), times);
			if (is_aggregate(tag))
				add_part(record, alias ? format("typedef %s", alias) :
					 format("%s %s", kind_word(tag), name_of(&type)));
		}
		free(many);
	}
	leave();
}

/* Negative ones have forms of their own; in others, libdw would take 255 for -1. */
static unsigned long constant_value(Dwarf_Die *constant)
{
	Dwarf_Attribute attr;
	Dwarf_Sword value;
	unsigned int form;

	if (!dwarf_attr(constant, DW_AT_const_value, &attr))
		damaged("a constant without a value");
	form = dwarf_whatform(&attr);
	if (form != DW_FORM_sdata && form != DW_FORM_implicit_const)
		return number(constant, DW_AT_const_value, 0);
	if (dwarf_formsdata(&attr, &value))
		damaged(dwarf_errmsg(-1));
	return value;
}

static void add_constants(struct record *record, Dwarf_Die *enumeration)
{
	Dwarf_Die constant;

	for (int more = first(enumeration, &constant); more; more = next(&constant)) {
		if (dwarf_tag(&constant) != DW_TAG_enumerator || !name_of(&constant))
			continue;
		add_field(record, (struct field){
			.name = copy(name_of(&constant)),
			.type = copy(""),
			.written = copy(""),
			.at = constant_value(&constant),
		});
	}
}

static char *copy_or_null(const char *text)
{
	return text ? copy(text) : NULL;
}

/* TYPE is defined by DIE, which is itself or a typedef, in FUNCTION, NULL for none. */
static void add_record(struct types *types, Dwarf_Die *die, Dwarf_Die *type, const char *function)
{
	const char *name = name_of(die), *word = kind_word(dwarf_tag(type));
	struct record *record;

	if (dwarf_tag(die) == DW_TAG_typedef)
		word = "typedef";
	types->records = grow(types->records, types->nr_records, sizeof(*types->records));
	record = &types->records[types->nr_records++];
	*record = (struct record){
		.kind = dwarf_tag(type) == DW_TAG_enumeration_type ? RECORD_ENUM :
			dwarf_tag(type) == DW_TAG_union_type ? RECORD_UNION : RECORD_STRUCT,
		.name = name ? format("%s %s", word, name) : copy(word),
		.function = copy_or_null(function),
		.file = copy_or_null(dwarf_decl_file(die)),
		.named = !!name_of(type),
		.size = number(type, DW_AT_byte_size, 0),
		.align = number(type, DW_AT_alignment, 0),
	};
	if (record->kind == RECORD_ENUM)
		add_constants(record, type);
	else
		add_members(record, type, "", 0, "");
}

/* The structure that a typedef is a name of, not by way of another typedef. */
static void add_typedef(struct types *types, Dwarf_Die *die, const char *function)
{
	Dwarf_Die type = *die;

	do {
		if (!type_of(&type, &type))
			return;
	} while (is_qualifier(dwarf_tag(&type)));
	if (is_aggregate(dwarf_tag(&type)) && !dwarf_hasattr(&type, DW_AT_declaration))
		add_record(types, die, &type, function);
}

static void add_prototype(struct types *types, Dwarf_Die *function)
{
	if (!dwarf_hasattr(function, DW_AT_external) || !dwarf_hasattr(function, DW_AT_name) ||
	    dwarf_hasattr(function, DW_AT_declaration))
		return;
	types->prototypes = grow(types->prototypes, types->nr_prototypes,
				 sizeof(*types->prototypes));
	types->prototypes[types->nr_prototypes++] = (struct prototype){
		copy(name_of(function)),
		describe_function(function, RESOLVED),
		describe_function(function, WRITTEN),
	};
}

/* Those that have an address of their own. */
static void add_variable(struct types *types, Dwarf_Die *die, const char *function)
{
	Dwarf_Attribute attr;
	Dwarf_Block block;

	if (!name_of(die) || !dwarf_attr(die, DW_AT_location, &attr) ||
	    dwarf_formblock(&attr, &block) || !block.length || block.data[0] != DW_OP_addr)
		return;
	types->variables = grow(types->variables, types->nr_variables, sizeof(*types->variables));
	types->variables[types->nr_variables++] = (struct variable){
		copy(name_of(die)),
		copy_or_null(function),
		describe(die, RESOLVED),
		describe(die, WRITTEN),
	};
}

/* All that is defined below PARENT; FUNCTION is the one that it stands in. */
static void walk(struct types *types, Dwarf_Die *parent, const char *function)
{
	Dwarf_Die die;
	int tag;

	enter();
	for (int more = first(parent, &die); more; more = next(&die)) {
		tag = dwarf_tag(&die);
		if (tag == DW_TAG_typedef)
			add_typedef(types, &die, function);
		if (tag == DW_TAG_variable)
			add_variable(types, &die, function);
		if (tag == DW_TAG_subprogram) {
			add_prototype(types, &die);
			walk(types, &die, name_of(&die));
		}
		if (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine)
			walk(types, &die, function);
		if ((!is_aggregate(tag) && tag != DW_TAG_enumeration_type) ||
		    dwarf_hasattr(&die, DW_AT_declaration))
			continue;
		/* What has no name is seen where it is used, but for constants. */
		if (tag == DW_TAG_enumeration_type || name_of(&die))
			add_record(types, &die, &die, function);
	}
	leave();
}

/* The name without the word before it: structures, unions and enumerations share their names. */
const char *record_tag(const struct record *record)
{
	const char *space = strchr(record->name, ' ');

	return !space || !strncmp(record->name, "typedef ", 8) ? record->name : space + 1;
}

/* By name, then by function. */
int record_order(const void *a, const void *b)
{
	const struct record *left = a, *right = b;
	int order = strcmp(record_tag(left), record_tag(right));

	if (order)
		return order;
	return strcmp(left->function ? left->function : "", right->function ? right->function : "");
}

/* By name, then by function. */
int variable_order(const void *a, const void *b)
{
	const struct variable *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	if (order)
		return order;
	return strcmp(left->function ? left->function : "", right->function ? right->function : "");
}

static int prototype_order(const void *a, const void *b)
{
	const struct prototype *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* There is no other file to look for debugging information in. */
static int find_nothing(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
			const char *file, const char *link, GElf_Word crc, char **found)
{
	(void)module;
	(void)data;
	(void)name;
	(void)base;
	(void)file;
	(void)link;
	(void)crc;
	(void)found;
	return -1;
}

/* The file that was compiled, from the root if that can be told. */
static char *source_of(Dwarf_Die *unit)
{
	const char *name = name_of(unit), *directory;
	Dwarf_Attribute attr;

	if (!name)
		damaged("a file without a name");
	directory = dwarf_attr(unit, DW_AT_comp_dir, &attr) ? dwarf_formstring(&attr) : NULL;
	return *name == '/' || !directory ? copy(name) : format("%s/%s", directory, name);
}

/**
 * types_read - read the types of an object file
 * @path: the file, compiled with -g
 *
 * Return: the types, for types_free(); it does not when they cannot be read.
 */
struct types *types_read(const char *path)
{
	static const Dwfl_Callbacks callbacks = {
		.section_address = dwfl_offline_section_address,
		.find_debuginfo = find_nothing,
	};
	struct types *types = allocate(sizeof(*types));
	Dwfl *dwfl = dwfl_begin(&callbacks);
	Dwarf_Die *die = NULL;
	Dwarf_Addr bias;

	path_read = path;
	depth = 0;
	/* Names are places that the linker fills in: libdwfl does as it would. */
	if (!dwfl || !dwfl_report_offline(dwfl, "", path, -1) || dwfl_report_end(dwfl, NULL, NULL))
		damaged(dwfl_errmsg(-1));
	while ((die = dwfl_nextcu(dwfl, die, &bias))) {
		if (!types->source)
			types->source = source_of(die);
		walk(types, die, NULL);
	}
	dwfl_end(dwfl);
	if (!types->source)
		damaged("there is none");
	if (types->nr_records)
		qsort(types->records, types->nr_records, sizeof(*types->records), record_order);
	if (types->nr_prototypes)
		qsort(types->prototypes, types->nr_prototypes, sizeof(*types->prototypes),
		      prototype_order);
	if (types->nr_variables)
		qsort(types->variables, types->nr_variables, sizeof(*types->variables),
		      variable_order);
	return types;
}

static void record_clear(struct record *record)
{
	for (size_t i = 0; i < record->nr_fields; i++) {
		free(record->fields[i].name);
		free(record->fields[i].type);
		free(record->fields[i].written);
	}
	free_list(record->parts, record->nr_parts);
	free(record->fields);
	free(record->name);
	free(record->function);
	free(record->file);
}

/**
 * types_free - what types_read() has made goes
 * @types: this
 */
void types_free(struct types *types)
{
	for (size_t i = 0; i < types->nr_records; i++)
		record_clear(&types->records[i]);
	for (size_t i = 0; i < types->nr_prototypes; i++) {
		free(types->prototypes[i].name);
		free(types->prototypes[i].type);
		free(types->prototypes[i].written);
	}
	free(types->records);
	free(types->prototypes);
	for (size_t i = 0; i < types->nr_variables; i++) {
		free(types->variables[i].name);
		free(types->variables[i].function);
		free(types->variables[i].type);
		free(types->variables[i].written);
	}
	free(types->variables);
	free(types->source);
	free(types);
}
