// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has to be in the module?  The functions that have changed, and whatever these refer to that
 * the running kernel does not have: new functions and data, and copies of constants. Everything
 * else is named, and found by the kernel when the module is loaded.
 */
#include <stdlib.h>
#include <string.h>
#include "build.h"

static struct units *all;

static struct piece **queue;
static size_t nr_queued;

static struct external **externals;
static size_t nr_externals;

static const char *piece_name(const struct piece *piece)
{
	return piece->symbol ? piece->symbol->name : piece->section->name;
}

struct unit *unit_of(const struct piece *piece)
{
	for (size_t i = 0; i < all->nr; i++) {
		if (all->unit[i].after == piece->section->object ||
		    all->unit[i].before == piece->section->object)
			return &all->unit[i];
	}
	return NULL;
}

/* ---- names of the kernel */

static int is_same_external(const struct external *a, const struct external *b)
{
	return !strcmp(a->kernel->object, b->kernel->object) &&
		!strcmp(a->kernel->name, b->kernel->name) &&
		a->kernel->sympos == b->kernel->sympos && !strcmp(a->needs, b->needs);
}

static int is_taken(const char *name)
{
	for (size_t i = 0; i < nr_externals; i++) {
		if (!strcmp(externals[i]->link_name, name))
			return 1;
	}
	return 0;
}

/*
 * What it is called until the module is linked. objtool knows functions that do not return by their
 * names; of trampolines of static calls that no module may use it must know nothing, and modpost
 * nothing of exports that the module loader would not give.
 */
static char *link_name(const struct external *external)
{
	const char *name = external->kernel->name;
	char *unique;
	int is_known, i = 0;

	if (external->plain)
		return copy(name);
	is_known = !strncmp(name, "__SCT__", 7) || kernel_exports(name);
	unique = format("%s%s", is_known ? "klp" : "", name);
	while (is_taken(unique)) {
		free(unique);
		unique = format("%s.klp%d", name, ++i);
	}
	return unique;
}

/* Once for all who refer to it. */
static struct external *external_for(const struct unit *unit, struct kernel_symbol *kernel)
{
	struct external *new = allocate(sizeof(*new));
	const struct symbol *symbol = kernel_at(kernel->object, kernel->name, kernel->sympos);

	if (symbol && symbol->section && symbol->type != STT_NOTYPE &&
	    section_has_run(symbol->section))
		refuse("init", "copy what is needed of it under another name",
		       "%s: code that stays uses %s, which the kernel has freed", unit->source,
		       kernel->name);

	new->kernel = kernel;
	new->needs = strcmp(kernel->object, "vmlinux") ? unit->module : copy("vmlinux");
	new->plain = kernel->exported;
	for (size_t i = 0; i < nr_externals; i++) {
		if (is_same_external(externals[i], new)) {
			free(new);
			return externals[i];
		}
	}
	new->link_name = link_name(new);
	externals = grow(externals, nr_externals, sizeof(*externals));
	externals[nr_externals++] = new;
	return new;
}

struct external **reach_externals(size_t *nr)
{
	*nr = nr_externals;
	return externals;
}

/* How the kernel names the function that PIECE replaces. */
struct kernel_symbol *reach_replaced(const struct piece *piece)
{
	const struct unit *unit = unit_of(piece);
	size_t many;

	return kernel_name_of(unit, kernel_find(unit, piece->twin->symbol, &many));
}

/* What it is called in the finished module; the text is the caller's. */
char *external_name(const struct external *external)
{
	const struct kernel_symbol *k = external->kernel;

	return external->plain ? copy(external->link_name) :
		format(".klp.sym.%s.%s,%lu", k->object, k->name, k->sympos);
}

/* Something of this unit that the kernel has: SYMBOL is from before the patches. */
static struct external *in_kernel(const struct unit *unit, const struct symbol *symbol)
{
	size_t many;
	struct symbol *found = kernel_find(unit, symbol, &many);
	struct external *external;

	if (!found && many > 1)
		refuse("ambiguous", NULL, "%s: %zu symbols %s of the kernel cannot be told apart",
		       unit->source, many, symbol->name);
	else if (!found)
		refuse("identity", "is the build tree the one of the running kernel?",
		       "%s: %s is not in %s", unit->source, symbol->name, unit->module);
	if (!found)
		return NULL;
	external = external_for(unit, kernel_name_of(unit, found));
	if (symbol->hidden)
		external->unit = unit;
	return external;
}

static struct external *elsewhere(const struct unit *unit, const struct symbol *symbol)
{
	struct kernel_symbol *kernel = kernel_external(unit, symbol->name);

	if (!kernel)
		refuse("undefined", "see whether this configuration of the kernel has it",
		       "%s: there is no %s in the kernel for code of %s",
		       unit->source, symbol->name, unit->module);
	return kernel ? external_for(unit, kernel) : NULL;
}

/* ---- from a relocation to what it means */

/* A global symbol of another unit that is compiled, too. */
static struct symbol *in_other_unit(const struct unit *unit, const char *name)
{
	for (size_t i = 0; i < all->nr; i++) {
		struct symbol *symbol;

		if (&all->unit[i] == unit || strcmp(all->unit[i].module, unit->module))
			continue;
		symbol = object_symbol(all->unit[i].after, name);
		if (symbol && !symbol->hidden && symbol->piece)
			return symbol;
	}
	return NULL;
}

static int is_call(const struct reloc *reloc)
{
	return reloc->type == R_X86_64_PLT32;
}

/* Does it lead to the begin of TO? Labels are further on. */
static int is_entry(const struct piece *from, const struct piece *to, const struct reloc *reloc)
{
	return reloc->symbol->section == to->section &&
		reloc_target(from->section, reloc) == to->start;
}

/* Does code keep the address of the function that it stands in, and that is replaced? */
static int is_own_address(const struct piece *from, const struct piece *to,
			  const struct reloc *reloc)
{
	return from->kind == PIECE_FUNCTION && to->kind == PIECE_FUNCTION && !to->owner &&
		to->twin && to->changed && !is_call(reloc) && is_entry(from, to, reloc);
}

/* Is it in the module, or a copy of it? Calls go straight, addresses are those of the kernel. */
static int is_inside(const struct piece *from, struct piece *to, const struct reloc *reloc)
{
	struct piece *whole = piece_whole(to);

	if (is_own_address(from, to, reloc))
		return 0;
	if (whole == piece_whole((struct piece *)from))
		return 1;
	if (to->kind == PIECE_CONSTANT || to->kind == PIECE_CODE)
		return 1;
	if (!strcmp(to->section->name, "__dyndbg") || whole->copied)
		return 1;
	if (!whole->twin && !(to->symbol && to->symbol->twin))
		return 1;
	return whole->kind == PIECE_FUNCTION && whole->changed && is_call(reloc);
}

/* What RELOC of the section of FROM leads to: a piece that is in, or a name of the kernel. */
struct target reach_target(const struct piece *from, const struct reloc *reloc)
{
	struct unit *unit = unit_of(from);
	struct symbol *symbol = reloc->symbol;
	struct target target = { .symbol = symbol };

	if (!symbol->section && !symbol->absolute) {
		struct symbol *other = in_other_unit(unit, symbol->name);

		if (!other || !is_inside(from, other->piece, reloc)) {
			/* It may have been static, and have become known to others by the patch. */
			target.external = other && other->twin && other->twin->hidden ?
				in_kernel(unit_of(other->piece), other->twin) :
				elsewhere(unit, symbol);
			return target;
		}
		target.symbol = other;
		target.piece = other->piece;
		return target;
	}
	target.piece = symbol->piece ? symbol->piece : reloc_piece(from->section, reloc);
	if (!target.piece) {
		refuse("special section", NULL,
		       "%s: %s refers to something in section %s that is not known",
		       unit->source, piece_name(from),
		       symbol->section ? symbol->section->name : symbol->name);
		return target;
	}
	if (is_inside(from, target.piece, reloc))
		return target;
	if (!symbol->twin)
		symbol = target.piece->symbol;
	target.external = symbol && symbol->twin ? in_kernel(unit, symbol->twin) : NULL;
	if (target.external)
		target.shift = (int64_t)(reloc->symbol->value - symbol->value);
	if (!target.external && !refusals())
		refuse("special section", NULL,
		       "%s: %s refers to %s, which has no name in the kernel",
		       unit->source, piece_name(from), piece_name(target.piece));
	target.piece = NULL;
	return target;
}

/* ---- what cannot be new */

/* Refuses what cannot; what that in turn refers to is not of interest then. */
static int can_be_new(const struct piece *piece, const struct piece *from)
{
	const struct unit *unit = unit_of(piece);
	const char *section = piece->section->name;

	if (!strcmp(section, ".BTF_ids"))
		refuse("special section", NULL,
		       "%s: %s refers to a list of types for BPF that the kernel does not have",
		       unit->source, piece_name(from));
	else if (piece->kind == PIECE_ENTRY || piece->kind == PIECE_IGNORED)
		refuse("special section", NULL, "%s: %s refers to section %s, which is not known",
		       unit->source, piece_name(from), section);
	else if (!strncmp(section, ".data..percpu", 13))
		refuse("per-CPU data", "use a shadow variable, or an array by CPU",
		       "%s: %s is new per-CPU data, which a livepatch cannot have", unit->source,
		       piece_name(piece));
	else if (section_has_run(piece->section))
		refuse("init", NULL, "%s: %s refers to %s in %s, which is not there when it runs",
		       unit->source, piece_name(from), piece_name(piece), section);
	else /* A tracepoint has been refused before: nobody knows it by its section. */
		return strcmp(section, "__tracepoints") != 0;
	return 0;
}

/* Functions in data, as in tables of operations, timers and work items. */
static int has_functions(const struct piece *piece)
{
	struct relocs relocs = piece_relocs(piece);

	for (struct reloc *reloc = relocs.first; reloc < relocs.end; reloc++) {
		const struct piece *to = reloc_piece(piece->section, reloc);

		if (!reloc->symbol->section || (to && to->kind == PIECE_FUNCTION && !to->owner &&
						to->start == reloc_target(piece->section, reloc)))
			return 1;
	}
	return 0;
}

static void warn_of_data(const struct piece *from, const struct piece *to)
{
	if (to->kind == PIECE_DATA && to->symbol && !to->twin && from->kind == PIECE_FUNCTION &&
	    strcmp(to->section->name, "__dyndbg") && *to->symbol->name != '_' &&
	    has_functions(to))
		warn("%s: %s uses the new variable %s, with functions in it: %s",
		     unit_of(from)->source, piece_name(from), piece_name(to),
		     "if that gets into data of the kernel, the module must never be removed");
}

static void warn_of_escape(const struct piece *from, const struct piece *to,
			   const struct reloc *reloc)
{
	warn_of_data(from, to);
	if (to->kind != PIECE_FUNCTION || to->twin || to->owner || is_call(reloc) ||
	    piece_whole((struct piece *)from) == to || from->kind == PIECE_ENTRY)
		return;
	warn("%s: %s takes the address of the new function %s: %s", unit_of(from)->source,
	     piece_name(from), piece_name(to),
	     "if that gets into data of the kernel, the module must never be removed");
}

/* ---- following */

static void take(struct piece *piece, enum why why, const char *because)
{
	if (piece->why != NOT_IN)
		return;
	piece->why = why;
	if (because)
		piece->because = copy(because);
	queue = grow(queue, nr_queued, sizeof(*queue));
	queue[nr_queued++] = piece;
}

static void take_parts(struct piece *piece)
{
	for (size_t i = 0; i < piece->nr_entries; i++) {
		if (piece->entries[i]->kind != PIECE_IGNORED)
			take(piece->entries[i], WHY_PART, NULL);
	}
}

static void follow(struct piece *piece)
{
	struct relocs relocs = piece_relocs(piece);

	for (struct reloc *reloc = relocs.first; reloc < relocs.end; reloc++) {
		struct target target = reach_target(piece, reloc);
		struct piece *whole;

		if (!target.piece)
			continue;
		whole = piece_whole(target.piece);
		if (whole->why == NOT_IN && whole != piece_whole(piece) &&
		    !can_be_new(whole, piece))
			continue;
		warn_of_escape(piece, target.piece, reloc);
		take(whole, whole->kind == PIECE_CONSTANT ? WHY_PART :
		     whole->copied ? WHY_COPIED : WHY_NEW, piece_name(piece_whole(piece)));
		/* Constants may be parts of others; code that is nobody's. */
		take(target.piece, WHY_PART, NULL);
	}
}

/* Key and site of a jump label: keys of a module come and go with it. */
static void check_keys(struct piece *piece)
{
	const struct section *section = piece->section;
	struct relocs relocs = piece_relocs(piece);
	struct unit *unit = unit_of(piece);

	if (strcmp(section->name, "__jump_table"))
		return;
	for (struct reloc *reloc = relocs.first; reloc < relocs.end; reloc++) {
		struct target target = reach_target(piece, reloc);

		if (target.external && strcmp(target.external->kernel->object, "vmlinux"))
			refuse("static key", "use static_key_enabled() in the changed function",
			       "%s: key %s of %s belongs to module %s", unit->source,
			       target.external->kernel->name, piece_name(piece_whole(piece)),
			       target.external->kernel->object);
	}
}

/* Code of a module is linked when the module has come: too late for what is patched at load. */
static void check_late(struct piece *piece)
{
	const struct section *section = piece->section;
	struct relocs relocs = piece_relocs(piece);

	if (strncmp(section->name, ".altinstr", 9))
		return;
	for (struct reloc *reloc = relocs.first; reloc < relocs.end; reloc++) {
		struct target target = reach_target(piece, reloc);

		if (target.external && strcmp(target.external->needs, "vmlinux"))
			refuse("alternative", NULL,
			       "%s: an alternative in %s refers to %s of module %s",
			       unit_of(piece)->source, piece_name(piece_whole(piece)),
			       target.external->kernel->name, target.external->kernel->object);
	}
}

/* What has run has been refused for that. */
static void check_traceable(const struct unit *unit, const struct piece *piece)
{
	if (is_traceable(piece->twin) || section_has_run(piece->section))
		return;
	if (piece->because)
		refuse("not traceable", "patch its callers",
		       "%s: %s, which uses the changed %s, cannot be reached by ftrace",
		       unit->source, piece->symbol->name, piece->because);
	else
		refuse("not traceable", "patch its callers", "%s: %s cannot be reached by ftrace",
		       unit->source, piece->symbol->name);
}

/* For tests: all that ftrace reaches, that has not run already, and that nothing overrides. */
static void change_everything(struct piece *piece)
{
	if (choices.everything && piece->kind == PIECE_FUNCTION && piece->twin && !piece->owner &&
	    piece->symbol->bind != STB_WEAK &&
	    !strncmp(piece->section->name, ".text", 5) && is_traceable(piece->twin))
		piece->changed = 1;
}

static void take_changed(struct unit *unit)
{
	for (size_t i = 1; i < unit->after->nr_sections; i++) {
		struct section *section = &unit->after->sections[i];

		for (size_t k = 0; k < section->nr_pieces; k++) {
			struct piece *piece = section->pieces[k];

			change_everything(piece);
			if (piece->kind != PIECE_FUNCTION || !piece->changed || piece->owner ||
			    piece->copied)
				continue;
			check_traceable(unit, piece);
			identity_check(unit, piece->twin->symbol);
			threads_warn(unit, piece->twin);
			take(piece, WHY_CHANGED, NULL);
		}
	}
}

/* Where the macros of <linux/livepatch_helpers.h> leave the callbacks of a patch. */
#define SECTION_CALLBACKS	".discard.klp_callback_ptrs"

/* The kind of a callback by the name of its pointer, NULL if it is none. */
static const char *callback_kind(const struct section *section, uint64_t offset)
{
	static const char * const kinds[] = { "pre_patch", "post_patch", "pre_unpatch",
		"post_unpatch" };

	for (size_t i = 0; i < section->nr_symbols * ARRAY_SIZE(kinds); i++) {
		const struct symbol *symbol = section->symbols[i / ARRAY_SIZE(kinds)];
		const char *kind = kinds[i % ARRAY_SIZE(kinds)];
		char *start = format("__klp_%s_callback_", kind);
		int is = symbol->value == offset && !strncmp(symbol->name, start, strlen(start));

		free(start);
		if (is)
			return kind;
	}
	return NULL;
}

/* Functions that the patches declare to be callbacks. */
static void take_callbacks(struct unit *unit)
{
	const struct section *section = object_section(unit->after, SECTION_CALLBACKS);

	for (size_t i = 0; section && i < section->nr_relocs; i++) {
		const char *kind = callback_kind(section, section->relocs[i].offset);
		struct piece *piece = reloc_piece(section, &section->relocs[i]);

		if (!kind || !piece || piece->kind != PIECE_FUNCTION)
			continue;
		piece->callback = kind;
		take(piece, WHY_NEW, kind);
	}
}

/* All that is in, in the order in which it was found; refuses what cannot be. */
struct piece **reach(struct units *units, size_t *nr)
{
	all = units;
	for (size_t i = 0; i < units->nr; i++)
		take_changed(&units->unit[i]);
	/* Without a change there is nothing that they could be called for. */
	for (size_t i = 0; nr_queued && i < units->nr; i++)
		take_callbacks(&units->unit[i]);
	for (size_t i = 0; i < nr_queued; i++) {
		take_parts(queue[i]);
		follow(queue[i]);
		check_keys(queue[i]);
		check_late(queue[i]);
	}
	*nr = nr_queued;
	return queue;
}
