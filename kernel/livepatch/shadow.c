// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does a patch attach data to an object whose structure it cannot change?
 *
 * By a variable on the side, found by the object's address and an id. The variables are kept in
 * shadow_store.c. These are the classic calls, whose destructors run under the lock of the id and
 * are given with each call; shadow_type.c has those for variables with a type.
 */
#include <linux/export.h>
#include <linux/spinlock.h>
#include "internal.h"
#include "shadow.h"

/**
 * klp_shadow_get() - find a shadow variable
 * @obj: the object
 * @id: which of its variables
 *
 * Context: any in which RCU is watching; takes no lock.
 * Return: the variable, or NULL. Who frees it must see to it that nobody uses it any more.
 */
void *klp_shadow_get(void *obj, unsigned long id)
{
	return klp_shadow_data(obj, id);
}
EXPORT_SYMBOL_GPL(klp_shadow_get);

/**
 * klp_shadow_alloc() - make a shadow variable
 * @obj: the object
 * @id: which of its variables
 * @size: size of the variable in bytes
 * @gfp_flags: how to allocate it
 * @ctor: fills it in, or NULL; it is zeroed anyway
 * @ctor_data: for @ctor
 *
 * Context: any that @gfp_flags are good for, down to hard interrupts; takes a spinlock_t.
 * Return: the variable; NULL when there is no memory, when @ctor fails, and, with a warning, when
 * the object has such a variable.
 */
void *klp_shadow_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
		       klp_shadow_ctor_t ctor, void *ctor_data)
{
	return klp_shadow_make_new(obj, id, size, gfp_flags, ctor, ctor_data);
}
EXPORT_SYMBOL_GPL(klp_shadow_alloc);

/**
 * klp_shadow_get_or_alloc() - find a shadow variable, or make it
 * @obj: the object
 * @id: which of its variables
 * @size: size of the variable in bytes, if it is made
 * @gfp_flags: how to allocate it
 * @ctor: fills it in if it is made, or NULL; it is zeroed anyway
 * @ctor_data: for @ctor
 *
 * Of several callers at the same time one makes the variable, the others find it.
 *
 * Context: any that @gfp_flags are good for, down to hard interrupts; takes a spinlock_t.
 * Return: the variable; NULL when there is no memory or @ctor fails.
 */
void *klp_shadow_get_or_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
			      klp_shadow_ctor_t ctor, void *ctor_data)
{
	void *data = klp_shadow_data(obj, id);

	return data ?: klp_shadow_make_or_get(obj, id, size, gfp_flags, ctor, ctor_data);
}
EXPORT_SYMBOL_GPL(klp_shadow_get_or_alloc);

/**
 * klp_shadow_free() - take a shadow variable away, if there is one
 * @obj: the object
 * @id: which of its variables
 * @dtor: called once nobody finds it any more, or NULL
 *
 * The memory is freed after an RCU grace period.
 *
 * Context: any, down to hard interrupts; takes a spinlock_t.
 */
void klp_shadow_free(void *obj, unsigned long id, klp_shadow_dtor_t dtor)
{
	klp_shadow_drop(obj, id, dtor);
}
EXPORT_SYMBOL_GPL(klp_shadow_free);

/**
 * klp_shadow_free_all() - take the shadow variables of all objects away that have an id
 * @id: which variables
 * @dtor: called for each once nobody finds it any more, or NULL
 *
 * Context: any, down to hard interrupts; takes a spinlock_t. Takes time in proportion to the number
 * of variables of this id. Interrupts are off for some of them at a time.
 */
void klp_shadow_free_all(unsigned long id, klp_shadow_dtor_t dtor)
{
	spinlock_t *lock = klp_shadow_lock(id);
	struct klp_shadow_sweep sweep;
	LIST_HEAD(taken);
	bool more;

	scoped_guard(spinlock_irqsave, lock)
		klp_shadow_sweep_begin(&sweep, id, NULL);
	do {
		scoped_guard(spinlock_irqsave, lock) {
			more = klp_shadow_sweep(&sweep, &taken);
			klp_shadow_destroy(&taken, dtor);
		}
	} while (more);
}
EXPORT_SYMBOL_GPL(klp_shadow_free_all);
