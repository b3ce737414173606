/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A livepatch that is described by module parameters; included once by each klpt_pN.c, which
 * defines KLPT_ID, the number that its replacements return.
 *
 * spec=OBJECT:FUNCTION,FUNCTION;OBJECT:...
 *	OBJECT is "vmlinux" (NULL in struct klp_object) or a module. FUNCTION is NAME, NAME@SYMPOS,
 *	NAME=REPLACEMENT or NAME@SYMPOS=REPLACEMENT; the replacement is found by name in the table
 *	below, by default that of NAME. +FUNCTION is a guard, which has no replacement unless one is
 *	given. For bad input:
 *	%N	as a name: N letters
 *	-	as a name: the empty string
 *	0	as a function's name or as a replacement: NULL
 *	=NAME	as an object: the name as it stands, also "vmlinux"
 *	!	instead of the functions: no array at all
 */
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/livepatch.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/vmstat.h>
#include "klpt_fault.h"
#include "klpt_lib.h"

#define MAX_OBJECTS	6
#define MAX_FUNCS	12
#define MAX_STATES	4
#define MAX_SETS	3
#define LONG_NAME	1024

static char *spec = "";
module_param(spec, charp, 0400);
MODULE_PARM_DESC(spec, "objects and functions to patch");

static bool replace;
module_param(replace, bool, 0400);
MODULE_PARM_DESC(replace, "replace the patches that are enabled");

static uint set;
module_param(set, uint, 0400);
MODULE_PARM_DESC(set, "the set of patches that this one belongs to");

/* The last entry stays 0 and ends the list. */
static uint supersedes[MAX_SETS + 1];
static int nr_supersedes;
module_param_array(supersedes, uint, &nr_supersedes, 0400);
MODULE_PARM_DESC(supersedes, "further sets to replace");

static bool leave_kernel;
module_param(leave_kernel, bool, 0400);
MODULE_PARM_DESC(leave_kernel, "user tasks change over when they leave the kernel");

static char *states = "";
module_param(states, charp, 0400);
MODULE_PARM_DESC(states, "ID:VERSION,ID:VERSION");

static bool callbacks;
module_param(callbacks, bool, 0400);
MODULE_PARM_DESC(callbacks, "give all objects callbacks, which write to the log");

static int hold = -1;
module_param(hold, int, 0400);
MODULE_PARM_DESC(hold, "channel to wait in at the end of the callback post_unpatch");

static char pre_fail[64];
module_param_string(pre_fail, pre_fail, sizeof(pre_fail), 0600);
MODULE_PARM_DESC(pre_fail, "object whose pre_patch callback fails");

static char *null = "";
module_param(null, charp, 0400);
MODULE_PARM_DESC(null, "what to leave out: patch, mod or objs");

static bool twice;
module_param(twice, bool, 0400);
MODULE_PARM_DESC(twice, "enable the patch a second time");

static int twice_ret = 1;
module_param(twice_ret, int, 0400);
MODULE_PARM_DESC(twice_ret, "what the second attempt returned");

static int late_ret;
module_param(late_ret, int, 0400);
MODULE_PARM_DESC(late_ret, "what module init returns after the patch has been enabled");

static int late_wait = -1;
module_param(late_wait, int, 0400);
MODULE_PARM_DESC(late_wait, "channel to wait in before that");

static int fail_nth;
module_param(fail_nth, int, 0400);
MODULE_PARM_DESC(fail_nth, "number of the memory allocation to let fail");

static int coming_nth;
module_param(coming_nth, int, 0600);
MODULE_PARM_DESC(coming_nth, "the same after the pre_patch callback for a module that comes");

static unsigned int linger;
module_param(linger, uint, 0400);
MODULE_PARM_DESC(linger, "milliseconds in which the exit function warns of calls");

static bool coming_end;
module_param(coming_end, bool, 0400);
MODULE_PARM_DESC(coming_end, "no failures after the post_patch callback for a module that comes");

/* Replacements */

/* The exit function runs, unforced: nobody may be in here any more. */
static bool leaving;

/* What a replacement returns, its last words: by then it has been in here for all of its time. */
static __always_inline int answer(void)
{
	WARN_ONCE(READ_ONCE(leaving), KBUILD_MODNAME " is called while it goes\n");
	return KLPT_ID;
}

static klpt_func int new_value(void)
{
	return answer();
}

static klpt_func int new_other(void)
{
	return answer();
}

static klpt_func int new_third(void)
{
	return answer();
}

static klpt_func int new_args(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j)
{
	return KLPT_ID * 1000 + a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i +
	       10 * j;
}

static klpt_func int new_dup(void)
{
	return KLPT_ID;
}

static klpt_func int new_sleep(int channel)
{
	return klpt_wait(channel, KLPT_KILLABLE) ?: answer();
}

static klpt_func int new_interruptible(int channel)
{
	return klpt_wait(channel, KLPT_INTERRUPTIBLE) ?: answer();
}

/* The task in here has left new_tail() for good, and is still in this module. */
static klpt_func int tail_helper(int channel)
{
	int ret = klpt_wait(channel, KLPT_KILLABLE);

	barrier();	/* no tail call */
	return ret ?: KLPT_ID;
}

static klpt_func int new_tail(int channel)
{
	return tail_helper(channel);
}

static klpt_func int new_bar(void)
{
	return answer();
}

static klpt_func int new_loop(struct klpt_loop_args *args)
{
	for (int i = 0; i < args->rounds; i++) {
		args->seen[i] = '0' + args->bar();
		if (klpt_wait(args->channel, KLPT_KILLABLE))
			return -EINTR;
	}
	return 0;
}

static klpt_func int new_caller(int channel)
{
	return klpt_wait(channel, KLPT_KILLABLE) ?: answer();
}

static klpt_func int new_hot(int channel)
{
	return klpt_wait(channel, KLPT_KILLABLE) ?: answer();
}

/*
 * One with a part that was moved elsewhere, as klpt_hot() of the target has. It is the first in its
 * section: in the symbol table, the section comes before it, with the same address and without a
 * name. Both are static, so that objtool takes the one for a part of the other.
 */
static int new_cold_part(int channel) __asm__("new_cold.cold");
static klpt_func notrace int new_cold_part(int channel)
{
	int ret = klpt_wait(channel, KLPT_KILLABLE);

	barrier();	/* no tail call */
	return ret ?: KLPT_ID;
}

static klpt_func __section(".klpt.text") int new_cold(int channel)
{
	return new_cold_part(channel);
}

static klpt_func void new_kthread_body(void)
{
	klpt_nap();
	barrier();	/* no tail call */
}

static klpt_func void new_fork(int channel)
{
	klpt_wait(channel, KLPT_IDLE);
}

/*
 * Instead of exit_task_stack_account(), the last function that a task calls while it can be
 * preempted: past exit_notify(), which takes kthreads and threads off the list of tasks. Like the
 * original it takes the stack out of the statistics of memory, but not out of those of control
 * groups. It is slow, so that many tasks are in here at a time, or keeps kthreads for as long as it
 * is told to. It does not sleep, which nobody may who replaces a function that is called that late.
 */
static klpt_func void new_exit(struct task_struct *task)
{
	u64 end = ktime_get_ns() + 2 * NSEC_PER_MSEC;
	void *stack = task_stack_page(task);

	klpt_exit_begin(KLPT_ID);
	for (int i = 0; i < THREAD_SIZE / PAGE_SIZE; i++, stack += PAGE_SIZE) {
		struct page *page = is_vmalloc_addr(stack) ? vmalloc_to_page(stack) :
							     virt_to_page(stack);

		mod_node_page_state(page_pgdat(page), NR_KERNEL_STACK_KB,
				    -(long)(PAGE_SIZE / 1024));
	}
	while (ktime_get_ns() < end || ((task->flags & PF_KTHREAD) && klpt_exit_held()))
		cpu_relax();
	klpt_exit_end(answer());
}

static klpt_func long new_work(struct klpt_work *work, long b, long c, long d, long e, long f,
			       long g)
{
	return klpt_work_ran(work, answer(), b, c, d, e, f, g);
}

static klpt_func long new_work_nmi(struct klpt_work *work, long b, long c, long d, long e, long f,
				   long g)
{
	return klpt_work_ran(work, KLPT_ID, b, c, d, e, f, g) + 10;
}

/* Returns 3 more than the number of the livepatch: the length of what it writes. */
static klpt_func ssize_t new_fscaps(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%0*d\n", KLPT_ID + 2, KLPT_ID);
}

static klpt_func int new_cmdline(struct seq_file *m, void *unused)
{
	seq_printf(m, "%s\n", KBUILD_MODNAME);
	return 0;
}

static const struct {
	const char *name;
	void *fn;
} replacements[] = {
	{ "klpt_value",		new_value },
	{ "klpt_other",		new_other },
	{ "klpt_third",		new_third },
	{ "klpt_args",		new_args },
	{ "klpt_dup",		new_dup },
	{ "klpt_sleep",		new_sleep },
	{ "klpt_interruptible",	new_interruptible },
	{ "tail",		new_tail },
	{ "klpt_bar",		new_bar },
	{ "klpt_loop",		new_loop },
	{ "klpt_caller",	new_caller },
	{ "klpt_hot",		new_hot },
	{ "cold",		new_cold },
	{ "klpt_kthread_body",	new_kthread_body },
	{ "klpt_fork",		new_fork },
	{ "klpt_work_do",	new_work },
	{ "klpt_work_nmi",	new_work_nmi },
	{ "cmdline_proc_show",	new_cmdline },
	{ "fscaps_show",	new_fscaps },
	{ "exit_task_stack_account", new_exit },
	{ "any",		new_value },
};

/* No replacement for long. */
static int __init new_early(void)
{
	return KLPT_ID;
}

/* The patch */

static void *early;
static struct klp_func funcs[MAX_OBJECTS][MAX_FUNCS + 1];
static struct klp_object objs[MAX_OBJECTS + 1];
static struct klp_state state_table[MAX_STATES + 1];
static char spec_text[2048], state_text[128];
static char long_name[LONG_NAME];

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

/* Fault injection: allocation number N of this task, see Documentation/fault-injection/ */

/* Callbacks */

static const char *object_name(struct klp_object *obj)
{
	return obj->name ?: "vmlinux";
}

static const char *object_life(struct klp_object *obj)
{
	if (!obj->mod)
		return "";
	switch (obj->mod->state) {
	case MODULE_STATE_LIVE:
		return " live";
	case MODULE_STATE_COMING:
		return " coming";
	case MODULE_STATE_GOING:
		return " going";
	default:
		return " unformed";
	}
}

static void log_callback(struct klp_object *obj, const char *what)
{
	klpt_log("%s %s %s%s", KBUILD_MODNAME, what, object_name(obj), object_life(obj));
}

static void log_states(void)
{
	for (struct klp_state *state = patch.states; state && state->id; state++) {
		struct klp_state *own = klp_get_state(&patch, state->id);
		struct klp_state *prev = klp_get_prev_state(state->id);

		klpt_log("%s state %lu own %d prev %d", KBUILD_MODNAME, state->id,
			 own ? (int)own->version : -1, prev ? (int)prev->version : -1);
	}
}

static bool is_coming(struct klp_object *obj)
{
	return obj->mod && obj->mod->state == MODULE_STATE_COMING;
}

static int pre_patch(struct klp_object *obj)
{
	log_callback(obj, "pre_patch");
	log_states();
	if (coming_nth && is_coming(obj))
		fail_from_here(coming_nth);
	return strcmp(object_name(obj), strim(pre_fail)) ? 0 : -ENODEV;
}

static void post_patch(struct klp_object *obj)
{
	log_callback(obj, "post_patch");
	if (coming_end && is_coming(obj))
		klpt_log("%s coming_nth %s", KBUILD_MODNAME, fail_until_here());
}

static void pre_unpatch(struct klp_object *obj)
{
	log_callback(obj, "pre_unpatch");
}

static void post_unpatch(struct klp_object *obj)
{
	log_callback(obj, "post_unpatch");
	if (coming_nth && is_coming(obj))
		klpt_log("%s coming_nth %s", KBUILD_MODNAME, fail_until_here());
	if (hold >= 0)
		klpt_wait(hold, KLPT_IDLE);
}

/* Reading the description */

static void *find_replacement(const char *name)
{
	if (!strcmp(name, "early"))
		return early;
	for (int i = 0; i < ARRAY_SIZE(replacements); i++) {
		if (!strcmp(replacements[i].name, name))
			return replacements[i].fn;
	}
	return NULL;
}

static int read_name(const char **name, char *text)
{
	unsigned int len;

	switch (text[0]) {
	case '%':
		if (kstrtouint(text + 1, 10, &len) || len >= LONG_NAME)
			return -E2BIG;
		memset(long_name, 'x', len);
		*name = long_name;
		return 0;
	case '-':
		*name = "";
		return 0;
	default:
		*name = text;
		return 0;
	}
}

static int read_func(struct klp_func *func, char *text)
{
	char *by, *pos;
	int ret;

	func->guard = *text == '+';
	text += func->guard;
	by = text;
	strsep(&by, "=");
	pos = text;
	strsep(&pos, "@");
	ret = pos ? kstrtoul(pos, 10, &func->old_sympos) : 0;
	if (ret)
		return ret;

	if (by ? strcmp(by, "0") : !func->guard) {
		func->new_func = find_replacement(by ?: text);
		if (!func->new_func) {
			pr_err("spec: no replacement for '%s'\n", by ?: text);
			return -ENOKEY;
		}
	}
	return strcmp(text, "0") ? read_name(&func->old_name, text) : 0;
}

static int read_object(struct klp_object *obj, struct klp_func *func, char *text)
{
	char *list = text, *token;
	int ret = 0, n = 0;

	strsep(&list, ":");
	if (text[0] == '=')
		obj->name = text + 1;
	else if (strcmp(text, "vmlinux"))
		ret = read_name(&obj->name, text);
	if (ret)
		return ret;

	if (callbacks) {
		obj->callbacks.pre_patch = pre_patch;
		obj->callbacks.post_patch = post_patch;
		obj->callbacks.pre_unpatch = pre_unpatch;
		obj->callbacks.post_unpatch = post_unpatch;
	}

	if (!list)
		return -ENOKEY;
	if (!strcmp(list, "!"))
		return 0;

	obj->funcs = func;
	while ((token = strsep(&list, ","))) {
		if (!*token)
			continue;
		if (n++ == MAX_FUNCS)
			return -E2BIG;
		ret = read_func(func++, token);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_spec(void)
{
	char *rest = spec_text, *token;
	int ret, n = 0;

	if (strscpy(spec_text, spec) < 0)
		return -E2BIG;
	while ((token = strsep(&rest, ";"))) {
		if (!*token)
			continue;
		if (n == MAX_OBJECTS)
			return -E2BIG;
		ret = read_object(&objs[n], funcs[n], token);
		if (ret)
			return ret;
		n++;
	}
	return 0;
}

static int read_states(void)
{
	char *rest = state_text, *token;
	int n = 0;

	if (!*states)
		return 0;
	if (strscpy(state_text, states) < 0)
		return -E2BIG;
	while ((token = strsep(&rest, ","))) {
		if (n == MAX_STATES)
			return -E2BIG;
		if (sscanf(token, "%lu:%u", &state_table[n].id, &state_table[n].version) != 2)
			return -ENOKEY;
		n++;
	}
	patch.states = state_table;
	return 0;
}

static struct klp_patch *leave_out(void)
{
	if (!strcmp(null, "mod"))
		patch.mod = NULL;
	if (!strcmp(null, "objs"))
		patch.objs = NULL;
	return strcmp(null, "patch") ? &patch : NULL;
}

static int enable(void)
{
	int ret;

	if (!fail_nth)
		return klp_enable_patch(leave_out());

	ret = fail_from_here(fail_nth);
	if (ret)
		return ret;
	ret = klp_enable_patch(leave_out());
	klpt_log("%s fail_nth %s", KBUILD_MODNAME, fail_until_here());
	return ret;
}

static int __init klpt_patch_init(void)
{
	int ret;

	patch.replace = replace;
	patch.replace_set = set;
	patch.leave_kernel = leave_kernel;
	if (nr_supersedes)
		patch.supersedes = supersedes;
	early = new_early;
	ret = read_spec() ?: read_states();
	if (ret)
		return ret;

	ret = enable();
	if (!ret && twice)
		twice_ret = klp_enable_patch(&patch);
	if (!ret && late_wait >= 0)
		klpt_wait(late_wait, KLPT_IDLE);
	return ret ?: late_ret;
}

static void __exit klpt_patch_exit(void)
{
	klpt_log("%s exit", KBUILD_MODNAME);
	if (!linger)
		return;
	WRITE_ONCE(leaving, true);
	msleep(linger);
}

module_init(klpt_patch_init);
module_exit(klpt_patch_exit);
MODULE_DESCRIPTION("Livepatch selftests: a patch described by parameters");
MODULE_LICENSE("GPL");
#ifndef KLPT_UNMARKED
MODULE_INFO(livepatch, "Y");
#endif
