// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does the table of the shadow variables of an id grow and shrink?
 *
 * It is followed by another one, to which its variables are moved a few at a time, by whoever adds
 * one. Each is moved from the end of its bucket, so that who is on his way there, without a lock,
 * is led on into a bucket of the next table but misses none (Triplett, McKenney and Walpole,
 * "Resizable, Scalable, Concurrent Hash Tables via Relativistic Programming", 2011; rhashtable does
 * likewise). Memory for a table is asked for with no lock held and as the caller says that it may
 * be; where there is none, buckets are longer, and it is tried again.
 *
 *  L	A variable is in its new bucket before it is not in the old one any more: who does not find
 *	it in the old one, and looks for the next table after that, finds it there.
 */
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include "internal.h"
#include "shadow.h"

/* The most: 8 GiB of them. */
#define KLP_SHADOW_MOST_BITS	30

/* Every table. */
struct klp_shadow_stripe klp_shadow_stripes[BIT(KLP_SHADOW_STRIPE_BITS)];

/* Set a table up that is all 0, with 1 << @bits buckets. */
void klp_shadow_table_init(struct klp_shadow_table *table, unsigned int bits)
{
	table->bits = bits;
	table->shift = BITS_PER_LONG_LONG - bits;
}

/* Take the last variable of a bucket, which begins at @link, over to a bucket of @next. */
static void klp_shadow_move_last(const struct klp_shadow_kind *kind, struct klp_shadow __rcu **link,
				 struct klp_shadow_table *next)
{
	struct klp_shadow *shadow = klp_shadow_locked(kind, *link), *after;
	struct klp_shadow __rcu **head;

	while ((after = klp_shadow_locked(kind, shadow->next))) {
		link = &shadow->next;
		shadow = after;
	}
	head = klp_shadow_bucket(next, shadow->obj);
	rcu_assign_pointer(shadow->next, klp_shadow_locked(kind, *head));
	rcu_assign_pointer(*head, shadow);
	/* L: it is there now. */
	smp_store_release(link, NULL);
}

/**
 * klp_shadow_move() - move some more of the variables of an id to the table that follows
 * @kind: the variables
 * @table: the table that they leave
 * @next: the one behind it
 *
 * Context: the id's lock held.
 */
void klp_shadow_move(struct klp_shadow_kind *kind, struct klp_shadow_table *table,
		     struct klp_shadow_table *next)
{
	unsigned int i;

	for (i = 0; i < KLP_SHADOW_STEP; i++) {
		if (klp_shadow_locked(kind, table->bucket[table->moved])) {
			klp_shadow_move_last(kind, &table->bucket[table->moved], next);
			continue;
		}
		if (++table->moved < 1UL << table->bits)
			continue;
		rcu_assign_pointer(kind->table, next);
		if (table != &kind->first)
			kvfree_rcu(table, rcu);
		return;
	}
}

/**
 * klp_shadow_bits() - how many bits should the table of an id have?
 * @kind: the variables
 *
 * Buckets have two variables at most, on average, and one in four has one after a change: so most
 * variables are moved once.
 *
 * Context: the id's lock held.
 * Return: that; 0 when it is good as it is, or being left.
 */
unsigned int klp_shadow_bits(const struct klp_shadow_kind *kind)
{
	const struct klp_shadow_table *table;
	unsigned long buckets;
	unsigned int bits;

	table = klp_shadow_locked(kind, kind->table);
	buckets = 1UL << table->bits;
	if (rcu_access_pointer(table->next) ||
	    (kind->nr <= buckets * 2 && kind->nr >= buckets / 16))
		return 0;
	bits = clamp(fls_long(kind->nr) + 1, KLP_SHADOW_FIRST_BITS, KLP_SHADOW_MOST_BITS);
	return bits == table->bits ? 0 : bits;
}

/**
 * klp_shadow_resize() - have the variables of an id moved to another table, if there is memory
 * @id: which variables
 * @bits: from klp_shadow_bits()
 * @gfp: how to allocate it
 *
 * Context: any that @gfp is good for, down to hard interrupts; takes the id's lock.
 */
void klp_shadow_resize(unsigned long id, unsigned int bits, gfp_t gfp)
{
	struct klp_shadow_table *table, *old;
	struct klp_shadow_kind *kind;

	table = kvzalloc(struct_size(table, bucket, 1UL << bits), gfp | __GFP_NOWARN);
	if (!table)
		return;
	klp_shadow_table_init(table, bits);
	scoped_guard(spinlock_irqsave, klp_shadow_lock(id)) {
		kind = klp_shadow_kind(id);
		old = kind ? klp_shadow_locked(kind, kind->table) : NULL;
		/* Somebody else may have been here. */
		if (old && !rcu_access_pointer(old->next) && old->bits != bits) {
			rcu_assign_pointer(old->next, table);
			table = NULL;
		}
	}
	kvfree(table);
}

/**
 * klp_shadow_tables_end() - end of the tables of an id that has no variables
 * @kind: the variables, which nobody finds any more
 *
 * Context: the id's lock held.
 */
void klp_shadow_tables_end(struct klp_shadow_kind *kind)
{
	struct klp_shadow_table *table = klp_shadow_locked(kind, kind->table);
	struct klp_shadow_table *next = klp_shadow_locked(kind, table->next);

	if (table != &kind->first)
		kvfree_rcu(table, rcu);
	if (next)
		kvfree_rcu(next, rcu);
}
