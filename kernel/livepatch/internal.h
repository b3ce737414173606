/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types and functions that the files of the livepatch core share.
 *
 * Functions are grouped by the file that implements them, from the top layer to the bottom. A
 * file uses what stands below its own group, never what stands above: "make check" proves it.
 */
#ifndef _LIVEPATCH_INTERNAL_H
#define _LIVEPATCH_INTERNAL_H

#include <linux/ftrace.h>
#include <linux/irq_work.h>
#include <linux/livepatch.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock_types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

struct seq_file;

/* An address span; @end is the first byte behind it. */
struct klp_range {
	unsigned long start;
	unsigned long end;
};

/**
 * struct klp_ranges - a set of code addresses
 * @rcu: for kfree_rcu()
 * @nr: entries in use
 * @max: entries there is room for
 * @range: sorted and disjoint once klp_ranges_seal() has run; constant from then on
 */
struct klp_ranges {
	struct rcu_head rcu;
	unsigned int nr;
	unsigned int max;
	struct klp_range range[] __counted_by(max);
};

/**
 * struct klp_forbidden - the code that tasks have to leave before they change over
 * @code: functions that one world uses and the other does not, and the way into them; guards
 * @text: all text of modules whose patches go away
 * @kernel: user tasks have to leave the kernel altogether
 *
 * Either set may be NULL, which is an empty one.
 */
struct klp_forbidden {
	struct klp_ranges *code;
	struct klp_ranges *text;
	bool kernel;
};

/**
 * struct klp_code - where the machine code of one function lies
 * @nr: number of parts
 * @part: its body first, then what the compiler has split off (NAME.cold)
 */
struct klp_code {
	unsigned int nr;
	struct klp_range part[] __counted_by(nr);
};

/**
 * struct klp_symbol - one question to a symbol table, and the answer
 * @name: asked, unless the address is what is known
 * @pos: asked: 0 the only one, else which one, counted from 1
 * @addr: answered, or asked when @name is not known
 * @count: answered: how many symbols of the name were seen; at most 2 or @pos in vmlinux
 * @code: answered: to be freed with kfree()
 */
struct klp_symbol {
	const char *name;
	unsigned long pos;
	unsigned long addr;
	unsigned long count;
	struct klp_code *code;
};

/**
 * struct klp_hits - how often calls came to the handler on one CPU, with preemption off
 * @calls: 0 those that went on to the original, 1 those that were diverted
 */
struct klp_hits {
	unsigned long calls[2];
};

enum klp_counting {
	KLP_COUNT_OFF,
	KLP_COUNT_ON,
};

/**
 * struct klp_site - where calls of one function are diverted
 * @ip: ftrace location, the key; 0 in an empty slot of the table (constant while registered)
 * @dest: per world, where to go, NULL for the original (written under klp_mutex, read by the
 *	handler with preemption off)
 * @layers: the entries of patches that replace this function, newest first (klp_mutex)
 * @hooked: in the filter of its ftrace_ops (klp_mutex)
 * @hits: counters, NULL as long as nobody has asked for them; constant while calls are counted
 *
 * Fills a cache line, and an index is turned into an address by one shift.
 */
struct klp_site {
	unsigned long ip;
	void *dest[2];
	struct list_head layers;
	bool hooked;
	struct klp_hits __percpu *hits;
} __aligned(64);

/**
 * struct klp_layer - one patch's entry at one site; private side of a &struct klp_func
 * @node: in klp_site.layers
 * @patch: whose it is
 * @func: what it stands for
 * @site: where it is, NULL while it is not at a site, as a guard always is
 * @ip: ftrace location of the original, 0 for a guard that ftrace cannot reach
 * @orig: code of the original
 * @code: code of the replacement, NULL for a nop and for a guard
 *
 * All of it is protected by klp_mutex; the handler never looks here.
 */
struct klp_layer {
	struct list_head node;
	struct klp_patch *patch;
	struct klp_func *func;
	struct klp_site *site;
	unsigned long ip;
	struct klp_code *orig;
	struct klp_code *code;
};

/**
 * struct klp_hook - a batch of sites behind one ftrace_ops
 * @fops: registered as long as a site is hooked
 * @node: in the list of hooks (klp_mutex)
 * @bits: the table has 1 << @bits slots, at least twice as many as sites
 * @shift: bits of a hash that are not used
 * @end: behind the last slot
 * @nr: number of sites
 * @sites: table with open addressing, key @ip
 *
 * The set of sites is complete before registration and can only shrink afterwards, since ftrace
 * negotiates with BPF trampolines only while it registers an ftrace_ops.
 */
struct klp_hook {
	struct ftrace_ops fops;
	struct list_head node;
	unsigned int bits;
	unsigned int shift;
	struct klp_site *end;
	unsigned int nr;
	struct klp_site sites[];
};

/* What a shadow variable is found by. */
struct klp_shadow_key {
	void *obj;
	unsigned long id;
};

/**
 * struct klp_shadow - a shadow variable
 * @node: in the table of all variables
 * @all: in klp_shadow_kind.vars (klp_shadow_lock()), or in a list of those that were taken
 * @rcu: for kfree_rcu()
 * @key: whose it is; constant
 * @size: of @data, as asked for; constant
 * @live: constructed (written once under klp_shadow_lock(), read under RCU)
 * @data: what the caller gets
 */
struct klp_shadow {
	struct rhash_head node;
	union {
		struct list_head all;
		struct rcu_head rcu;
	};
	struct klp_shadow_key key;
	unsigned int size;
	bool live;
	char data[] __aligned(sizeof(unsigned long long));
};

/**
 * struct klp_shadow_kind - the shadow variables of one id
 * @node: in klp_shadow_stripe.kinds
 * @id: the id; constant
 * @vars: the variables, newest first, and the places of sweeps
 * @nr: number of variables
 * @bytes: sum of their sizes
 *
 * All of it is protected by klp_shadow_lock().
 */
struct klp_shadow_kind {
	struct hlist_node node;
	unsigned long id;
	struct list_head vars;
	unsigned long nr, bytes;
};

/**
 * struct klp_shadow_sweep - a walk over the variables of one id, with breaks
 * @kind: the variables, NULL when there are none
 * @mod: only those of objects in the memory of this module are wanted; NULL: all
 * @place: stands in klp_shadow_kind.vars, behind what was looked at, and is never live
 */
struct klp_shadow_sweep {
	struct klp_shadow_kind *kind;
	const struct module *mod;
	struct klp_shadow place;
};

/* What came out of a look at a task. */
enum klp_verdict {
	KLP_CLEAR,		/* has changed over */
	KLP_RUNNING,		/* runs on some CPU, cannot be looked at */
	KLP_ON_STACK,		/* is inside, or on its way into, code that it has to leave first */
	KLP_UNRELIABLE,		/* its stack cannot be walked for certain */
	KLP_IN_KERNEL,		/* has to leave the kernel first, whatever is on its stack */
	KLP_IN_FLIGHT,		/* KLP_ON_STACK, told where to go by the handler and not there yet */
	KLP_VERDICTS
};

/* How a task has changed over. */
enum klp_way {
	KLP_WAY_STACK,		/* looked at while it did not run */
	KLP_WAY_EXIT,		/* on its way to user mode */
	KLP_WAY_IDLE,		/* in the idle loop */
	KLP_WAY_RESCHED,	/* in cond_resched() */
	KLP_WAY_FORCED,		/* whatever it was doing */
	KLP_WAYS
};

/**
 * struct klp_blocker - a task that has not arrived, and why
 * @tid: of the thread
 * @pid: of its process
 * @comm: its name
 * @state: as in /proc/PID/stat
 * @verdict: what holds it back
 * @where: for %KLP_ON_STACK and %KLP_IN_FLIGHT: the address on its stack that is in the way; else 0
 */
struct klp_blocker {
	pid_t tid;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	char state;
	enum klp_verdict verdict;
	unsigned long where;
};

/* Blockers that a round remembers by name. */
#define KLP_SCAN_NAMED 5

/**
 * struct klp_scan - what one round has found
 * @nr: number of tasks that it has left behind
 * @blocker: the first of them
 */
struct klp_scan {
	unsigned int nr;
	struct klp_blocker blocker[KLP_SCAN_NAMED];
};

/* --- main.c: the front door ------------------------------------------------------------- */

/* --- sysfs.c: /sys/kernel/livepatch -------------------------------------------------------- */

int klp_sysfs_init(void);
int klp_sysfs_add(struct klp_patch *patch);

/* --- report.c: /sys/kernel/debug/livepatch --------------------------------------------------- */

void klp_report_init(void);

/* --- blockers.c: who holds the transition up ------------------------------------------------- */

extern const struct file_operations klp_blockers_fops;

/* --- hits.c: how often patched functions are called ------------------------------------------- */

extern const struct file_operations klp_hits_fops;

/* --- module.c: target modules come and go -------------------------------------------------- */

/* --- patch.c: requests about whole patches ------------------------------------------------- */

void klp_patch_init(struct klp_patch *patch);
int klp_patch_admit(struct klp_patch *patch);
void klp_patch_discard(struct klp_patch *patch);
int klp_patch_enable(struct klp_patch *patch);
int klp_patch_disable(struct klp_patch *patch);

/* --- check.c: what the author wrote --------------------------------------------------------- */

int klp_patch_check(struct klp_patch *patch);

/* --- nop.c: functions that go back to the original ------------------------------------------ */

int klp_patch_add_nops(struct klp_patch *patch);
void klp_patch_free_nops(struct klp_patch *patch);

/* --- transition.c: from one world to the other --------------------------------------------- */

extern struct work_struct klp_retire_work;
extern struct list_head klp_retired;

void klp_transition_open(struct klp_patch *patch, int target);
void klp_transition_begin(const struct klp_forbidden *forbidden);
void klp_transition_cancel(void);
int klp_transition_reverse(void);
void klp_transition_force(void);
void klp_transition_round(void);
int klp_transition_refresh(void);
int klp_transition_target(void);

/* --- rounds.c: looking at tasks again and again ---------------------------------------------- */

extern struct delayed_work klp_transition_work;

void klp_rounds_begin(void);
bool klp_rounds_look(int target);

/* --- stats.c: how transitions went ----------------------------------------------------------- */

void klp_stats_begin(const struct klp_patch *patch, int target);
void klp_stats_reverse(int target);
void klp_stats_force(void);
void klp_stats_round(void);
void klp_stats_late(const struct klp_blocker *blocker);
u64 klp_stats_settle(int target);
unsigned int klp_stats_rounds(void);
u64 klp_stats_age(void);
int klp_stats_show(struct seq_file *m, void *unused);

/* --- handover.c: system states that come and go --------------------------------------------- */

int klp_handover_plan(int target);
int klp_handover_announce(void);
void klp_handover_settle(int target);

/* --- garbage.c: shadow variables whose state has left ---------------------------------------- */

int klp_garbage_plan(void);
void klp_garbage_forget(void);
void klp_garbage_settle(int target);
bool klp_garbage_blocks(const struct klp_patch *patch);
bool klp_garbage_take(void);
void klp_garbage_collect(void);

/* --- object.c: one object of one patch ----------------------------------------------------- */

bool klp_object_loaded(const struct klp_object *obj);
void klp_object_init(struct klp_patch *patch, struct klp_object *obj);
int klp_object_resolve(struct klp_patch *patch, struct klp_object *obj);
void klp_object_forget(struct klp_patch *patch, struct klp_object *obj);
int klp_object_hook(struct klp_patch *patch, const struct klp_object *only);
void klp_object_route(struct klp_object *obj);
void klp_object_unhook(struct klp_object *obj);
void klp_object_drop(struct klp_object *obj);
int klp_object_pre_patch(struct klp_object *obj);
void klp_object_post_patch(struct klp_object *obj);
void klp_object_pre_unpatch(struct klp_object *obj);
void klp_object_post_unpatch(struct klp_object *obj);

/* --- set.c: patches side by side ------------------------------------------------------------- */

int klp_set_check(const struct klp_patch *patch);
struct klp_layer *klp_set_rival(const struct klp_site *site, const struct klp_patch *patch);
int klp_set_check_sites(const struct klp_patch *patch, const struct klp_object *obj);

/* --- func.c: one function of one patch ------------------------------------------------------ */

void klp_func_init(struct klp_object *obj, struct klp_func *func);
int klp_func_resolve(struct klp_patch *patch, const char *objname, struct klp_func *func,
		     struct klp_symbol *old, struct klp_symbol *new);
void klp_func_forget(struct klp_func *func);
void klp_func_drop(struct klp_func *func);

/* --- state.c: system states ---------------------------------------------------------------- */

const struct klp_state_ops *klp_state_ops_of(const struct klp_patch *patch, unsigned long id);
struct klp_patch *klp_state_holder(unsigned long id, int world);
const struct klp_state_ops *klp_state_blocking(const struct klp_patch *patch);
bool klp_state_compatible(struct klp_patch *patch);

/* --- tasks.c: all tasks --------------------------------------------------------------------- */

void klp_tasks_set_world(int world);
void klp_tasks_flag(int target);
void klp_tasks_unflag(void);
void klp_tasks_force(void);
void klp_tasks_nudge(void);
void klp_tasks_scan(struct klp_scan *scan);
void klp_tasks_forget(void);
unsigned int klp_tasks_pending(void);
void klp_tasks_visit(void (*func)(struct task_struct *task, void *arg), void *arg);
bool klp_tasks_arrived(int target);

/* --- task.c: one task ---------------------------------------------------------------------- */

void klp_task_set_target(int target);
void klp_task_set_forbidden(const struct klp_forbidden *forbidden);
void klp_task_set_last(struct irq_work *last);
void klp_task_count(void);
bool klp_task_await(unsigned int nr);
void klp_task_reset_moves(void);
void klp_task_count_moves(unsigned int *moves);
const char *klp_verdict_word(enum klp_verdict verdict);
enum klp_verdict klp_verdict_refine(enum klp_verdict verdict, unsigned long where);
void klp_task_blame(struct task_struct *task, enum klp_verdict verdict, unsigned long where,
		    struct klp_blocker *blocker);
enum klp_verdict klp_task_try(struct task_struct *task, unsigned long *where);
enum klp_verdict klp_task_look(struct task_struct *task, unsigned long *where);
bool klp_task_arrived(struct task_struct *task);
void klp_task_move(struct task_struct *task);
void klp_task_force(struct task_struct *task);

/* --- forbid.c: code that has to be left ---------------------------------------------------- */

int klp_forbidden_collect(int target, struct klp_forbidden *forbidden);
void klp_forbidden_free(struct klp_forbidden *forbidden);

/* --- site.c: call sites, layers, destinations ---------------------------------------------- */

struct klp_layer *klp_site_winner(const struct klp_site *site, int world);
void *klp_site_dest(const struct klp_site *site, int world);
void klp_site_route(struct klp_site *site, int world);
void klp_site_push(struct klp_site *site, struct klp_layer *layer);
void klp_site_pop(struct klp_layer *layer);
int klp_code_forbid(const struct klp_code *code, struct klp_ranges **set);
int klp_site_forbid(const struct klp_site *site, int from, struct klp_ranges **set);
bool klp_site_entry(const struct klp_site *site, int from, unsigned long addr);
int klp_site_watch(const struct klp_site *site, struct klp_ranges **set);

/* --- hook.c: ftrace ------------------------------------------------------------------------ */

struct klp_hook *klp_hook_alloc(unsigned int nr);
struct klp_site *klp_hook_insert(struct klp_hook *hook, unsigned long ip);
struct klp_site *klp_hook_lookup(struct klp_hook *hook, unsigned long ip);
void klp_hook_free(struct klp_hook *hook);
int klp_hook_register(struct klp_hook *hook, unsigned long *culprit);
struct klp_site *klp_hook_find(unsigned long ip);
struct klp_site *klp_hook_next(struct klp_site *site);
void klp_hook_sweep(void);
bool klp_hook_pending(const struct module *mod);
int klp_hook_count(enum klp_counting on);
bool klp_hook_counting(void);

/* Every site of every registered hook; under klp_mutex. */
#define klp_for_each_site(site) \
	for (site = klp_hook_next(NULL); site; site = klp_hook_next(site))

/* --- world.c: which patch is present in which world ---------------------------------------- */

/* The worlds that a patch is present in, as kept in klp_patch.worlds. */
enum klp_worlds {
	KLP_NOWHERE = 0,	/* new, or retired */
	KLP_WITHOUT = BIT(0),	/* being replaced */
	KLP_WITH = BIT(1),	/* being enabled or disabled */
	KLP_EVERYWHERE = KLP_WITHOUT | KLP_WITH,
};

extern struct mutex klp_mutex;
extern struct list_head klp_patches;
extern struct klp_patch *klp_transition_patch;

bool klp_world_has(const struct klp_patch *patch, int world);
bool klp_world_replaces(const struct klp_patch *patch, const struct klp_patch *other);
bool klp_world_beside(const struct klp_patch *patch, const struct klp_patch *other);
bool klp_world_loses(const struct klp_patch *patch, int target);
bool klp_world_changes(const struct klp_patch *patch);
void klp_world_enable(struct klp_patch *patch);
void klp_world_disable(struct klp_patch *patch);
void klp_world_settle(struct klp_patch *patch, int target);
void klp_sync(void);

/* --- range.c: sets of code addresses ------------------------------------------------------- */

int klp_ranges_add(struct klp_ranges **set, unsigned long start, unsigned long end);
void klp_ranges_seal(struct klp_ranges *set);
bool klp_ranges_contain(const struct klp_ranges *set, unsigned long addr);

/* --- reloc.c: livepatch relocations --------------------------------------------------------- */

int klp_reloc_apply(struct module *pmod, const char *objname);
void klp_reloc_clear(struct module *pmod, const char *objname);

/* --- symbol.c: from names to addresses ------------------------------------------------------ */

int klp_symbols_find(struct module *mod, struct klp_symbol *syms, unsigned int nr);
int klp_symbols_measure(struct module *mod, struct klp_symbol *syms, unsigned int nr);
int klp_symbol_check(const struct klp_symbol *sym, const char *who, const char *objname);
void klp_symbols_free(struct klp_symbol *syms, unsigned int nr);

/* --- match.c: entries that mean the same ---------------------------------------------------- */

const char *klp_object_name(const struct klp_object *obj);
bool klp_object_same(const struct klp_object *a, const struct klp_object *b);
struct klp_func *klp_func_find(const struct xarray *index, const struct klp_func *like);
int klp_func_index(struct xarray *index, struct klp_func *func);

/* --- name.c: what names say ------------------------------------------------------------------ */

/* Parts of ".klp.sym.OBJECT.NAME,POSITION". */
struct klp_reloc_name {
	char obj[MODULE_NAME_LEN];
	char sym[KSYM_NAME_LEN];
	unsigned long pos;
};

size_t klp_symbol_stem(const char *name);
const char *klp_reloc_copy_obj(const char *text, char *obj);
int klp_reloc_parse(const char *text, struct klp_reloc_name *name);

/* --- shadow_type.c: shadow variables that have a type ---------------------------------------- */

void klp_shadow_collect(const struct klp_shadow_type *type);

/* --- shadow.c: shadow variables -------------------------------------------------------------- */

/* --- shadow_store.c: where they are kept ----------------------------------------------------- */

int klp_shadow_init(void);
int klp_shadow_show(struct seq_file *m, void *v);
spinlock_t *klp_shadow_lock(unsigned long id);
struct klp_shadow *klp_shadow_find(void *obj, unsigned long id);
struct klp_shadow *klp_shadow_make(void *obj, unsigned long id, size_t size, gfp_t gfp,
				   klp_shadow_ctor_t ctor, void *ctor_data, bool *found);
void klp_shadow_take(void *obj, unsigned long id, struct list_head *taken);
void klp_shadow_sweep_begin(struct klp_shadow_sweep *sweep, unsigned long id,
			    const struct module *mod);
bool klp_shadow_sweep(struct klp_shadow_sweep *sweep, struct list_head *taken);
void klp_shadow_destroy(struct list_head *taken, klp_shadow_dtor_t dtor);

/* --- resched.c: the hook in cond_resched() --------------------------------------------------- */

#if defined(CONFIG_PREEMPT_DYNAMIC) && defined(CONFIG_HAVE_PREEMPT_DYNAMIC_CALL)
static inline void klp_resched_enable(void)
{
	sched_dynamic_klp_enable();
}

static inline void klp_resched_disable(void)
{
	sched_dynamic_klp_disable();
}
#else
void klp_resched_enable(void);
void klp_resched_disable(void);
#endif

#endif /* _LIVEPATCH_INTERNAL_H */
