// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of the functions that are replaced may never be left?  What a kernel thread runs from its
 * begin to its end. It is given by its address to the function that makes threads, which is as much
 * as can be seen here.
 */
#include <string.h>
#include "build.h"

/* The function that makes threads and that PIECE calls, or NULL. */
static const char *maker_in(const struct piece *piece)
{
	static const char * const makers[] = { "kthread_create_on_", "__kthread_create_on_",
		"kernel_thread", "user_mode_thread", "create_io_thread" };
	struct relocs relocs = piece_relocs(piece);

	for (struct reloc *reloc = relocs.first; reloc < relocs.end; reloc++) {
		const char *name = reloc->symbol->name;

		if (name_begins(name, makers, ARRAY_SIZE(makers)))
			return name;
	}
	return NULL;
}

/* Who makes threads of the function PIECE, or NULL. */
static const struct piece *creator_of(const struct piece *piece)
{
	const struct elf_object *object = piece->section->object;

	for (size_t i = 1; i < object->nr_sections; i++) {
		const struct section *section = &object->sections[i];

		for (size_t k = 0; section->flags & SHF_EXECINSTR && k < section->nr_relocs; k++) {
			const struct reloc *reloc = &section->relocs[k];
			struct piece *from;

			if (reloc->symbol->piece != piece || reloc->type == R_X86_64_PLT32)
				continue;
			from = section_piece(section, reloc->offset);
			if (from && maker_in(from))
				return piece_whole(from);
		}
	}
	return NULL;
}

/* Somebody is always in there: who sleeps, and threads that are made elsewhere. */
static int is_never_left(const char *name)
{
	static const char * const names[] = { "schedule", "schedule_idle", "do_idle",
		"cpu_startup_entry", "kthread", "kthreadd", "kthread_worker_fn", "worker_thread",
		"rescuer_thread", "smpboot_thread_fn", "rest_init", "start_secondary" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], name))
			return 1;
	}
	return 0;
}

/* PIECE is a function before the patches, and is replaced. */
void threads_warn(const struct unit *unit, const struct piece *piece)
{
	const struct piece *creator = creator_of(piece);

	if (!creator && piece->symbol && is_never_left(piece->symbol->name))
		warn("%s: there is always a task in %s: the patch does not come into force",
		     unit->source, piece->symbol->name);
	if (creator && creator->symbol)
		warn("%s: %s makes kernel threads of %s: %s", unit->source, creator->symbol->name,
		     piece->symbol->name,
		     "the patch is not in force as long as one is in there, which may be for ever");
}
