// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What do the tests patch?  The functions of this module, built as klpt_target and as klpt_extra.
 *
 * /proc/MODULE/value, other, third, named, args, dup, mixed
 *	call the function and show what it returns: 0 or a constant from the original, the number of
 *	the livepatch from a replacement
 * /proc/MODULE/call
 *	write "NAME ARGUMENT" to run one of the calls below in the context of the writer
 * /proc/MODULE/kthread
 *	write the name of a kind to start a kthread, "stop" to stop it; shows its PID
 */

#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/processor.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "klpt_lib.h"
#include "klpt_target.h"

#define FILL_SIZE	(8UL << 20)

/* Not known to the compiler, or it would not bother to call the functions. */
static int zero;
module_param(zero, int, 0400);
MODULE_PARM_DESC(zero, "what the original functions return");

static int init_ret;
module_param(init_ret, int, 0400);
MODULE_PARM_DESC(init_ret, "what module init returns");

/* Functions to patch: values */

static klpt_func int klpt_value(void)
{
	return READ_ONCE(zero);
}

static klpt_func int klpt_other(void)
{
	return READ_ONCE(zero);
}

static klpt_func int klpt_third(void)
{
	return READ_ONCE(zero);
}

/* One function with two names. */
klpt_func int klpt_named(void)
{
	return READ_ONCE(zero);
}

int __alias(klpt_named) klpt_alias(void);

/* More arguments than registers. */
static klpt_func int klpt_args(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j)
{
	return READ_ONCE(zero) + a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i +
	       10 * j;
}

static klpt_func int klpt_dup(void)
{
	return READ_ONCE(zero) + 10;
}

/* ftrace has no place in this one. */
static klpt_func notrace int klpt_notrace(int arg)
{
	return READ_ONCE(zero) + arg;
}

/* Data that nothing exports, other in klpt_extra. Only livepatches read it. */
static const char *klpt_datum __used = KBUILD_MODNAME;

/* Referred to by klp relocations, never patched, called by nobody else. */
static klpt_func int klpt_hidden(int arg)
{
	return READ_ONCE(zero) + 40 + arg;
}

/* Gone when the module is live; the second has the name of one that stays, and stands before it. */
static klpt_func int __init __used klpt_early(void)
{
	return READ_ONCE(zero);
}

static klpt_func int __init __used klpt_mixed(void)
{
	return READ_ONCE(zero);
}

/* Functions to patch: places to sleep */

static klpt_func int klpt_sleep(int channel)
{
	return klpt_wait(channel, KLPT_KILLABLE) ?: READ_ONCE(zero);
}

static klpt_func int klpt_interruptible(int channel)
{
	return klpt_wait(channel, KLPT_INTERRUPTIBLE) ?: READ_ONCE(zero);
}

/* Calls klpt_value() while being a function of its own that a patch may have, too. */
static klpt_func int klpt_caller(int channel)
{
	int before = klpt_value();
	int ret = klpt_wait(channel, KLPT_KILLABLE);

	return ret ?: before * 10 + klpt_value();
}

/* The loop of 2014: foo() sleeps and calls bar(), again and again. */
static klpt_func int klpt_bar(void)
{
	return READ_ONCE(zero);
}

static klpt_func int klpt_loop(struct klpt_loop_args *args)
{
	for (int i = 0; i < args->rounds; i++) {
		args->seen[i] = '0' + args->bar();
		if (klpt_wait(args->channel, KLPT_KILLABLE))
			return -EINTR;
	}
	return 0;
}

/* A chain of calls deeper than any fixed buffer for stack entries. */
static klpt_func int klpt_deep(int channel, int depth)
{
	int ret = depth ? klpt_deep(channel, depth - 1) : klpt_wait(channel, KLPT_KILLABLE);

	barrier();	/* no tail call */
	return ret;
}

/*
 * A function with a part that the compiler moved elsewhere. It is entered by a jump and has no
 * entry of its own for ftrace, so a task in it shows no address inside klpt_hot().
 */
int klpt_hot_cold(int channel) __asm__("klpt_hot.cold");
klpt_func notrace int klpt_hot_cold(int channel)
{
	int ret = klpt_wait(channel, KLPT_KILLABLE);

	barrier();	/* no tail call */
	return ret ?: READ_ONCE(zero);
}

klpt_func int klpt_hot(int channel)
{
	return klpt_hot_cold(channel);
}

int __alias(klpt_hot) klpt_hot_alias(int channel);

/*
 * The compiler moves a part of its caller: it takes what calls a cold function for seldom run. The
 * macro __cold says nothing to compilers that do not align such functions, and ftrace on arm64
 * takes none that is not aligned.
 */
static noinline __attribute__((__cold__)) __aligned(8) int klpt_seldom(int channel)
{
	int ret = klpt_wait(channel, KLPT_KILLABLE);

	barrier();	/* no tail call */
	return ret ?: READ_ONCE(zero);
}

static klpt_func int klpt_split(int channel)
{
	int ret = READ_ONCE(zero);

	if (channel) {
		ret = klpt_seldom(channel);
		barrier();	/* no tail call */
	}
	return ret;
}

/*
 * Until it is killed, a task is in here, and nearly always in one instruction that takes
 * milliseconds. Behind that there is room for the jump of an optimised kprobe.
 */
#ifdef CONFIG_X86_64
extern unsigned long klpt_fill_offset;

#define fill(area, size) ({						\
	void *to = (area);						\
	unsigned long left = (size);					\
									\
	asm volatile("1:	rep stosb\n"				\
		     "	nop\n"						\
		     "	nop\n"						\
		     "	nop\n"						\
		     "	.pushsection .data\n"				\
		     "	.balign 8\n"					\
		     "	.globl klpt_fill_offset\n"			\
		     "klpt_fill_offset:\n"				\
		     "	.quad 1b - klpt_fill\n"			\
		     "	.popsection"					\
		     : "+D" (to), "+c" (left) : "a" (0) : "memory");	\
})
#else
static unsigned long klpt_fill_offset;

#define fill(area, size)	memset(area, 0, size)
#endif

/* It calls nothing: no address of it is left where it has been. */
static klpt_func int klpt_fill(void *area)
{
	do {
		fill(area, FILL_SIZE);
		rcu_tasks_qs(current, false);
	} while (!fatal_signal_pending(current));
	return -EINTR;
}

module_param_named(fill_offset, klpt_fill_offset, ulong, 0400);
MODULE_PARM_DESC(fill_offset, "where the instruction is that klpt_fill() is busy with");

/* Runs in a kthread, which leaves patched code when it is woken up, no matter why. */
static klpt_func void klpt_kthread_body(void)
{
	klpt_nap();
	barrier();	/* no tail call */
}

/*
 * Forks from within a patched function. The kernel does not export the way to do so. Each child
 * tells which world it was born in; a scan may move one of them before it gets that far.
 */
static pid_t (*make_thread)(int (*fn)(void *arg), void *arg, const char *name,
			    unsigned long flags);

static int forked_child(void *done)
{
	klpt_log("%s child in world %d", KBUILD_MODNAME, READ_ONCE(current->patch_state));
	kthread_complete_and_exit(done, 0);
}

static klpt_func void klpt_fork(int channel)
{
	klpt_wait(channel, KLPT_IDLE);
	for (int i = 0; i < 5; i++) {
		DECLARE_COMPLETION_ONSTACK(done);

		if (make_thread(forked_child, &done, "klpt_child",
				CLONE_FS | CLONE_FILES | SIGCHLD) < 0)
			break;
		wait_for_completion(&done);
	}
}

/* Calls */

static int call_value(int unused)
{
	return klpt_value();
}

/* Returns the sum. */
static int call_values(int times)
{
	int sum = 0;

	while (times--)
		sum += klpt_value();
	return sum;
}

/* Threads that do nothing but exit, all at once, when channel 7 is woken. */
static int exiting_thread(void *unused)
{
	klpt_wait(7, KLPT_IDLE);
	/* Makes way for scripts, which a thousand of them would outrun. */
	set_user_nice(current, MAX_NICE);
	module_put_and_kthread_exit(0);
}

static int call_exits(int nr)
{
	for (int i = 0; i < nr; i++) {
		struct task_struct *task = kthread_create(exiting_thread, NULL, "klpt_exit");

		if (IS_ERR(task))
			return PTR_ERR(task);
		__module_get(THIS_MODULE);
		wake_up_process(task);
	}
	return nr;
}

static int call_deep(int channel)
{
	return klpt_deep(channel, 150);
}

static int call_loop(int channel)
{
	struct klpt_loop_args args = { .bar = klpt_bar, .channel = channel, .rounds = 6 };
	int ret = klpt_loop(&args);

	klpt_log("%s seen %s", KBUILD_MODNAME, args.seen);
	return ret;
}

/*
 * Never leaves the kernel and never sleeps. Without the hint to RCU no ftrace handler could ever be
 * removed; an emulator that runs all CPUs in turn gives way to the others at cpu_relax().
 */
static void busy_round(void)
{
	klpt_value();
	cpu_relax();
	cond_resched_tasks_rcu_qs();
}

static int call_busy(int channel)
{
	while (!fatal_signal_pending(current))
		busy_round();
	return -EINTR;
}

static int call_fill(int unused)
{
	void *area = vmalloc(FILL_SIZE);
	int ret;

	if (!area)
		return -ENOMEM;
	ret = klpt_fill(area);
	vfree(area);
	return ret;
}

static const struct {
	const char *name;
	int (*fn)(int arg);
} calls[] = {
	{ "value",		call_value },
	{ "values",		call_values },
	{ "exits",		call_exits },
	{ "sleep",		klpt_sleep },
	{ "interruptible",	klpt_interruptible },
	{ "caller",		klpt_caller },
	{ "loop",		call_loop },
	{ "deep",		call_deep },
	{ "hot",		klpt_hot },
	{ "split",		klpt_split },
	{ "busy",		call_busy },
	{ "fill",		call_fill },
	{ "notrace",		klpt_notrace },
	{ "hidden",		klpt_hidden },
};

/* kthreads */

static DEFINE_MUTEX(kthread_mutex);
static struct task_struct *kthread;

static int kthread_sleep(void *unused)
{
	klpt_sleep(6);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return 0;
}

static int kthread_inside(void *unused)
{
	while (!kthread_should_stop()) {
		klpt_kthread_body();
		cond_resched();		/* the only place where this task can move */
	}
	return 0;
}

static int kthread_fork(void *unused)
{
	klpt_fork(6);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return 0;
}

static int kthread_busy(void *unused)
{
	while (!kthread_should_stop())
		busy_round();
	return 0;
}

/* Never gives way of its own accord. */
static int kthread_spin(void *unused)
{
	while (!kthread_should_stop()) {
		klpt_value();
		cpu_relax();
		rcu_tasks_qs(current, false);
	}
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(void *unused);
} kthreads[] = {
	{ "sleep",	kthread_sleep },
	{ "inside",	kthread_inside },
	{ "busy",	kthread_busy },
	{ "spin",	kthread_spin },
	{ "fork",	kthread_fork },
};

static int kthread_show(struct seq_file *m, void *unused)
{
	guard(mutex)(&kthread_mutex);
	seq_printf(m, "%d\n", kthread ? task_pid_nr(kthread) : 0);
	return 0;
}

static void kthread_end(void)
{
	guard(mutex)(&kthread_mutex);
	if (kthread)
		kthread_stop(kthread);
	kthread = NULL;
}

static int kthread_start(int (*fn)(void *unused))
{
	struct task_struct *task;

	guard(mutex)(&kthread_mutex);
	if (kthread)
		return -EBUSY;
	task = kthread_run(fn, NULL, "klpt_kthread");
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread = task;
	return 0;
}

/* Files */

static int get_text(char *text, size_t size, const char __user *buf, size_t count)
{
	if (count >= size)
		return -EINVAL;
	memset(text, 0, size);
	return copy_from_user(text, buf, count) ? -EFAULT : 0;
}

static ssize_t call_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char text[32], name[16];
	int arg = 0, ret;

	ret = get_text(text, sizeof(text), buf, count);
	if (ret)
		return ret;
	if (sscanf(text, "%15s %d", name, &arg) < 1)
		return -EINVAL;

	for (int i = 0; i < ARRAY_SIZE(calls); i++) {
		if (strcmp(calls[i].name, name))
			continue;
		ret = calls[i].fn(arg);
		if (ret < 0)
			return ret;
		klpt_log("%s %s %d", KBUILD_MODNAME, name, ret);
		return count;
	}
	return -EINVAL;
}

static const struct proc_ops call_ops = {
	.proc_write	= call_write,
};

static int kthread_open(struct inode *inode, struct file *file)
{
	return single_open(file, kthread_show, NULL);
}

static ssize_t kthread_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char text[16];
	int ret;

	ret = get_text(text, sizeof(text), buf, count);
	if (ret)
		return ret;
	if (sysfs_streq(text, "stop")) {
		kthread_end();
		return count;
	}
	for (int i = 0; i < ARRAY_SIZE(kthreads); i++) {
		if (!sysfs_streq(text, kthreads[i].name))
			continue;
		return kthread_start(kthreads[i].fn) ?: count;
	}
	return -EINVAL;
}

static const struct proc_ops kthread_ops = {
	.proc_open	= kthread_open,
	.proc_read	= seq_read,
	.proc_write	= kthread_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= single_release,
};

static int value_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d\n", klpt_value());
	return 0;
}

static int other_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d\n", klpt_other());
	return 0;
}

static int third_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d\n", klpt_third());
	return 0;
}

static int named_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d\n", klpt_named());
	return 0;
}

static int args_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d\n", klpt_args(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
	return 0;
}

static int dup_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d %d\n", klpt_dup(), klpt_call_second_dup());
	return 0;
}

static int mixed_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d\n", klpt_call_mixed());
	return 0;
}

static const struct {
	const char *name;
	int (*show)(struct seq_file *m, void *unused);
} values[] = {
	{ "value",	value_show },
	{ "other",	other_show },
	{ "third",	third_show },
	{ "named",	named_show },
	{ "args",	args_show },
	{ "dup",	dup_show },
	{ "mixed",	mixed_show },
};

static int make_files(void)
{
	struct proc_dir_entry *dir = proc_mkdir(KBUILD_MODNAME, NULL);

	if (!dir ||
	    !proc_create("call", 0200, dir, &call_ops) ||
	    !proc_create("kthread", 0600, dir, &kthread_ops))
		return -ENOMEM;
	for (int i = 0; i < ARRAY_SIZE(values); i++) {
		if (!proc_create_single(values[i].name, 0400, dir, values[i].show))
			return -ENOMEM;
	}
	return 0;
}

static int find_make_thread(void)
{
	make_thread = klpt_entry("kernel_thread");
	return make_thread ? 0 : -ENOENT;
}

static int __init klpt_target_init(void)
{
	int ret;

	klpt_log("%s init %d", KBUILD_MODNAME, klpt_value());
	if (init_ret)
		return init_ret;

	ret = find_make_thread() ?: make_files();
	if (ret)
		remove_proc_subtree(KBUILD_MODNAME, NULL);
	return ret;
}

static void __exit klpt_target_exit(void)
{
	remove_proc_subtree(KBUILD_MODNAME, NULL);
	kthread_end();
	klpt_log("%s exit %d", KBUILD_MODNAME, klpt_value());
}

module_init(klpt_target_init);
module_exit(klpt_target_exit);
MODULE_DESCRIPTION("Livepatch selftests: functions to patch");
MODULE_LICENSE("GPL");
