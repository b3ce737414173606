// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp list --installed: which patches are loaded at boot, and which of them are in force?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

struct row {
	char *release;
	const char *file;
	struct module_file m;
	char *state;
	int unreadable;
};

struct rows {
	struct row *row;
	size_t nr;
};

/* The name of a newer one that is in force instead, or NULL. */
static const char *replacement(const struct rows *all, size_t index)
{
	const char *name = NULL;

	for (size_t i = all->nr; i-- > index + 1 && !name; ) {
		struct row *other = &all->row[i];
		struct patch patch;

		if (!other->m.name || strcmp(other->release, all->row[index].release) ||
		    !is_in_force(other->m.name))
			continue;
		patch_read(&patch, other->m.name);
		if (force_replaces(&other->m, &patch, &all->row[index].m) == 1)
			name = other->m.name;
		patch_free(&patch);
	}
	return name;
}

static char *state_of(const struct rows *all, size_t index, const char *running)
{
	const struct row *row = &all->row[index];
	const char *name = row->m.name, *other;
	struct patch patch;
	char *state;

	if (!name)
		return copy(row->unreadable ? "unreadable" : "damaged");
	if (strcmp(row->release, running))
		return copy("other kernel");
	if (!patch_exists(name)) {
		other = replacement(all, index);
		return other ? format("replaced by %s", other) : copy("not in force");
	}
	patch_read(&patch, name);
	if (strcmp(patch_state(&patch), "enabled"))
		state = copy(patch_state(&patch));
	else
		state = copy(module_is_other_build(&row->m) ? "other build" : "in force");
	patch_free(&patch);
	return state;
}

static void add_release(struct rows *all, const char *release)
{
	char *dir = store_directory(release);
	size_t nr;
	char **names = store_files(dir, &nr);

	for (size_t i = 0; i < nr; i++) {
		char *path = format("%s/%s", dir, names[i]);
		struct row *row;

		all->row = grow(all->row, all->nr, sizeof(*row));
		row = &all->row[all->nr++];
		row->release = copy(release);
		row->unreadable = access(path, R_OK);
		if (row->unreadable)
			unseen_note(path, errno);
		hush(1);
		if (module_open(&row->m, path)) {
			free(row->m.name);
			row->m.name = NULL;
		}
		hush(-1);
		row->file = strrchr(row->m.path, '/') + 1;
		free(path);
	}
	free_list(names, nr);
	free(dir);
}

static void print_rows(const struct rows *all)
{
	int file = strlen("FILE"), release = strlen("KERNEL"), name = strlen("PATCH");

	if (!all->nr) {
		print("%s\n", unseen_first() ? "unknown which patches are installed" :
		      "no installed patches");
		return;
	}
	for (size_t i = 0; i < all->nr; i++) {
		const struct row *row = &all->row[i];

		if ((int)strlen(row->release) > release)
			release = strlen(row->release);
		if ((int)strlen(row->file) > file)
			file = strlen(row->file);
		if (row->m.name && (int)strlen(row->m.name) > name)
			name = strlen(row->m.name);
	}
	print_in(BOLD, "%-*s  %-*s  %-*s  STATE", release, "KERNEL", file, "FILE", name, "PATCH");
	fputc('\n', out);
	for (size_t i = 0; i < all->nr; i++) {
		const struct row *row = &all->row[i];
		enum colour colour = strcmp(row->state, "in force") ? PLAIN : GREEN;

		print_padded(row->release, release);
		print_padded(row->file, file);
		print_padded(row->m.name ? row->m.name : "-", name);
		print_in(colour, "%s", row->state);
		fputc('\n', out);
	}
}

static void print_json(const struct rows *all)
{
	json_open(NULL, '{');
	if (!all->nr && unseen_first()) {
		json_string("installed", NULL);
		json_close();
		return;
	}
	json_open("installed", '[');
	for (size_t i = 0; i < all->nr; i++) {
		const struct row *row = &all->row[i];

		json_open(NULL, '{');
		json_string("kernel", row->release);
		json_string("file", row->file);
		json_string("patch", row->m.name);
		json_string("version", row->m.version);
		json_string("state", row->state);
		json_close();
	}
	json_close();
	json_close();
}

/* This kernel's first, for all others it is only known what there is. */
int installed_list(void)
{
	char *running = kernel_release();
	struct rows all = { };
	size_t nr;
	char **releases = store_releases(&nr);

	if (!options.release)
		add_release(&all, running);
	for (size_t i = 0; i < nr; i++) {
		if (options.release ? !strcmp(releases[i], options.release) :
		    strcmp(releases[i], running))
			add_release(&all, releases[i]);
	}
	for (size_t i = 0; i < all.nr; i++)
		all.row[i].state = state_of(&all, i, running);
	if (options.given & OPT_JSON)
		print_json(&all);
	else
		print_rows(&all);
	for (size_t i = 0; i < all.nr; i++) {
		module_close(&all.row[i].m);
		free(all.row[i].release);
		free(all.row[i].state);
	}
	free(all.row);
	free_list(releases, nr);
	free(running);
	return KLP_OK;
}
