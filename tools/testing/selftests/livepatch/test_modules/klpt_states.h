/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A livepatch whose system states carry behaviour, described by module parameters; included once by
 * each klpt_sN.c, which defines KLPT_ID. It patches klpt_value() and klpt_sleep() of klpt_target.
 *
 * states=ID:VERSION,...
 *	klp_patch.states; version 0 when left out
 * rows=ID!:TYPE,...
 *	klp_patch.state_ops: the callbacks below, with ! block_disable, with TYPE a shadow type of
 *	that id, of which pre_patch makes "variables" variables. By default one row for each state;
 *	"none" stands for no table.
 *
 * Each callback writes "MODULE CALLBACK ID DATA" to the log, and what it has to complain about.
 * pre_patch sets the data pointer to 100 * KLPT_ID + ID, post_unpatch to 0. The destructor writes
 * "MODULE destroys TYPE".
 */
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "klpt_fault.h"
#include "klpt_lib.h"

#define MAX_STATES	8

static char *states = "";
module_param(states, charp, 0400);
MODULE_PARM_DESC(states, "ID:VERSION,...");

static char *rows = "";
module_param(rows, charp, 0400);
MODULE_PARM_DESC(rows, "ID!:TYPE,... or none");

static bool replace;
module_param(replace, bool, 0400);
MODULE_PARM_DESC(replace, "replace the patches that are enabled");

static unsigned long fail;
module_param(fail, ulong, 0400);
MODULE_PARM_DESC(fail, "the state whose pre_patch callback fails");

static int fail_nth;
module_param(fail_nth, int, 0400);
MODULE_PARM_DESC(fail_nth, "number of the memory allocation to let fail");

static char *without = "";
module_param(without, charp, 0400);
MODULE_PARM_DESC(without, "names of callbacks to leave out");

static bool objects;
module_param(objects, bool, 0400);
MODULE_PARM_DESC(objects, "give klpt_target callbacks, too");

static bool third;
module_param(third, bool, 0400);
MODULE_PARM_DESC(third, "patch klpt_third(), too");

static unsigned int variables;
module_param(variables, uint, 0400);
MODULE_PARM_DESC(variables, "number of shadow variables of each type");

static int dtor_channel = -1;
module_param(dtor_channel, int, 0400);
MODULE_PARM_DESC(dtor_channel, "where the destructor waits for a wake-up");

/* Replacements */

static klpt_func int new_value(void)
{
	return KLPT_ID;
}

static klpt_func int new_third(void)
{
	return KLPT_ID;
}

static klpt_func int new_sleep(int channel)
{
	return klpt_wait(channel, KLPT_KILLABLE) ?: KLPT_ID;
}

/* The patch */

static struct klp_func funcs[] = {
	{ .old_name = "klpt_sleep", .new_func = new_sleep },
	{ .old_name = "klpt_value", .new_func = new_value },
	{ },	/* klpt_third() */
	{ }
};

static struct klp_object objs[] = {
	{ .name = "klpt_target", .funcs = funcs },
	{ }
};

static struct klp_state state_table[MAX_STATES + 1];
static struct klp_state_ops row_table[MAX_STATES + 1];
static struct klp_shadow_type types[MAX_STATES];

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
	.states = state_table,
	.state_ops = row_table,
};

/* Shadow variables: any address will do as an object, the same ones for all patches. */

static void *object(unsigned int n)
{
	return (void *)(PAGE_SIZE + n);
}

static int ctor(void *obj, void *data, void *type)
{
	*(unsigned long *)data = (unsigned long)type;
	return 0;
}

static void dtor(void *obj, void *data)
{
	klpt_log("%s destroys %lu", KBUILD_MODNAME, *(unsigned long *)data);
	if (dtor_channel >= 0)
		klpt_wait(dtor_channel, KLPT_IDLE);
}

static const struct klp_state_ops *row_of(unsigned long id)
{
	for (int i = 0; i < MAX_STATES; i++) {
		if (row_table[i].id == id)
			return &row_table[i];
	}
	return NULL;
}

static int make_variables(const struct klp_shadow_type *type)
{
	for (unsigned int i = 0; i < variables; i++) {
		if (!klp_shadow_type_get_or_alloc(object(i), type, sizeof(long), GFP_KERNEL,
						  (void *)type->id))
			return -ENOMEM;
	}
	return 0;
}

/* Callbacks */

static void note(const char *what, struct klp_patch *who, struct klp_state *state)
{
	const char *complaint = "";

	if (who != &patch || klp_get_state(&patch, state->id) != state)
		complaint = " for somebody else";
	else if (klp_patch_pending(current))
		complaint = " while tasks move";

	klpt_log("%s %s %lu %lu%s", KBUILD_MODNAME, what, state->id, (unsigned long)state->data,
		 complaint);
}

static int pre_patch(struct klp_patch *who, struct klp_state *state)
{
	const struct klp_state_ops *row = row_of(state->id);

	note("pre_patch", who, state);
	if (fail == state->id)
		return -ENODEV;
	state->data = (void *)(100 * KLPT_ID + state->id);
	return row->shadow ? make_variables(row->shadow) : 0;
}

static void post_patch(struct klp_patch *who, struct klp_state *state)
{
	note("post_patch", who, state);
}

static void pre_unpatch(struct klp_patch *who, struct klp_state *state)
{
	note("pre_unpatch", who, state);
}

static void post_unpatch(struct klp_patch *who, struct klp_state *state)
{
	note("post_unpatch", who, state);
	state->data = NULL;
}

static void note_object(const char *what)
{
	klpt_log("%s %s klpt_target", KBUILD_MODNAME, what);
}

static int object_pre_patch(struct klp_object *obj)
{
	note_object("pre_patch");
	return 0;
}

static void object_post_patch(struct klp_object *obj)
{
	note_object("post_patch");
}

static void object_pre_unpatch(struct klp_object *obj)
{
	note_object("pre_unpatch");
}

static void object_post_unpatch(struct klp_object *obj)
{
	note_object("post_unpatch");
}

/* What the states' data pointers are at the moment, and a way to change one: "ID VALUE". */

static int data_get(char *text, const struct kernel_param *param)
{
	int len = 0;

	for (struct klp_state *state = state_table; state->id; state++)
		len += scnprintf(text + len, PAGE_SIZE - len, "%lu:%lu ", state->id,
				 (unsigned long)state->data);
	return len;
}

static int data_set(const char *text, const struct kernel_param *param)
{
	struct klp_state *state;
	unsigned long id, value;

	if (sscanf(text, "%lu %lu", &id, &value) != 2)
		return -EINVAL;
	state = klp_get_state(&patch, id);
	if (!state)
		return -ENOENT;
	state->data = (void *)value;
	return 0;
}

static const struct kernel_param_ops data_ops = {
	.get = data_get,
	.set = data_set,
};
module_param_cb(data, &data_ops, NULL, 0600);
MODULE_PARM_DESC(data, "data pointers of the states");

/*
 * For those who clean up: what was said to block does not any more, and the shadow variables that
 * nobody destroys after a forced transition go.
 */
static int clean_up(const char *text, const struct kernel_param *param)
{
	for (int i = 0; i < MAX_STATES; i++) {
		row_table[i].block_disable = false;
		if (types[i].id && sysfs_streq(text, "variables"))
			klp_shadow_type_free_all(&types[i]);
	}
	return 0;
}

static const struct kernel_param_ops clean_up_ops = {
	.set = clean_up,
};
module_param_cb(clean_up, &clean_up_ops, NULL, 0200);
MODULE_PARM_DESC(clean_up, "\"rows\" for block_disable, \"variables\" for shadow variables, too");

/* Reading the description */

static char states_text[128], rows_text[128];

static int read_states(void)
{
	char *rest = states_text, *token;
	struct klp_state *state = state_table;

	if (strscpy(states_text, states) < 0)
		return -E2BIG;
	while ((token = strsep(&rest, ","))) {
		if (!*token)
			continue;
		if (state == state_table + MAX_STATES)
			return -E2BIG;
		if (sscanf(token, "%lu:%u", &state->id, &state->version) < 1)
			return -ENOKEY;
		state++;
	}
	return 0;
}

static void set_callbacks(struct klp_state_ops *row)
{
	row->pre_patch = strstr(without, "pre_patch") ? NULL : pre_patch;
	row->post_patch = strstr(without, "post_patch") ? NULL : post_patch;
	row->pre_unpatch = strstr(without, "pre_unpatch") ? NULL : pre_unpatch;
	row->post_unpatch = strstr(without, "post_unpatch") ? NULL : post_unpatch;
}

static int read_row(struct klp_state_ops *row, struct klp_shadow_type *type, char *token)
{
	char *name = token;

	strsep(&name, ":");
	if (name) {
		if (kstrtoul(name, 10, &type->id))
			return -ENOKEY;
		type->ctor = ctor;
		type->dtor = dtor;
		row->shadow = type;
	}
	row->block_disable = strchr(token, '!');
	set_callbacks(row);
	return kstrtoul(strim(strreplace(token, '!', ' ')), 10, &row->id);
}

static int read_rows(void)
{
	char *rest = rows_text, *token;
	int n = 0, ret;

	if (!strcmp(rows, "none")) {
		patch.state_ops = NULL;
		return 0;
	}
	if (!*rows) {
		for (; n < MAX_STATES && state_table[n].id; n++) {
			row_table[n].id = state_table[n].id;
			set_callbacks(&row_table[n]);
		}
		return 0;
	}

	if (strscpy(rows_text, rows) < 0)
		return -E2BIG;
	while ((token = strsep(&rest, ","))) {
		if (n == MAX_STATES)
			return -E2BIG;
		ret = read_row(&row_table[n], &types[n], token);
		if (ret)
			return ret;
		n++;
	}
	return 0;
}

static int enable(void)
{
	int ret;

	if (!fail_nth)
		return klp_enable_patch(&patch);

	ret = fail_from_here(fail_nth);
	if (ret)
		return ret;
	ret = klp_enable_patch(&patch);
	klpt_log("%s fail_nth %s", KBUILD_MODNAME, fail_until_here());
	return ret;
}

static int __init klpt_states_init(void)
{
	int ret = read_states() ?: read_rows();

	if (ret)
		return ret;
	patch.replace = replace;
	if (third)
		funcs[2] = (struct klp_func){ .old_name = "klpt_third", .new_func = new_third };
	if (objects) {
		objs[0].callbacks.pre_patch = object_pre_patch;
		objs[0].callbacks.post_patch = object_post_patch;
		objs[0].callbacks.pre_unpatch = object_pre_unpatch;
		objs[0].callbacks.post_unpatch = object_post_unpatch;
	}
	return enable();
}

static void __exit klpt_states_exit(void)
{
	klpt_log("%s exit", KBUILD_MODNAME);
}

module_init(klpt_states_init);
module_exit(klpt_states_exit);
MODULE_DESCRIPTION("Livepatch selftests: a patch with states that carry behaviour");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
