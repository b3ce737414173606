/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that the files of the livepatch core share; types.h has the types.
 *
 * Functions are grouped by the file that implements them, from the top layer to the bottom. A
 * file uses what stands below its own group, never what stands above: "make check" proves it.
 */
#ifndef _LIVEPATCH_INTERNAL_H
#define _LIVEPATCH_INTERNAL_H

#include <linux/irq_work.h>
#include <linux/jump_label.h>
#include <linux/livepatch.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "modules.h"
#include "place.h"
#include "trampoline.h"
#include "types.h"

struct seq_file;

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

/* --- evict.c: modules that go while their patch is in use ------------------------------------ */

int klp_evict_init(void);
void klp_evict_forced(struct module *mod);

/* --- patch.c: requests about whole patches ------------------------------------------------- */

void klp_patch_init(struct klp_patch *patch);
int klp_patch_admit(struct klp_patch *patch);
void klp_patch_discard(struct klp_patch *patch);
int klp_patch_enable(struct klp_patch *patch);
int klp_patch_leave(struct klp_patch *patch);
int klp_patch_disable(struct klp_patch *patch);

/* --- check.c: what the author wrote --------------------------------------------------------- */

int klp_patch_check(struct klp_patch *patch);

/* --- check_state.c: what the author wrote about system states --------------------------------- */

int klp_patch_check_states(struct klp_patch *patch);

/* --- memory.c: what the author points to ----------------------------------------------------- */

__printf(4, 5)
int klp_memory_check_data(const struct klp_patch *patch, const void *ptr, enum klp_access access,
			  const char *what, ...);
__printf(3, 4)
int klp_memory_check_code(const struct klp_patch *patch, const void *code, const char *what, ...);
__printf(4, 5)
int klp_memory_check_end(const struct klp_patch *patch, const void *array, struct klp_shape shape,
			 const char *what, ...);

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
unsigned long klp_transition_number(void);

/* --- rounds.c: looking at tasks again and again ---------------------------------------------- */

void klp_rounds_begin(void);
bool klp_rounds_look(int target);

/* --- lookers.c: who looks at tasks ------------------------------------------------------------ */

int klp_lookers_init(void (*look)(void));
void klp_lookers_now(void);
void klp_lookers_after(unsigned long pause);
void klp_lookers_rest(void);

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
bool klp_handover_takes_down(int target);
void klp_handover_settle(int target);

/* --- garbage.c: shadow variables whose state has left ---------------------------------------- */

int klp_garbage_plan(void);
void klp_garbage_forget(void);
void klp_garbage_settle(int target);
bool klp_garbage_blocks(const struct klp_patch *patch);
bool klp_garbage_take(void);
void klp_garbage_collect(void);

/* --- object.c: one object of one patch ----------------------------------------------------- */

unsigned int klp_object_count(const struct klp_object *obj);
bool klp_object_loaded(const struct klp_object *obj);
void klp_object_init(struct klp_patch *patch, struct klp_object *obj);
struct klp_symbol *klp_object_measure(struct klp_patch *patch, const struct klp_object *only,
				      unsigned int *nr);
void klp_object_measured(struct klp_symbol *new, unsigned int nr);
int klp_object_resolve(struct klp_patch *patch, struct klp_object *obj, struct klp_symbol *new);
void klp_object_forget(struct klp_patch *patch, struct klp_object *obj);
int klp_object_hook(struct klp_patch *patch, const struct klp_object *only);
void klp_object_route(struct klp_object *obj);
void klp_object_unhook(struct klp_object *obj);
void klp_object_drop(struct klp_object *obj);

/* --- callback.c: what a patch gets to say about an object ------------------------------------ */

int klp_callback_result(int ret);
int klp_object_pre_patch(struct klp_patch *patch, struct klp_object *obj);
void klp_object_post_patch(struct klp_object *obj);
void klp_object_pre_unpatch(struct klp_object *obj);
bool klp_object_takes_down(const struct klp_object *obj);
void klp_object_post_unpatch(struct klp_object *obj);

/* --- cycle.c: replacements that lead back ---------------------------------------------------- */

int klp_cycle_check(const struct klp_patch *patch, const struct klp_object *obj);

/* --- set.c: patches side by side ------------------------------------------------------------- */

int klp_set_check(const struct klp_patch *patch);
struct klp_layer *klp_set_rival(const struct klp_site *site, const struct klp_patch *patch);
int klp_set_check_sites(const struct klp_patch *patch, const struct klp_object *obj);

/* --- func.c: one function of one patch ------------------------------------------------------ */

void klp_func_init(struct klp_object *obj, struct klp_func *func);
int klp_func_resolve(struct klp_patch *patch, const char *objname, struct klp_func *func,
		     struct klp_symbol *old, struct klp_symbol *new);
int klp_func_check_hooked(const struct klp_patch *patch, const char *objname,
			  const struct klp_func *func);
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
void klp_tasks_interrupt(void);
void klp_tasks_scan(struct klp_scan *scan);
void klp_tasks_forget(void);
unsigned int klp_tasks_pending(void);
void klp_tasks_visit(void (*func)(struct task_struct *task, void *arg), void *arg);
bool klp_tasks_arrived(int target);

/* --- task.c: one task ---------------------------------------------------------------------- */

extern struct irq_work klp_task_last;

void klp_task_set_target(int target);
void klp_task_set_forbidden(const struct klp_forbidden *forbidden);
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
void klp_task_step_aside(void);

/* --- stack.c: the stack of one task ---------------------------------------------------------- */

void klp_stack_set_forbidden(const struct klp_forbidden *forbidden);
unsigned int klp_stack_unwound(void);
void klp_stack_count(void);
enum klp_verdict klp_stack_check(struct task_struct *task, unsigned long *where);

/* --- words.c: a look at a task that does without unwinding -------------------------------- */

void klp_words_forbid(const struct klp_forbidden *forbidden);
void klp_words_forget(void);
bool klp_words_clear(struct task_struct *task, const struct klp_forbidden *forbidden);

/* --- forbid.c: code that has to be left ---------------------------------------------------- */

int klp_forbidden_collect(int target, struct klp_forbidden *forbidden);
void klp_forbidden_free(struct klp_forbidden *forbidden);

/* --- site.c: call sites, layers, destinations ---------------------------------------------- */

struct klp_layer *klp_site_winner(const struct klp_site *site, int world);
void *klp_site_dest(const struct klp_site *site, int world);
void klp_site_route(struct klp_site *site, int world);
void klp_site_merge(struct klp_site *site, int world);
void klp_site_push(struct klp_site *site, struct klp_layer *layer);
void klp_site_pop(struct klp_layer *layer);
int klp_code_forbid(const struct klp_code *code, struct klp_ranges **set);
int klp_site_forbid(const struct klp_site *site, int from, struct klp_ranges **set);
bool klp_site_entry(const struct klp_site *site, int from, unsigned long addr);
int klp_site_watch(const struct klp_site *site, struct klp_ranges **set);

/* --- hook.c: how a call is diverted ---------------------------------------------------------- */

struct klp_hook *klp_hook_alloc(unsigned int nr);
struct klp_site *klp_hook_insert(struct klp_hook *hook, unsigned long ip);

/* --- batch.c: sites that ftrace is told of together ------------------------------------------ */

void klp_hook_discard(struct klp_hook *hook);
bool klp_hook_gone(void);
void klp_hook_take(struct list_head *gone);
void klp_hook_bury(struct list_head *gone);
int klp_site_add_hits(struct klp_site *site);
bool klp_hook_counting(void);
bool klp_hook_dead(void);
int klp_hook_register(struct klp_hook *hook, unsigned long *culprit);
bool klp_hook_holds(const struct klp_site *site);
struct klp_site *klp_hook_next(struct klp_site *site);
void klp_hook_sweep(void);
bool klp_hook_pending(const struct module *mod);
void klp_hook_abandon(const struct module *mod);

/* Every site of every registered hook; under klp_mutex. */
#define klp_for_each_site(site) \
	for (site = klp_hook_next(NULL); site; site = klp_hook_next(site))

/* --- trampoline.c: a shorter way to a site than ftrace's ------------------------------------ */

#ifdef CONFIG_X86_64
void klp_trampoline_offer(struct ftrace_ops *fops);
bool klp_trampoline_contains(unsigned long addr);
int klp_trampoline_forbid(struct klp_ranges **set);
#endif

/* --- trampoline_x86_64.S: the way itself ----------------------------------------------------- */

void klp_trampoline(void);
void klp_trampoline_end(void);

/* --- place.c: where ftrace gets hold of a function ------------------------------------------- */

unsigned long klp_place_find(const struct klp_range *body);

/* --- place_x86_64.c: what the instructions there tell ----------------------------------------- */

#ifdef CONFIG_X86_64
bool klp_place_endbr(u32 insn);
bool klp_place_fits(unsigned long start, unsigned long ip);
unsigned long klp_place_callee(unsigned long ip, const u8 *insn);
bool klp_place_leads(unsigned long ip, unsigned long trampoline);
#endif

/* --- index.c: the site that a call comes from ------------------------------------------------ */

extern struct klp_index *klp_index;
extern struct static_key_false klp_index_counts;

#include "index.h"

int klp_index_reserve(unsigned int nr);
int klp_index_add(struct klp_site *site);
void klp_index_remove(const struct klp_site *site);
void klp_index_trim(void);

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
int klp_ranges_add_addr(struct klp_ranges **set, unsigned long addr);
void klp_ranges_seal(struct klp_ranges *set);
bool klp_ranges_contain(const struct klp_ranges *set, unsigned long addr);

/* --- reloc.c: livepatch relocations --------------------------------------------------------- */

int klp_reloc_apply(struct module *pmod, const char *objname);
void klp_reloc_clear(struct module *pmod, const char *objname);

/* --- reloc_x86_64.c: what a relocation writes on x86-64 --------------------------------------- */

#ifdef CONFIG_X86_64
unsigned int klp_reloc_width(unsigned int type);
#endif

/* --- code.c: the code that belongs to a function --------------------------------------------- */

int klp_symbols_find(const struct module *mod, struct klp_symbol *syms, unsigned int nr);
int klp_symbols_measure(const struct module *mod, struct klp_symbol *syms, unsigned int nr);

/* --- symbol.c: from names to addresses ------------------------------------------------------ */

int klp_symbols_locate(const struct module *mod, struct klp_symbol *syms, unsigned int nr);
int klp_symbol_check(const struct klp_symbol *sym, const char *who, const char *objname);
void klp_symbols_free(struct klp_symbol *syms, unsigned int nr);

/* --- cold.c: cold parts of functions of vmlinux ---------------------------------------------- */

int klp_cold_load(void);
const struct klp_cold *klp_cold_next(unsigned long func, const struct klp_cold *last);

/* --- symtab.c: symbols of a module ----------------------------------------------------------- */

bool klp_symtab_keeps(const struct module *mod, unsigned long addr);
bool klp_symtab_next(const struct module *mod, unsigned int *at, const char **name,
		     unsigned long *addr);

/* --- match.c: entries that mean the same ---------------------------------------------------- */

const char *klp_object_name(const struct klp_object *obj);
bool klp_object_same(const struct klp_object *a, const struct klp_object *b);
struct klp_func *klp_func_find(const struct xarray *index, const struct klp_func *like);
int klp_func_index(struct xarray *index, struct klp_func *func);

/* Take all entries out. xa_destroy() does that with interrupts off until the last one. */
static inline void klp_xa_empty(struct xarray *xa)
{
	unsigned long at;
	void *entry;

	xa_for_each(xa, at, entry)
		xa_erase(xa, at);
}

/* --- name.c: what names say ------------------------------------------------------------------ */

size_t klp_symbol_stem(const char *name);
const char *klp_reloc_copy_obj(const char *text, char *obj);
int klp_reloc_parse(char *text, struct klp_reloc_name *name);

/* --- shadow_type.c: shadow variables that have a type ---------------------------------------- */

void klp_shadow_collect(const struct klp_shadow_type *type);

/* --- shadow.c: shadow variables -------------------------------------------------------------- */

/* --- shadow_store.c: where they are kept ----------------------------------------------------- */

void klp_shadow_init(void);
int klp_shadow_show(struct seq_file *m, void *v);
void *klp_shadow_make_new(void *obj, unsigned long id, size_t size, gfp_t gfp,
			  klp_shadow_ctor_t ctor, void *ctor_data);
void *klp_shadow_make_or_get(void *obj, unsigned long id, size_t size, gfp_t gfp,
			     klp_shadow_ctor_t ctor, void *ctor_data);
void klp_shadow_drop(void *obj, unsigned long id, klp_shadow_dtor_t dtor);
void klp_shadow_take(void *obj, unsigned long id, struct list_head *taken);
void klp_shadow_sweep_begin(struct klp_shadow_sweep *sweep, unsigned long id,
			    const struct module *mod);
bool klp_shadow_sweep(struct klp_shadow_sweep *sweep, struct list_head *taken);
void klp_shadow_destroy(struct list_head *taken, klp_shadow_dtor_t dtor);

/* --- shadow_table.c: how their tables grow --------------------------------------------------- */

void klp_shadow_table_init(struct klp_shadow_table *table, unsigned int bits);
void klp_shadow_move(struct klp_shadow_kind *kind, struct klp_shadow_table *table,
		     struct klp_shadow_table *next);
unsigned int klp_shadow_bits(const struct klp_shadow_kind *kind);
void klp_shadow_resize(unsigned long id, unsigned int bits, gfp_t gfp);
void klp_shadow_tables_end(struct klp_shadow_kind *kind);

/* --- shadow_free.c: when their memory is given back ------------------------------------------ */

void klp_shadow_init_bins(void);
void klp_shadow_bin_run(struct klp_shadow_bin *bin);

/* --- resched.c: the hook of the scheduler ----------------------------------------------------- */

void klp_resched_enable(void);
void klp_resched_disable(void);

/* --- trace.c: trace events, include/trace/events/livepatch.h ---------------------------------- */

#endif /* _LIVEPATCH_INTERNAL_H */
