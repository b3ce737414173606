// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Are shadow variables with a type (shadow_type.c) destroyed once each, and where their destructor
 * may sleep?
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include "../internal.h"
#include "shadow.h"

/* Ids of our own, so that the tests may run beside patches that use shadow variables. */
#define TYPE_ID		0x4b554e4954540000UL
#define OTHER_ID	(TYPE_ID + 1)

/* More than a sweep takes in one go. */
#define TYPE_SOME	200
#define TYPE_RACERS	4
#define TYPE_RACES	400

/* Objects to attach variables to, and what constructor and destructor have seen. */
struct type_fixture {
	char obj[TYPE_SOME];
	atomic_t ctors, dtors;
	bool ctor_unlocked, atomic, not_atomic, visible;
	void (*dtor_hook)(void *obj);
};

/* For constructor and destructor, which are not told whose they are. */
static struct type_fixture *type_fixture;

/* Is a spinlock held? With PREEMPT_RT, all that shows is a reader of RCU. */
static bool type_locked(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT) && rcu_preempt_depth())
		return true;
	return irqs_disabled() || preempt_count();
}

static int type_ctor(void *obj, void *shadow_data, void *ctor_data)
{
	*(unsigned long *)shadow_data = (unsigned long)ctor_data;
	if (!type_locked())
		type_fixture->ctor_unlocked = true;
	atomic_inc(&type_fixture->ctors);
	return 0;
}

static void type_dtor(void *obj, void *shadow_data)
{
	struct type_fixture *fix = type_fixture;

	atomic_inc(&fix->dtors);
	if (type_locked())
		fix->atomic = true;
	else
		fix->not_atomic = true;
	if (fix->dtor_hook)
		fix->dtor_hook(obj);
}

static const struct klp_shadow_type type = {
	.id = TYPE_ID, .ctor = type_ctor, .dtor = type_dtor,
};

static const struct klp_shadow_type other = {
	.id = OTHER_ID, .ctor = type_ctor, .dtor = type_dtor,
};

static int type_init(struct kunit *test)
{
	type_fixture = kunit_kzalloc(test, sizeof(*type_fixture), GFP_KERNEL);
	test->priv = type_fixture;
	return type_fixture ? 0 : -ENOMEM;
}

static void type_exit(struct kunit *test)
{
	klp_shadow_free_all(TYPE_ID, NULL);
	klp_shadow_free_all(OTHER_ID, NULL);
}

static unsigned long *type_make(void *obj, const struct klp_shadow_type *kind, unsigned long value)
{
	return klp_shadow_type_alloc(obj, kind, sizeof(long), GFP_KERNEL, (void *)value);
}

/* Variables for the first @nr objects. */
static void type_fill(struct kunit *test, const struct klp_shadow_type *kind, unsigned int nr)
{
	struct type_fixture *fix = test->priv;
	unsigned int i;

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_NOT_NULL(test, type_make(&fix->obj[i], kind, i));
}

static void type_calls_test(struct kunit *test)
{
	struct type_fixture *fix = test->priv;
	void *obj = &fix->obj[0];
	unsigned long *var;

	KUNIT_EXPECT_NULL(test, klp_shadow_type_get(obj, &type));
	klp_shadow_type_free(obj, &type);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->dtors), 0);

	var = type_make(obj, &type, 42);
	KUNIT_ASSERT_NOT_NULL(test, var);
	KUNIT_EXPECT_EQ(test, *var, 42);
	KUNIT_EXPECT_PTR_EQ(test, klp_shadow_type_get(obj, &type), (void *)var);
	KUNIT_EXPECT_PTR_EQ(test, klp_shadow_get(obj, TYPE_ID), (void *)var);
	KUNIT_EXPECT_NULL(test, klp_shadow_type_get(obj, &other));

	KUNIT_EXPECT_PTR_EQ(test, (void *)var,
			    klp_shadow_type_get_or_alloc(obj, &type, 8, GFP_KERNEL, (void *)43));
	KUNIT_EXPECT_EQ(test, *var, 42);
	var = klp_shadow_type_get_or_alloc(obj, &other, 8, GFP_KERNEL, (void *)44);
	KUNIT_ASSERT_NOT_NULL(test, var);
	KUNIT_EXPECT_EQ(test, *var, 44);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->ctors), 2);
	KUNIT_EXPECT_FALSE(test, fix->ctor_unlocked);

	klp_shadow_type_free(obj, &type);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->dtors), 1);
	KUNIT_EXPECT_NULL(test, klp_shadow_type_get(obj, &type));
	KUNIT_EXPECT_PTR_EQ(test, klp_shadow_type_get(obj, &other), (void *)var);
}

/* The same objects have variables of both ids; freeing all of one leaves the other. */
static void type_other_test(struct kunit *test)
{
	struct type_fixture *fix = test->priv;
	unsigned long *var;
	unsigned int i;

	type_fill(test, &type, TYPE_SOME);
	type_fill(test, &other, TYPE_SOME / 2);
	shadow_expect_count(test, TYPE_ID, TYPE_SOME, TYPE_SOME * sizeof(long));
	shadow_expect_count(test, OTHER_ID, TYPE_SOME / 2, TYPE_SOME / 2 * sizeof(long));

	klp_shadow_type_free_all(&type);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->dtors), TYPE_SOME);
	shadow_expect_count(test, TYPE_ID, SHADOW_NO_LINE, 0);
	shadow_expect_count(test, OTHER_ID, TYPE_SOME / 2, TYPE_SOME / 2 * sizeof(long));
	for (i = 0; i < TYPE_SOME; i++) {
		KUNIT_ASSERT_NULL(test, klp_shadow_type_get(&fix->obj[i], &type));
		var = klp_shadow_type_get(&fix->obj[i], &other);
		KUNIT_ASSERT_EQ(test, !!var, i < TYPE_SOME / 2);
		if (var)
			KUNIT_ASSERT_EQ(test, *var, i);
	}
}

/* Sleeps, and uses the lock that nobody may hold. */
static void type_hook_sleep(void *obj)
{
	schedule_timeout_uninterruptible(1);
	if (klp_shadow_type_get(obj, &type))
		type_fixture->visible = true;
	klp_shadow_free(obj, TYPE_ID, NULL);
}

static void type_do_free(const struct klp_shadow_type *kind)
{
	unsigned int i;

	for (i = 0; i < TYPE_SOME; i++)
		klp_shadow_type_free(&type_fixture->obj[i], kind);
}

/* As if the objects were a module's. */
static void type_do_free_module(const struct klp_shadow_type *kind)
{
	struct module *mod = kzalloc(sizeof(*mod), GFP_KERNEL);

	if (mod) {
		mod->mem[MOD_DATA].base = type_fixture->obj;
		mod->mem[MOD_DATA].size = sizeof(type_fixture->obj);
		klp_shadow_type_free_module(kind, mod);
	}
	kfree(mod);
}

static const struct type_way {
	const char *name;
	void (*destroy)(const struct klp_shadow_type *kind);
} type_ways[] = {
	{ "klp_shadow_type_free", type_do_free },
	{ "klp_shadow_type_free_all", klp_shadow_type_free_all },
	{ "klp_shadow_type_free_module", type_do_free_module },
	{ "klp_shadow_collect", klp_shadow_collect },
};

KUNIT_ARRAY_PARAM_DESC(type_way, type_ways, name);

/* The destructor may sleep and may use shadow variables, once for each of them. */
static void type_context_test(struct kunit *test)
{
	const struct type_way *way = test->param_value;
	struct type_fixture *fix = test->priv;

	type_fill(test, &type, TYPE_SOME);
	fix->dtor_hook = type_hook_sleep;
	way->destroy(&type);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->dtors), TYPE_SOME);
	KUNIT_EXPECT_FALSE(test, fix->atomic);
	KUNIT_EXPECT_FALSE(test, fix->visible);
	shadow_expect_count(test, TYPE_ID, SHADOW_NO_LINE, 0);
}

/* Classic destructors run as they always did. */
static void type_classic_context_test(struct kunit *test)
{
	struct type_fixture *fix = test->priv;

	type_fill(test, &type, TYPE_SOME);
	klp_shadow_free(&fix->obj[0], TYPE_ID, type_dtor);
	klp_shadow_free_all(TYPE_ID, type_dtor);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->dtors), TYPE_SOME);
	KUNIT_EXPECT_TRUE(test, fix->atomic);
	KUNIT_EXPECT_FALSE(test, fix->not_atomic);
}

static void type_hook_again(void *obj)
{
	type_make(obj, &type, 0);
}

/* Who makes variables while all are freed does not keep that from ending, and keeps his. */
static void type_again_test(struct kunit *test)
{
	const struct type_way *way = test->param_value;
	struct type_fixture *fix = test->priv;

	type_fill(test, &type, TYPE_SOME);
	fix->dtor_hook = type_hook_again;
	way->destroy(&type);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->dtors), TYPE_SOME);
	shadow_expect_count(test, TYPE_ID, TYPE_SOME, TYPE_SOME * sizeof(long));
}

/* In the middle of a sweep two others: one that takes nothing, and one that takes all. */
static void type_hook_nested(void *obj)
{
	static struct module none;

	type_fixture->dtor_hook = NULL;
	klp_shadow_type_free_module(&type, &none);
	klp_shadow_type_free_all(&type);
}

static void type_nested_test(struct kunit *test)
{
	const struct type_way *way = test->param_value;
	struct type_fixture *fix = test->priv;

	type_fill(test, &type, TYPE_SOME);
	fix->dtor_hook = type_hook_nested;
	way->destroy(&type);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->dtors), TYPE_SOME);
	shadow_expect_count(test, TYPE_ID, SHADOW_NO_LINE, 0);
}

/* Exactly those variables go whose objects are in the module, from its first byte to its last. */
static void type_module_test(struct kunit *test)
{
	struct type_fixture *fix = test->priv;
	unsigned int i, first = 30, last = TYPE_SOME - 10;
	struct module *mod = kunit_kzalloc(test, sizeof(*mod), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mod);
	mod->mem[MOD_DATA].base = &fix->obj[first];
	mod->mem[MOD_DATA].size = 10;
	mod->mem[MOD_INIT_DATA].base = &fix->obj[first + 10];
	mod->mem[MOD_INIT_DATA].size = last - first - 9;

	type_fill(test, &type, TYPE_SOME);
	type_fill(test, &other, TYPE_SOME);
	klp_shadow_type_free_module(&type, mod);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->dtors), last - first + 1);
	for (i = 0; i < TYPE_SOME; i++) {
		KUNIT_EXPECT_EQ(test, !klp_shadow_type_get(&fix->obj[i], &type),
				i >= first && i <= last);
		KUNIT_EXPECT_NOT_NULL(test, klp_shadow_type_get(&fix->obj[i], &other));
	}
	shadow_expect_count(test, TYPE_ID, TYPE_SOME - (last - first + 1),
			    (TYPE_SOME - (last - first + 1)) * sizeof(long));
}

struct type_racer {
	struct completion *go, done;
	unsigned int nr;
};

static int type_race(void *data)
{
	struct type_racer *racer = data;
	unsigned int i;

	wait_for_completion(racer->go);
	for (i = 0; i < TYPE_RACES; i++) {
		void *obj = &type_fixture->obj[i % 50];

		klp_shadow_type_get_or_alloc(obj, i % 2 ? &type : &other, 8, GFP_KERNEL, NULL);
		klp_shadow_type_free(&type_fixture->obj[(i + racer->nr) % 50], &type);
		if (i % 20 == racer->nr)
			klp_shadow_type_free_all(&other);
		if (i % 20 == racer->nr + 10)
			klp_shadow_free_all(TYPE_ID, type_dtor);
		if (i % 100 == racer->nr)
			klp_shadow_collect(&type);
		klp_shadow_type_get_or_alloc(obj, &type, 8, GFP_KERNEL, NULL);
		cond_resched();
	}
	complete(&racer->done);
	return 0;
}

/* Tasks make and free the same variables: each that was made is destroyed once. */
static void type_race_test(struct kunit *test)
{
	struct type_fixture *fix = test->priv;
	struct type_racer racers[TYPE_RACERS];
	DECLARE_COMPLETION_ONSTACK(go);
	unsigned int i, nr;

	for (nr = 0; nr < TYPE_RACERS; nr++) {
		racers[nr].go = &go;
		racers[nr].nr = nr;
		init_completion(&racers[nr].done);
		if (IS_ERR(kthread_run(type_race, &racers[nr], "klp_type_race/%u", nr)))
			break;
	}
	complete_all(&go);
	for (i = 0; i < nr; i++)
		wait_for_completion(&racers[i].done);
	KUNIT_EXPECT_EQ(test, nr, TYPE_RACERS);

	klp_shadow_type_free_all(&type);
	klp_shadow_type_free_all(&other);
	KUNIT_EXPECT_GT(test, atomic_read(&fix->ctors), TYPE_RACES);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->dtors), atomic_read(&fix->ctors));
	shadow_expect_count(test, TYPE_ID, SHADOW_NO_LINE, 0);
	shadow_expect_count(test, OTHER_ID, SHADOW_NO_LINE, 0);
}

static struct kunit_case type_test_cases[] = {
	KUNIT_CASE(type_calls_test),
	KUNIT_CASE(type_other_test),
	KUNIT_CASE_PARAM(type_context_test, type_way_gen_params),
	KUNIT_CASE(type_classic_context_test),
	KUNIT_CASE_PARAM(type_again_test, type_way_gen_params),
	KUNIT_CASE_PARAM(type_nested_test, type_way_gen_params),
	KUNIT_CASE(type_module_test),
	KUNIT_CASE(type_race_test),
	{}
};

static struct kunit_suite type_suite = {
	.name = "livepatch_shadow_type",
	.init = type_init,
	.exit = type_exit,
	.test_cases = type_test_cases,
};

kunit_test_suite(type_suite);
