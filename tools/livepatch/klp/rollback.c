// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp rollback: how does an older cumulative patch come back?  It is loaded and replaces the newer
 * ones; whether it has done so is looked up, and the modules that are of no use then are removed.
 */
#include <string.h>
#include "klp.h"

#define GONE_WITHIN	60	/* seconds for what a patch has replaced to go away */

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

/* What a cumulative patch replaces: those of its sets. Where they do not show, all. */
static int is_replaced(const struct patch *old, const struct patch *new,
		       const struct tables *tables)
{
	return !old->inactive && (old->replace_set == new->replace_set ||
				  tables_cover(tables, old->replace_set));
}

/*
 * Their directories go a moment after the transition. The name of one that stays, NULL if they have
 * gone; a patch that is known not to be cumulative is not waited for.
 */
static const char *await_replaced(const struct patches *before, const struct patch *new,
				  const struct tables *tables)
{
	double start = now();
	const char *left;

	do {
		left = NULL;
		for (size_t i = 0; i < before->nr && !left; i++) {
			if (is_replaced(&before->patch[i], new, tables) &&
			    patch_exists(before->patch[i].name))
				left = before->patch[i].name;
		}
		if (left && new->replace)
			nap(0.05);
	} while (left && new->replace && now() - start < GONE_WITHIN && !interrupted());
	return left;
}

static int take_out(const struct module_file *m, const char *why)
{
	error("%s: patch %s %s", m->path, m->name, why);
	next_step("take a cumulative patch, or take out the newer one: klp unload PATCH");
	if (!change_withdraw(m->name, -1))
		tell("%s: taken out again", m->name);
	return KLP_FAILED;
}

static int finish_rollback(const struct module_file *m, const struct patches *before)
{
	const char *left;
	struct patch new;
	int status;

	patch_read(&new, m->name);
	/* Kernels before 6.11 do not tell; what the patch does shows it. */
	if (new.replace == UNKNOWN && m->tables.replace == 1)
		new.replace = 1;
	left = await_replaced(before, &new, &m->tables);
	if (new.replace == 0)
		status = take_out(m, "is not cumulative, it has replaced nothing");
	else if (left && new.replace == UNKNOWN)
		status = take_out(m, "has not replaced the newer one");
	else
		status = remove_replaced(before);
	patch_free(&new);
	return status;
}

static int roll_back(const struct request *r)
{
	struct patches before;
	int status;

	if (r->m.tables.replace == 0) {
		error("%s: patch %s is not cumulative, it replaces nothing", r->m.path, r->m.name);
		next_step("take a cumulative patch, or take out the newer one: klp unload PATCH");
		return KLP_FAILED;
	}
	patches_read(&before);
	status = load_module(&r->m, r->params, r->nr);
	if (!status)
		status = finish_rollback(&r->m, &before);
	patches_free(&before);
	return status;
}

int cmd_rollback(void)
{
	struct requests all;
	int status = limits_check();

	if (status)
		return status;
	status = requests_read(&all, 1);
	if (!status)
		status = roll_back(&all.request[0]);
	requests_free(&all);
	return status;
}
