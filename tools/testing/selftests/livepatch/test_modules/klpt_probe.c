// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who else may sit on a function that is patched?  One of them for each load, on "function":
 *
 * how=kprobe		a kprobe
 * how=post		a kprobe with a post handler, which claims the instruction pointer
 * how=direct		a direct call that cannot share the function with a livepatch
 * how=shared		a direct call that can, as BPF trampolines do
 * how=handler		an ftrace handler that calls klpt_value() of klpt_target while it holds
 *			ftrace's protection against recursion, and keeps the result in "seen"
 */

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/trace_recursion.h>

static char *function = "";
module_param(function, charp, 0400);
MODULE_PARM_DESC(function, "[module:]function");

static char *how = "kprobe";
module_param(how, charp, 0400);
MODULE_PARM_DESC(how, "kprobe, post, direct, shared or handler");

/* The direct call counts in assembly. */
static unsigned int klpt_hits __used;
module_param_named(hits, klpt_hits, uint, 0400);
MODULE_PARM_DESC(hits, "number of calls seen");

static int seen = -1;
module_param(seen, int, 0400);
MODULE_PARM_DESC(seen, "what klpt_value() returned to the handler");

/* kprobes */

static int kprobe_pre(struct kprobe *probe, struct pt_regs *regs)
{
	klpt_hits++;
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
	probe.symbol_name = function;
	if (!strcmp(how, "post"))
		probe.post_handler = kprobe_post;
	return register_kprobe(&probe);
}

static void kprobe_stop(void)
{
	unregister_kprobe(&probe);
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

/* ftrace knows functions by their names alone. */
static int filter(void)
{
	char *name = strchr(function, ':');

	name = name ? name + 1 : function;
	return ftrace_set_filter(&ops, name, strlen(name), 1);
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
"	incl	klpt_hits(%rip)\n"
	ASM_RET
"	.size	klpt_count_call, . - klpt_count_call\n"
"	.popsection\n"
);

/* The trampoline returns to wherever ftrace says, so it can share the function as it is. */
static int share(struct ftrace_ops *unused, enum ftrace_ops_cmd cmd)
{
	return 0;
}

static int direct_start(void)
{
	if (!strcmp(how, "shared"))
		ops.ops_func = share;
	return filter() ?: register_ftrace_direct(&ops, (unsigned long)klpt_count_call);
}

static void direct_stop(void)
{
	unregister_ftrace_direct(&ops, (unsigned long)klpt_count_call, true);
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
	value = (void *)address_of("klpt_target:klpt_value");
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
} ways[] = {
	{ "kprobe",	kprobe_start,	kprobe_stop },
	{ "post",	kprobe_start,	kprobe_stop },
	{ "direct",	direct_start,	direct_stop },
	{ "shared",	direct_start,	direct_stop },
	{ "handler",	handler_start,	handler_stop },
};

static int way;

static int __init klpt_probe_init(void)
{
	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		if (!strcmp(ways[way].name, how))
			return ways[way].start();
	}
	return -EINVAL;
}

static void __exit klpt_probe_exit(void)
{
	ways[way].stop();
}

module_init(klpt_probe_init);
module_exit(klpt_probe_exit);
MODULE_DESCRIPTION("Livepatch selftests: others who hook a function");
MODULE_LICENSE("GPL");
