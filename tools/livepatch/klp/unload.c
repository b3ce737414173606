// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp unload: how does a patch go with all that belongs to it?  Disabled, waited for, its module
 * removed; with --all every one, the newest first.
 */
#include <stdlib.h>
#include <string.h>
#include "klp.h"

static int unload_module(const char *name)
{
	if (!exists("/sys/module/%s/taint", name)) {
		error("%s: there is neither a patch nor a module of this name", name);
		next_step("see which patches there are: klp list");
		return KLP_FAILED;
	}
	if (!module_is_livepatch(name)) {
		error("module %s is no livepatch", name);
		next_step("if it is to be removed: rmmod %s", name);
		return KLP_FAILED;
	}
	return module_remove(name);
}

static int unload(const char *name)
{
	int status = KLP_OK;

	if (patch_exists(name)) {
		status = change_switch_off(name);
		if (!status)
			status = wait_and_tell(name, OUTCOME_UNPATCHED);
	}
	if (!status)
		status = unload_module(name);
	if (!status)
		tell("%s: module removed", name);
	return status;
}

/* Modules are listed there, the newest first, and patches can be disabled in this order only. */
static char **newest_first(size_t *nr)
{
	char *path = rooted("/proc/modules"), *text = read_all(path), *rest = text, *line;
	char **names = allocate(sizeof(*names));

	*nr = 0;
	while (text && (line = strsep(&rest, "\n"))) {
		line[strcspn(line, " ")] = '\0';
		if (!*line || (!patch_exists(line) && !module_is_livepatch(line)))
			continue;
		names = grow(names, *nr, sizeof(*names));
		names[(*nr)++] = copy(line);
	}
	free(text);
	free(path);
	return names;
}

static int unload_all(void)
{
	int status = KLP_OK, ret = KLP_OK;
	long before = unseen_count();
	size_t nr;
	char **names = newest_first(&nr);

	if (!nr && unseen_count() != before) {
		free_list(names, nr);
		return unseen_tell();
	}
	if (!nr)
		tell("no livepatches");
	/* The newest can be turned back at once. */
	if (nr)
		ret = await_transition(names[0]);
	status = ret;
	for (size_t i = 0; i < nr && ret != KLP_TIMEOUT && ret != KLP_INTERRUPTED; i++) {
		ret = unload(names[i]);
		if (ret)
			status = ret;
	}
	free_list(names, nr);
	return status;
}

int cmd_unload(void)
{
	int status;
	char *name;

	if ((options.given & OPT_ALL) ? options.argc : !options.argc) {
		error("unload: %s", options.argc ? "--all takes no name" : "which patch?");
		next_step("klp unload PATCH, or klp unload --all");
		return KLP_USAGE;
	}
	if (options.given & OPT_ALL)
		return unload_all();
	name = module_name(options.argv[0]);
	status = unload(name);
	free(name);
	return status;
}
