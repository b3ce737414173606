// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Do shadow variables keep their promises?  One case for each load: "insmod klpt_shadow.ko
 * what=NAME" succeeds when all of its expectations hold, and says which does not.
 */

#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "klpt_fault.h"

#define ID	0x6b6c7074UL
#define WORKERS	4
#define MANY	3000

static char *what = "";
module_param(what, charp, 0400);
MODULE_PARM_DESC(what, "name of the case");

#define expect(condition)							\
	do {									\
		if (!(condition)) {						\
			pr_err("klpt_shadow: %s: line %d: not true: %s\n",	\
			       what, __LINE__, #condition);			\
			return -ECANCELED;					\
		}								\
	} while (0)

/* Any address will do as an object. */
static int objects[MANY];

static atomic_t constructed, destructed;
static void *last_obj, *last_data;
static int last_value;

static int construct(void *obj, void *data, void *arg)
{
	atomic_inc(&constructed);
	last_obj = obj;
	last_data = data;
	*(int *)data = *(int *)arg;
	return 0;
}

static int construct_in_vain(void *obj, void *data, void *arg)
{
	atomic_inc(&constructed);
	return -EINVAL;
}

static void destruct(void *obj, void *data)
{
	atomic_inc(&destructed);
	last_obj = obj;
	last_data = data;
	last_value = *(int *)data;
}

static int case_missing(void)
{
	expect(!klp_shadow_get(&objects[0], ID));
	klp_shadow_free(&objects[0], ID, destruct);
	klp_shadow_free_all(ID, destruct);
	expect(atomic_read(&destructed) == 0);
	return 0;
}

static int case_alloc(void)
{
	int *data = klp_shadow_alloc(&objects[0], ID, sizeof(*data), GFP_KERNEL, NULL, NULL);

	expect(data);
	expect(klp_shadow_get(&objects[0], ID) == data);
	*data = 5;
	expect(*(int *)klp_shadow_get(&objects[0], ID) == 5);
	klp_shadow_free(&objects[0], ID, NULL);
	expect(!klp_shadow_get(&objects[0], ID));
	return 0;
}

static int case_zeroed(void)
{
	static const size_t sizes[] = { 1, 7, 64, 1000, PAGE_SIZE, 3 * PAGE_SIZE };

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
			char *data;

			data = klp_shadow_alloc(&objects[i], ID, sizes[i], GFP_KERNEL, NULL, NULL);
			expect(data);
			expect(!memchr_inv(data, 0, sizes[i]));
			memset(data, 0xff, sizes[i]);
		}
		klp_shadow_free_all(ID, NULL);
	}
	return 0;
}

static int case_constructor(void)
{
	int arg = 42, *data;

	data = klp_shadow_alloc(&objects[3], ID, sizeof(*data), GFP_KERNEL, construct, &arg);
	expect(data && *data == 42);
	expect(last_obj == &objects[3] && last_data == data);
	arg = 43;
	expect(klp_shadow_get_or_alloc(&objects[3], ID, sizeof(*data), GFP_KERNEL, construct,
				       &arg) == data);
	expect(*data == 42);
	expect(atomic_read(&constructed) == 1);
	expect(klp_shadow_get_or_alloc(&objects[4], ID, 4, GFP_KERNEL, construct, &arg));
	expect(*(int *)klp_shadow_get(&objects[4], ID) == 43);
	expect(atomic_read(&constructed) == 2);
	return 0;
}

static int case_constructor_fails(void)
{
	int arg = 1;

	expect(!klp_shadow_alloc(&objects[0], ID, 8, GFP_KERNEL, construct_in_vain, NULL));
	expect(!klp_shadow_get(&objects[0], ID));
	expect(!klp_shadow_get_or_alloc(&objects[0], ID, 8, GFP_KERNEL, construct_in_vain, NULL));
	expect(!klp_shadow_get(&objects[0], ID));
	expect(atomic_read(&constructed) == 2);
	klp_shadow_free_all(ID, destruct);
	expect(atomic_read(&destructed) == 0);
	expect(klp_shadow_alloc(&objects[0], ID, 8, GFP_KERNEL, construct, &arg));
	return 0;
}

/* Prints a warning: the caller should have used klp_shadow_get_or_alloc(). */
static int case_duplicate(void)
{
	int first = 1, second = 2, *data;

	data = klp_shadow_alloc(&objects[0], ID, sizeof(*data), GFP_KERNEL, construct, &first);
	expect(data);
	expect(!klp_shadow_alloc(&objects[0], ID, sizeof(*data), GFP_KERNEL, construct, &second));
	expect(klp_shadow_get(&objects[0], ID) == data && *data == 1);
	expect(atomic_read(&constructed) == 1);
	return 0;
}

static int case_keys(void)
{
	int one = 1, two = 2, three = 3;
	void *a, *b, *c;

	a = klp_shadow_alloc(&objects[0], ID, 4, GFP_KERNEL, construct, &one);
	b = klp_shadow_alloc(&objects[0], ID + 1, 4, GFP_KERNEL, construct, &two);
	c = klp_shadow_alloc(&objects[1], ID, 4, GFP_KERNEL, construct, &three);
	expect(a && b && c && a != b && b != c && a != c);
	expect(klp_shadow_get(&objects[0], ID) == a);
	expect(klp_shadow_get(&objects[0], ID + 1) == b);
	expect(klp_shadow_get(&objects[1], ID) == c);
	klp_shadow_free(&objects[0], ID, destruct);
	expect(last_obj == &objects[0] && last_value == 1);
	expect(!klp_shadow_get(&objects[0], ID));
	expect(klp_shadow_get(&objects[0], ID + 1) == b);
	expect(klp_shadow_get(&objects[1], ID) == c);
	return 0;
}

static int case_free_all(void)
{
	for (int i = 0; i < 100; i++) {
		expect(klp_shadow_alloc(&objects[i], ID, 4, GFP_KERNEL, construct, &i));
		expect(klp_shadow_alloc(&objects[i], ID + 1, 4, GFP_KERNEL, construct, &i));
	}
	klp_shadow_free_all(ID, destruct);
	expect(atomic_read(&destructed) == 100);
	for (int i = 0; i < 100; i++) {
		expect(!klp_shadow_get(&objects[i], ID));
		expect(*(int *)klp_shadow_get(&objects[i], ID + 1) == i);
	}
	klp_shadow_free_all(ID + 1, destruct);
	expect(atomic_read(&destructed) == 200);
	return 0;
}

static int case_many(void)
{
	for (int i = 0; i < MANY; i++)
		expect(klp_shadow_alloc(&objects[i], ID, 4, GFP_KERNEL, construct, &i));
	for (int i = 0; i < MANY; i++)
		expect(*(int *)klp_shadow_get(&objects[i], ID) == i);
	for (int i = 0; i < MANY; i += 2)
		klp_shadow_free(&objects[i], ID, destruct);
	for (int i = 0; i < MANY; i++)
		expect(!klp_shadow_get(&objects[i], ID) == !(i % 2));
	klp_shadow_free_all(ID, destruct);
	expect(atomic_read(&destructed) == MANY);
	return 0;
}

/* Typed calls: the constructor of the type, and its destructor with no lock held. */

static bool destructed_atomic;

static void destruct_type(void *obj, void *data)
{
	destruct(obj, data);
	destructed_atomic |= irqs_disabled() || preempt_count();
	/* Takes the lock of the id. */
	klp_shadow_free(obj, ID, NULL);
}

/*
 * Each allocation on the way fails once, the table's as well: the variable is not there, or it came
 * about without. Whatever can fail has when there is nothing left to fail.
 */
static int case_no_memory(void)
{
	int refused = 0, without = 0, made = 0;

	for (int i = 0; i < MANY; i++) {
		bool used;
		int nth = 0;

		do {
			int value = i, *data, ret;

			ret = fail_from_here(++nth);
			if (ret)
				return ret;
			data = klp_shadow_get_or_alloc(&objects[i], ID, sizeof(*data), GFP_KERNEL,
						       construct, &value);
			used = !strcmp(fail_until_here(), "used");
			expect(klp_shadow_get(&objects[i], ID) == data);
			if (!data) {
				expect(used);
				refused++;
				continue;
			}
			expect(*data == i);
			made++;
			if (used) {
				without++;
				klp_shadow_free(&objects[i], ID, destruct);
				expect(!klp_shadow_get(&objects[i], ID));
			}
		} while (used);
	}
	expect(atomic_read(&constructed) == made);
	expect(atomic_read(&destructed) == without);
	expect(refused >= MANY);
	for (int i = 0; i < MANY; i++) {
		int *data = klp_shadow_get(&objects[i], ID);

		expect(data && *data == i);
	}
	pr_info("klpt_shadow: %d allocations led to a refusal, %d to nothing\n", refused, without);
	return 0;
}

static int case_types(void)
{
	static const struct klp_shadow_type type = {
		.id = ID, .ctor = construct, .dtor = destruct_type,
	};
	int one = 1, two = 2, *data;

	expect(!klp_shadow_type_get(&objects[0], &type));
	klp_shadow_type_free(&objects[0], &type);
	expect(atomic_read(&destructed) == 0);

	data = klp_shadow_type_alloc(&objects[0], &type, sizeof(*data), GFP_KERNEL, &one);
	expect(data && *data == 1 && last_obj == &objects[0]);
	expect(klp_shadow_type_get(&objects[0], &type) == data);
	expect(klp_shadow_get(&objects[0], ID) == data);
	expect(klp_shadow_type_get_or_alloc(&objects[0], &type, 4, GFP_KERNEL, &two) == data);
	expect(*data == 1 && atomic_read(&constructed) == 1);
	data = klp_shadow_type_get_or_alloc(&objects[1], &type, 4, GFP_KERNEL, &two);
	expect(data && *data == 2 && atomic_read(&constructed) == 2);

	klp_shadow_type_free(&objects[0], &type);
	expect(last_obj == &objects[0] && last_value == 1 && atomic_read(&destructed) == 1);
	expect(!klp_shadow_type_get(&objects[0], &type));

	for (int i = 2; i < 200; i++)
		expect(klp_shadow_type_alloc(&objects[i], &type, 4, GFP_KERNEL, &i));
	klp_shadow_type_free_module(&type, THIS_MODULE);
	expect(atomic_read(&destructed) == 200);
	expect(klp_shadow_type_alloc(&objects[0], &type, 4, GFP_KERNEL, &one));
	klp_shadow_type_free_all(&type);
	expect(atomic_read(&destructed) == 201 && !destructed_atomic);
	expect(!klp_shadow_type_get(&objects[0], &type));
	return 0;
}

/* Three variables of 4 bytes that stay until the module goes. */
static int case_keep(void)
{
	for (int i = 0; i < 3; i++)
		expect(klp_shadow_alloc(&objects[i], ID, 4, GFP_KERNEL, construct, &i));
	return 0;
}

/*
 * All of it with interrupts off and in an interrupt. With PREEMPT_RT neither memory nor a spinlock
 * is to be had there, but what is there can be found.
 */

static DECLARE_COMPLETION(interrupted);
static int interrupt_ret;

static int in_atomic_context(void)
{
	int arg = 7, *data;

	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		data = klp_shadow_get(&objects[2], ID);
		expect(data && *data == 7);
		return 0;
	}
	data = klp_shadow_alloc(&objects[0], ID, sizeof(*data), GFP_ATOMIC, construct, &arg);
	expect(data && *data == 7);
	expect(klp_shadow_get_or_alloc(&objects[0], ID, 4, GFP_ATOMIC, construct, &arg) == data);
	expect(klp_shadow_get(&objects[0], ID) == data);
	klp_shadow_free(&objects[0], ID, destruct);
	expect(!klp_shadow_get(&objects[0], ID));
	expect(klp_shadow_alloc(&objects[1], ID, 4, GFP_ATOMIC, construct, &arg));
	klp_shadow_free_all(ID, destruct);
	expect(!klp_shadow_get(&objects[1], ID));
	return 0;
}

static void interrupt(struct irq_work *work)
{
	interrupt_ret = in_hardirq() ? in_atomic_context() : -EPROTO;
	complete(&interrupted);
}

static int case_atomic(void)
{
	static DEFINE_RAW_SPINLOCK(lock);
	static struct irq_work work = IRQ_WORK_INIT_HARD(interrupt);
	unsigned long flags;
	int ret, arg = 7;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		expect(klp_shadow_alloc(&objects[2], ID, sizeof(arg), GFP_KERNEL, construct, &arg));

	raw_spin_lock_irqsave(&lock, flags);
	ret = in_atomic_context();
	raw_spin_unlock_irqrestore(&lock, flags);
	if (ret)
		return ret;

	irq_work_queue(&work);
	wait_for_completion(&interrupted);
	irq_work_sync(&work);
	klp_shadow_free_all(ID, NULL);
	return interrupt_ret;
}

/* Several tasks want the same variables at the same time: each is constructed once. */

static atomic_t failures, workers_left = ATOMIC_INIT(WORKERS);
static DECLARE_COMPLETION(workers_done);

static int worker(void *unused)
{
	for (int i = 0; i < MANY; i++) {
		int *data = klp_shadow_get_or_alloc(&objects[i], ID, sizeof(*data), GFP_KERNEL,
						    construct, &i);

		if (!data || *data != i || klp_shadow_get(&objects[i], ID) != data)
			atomic_inc(&failures);
		if (i % 64 == 0)
			schedule();
	}
	if (atomic_dec_and_test(&workers_left))
		complete(&workers_done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int case_race(void)
{
	struct task_struct *tasks[WORKERS];
	int n;

	for (n = 0; n < WORKERS; n++) {
		tasks[n] = kthread_run(worker, NULL, "klpt_shadow/%d", n);
		if (IS_ERR(tasks[n]))
			break;
	}
	if (n == WORKERS)
		wait_for_completion(&workers_done);
	for (int i = 0; i < n; i++)
		kthread_stop(tasks[i]);
	expect(n == WORKERS);
	expect(atomic_read(&failures) == 0);
	expect(atomic_read(&constructed) == MANY);
	klp_shadow_free_all(ID, destruct);
	expect(atomic_read(&destructed) == MANY);
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(void);
} cases[] = {
	{ "missing",		case_missing },
	{ "alloc",		case_alloc },
	{ "zeroed",		case_zeroed },
	{ "constructor",	case_constructor },
	{ "constructor_fails",	case_constructor_fails },
	{ "duplicate",		case_duplicate },
	{ "keys",		case_keys },
	{ "free_all",		case_free_all },
	{ "many",		case_many },
	{ "no_memory",		case_no_memory },
	{ "types",		case_types },
	{ "keep",		case_keep },
	{ "atomic",		case_atomic },
	{ "race",		case_race },
};

static void free_all(void)
{
	klp_shadow_free_all(ID, NULL);
	klp_shadow_free_all(ID + 1, NULL);
}

static int __init klpt_shadow_init(void)
{
	int ret = -EINVAL;

	for (int i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!strcmp(cases[i].name, what))
			ret = cases[i].fn();
	}
	if (ret || strcmp(what, "keep"))
		free_all();
	return ret;
}

static void __exit klpt_shadow_exit(void)
{
	free_all();
}

module_init(klpt_shadow_init);
module_exit(klpt_shadow_exit);
MODULE_DESCRIPTION("Livepatch selftests: shadow variables");
MODULE_LICENSE("GPL");
