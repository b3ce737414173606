// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp load, rollback: how does a patch get into the kernel?  Check, insert, wait; and if it does
 * not end as it should, back to where everything was when that is wanted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "klp.h"

#define DIRECTORY	"/var/lib/klp/patches"
#define GONE_WITHIN	60	/* seconds for what a patch has replaced to go away */

static void explain(const struct module_file *m, int err)
{
	switch (-err) {
	case EPERM:
		next_step("run klp as root; a kernel that is locked down wants a signature");
		break;
	case ENOEXEC:
		next_step("it is built for another version or configuration: modinfo %s", m->path);
		break;
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
	case ENOPKG:
		next_step("sign it with a key that the kernel trusts");
		break;
	case EBUSY:
		next_step("another transition has begun: klp wait, then try again");
		break;
	case ENOENT:
		next_step("a symbol is missing: load the module that has it");
		break;
	case EEXIST:
		next_step("a module of this name is loaded: klp unload %s", m->name);
		break;
	default:
		next_step("see Documentation/livepatch/livepatch.rst, \"When a patch is refused\"");
	}
}

static int insert(const struct module_file *m, char **params, int nr)
{
	int kmsg = kmsg_mark(), err = module_insert(m, params, nr);

	if (err) {
		error("%s: the kernel refuses patch %s: %s", m->path, m->name, strerror(-err));
		kmsg_tell(kmsg, m->name);
		explain(m, err);
	} else if (!patch_exists(m->name)) {
		err = -ENODEV;
		error("%s: module %s is loaded, but it has not enabled a patch", m->path, m->name);
		kmsg_tell(kmsg, m->name);
		next_step("remove it: rmmod %s; its author has to call klp_enable_patch()",
			  m->name);
	}
	if (kmsg >= 0)
		close(kmsg);
	return err ? KLP_FAILED : KLP_OK;
}

static int revert(const char *name)
{
	int status = change_withdraw(name, options.timeout);

	if (status)
		return status;
	tell("%s: reverted, its module is removed", name);
	return KLP_TIMEOUT;
}

/* With parameters; whoever has called has opened the file. */
static int load_module(const struct module_file *m, char **params, int nr)
{
	int status = check_module(m);

	if (!status)
		status = insert(m, params, nr);
	if (!status && (options.given & OPT_NO_WAIT)) {
		tell("%s: on the way to patched", m->name);
	} else if (!status) {
		status = wait_and_tell(m->name, OUTCOME_PATCHED);
		if (status == KLP_TIMEOUT && (options.given & OPT_REVERT))
			status = revert(m->name);
	}
	return status;
}

static char *default_directory(void)
{
	struct utsname kernel;

	if (uname(&kernel))
		return copy(DIRECTORY);
	return format(DIRECTORY "/%s", kernel.release);
}

static int is_module(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && !strcmp(name + len - 3, ".ko");
}

/* Adds to the number of those that have been loaded. */
static int load_if_new(const char *path, int *loaded)
{
	struct module_file m;
	int status = module_open(&m, path);

	if (!status && (patch_exists(m.name) || module_loaded(m.name))) {
		tell("%s: module %s is loaded already", path, m.name);
	} else if (!status) {
		status = load_module(&m, NULL, 0);
		*loaded += !status;
	}
	module_close(&m);
	return status;
}

/* All of a directory, by name; one that fails does not keep the others out. */
static int load_all(void)
{
	char *dir = options.argc ? copy(options.argv[0]) : default_directory();
	int status = KLP_OK, loaded = 0, failed = 0, ret;
	size_t nr;
	char **names = list_directory(dir, &nr);

	if (!names && (errno != ENOENT || options.argc)) {
		error("%s: %s", dir, strerror(errno));
		next_step("give a directory with .ko files");
		free(dir);
		return KLP_FAILED;
	}
	for (size_t i = 0; i < nr && !interrupted(); i++) {
		char *path = format("%s/%s", dir, names[i]);

		ret = is_module(names[i]) ? load_if_new(path, &loaded) : KLP_OK;
		if (ret)
			status = ret;
		failed += !!ret;
		free(path);
	}
	tell("%s: %d loaded, %d failed", dir, loaded, failed);
	free_list(names, nr);
	free(dir);
	return status;
}

static int load_file(void)
{
	struct module_file m;
	int status = module_open(&m, options.argv[0]);

	if (!status)
		status = load_module(&m, options.argv + 1, options.argc - 1);
	module_close(&m);
	return status;
}

/* What the table of commands cannot tell. */
static int check_options(void)
{
	if ((options.given & OPT_REVERT) && options.timeout < 0) {
		error("--revert needs --timeout: when else should it turn back?");
		next_step("klp load --timeout 60 --revert FILE.ko");
		return KLP_USAGE;
	}
	if ((options.given & OPT_ALL) ? options.argc > 1 : !options.argc) {
		error("load: %s", options.argc ? "--all takes one directory" : "which file?");
		next_step("klp load FILE.ko, or klp load --all [DIRECTORY]");
		return KLP_USAGE;
	}
	return KLP_OK;
}

int cmd_load(void)
{
	int status = check_options();

	if (status)
		return status;
	return options.given & OPT_ALL ? load_all() : load_file();
}

/* Those of the patches from before that have gone lose their modules. */
static int remove_replaced(const struct patches *before)
{
	int status = KLP_OK;

	for (size_t i = 0; i < before->nr; i++) {
		const char *name = before->patch[i].name;

		if (before->patch[i].inactive || patch_exists(name) || !module_loaded(name))
			continue;
		if (module_remove(name))
			status = KLP_FAILED;
		else
			tell("%s: replaced, its module is removed", name);
	}
	return status;
}

/* What a cumulative patch replaces: those of its own set. Where they do not show, all. */
static int is_replaced(const struct patch *old, const struct patch *new)
{
	return !old->inactive && old->replace_set == new->replace_set;
}

/* Their directories go a moment after the transition. */
static void await_replaced(const struct patches *before, const struct patch *new)
{
	double start = now();
	int left;

	do {
		left = 0;
		for (size_t i = 0; i < before->nr; i++) {
			if (is_replaced(&before->patch[i], new))
				left += patch_exists(before->patch[i].name);
		}
		if (left)
			nap(0.05);
	} while (left && now() - start < GONE_WITHIN && !interrupted());
}

static int finish_rollback(const char *path, const char *name, const struct patches *before)
{
	struct patch new;
	int status;

	patch_read(&new, name);
	if (new.replace == 0) {
		error("%s: patch %s is not cumulative, it has replaced nothing", path, name);
		next_step("take a cumulative patch, or take out the newer one: klp unload PATCH");
		status = change_withdraw(name, -1);
		if (!status)
			tell("%s: taken out again", name);
		status = KLP_FAILED;
	} else {
		await_replaced(before, &new);
		status = remove_replaced(before);
	}
	patch_free(&new);
	return status;
}

int cmd_rollback(void)
{
	int status = check_options();
	struct patches before;
	struct module_file m;

	if (status)
		return status;
	patches_read(&before);
	status = module_open(&m, options.argv[0]);
	if (!status)
		status = load_module(&m, options.argv + 1, options.argc - 1);
	if (!status)
		status = finish_rollback(m.path, m.name, &before);
	module_close(&m);
	patches_free(&before);
	return status;
}
