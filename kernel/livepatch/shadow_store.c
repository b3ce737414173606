// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where are shadow variables kept?
 *
 * By id: struct klp_shadow_kind has all variables of one, in a table by their objects and in a
 * list, so that finding one among a million costs what it costs among ten, and who wants them all
 * is not shown those of other ids. It is there as long as there is a variable. shadow.h finds them,
 * shadow_table.c has the table grow.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "internal.h"
#include "shadow.h"

/* Variables looked at while a lock is held, and interrupts are off. */
#define KLP_SHADOW_BATCH	64

/* At what numbers of variables it is asked whether so many buckets are right. */
#define KLP_SHADOW_ASK		16

/* What it is when there is a variable already. */
enum klp_shadow_old {
	KLP_SHADOW_WRONG,
	KLP_SHADOW_RIGHT,
};

/* The variable of @obj, and what leads to it; NULL when there is none. Under the lock of the id. */
static __always_inline struct klp_shadow *klp_shadow_link(const struct klp_shadow_kind *kind,
							  const void *obj,
							  struct klp_shadow __rcu ***link)
{
	struct klp_shadow_table *table = klp_shadow_locked(kind, kind->table);
	struct klp_shadow *shadow;

	do {
		*link = klp_shadow_bucket(table, obj);
		while ((shadow = klp_shadow_locked(kind, **link))) {
			if (shadow->obj == obj)
				return shadow;
			*link = &shadow->next;
		}
		table = klp_shadow_locked(kind, table->next);
	} while (unlikely(table));
	return NULL;
}

static noinline void klp_shadow_kind_end(struct klp_shadow_kind *kind)
{
	hlist_del_rcu(&kind->node);
	klp_shadow_tables_end(kind);
	kfree_rcu(kind, rcu);
}

/* The record goes with the last variable, or the last sweep. */
static __always_inline void klp_shadow_kind_put(struct klp_shadow_kind *kind)
{
	if (unlikely(list_empty(&kind->vars)))
		klp_shadow_kind_end(kind);
}

/* --- Adding ------------------------------------------------------------------------------ */

/* Construct @new and make it known, unless there is one: that is returned, or NULL for an error. */
static __always_inline struct klp_shadow *
klp_shadow_add(struct klp_shadow_kind *kind, struct klp_shadow *new, void *obj,
	       klp_shadow_ctor_t ctor, void *ctor_data)
{
	struct klp_shadow_table *table = klp_shadow_locked(kind, kind->table);
	struct klp_shadow_table *next = klp_shadow_locked(kind, table->next);
	struct klp_shadow __rcu **head = klp_shadow_bucket(next ?: table, obj);
	struct klp_shadow *old = unlikely(next) ? klp_shadow_search(kind, obj) :
						  klp_shadow_in(head, obj);
	int ret;

	if (unlikely(old))
		return old;
	ret = ctor ? ctor(obj, new->data, ctor_data) : 0;
	if (ret) {
		pr_err("constructor of shadow variable <%p, %lx> failed (%d)\n", obj, kind->id,
		       ret);
		return NULL;
	}
	list_add(&new->all, &kind->vars);
	kind->nr++;
	kind->bytes += new->size;

	RCU_INIT_POINTER(new->next, klp_shadow_locked(kind, *head));
	rcu_assign_pointer(*head, new);
	if (unlikely(next))
		klp_shadow_move(kind, table, next);
	return new;
}

/*
 * The record of an id, where there was none: with @flags the id's lock is let go of while memory is
 * asked for. NULL when there is none, the lock held all the same.
 */
static noinline struct klp_shadow_kind *klp_shadow_kind_make(unsigned long id, gfp_t gfp,
							     unsigned long *flags)
{
	struct klp_shadow_stripe *stripe = klp_shadow_stripe(id);
	struct klp_shadow_kind *kind, *new;

	spin_unlock_irqrestore(&stripe->lock, *flags);
	new = kzalloc(struct_size(new, first.bucket, KLP_SHADOW_FIRST), gfp);
	spin_lock_irqsave(&stripe->lock, *flags);

	kind = klp_shadow_kind(id);
	if (kind || !new) {
		kfree(new);
		return kind;
	}
	new->id = id;
	INIT_LIST_HEAD(&new->vars);
	klp_shadow_table_init(&new->first, KLP_SHADOW_FIRST_BITS);
	RCU_INIT_POINTER(new->table, &new->first);
	hlist_add_head_rcu(&new->node, &stripe->kinds);
	return new;
}

/* The variable of an object and an id; if there is one, @old is returned for it. */
static __always_inline void *klp_shadow_make(void *obj, unsigned long id, size_t size, gfp_t gfp,
					     klp_shadow_ctor_t ctor, void *ctor_data,
					     enum klp_shadow_old old)
{
	struct klp_shadow *new = kzalloc(size_add(size, sizeof(*new)), gfp), *shadow = NULL;
	spinlock_t *lock = klp_shadow_lock(id);
	struct klp_shadow_kind *kind;
	unsigned int bits = 0;
	unsigned long flags;

	if (!new)
		return NULL;
	new->obj = obj;
	new->size = size;

	spin_lock_irqsave(lock, flags);
	kind = klp_shadow_kind(id);
	if (unlikely(!kind))
		kind = klp_shadow_kind_make(id, gfp, &flags);
	if (likely(kind)) {
		shadow = klp_shadow_add(kind, new, obj, ctor, ctor_data);
		/* Now and then, also where there was no memory. */
		if (unlikely(kind->nr % KLP_SHADOW_ASK == 0))
			bits = klp_shadow_bits(kind);
		klp_shadow_kind_put(kind);
	}
	spin_unlock_irqrestore(lock, flags);

	if (unlikely(bits))
		klp_shadow_resize(id, bits, gfp);
	if (likely(shadow == new))
		return new->data;
	kfree(new);
	if (!shadow)
		return NULL;
	if (WARN(old == KLP_SHADOW_WRONG, "Duplicate shadow variable <%p, %lx>\n", obj, id))
		return NULL;
	return shadow->data;
}

/**
 * klp_shadow_make_new() - make a variable, of which there is none
 * @obj: the object
 * @id: which of its variables
 * @size: size of the variable in bytes
 * @gfp: how to allocate it
 * @ctor: fills it in, or NULL; called under the id's lock
 * @ctor_data: for @ctor
 *
 * Context: any that @gfp is good for, down to hard interrupts.
 * Return: what the caller gets of it; NULL when it could not be made and, with a warning, when
 * there is one.
 */
void *klp_shadow_make_new(void *obj, unsigned long id, size_t size, gfp_t gfp,
			  klp_shadow_ctor_t ctor, void *ctor_data)
{
	return klp_shadow_make(obj, id, size, gfp, ctor, ctor_data, KLP_SHADOW_WRONG);
}

/**
 * klp_shadow_make_or_get() - make a variable, unless there is one
 * @obj: the object
 * @id: which of its variables
 * @size: size of a new variable in bytes
 * @gfp: how to allocate it
 * @ctor: fills a new one in, or NULL; called under the id's lock
 * @ctor_data: for @ctor
 *
 * Context: any that @gfp is good for, down to hard interrupts.
 * Return: what the caller gets of it, or NULL when it could not be made.
 */
void *klp_shadow_make_or_get(void *obj, unsigned long id, size_t size, gfp_t gfp,
			     klp_shadow_ctor_t ctor, void *ctor_data)
{
	return klp_shadow_make(obj, id, size, gfp, ctor, ctor_data, KLP_SHADOW_RIGHT);
}

/* --- Taking away ------------------------------------------------------------------------- */

/*
 * From here on nobody finds the variable that @link leads to; who is there right now goes on from
 * there. The list and the record are left to the caller.
 */
static __always_inline void klp_shadow_unlink(struct klp_shadow_kind *kind,
					      struct klp_shadow __rcu **link,
					      struct klp_shadow *shadow)
{
	rcu_assign_pointer(*link, klp_shadow_locked(kind, shadow->next));
	kind->bytes -= shadow->size;
	kind->nr--;
}

static __always_inline struct klp_shadow *klp_shadow_take_one(const void *obj, unsigned long id)
{
	struct klp_shadow_kind *kind = klp_shadow_kind(id);
	struct klp_shadow __rcu **link;
	struct klp_shadow *shadow;

	if (!kind)
		return NULL;
	shadow = klp_shadow_link(kind, obj, &link);
	if (!shadow)
		return NULL;
	klp_shadow_unlink(kind, link, shadow);
	__list_del_entry(&shadow->all);
	if (unlikely(!kind->nr))
		klp_shadow_kind_put(kind);
	return shadow;
}

/**
 * klp_shadow_take() - see to it that nobody finds a variable any more
 * @obj: the object
 * @id: which of its variables
 * @taken: list to add it to, if there is one; for klp_shadow_destroy()
 *
 * Context: the id's lock held.
 */
void klp_shadow_take(void *obj, unsigned long id, struct list_head *taken)
{
	struct klp_shadow *shadow = klp_shadow_take_one(obj, id);

	if (shadow)
		list_add(&shadow->all, taken);
}

/* Nobody finds it any more. */
static __always_inline void klp_shadow_end(struct klp_shadow *shadow, klp_shadow_dtor_t dtor)
{
	if (dtor)
		dtor(shadow->obj, shadow->data);
	klp_shadow_discard(shadow);
}

/**
 * klp_shadow_drop() - take a variable and destroy it under the id's lock
 * @obj: the object
 * @id: which of its variables
 * @dtor: called once nobody finds it any more, or NULL
 *
 * Context: any, takes the id's lock.
 */
void klp_shadow_drop(void *obj, unsigned long id, klp_shadow_dtor_t dtor)
{
	struct klp_shadow *shadow;

	scoped_guard(spinlock_irqsave, klp_shadow_lock(id)) {
		shadow = klp_shadow_take_one(obj, id);
		if (shadow)
			klp_shadow_end(shadow, dtor);
	}
}

/**
 * klp_shadow_sweep_begin() - set out to take the variables of one id
 * @sweep: keeps how far that got; to be used until klp_shadow_sweep() returns false
 * @id: which variables
 * @mod: only those of objects in the memory of this module; NULL for all
 *
 * Variables that are added later are left alone. Several sweeps can be on their way.
 *
 * Context: the id's lock held.
 */
void klp_shadow_sweep_begin(struct klp_shadow_sweep *sweep, unsigned long id,
			    const struct module *mod)
{
	memset(sweep, 0, sizeof(*sweep));
	sweep->mod = mod;
	sweep->place.place = true;
	sweep->kind = klp_shadow_kind(id);
	if (sweep->kind)
		list_add(&sweep->place.all, &sweep->kind->vars);
}

static bool klp_shadow_wanted(const struct klp_shadow_sweep *sweep, const struct klp_shadow *shadow)
{
	return !shadow->place &&
	       (!sweep->mod || within_module((unsigned long)shadow->obj, sweep->mod));
}

/**
 * klp_shadow_sweep() - take some of the variables that a sweep is for
 * @sweep: the sweep
 * @taken: list to add them to, for klp_shadow_destroy()
 *
 * Looks at a bounded number of variables.
 *
 * Context: the id's lock held.
 * Return: whether it has to be called again.
 */
bool klp_shadow_sweep(struct klp_shadow_sweep *sweep, struct list_head *taken)
{
	struct list_head *place = &sweep->place.all;
	struct klp_shadow_kind *kind = sweep->kind;
	struct klp_shadow __rcu **link;
	struct klp_shadow *shadow;
	unsigned int i;

	if (!kind)
		return false;

	for (i = 0; i < KLP_SHADOW_BATCH; i++) {
		if (list_is_last(place, &kind->vars)) {
			list_del(place);
			klp_shadow_kind_put(kind);
			return false;
		}
		shadow = list_next_entry(&sweep->place, all);
		if (klp_shadow_wanted(sweep, shadow)) {
			klp_shadow_link(kind, shadow->obj, &link);
			klp_shadow_unlink(kind, link, shadow);
			list_move_tail(&shadow->all, taken);
		} else {
			list_move(place, &shadow->all);
		}
	}
	return true;
}

/**
 * klp_shadow_destroy() - end of variables that nobody finds any more
 * @taken: list of them, empty afterwards
 * @dtor: called for each, or NULL
 *
 * Readers that have found one earlier can use it for an RCU grace period.
 *
 * Context: any that @dtor is good for.
 */
void klp_shadow_destroy(struct list_head *taken, klp_shadow_dtor_t dtor)
{
	struct klp_shadow *shadow, *tmp;

	list_for_each_entry_safe(shadow, tmp, taken, all)
		klp_shadow_end(shadow, dtor);
	INIT_LIST_HEAD(taken);
}

/* --- From outside ---------------------------------------------------------------------- */

/**
 * klp_shadow_show() - the numbers behind /sys/kernel/debug/livepatch/shadow
 * @m: where to print a line for each id: the id, the number of variables, their bytes
 * @v: unused
 *
 * Context: process context.
 * Return: 0.
 */
int klp_shadow_show(struct seq_file *m, void *v)
{
	struct klp_shadow_stripe *stripe;
	struct klp_shadow_kind *kind;

	for (stripe = klp_shadow_stripes;
	     stripe < klp_shadow_stripes + ARRAY_SIZE(klp_shadow_stripes); stripe++) {
		scoped_guard(spinlock_irq, &stripe->lock) {
			hlist_for_each_entry(kind, &stripe->kinds, node)
				seq_printf(m, "%lx %lu %lu\n", kind->id, kind->nr, kind->bytes);
		}
	}
	return 0;
}

/**
 * klp_shadow_init() - get the locks ready
 *
 * Context: initcall.
 */
void __init klp_shadow_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(klp_shadow_stripes); i++)
		spin_lock_init(&klp_shadow_stripes[i].lock);
	klp_shadow_init_bins();
}
