/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live patching: what livepatch modules use, and the hooks that the rest of the kernel calls.
 *
 * The guide is Documentation/livepatch/livepatch.rst.
 */
#ifndef _LINUX_LIVEPATCH_H_
#define _LINUX_LIVEPATCH_H_

#include <linux/build_bug.h>
#include <linux/completion.h>
#include <linux/ftrace.h>
#include <linux/list.h>
#include <linux/livepatch_external.h>
#include <linux/livepatch_sched.h>
#include <linux/module.h>

#if IS_ENABLED(CONFIG_LIVEPATCH)

/* Values of task_struct::patch_state, shown in /proc/PID/patch_state: the world a task is in. */
#define KLP_TRANSITION_IDLE (-1)	/* no transition; acts like the world without the patch */
#define KLP_TRANSITION_UNPATCHED 0	/* the world without the patch in transition */
#define KLP_TRANSITION_PATCHED 1	/* the world with it */

struct klp_layer;
struct klp_patch;

/**
 * struct klp_func - a function to replace, or to watch
 * @old_name: name of the function, as in kallsyms
 * @new_func: the replacement; it must have the same parameters and return type
 * @old_sympos: 0 when @old_name occurs once in the object, else which occurrence is meant,
 *	counted from 1 in kallsyms order
 * @old_func: address of the original; set while the object is loaded (klp_mutex)
 * @kobj: the function's directory in sysfs
 * @node: in klp_object.func_list (klp_mutex)
 * @layer: private data of the core; set while the object is loaded (klp_mutex)
 * @room: for members to come; 0 in every module built until now
 * @old_size: size of the original in bytes; set while the object is loaded (klp_mutex)
 * @new_size: size of @new_func in bytes; set while the object is loaded (klp_mutex)
 * @nop: allocated by the core to lead back to the original during an atomic replace (constant)
 * @patched: calls go through this entry in at least one world (klp_mutex)
 * @guard: do not replace the function, @new_func is NULL; but no task that is inside of it
 *	changes over while the patch comes or goes
 * @hidden: a nop that sysfs does not show, since a guard has its name there (constant)
 *
 * Authors fill in the first three members, and @guard if they like. An array of these ends with
 * an empty entry. The layout is ABI: modules built against another 6.12 header are loaded too.
 */
struct klp_func {
	const char *old_name;
	void *new_func;
	unsigned long old_sympos;

	/* private to the core */
	void *old_func;
	struct kobject kobj;
	struct list_head node;
	struct klp_layer *layer;
	unsigned long room;
	unsigned long old_size, new_size;
	bool nop;
	bool patched;

	/* for authors */
	bool guard;

	/* private to the core */
	bool hidden;
};

/**
 * struct klp_object - vmlinux or a module, with the functions to replace in it
 * @name: module name, NULL for vmlinux
 * @funcs: array of functions, ended by an empty entry; may be empty, never NULL
 * @callbacks: see &struct klp_callbacks
 * @kobj: the object's directory in sysfs
 * @func_list: @funcs and the nops of an atomic replace (klp_mutex)
 * @node: in klp_patch.obj_list (klp_mutex)
 * @mod: the module while it is loaded, always NULL for vmlinux (klp_mutex)
 * @dynamic: allocated by the core to hold nops for an object that the patch does not name
 *	(constant)
 * @patched: the functions are diverted in at least one world (written under klp_mutex, read by
 *	sysfs without)
 *
 * Authors fill in the first three members. An array of these ends with an empty entry. The
 * layout is ABI.
 */
struct klp_object {
	const char *name;
	struct klp_func *funcs;
	struct klp_callbacks callbacks;

	/* private to the core */
	struct kobject kobj;
	struct list_head func_list, node;
	struct module *mod;
	bool dynamic;
	bool patched;
};

/**
 * struct klp_state - something outside the code that a patch changes
 * @id: names the change, not 0
 * @version: of the change; a patch refuses to follow one with a higher version
 * @data: for the patch's callbacks; the core leaves it alone
 *
 * An array of these ends with an entry whose @id is 0. The layout is ABI.
 */
struct klp_state {
	unsigned long id;
	unsigned int version;
	void *data;
};

/**
 * typedef klp_shadow_ctor_t - fill in a new shadow variable
 * @obj: the object that it is attached to
 * @shadow_data: the variable, zeroed
 * @ctor_data: what the caller passed
 *
 * Context: called with a spinlock held and interrupts off; must not sleep, nor call klp_shadow
 * functions other than klp_shadow_get().
 * Return: 0, or an error, upon which the variable is thrown away.
 */
typedef int (*klp_shadow_ctor_t)(void *obj, void *shadow_data, void *ctor_data);

/**
 * typedef klp_shadow_dtor_t - take down a shadow variable that nobody finds any more
 * @obj: the object that it was attached to
 * @shadow_data: the variable; readers that found it earlier may still use it
 *
 * Context: as for klp_shadow_ctor_t.
 */
typedef void (*klp_shadow_dtor_t)(void *obj, void *shadow_data);

/**
 * struct klp_shadow_type - shadow variables of one kind
 * @id: names the kind, the same in all versions of a patch
 * @ctor: fills in a new variable, or NULL; see klp_shadow_ctor_t
 * @dtor: takes a variable down that nobody finds any more, or NULL; called with no lock held, in
 *	the context of klp_shadow_type_free(), or in process context where it may sleep when the
 *	core destroys variables whose state has left the system
 *
 * A type belongs to a system state, see &struct klp_state_ops.
 */
struct klp_shadow_type {
	unsigned long id;
	klp_shadow_ctor_t ctor;
	klp_shadow_dtor_t dtor;
};

/**
 * struct klp_state_ops - what has to be done about a system state
 * @id: the state's, which is in klp_patch.states too
 * @pre_patch: the state comes, before tasks start to change over; an error refuses the patch
 * @post_patch: the state has come, all tasks have changed over; or it was to go and stays
 * @pre_unpatch: the state goes, before tasks start to change over
 * @post_unpatch: the state has gone, all tasks have changed over; or it was to come and does not
 * @shadow: shadow variables that exist as long as the state does, or NULL
 * @block_disable: once the state is there it cannot be undone: the patch cannot be disabled, nor
 *	replaced by one that does not list the state
 *
 * A state comes with the first enabled patch that lists it and goes with the last one. Only then
 * callbacks are called: those of the patch that brings the state, or of the newest of the patches
 * that take it away. Between two patches which both list it the state is handed over without a
 * call: the newer one gets the data pointer of the older one.
 *
 * For each @pre_patch that succeeded there is one @post_patch or @post_unpatch, and likewise for
 * each @pre_unpatch, whatever fails or is reversed.
 *
 * Context of the callbacks: process context, may sleep; klp_mutex held, so they must neither load
 * modules nor write to livepatch files in sysfs.
 *
 * An array of these ends with an empty entry. The idea of callbacks that belong to states is from
 * the mail thread "livepatch: Make livepatch states, callbacks, and shadow variables work together"
 * (P. Mladek, 2023 to 2025).
 */
struct klp_state_ops {
	unsigned long id;
	int (*pre_patch)(struct klp_patch *patch, struct klp_state *state);
	void (*post_patch)(struct klp_patch *patch, struct klp_state *state);
	void (*pre_unpatch)(struct klp_patch *patch, struct klp_state *state);
	void (*post_unpatch)(struct klp_patch *patch, struct klp_state *state);
	const struct klp_shadow_type *shadow;
	bool block_disable;
};

/**
 * struct klp_patch - a livepatch
 * @mod: the module that holds it
 * @objs: array of objects, ended by an empty entry
 * @states: array of system states or NULL
 * @replace: take the place of every enabled patch of the same set, in one transition
 * @leave_kernel: user tasks change over only when they leave the kernel, so that no system call
 *	runs old and new functions; slower, since tasks that sleep in the kernel have to be woken
 * @replace_set: the set of patches that this one belongs to. Patches of different sets live side
 *	by side, and may have neither a function nor a system state in common
 * @list: in the list of enabled patches, oldest first, or of those to be retired (klp_mutex)
 * @kobj: the patch's directory in sysfs
 * @obj_list: @objs and the dynamic objects of an atomic replace (klp_mutex)
 * @enabled: what was last asked for, "enabled" in sysfs (written under klp_mutex, read by sysfs
 *	without)
 * @forced: tasks may still run its code, the module is never released (written under klp_mutex,
 *	read by sysfs without)
 * @worlds: bit N is set when the patch is present in world N (klp_mutex)
 * @state_ops: array of &struct klp_state_ops, or NULL
 * @supersedes: further sets to replace, an array ended by 0, or NULL; only with @replace
 * @room: for members to come; 0 in every module built until now
 * @finish: completed when @kobj has been released
 *
 * Authors fill in the first six members, @state_ops and @supersedes; all but the first two may be
 * left out. The size is ABI.
 */
struct klp_patch {
	struct module *mod;
	struct klp_object *objs;
	struct klp_state *states;
	bool replace;
	bool leave_kernel;
	unsigned int replace_set;

	/* private to the core */
	struct list_head list;
	struct kobject kobj;
	struct list_head obj_list;
	bool enabled;
	bool forced;
	unsigned char worlds;

	/* for authors */
	const struct klp_state_ops *state_ops;
	const unsigned int *supersedes;

	/* private to the core */
	unsigned long room[2];
	struct completion finish;
};

/* Over the arrays that the author wrote. */
#define klp_for_each_object_static(patch, obj) \
	for (obj = (patch)->objs; (obj)->funcs || (obj)->name; (obj)++)

#define klp_for_each_func_static(obj, func) \
	for (func = (obj)->funcs; \
	     (func)->old_name || (func)->new_func || (func)->old_sympos; (func)++)

/* Over what the core works on: the arrays and what atomic replace has added; under klp_mutex. */
#define klp_for_each_object(patch, obj) \
	list_for_each_entry(obj, &(patch)->obj_list, node)

#define klp_for_each_object_safe(patch, obj, tmp_obj) \
	list_for_each_entry_safe(obj, tmp_obj, &(patch)->obj_list, node)

#define klp_for_each_func(obj, func) \
	list_for_each_entry(func, &(obj)->func_list, node)

#define klp_for_each_func_safe(obj, func, tmp_func) \
	list_for_each_entry_safe(func, tmp_func, &(obj)->func_list, node)

#ifdef CONFIG_64BIT
/* Elements of arrays in modules: the stride can never change. */
static_assert(sizeof(struct klp_func) == 88 + sizeof(struct kobject));
static_assert(sizeof(struct klp_object) == 104 + sizeof(struct kobject));
static_assert(sizeof(struct klp_state) == 24);
static_assert(sizeof(struct klp_patch) == 104 + sizeof(struct kobject) + sizeof(struct completion));

/* New members stand where a module built against the stock header has zeroes. */
static_assert(offsetof(struct klp_func, guard) == 82 + sizeof(struct kobject));
static_assert(offsetof(struct klp_patch, leave_kernel) == 25);
static_assert(offsetof(struct klp_patch, replace_set) == 28);
static_assert(offsetof(struct klp_patch, state_ops) == 72 + sizeof(struct kobject));
static_assert(offsetof(struct klp_patch, supersedes) == 80 + sizeof(struct kobject));
#endif

int klp_enable_patch(struct klp_patch *patch);

struct klp_state *klp_get_state(struct klp_patch *patch, unsigned long id);
struct klp_state *klp_get_prev_state(unsigned long id);

void *klp_find_section_by_name(const struct module *mod, const char *name, size_t *sec_size);

void *klp_shadow_get(void *obj, unsigned long id);
void *klp_shadow_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
		       klp_shadow_ctor_t ctor, void *ctor_data);
void *klp_shadow_get_or_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
			      klp_shadow_ctor_t ctor, void *ctor_data);
void klp_shadow_free(void *obj, unsigned long id, klp_shadow_dtor_t dtor);
void klp_shadow_free_all(unsigned long id, klp_shadow_dtor_t dtor);

void *klp_shadow_type_get(void *obj, const struct klp_shadow_type *type);
void *klp_shadow_type_alloc(void *obj, const struct klp_shadow_type *type, size_t size,
			    gfp_t gfp_flags, void *ctor_data);
void *klp_shadow_type_get_or_alloc(void *obj, const struct klp_shadow_type *type, size_t size,
				   gfp_t gfp_flags, void *ctor_data);
void klp_shadow_type_free(void *obj, const struct klp_shadow_type *type);
void klp_shadow_type_free_all(const struct klp_shadow_type *type);
void klp_shadow_type_free_module(const struct klp_shadow_type *type, const struct module *mod);

/* Called by the module loader. */
int klp_module_coming(struct module *mod);
void klp_module_going(struct module *mod);
int klp_apply_section_relocs(struct module *pmod, Elf_Shdr *sechdrs, const char *shstrtab,
			     const char *strtab, unsigned int symndx, unsigned int secndx,
			     const char *objname);

/* Called by fork, by the exit to user mode and by the idle loop. */
void klp_copy_process(struct task_struct *child);
void klp_update_patch_state(struct task_struct *task);

static inline bool klp_patch_pending(struct task_struct *task)
{
	return test_tsk_thread_flag(task, TIF_PATCH_PENDING);
}

static inline bool klp_have_reliable_stack(void)
{
	return IS_ENABLED(CONFIG_STACKTRACE) && IS_ENABLED(CONFIG_HAVE_RELIABLE_STACKTRACE);
}

#else /* !CONFIG_LIVEPATCH */

static inline int klp_module_coming(struct module *mod)
{
	return 0;
}

static inline void klp_module_going(struct module *mod)
{
}

static inline int klp_apply_section_relocs(struct module *pmod, Elf_Shdr *sechdrs,
					   const char *shstrtab, const char *strtab,
					   unsigned int symndx, unsigned int secndx,
					   const char *objname)
{
	return 0;
}

static inline void klp_copy_process(struct task_struct *child)
{
}

static inline void klp_update_patch_state(struct task_struct *task)
{
}

static inline bool klp_patch_pending(struct task_struct *task)
{
	return false;
}

#endif /* CONFIG_LIVEPATCH */

#endif /* _LINUX_LIVEPATCH_H_ */
