// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where are shadow variables kept?
 *
 *	klp_shadows	all variables, a table that grows with their number: finding one among a
 *			million costs what it costs among ten, and takes no lock
 *	klp_shadow_kind	the variables of one id, counted, so that who wants them all is not
 *			shown those of other ids; is there as long as there is one
 *
 * A variable goes into the table before it is constructed, since that is what may fail for want of
 * memory and be tried again.
 *
 *  L	"live" is message passing: who finds a variable, without a lock, sees what the constructor
 *	wrote before the variable was said to be live.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "internal.h"

/* --- Data -------------------------------------------------------------------------------- */

/* Variables looked at while a lock is held, and interrupts are off. */
#define KLP_SHADOW_BATCH	64

/* How often an insertion is tried that finds no memory, when its caller may sleep. */
#define KLP_SHADOW_TRIES	10

/**
 * struct klp_shadow_stripe - one of the locks of the store
 * @lock: taken in any context, with interrupts off; inside of it nothing is taken but
 *	rhashtable's bucket locks and, for a short time, those of the allocator
 * @kinds: of the ids that belong here (@lock)
 *
 * The lock makes looking for a variable, constructing it and adding it one step, and classic
 * destructors see a variable once.
 */
struct klp_shadow_stripe {
	spinlock_t lock;	/* protects @kinds and their variables */
	struct hlist_head kinds;
};

/* By id: numbers in a row are in different stripes, and so do not wait for each other. */
#define KLP_SHADOW_STRIPE_BITS	8
static struct klp_shadow_stripe klp_shadow_stripes[1 << KLP_SHADOW_STRIPE_BITS];

/* Every variable. Changed with the lock of its stripe held; read under RCU. */
static struct rhashtable klp_shadows;

/*
 * Objects are aligned, ids are small or have a prefix: each of the first two rounds carries its
 * word from all bits to the upper half, and folds that back into the lower one. The last is for the
 * seed, which is how the table gets rid of a long chain.
 */
static __always_inline u32 klp_shadow_hash(const void *data, u32 len, u32 seed)
{
	const struct klp_shadow_key *key = data;
	u64 x = key->id * GOLDEN_RATIO_64;

	x = (x ^ x >> 32 ^ (unsigned long)key->obj) * GOLDEN_RATIO_64;
	x = (x ^ x >> 32 ^ seed) * GOLDEN_RATIO_64;
	return x >> 32;
}

/* A variable that is not live yet is nobody's. */
static __always_inline int klp_shadow_differs(struct rhashtable_compare_arg *arg, const void *data)
{
	const struct klp_shadow_key *key = arg->key;
	const struct klp_shadow *shadow = data;

	if (shadow->key.obj != key->obj || shadow->key.id != key->id)
		return 1;
	/* L: is it constructed? Then the rest of it is read after that. */
	return !smp_load_acquire(&shadow->live);
}

static const struct rhashtable_params klp_shadow_params = {
	.head_offset = offsetof(struct klp_shadow, node),
	.key_offset = offsetof(struct klp_shadow, key),
	.key_len = sizeof(struct klp_shadow_key),
	.hashfn = klp_shadow_hash,
	.obj_cmpfn = klp_shadow_differs,
	.automatic_shrinking = true,
};

/* --- Finding ----------------------------------------------------------------------------- */

static struct klp_shadow_stripe *klp_shadow_stripe(unsigned long id)
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
spinlock_t *klp_shadow_lock(unsigned long id)
{
	return &klp_shadow_stripe(id)->lock;
}

/**
 * klp_shadow_find() - find a variable
 * @obj: the object
 * @id: which of its variables
 *
 * Context: any in which RCU is watching.
 * Return: the variable, or NULL. It stays what it is while the id's lock is held.
 */
struct klp_shadow *klp_shadow_find(void *obj, unsigned long id)
{
	struct klp_shadow_key key = { .obj = obj, .id = id };

	return rhashtable_lookup_fast(&klp_shadows, &key, klp_shadow_params);
}

static struct klp_shadow_kind *klp_shadow_kind(struct klp_shadow_stripe *stripe, unsigned long id)
{
	struct klp_shadow_kind *kind;

	lockdep_assert_held(&stripe->lock);

	hlist_for_each_entry(kind, &stripe->kinds, node) {
		if (kind->id == id)
			return kind;
	}
	return NULL;
}

/* The record goes with the last variable, or the last sweep. */
static void klp_shadow_kind_put(struct klp_shadow_kind *kind)
{
	lockdep_assert_held(klp_shadow_lock(kind->id));

	if (list_empty(&kind->vars)) {
		hlist_del(&kind->node);
		kfree(kind);
	}
}

/* --- Adding ------------------------------------------------------------------------------ */

/* Make @new known, unless there is one, and construct it; nobody finds it before that. */
static struct klp_shadow *klp_shadow_add_to(struct klp_shadow_kind *kind, struct klp_shadow *new,
					    klp_shadow_ctor_t ctor, void *ctor_data)
{
	struct klp_shadow *old;
	int ret;

	old = rhashtable_lookup_get_insert_fast(&klp_shadows, &new->node, klp_shadow_params);
	if (old)
		return old;

	ret = ctor ? ctor(new->key.obj, new->data, ctor_data) : 0;
	if (ret) {
		pr_err("constructor of shadow variable <%p, %lx> failed (%d)\n", new->key.obj,
		       new->key.id, ret);
		rhashtable_remove_fast(&klp_shadows, &new->node, klp_shadow_params);
		return NULL;
	}
	list_add(&new->all, &kind->vars);
	kind->nr++;
	kind->bytes += new->size;
	/* L: all of it before anybody finds it. */
	smp_store_release(&new->live, true);
	return new;
}

/* The record of the id of @new, if need be @spare; under the lock of the id. */
static struct klp_shadow_kind *klp_shadow_kind_get(const struct klp_shadow *new,
						   struct klp_shadow_kind **spare)
{
	struct klp_shadow_stripe *stripe = klp_shadow_stripe(new->key.id);
	struct klp_shadow_kind *kind = klp_shadow_kind(stripe, new->key.id);

	if (kind || !*spare)
		return kind;

	kind = *spare;
	*spare = NULL;
	kind->id = new->key.id;
	INIT_LIST_HEAD(&kind->vars);
	hlist_add_head(&kind->node, &stripe->kinds);
	return kind;
}

/*
 * One try to add @new. Returns the variable that is there then, NULL when the constructor failed,
 * -ENOENT when the id needs a record and there is no @spare one, or an error of the table.
 */
static struct klp_shadow *klp_shadow_add(struct klp_shadow *new, struct klp_shadow_kind **spare,
					 klp_shadow_ctor_t ctor, void *ctor_data)
{
	struct klp_shadow *shadow = ERR_PTR(-ENOENT);
	struct klp_shadow_kind *kind;

	scoped_guard(spinlock_irqsave, klp_shadow_lock(new->key.id)) {
		kind = klp_shadow_kind_get(new, spare);
		if (kind) {
			shadow = klp_shadow_add_to(kind, new, ctor, ctor_data);
			klp_shadow_kind_put(kind);
		}
	}
	return shadow;
}

/**
 * klp_shadow_make() - the variable of an object and an id, new or not
 * @obj: the object
 * @id: which of its variables
 * @size: size of a new variable in bytes
 * @gfp: how to allocate it
 * @ctor: fills in a new one, or NULL; called once, under the id's lock
 * @ctor_data: for @ctor
 * @found: set to whether it is not new
 *
 * The table takes no more variables than it has buckets. Where it has to grow at once, since its
 * own worker is late, it does so with atomic memory, of which there may be none although @gfp is
 * good for more: then time for the worker may help.
 *
 * Context: any that @gfp is good for, down to hard interrupts.
 * Return: the variable, or NULL when it could not be made.
 */
struct klp_shadow *klp_shadow_make(void *obj, unsigned long id, size_t size, gfp_t gfp,
				   klp_shadow_ctor_t ctor, void *ctor_data, bool *found)
{
	struct klp_shadow *new = kzalloc(size_add(size, sizeof(*new)), gfp), *shadow;
	struct klp_shadow_kind *spare = NULL;
	unsigned int tries = 0;

	*found = false;
	if (!new)
		return NULL;
	new->key.obj = obj;
	new->key.id = id;
	new->size = size;

	for (;;) {
		shadow = klp_shadow_add(new, &spare, ctor, ctor_data);
		if (!IS_ERR(shadow))
			break;
		if (shadow == ERR_PTR(-ENOENT)) {
			spare = kzalloc(sizeof(*spare), gfp);
			if (!spare)
				break;
		} else if (gfpflags_allow_blocking(gfp) && ++tries < KLP_SHADOW_TRIES) {
			schedule_timeout_uninterruptible(1);
		} else {
			pr_err("cannot add shadow variable <%p, %lx> (%ld)\n", obj, id,
			       PTR_ERR(shadow));
			break;
		}
	}
	kfree(spare);
	if (shadow == new)
		return new;

	/* It may have been in the table, where others pass by. */
	kfree_rcu(new, rcu);
	*found = !IS_ERR_OR_NULL(shadow);
	return *found ? shadow : NULL;
}

/* --- Taking away ------------------------------------------------------------------------- */

/* From here on nobody finds it. The record stays, for the caller to put. */
static void klp_shadow_unlink(struct klp_shadow_kind *kind, struct klp_shadow *shadow,
			      struct list_head *taken)
{
	rhashtable_remove_fast(&klp_shadows, &shadow->node, klp_shadow_params);
	list_move_tail(&shadow->all, taken);
	kind->nr--;
	kind->bytes -= shadow->size;
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
	struct klp_shadow_kind *kind = klp_shadow_kind(klp_shadow_stripe(id), id);
	struct klp_shadow *shadow = kind ? klp_shadow_find(obj, id) : NULL;

	if (shadow) {
		klp_shadow_unlink(kind, shadow, taken);
		klp_shadow_kind_put(kind);
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
	sweep->kind = klp_shadow_kind(klp_shadow_stripe(id), id);
	if (sweep->kind)
		list_add(&sweep->place.all, &sweep->kind->vars);
}

/* Nothing that is not live is a variable: it is the place of another sweep. */
static bool klp_shadow_wanted(const struct klp_shadow_sweep *sweep, const struct klp_shadow *shadow)
{
	return shadow->live &&
	       (!sweep->mod || within_module((unsigned long)shadow->key.obj, sweep->mod));
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
		if (klp_shadow_wanted(sweep, shadow))
			klp_shadow_unlink(kind, shadow, taken);
		else
			list_move(place, &shadow->all);
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

	list_for_each_entry_safe(shadow, tmp, taken, all) {
		list_del(&shadow->all);
		if (dtor)
			dtor(shadow->key.obj, shadow->data);
		kfree_rcu(shadow, rcu);
	}
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
 * klp_shadow_init() - set the table up
 *
 * Context: initcall.
 * Return: 0 or -ENOMEM.
 */
int __init klp_shadow_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(klp_shadow_stripes); i++)
		spin_lock_init(&klp_shadow_stripes[i].lock);
	return rhashtable_init(&klp_shadows, &klp_shadow_params);
}
