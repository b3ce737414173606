// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Does the last task that moves by itself say so, is every move counted, and can no task choose a
 * name that looks like something else (task.c)?
 *
 * With tasks that do not exist: nobody schedules them, and the list of tasks does not have them. No
 * real task is flagged, so nothing becomes of the target that is set here.
 */
#include <kunit/test.h>
#include <linux/irq_work.h>
#include <linux/sched.h>
#include "../internal.h"

#define TASK_MANY	8

struct task_fixture {
	struct task_struct *task[TASK_MANY];
	void (*kick)(struct irq_work *work);
};

/* How often the last task has said so; written in an interrupt, read when that is over. */
static unsigned int task_said;

static void task_say(struct irq_work *work)
{
	task_said++;
}

static int task_init(struct kunit *test)
{
	struct task_fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	unsigned int i;

	if (!fix)
		return -ENOMEM;
	test->priv = fix;
	for (i = 0; i < TASK_MANY; i++) {
		fix->task[i] = kunit_kzalloc(test, sizeof(*fix->task[i]), GFP_KERNEL);
		if (!fix->task[i])
			return -ENOMEM;
	}
	return 0;
}

/* A transition to world 1 that nobody but our tasks takes part in; klp_mutex held. */
static void task_begin(struct task_fixture *fix)
{
	unsigned int i;

	klp_task_set_target(KLP_TRANSITION_PATCHED);
	/* That of the last transition may still be on its way. */
	irq_work_sync(&klp_task_last);
	fix->kick = klp_task_last.func;
	init_irq_work(&klp_task_last, task_say);
	task_said = 0;
	klp_task_reset_moves();
	klp_task_count();
	for (i = 0; i < TASK_MANY; i++) {
		fix->task[i]->patch_state = KLP_TRANSITION_UNPATCHED;
		set_tsk_thread_flag(fix->task[i], TIF_PATCH_PENDING);
	}
}

static void task_end(const struct task_fixture *fix)
{
	klp_task_count();
	irq_work_sync(&klp_task_last);
	init_irq_work(&klp_task_last, fix->kick);
	klp_task_set_target(KLP_TRANSITION_IDLE);
}

/* How often the last task has said so by now. */
static unsigned int task_heard(void)
{
	irq_work_sync(&klp_task_last);
	return task_said;
}

/* Tasks from..to - 1 move by themselves, as far as the counting is concerned. */
static void task_go(struct task_fixture *fix, unsigned int from, unsigned int to)
{
	for (; from < to; from++)
		klp_task_force(fix->task[from]);
}

/* How many tasks move while a round counts, how many it leaves behind, how many move after it. */
struct task_case {
	const char *name;
	unsigned int during, left, after;
	bool awaited;
	unsigned int said;
};

static const struct task_case task_cases[] = {
	{ "one is left", 0, 1, 0, true, 0 },
	{ "one is left and moves", 0, 1, 1, true, 1 },
	{ "one of three moves", 0, 3, 1, true, 0 },
	{ "two of three move", 0, 3, 2, true, 0 },
	{ "three of three move", 0, 3, 3, true, 1 },
	{ "more than were seen move", 0, 3, 5, true, 1 },
	{ "some are early, and perhaps among those left", 2, 3, 0, true, 0 },
	{ "some are early, one more moves", 2, 3, 1, true, 1 },
	{ "as many are early as are left", 3, 3, 0, false, 0 },
	{ "more are early than are left", 4, 3, 0, false, 0 },
	{ "more are early, the rest moves", 4, 3, 3, false, 0 },
	{ "nobody is left", 0, 0, 0, false, 0 },
	{ "nobody is left, somebody was missed", 0, 0, 1, false, 0 },
};

KUNIT_ARRAY_PARAM_DESC(task, task_cases, name);

static void task_await_test(struct kunit *test)
{
	const struct task_case *param = test->param_value;
	struct task_fixture *fix = test->priv;

	guard(mutex)(&klp_mutex);
	task_begin(fix);

	task_go(fix, 0, param->during);
	KUNIT_EXPECT_EQ(test, task_heard(), 0);
	KUNIT_EXPECT_EQ(test, klp_task_await(param->left), param->awaited);
	task_go(fix, param->during, param->during + param->after);
	KUNIT_EXPECT_EQ(test, task_heard(), param->said);

	task_end(fix);
}

/* Each round counts anew. */
static void task_rounds_test(struct kunit *test)
{
	struct task_fixture *fix = test->priv;

	guard(mutex)(&klp_mutex);
	task_begin(fix);

	KUNIT_EXPECT_TRUE(test, klp_task_await(3));
	task_go(fix, 0, 2);
	klp_task_count();
	task_go(fix, 2, 4);
	KUNIT_EXPECT_EQ(test, task_heard(), 0);
	KUNIT_EXPECT_FALSE(test, klp_task_await(2));
	klp_task_count();
	KUNIT_EXPECT_TRUE(test, klp_task_await(2));
	task_go(fix, 4, 6);
	KUNIT_EXPECT_EQ(test, task_heard(), 1);

	task_end(fix);
}

/* Who is moved by a round is not awaited: the round knows. */
static void task_moved_test(struct kunit *test)
{
	struct task_fixture *fix = test->priv;
	unsigned int i;

	guard(mutex)(&klp_mutex);
	task_begin(fix);

	KUNIT_EXPECT_TRUE(test, klp_task_await(1));
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, klp_task_arrived(fix->task[i]));
		klp_task_move(fix->task[i]);
		KUNIT_EXPECT_TRUE(test, klp_task_arrived(fix->task[i]));
		KUNIT_EXPECT_FALSE(test, klp_patch_pending(fix->task[i]));
		klp_task_move(fix->task[i]);
	}
	KUNIT_EXPECT_EQ(test, task_heard(), 0);
	task_go(fix, 3, 4);
	KUNIT_EXPECT_EQ(test, task_heard(), 1);

	task_end(fix);
}

/* Once for each move, by the way that it was made. */
static void task_moves_test(struct kunit *test)
{
	struct task_fixture *fix = test->priv;
	unsigned int moves[KLP_WAYS], way, i;

	guard(mutex)(&klp_mutex);
	task_begin(fix);

	for (i = 0; i < 3; i++)
		klp_task_move(fix->task[i]);
	/* The first three are not flagged any more. */
	task_go(fix, 0, 5);
	klp_task_count_moves(moves);
	for (way = 0; way < KLP_WAYS; way++) {
		KUNIT_EXPECT_EQ(test, moves[way], way == KLP_WAY_STACK ? 3 :
						  way == KLP_WAY_FORCED ? 2 : 0);
	}
	klp_task_reset_moves();
	klp_task_count_moves(moves);
	for (way = 0; way < KLP_WAYS; way++)
		KUNIT_EXPECT_EQ(test, moves[way], 0);

	task_end(fix);
}

static const struct task_name {
	const char *comm;
	const char *shown;
} task_names[] = {
	{ "kworker/0:1-ev", "kworker/0:1-ev" },
	{ "a b (c) \"d\"", "a b (c) \"d\"" },
	{ "", "" },
	{ "a\npatch: zz", "a\\012patch: zz" },
	{ "a\\012b", "a\\134012b" },
	{ "\033[31m\a\t\177", "\\033[31m\\007\\011\\177" },
	/* A control character in UTF-8, and one in Latin 1. */
	{ "\302\233m \233m", "\\302\\233m \\233m" },
	/* As long as it gets. */
	{ "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", "\\012\\012\\012\\012\\012\\012\\012\\012"
	  "\\012\\012\\012\\012\\012\\012\\012" },
};

static void task_name_test(struct kunit *test)
{
	struct task_fixture *fix = test->priv;
	struct task_struct *task = fix->task[0];
	struct klp_blocker blocker;
	unsigned int i;

	spin_lock_init(&task->alloc_lock);
	for (i = 0; i < ARRAY_SIZE(task_names); i++) {
		memset(&blocker, 0xff, sizeof(blocker));
		strscpy(task->comm, task_names[i].comm);
		klp_task_blame(task, KLP_RUNNING, 0, &blocker);
		KUNIT_EXPECT_STREQ(test, blocker.comm, task_names[i].shown);
	}
}

static struct kunit_case task_tests[] = {
	KUNIT_CASE(task_name_test),
	KUNIT_CASE_PARAM(task_await_test, task_gen_params),
	KUNIT_CASE(task_rounds_test),
	KUNIT_CASE(task_moved_test),
	KUNIT_CASE(task_moves_test),
	{ }
};

static struct kunit_suite task_suite = {
	.name = "livepatch_task",
	.init = task_init,
	.test_cases = task_tests,
};

kunit_test_suite(task_suite);
