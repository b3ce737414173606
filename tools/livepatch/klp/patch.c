// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which patches are there, and what does the kernel show of them?  All that sysfs has; a file that
 * this kernel does not have leaves UNKNOWN behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

#define LP	"/sys/kernel/livepatch"

/* Says so when the kernel has no livepatch. */
int livepatch_needed(void)
{
	long before = unseen_count();

	if (exists(LP))
		return KLP_OK;
	if (unseen_count() != before)
		return unseen_tell();
	error("%s%s does not exist: this kernel has no livepatch", root, LP);
	if (!exists("/sys/kernel"))
		next_step("mount sysfs: mount -t sysfs none /sys");
	else
		next_step("boot a kernel with CONFIG_LIVEPATCH=y");
	return KLP_UNSUPPORTED;
}

static void object_read(struct object *object, const char *patch)
{
	char *path = rooted(LP "/%s/%s", patch, object->name);
	size_t nr;
	char **names = list_directory(path, &nr);

	object->unlisted = !names;
	object->patched = read_number(LP "/%s/%s/patched", patch, object->name);
	for (size_t i = 0; i < nr; i++) {
		char *comma = strrchr(names[i], ',');
		struct function *f;

		if (!comma)
			continue;
		object->functions = grow(object->functions, object->nr, sizeof(*f));
		f = &object->functions[object->nr++];
		f->sympos = strtoul(comma + 1, NULL, 10);
		*comma = '\0';
		f->name = copy(names[i]);
	}
	free_list(names, nr);
	free(path);
}

/* By the cumulative patch that comes, if that is of the same set. */
static int is_being_replaced(const struct patch *patch)
{
	char *path, **names;
	int found = 0;
	size_t nr;

	if (patch->enabled != 1 || patch->transition != 0)
		return 0;
	path = rooted(LP);
	names = list_directory(path, &nr);
	for (size_t i = 0; i < nr && !found; i++)
		found = read_number(LP "/%s/transition", names[i]) == 1 &&
			read_number(LP "/%s/enabled", names[i]) == 1 &&
			read_number(LP "/%s/replace", names[i]) == 1 &&
			read_number(LP "/%s/replace_set", names[i]) == patch->replace_set;
	free_list(names, nr);
	free(path);
	return found;
}

/* A patch that has gone in the meantime reads as one without objects. */
void patch_read(struct patch *patch, const char *name)
{
	char *path = rooted(LP "/%s", name);
	long before = unseen_count();
	size_t nr;
	char **names = list_directory(path, &nr);

	memset(patch, 0, sizeof(*patch));
	patch->name = copy(name);
	patch->unlisted = unseen_count() != before;
	patch->inactive = !names && !patch->unlisted;
	patch->enabled = read_number(LP "/%s/enabled", name);
	patch->transition = read_number(LP "/%s/transition", name);
	patch->replace = read_number(LP "/%s/replace", name);
	patch->replace_set = read_number(LP "/%s/replace_set", name);
	patch->leave_kernel = read_number(LP "/%s/leave_kernel", name);
	patch->stack_order = read_number(LP "/%s/stack_order", name);
	patch->forced = read_number(LP "/%s/forced", name);
	for (size_t i = 0; i < nr; i++) {
		struct object *object;

		if (!exists(LP "/%s/%s/patched", name, names[i]) &&
		    strcmp(names[i], "vmlinux"))
			continue;
		patch->objects = grow(patch->objects, patch->nr, sizeof(*object));
		object = &patch->objects[patch->nr++];
		object->name = copy(names[i]);
		object_read(object, name);
		patch->unlisted |= object->unlisted;
	}
	free_list(names, nr);
	free(path);
	patch->hidden = unseen_count() != before;
	patch->replaced = is_being_replaced(patch);
}

void patch_free(struct patch *patch)
{
	for (size_t i = 0; i < patch->nr; i++)
		object_free(&patch->objects[i]);
	free(patch->objects);
	free(patch->name);
}

static int good_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

int patch_exists(const char *name)
{
	return good_name(name) && exists(LP "/%s", name);
}

/* The patch with the name that the user has given; says so when there is none. */
int patch_find(struct patch *patch, const char *given)
{
	char *name = module_name(given);
	long before = unseen_count();

	if (patch_exists(name)) {
		patch_read(patch, name);
		free(name);
		return KLP_OK;
	}
	if (unseen_count() != before) {
		free(name);
		return unseen_tell();
	}
	error("patch %s: %s%s/%s does not exist", name, root, LP, name);
	if (good_name(name) && module_loaded(name))
		next_step("its module is loaded, but not enabled; to remove it: klp unload %s",
			  name);
	else
		next_step("see which patches there are: klp list");
	free(name);
	return KLP_FAILED;
}

/*
 * True when there is a transition; the patch has to be freed then.  When not, and something has
 * been noted in unseen.c meanwhile, there may be one.
 */
int patch_in_transition(struct patch *patch)
{
	char *path = rooted(LP);
	size_t nr;
	char **names = list_directory(path, &nr);
	int found = 0;

	for (size_t i = 0; i < nr && !found; i++) {
		if (read_number(LP "/%s/transition", names[i]) != 1)
			continue;
		patch_read(patch, names[i]);
		found = 1;
	}
	free_list(names, nr);
	free(path);
	return found;
}

/* In one word. */
const char *patch_state(const struct patch *patch)
{
	if (patch->inactive)
		return "inactive";
	if (patch->hidden && (patch->enabled == UNKNOWN || patch->transition == UNKNOWN))
		return "unknown";
	if (patch->transition == 1)
		return patch->enabled == 1 ? "enabling" : "disabling";
	if (patch->replaced)
		return "replaced";
	return patch->enabled == 1 ? "enabled" : "leaving";
}

size_t patch_functions(const struct patch *patch)
{
	size_t nr = 0;

	for (size_t i = 0; i < patch->nr; i++)
		nr += patch->objects[i].nr;
	return nr;
}

static int by_order(const void *a, const void *b)
{
	const struct patch *p = a, *q = b;

	if (p->inactive != q->inactive)
		return p->inactive - q->inactive;
	if (p->stack_order != q->stack_order)
		return p->stack_order < q->stack_order ? -1 : 1;
	return strcmp(p->name, q->name);
}

/* Modules of livepatches have the K taint, also when the patch has been disabled. */
static int is_inactive(const char *module)
{
	return module_is_livepatch(module) && !patch_exists(module);
}

/* All of them, the oldest first as far as the kernel tells. */
void patches_read(struct patches *all)
{
	char *path = rooted(LP), **names;
	long before = unseen_count();
	size_t nr;

	memset(all, 0, sizeof(*all));
	names = list_directory(path, &nr);
	all->hidden = unseen_count() != before;
	free(path);
	for (size_t i = 0; i < nr; i++) {
		all->patch = grow(all->patch, all->nr, sizeof(*all->patch));
		patch_read(&all->patch[all->nr++], names[i]);
	}
	free_list(names, nr);

	path = rooted("/sys/module");
	names = list_directory(path, &nr);
	free(path);
	for (size_t i = 0; i < nr; i++) {
		if (!is_inactive(names[i]))
			continue;
		all->patch = grow(all->patch, all->nr, sizeof(*all->patch));
		patch_read(&all->patch[all->nr++], names[i]);
	}
	free_list(names, nr);
	if (all->nr)
		qsort(all->patch, all->nr, sizeof(*all->patch), by_order);
}

void patches_free(struct patches *all)
{
	for (size_t i = 0; i < all->nr; i++)
		patch_free(&all->patch[i]);
	free(all->patch);
}

/* Write VALUE to a file of the patch; says what the kernel has against it. */
int patch_write(const char *name, const char *file, const char *value)
{
	char *path = rooted(LP "/%s/%s", name, file);
	int kmsg, ret = change_begin();
	struct patch other;

	if (ret) {
		free(path);
		return ret;
	}
	kmsg = kmsg_mark();
	ret = write_text(path, value);
	change_end();
	if (ret) {
		error("patch %s: writing %s to %s: %s", name, value, path, strerror(-ret));
		kmsg_tell(kmsg, name);
	}
	if (ret == -EBUSY && patch_in_transition(&other)) {
		next_step("patch %s is in transition; wait: klp wait; see who it is: klp blockers",
			  other.name);
		patch_free(&other);
	} else if (ret == -EACCES || ret == -EPERM) {
		not_permitted("see what the kernel says about it: dmesg | grep livepatch");
	} else if (ret == -ENOENT) {
		next_step("the patch has gone in the meantime: klp list");
	} else if (ret) {
		next_step("see what the kernel says about it: dmesg | grep livepatch");
	}
	if (kmsg >= 0)
		close(kmsg);
	free(path);
	return ret ? KLP_FAILED : KLP_OK;
}
