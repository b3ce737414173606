// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who else may sit on a function that is patched?  One of them for each load, on "function":
 *
 * how=function		an ftrace handler, as the function tracer has
 * how=regs		one that wants all registers
 * how=filter		one that stays registered, for a function that nobody calls, too
 * how=kprobe		a kprobe
 * how=post		a kprobe with a post handler, which claims the instruction pointer
 * how=kretprobe	a kretprobe, which sees the call and the return
 * how=fprobe		an fprobe, which does so, too
 * how=direct		a direct call that cannot share the function with a livepatch
 * how=shared		a direct call that can, as BPF trampolines do
 * how=handler		an ftrace handler that calls klpt_value() of klpt_target while it holds
 *			ftrace's protection against recursion, and keeps the result in "seen"
 *
 * Writing a number to the parameter "cycles" stops it and starts it again, that often. That takes a
 * few grace periods each time, but for how=filter.
 */

#include <linux/atomic.h>
#include <linux/fprobe.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/trace_recursion.h>
#include "klpt_compat.h"
#include "klpt_lib.h"

static char *function = "";
module_param(function, charp, 0400);
MODULE_PARM_DESC(function, "[module:]function");

static ulong address;
module_param(address, ulong, 0400);
MODULE_PARM_DESC(address, "how=kprobe: an instruction, instead of a function");

static char *how = "kprobe";
module_param(how, charp, 0400);
MODULE_PARM_DESC(how, "one of those above");

/* The direct call counts in assembly. */
static atomic_t klpt_hits __used;
module_param_named(hits, klpt_hits.counter, int, 0400);
MODULE_PARM_DESC(hits, "number of calls seen");

static atomic_t returns;
module_param_named(returns, returns.counter, int, 0400);
MODULE_PARM_DESC(returns, "number of returns seen");

static int busy;
module_param(busy, int, 0600);
MODULE_PARM_DESC(busy, "how=shared: so often a livepatch that comes is asked to try again");

static int seen = -1;
module_param(seen, int, 0400);
MODULE_PARM_DESC(seen, "what klpt_value() returned to the handler, or any function when it was seen");

/* Calls that are under way at the same time while returns are watched. */
#define AT_ONCE		256

/* kprobes */

static int kprobe_pre(struct kprobe *probe, struct pt_regs *regs)
{
	atomic_inc(&klpt_hits);
	return 0;
}

static void kprobe_post(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.pre_handler	= kprobe_pre,
};

static int kprobe_start(void)
{
	if (address)
		probe.addr = (void *)address;
	else
		probe.symbol_name = function;
	if (!strcmp(how, "post"))
		probe.post_handler = kprobe_post;
	return register_kprobe(&probe);
}

static void kprobe_stop(void)
{
	unregister_kprobe(&probe);
	/* It cannot be registered again as it is. */
	probe.addr = NULL;
	probe.flags = 0;
}

static int kretprobe_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	atomic_inc(&klpt_hits);
	return 0;
}

static int kretprobe_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	atomic_inc(&returns);
	WRITE_ONCE(seen, regs_return_value(regs));
	return 0;
}

static struct kretprobe return_probe = {
	.entry_handler	= kretprobe_entry,
	.handler	= kretprobe_return,
	.maxactive	= AT_ONCE,
};

static int kretprobe_start(void)
{
	return_probe.kp.symbol_name = function;
	return register_kretprobe(&return_probe);
}

static void kretprobe_stop(void)
{
	unregister_kretprobe(&return_probe);
	/* It cannot be registered again as it is. */
	return_probe.kp.addr = NULL;
	return_probe.kp.flags = 0;
}

static unsigned long address_of(char *name)
{
	struct kprobe finder = { .symbol_name = name };

	if (register_kprobe(&finder))
		return 0;
	unregister_kprobe(&finder);
	return (unsigned long)finder.addr;
}

static struct ftrace_ops ops;

/* fprobes know functions by their names alone. */
static char *name_alone(void)
{
	char *name = strchr(function, ':');

	return name ? name + 1 : function;
}

/*
 * By its name alone, the function of that name in another module would be meant, too. When that
 * module goes, its place stays in the filter, and whoever is loaded there is taken for it.
 */
static int filter(void)
{
	unsigned long addr;

	if (!strchr(function, ':'))
		return ftrace_set_filter(&ops, function, strlen(function), 1);
	addr = address_of(function);
	return addr ? ftrace_set_filter_ip(&ops, addr, 0, 1) : -ENOENT;
}

/* Tracers */

static void notrace tracer(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *unused,
			   struct ftrace_regs *regs)
{
	atomic_inc(&klpt_hits);
}

static int tracer_start(void)
{
	ops.func = tracer;
	if (!strcmp(how, "regs"))
		ops.flags |= FTRACE_OPS_FL_SAVE_REGS;
	return filter() ?: register_ftrace_function(&ops);
}

static void tracer_stop(void)
{
	unregister_ftrace_function(&ops);
}

static klpt_func void klpt_probe_nobody(void)
{
}

/* Where "function" is; not 0 once the handler has been registered. */
static unsigned long filter_ip;

static int filter_start(void)
{
	if (filter_ip)
		return ftrace_set_filter_ip(&ops, filter_ip, 0, 0);

	filter_ip = address_of(function);
	if (!filter_ip)
		return -ENOENT;
	ops.func = tracer;
	return ftrace_set_filter_ip(&ops, (unsigned long)klpt_probe_nobody, 0, 1) ?:
	       ftrace_set_filter_ip(&ops, filter_ip, 0, 0) ?:
	       register_ftrace_function(&ops);
}

static void filter_stop(void)
{
	int ret = ftrace_set_filter_ip(&ops, filter_ip, 1, 0);

	/* A module that has gone has taken its places along, out of all filters. */
	WARN_ON(ret && ret != -EINVAL);
}

/* fprobes */

static int fprobe_entry(struct fprobe *fp, unsigned long ip, unsigned long ret_ip,
			struct klpt_fprobe_regs *regs, void *data)
{
	atomic_inc(&klpt_hits);
	return 0;
}

static void fprobe_exit(struct fprobe *fp, unsigned long ip, unsigned long ret_ip,
			struct klpt_fprobe_regs *regs, void *data)
{
	atomic_inc(&returns);
	WRITE_ONCE(seen, klpt_fprobe_return_value(regs));
}

static struct fprobe fprobe = {
	.entry_handler	= fprobe_entry,
	.exit_handler	= fprobe_exit,
};

static int fprobe_start(void)
{
	klpt_fprobe_limit(&fprobe, AT_ONCE);
	return register_fprobe(&fprobe, name_alone(), NULL);
}

static void fprobe_stop(void)
{
	unregister_fprobe(&fprobe);
	klpt_fprobe_forget(&fprobe);
}

/* Direct calls */

#if defined(CONFIG_X86_64) && defined(CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)
#include <asm/ibt.h>
#include <linux/linkage.h>

void klpt_count_call(void);

asm(
"	.pushsection .text, \"ax\", @progbits\n"
"	.globl	klpt_count_call\n"
"	.type	klpt_count_call, @function\n"
"klpt_count_call:\n"
	ASM_ENDBR
"	lock incl klpt_hits(%rip)\n"
	ASM_RET
"	.size	klpt_count_call, . - klpt_count_call\n"
"	.popsection\n"
);

/*
 * The trampoline returns to wherever ftrace says, so it can share the function as it is; only not
 * yet, as BPF says when somebody else is about to change the trampoline. Called under direct_mutex.
 */
static int KLPT_OPS_FUNC(share, unused, cmd)
{
	if (cmd != FTRACE_OPS_CMD_ENABLE_SHARE_IPMODIFY_PEER || !busy)
		return 0;
	busy--;
	return -EAGAIN;
}

static int direct_start(void)
{
	if (!strcmp(how, "shared"))
		ops.ops_func = share;
	return filter() ?: register_ftrace_direct(&ops, (unsigned long)klpt_count_call);
}

static void direct_stop(void)
{
	unregister_ftrace_direct(&ops, (unsigned long)klpt_count_call, false);
}
#else
static int direct_start(void)
{
	return -EOPNOTSUPP;
}

static void direct_stop(void)
{
}
#endif

/* A handler that calls a patched function */

static int (*value)(void);

/*
 * ftrace's protection lets a context in a second time, in case that it is an interrupt that came
 * while the context was changing. Take both, so that whoever asks next is turned away.
 */
static void notrace handler(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *unused,
			    struct ftrace_regs *regs)
{
	int first, second;

	first = ftrace_test_recursion_trylock(ip, parent_ip);
	if (first < 0)
		return;
	second = ftrace_test_recursion_trylock(ip, parent_ip);
	if (second >= 0) {
		seen = value();
		ftrace_test_recursion_unlock(second);
	}
	ftrace_test_recursion_unlock(first);
}

static int handler_start(void)
{
	value = klpt_entry("klpt_target:klpt_value");
	if (!value)
		return -ENOENT;
	ops.func = handler;
	ops.flags = FTRACE_OPS_FL_RECURSION;
	return filter() ?: register_ftrace_function(&ops);
}

static void handler_stop(void)
{
	unregister_ftrace_function(&ops);
}

static const struct {
	const char *name;
	int (*start)(void);
	void (*stop)(void);
	void (*end)(void);	/* when it will not start again, if that is something else */
} ways[] = {
	{ "function",	tracer_start,	tracer_stop },
	{ "regs",	tracer_start,	tracer_stop },
	{ "filter",	filter_start,	filter_stop,	tracer_stop },
	{ "kprobe",	kprobe_start,	kprobe_stop },
	{ "post",	kprobe_start,	kprobe_stop },
	{ "kretprobe",	kretprobe_start, kretprobe_stop },
	{ "fprobe",	fprobe_start,	fprobe_stop },
	{ "direct",	direct_start,	direct_stop },
	{ "shared",	direct_start,	direct_stop },
	{ "handler",	handler_start,	handler_stop },
};

static int way;

/* Has not been stopped; attach_mutex. */
static bool attached;
static DEFINE_MUTEX(attach_mutex);

/* The module goes, though its parameters can still be written; set without a lock, once. */
static bool leaving;

static int attach(void)
{
	int ret = ways[way].start();

	attached = !ret;
	return ret;
}

static void detach(void)
{
	if (attached)
		ways[way].stop();
	attached = false;
}

static int set_cycles(const char *text, const struct kernel_param *kp)
{
	unsigned int cycles;
	int ret = kstrtouint(text, 10, &cycles);

	guard(mutex)(&attach_mutex);
	while (!ret && cycles--) {
		if (READ_ONCE(leaving))
			return -ENODEV;
		detach();
		ret = attach();
		if (fatal_signal_pending(current))
			ret = -EINTR;
	}
	return ret;
}

static const struct kernel_param_ops cycles_ops = { .set = set_cycles };
module_param_cb(cycles, &cycles_ops, NULL, 0200);
MODULE_PARM_DESC(cycles, "stop and start so often");

static int __init klpt_probe_init(void)
{
	int ret = -EINVAL;

	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		if (strcmp(ways[way].name, how))
			continue;
		ret = attach();
		break;
	}
	if (ret)
		ftrace_free_filter(&ops);
	return ret;
}

static void __exit klpt_probe_exit(void)
{
	WRITE_ONCE(leaving, true);
	guard(mutex)(&attach_mutex);
	detach();
	if (ways[way].end)
		ways[way].end();
	ftrace_free_filter(&ops);
}

module_init(klpt_probe_init);
module_exit(klpt_probe_exit);
MODULE_DESCRIPTION("Livepatch selftests: others who hook a function");
MODULE_LICENSE("GPL");
