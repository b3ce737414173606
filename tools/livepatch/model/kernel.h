/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core asks of the kernel, as far as the files of the model do; read in front of each of
 * them. Where the core's own comments say that others may act in between, they may: see point().
 */
#ifndef _MODEL_KERNEL_H
#define _MODEL_KERNEL_H

#include "base.h"

/* ---- memory that others see: they may act before each store to it, one after the other */

static inline void model_store(const volatile void *where);

#define READ_ONCE(x)		(*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) do {						\
	typeof(x) _value = (value);						\
										\
	model_store(&(x));							\
	*(volatile typeof(x) *)&(x) = _value;					\
} while (0)
#define smp_store_release(ptr, value)	WRITE_ONCE(*(ptr), value)
#define smp_wmb()
#define smp_rmb()
#define smp_acquire__after_ctrl_dep()
/* A plain load of what others may store to: they may act behind it. */
#define data_race(x) ({								\
	typeof(x) _seen = (x);							\
										\
	model_store(&(x));							\
	_seen;									\
})
#define rcu_dereference_raw(ptr)		(ptr)
#define rcu_dereference_protected(ptr, held)	(ptr)
#define rcu_replace_pointer(ptr, new, held) ({					\
	typeof(ptr) _old = (ptr);						\
										\
	(ptr) = (new);								\
	_old;									\
})
struct rcu_head { int unused; };
#define kvfree_rcu(ptr, member)	model_free(ptr)
#define rcu_read_lock_sched()
#define rcu_read_unlock_sched()
#define rcu_is_watching()	false

/* ---- modules, sysfs, work */

#define MOD_TEXT		0
#define MOD_MEM_NUM_TYPES	1

struct module_memory {
	void *base;
	unsigned int size;
};

enum module_state { MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING };

struct module {
	const char *name;
	enum module_state state;
	bool klp_alive;
	void *percpu;
	unsigned int percpu_size;
	struct module_memory mem[MOD_MEM_NUM_TYPES];
};

/* The one whose function is patched, if there is one now. */
struct module *find_module(const char *name);

static inline bool within_module(unsigned long addr, const struct module *mod)
{
	return addr - (unsigned long)mod->mem[MOD_TEXT].base < mod->mem[MOD_TEXT].size;
}

/* Freed with its last reference, where it was allocated. */
struct kobject {
	long unused;
};

#define kobject_put(kobj)	model_kobject_put(kobj)
void model_kobject_put(struct kobject *kobj);

struct completion { long unused; };
static inline void init_completion(struct completion *completion) { }

struct work_struct { int unused; };
struct irq_work { int unused; };
extern void *system_long_wq;
static inline void queue_work(void *queue, struct work_struct *work) { }
static inline void irq_work_queue(struct irq_work *work) { }

struct mutex { int unused; };
#define DEFINE_MUTEX(name)	struct mutex name
#define lockdep_assert_held(lock)
#define lockdep_is_held(lock)	true

typedef struct { int unused; } Elf_Shdr;

/* klp_sync(): a work item runs on each CPU once nobody there has preemption off. */
#define INIT_WORK(work, func)	((void)(func))
static inline void schedule_work_on(unsigned int cpu, struct work_struct *work) { }
void flush_work(struct work_struct *work);
void synchronize_rcu_tasks(void);
#define fsleep(usec)
#define msleep(msec)		violated("waits for memory")

typedef struct { int counter; } atomic_t;
#define ATOMIC_INIT(n)		{ n }
#define atomic_set(v, n)	((void)(n))
#define atomic_sub_return(n, v)	1
#define atomic_dec_and_test(v)	false

/* ---- tasks */

#define TIF_PATCH_PENDING	0
#define PF_KTHREAD		1
#define PF_USER_WORKER		2
#define TASK_DEAD		1
#define MCOUNT_INSN_SIZE	5
#define FRAMES			2

/* A call that is under way: of which function, and where it has gone. */
struct frame {
	int func;
	enum { CALLING, DIVERTED, INSIDE } phase;
	unsigned long dest;	/* address of the code that runs it; 0 while that is not known */
	unsigned long called;	/* what the other function was, when it was called last; or 0 */
};

struct task_struct {
	int patch_state;
	unsigned int flags;
	unsigned int __state;
	bool pending;		/* TIF_PATCH_PENDING */
	bool listed;		/* is on the list of tasks */
	bool exists;
	bool no_preempt;	/* in a region that klp_sync() waits for */
	bool held;		/* cannot be scheduled */
	bool sleeps;		/* by itself, or is in user mode: RCU-tasks does not wait */
	/* What the operator waits for, if it was so when he began to: its end. */
	enum awaited { NOTHING, NO_PREEMPT, NO_SLEEP } awaited;
	unsigned int depth;
	struct frame frame[FRAMES];
};

extern struct task_struct model_task[ACTORS_MAX];

#define current			(&model_task[acting()])

/*
 * Others see the world of a task that is not held, and the destinations of a site. Nothing of what
 * else is allocated is looked at while it is changed: a site gets into the index before ftrace
 * knows of it.
 */
static inline void model_store(const volatile void *where)
{
	const char *at = (const char *)where;
	size_t offset = at - (const char *)model_task;

	if (offset < sizeof(model_task) ? !model_task[offset / sizeof(*model_task)].held :
	    MODEL_SITES && model_owns(at))
		point();
}

#define task_curr(task)		((task)->no_preempt)
#define is_idle_task(task)	false
#define task_pid_nr(task)	0
#define task_tgid_nr(task)	0
#define get_task_comm(to, task)	((void)(to))
#define task_state_to_char(task)	'S'
#define test_tsk_thread_flag(task, flag)	((task)->pending)

static inline void set_tsk_thread_flag(struct task_struct *task, int flag)
{
	model_store(task);
	task->pending = true;
}

static inline void clear_tsk_thread_flag(struct task_struct *task, int flag)
{
	model_store(task);
	task->pending = false;
}

static inline bool test_and_clear_tsk_thread_flag(struct task_struct *task, int flag)
{
	bool was = task->pending;

	task->pending = false;
	point();
	return was;
}

/* Nobody schedules the task meanwhile: if it has preemption off, it runs. */
static inline int task_call_func(struct task_struct *task,
				 int (*func)(struct task_struct *task, void *arg), void *arg)
{
	int ret;

	point();
	task->held = !task->no_preempt;
	ret = func(task, arg);
	task->held = false;
	return ret;
}

static inline void preempt_disable_notrace(void)
{
	current->no_preempt = true;
}

static inline void preempt_enable_notrace(void)
{
	current->no_preempt = false;
	if (current->awaited == NO_PREEMPT)
		current->awaited = NOTHING;
	point();
}

struct model_guard { int unused; };

static inline void model_guard_end(struct model_guard *unused)
{
	preempt_enable_notrace();
}

/* guard(preempt)(), guard(mutex)(LOCK); there is one who could take a lock */
#define guard(what)		guard_##what
#define guard_mutex(lock)
#define guard_preempt()								\
	struct model_guard _guard __attribute__((cleanup(model_guard_end))) =	\
		(preempt_disable_notrace(), (struct model_guard){})

typedef bool (*stack_trace_consume_fn)(void *cookie, unsigned long addr);
#define is_bpf_text_address(addr)	((void)(addr), false)
int arch_stack_walk_reliable(stack_trace_consume_fn consume, void *cookie,
			     struct task_struct *task);
#define try_get_task_stack(task)	true
#define put_task_stack(task)
#define kthread_func(task)	NULL

/* ---- ftrace */

#define FTRACE_OPS_FL_DYNAMIC		1
#define FTRACE_OPS_FL_IPMODIFY		2
#define FTRACE_OPS_FL_PERMANENT		4
#define FTRACE_OPS_FL_ENABLED		8
#define FTRACE_OPS_FL_ALLOC_TRAMP	16
#define FTRACE_OPS_FL_SAVE_REGS		0
#define FTRACE_PLACES			4

struct ftrace_regs {
	unsigned long ip;
};

struct ftrace_ops {
	void (*func)(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *fops,
		     struct ftrace_regs *fregs);
	unsigned long flags;
	unsigned long trampoline;
	unsigned long place[FTRACE_PLACES];	/* those that it is called for */
	struct ftrace_ops *next;		/* of those that are registered */
};

#define ftrace_regs_set_instruction_pointer(fregs, where)	((fregs)->ip = (where))
int ftrace_set_filter_ips(struct ftrace_ops *ops, unsigned long *ips, unsigned int nr, int remove,
			  int reset);
int register_ftrace_function(struct ftrace_ops *ops);
int unregister_ftrace_function(struct ftrace_ops *ops);
#define ftrace_free_filter(ops)	((void)(ops))

#endif /* _MODEL_KERNEL_H */
