// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who destroys shadow variables that have a type, and where does the destructor run?
 *
 * A patch one by one or all at once, or those of a module that goes; and the core, those of a type
 * whose system state has left. The destructor runs with no lock held, when nobody finds the
 * variable any more, in the context of whoever destroys it. The core does so where it may sleep.
 */
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <trace/events/livepatch.h>
#include "internal.h"
#include "shadow.h"

/**
 * klp_shadow_type_get() - find a shadow variable that has a type
 * @obj: the object
 * @type: type of the variable
 *
 * Context: any in which RCU is watching; takes no lock.
 * Return: the variable, or NULL.
 */
void *klp_shadow_type_get(void *obj, const struct klp_shadow_type *type)
{
	return klp_shadow_get(obj, type->id);
}
EXPORT_SYMBOL_GPL(klp_shadow_type_get);

/**
 * klp_shadow_type_alloc() - make a shadow variable that has a type
 * @obj: the object
 * @type: type of the variable; its constructor, if it has one, fills the variable in
 * @size: size of the variable in bytes
 * @gfp_flags: how to allocate it
 * @ctor_data: for the constructor
 *
 * Context: any that @gfp_flags are good for, down to hard interrupts.
 * Return: the variable; NULL when there is no memory, when the constructor fails, and, with a
 * warning, when the object has such a variable.
 */
void *klp_shadow_type_alloc(void *obj, const struct klp_shadow_type *type, size_t size,
			    gfp_t gfp_flags, void *ctor_data)
{
	return klp_shadow_alloc(obj, type->id, size, gfp_flags, type->ctor, ctor_data);
}
EXPORT_SYMBOL_GPL(klp_shadow_type_alloc);

/**
 * klp_shadow_type_get_or_alloc() - find a shadow variable that has a type, or make it
 * @obj: the object
 * @type: type of the variable; its constructor, if it has one, fills in a variable that is made
 * @size: size of the variable in bytes, if it is made
 * @gfp_flags: how to allocate it
 * @ctor_data: for the constructor
 *
 * Context: any that @gfp_flags are good for, down to hard interrupts.
 * Return: the variable; NULL when there is no memory or the constructor fails.
 */
void *klp_shadow_type_get_or_alloc(void *obj, const struct klp_shadow_type *type, size_t size,
				   gfp_t gfp_flags, void *ctor_data)
{
	return klp_shadow_get_or_alloc(obj, type->id, size, gfp_flags, type->ctor, ctor_data);
}
EXPORT_SYMBOL_GPL(klp_shadow_type_get_or_alloc);

/**
 * klp_shadow_type_free() - destroy a shadow variable, if there is one
 * @obj: the object
 * @type: type of the variable
 *
 * The memory is freed after an RCU grace period.
 *
 * Context: any that the destructor is good for, which runs before this returns, with no lock held.
 */
void klp_shadow_type_free(void *obj, const struct klp_shadow_type *type)
{
	LIST_HEAD(taken);

	scoped_guard(spinlock_irqsave, klp_shadow_lock(type->id))
		klp_shadow_take(obj, type->id, &taken);
	klp_shadow_destroy(&taken, type->dtor);
}
EXPORT_SYMBOL_GPL(klp_shadow_type_free);

static void klp_shadow_type_begin(struct klp_shadow_sweep *sweep,
				  const struct klp_shadow_type *type, const struct module *mod)
{
	scoped_guard(spinlock_irqsave, klp_shadow_lock(type->id))
		klp_shadow_sweep_begin(sweep, type->id, mod);
}

/* Some of the variables that @sweep is for, taken under a lock and destroyed under none. */
static bool klp_shadow_type_step(struct klp_shadow_sweep *sweep,
				 const struct klp_shadow_type *type, unsigned long *count)
{
	LIST_HEAD(taken);
	bool more;

	scoped_guard(spinlock_irqsave, klp_shadow_lock(type->id))
		more = klp_shadow_sweep(sweep, &taken);
	*count += list_count_nodes(&taken);
	klp_shadow_destroy(&taken, type->dtor);
	return more;
}

/**
 * klp_shadow_type_free_all() - destroy all shadow variables of a type
 * @type: the type
 *
 * Variables that are made meanwhile may stay. The core does the same by itself for a type that
 * belongs to a system state, when the state has left.
 *
 * Context: as for klp_shadow_type_free(); takes time in proportion to the number of variables, but
 * does not keep interrupts off for longer than some of them take to unlink.
 */
void klp_shadow_type_free_all(const struct klp_shadow_type *type)
{
	struct klp_shadow_sweep sweep;
	unsigned long count = 0;

	klp_shadow_type_begin(&sweep, type, NULL);
	while (klp_shadow_type_step(&sweep, type, &count))
		cpu_relax();
}
EXPORT_SYMBOL_GPL(klp_shadow_type_free_all);

/* For as long as it takes, where it may sleep. Returns how many it were. */
static unsigned long klp_shadow_type_drop(const struct klp_shadow_type *type,
					  const struct module *mod)
{
	struct klp_shadow_sweep sweep;
	unsigned long count = 0;

	might_sleep();

	klp_shadow_type_begin(&sweep, type, mod);
	while (klp_shadow_type_step(&sweep, type, &count))
		cond_resched();
	return count;
}

/**
 * klp_shadow_type_free_module() - destroy the shadow variables of a module's objects
 * @type: type of the variables
 * @mod: a module that goes
 *
 * Destroys the variables of objects in the memory of @mod itself: its data, not what it has
 * allocated, nor its per-CPU variables. Nobody may make such variables any more. That is so in
 * the callback post_unpatch of the &struct klp_object for @mod, and in a module notifier that hears
 * of MODULE_STATE_GOING after livepatching does, with a priority below 0.
 *
 * For what a module allocates, take a type of its own and klp_shadow_type_free_all().
 *
 * Context: process context, may sleep; so may the destructor.
 */
void klp_shadow_type_free_module(const struct klp_shadow_type *type, const struct module *mod)
{
	klp_shadow_type_drop(type, mod);
}
EXPORT_SYMBOL_GPL(klp_shadow_type_free_module);

/**
 * klp_shadow_collect() - destroy the shadow variables of a type whose state has left the system
 * @type: the type
 *
 * The code that made the variables and the destructor are still there, but no task runs that code.
 *
 * Context: process context, no lock held; the destructor may sleep.
 */
void klp_shadow_collect(const struct klp_shadow_type *type)
{
	unsigned long count = klp_shadow_type_drop(type, NULL);

	trace_klp_shadow_collect(type->id, count);
}
