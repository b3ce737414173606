// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A livepatch of functions of klpt_wide.
 *
 * functions=NAME,NAME,...
 *	those that are replaced, by the part of their names that differs; all, if not given
 * caller=1
 *	who goes down is in the patch as well, as a guard
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/string.h>

#define KLPT_MARK	1000
#define KLPT_NAME(name)	klpt_wide_patch_ ## name
#include "klpt_wide.h"

static char *functions[4];
static int nr_functions;
module_param_array(functions, charp, &nr_functions, 0400);
MODULE_PARM_DESC(functions, "what is replaced");

static bool caller;
module_param(caller, bool, 0400);
MODULE_PARM_DESC(caller, "guard who calls down()");

static const struct klp_func known[] = {
	{ .old_name = "klpt_wide_twelve", .new_func = klpt_wide_patch_twelve },
	{ .old_name = "klpt_wide_many", .new_func = klpt_wide_patch_many },
	{ .old_name = "klpt_wide_struct", .new_func = klpt_wide_patch_struct },
	{ .old_name = "klpt_wide_down", .new_func = klpt_wide_patch_down },
};

static struct klp_func funcs[ARRAY_SIZE(known) + 2];

static struct klp_object objs[] = {
	{ .name = "klpt_wide", .funcs = funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static bool wanted(const char *name)
{
	for (int i = 0; i < nr_functions; i++) {
		if (!strcmp(functions[i], name + strlen("klpt_wide_")))
			return true;
	}
	return !nr_functions;
}

static int __init klpt_wide_patch_init(void)
{
	struct klp_func *func = funcs;

	for (int i = 0; i < ARRAY_SIZE(known); i++) {
		if (wanted(known[i].old_name))
			*func++ = known[i];
	}
	if (caller)
		*func++ = (struct klp_func) { .old_name = "klpt_wide_descend", .guard = true };
	return klp_enable_patch(&patch);
}

static void __exit klpt_wide_patch_exit(void)
{
}

module_init(klpt_wide_patch_init);
module_exit(klpt_wide_patch_exit);
MODULE_DESCRIPTION("Livepatch selftests: a livepatch of functions with many arguments");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
