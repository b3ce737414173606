/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trace events of live patching. Names of events and fields are kept stable;
 * Documentation/livepatch/tracing.rst describes them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM livepatch

#if !defined(_TRACE_LIVEPATCH_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_LIVEPATCH_H

#include <linux/livepatch.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

/* Both lists are indexed by enums of kernel/livepatch/internal.h, which asserts their order. */
#define klp_show_target(target)				\
	__print_symbolic(target,			\
			 { 0, "unpatched" },		\
			 { 1, "patched" })

#define klp_show_way(way)				\
	__print_symbolic(way,				\
			 { 0, "stack" },		\
			 { 1, "exit" },			\
			 { 2, "idle" },			\
			 { 3, "resched" },		\
			 { 4, "forced" })

#define klp_show_verdict(verdict)			\
	__print_symbolic(verdict,			\
			 { 0, "clear" },		\
			 { 1, "running" },		\
			 { 2, "on stack" },		\
			 { 3, "unreliable stack" },	\
			 { 4, "waits for kernel exit" },	\
			 { 5, "diverted, not yet arrived" })

#define klp_show_callback(callback)			\
	__print_symbolic(callback,			\
			 { 0, "pre_patch" },		\
			 { 1, "post_patch" },		\
			 { 2, "pre_unpatch" },		\
			 { 3, "post_unpatch" })

DECLARE_EVENT_CLASS(klp_transition,

	TP_PROTO(const struct klp_patch *patch, int target),

	TP_ARGS(patch, target),

	TP_STRUCT__entry(
		__string(patch,		patch->mod->name)
		__field(int,		target)
	),

	TP_fast_assign(
		__assign_str(patch);
		__entry->target = target;
	),

	TP_printk("patch=%s target=%s", __get_str(patch), klp_show_target(__entry->target))
);

/* Tasks are about to be flagged for the first time. */
DEFINE_EVENT(klp_transition, klp_transition_begin,
	TP_PROTO(const struct klp_patch *patch, int target),
	TP_ARGS(patch, target)
);

/* Tasks are about to be flagged again, to go back; @target is the new one. */
DEFINE_EVENT(klp_transition, klp_transition_reverse,
	TP_PROTO(const struct klp_patch *patch, int target),
	TP_ARGS(patch, target)
);

/* All tasks are about to be moved, whatever they are doing. */
DEFINE_EVENT(klp_transition, klp_transition_force,
	TP_PROTO(const struct klp_patch *patch, int target),
	TP_ARGS(patch, target)
);

/* All tasks have arrived and all callbacks have run. */
TRACE_EVENT(klp_transition_settle,

	TP_PROTO(const struct klp_patch *patch, int target, u64 duration, unsigned int rounds),

	TP_ARGS(patch, target, duration, rounds),

	TP_STRUCT__entry(
		__string(patch,		patch->mod->name)
		__field(int,		target)
		__field(u64,		duration)
		__field(unsigned int,	rounds)
	),

	TP_fast_assign(
		__assign_str(patch);
		__entry->target = target;
		__entry->duration = duration;
		__entry->rounds = rounds;
	),

	TP_printk("patch=%s target=%s duration=%llu ns rounds=%u", __get_str(patch),
		  klp_show_target(__entry->target), __entry->duration, __entry->rounds)
);

/* A task has changed over. */
TRACE_EVENT(klp_task_switch,

	TP_PROTO(const struct task_struct *task, int target, int how),

	TP_ARGS(task, target, how),

	TP_STRUCT__entry(
		__array(char,		comm,	TASK_COMM_LEN)
		__field(pid_t,		pid)
		__field(int,		target)
		__field(int,		how)
	),

	TP_fast_assign(
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->pid = task->pid;
		__entry->target = target;
		__entry->how = how;
	),

	TP_printk("comm=%s pid=%d target=%s how=%s", __entry->comm, __entry->pid,
		  klp_show_target(__entry->target), klp_show_way(__entry->how))
);

/* A task cannot change over; once for each task and reason. */
TRACE_EVENT(klp_task_blocked,

	TP_PROTO(const struct task_struct *task, int verdict, unsigned long func),

	TP_ARGS(task, verdict, func),

	TP_STRUCT__entry(
		__array(char,		comm,	TASK_COMM_LEN)
		__field(pid_t,		pid)
		__field(int,		verdict)
		__field(void *,		func)
	),

	TP_fast_assign(
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->pid = task->pid;
		__entry->verdict = verdict;
		__entry->func = (void *)func;
	),

	TP_printk("comm=%s pid=%d verdict=%s func=%pS", __entry->comm, __entry->pid,
		  klp_show_verdict(__entry->verdict), __entry->func)
);

/* A batch of functions has been handed to ftrace, or what ftrace says to it. */
TRACE_EVENT(klp_hook_batch,

	TP_PROTO(unsigned int functions, int ret),

	TP_ARGS(functions, ret),

	TP_STRUCT__entry(
		__field(unsigned int,	functions)
		__field(int,		ret)
	),

	TP_fast_assign(
		__entry->functions = functions;
		__entry->ret = ret;
	),

	TP_printk("functions=%u ret=%d", __entry->functions, __entry->ret)
);

/* A callback of a system state has returned. */
TRACE_EVENT(klp_state_callback,

	TP_PROTO(const struct klp_patch *patch, unsigned long state, int callback, int ret),

	TP_ARGS(patch, state, callback, ret),

	TP_STRUCT__entry(
		__string(patch,		patch->mod->name)
		__field(unsigned long,	state)
		__field(int,		callback)
		__field(int,		ret)
	),

	TP_fast_assign(
		__assign_str(patch);
		__entry->state = state;
		__entry->callback = callback;
		__entry->ret = ret;
	),

	TP_printk("patch=%s state=%lu callback=%s ret=%d", __get_str(patch), __entry->state,
		  klp_show_callback(__entry->callback), __entry->ret)
);

/* Shadow variables of a type whose state has left have been destroyed. */
TRACE_EVENT(klp_shadow_collect,

	TP_PROTO(unsigned long id, unsigned long count),

	TP_ARGS(id, count),

	TP_STRUCT__entry(
		__field(unsigned long,	id)
		__field(unsigned long,	count)
	),

	TP_fast_assign(
		__entry->id = id;
		__entry->count = count;
	),

	TP_printk("id=%lx count=%lu", __entry->id, __entry->count)
);

#endif /* _TRACE_LIVEPATCH_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
