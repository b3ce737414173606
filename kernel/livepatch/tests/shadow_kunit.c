// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do shadow variables (shadow.c) do what their API promises?
 *
 * Allocating a variable twice with klp_shadow_alloc() is not tried: the warning that it promises
 * would fail the run.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/string.h>
#include "../internal.h"

/* Ids of our own, so that the tests may run beside patches that use shadow variables. */
#define SHADOW_ID	0x4b554e4954000000UL
#define SHADOW_OTHER	(SHADOW_ID + 1)

#define SHADOW_MANY	2000
#define SHADOW_RACERS	4
#define SHADOW_RACES	100

/* Objects to attach variables to, and what constructor and destructor have seen. */
struct shadow_fixture {
	char obj[SHADOW_MANY];
	void *ctor_obj, *ctor_data, *dtor_obj, *dtor_data;
	unsigned int ctors, dtors;
	bool ctor_zeroed, ctor_visible, dtor_visible;
	int ctor_ret;
};

/* For the destructor, which is not told whose it is. */
static struct shadow_fixture *shadow_fixture;

static int shadow_init(struct kunit *test)
{
	shadow_fixture = kunit_kzalloc(test, sizeof(*shadow_fixture), GFP_KERNEL);
	test->priv = shadow_fixture;
	return shadow_fixture ? 0 : -ENOMEM;
}

static void shadow_exit(struct kunit *test)
{
	klp_shadow_free_all(SHADOW_ID, NULL);
	klp_shadow_free_all(SHADOW_OTHER, NULL);
}

static int shadow_ctor(void *obj, void *shadow_data, void *ctor_data)
{
	struct shadow_fixture *fix = ctor_data;

	fix->ctors++;
	fix->ctor_obj = obj;
	fix->ctor_data = shadow_data;
	fix->ctor_zeroed = !*(unsigned long *)shadow_data;
	fix->ctor_visible = klp_shadow_get(obj, SHADOW_ID);
	*(unsigned long *)shadow_data = 42;
	return fix->ctor_ret;
}

static void shadow_dtor(void *obj, void *shadow_data)
{
	struct shadow_fixture *fix = shadow_fixture;

	fix->dtors++;
	fix->dtor_obj = obj;
	fix->dtor_data = shadow_data;
	fix->dtor_visible = klp_shadow_get(obj, SHADOW_ID);
}

static unsigned long *shadow_alloc(void *obj, unsigned long id)
{
	return klp_shadow_alloc(obj, id, sizeof(unsigned long), GFP_KERNEL, NULL, NULL);
}

static unsigned long *shadow_get_or_alloc(void *obj, unsigned long id)
{
	return klp_shadow_get_or_alloc(obj, id, sizeof(unsigned long), GFP_KERNEL, NULL, NULL);
}

static void shadow_get_test(struct kunit *test)
{
	struct shadow_fixture *fix = test->priv;
	unsigned long *var;

	KUNIT_EXPECT_NULL(test, klp_shadow_get(&fix->obj[0], SHADOW_ID));

	var = shadow_alloc(&fix->obj[0], SHADOW_ID);
	KUNIT_ASSERT_NOT_NULL(test, var);
	KUNIT_EXPECT_PTR_EQ(test, klp_shadow_get(&fix->obj[0], SHADOW_ID), (void *)var);
	KUNIT_EXPECT_NULL(test, klp_shadow_get(&fix->obj[1], SHADOW_ID));
	KUNIT_EXPECT_NULL(test, klp_shadow_get(&fix->obj[0], SHADOW_OTHER));
	KUNIT_EXPECT_NULL(test, klp_shadow_get(NULL, SHADOW_ID));
}

/* One object with two variables, two objects with the same: all are apart. */
static void shadow_key_test(struct kunit *test)
{
	struct shadow_fixture *fix = test->priv;
	unsigned long *a0 = shadow_alloc(&fix->obj[0], SHADOW_ID);
	unsigned long *b0 = shadow_alloc(&fix->obj[0], SHADOW_OTHER);
	unsigned long *a1 = shadow_alloc(&fix->obj[1], SHADOW_ID);
	unsigned long *none = shadow_alloc(NULL, SHADOW_ID);

	KUNIT_ASSERT_NOT_NULL(test, a0);
	KUNIT_ASSERT_NOT_NULL(test, b0);
	KUNIT_ASSERT_NOT_NULL(test, a1);
	KUNIT_ASSERT_NOT_NULL(test, none);
	*a0 = 1;
	*b0 = 2;
	*a1 = 3;
	*none = 4;

	klp_shadow_free(&fix->obj[0], SHADOW_ID, NULL);
	KUNIT_EXPECT_NULL(test, klp_shadow_get(&fix->obj[0], SHADOW_ID));
	KUNIT_EXPECT_PTR_EQ(test, klp_shadow_get(&fix->obj[0], SHADOW_OTHER), (void *)b0);
	KUNIT_EXPECT_PTR_EQ(test, klp_shadow_get(&fix->obj[1], SHADOW_ID), (void *)a1);
	KUNIT_EXPECT_PTR_EQ(test, klp_shadow_get(NULL, SHADOW_ID), (void *)none);
	KUNIT_EXPECT_EQ(test, *b0, 2);
	KUNIT_EXPECT_EQ(test, *a1, 3);
	KUNIT_EXPECT_EQ(test, *none, 4);
}

static const size_t shadow_sizes[] = { 0, 1, 3, 8, 24, 100, 4096, 70000 };

static void shadow_size_desc(const size_t *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes", *size);
}

KUNIT_ARRAY_PARAM(shadow_size, shadow_sizes, shadow_size_desc);

/* Zeroed, also where freed memory full of ones is likely to be used again, and aligned. */
static void shadow_zeroed_test(struct kunit *test)
{
	size_t size = *(const size_t *)test->param_value;
	struct shadow_fixture *fix = test->priv;
	unsigned int i;
	void *dirty, *var;

	for (i = 0; i < 8; i++) {
		dirty = kmalloc(size + 64, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, dirty);
		memset(dirty, 0xff, size + 64);
		kfree(dirty);

		var = klp_shadow_alloc(&fix->obj[i], SHADOW_ID, size, GFP_KERNEL, NULL, NULL);
		KUNIT_ASSERT_NOT_NULL(test, var);
		KUNIT_EXPECT_NULL(test, memchr_inv(var, 0, size));
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)var, sizeof(long long)));
		memset(var, 0xff, size);
	}
}

/* No size that wraps around may come back as a small variable. */
static void shadow_size_overflow_test(struct kunit *test)
{
	struct shadow_fixture *fix = test->priv;

	KUNIT_EXPECT_NULL(test, klp_shadow_alloc(&fix->obj[0], SHADOW_ID, SIZE_MAX - 8,
						 GFP_KERNEL | __GFP_NOWARN, NULL, NULL));
	KUNIT_EXPECT_NULL(test, klp_shadow_get(&fix->obj[0], SHADOW_ID));
}

static void shadow_ctor_test(struct kunit *test)
{
	struct shadow_fixture *fix = test->priv;
	unsigned long *var;

	var = klp_shadow_alloc(&fix->obj[0], SHADOW_ID, sizeof(*var), GFP_KERNEL, shadow_ctor, fix);
	KUNIT_ASSERT_NOT_NULL(test, var);
	KUNIT_EXPECT_EQ(test, fix->ctors, 1);
	KUNIT_EXPECT_PTR_EQ(test, fix->ctor_obj, (void *)&fix->obj[0]);
	KUNIT_EXPECT_PTR_EQ(test, fix->ctor_data, (void *)var);
	KUNIT_EXPECT_TRUE(test, fix->ctor_zeroed);
	KUNIT_EXPECT_FALSE(test, fix->ctor_visible);
	KUNIT_EXPECT_EQ(test, *var, 42);
}

typedef void *(*shadow_make_t)(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
			       klp_shadow_ctor_t ctor, void *ctor_data);

static const struct shadow_make_case {
	const char *name;
	shadow_make_t make;
} shadow_make_cases[] = {
	{ "alloc", klp_shadow_alloc },
	{ "get_or_alloc", klp_shadow_get_or_alloc },
};

KUNIT_ARRAY_PARAM_DESC(shadow_make, shadow_make_cases, name);

/* What the constructor refuses does not exist, and does not stand in the way of another try. */
static void shadow_ctor_fail_test(struct kunit *test)
{
	const struct shadow_make_case *param = test->param_value;
	struct shadow_fixture *fix = test->priv;
	unsigned long *var;

	fix->ctor_ret = -EPERM;
	KUNIT_EXPECT_NULL(test, param->make(&fix->obj[0], SHADOW_ID, sizeof(*var), GFP_KERNEL,
					    shadow_ctor, fix));
	KUNIT_EXPECT_EQ(test, fix->ctors, 1);
	KUNIT_EXPECT_NULL(test, klp_shadow_get(&fix->obj[0], SHADOW_ID));
	klp_shadow_free_all(SHADOW_ID, shadow_dtor);
	KUNIT_EXPECT_EQ(test, fix->dtors, 0);

	fix->ctor_ret = 0;
	var = param->make(&fix->obj[0], SHADOW_ID, sizeof(*var), GFP_KERNEL, shadow_ctor, fix);
	KUNIT_ASSERT_NOT_NULL(test, var);
	KUNIT_EXPECT_EQ(test, fix->ctors, 2);
	KUNIT_EXPECT_TRUE(test, fix->ctor_zeroed);
	KUNIT_EXPECT_PTR_EQ(test, klp_shadow_get(&fix->obj[0], SHADOW_ID), (void *)var);
}

static void shadow_get_or_alloc_test(struct kunit *test)
{
	struct shadow_fixture *fix = test->priv;
	unsigned long *var, *again;

	var = klp_shadow_get_or_alloc(&fix->obj[0], SHADOW_ID, sizeof(*var), GFP_KERNEL,
				      shadow_ctor, fix);
	KUNIT_ASSERT_NOT_NULL(test, var);
	KUNIT_EXPECT_EQ(test, fix->ctors, 1);
	KUNIT_EXPECT_EQ(test, *var, 42);
	KUNIT_EXPECT_PTR_EQ(test, klp_shadow_get(&fix->obj[0], SHADOW_ID), (void *)var);

	/* It is there: not constructed again, whatever the constructor would say, and kept. */
	*var = 43;
	fix->ctor_ret = -EPERM;
	again = klp_shadow_get_or_alloc(&fix->obj[0], SHADOW_ID, sizeof(*var), GFP_KERNEL,
					shadow_ctor, fix);
	KUNIT_EXPECT_PTR_EQ(test, again, var);
	KUNIT_EXPECT_EQ(test, fix->ctors, 1);
	KUNIT_EXPECT_EQ(test, *var, 43);

	klp_shadow_free(&fix->obj[0], SHADOW_ID, NULL);
	KUNIT_ASSERT_NOT_NULL(test, shadow_get_or_alloc(&fix->obj[0], SHADOW_ID));
}

static void shadow_free_test(struct kunit *test)
{
	struct shadow_fixture *fix = test->priv;
	unsigned long *var;

	/* Nothing there: nothing happens. */
	klp_shadow_free(&fix->obj[0], SHADOW_ID, shadow_dtor);
	KUNIT_EXPECT_EQ(test, fix->dtors, 0);

	var = shadow_alloc(&fix->obj[0], SHADOW_ID);
	KUNIT_ASSERT_NOT_NULL(test, var);
	klp_shadow_free(&fix->obj[0], SHADOW_ID, shadow_dtor);
	KUNIT_EXPECT_EQ(test, fix->dtors, 1);
	KUNIT_EXPECT_PTR_EQ(test, fix->dtor_obj, (void *)&fix->obj[0]);
	KUNIT_EXPECT_PTR_EQ(test, fix->dtor_data, (void *)var);
	KUNIT_EXPECT_FALSE(test, fix->dtor_visible);
	KUNIT_EXPECT_NULL(test, klp_shadow_get(&fix->obj[0], SHADOW_ID));

	klp_shadow_free(&fix->obj[0], SHADOW_ID, shadow_dtor);
	KUNIT_EXPECT_EQ(test, fix->dtors, 1);

	/* The pair is free to be used again, with a variable that is new. */
	var = klp_shadow_alloc(&fix->obj[0], SHADOW_ID, sizeof(*var), GFP_KERNEL, shadow_ctor, fix);
	KUNIT_ASSERT_NOT_NULL(test, var);
	KUNIT_EXPECT_TRUE(test, fix->ctor_zeroed);
}

/* Many variables with two ids, so that the table grows, and shrinks again. */
static void shadow_many_test(struct kunit *test)
{
	struct shadow_fixture *fix = test->priv;
	unsigned long *var;
	unsigned int i;

	for (i = 0; i < SHADOW_MANY; i++) {
		var = shadow_alloc(&fix->obj[i], i % 2 ? SHADOW_OTHER : SHADOW_ID);
		KUNIT_ASSERT_NOT_NULL(test, var);
		*var = i;
	}
	for (i = 0; i < SHADOW_MANY; i++) {
		var = klp_shadow_get(&fix->obj[i], i % 2 ? SHADOW_OTHER : SHADOW_ID);
		KUNIT_ASSERT_NOT_NULL(test, var);
		KUNIT_ASSERT_EQ(test, *var, i);
		KUNIT_ASSERT_NULL(test, klp_shadow_get(&fix->obj[i],
						       i % 2 ? SHADOW_ID : SHADOW_OTHER));
	}

	klp_shadow_free_all(SHADOW_ID, shadow_dtor);
	KUNIT_EXPECT_EQ(test, fix->dtors, SHADOW_MANY / 2);
	for (i = 0; i < SHADOW_MANY; i++) {
		KUNIT_ASSERT_NULL(test, klp_shadow_get(&fix->obj[i], SHADOW_ID));
		var = klp_shadow_get(&fix->obj[i], SHADOW_OTHER);
		KUNIT_ASSERT_EQ(test, !!var, i % 2);
		if (var)
			KUNIT_ASSERT_EQ(test, *var, i);
	}

	klp_shadow_free_all(SHADOW_ID, shadow_dtor);
	KUNIT_EXPECT_EQ(test, fix->dtors, SHADOW_MANY / 2);
	klp_shadow_free_all(SHADOW_OTHER, shadow_dtor);
	KUNIT_EXPECT_EQ(test, fix->dtors, SHADOW_MANY);
	for (i = 0; i < SHADOW_MANY; i++)
		KUNIT_ASSERT_NULL(test, klp_shadow_get(&fix->obj[i], SHADOW_OTHER));
}

struct shadow_irq {
	struct irq_work work;
	struct completion done;
	struct shadow_fixture *fix;
	void *made, *seen, *gone;
	bool hard;
};

static void shadow_irq_func(struct irq_work *work)
{
	struct shadow_irq *irq = container_of(work, struct shadow_irq, work);
	void *obj = &irq->fix->obj[0];

	irq->hard = in_hardirq();
	irq->made = klp_shadow_alloc(obj, SHADOW_ID, 8, GFP_ATOMIC, shadow_ctor, irq->fix);
	irq->seen = klp_shadow_get_or_alloc(obj, SHADOW_ID, 8, GFP_ATOMIC, shadow_ctor, irq->fix);
	klp_shadow_free(obj, SHADOW_ID, shadow_dtor);
	irq->gone = klp_shadow_get(obj, SHADOW_ID);
	complete(&irq->done);
}

/* All of it from an interrupt handler, which with PREEMPT_RT is a thread. */
static void shadow_irq_test(struct kunit *test)
{
	struct shadow_irq irq = { .fix = test->priv, .gone = test };

	init_completion(&irq.done);
	irq.work = IRQ_WORK_INIT(shadow_irq_func);
	irq_work_queue(&irq.work);
	wait_for_completion(&irq.done);
	irq_work_sync(&irq.work);

	KUNIT_EXPECT_NE(test, irq.hard, IS_ENABLED(CONFIG_PREEMPT_RT));
	KUNIT_EXPECT_NOT_NULL(test, irq.made);
	KUNIT_EXPECT_PTR_EQ(test, irq.seen, irq.made);
	KUNIT_EXPECT_NULL(test, irq.gone);
	KUNIT_EXPECT_EQ(test, irq.fix->ctors, 1);
	KUNIT_EXPECT_EQ(test, irq.fix->dtors, 1);
}

struct shadow_racer {
	struct completion *go, done;
	struct shadow_fixture *fix;
	void *got[SHADOW_RACES];
};

static int shadow_race(void *data)
{
	struct shadow_racer *racer = data;
	unsigned int i;

	wait_for_completion(racer->go);
	for (i = 0; i < SHADOW_RACES; i++) {
		racer->got[i] = klp_shadow_get_or_alloc(&racer->fix->obj[i], SHADOW_ID, 8,
							GFP_KERNEL, shadow_ctor, racer->fix);
		cond_resched();
	}
	complete(&racer->done);
	return 0;
}

/* Several tasks want the same variables: each is constructed once, and all get the same. */
static void shadow_race_test(struct kunit *test)
{
	struct shadow_fixture *fix = test->priv;
	DECLARE_COMPLETION_ONSTACK(go);
	struct shadow_racer *racers;
	unsigned int i, nr;

	racers = kunit_kcalloc(test, SHADOW_RACERS, sizeof(*racers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, racers);
	for (nr = 0; nr < SHADOW_RACERS; nr++) {
		racers[nr].go = &go;
		racers[nr].fix = fix;
		init_completion(&racers[nr].done);
		if (IS_ERR(kthread_run(shadow_race, &racers[nr], "klp_shadow_race/%u", nr)))
			break;
	}
	complete_all(&go);
	for (i = 0; i < nr; i++)
		wait_for_completion(&racers[i].done);

	KUNIT_EXPECT_EQ(test, nr, SHADOW_RACERS);
	KUNIT_EXPECT_EQ(test, fix->ctors, SHADOW_RACES);
	for (i = 0; i < SHADOW_RACES; i++) {
		KUNIT_EXPECT_NOT_NULL(test, racers[0].got[i]);
		for (nr = 1; nr < SHADOW_RACERS; nr++)
			KUNIT_EXPECT_PTR_EQ(test, racers[nr].got[i], racers[0].got[i]);
	}
}

static struct kunit_case shadow_test_cases[] = {
	KUNIT_CASE(shadow_get_test),
	KUNIT_CASE(shadow_key_test),
	KUNIT_CASE_PARAM(shadow_zeroed_test, shadow_size_gen_params),
	KUNIT_CASE(shadow_size_overflow_test),
	KUNIT_CASE(shadow_ctor_test),
	KUNIT_CASE_PARAM(shadow_ctor_fail_test, shadow_make_gen_params),
	KUNIT_CASE(shadow_get_or_alloc_test),
	KUNIT_CASE(shadow_free_test),
	KUNIT_CASE(shadow_many_test),
	KUNIT_CASE(shadow_irq_test),
	KUNIT_CASE(shadow_race_test),
	{}
};

static struct kunit_suite shadow_suite = {
	.name = "livepatch_shadow",
	.init = shadow_init,
	.exit = shadow_exit,
	.test_cases = shadow_test_cases,
};

kunit_test_suite(shadow_suite);
