// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp load --all: what should be in force, and is it?  Every patch of a directory, unless a newer
 * one there replaces it.  Nothing that is in force gives way to something older; and what is in
 * force is not asked of the modules that are loaded, but of the patches.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "klp.h"

enum fate {
	FATE_OPEN,
	FATE_IN_FORCE,
	FATE_REPLACED,
	FATE_FAILED,
};

/* A file of the directory; the newer ones come after it. */
struct member {
	struct module_file m;
	enum fate fate;
	int loaded;
	int status;
};

struct members {
	struct member *member;
	size_t nr;
};

static int is_dry(void)
{
	return !!(options.given & OPT_DRY_RUN);
}

static int fail(struct member *me, int status)
{
	me->fate = FATE_FAILED;
	me->status = status ? status : KLP_FAILED;
	return 1;
}

static int replaced_by(struct member *me, const struct member *other)
{
	tell("%s: patch %s is replaced by %s", me->m.path, me->m.name, other->m.name);
	me->fate = FATE_REPLACED;
	return 1;
}

/* Is it there already, of this build? */
static int found_in_force(struct member *me)
{
	if (!is_in_force(me->m.name))
		return 0;
	if (!module_is_other_build(&me->m)) {
		tell("%s: patch %s is in force", me->m.path, me->m.name);
		me->fate = FATE_IN_FORCE;
		return 1;
	}
	error("%s: patch %s is in force as another build than this file", me->m.path, me->m.name);
	next_step("to change over: klp unload %s, then klp load %s", me->m.name, me->m.path);
	return fail(me, KLP_FAILED);
}

static int out_of_order(struct member *me, const char *name, const char *why)
{
	error("%s: patch %s is not loaded: %s %s", me->m.path, me->m.name, why, name);
	next_step("to have both in order: klp unload %s, then klp load --all", name);
	return fail(me, KLP_FAILED);
}

/* The newer patch OTHER is in force. Has ME been replaced by it, or may it come after it? */
static int judge_newer(struct member *me, const struct member *other, const struct patch *newer)
{
	const struct tables *mine = &me->m.tables;
	long replaced = force_replaces(&other->m, newer, &me->m);

	if (replaced == 1)
		return replaced_by(me, other);
	/* Other sets have nothing to do with each other. */
	if (newer->replace_set != UNKNOWN && mine->replace_set != UNKNOWN &&
	    newer->replace_set != mine->replace_set)
		return 0;
	if (replaced == UNKNOWN)
		return out_of_order(me, newer->name,
				    "nothing tells whether it is replaced by the newer");
	if (mine->replace)
		return out_of_order(me, newer->name, "it could replace the newer");
	if (objects_shared(mine->objects, mine->nr, newer->objects, newer->nr))
		return out_of_order(me, newer->name, "it would go on top of the newer");
	return 0;
}

static int judge_all_newer(struct members *all, size_t index)
{
	struct member *me = &all->member[index];

	for (size_t i = all->nr - 1; i > index && !me->fate; i--) {
		struct member *other = &all->member[i];
		struct patch newer;

		if (!other->m.name || !is_in_force(other->m.name))
			continue;
		patch_read(&newer, other->m.name);
		judge_newer(me, other, &newer);
		patch_free(&newer);
	}
	return me->fate;
}

static int is_member(const struct members *all, const char *name)
{
	for (size_t i = 0; i < all->nr; i++) {
		if (all->member[i].m.name && !strcmp(all->member[i].m.name, name))
			return 1;
	}
	return 0;
}

/* Would something be replaced that is newer by its name, and has been loaded by hand? */
static int judge_foreign(const struct members *all, struct member *me)
{
	const struct tables *mine = &me->m.tables;
	struct patches patches;

	if (mine->replace == 0)
		return 0;
	patches_read(&patches);
	for (size_t i = 0; i < patches.nr && !me->fate; i++) {
		const struct patch *p = &patches.patch[i];

		if (p->inactive || is_member(all, p->name) ||
		    version_compare(p->name, me->m.name) < 0 ||
		    (p->replace_set != UNKNOWN && mine->replace_set != UNKNOWN &&
		     !tables_cover(mine, p->replace_set)))
			continue;
		error("%s: patch %s is not loaded: it could replace %s, newer by its name",
		      me->m.path, me->m.name, p->name);
		next_step("install that one: klp install FILE.ko; or go back: klp rollback %s",
			  me->m.path);
		fail(me, KLP_FAILED);
	}
	patches_free(&patches);
	return me->fate;
}

/* At boot nobody else does. */
static void load_needed(const struct module_file *m)
{
	char *list = copy(m->depends ? m->depends : ""), *rest = list, *name;

	while (!is_dry() && !*root && (name = strsep(&rest, ","))) {
		const char * const argv[] = { "modprobe", "-q", "--", name, NULL };

		if (*name && !exists("/sys/module/%s", name))
			program_run(argv, -1, -1, 0);
	}
	free(list);
}

/* With those that would have been loaded before it. */
static int verify(const struct members *all, const struct member *me)
{
	int bad = 0;

	for (size_t i = 0; i < all->nr; i++) {
		if (all->member[i].loaded)
			bad |= verify_after(&me->m, &all->member[i].m);
	}
	return verify_module(&me->m) || bad ? KLP_FAILED : KLP_OK;
}

static void load(const struct members *all, struct member *me)
{
	int status;

	load_needed(&me->m);
	status = check_module(&me->m);
	if (!status)
		status = is_dry() ? verify(all, me) : load_module(&me->m, NULL, 0);
	if (status) {
		fail(me, status);
	} else {
		me->fate = FATE_IN_FORCE;
		me->loaded = 1;
	}
}

/* The newest that replaces it is tried first; it is loaded itself when none of them can be. */
static void bring(struct members *all, size_t index)
{
	struct member *me = &all->member[index];

	if (me->fate || interrupted() || found_in_force(me))
		return;
	for (size_t i = all->nr - 1; i > index; i--) {
		struct member *other = &all->member[i];

		if (!other->m.name || !tables_replace(&other->m.tables, &me->m.tables))
			continue;
		bring(all, i);
		if (other->fate == FATE_IN_FORCE) {
			replaced_by(me, other);
			return;
		}
	}
	if (!judge_all_newer(all, index) && !judge_foreign(all, me))
		load(all, me);
}

/* ME has vanished, or would if klp had loaded anything. */
static int has_replaced(const struct member *other, const struct member *me)
{
	if (is_dry())
		return tables_replace(&other->m.tables, &me->m.tables);
	return is_in_force(other->m.name) &&
		read_number("/sys/kernel/livepatch/%s/replace", other->m.name);
}

/* What has vanished since was replaced by a later one, or is missing. */
static void look_again(struct members *all, size_t index)
{
	struct member *me = &all->member[index];

	if (me->fate != FATE_IN_FORCE || (!is_dry() && is_in_force(me->m.name)))
		return;
	for (size_t i = all->nr - 1; i > index; i--) {
		struct member *other = &all->member[i];

		if (other->loaded && has_replaced(other, me)) {
			replaced_by(me, other);
			return;
		}
	}
	if (is_dry())
		return;
	error("%s: patch %s is not in force any more", me->m.path, me->m.name);
	next_step("see what there is now: klp list");
	fail(me, KLP_FAILED);
}

static int sum_up(const char *dir, const struct members *all)
{
	size_t count[FATE_FAILED + 1] = { 0 }, loaded = 0;
	int status = KLP_OK;

	for (size_t i = 0; i < all->nr; i++) {
		const struct member *me = &all->member[i];

		count[me->fate]++;
		loaded += me->loaded && me->fate == FATE_IN_FORCE;
		if (me->status)
			status = me->status;
		if (me->fate == FATE_OPEN)
			status = KLP_INTERRUPTED;
	}
	tell("%s: %zu %s force, %zu of them %s, %zu replaced, %zu failed", dir,
	     count[FATE_IN_FORCE], is_dry() ? "would be in" : "in", loaded,
	     is_dry() ? "to be loaded" : "loaded now", count[FATE_REPLACED],
	     count[FATE_FAILED] + count[FATE_OPEN]);
	return status;
}

static void open_members(struct members *all, const char *dir, char **names, size_t nr)
{
	all->member = allocate((nr + 1) * sizeof(*all->member));
	all->nr = nr;
	for (size_t i = 0; i < nr; i++) {
		struct member *me = &all->member[i];
		char *path = format("%s/%s", dir, names[i]);
		int status = module_open(&me->m, path);

		if (status)
			fail(me, status);
		free(path);
	}
}

static int load_directory(const char *dir, char **names, size_t nr)
{
	struct members all;
	int status;

	/* Whether it has come to an end or not, what can be loaded is. */
	if (!is_dry())
		await_transition(NULL);
	open_members(&all, dir, names, nr);
	for (size_t i = 0; i < all.nr; i++)
		bring(&all, i);
	for (size_t i = 0; i < all.nr; i++)
		look_again(&all, i);
	status = sum_up(dir, &all);
	for (size_t i = 0; i < all.nr; i++)
		module_close(&all.member[i].m);
	free(all.member);
	return status;
}

/* They are those for boot, unless the command line says otherwise. */
static int set_limits(void)
{
	if (!(options.given & OPT_TIMEOUT))
		options.timeout = config.boot_timeout;
	options.revert = config.boot_revert;
	return limits_check();
}

/* Of two at once, the second finds everything in force. */
static int await_other_load(void)
{
	if (is_dry() || !lock_try(LOCK_ALL, NULL))
		return KLP_OK;
	catch_interrupts();
	return lock_wait(LOCK_ALL, options.timeout,
			 "see how far it is: klp list; who holds it up: klp blockers");
}

int boot_load(void)
{
	char *release = kernel_release();
	char *dir = options.argc ? copy(options.argv[0]) : store_directory(release);
	int way_out = config_way_out(), status = set_limits();
	char **names = NULL;
	size_t nr = 0;

	if (!status && !way_out)
		status = await_other_load();
	if (!status && way_out) {
		tell("klp.enable=0 is on the command line of the kernel: nothing is loaded");
	} else if (!status) {
		names = store_files(dir, &nr);
		if (!names && (errno != ENOENT || options.argc)) {
			error("%s: %s", dir, strerror(errno));
			next_step("give a directory with .ko files");
			status = KLP_FAILED;
		} else {
			status = load_directory(dir, names, nr);
		}
	}
	lock_drop(LOCK_ALL);
	free_list(names, nr);
	free(dir);
	free(release);
	return status;
}
