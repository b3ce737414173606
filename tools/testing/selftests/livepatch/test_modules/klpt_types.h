/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A livepatch whose state has shadow variables of one type, in two versions: included by klpt_t1.c
 * and klpt_t2.c, which define KLPT_ID.
 *
 * /sys/module/klpt_tN/parameters/add	write a number: attach to so many more objects of ours
 * /sys/module/klpt_tN/parameters/free	write a number: destroy the variable of that object
 *
 * While klpt_extra is loaded, EXTRA_VARS of its bytes have variables, too. They go with it.
 */
#include <linux/cleanup.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/stringify.h>
#include "klpt_lib.h"

#define NAME		"klpt_t" __stringify(KLPT_ID)
#define TYPE_ID		0x6b6c7473UL
#define MAX_VARS	300
#define EXTRA_VARS	5

static int nap = -1;
module_param(nap, int, 0400);
MODULE_PARM_DESC(nap, "channel in which the first destructor waits");

/* The variables: 12 bytes. */
struct note {
	unsigned int number;
	char unused[8];
};

/* Any address will do as an object. */
static char objects[MAX_VARS];
static unsigned int used;
static DEFINE_MUTEX(objects_mutex);

static int note_ctor(void *obj, void *data, void *arg)
{
	struct note *note = data;

	note->number = *(unsigned int *)arg;
	return 0;
}

static void note_dtor(void *obj, void *data)
{
	struct note *note = data;
	int channel = xchg(&nap, -1);

	if (irqs_disabled() || preempt_count()) {
		pr_err(NAME ": destructor in atomic context\n");
		return;
	}
	if (channel >= 0)
		klpt_wait(channel, KLPT_IDLE);
	klpt_log(NAME " destroys %u", note->number);
}

static const struct klp_shadow_type note_type = {
	.id = TYPE_ID,
	.ctor = note_ctor,
	.dtor = note_dtor,
};

static int note_attach(void *obj, unsigned int number)
{
	return klp_shadow_type_alloc(obj, &note_type, sizeof(struct note), GFP_KERNEL, &number) ?
	       0 : -ENOMEM;
}

static int set_add(const char *text, const struct kernel_param *kp)
{
	unsigned int more;
	int ret = kstrtouint(text, 10, &more);

	guard(mutex)(&objects_mutex);
	if (!ret && more > MAX_VARS - used)
		ret = -ENOSPC;
	for (; !ret && more; more--, used++)
		ret = note_attach(&objects[used], used);
	return ret;
}

static const struct kernel_param_ops add_ops = { .set = set_add };
module_param_cb(add, &add_ops, NULL, 0200);

static int set_free(const char *text, const struct kernel_param *kp)
{
	unsigned int number;
	int ret = kstrtouint(text, 10, &number);

	if (ret)
		return ret;
	if (number >= MAX_VARS || !klp_shadow_type_get(&objects[number], &note_type))
		return -ENOENT;
	klp_shadow_type_free(&objects[number], &note_type);
	return 0;
}

static const struct kernel_param_ops free_ops = { .set = set_free };
module_param_cb(free, &free_ops, NULL, 0200);

static int extra_pre_patch(struct klp_object *obj)
{
	char *data = obj->mod->mem[MOD_DATA].base;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < EXTRA_VARS; i++)
		ret = note_attach(data + i, 1000 + i);
	if (ret)
		klp_shadow_type_free_module(&note_type, obj->mod);
	return ret;
}

static void extra_post_unpatch(struct klp_object *obj)
{
	klp_shadow_type_free_module(&note_type, obj->mod);
}

static struct klp_func no_funcs[] = {
	{ }
};

static struct klp_object objs[] = {
	{
		.name = "klpt_extra",
		.funcs = no_funcs,
		.callbacks.pre_patch = extra_pre_patch,
		.callbacks.post_unpatch = extra_post_unpatch,
	},
	{ }
};

static struct klp_state states[] = {
	{ .id = TYPE_ID, .version = 1 },
	{ }
};

static const struct klp_state_ops state_ops[] = {
	{ .id = TYPE_ID, .shadow = &note_type },
	{ }
};

static struct klp_patch klpt_patch = {
	.mod = THIS_MODULE,
	.objs = objs,
	.states = states,
	.state_ops = state_ops,
	.replace = true,
};

static int __init klpt_types_init(void)
{
	return klp_enable_patch(&klpt_patch);
}

static void __exit klpt_types_exit(void)
{
}

module_init(klpt_types_init);
module_exit(klpt_types_exit);
MODULE_DESCRIPTION("Livepatch selftests: shadow variables with a type");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
