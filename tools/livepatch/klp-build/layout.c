// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a patch change how data is laid out?  The kernel's memory is full of structures made before
 * the patch came, and code that stays goes on to use them: a field that is new, even in a hole, has
 * never been set, and one that has moved is something else.  So every structure, union and
 * enumeration that a unit knows before and after has to be the same.  Names of fields do not count
 * as long as the place and the type are the same; neither does what only one side has.  A new
 * constant of an enumeration changes nothing that was there, but is worth a warning.
 *
 * What changes only because a structure within it does is told with that one.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"
#include "types.h"

#define NEXT_STRUCT	"leave it as it is: new data fits into a shadow variable, see " \
			"Documentation/livepatch/shadow-vars.rst"
#define NEXT_ENUM	\
	"leave the old constants as they are, and give new ones values that were not used"
#define NEXT_VARIABLE	"leave it as it is, and add a new one beside it"
#define NEXT_EXPORT	"leave it as it is, and add a new function beside it"

/**
 * struct change - a structure that is not the same on both sides
 * @before: as it was
 * @after: as it is
 * @first: the first thing that differs, in words
 * @own: number of differences that are not about places and sizes alone
 * @moved: number of differences that are, and can come from a structure within
 * @derived: they do
 */
struct change {
	const struct record *before;
	const struct record *after;
	char *first;
	size_t own;
	size_t moved;
	int derived;
};

struct changes {
	struct change *change;
	size_t nr;
};

/* Structures that have been refused in some unit: the others need not say so again. */
static char **told;
static size_t nr_told;

/* TEXT goes to the change, or away: what it has in words is the first of the weightier kind. */
static void differ_own(struct change *change, char *text)
{
	if (change->own++) {
		free(text);
		return;
	}
	free(change->first);
	change->first = text;
}

static void differ_moved(struct change *change, char *text)
{
	if (change->moved++ || change->own)
		free(text);
	else
		change->first = text;
}

/* The field of that name; it is most often the same one, INDEX, on both sides. */
static const struct field *find_field(const struct record *record, const char *name, size_t index)
{
	if (index < record->nr_fields && !strcmp(record->fields[index].name, name))
		return &record->fields[index];
	for (size_t i = 0; i < record->nr_fields; i++) {
		if (!strcmp(record->fields[i].name, name))
			return &record->fields[i];
	}
	return NULL;
}

static int same_data(const struct field *a, const struct field *b)
{
	return a->at == b->at && a->bits == b->bits && !strcmp(a->type, b->type);
}

/* FIELD is something that stands in FROM under a name that has not gone elsewhere in TO. */
static int is_renamed(const struct record *from, const struct record *to, const struct field *field)
{
	const struct field *now;

	for (size_t i = 0; i < from->nr_fields; i++) {
		if (!same_data(&from->fields[i], field))
			continue;
		now = find_field(to, from->fields[i].name, i);
		if (!now || same_data(now, field))
			return 1;
	}
	return 0;
}

static char *place(const struct field *field)
{
	if (field->bits || field->at % 8)
		return format("%lu bit %lu", field->at / 8, field->at % 8);
	return format("%lu", field->at / 8);
}

static char *tell_moved(const struct field *before, const struct field *after)
{
	char *from = place(before), *to = place(after), *text;

	text = format("offset of %s %s -> %s", before->name, from, to);
	free(from);
	free(to);
	return text;
}

static char *tell_new(const struct field *field)
{
	char *at = place(field), *text = format("%s is new at offset %s", field->name, at);

	free(at);
	return text;
}

/* As the source has the types, unless they only differ in what is behind their names. */
static char *tell_type(const char *of, const char *before, const char *before_written,
		       const char *after, const char *after_written)
{
	int other = strcmp(before_written, after_written);

	return format("type%s%s %s -> %s", *of ? " of " : "", of, other ? before_written : before,
		      other ? after_written : after);
}

static void compare_field(struct change *change, const struct field *before,
			  const struct field *after)
{
	if (strcmp(before->type, after->type))
		differ_own(change, tell_type(before->name, before->type, before->written,
					     after->type, after->written));
	else if (before->bits != after->bits)
		differ_own(change, format("width of %s %lu -> %lu bits", before->name,
					  before->bits, after->bits));
	if (before->at != after->at)
		differ_moved(change, tell_moved(before, after));
}

static void compare_fields(struct change *change)
{
	const struct record *before = change->before, *after = change->after;
	const struct field *field, *other;

	for (size_t i = 0; i < after->nr_fields; i++) {
		field = &after->fields[i];
		other = find_field(before, field->name, i);
		if (other)
			compare_field(change, other, field);
		else if (!is_renamed(before, after, field))
			differ_own(change, tell_new(field));
	}
	for (size_t i = 0; i < before->nr_fields; i++) {
		field = &before->fields[i];
		if (!find_field(after, field->name, i) && !is_renamed(after, before, field))
			differ_own(change, format("%s is gone", field->name));
	}
}

/* What the source asks for counts, which is at least what the types ask for. */
static void compare_sizes(struct change *change)
{
	const struct record *before = change->before, *after = change->after;

	if (before->size != after->size)
		differ_moved(change, format("size %lu -> %lu", before->size,
					    after->size));
	if (before->align != after->align)
		differ_own(change, format("alignment asked for %lu -> %lu", before->align,
					  after->align));
}

/* Values that both sides have. */
static void compare_constants(struct change *change)
{
	const struct record *before = change->before;
	const struct field *other;

	for (size_t i = 0; i < before->nr_fields; i++) {
		other = find_field(change->after, before->fields[i].name, i);
		if (other && other->at != before->fields[i].at)
			differ_own(change, format("value of %s %ld -> %ld", other->name,
						  (long)before->fields[i].at, (long)other->at));
	}
}

/* Whether a value has a meaning now that it had not. */
static void note_constants(const struct record *before, const struct record *after)
{
	const struct field *added = NULL;
	size_t more = 0;

	for (size_t i = 0; i < after->nr_fields; i++) {
		if (find_field(before, after->fields[i].name, i) ||
		    is_renamed(before, after, &after->fields[i]))
			continue;
		if (added)
			more++;
		else
			added = &after->fields[i];
	}
	if (more)
		warn("%s: %s and %zu more are new: code that is not replaced does not know them",
		     after->name, added->name, more);
	else if (added)
		warn("%s: %s is new: code that is not replaced does not know it", after->name,
		     added->name);
}

static struct change compare(const struct record *before, const struct record *after)
{
	struct change change = { .before = before, .after = after };
	static const char * const words[] = {
		[RECORD_STRUCT]	= "structure",
		[RECORD_UNION]	= "union",
		[RECORD_ENUM]	= "enumeration",
	};

	/* A name of a structure that has one already adds nothing to that. */
	if (before->named && after->named && !strncmp(before->name, "typedef ", 8))
		return change;
	if (before->kind != after->kind) {
		differ_own(&change, format("was a %s, is a %s", words[before->kind],
					   words[after->kind]));
		return change;
	}
	if (before->kind == RECORD_ENUM)
		compare_constants(&change);
	else
		compare_fields(&change);
	compare_sizes(&change);
	return change;
}

static int is_same(const struct record *before, const struct record *after)
{
	struct change change = compare(before, after);

	free(change.first);
	return !change.own && !change.moved;
}

static void add_change(struct changes *changes, struct change change)
{
	changes->change = grow(changes->change, changes->nr, sizeof(*changes->change));
	changes->change[changes->nr++] = change;
}

/* A constant whose enumeration has no name: does one on the other side have its value? */
static int has_constant(const struct record *records, size_t nr, const struct field *constant,
			int *named)
{
	const struct field *other;

	*named = 0;
	for (size_t i = 0; i < nr; i++) {
		other = find_field(&records[i], constant->name, nr);
		*named |= !!other;
		if (other && other->at == constant->at)
			return 1;
	}
	return 0;
}

/* Enumerations without a name are told apart by their constants alone. */
static void compare_nameless(struct changes *changes, const struct record *before, size_t nr_before,
			     const struct record *after, size_t nr_after)
{
	const struct field *constant;
	struct change change;
	int named;

	for (size_t i = 0; i < nr_before; i++) {
		change = (struct change){ .before = &before[i], .after = &before[i] };
		for (size_t j = 0; j < before[i].nr_fields; j++) {
			constant = &before[i].fields[j];
			if (!has_constant(after, nr_after, constant, &named) && named)
				differ_own(&change, format("value of %s is no longer %ld",
							   constant->name, (long)constant->at));
		}
		if (change.own)
			add_change(changes, change);
	}
}

static int has_same(const struct record *record, const struct record *others, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (is_same(record, &others[i]))
			return 1;
	}
	return 0;
}

/*
 * All that are defined under one name. Only in functions can there be several; what has its like on
 * the other side is no change, and neither is what has nothing to be compared with.
 */
static void compare_named(struct changes *changes, const struct record *before, size_t nr_before,
			  const struct record *after, size_t nr_after)
{
	size_t i = 0, j = 0;

	if (nr_before == 1 && nr_after == 1 && before->kind == RECORD_ENUM &&
	    is_same(before, after))
		note_constants(before, after);
	for (;;) {
		while (i < nr_before && has_same(&before[i], after, nr_after))
			i++;
		while (j < nr_after && has_same(&after[j], before, nr_before))
			j++;
		if (i == nr_before || j == nr_after)
			return;
		add_change(changes, compare(&before[i++], &after[j++]));
	}
}

static size_t run_length(const struct record *records, size_t nr)
{
	size_t len = 1;

	while (len < nr && !record_order(records, &records[len]))
		len++;
	return len;
}

static void compare_records(struct changes *changes, const struct types *before,
			    const struct types *after)
{
	const struct record *b = before->records, *a = after->records;
	size_t left_b = before->nr_records, left_a = after->nr_records, nr_b, nr_a;
	int order;

	while (left_b && left_a) {
		order = record_order(b, a);
		nr_b = order > 0 ? 0 : run_length(b, left_b);
		nr_a = order < 0 ? 0 : run_length(a, left_a);
		b += nr_b;
		left_b -= nr_b;
		a += nr_a;
		left_a -= nr_a;
		if (!order && !strcmp(record_tag(a - nr_a), "enum"))
			compare_nameless(changes, b - nr_b, nr_b, a - nr_a, nr_a);
		else if (!order)
			compare_named(changes, b - nr_b, nr_b, a - nr_a, nr_a);
	}
}

/* RECORD has a structure of that name within it. */
static int has_part(const struct record *record, const char *name)
{
	for (size_t i = 0; i < record->nr_parts; i++) {
		if (!strcmp(record->parts[i], name))
			return 1;
	}
	return 0;
}

/* RECORD has what has changed within it, however deep, by way of what has changed for that. */
static int comes_from(const struct changes *changes, const struct record *record,
		      const struct record *cause)
{
	const struct change *change;

	if (has_part(record, cause->name))
		return 1;
	for (size_t i = 0; i < changes->nr; i++) {
		change = &changes->change[i];
		if (change->derived && has_part(record, change->before->name) &&
		    comes_from(changes, change->before, cause))
			return 1;
	}
	return 0;
}

static void find_derived(struct changes *changes)
{
	struct change *change;

	for (size_t i = 0; i < changes->nr; i++) {
		change = &changes->change[i];
		for (size_t j = 0; j < changes->nr && !change->own; j++)
			change->derived |= j != i &&
				has_part(change->before, changes->change[j].before->name) &&
				has_part(change->after, changes->change[j].before->name);
	}
}

/* What is behind TOP in PATH, which is PATH when it is not below that. */
static const char *below(const char *path, const char *top, size_t len)
{
	if (!len || strncmp(path, top, len) || path[len] != '/')
		return path;
	path += len + 1;
	return strncmp(path, "./", 2) ? path : path + 2;
}

/* The file as people know it, from the top of the source tree, wherever that stands. */
static const char *shown(const struct unit *unit, const struct types *types, const char *file)
{
	size_t whole = strlen(types->source), known = strlen(unit->source);

	if (!file)
		return unit->source;
	if (whole > known && !strcmp(types->source + whole - known, unit->source))
		file = below(file, types->source, whole - known - 1);
	if (choices.source)
		file = below(file, choices.source, strlen(choices.source));
	if (choices.build)
		file = below(file, choices.build, strlen(choices.build));
	return file;
}

/* Each is refused once, however many units know it; true for the first of them. */
static int tell_once(char *who)
{
	for (size_t i = 0; i < nr_told; i++) {
		if (!strcmp(told[i], who))
			return 0;
	}
	told = grow(told, nr_told, sizeof(*told));
	told[nr_told++] = copy(who);
	return 1;
}

/* "; struct A and 2 others with it" when there are any. */
static char *tell_derived(const struct changes *changes, const struct record *cause)
{
	const struct record *other = NULL;
	const struct change *change;
	size_t nr = 0;

	for (size_t i = 0; i < changes->nr; i++) {
		change = &changes->change[i];
		if (!change->derived || !comes_from(changes, change->before, cause))
			continue;
		if (!other)
			other = change->before;
		nr++;
	}
	if (nr > 1)
		return format("; with it %s and %zu more that it is part of", other->name, nr - 1);
	return nr ? format("; with it %s, which it is part of", other->name) : copy("");
}

static void refuse_change(const struct unit *unit, const struct types *types,
			  const struct changes *changes, const struct change *change)
{
	const struct record *record = change->before;
	size_t more = change->own + change->moved - 1;
	const char *next = record->kind == RECORD_ENUM ? NEXT_ENUM : NEXT_STRUCT;
	char *who, *count, *others;

	who = format("%s%s%s (%s)", record->name, record->function ? " in " : "",
		     record->function ? record->function : "", shown(unit, types, record->file));
	if (tell_once(who)) {
		count = more ? format("; %zu more difference%s", more, more == 1 ? "" : "s") :
			       copy("");
		others = tell_derived(changes, record);
		/* No more than a list of numbers: those who use them are compiled anew. */
		if (!strcmp(record->name, "enum"))
			warn("%s: %s%s: data that is in use may hold old values", who,
			     change->first, count);
		else
			refuse("layout", next, "%s: %s%s%s", who, change->first, count, others);
		free(count);
		free(others);
	}
	free(who);
}

/**
 * layouts_compare - refuse what changes how data is laid out
 * @unit: compiled with debugging information on both sides
 *
 * A unit that is only there on one side has nothing to be compared with.
 */
void layouts_compare(const struct unit *unit)
{
	struct types *before, *after;
	struct changes changes = { 0 };

	if (!unit->before || !unit->after)
		return;
	before = types_read(unit->before->path);
	after = types_read(unit->after->path);
	compare_records(&changes, before, after);
	find_derived(&changes);
	for (size_t i = 0; i < changes.nr; i++) {
		if (!changes.change[i].derived)
			refuse_change(unit, before, &changes, &changes.change[i]);
	}
	for (size_t i = 0; i < changes.nr; i++)
		free(changes.change[i].first);
	free(changes.change);
	types_free(before);
	types_free(after);
}

static void compare_prototypes(const struct unit *unit, const struct types *before,
			       const struct types *after, int (*is_exported)(const char *name))
{
	const struct prototype *b, *a;
	size_t j = 0;

	for (size_t i = 0; i < before->nr_prototypes; i++) {
		b = &before->prototypes[i];
		while (j < after->nr_prototypes && strcmp(after->prototypes[j].name, b->name) < 0)
			j++;
		if (j == after->nr_prototypes)
			break;
		a = &after->prototypes[j];
		if (!strcmp(a->name, b->name) && strcmp(a->type, b->type) && is_exported(b->name)) {
			char *text = tell_type("", b->type, b->written, a->type, a->written);

			refuse("export", NEXT_EXPORT, "%s (%s): %s", b->name, unit->source, text);
			free(text);
		}
	}
}

/* A variable of that name that can be written to, and is the same one on both sides. */
static int is_shared(const struct elf_object *before, const char *name)
{
	for (size_t i = 1; i < before->nr_symbols; i++) {
		const struct symbol *symbol = &before->symbols[i];
		char *base;
		int same;

		if (symbol->type != STT_OBJECT || !symbol->twin || !symbol->section ||
		    !(symbol->section->flags & SHF_WRITE))
			continue;
		base = name_base(symbol->name);
		same = !strcmp(base, name);
		free(base);
		if (same)
			return 1;
	}
	return 0;
}

static void compare_variable(const struct unit *unit, const struct variable *before,
			     const struct variable *after)
{
	char *text;

	if (!strcmp(before->type, after->type) || !is_shared(unit->before, before->name))
		return;
	text = tell_type("", before->type, before->written, after->type, after->written);
	refuse("layout", NEXT_VARIABLE, "%s%s%s (%s): %s", before->name,
	       before->function ? " in " : "", before->function ? before->function : "",
	       unit->source, text);
	free(text);
}

static void compare_variables(const struct unit *unit, const struct types *before,
			      const struct types *after)
{
	size_t k = 0;

	for (size_t i = 0; i < before->nr_variables; i++) {
		const struct variable *one = &before->variables[i];

		while (k < after->nr_variables && variable_order(&after->variables[k], one) < 0)
			k++;
		if (k < after->nr_variables && !variable_order(&after->variables[k], one))
			compare_variable(unit, one, &after->variables[k]);
	}
}

/**
 * declarations_compare - refuse other parameters of exports, and other types of variables
 * @unit: compiled with debugging information on both sides, whose twins have been found
 * @is_exported: modules that nobody here knows can call the function of that name
 *
 * A variable that is in use and has another type of the same size would be two things to old and to
 * new code.
 */
void declarations_compare(const struct unit *unit, int (*is_exported)(const char *name))
{
	struct types *before, *after;

	if (!unit->before || !unit->after)
		return;
	before = types_read(unit->before->path);
	after = types_read(unit->after->path);
	compare_prototypes(unit, before, after, is_exported);
	compare_variables(unit, before, after);
	types_free(before);
	types_free(after);
}
