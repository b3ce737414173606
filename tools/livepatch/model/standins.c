// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core's files ask of others that are not in the model: ftrace, symbol tables, the list of
 * tasks, waiting.
 */
#include "model.h"

struct task_struct model_task[ACTORS_MAX];
struct target target;
void *system_long_wq;

/* ---- waiting */

static bool nothing_awaited(void)
{
	unsigned int i;

	for (i = 1; i < ACTORS_MAX; i++) {
		if (model_task[i].awaited)
			return false;
	}
	return true;
}

/* For those who have preemption off right now, not for who comes later. */
void flush_work(struct work_struct *work)
{
	unsigned int i;

	for (i = 1; i < ACTORS_MAX; i++) {
		if (model_task[i].no_preempt)
			model_task[i].awaited = NO_PREEMPT;
	}
	wait_until(nothing_awaited);
}

/* For each task, once to have slept by its own will, been in user mode, or ended. */
void synchronize_rcu_tasks(void)
{
	unsigned int i;

	for (i = 1; i < ACTORS_MAX; i++) {
		if (model_task[i].exists && !model_task[i].sleeps)
			model_task[i].awaited = NO_SLEEP;
	}
	wait_until(nothing_awaited);
}

/* ---- ftrace */

static struct ftrace_ops *ops_first;

int ftrace_is_dead(void)
{
	return 0;
}

static bool ops_has(const struct ftrace_ops *ops, unsigned long ip)
{
	unsigned int i;

	for (i = 0; i < FTRACE_PLACES; i++) {
		if (ops->place[i] == ip)
			return true;
	}
	return false;
}

int ftrace_set_filter_ips(struct ftrace_ops *ops, unsigned long *ips, unsigned int nr, int remove,
			  int reset)
{
	unsigned int i, j;

	if (reset)
		memset(ops->place, 0, sizeof(ops->place));
	for (i = 0; i < nr; i++) {
		for (j = 0; j < FTRACE_PLACES && ops->place[j] != (remove ? ips[i] : 0); j++)
			;
		if (j == FTRACE_PLACES)
			violated("ftrace: %s", remove ? "not in the filter" : "too many places");
		ops->place[j] = remove ? 0 : ips[i];
	}
	return 0;
}

/* One that modifies ip for each place, as ftrace has it. */
int register_ftrace_function(struct ftrace_ops *ops)
{
	const struct ftrace_ops *other;
	unsigned int i;

	for (i = 0; i < FTRACE_PLACES; i++) {
		for (other = ops_first; ops->place[i] && other; other = other->next) {
			if (ops_has(other, ops->place[i]))
				return -EBUSY;
		}
	}
	point();
	ops->next = ops_first;
	ops_first = ops;
	ops->flags |= FTRACE_OPS_FL_ENABLED;
	return 0;
}

int unregister_ftrace_function(struct ftrace_ops *ops)
{
	struct ftrace_ops **link = &ops_first;

	while (*link && *link != ops)
		link = &(*link)->next;
	if (!*link)
		return -EBUSY;
	point();
	*link = ops->next;
	ops->flags &= ~FTRACE_OPS_FL_ENABLED;
	return 0;
}

struct ftrace_ops *model_ftrace(unsigned long ip)
{
	struct ftrace_ops *ops;

	for (ops = ops_first; ops; ops = ops->next) {
		if (ops_has(ops, ip))
			return ops;
	}
	return NULL;
}

/* ---- symbols and modules: names and addresses are those of model.h */

struct module *find_module(const char *name)
{
	return target.mod.name && !strcmp(name, target.mod.name) ? &target.mod : NULL;
}

static struct klp_code *code_at(unsigned long start)
{
	struct klp_code *code = model_alloc(struct_size(code, part, 1));

	code->nr = 1;
	code->part[0] = (struct klp_range){ start, start + CODE_SIZE };
	return code;
}

int klp_symbols_find(const struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		syms[i].addr = original(syms[i].name[1] - '0');
		syms[i].count = 1;
		syms[i].code = code_at(syms[i].addr);
	}
	return 0;
}

int klp_symbols_measure(const struct module *mod, struct klp_symbol *syms, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (syms[i].addr)
			syms[i].code = code_at(syms[i].addr);
	}
	return 0;
}

void klp_symbols_free(struct klp_symbol *syms, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		model_free(syms[i].code);
}

int klp_symbol_check(const struct klp_symbol *sym, const char *who, const char *objname)
{
	return 0;
}

unsigned long klp_place_find(const struct klp_range *body)
{
	return body->start;
}

int klp_reloc_apply(struct module *pmod, const char *objname)
{
	return 0;
}

void klp_reloc_clear(struct module *pmod, const char *objname)
{
}

int klp_cycle_check(const struct klp_patch *patch, const struct klp_object *obj)
{
	return 0;
}

/* What was allocated for a nop begins with its kobject's holder: see struct klp_func. */
void model_kobject_put(struct kobject *kobj)
{
	struct klp_func *func = container_of(kobj, struct klp_func, kobj);
	struct klp_object *obj = container_of(kobj, struct klp_object, kobj);

	if (model_owns(func) && func->nop)
		model_free(func);
	else if (model_owns(obj))
		model_free(obj);
}

/* ---- tasks */

int arch_stack_walk_reliable(stack_trace_consume_fn consume, void *cookie,
			     struct task_struct *task)
{
	unsigned int i;

	for (i = task->depth; i--;) {
		const struct frame *frame = &task->frame[i];

		/* Behind the call at the entry, the word that may have been written over. */
		if (frame->phase == CALLING && !consume(cookie, original(frame->func) +
							MCOUNT_INSN_SIZE))
			return 0;
		if (frame->phase == DIVERTED && !consume(cookie, frame->dest))
			return 0;
		if (frame->phase == INSIDE && !consume(cookie, frame->dest + INSIDE_AT))
			return 0;
	}
	consume(cookie, KERNEL_AT);
	return 0;
}

/* The list of tasks: held still by a reader, who is the operator, or changed by a writer. */
static bool list_read, list_written;

static bool list_free(void)
{
	return !list_read && !list_written;
}

void model_list_lock(void)
{
	wait_until(list_free);
	list_written = true;
	preempt_disable_notrace();
}

void model_list_unlock(void)
{
	list_written = false;
	preempt_enable_notrace();
}

static void list_await_writer(void)
{
	if (list_written)
		wait_until(list_free);
}

static void every_task(void (*func)(struct task_struct *task, int arg), int arg)
{
	unsigned int i;

	list_await_writer();
	list_read = true;
	for (i = 1; i < ACTORS_MAX; i++) {
		if (model_task[i].listed)
			func(&model_task[i], arg);
	}
	list_read = false;
}

static void set_world(struct task_struct *task, int world)
{
	WRITE_ONCE(task->patch_state, world);
}

static void set_flag(struct task_struct *task, int target)
{
	if (task->patch_state != target)
		set_tsk_thread_flag(task, TIF_PATCH_PENDING);
}

static void clear_flag(struct task_struct *task, int unused)
{
	clear_tsk_thread_flag(task, TIF_PATCH_PENDING);
}

static void force(struct task_struct *task, int unused)
{
	klp_task_force(task);
}

void klp_tasks_set_world(int world)
{
	every_task(set_world, world);
}

void klp_tasks_flag(int target)
{
	every_task(set_flag, target);
}

void klp_tasks_unflag(void)
{
	every_task(clear_flag, 0);
}

void klp_tasks_force(void)
{
	every_task(force, 0);
}

void klp_rounds_begin(void)
{
}

/* A look at each task, in the course of which others come and go; and the proof. */
bool klp_rounds_look(int target)
{
	enum klp_verdict verdict;
	unsigned long where;
	unsigned int i;

	for (i = 1; i < ACTORS_MAX; i++) {
		if (!model_task[i].listed)
			continue;
		verdict = klp_task_try(&model_task[i], &where);
		say("finds task %u %s", i, klp_verdict_word(verdict));
	}
	/* Nobody asks how many looks there were. */
	klp_stack_count();
	list_await_writer();
	for (i = 1; i < ACTORS_MAX; i++) {
		if (model_task[i].listed && model_task[i].patch_state != target)
			return false;
	}
	return true;
}

/* ---- what the model does without */

void klp_stats_begin(const struct klp_patch *patch, int target) { }
void klp_stats_reverse(int target) { }
void klp_stats_force(void) { }
u64 klp_stats_settle(int target) { return 0; }
unsigned int klp_stats_rounds(void) { return 0; }
int klp_garbage_plan(void) { return 0; }
void klp_garbage_forget(void) { }
void klp_garbage_settle(int target) { }
void klp_words_forget(void) { }
void klp_words_forbid(const struct klp_forbidden *forbidden) { }

bool klp_words_clear(struct task_struct *task, const struct klp_forbidden *forbidden)
{
	return false;
}
