// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp load: how do the patches that the user has named get into force?  All of them are checked,
 * then one after the other is loaded; the first one that fails ends it.
 */
#include <stdlib.h>
#include <string.h>
#include "klp.h"

static int check_options(void)
{
	int all = options.given & OPT_ALL;

	if (all ? options.argc > 1 : !options.argc) {
		error("load: %s", all ? "--all takes one directory" : "which file?");
		next_step("klp load FILE.ko..., or klp load --all [DIRECTORY]");
		return KLP_USAGE;
	}
	if (all && (options.given & OPT_NO_WAIT)) {
		error("load: --all waits for each patch, since there can be but one transition");
		next_step("leave out --no-wait");
		return KLP_USAGE;
	}
	return KLP_OK;
}

static int load_each(const struct requests *all)
{
	int status = KLP_OK;

	for (size_t i = 0; i < all->nr; i++) {
		const struct request *r = &all->request[i];

		if (status)
			error("%s: not loaded, for the one before it has failed", r->m.path);
		else
			status = load_module(&r->m, r->params, r->nr);
	}
	return status;
}

static int load_files(void)
{
	struct requests all;
	int status = limits_check();

	if (status)
		return status;
	status = requests_read(&all, options.given & OPT_NO_WAIT ? 1 : options.argc);
	if (!status && !(options.given & OPT_DRY_RUN))
		status = load_each(&all);
	requests_free(&all);
	return status;
}

int cmd_load(void)
{
	int status = check_options();

	if (status)
		return status;
	return options.given & OPT_ALL ? boot_load() : load_files();
}
