// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A call out of the core is refused, without being made.
 *
 * "fails" lists functions and what they return when they fail. While a task is in the function
 * "within", its calls of those are counted, and number "nth" fails: a kprobe sends it to a function
 * that returns the error and does nothing else. With "stays", so do later ones of that function.
 */

#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/string.h>

#define MOST	16

static char *fails = "";
module_param(fails, charp, 0400);
MODULE_PARM_DESC(fails, "FUNCTION:ERROR,FUNCTION:ERROR");

static char *within = "klp_enable_patch";
module_param(within, charp, 0400);
MODULE_PARM_DESC(within, "function in which calls are counted");

static int nth;
module_param(nth, int, 0600);
MODULE_PARM_DESC(nth, "number of the call that fails; 0: none");

static bool stays;
module_param(stays, bool, 0600);
MODULE_PARM_DESC(stays, "what has failed does so again");

static int calls;
module_param(calls, int, 0400);
MODULE_PARM_DESC(calls, "how many there were");

static char *failed = "";
module_param(failed, charp, 0400);
MODULE_PARM_DESC(failed, "which has failed");

static char text[512];
/* Who is in there; one at a time, for klp_mutex or a script sees to it. */
static struct task_struct *victim;
static long error;

struct failing {
	struct kprobe probe;
	long error;
};

static struct failing failing[MOST];
static int nr_failing;

/* In the place of a function that fails. */
static noinline long klpt_refuse(void)
{
	return READ_ONCE(error);
}

static int begin(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	calls = 0;
	failed = "";
	WRITE_ONCE(victim, current);
	return 0;
}

static int end(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	WRITE_ONCE(victim, NULL);
	return 0;
}

static bool is_to_fail(const char *function)
{
	int turn = READ_ONCE(nth);

	return ++calls == turn || (turn && READ_ONCE(stays) && !strcmp(failed, function));
}

static int count(struct kprobe *probe, struct pt_regs *regs)
{
	struct failing *f = container_of(probe, struct failing, probe);

	if (READ_ONCE(victim) != current || !is_to_fail(probe->symbol_name))
		return 0;
	failed = (char *)probe->symbol_name;
	WRITE_ONCE(error, f->error);
	instruction_pointer_set(regs, (unsigned long)klpt_refuse);
	return 1;
}

/* Without one, the kprobe may become a jump, and then it cannot change where the call goes. */
static void done(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kretprobe frame = {
	.entry_handler	= begin,
	.handler	= end,
	.maxactive	= 1,
};

static int read_fails(void)
{
	char *rest = text, *name, *word;
	int ret;

	if (strscpy(text, fails) < 0)
		return -E2BIG;
	while ((word = strsep(&rest, ","))) {
		struct failing *f = &failing[nr_failing];

		if (nr_failing == MOST)
			return -E2BIG;
		name = strsep(&word, ":");
		ret = word ? kstrtol(word, 0, &f->error) : -EINVAL;
		if (ret)
			return ret;
		f->probe.symbol_name = name;
		f->probe.pre_handler = count;
		f->probe.post_handler = done;
		ret = register_kprobe(&f->probe);
		if (ret) {
			pr_err("klpt_fail: %s: %d\n", name, ret);
			return ret;
		}
		nr_failing++;
	}
	frame.kp.symbol_name = within;
	return register_kretprobe(&frame);
}

static void stop(void)
{
	while (nr_failing)
		unregister_kprobe(&failing[--nr_failing].probe);
}

static int __init klpt_fail_init(void)
{
	int ret = read_fails();

	if (ret)
		stop();
	return ret;
}

static void __exit klpt_fail_exit(void)
{
	unregister_kretprobe(&frame);
	stop();
}

module_init(klpt_fail_init);
module_exit(klpt_fail_exit);
MODULE_DESCRIPTION("Livepatch selftests: calls out of the core that fail");
MODULE_LICENSE("GPL");
