/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How is a shadow variable found?
 *
 * By the table of its id and the bucket of its object, in a few dozen instructions and without a
 * lock; shadow_store.c tells how both change meanwhile. In a header since it is the patch author's
 * hot path.
 */
#ifndef _LIVEPATCH_SHADOW_H
#define _LIVEPATCH_SHADOW_H

#include <linux/hash.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include "types.h"

/* Variables moved, or empty buckets passed, each time one is added. */
#define KLP_SHADOW_STEP		8

/* The buckets that each id has from the start. */
#define KLP_SHADOW_FIRST_BITS	6
#define KLP_SHADOW_FIRST	BIT(KLP_SHADOW_FIRST_BITS)

/* By id: numbers in a row are in different stripes, and so do not wait for each other. */
#define KLP_SHADOW_STRIPE_BITS	8
extern struct klp_shadow_stripe klp_shadow_stripes[BIT(KLP_SHADOW_STRIPE_BITS)];

static __always_inline struct klp_shadow_stripe *klp_shadow_stripe(unsigned long id)
{
	return &klp_shadow_stripes[hash_long(id, KLP_SHADOW_STRIPE_BITS)];
}

/**
 * klp_shadow_lock() - which lock protects the variables of an id
 * @id: the id
 *
 * It is shared with other ids.
 *
 * Context: any.
 * Return: the lock, to be taken with interrupts off.
 */
static __always_inline spinlock_t *klp_shadow_lock(unsigned long id)
{
	return &klp_shadow_stripe(id)->lock;
}

/* Under the lock of @kind, which protects it. */
#define klp_shadow_locked(kind, ptr) \
	rcu_dereference_protected(ptr, lockdep_is_held(klp_shadow_lock((kind)->id)))

/* With preemption off, or under the id's lock, with which it is on where spinlocks sleep. */
#define klp_shadow_read(ptr) \
	rcu_dereference_check(ptr, IS_ENABLED(CONFIG_PREEMPT_RT) || !preemptible())

/* The variables of an id, NULL when there are none. Preemption off, or under the id's lock. */
static __always_inline struct klp_shadow_kind *klp_shadow_kind(unsigned long id)
{
	struct klp_shadow_stripe *stripe = klp_shadow_stripe(id);
	struct klp_shadow_kind *kind;

	hlist_for_each_entry_rcu(kind, &stripe->kinds, node,
				 IS_ENABLED(CONFIG_PREEMPT_RT) || !preemptible()) {
		if (kind->id == id)
			return kind;
	}
	return NULL;
}

/* Objects lie at regular distances: the upper bits of the product tell them apart best. */
static __always_inline struct klp_shadow __rcu **
klp_shadow_bucket(struct klp_shadow_table *table, const void *obj)
{
	return &table->bucket[(unsigned long)obj * GOLDEN_RATIO_64 >> table->shift];
}

/* The variable of an object in a bucket, NULL when there is none. */
static __always_inline struct klp_shadow *klp_shadow_in(struct klp_shadow __rcu **head,
							const void *obj)
{
	struct klp_shadow *shadow;

	for (shadow = klp_shadow_read(*head); shadow; shadow = klp_shadow_read(shadow->next)) {
		if (shadow->obj == obj)
			break;
	}
	return shadow;
}

/*
 * The variable of an object, NULL when there is none. Preemption off, or under the id's lock. A
 * bucket may lead on into one of the next table; the variables there are of the same id.
 */
static __always_inline struct klp_shadow *klp_shadow_search(const struct klp_shadow_kind *kind,
							    const void *obj)
{
	struct klp_shadow_table *table = klp_shadow_read(kind->table);
	struct klp_shadow *shadow;

	do {
		shadow = klp_shadow_in(klp_shadow_bucket(table, obj), obj);
		if (shadow)
			return shadow;
		/* L: it has left this bucket? Then it is in the next table. */
		smp_rmb();
		table = klp_shadow_read(table->next);
	} while (unlikely(table));
	return NULL;
}

/* What a caller gets of the variable of @obj and @id, NULL when there is none. */
static __always_inline void *klp_shadow_data(const void *obj, unsigned long id)
{
	const struct klp_shadow_kind *kind;
	struct klp_shadow *shadow = NULL;

	/* An RCU reader, by less instructions. */
	guard(preempt)();
	kind = klp_shadow_kind(id);
	if (kind)
		shadow = klp_shadow_search(kind, obj);
	return shadow ? shadow->data : NULL;
}

DECLARE_PER_CPU(struct klp_shadow_bin, klp_shadow_bins);

/* Give back the memory of a variable that nobody finds any more. Any context, any bin. */
static __always_inline void klp_shadow_discard(struct klp_shadow *shadow)
{
	struct klp_shadow_bin *bin = raw_cpu_ptr(&klp_shadow_bins);

	if (unlikely(llist_add(&shadow->freed, &bin->freed)))
		klp_shadow_bin_run(bin);
}

#endif /* _LIVEPATCH_SHADOW_H */
