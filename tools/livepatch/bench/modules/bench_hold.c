// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long does who hold a lock? Traces the calls that take and give back mutexes, and rwlocks for
 * reading, on a machine with one CPU, and keeps the longest time for each lock and place it was
 * taken at. The addresses of the locks are a parameter, since they are not exported.
 *
 *	/sys/module/bench_hold/parameters/longest	"TIME LOCK FUNCTION", a line for each place;
 *							LOCK counts the addresses, from 0
 */
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/timex.h>

#define HOLD_LOCKS 8
#define HOLD_PLACES 128

static ulong locks[HOLD_LOCKS];
static int lock_count;
module_param_array(locks, ulong, &lock_count, 0400);
MODULE_PARM_DESC(locks, "addresses of the locks");

/* All below with preemption off, on the only CPU; interrupts do not take these locks. */
static struct {
	unsigned long ip;
	int lock;
	u64 longest;
} hold_place[HOLD_PLACES];

/* How many have asked for it and have not given it back; by whom and since when it is held. */
static struct {
	unsigned int users;
	unsigned long ip;
	u64 since;
} hold_lock[HOLD_LOCKS];

static bool hold_full;

static int notrace hold_find(struct ftrace_regs *fregs)
{
	unsigned long address = ftrace_regs_get_argument(fregs, 0);
	int i;

	for (i = 0; i < lock_count; i++) {
		if (locks[i] == address)
			return i;
	}
	return -1;
}

static void notrace hold_note(int lock, unsigned long ip, u64 time)
{
	unsigned int i;

	for (i = 0; i < HOLD_PLACES; i++) {
		if (!hold_place[i].ip) {
			hold_place[i].ip = ip;
			hold_place[i].lock = lock;
		}
		if (hold_place[i].ip != ip || hold_place[i].lock != lock)
			continue;
		if (hold_place[i].longest < time)
			hold_place[i].longest = time;
		return;
	}
	hold_full = true;
}

static void notrace hold_taken(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	int lock = hold_find(fregs);

	/* Who has to wait gets it when it is given back; it is the owner's time until then. */
	if (lock < 0 || hold_lock[lock].users++)
		return;
	hold_lock[lock].ip = parent_ip;
	hold_lock[lock].since = get_cycles();
}

static void notrace hold_given(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			       struct ftrace_regs *fregs)
{
	int lock = hold_find(fregs);
	u64 now = get_cycles();

	/* It was taken before the tracing began. */
	if (lock < 0 || !hold_lock[lock].users)
		return;
	hold_note(lock, hold_lock[lock].ip, now - hold_lock[lock].since);
	hold_lock[lock].users--;
	hold_lock[lock].ip = parent_ip;
	hold_lock[lock].since = now;
}

static int hold_show(char *buffer, const struct kernel_param *kp)
{
	int i, len = 0;

	if (hold_full)
		return -ENOSPC;
	for (i = 0; i < HOLD_PLACES && hold_place[i].ip; i++)
		len += sysfs_emit_at(buffer, len, "%llu %d %ps\n", hold_place[i].longest,
				     hold_place[i].lock, (void *)hold_place[i].ip);
	return len;
}

static const struct kernel_param_ops hold_ops = { .get = hold_show };
module_param_cb(longest, &hold_ops, NULL, 0400);

static struct ftrace_ops taken_ops = { .func = hold_taken, .flags = FTRACE_OPS_FL_RECURSION };
static struct ftrace_ops given_ops = { .func = hold_given, .flags = FTRACE_OPS_FL_RECURSION };

static int hold_trace(struct ftrace_ops *ops, char *read, char *mutex)
{
	int ret = ftrace_set_filter(ops, read, strlen(read), 1);

	ret = ret ?: ftrace_set_filter(ops, mutex, strlen(mutex), 0);
	return ret ?: register_ftrace_function(ops);
}

static int __init bench_hold_init(void)
{
	int ret = hold_trace(&given_ops, "_raw_read_unlock", "mutex_unlock");

	if (ret)
		return ret;
	ret = hold_trace(&taken_ops, "_raw_read_lock", "mutex_lock");
	if (ret)
		unregister_ftrace_function(&given_ops);
	return ret;
}
module_init(bench_hold_init);

static void __exit bench_hold_exit(void)
{
	unregister_ftrace_function(&taken_ops);
	unregister_ftrace_function(&given_ops);
}
module_exit(bench_hold_exit);

MODULE_DESCRIPTION("How long locks are held, for the livepatch benchmark");
MODULE_LICENSE("GPL");
