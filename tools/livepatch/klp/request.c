// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does the user want to have loaded?  Files, or the names of installed patches, each with the
 * parameters behind it.  All of them are looked at before the first one is loaded.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

/* NAME=VALUE; what is meant as a file can be written with a directory in front. */
static int is_parameter(const char *text)
{
	const char *c = text;

	while (isalnum((unsigned char)*c) || *c == '_' || *c == '-' || *c == '.')
		c++;
	return c != text && *c == '=';
}

/* NULL when nothing could be meant, or, as has been said then, more than one: *MANY is set. */
static char *path_of(const char *given, int *many)
{
	char *release, *path;

	*many = 0;
	if (strchr(given, '/') || !access(given, F_OK))
		return copy(given);
	release = kernel_release();
	path = store_find(release, given, many);
	free(release);
	/* What looks like a file is one that is missing. */
	return !path && !*many && module_suffix(given) ? copy(given) : path;
}

/*
 * The patch that the user means: by its name, or by the file of its module, whose name need not be
 * the same. What is returned belongs to the caller.
 */
char *request_patch(const char *given)
{
	char *name = module_name(given), *path = NULL, *found = NULL;
	struct module_file m;
	int many;

	hush(1);
	if (!patch_exists(name) && !module_loaded(name))
		path = path_of(given, &many);
	if (path) {
		if (!module_open(&m, path))
			found = copy(m.name);
		module_close(&m);
		free(path);
	}
	hush(-1);
	if (!found)
		return name;
	free(name);
	return found;
}

static int add_file(struct requests *all, const char *given, size_t most)
{
	long before = unseen_count();
	int status, many;
	char *path;

	if (all->nr == most) {
		error("%s: this takes but one file, for there can be but one transition", given);
		next_step("leave it out, or do one after the other");
		return KLP_USAGE;
	}
	path = path_of(given, &many);
	if (!path && many)
		return KLP_FAILED;
	if (!path && unseen_count() != before)
		return unseen_tell();
	if (!path) {
		error("%s is neither a file, nor an installed patch, nor a parameter NAME=VALUE",
		      given);
		next_step("give the path of a .ko file, or see: klp list --installed");
		return KLP_FAILED;
	}
	all->request = grow(all->request, all->nr, sizeof(*all->request));
	status = module_open(&all->request[all->nr++].m, path);
	free(path);
	return status;
}

static int add_parameter(struct requests *all, char **param)
{
	struct request *last;

	if (!all->nr) {
		error("parameter %s stands in front of the file that it is for", *param);
		next_step("klp load FILE.ko %s", *param);
		return KLP_USAGE;
	}
	last = &all->request[all->nr - 1];
	if (!last->nr++)
		last->params = param;
	return KLP_OK;
}

static int check_parameters(const struct request *r)
{
	int status = KLP_OK;

	for (int i = 0; i < r->nr; i++) {
		if (strchr(r->params[i], '"')) {
			error("%s: no parameter can have a quotation mark in it: %s", r->m.path,
			      r->params[i]);
			next_step("leave it out; klp itself puts values with spaces in them");
		} else if (!module_has_parameter(&r->m, r->params[i])) {
			error("%s: module %s has no parameter %.*s", r->m.path, r->m.name,
			      (int)strcspn(r->params[i], "="), r->params[i]);
			next_step("see which it has: modinfo -p %s", r->m.path);
		} else {
			continue;
		}
		status = KLP_FAILED;
	}
	return status;
}

static int check_twice(const struct requests *all, size_t index)
{
	const struct module_file *m = &all->request[index].m;

	for (size_t i = 0; i < index; i++) {
		if (!all->request[i].m.name || strcmp(all->request[i].m.name, m->name))
			continue;
		error("%s and %s are both module %s", all->request[i].m.path, m->path, m->name);
		next_step("leave out one of them");
		return KLP_FAILED;
	}
	return KLP_OK;
}

/* Those in front of it will be in force by then, but for what has been replaced in between. */
static int verify(const struct requests *all, size_t index)
{
	const struct module_file *m = &all->request[index].m, *before, *between;
	int bad = 0;

	for (size_t i = 0; i < index; i++) {
		int replaced = 0;

		before = &all->request[i].m;
		for (size_t j = i + 1; before->name && j < index && !replaced; j++) {
			between = &all->request[j].m;
			replaced = between->name &&
				tables_replace(&between->tables, &before->tables);
		}
		if (before->name && !replaced)
			bad |= verify_after(m, before);
	}
	return verify_module(m) || bad ? KLP_FAILED : KLP_OK;
}

static int check_request(const struct requests *all, size_t index)
{
	const struct request *r = &all->request[index];
	int status = check_module(&r->m);

	/* What is no livepatch is not looked at any further. */
	if (!r->m.livepatch)
		return status;
	if (check_parameters(r))
		status = KLP_FAILED;
	if (check_twice(all, index))
		status = KLP_FAILED;
	if (!status && (options.given & OPT_DRY_RUN))
		status = verify(all, index);
	return status;
}

/* All that the command line has, at most MOST files, checked; to be freed in any case. */
int requests_read(struct requests *all, size_t most)
{
	int status = KLP_OK, ret;

	memset(all, 0, sizeof(*all));
	for (int i = 0; i < options.argc; i++) {
		ret = is_parameter(options.argv[i]) ? add_parameter(all, &options.argv[i]) :
			add_file(all, options.argv[i], most);
		if (ret == KLP_USAGE)
			return ret;
		if (ret)
			status = ret;
	}
	for (size_t i = 0; i < all->nr; i++) {
		if (all->request[i].m.name && check_request(all, i))
			status = KLP_FAILED;
	}
	return status;
}

void requests_free(struct requests *all)
{
	for (size_t i = 0; i < all->nr; i++)
		module_close(&all->request[i].m);
	free(all->request);
}

/* What the table of commands cannot tell. */
int limits_check(void)
{
	int given = options.given & (OPT_REVERT | OPT_NO_REVERT);

	if (given == (OPT_REVERT | OPT_NO_REVERT)) {
		error("--revert and --no-revert contradict each other");
		next_step("leave out one of them");
		return KLP_USAGE;
	}
	if (given == OPT_REVERT && options.timeout < 0) {
		error("--revert needs --timeout: when else should it turn back?");
		next_step("klp load --timeout 60 --revert FILE.ko");
		return KLP_USAGE;
	}
	if (given)
		options.revert = given == OPT_REVERT;
	return KLP_OK;
}
