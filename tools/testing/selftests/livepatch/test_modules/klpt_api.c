// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A livepatch that describes itself as those of klp-build do: struct klp_object_ext in a section of
 * its own, found by name when the module is loaded.
 */

#include <linux/livepatch.h>
#include <linux/livepatch_external.h>
#include <linux/livepatch_helpers.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "klpt_lib.h"

static char *section = ".init.klp_objects";
module_param(section, charp, 0400);
MODULE_PARM_DESC(section, "section to look for");

/* Replacements */

static klpt_func int new_value(void)
{
	return 5;
}

static klpt_func int new_other(void)
{
	return 5;
}

/* Callbacks, found by the names that the helpers build */

static int pre_patch(struct klp_object *obj)
{
	klpt_log("klpt_api pre_patch %s", obj->name);
	return 0;
}
KLP_PRE_PATCH_CALLBACK(pre_patch);

static void post_patch(struct klp_object *obj)
{
	klpt_log("klpt_api post_patch %s", obj->name);
}
KLP_POST_PATCH_CALLBACK(post_patch);

static void pre_unpatch(struct klp_object *obj)
{
	klpt_log("klpt_api pre_unpatch %s", obj->name);
}
KLP_PRE_UNPATCH_CALLBACK(pre_unpatch);

static void post_unpatch(struct klp_object *obj)
{
	klpt_log("klpt_api post_unpatch %s", obj->name);
}
KLP_POST_UNPATCH_CALLBACK(post_unpatch);

static struct klp_func_ext target_funcs[] = {
	{ .old_name = "klpt_value", .new_func = new_value },
	{ .old_name = "klpt_other", .new_func = new_other, .sympos = 1 },
};

static struct klp_func_ext extra_funcs[] = {
	{ .old_name = "klpt_value", .new_func = new_value },
};

static struct klp_object_ext objects[] __used __section(".init.klp_objects") = {
	{
		.name = "klpt_target",
		.funcs = target_funcs,
		.nr_funcs = ARRAY_SIZE(target_funcs),
		.callbacks = {
			.pre_patch	= pre_patch,
			.post_patch	= post_patch,
			.pre_unpatch	= pre_unpatch,
			.post_unpatch	= post_unpatch,
		},
	}, {
		.name = "klpt_extra",
		.funcs = extra_funcs,
		.nr_funcs = ARRAY_SIZE(extra_funcs),
	},
};

static struct klp_patch *patch;

static void destroy(void)
{
	if (!patch)
		return;
	for (struct klp_object *obj = patch->objs; obj && obj->name; obj++)
		kfree(obj->funcs);
	kfree(patch->objs);
	kfree(patch);
}

static int read_object(struct klp_object *obj, struct klp_object_ext *ext)
{
	struct klp_func *funcs = kcalloc(ext->nr_funcs + 1, sizeof(*funcs), GFP_KERNEL);

	if (!funcs)
		return -ENOMEM;
	for (unsigned int i = 0; i < ext->nr_funcs; i++) {
		funcs[i].old_name = ext->funcs[i].old_name;
		funcs[i].new_func = ext->funcs[i].new_func;
		funcs[i].old_sympos = ext->funcs[i].sympos;
	}
	obj->name = ext->name;
	obj->funcs = funcs;
	obj->callbacks = ext->callbacks;
	return 0;
}

static int create(struct klp_object_ext *ext, size_t nr)
{
	patch = kzalloc(sizeof(*patch), GFP_KERNEL);
	if (!patch)
		return -ENOMEM;
	patch->mod = THIS_MODULE;
	patch->objs = kcalloc(nr + 1, sizeof(*patch->objs), GFP_KERNEL);
	if (!patch->objs)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		int ret = read_object(&patch->objs[i], &ext[i]);

		if (ret)
			return ret;
	}
	return 0;
}

static int __init klpt_api_init(void)
{
	size_t size = 1;
	struct klp_object_ext *ext;
	int ret;

	ext = klp_find_section_by_name(THIS_MODULE, section, &size);
	if (!ext)
		return size ? -EPROTO : -ENOENT;
	if (ext != objects || size != sizeof(objects))
		return -EPROTO;

	ret = create(ext, size / sizeof(*ext)) ?: klp_enable_patch(patch);
	if (ret)
		destroy();
	return ret;
}

static void __exit klpt_api_exit(void)
{
	destroy();
}

module_init(klpt_api_init);
module_exit(klpt_api_exit);
MODULE_DESCRIPTION("Livepatch selftests: a patch described as klp-build does");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
