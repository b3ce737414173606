// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A livepatch of which one thing is wrong, or looks like it: the parameter "case" says which, see
 * the table at the end. Without it, it replaces klpt_value() of klpt_target, which returns 9 then,
 * and has a state, a row for it and a shadow type.
 *
 * Cases "endless" have an array without an empty entry at its end. What lies behind it in memory is
 * made of arrays with the same content, so that a loop which goes on does not end soon.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "klpt_lib.h"

static char *what = "";
module_param_named(case, what, charp, 0400);
MODULE_PARM_DESC(case, "what is wrong");

static char *object = "klpt_target";
module_param(object, charp, 0400);
MODULE_PARM_DESC(object, "the object, or vmlinux");

static char *name = "klpt_value";
module_param(name, charp, 0400);
MODULE_PARM_DESC(name, "function to replace");

static unsigned long by;
module_param(by, ulong, 0400);
MODULE_PARM_DESC(by, "address of the replacement, if it is not a function of this module");

static char *name2;
module_param(name2, charp, 0400);
MODULE_PARM_DESC(name2, "second function to replace");

static unsigned long by2;
module_param(by2, ulong, 0400);
MODULE_PARM_DESC(by2, "address of its replacement");

static bool replace;
module_param(replace, bool, 0400);
MODULE_PARM_DESC(replace, "replace the patches that are enabled");

static int pre_patch_ret;
module_param(pre_patch_ret, int, 0400);
MODULE_PARM_DESC(pre_patch_ret, "what pre_patch of the object returns");

static int state_ret;
module_param(state_ret, int, 0400);
MODULE_PARM_DESC(state_ret, "what pre_patch of the state returns");

#define ID	77
#define TYPE	0x7700

/* Code */

static klpt_func int new_value(void)
{
	return 9;
}

static int __init init_value(void)
{
	return 9;
}

static int pre_patch(struct klp_object *obj)
{
	return pre_patch_ret;
}

static int __init init_pre_patch(struct klp_object *obj)
{
	return 0;
}

static void __init init_callback(struct klp_object *obj)
{
}

static int state_pre_patch(struct klp_patch *patch, struct klp_state *state)
{
	return state_ret;
}

static int __init init_state_pre_patch(struct klp_patch *patch, struct klp_state *state)
{
	return 0;
}

static void __init init_state_callback(struct klp_patch *patch, struct klp_state *state)
{
}

static int __init init_ctor(void *obj, void *data, void *arg)
{
	return 0;
}

static void __init init_dtor(void *obj, void *data)
{
}

/* What is right */

static struct klp_func funcs[3];

static struct klp_object objs[2];

static struct klp_state states[3] = { { .id = ID }, };

static struct klp_shadow_type type = { .id = TYPE };

static struct klp_state_ops ops[2] = { {
		.id = ID,
		.pre_patch = state_pre_patch,
		.shadow = &type,
	},
};

static unsigned int sets[2] = { 3 };

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
	.states = states,
	.state_ops = ops,
};

/* Memory of other kinds */

#define FUNC	{ .old_name = "klpt_value", .new_func = new_value }
#define OBJ	{ .name = "klpt_target", .funcs = funcs }

static struct klp_patch init_patch __initdata;
static struct klp_patch late_patch __ro_after_init = { .mod = THIS_MODULE, .objs = objs };
static struct klp_object init_objs[2] __initdata = { OBJ };
static const struct klp_object const_objs[2] = { OBJ };
static struct klp_object late_objs[2] __ro_after_init = { OBJ };
static struct klp_func init_funcs[2] __initdata = { FUNC };
static const struct klp_func const_funcs[2] = { FUNC };
static char init_name[] __initdata = "klpt_value";
static char init_object[] __initdata = "klpt_target";
static struct klp_state init_states[2] __initdata = { { .id = ID }, };
static const struct klp_state const_states[2] = { { .id = ID }, };
static struct klp_state_ops init_ops[2] __initdata = { { .id = ID }, };
static const struct klp_shadow_type const_type = { .id = TYPE };
static const struct klp_state_ops const_ops[2] = { { .id = ID, .shadow = &const_type }, };
static struct klp_shadow_type init_type __initdata = { .id = TYPE };
static unsigned int init_sets[2] __initdata = { 3 };
static const unsigned int const_sets[2] = { 3 };

/* Arrays without an end; the names in each are different, or their being the same would be told. */

static struct klp_func endless_funcs[1] = { FUNC };
static struct klp_func behind_funcs[1] __used = {
	{ .old_name = "klpt_other", .new_func = new_value }
};

static struct klp_object endless_objs[1] = { OBJ };
static struct klp_object behind_objs[1] __used = { { .name = "klpt_extra", .funcs = funcs } };
static struct klp_state endless_states[1] = { { .id = ID } };
static struct klp_state behind_states[1] __used = { { .id = ID + 1 } };
static struct klp_state_ops endless_ops[1] = { { .id = ID } };
static struct klp_state_ops behind_ops[1] __used = { { .id = ID } };
static unsigned int endless_sets[1] = { 3 };
static unsigned int behind_sets[1] __used = { 4 };

/* Cases that are one pointer which is wrong; some need another one to be. */

struct pointers {
	const char *name;
	void *where;
	const void *value;
	void *where2;
	const void *value2;
};

static const struct pointers cases[] __initconst = {
	{ "func_data", &funcs[0].new_func, &patch },
	{ "func_init", &funcs[0].new_func, init_value },
	{ "pre_patch_data", &objs[0].callbacks.pre_patch, &patch },
	{ "pre_patch_init", &objs[0].callbacks.pre_patch, init_pre_patch },
	{ "post_patch_init", &objs[0].callbacks.post_patch, init_callback },
	{ "pre_unpatch_init", &objs[0].callbacks.pre_unpatch, init_callback },
	{ "post_unpatch_init", &objs[0].callbacks.post_unpatch, init_callback },
	{ "state_pre_patch_init", &ops[0].pre_patch, init_state_pre_patch },
	{ "state_post_patch_init", &ops[0].post_patch, init_state_callback },
	{ "state_pre_unpatch_init", &ops[0].pre_unpatch, init_state_callback },
	{ "state_post_unpatch_init", &ops[0].post_unpatch, init_state_callback },
	{ "ctor_init", &type.ctor, init_ctor },
	{ "dtor_init", &type.dtor, init_dtor },
	{ "dtor_data", &type.dtor, &patch },

	{ "objs_init", &patch.objs, init_objs },
	{ "objs_const", &patch.objs, const_objs },
	{ "objs_late", &patch.objs, late_objs },
	{ "funcs_init", &objs[0].funcs, init_funcs },
	{ "funcs_const", &objs[0].funcs, const_funcs },
	{ "func_name_init", &funcs[0].old_name, init_name },
	{ "object_name_init", &objs[0].name, init_object },
	{ "states_init", &patch.states, init_states },
	{ "states_const", &patch.states, const_states },
	{ "states_const_alone", &patch.states, const_states, &patch.state_ops, NULL },
	{ "ops_init", &patch.state_ops, init_ops },
	{ "ops_const", &patch.state_ops, const_ops },
	{ "type_init", &ops[0].shadow, &init_type },
	{ "type_no_id", &type.id, NULL },
	{ "sets_init", &patch.supersedes, init_sets },
	{ "sets_const", &patch.supersedes, const_sets },

	{ "objs_endless", &patch.objs, endless_objs },
	{ "funcs_endless", &objs[0].funcs, endless_funcs },
	{ "states_endless", &patch.states, endless_states, &patch.state_ops, NULL },
	{ "ops_endless", &patch.state_ops, endless_ops },
	{ "sets_endless", &patch.supersedes, endless_sets },
};

static void free_heap(void)
{
	kfree(patch.objs[0].name);
	kfree(patch.objs[0].funcs[0].old_name);
	kfree(patch.objs[0].funcs);
	kfree(patch.objs);
	kfree(patch.states);
	kfree(patch.state_ops);
	kfree(patch.supersedes);
}

/* As a tool would do it that describes patches in memory of its own. */
static int __init enable_from_heap(void)
{
	int ret;

	patch.objs = kmemdup(objs, sizeof(objs), GFP_KERNEL | __GFP_NOFAIL);
	patch.objs[0].name = kstrdup(object, GFP_KERNEL | __GFP_NOFAIL);
	patch.objs[0].funcs = kmemdup(funcs, sizeof(funcs), GFP_KERNEL | __GFP_NOFAIL);
	patch.objs[0].funcs[0].old_name = kstrdup(name, GFP_KERNEL | __GFP_NOFAIL);
	patch.states = kmemdup(states, sizeof(states), GFP_KERNEL | __GFP_NOFAIL);
	patch.state_ops = kmemdup(ops, sizeof(ops), GFP_KERNEL | __GFP_NOFAIL);
	patch.supersedes = kmemdup(sets, sizeof(sets), GFP_KERNEL | __GFP_NOFAIL);
	patch.replace = true;
	ret = klp_enable_patch(&patch);
	if (ret)
		free_heap();
	return ret;
}

/* What is on the stack of this function is there for as long as the patch is being enabled. */
static noinline int __init enable_on_stack(void)
{
	struct klp_shadow_type stack_type = type;
	struct klp_state_ops stack_ops[2] = { ops[0] };
	struct klp_state stack_states[2] = { states[0] };
	unsigned int stack_sets[2] = { 3 };
	char stack_name[] = "klpt_value", stack_object[] = "klpt_target";

	if (!strcmp(what, "type_stack"))
		ops[0].shadow = &stack_type;
	else if (!strcmp(what, "ops_stack"))
		patch.state_ops = stack_ops;
	else if (!strcmp(what, "states_stack"))
		patch.states = stack_states;
	else if (!strcmp(what, "sets_stack"))
		patch.supersedes = stack_sets;
	else if (!strcmp(what, "func_name_stack"))
		funcs[0].old_name = stack_name;
	else if (!strcmp(what, "object_name_stack"))
		objs[0].name = stack_object;
	else
		return -ENOKEY;
	return klp_enable_patch(&patch);
}

static noinline int __init enable_funcs_on_stack(void)
{
	struct klp_func stack_funcs[2] = { funcs[0] };

	objs[0].funcs = stack_funcs;
	return klp_enable_patch(&patch);
}

static noinline int __init enable_objs_on_stack(void)
{
	struct klp_object stack_objs[2] = { objs[0] };

	patch.objs = stack_objs;
	return klp_enable_patch(&patch);
}

static noinline int __init enable_patch_on_stack(void)
{
	struct klp_patch stack_patch = { .mod = THIS_MODULE, .objs = objs };

	return klp_enable_patch(&stack_patch);
}

static void __init fill_in(void)
{
	objs[0].name = strcmp(object, "vmlinux") ? object : NULL;
	objs[0].funcs = funcs;
	objs[0].callbacks.pre_patch = pre_patch;
	funcs[0].old_name = name;
	funcs[0].new_func = by ? (void *)by : new_value;
	funcs[1].old_name = name2;
	funcs[1].new_func = (void *)by2;
	patch.replace = replace;
}

static int __init enable_other(void)
{
	if (!strcmp(what, "heap"))
		return enable_from_heap();
	if (!strcmp(what, "patch_stack"))
		return enable_patch_on_stack();
	if (!strcmp(what, "objs_stack"))
		return enable_objs_on_stack();
	if (!strcmp(what, "funcs_stack"))
		return enable_funcs_on_stack();
	if (!strcmp(what, "patch_late"))
		return klp_enable_patch(&late_patch);
	if (!strcmp(what, "patch_init")) {
		init_patch.mod = THIS_MODULE;
		init_patch.objs = objs;
		return klp_enable_patch(&init_patch);
	}
	return enable_on_stack();
}

static int __init klpt_bad_init(void)
{
	fill_in();
	if (!*what)
		return klp_enable_patch(&patch);

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		if (strcmp(cases[i].name, what))
			continue;
		*(const void **)cases[i].where = cases[i].value;
		if (cases[i].where2)
			*(const void **)cases[i].where2 = cases[i].value2;
		return klp_enable_patch(&patch);
	}
	return enable_other();
}

static void __exit klpt_bad_exit(void)
{
	if (!strcmp(what, "heap"))
		free_heap();
}

module_init(klpt_bad_init);
module_exit(klpt_bad_exit);
MODULE_DESCRIPTION("Livepatch selftests: a patch of which one thing is wrong");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
