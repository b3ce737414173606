// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which thing before is which thing after the patches?  Names tell, where they are names of the
 * source.  Local statics, clones and what has made-up names are numbered anew by gcc: they are the
 * same when they are of one base name and the same functions use them.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

/* A symbol on its way to its twin. */
struct candidate {
	struct symbol *symbol;
	char *base;
	char *users;
};

struct candidates {
	struct candidate *one;
	size_t nr;
};

static int is_thing(const struct symbol *symbol)
{
	return symbol->piece && symbol->section && *symbol->name &&
		(symbol->type == STT_FUNC || symbol->type == STT_OBJECT ||
		 symbol->type == STT_NOTYPE);
}

static void pair(struct symbol *a, struct symbol *b)
{
	a->twin = b;
	b->twin = a;
	if (a->piece->symbol == a && b->piece->symbol == b) {
		a->piece->twin = b->piece;
		b->piece->twin = a->piece;
	}
}

static int can_be_twins(const struct symbol *a, const struct symbol *b)
{
	return a->type == b->type && a->piece->kind == b->piece->kind &&
		section_has_run(a->section) == section_has_run(b->section) &&
		(a->section->flags & (SHF_WRITE | SHF_EXECINSTR)) ==
		(b->section->flags & (SHF_WRITE | SHF_EXECINSTR));
}

/* Is the name one that gcc numbers? */
static int is_renamed(const struct symbol *symbol)
{
	char *base = name_base(symbol->name);
	int renamed = strcmp(base, symbol->name);

	free(base);
	return renamed;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

/* The functions that refer to a symbol, by their base names, as one text. */
char *twins_users(const struct elf_object *object, const struct symbol *symbol)
{
	char **names = NULL, *all = copy("");
	size_t nr = 0;

	for (size_t i = 1; i < object->nr_sections; i++) {
		const struct section *section = &object->sections[i];

		for (size_t k = 0; k < section->nr_relocs; k++) {
			struct piece *piece;

			if (section->relocs[k].symbol != symbol)
				continue;
			piece = section_piece(section, section->relocs[k].offset);
			if (piece && piece->owner)
				piece = piece->owner;
			if (!piece || !piece->symbol)
				continue;
			names = grow(names, nr, sizeof(*names));
			names[nr++] = name_base(piece->symbol->name);
		}
	}
	if (nr)
		qsort(names, nr, sizeof(*names), by_text);
	for (size_t i = 0; i < nr; i++) {
		char *longer;

		if (i && !strcmp(names[i], names[i - 1]))
			continue;
		longer = format("%s%s ", all, names[i]);
		free(all);
		all = longer;
	}
	free_list(names, nr);
	return all;
}

/* What is left when those that keep their names have been paired. */
static struct candidates left_in(const struct elf_object *object)
{
	struct candidates all = { 0 };

	for (size_t i = 1; i < object->nr_symbols; i++) {
		struct symbol *symbol = &object->symbols[i];

		/* A local static that has been moved out of its function has its plain name. */
		if (!is_thing(symbol) || symbol->twin)
			continue;
		all.one = grow(all.one, all.nr, sizeof(*all.one));
		all.one[all.nr++] = (struct candidate){
			symbol, name_base(symbol->name), twins_users(object, symbol),
		};
	}
	return all;
}

static int is_alike(const struct candidate *a, const struct candidate *b, int with_users)
{
	return !b->symbol->twin && can_be_twins(a->symbol, b->symbol) &&
		!strcmp(a->base, b->base) && (!with_users || !strcmp(a->users, b->users));
}

static size_t count_alike(const struct candidates *all, const struct candidate *like,
			  int with_users)
{
	size_t nr = 0;

	for (size_t i = 0; i < all->nr; i++)
		nr += is_alike(like, &all->one[i], with_users);
	return nr;
}

/* Of a variable's name alone: what macros make for one message is no loss. */
static void warn_of_guess(const struct candidate *before, const struct candidate *after)
{
	if (after->symbol->type == STT_OBJECT && after->symbol->section->flags & SHF_WRITE &&
	    *after->base != '_' && *before->users && *after->users)
		warn("%s is taken for the variable that %sused before; now %suses it%s",
		     after->base, before->users, after->users,
		     ": if it is another one, give it another name");
}

/* As many on both sides: in their order. */
static void pair_alike(const struct candidates *before, const struct candidates *after,
		       int with_users)
{
	for (size_t i = 0; i < after->nr; i++) {
		struct candidate *one = &after->one[i];

		if (one->symbol->twin ||
		    count_alike(before, one, with_users) != count_alike(after, one, with_users))
			continue;
		for (size_t k = 0; k < before->nr; k++) {
			if (is_alike(one, &before->one[k], with_users)) {
				if (!with_users)
					warn_of_guess(&before->one[k], one);
				pair(before->one[k].symbol, one->symbol);
				break;
			}
		}
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct symbol * const *)a)->name, (*(struct symbol * const *)b)->name);
}

static struct symbol **sorted_things(const struct elf_object *object, size_t *nr)
{
	struct symbol **things = allocate((object->nr_symbols + 1) * sizeof(*things));

	*nr = 0;
	for (size_t i = 1; i < object->nr_symbols; i++) {
		if (is_thing(&object->symbols[i]) && !is_renamed(&object->symbols[i]))
			things[(*nr)++] = &object->symbols[i];
	}
	qsort(things, *nr, sizeof(*things), by_name);
	return things;
}

static void pair_named(const struct elf_object *before, const struct elf_object *after)
{
	size_t nr, most;
	struct symbol **a = sorted_things(before, &nr), **b = sorted_things(after, &most);
	size_t i = 0, k = 0;

	while (i < nr && k < most) {
		int order = strcmp(a[i]->name, b[k]->name);

		if (!order && can_be_twins(a[i], b[k]))
			pair(a[i], b[k]);
		i += order <= 0;
		k += order >= 0;
	}
	free(a);
	free(b);
}

/* What has only been left over on one side each. */
void twins_find(const struct elf_object *before, const struct elf_object *after)
{
	struct candidates a, b;

	pair_named(before, after);
	a = left_in(before);
	b = left_in(after);
	pair_alike(&a, &b, 1);
	pair_alike(&a, &b, 0);
}

/* What has been found out about a symbol of a unit before the patches, put aside. */
struct found {
	struct symbol *twin;
	struct piece *piece_twin;
};

/* Forgets all twins of an object; what they were, the caller's. */
static struct found *put_aside(struct elf_object *object)
{
	struct found *found = allocate((object->nr_symbols + 1) * sizeof(*found));

	for (size_t i = 1; i < object->nr_symbols; i++) {
		struct symbol *symbol = &object->symbols[i];

		found[i].twin = symbol->twin;
		found[i].piece_twin = symbol->piece ? symbol->piece->twin : NULL;
	}
	for (size_t i = 1; i < object->nr_symbols; i++) {
		object->symbols[i].twin = NULL;
		if (object->symbols[i].piece)
			object->symbols[i].piece->twin = NULL;
	}
	return found;
}

static void put_back(struct elf_object *object, struct found *found)
{
	for (size_t i = 1; i < object->nr_symbols; i++) {
		object->symbols[i].twin = found[i].twin;
		if (object->symbols[i].piece)
			object->symbols[i].piece->twin = found[i].piece_twin;
	}
	free(found);
}

/*
 * The kernel's names of what is in BEFORE: those of the unit NAMED, which was compiled with the
 * very headers of the kernel.
 */
void twins_name(const struct elf_object *named, struct elf_object *before)
{
	struct found *found = put_aside(before);

	twins_find(named, before);
	for (size_t i = 1; i < before->nr_symbols; i++) {
		struct symbol *symbol = &before->symbols[i];

		if (symbol->twin && strcmp(symbol->name, symbol->twin->name))
			symbol->kernel_name = symbol->twin->name;
	}
	put_back(before, found);
}
