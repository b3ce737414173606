// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does a patch attach data to an object whose structure it cannot change?
 *
 * By a variable on the side, found by the object's address and an id. The table grows with the
 * number of variables, so that finding one among a million costs what it costs among ten.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include "internal.h"

struct klp_shadow_key {
	void *obj;
	unsigned long id;
};

/**
 * struct klp_shadow - a shadow variable
 * @node: in klp_shadows
 * @all: in klp_shadow_list (klp_shadow_lock)
 * @rcu: for kfree_rcu()
 * @key: whose it is; constant
 * @data: what the caller gets
 */
struct klp_shadow {
	struct rhash_head node;
	struct hlist_node all;
	struct rcu_head rcu;
	struct klp_shadow_key key;
	char data[] __aligned(sizeof(unsigned long long));
};

static const struct rhashtable_params klp_shadow_params = {
	.head_offset = offsetof(struct klp_shadow, node),
	.key_offset = offsetof(struct klp_shadow, key),
	.key_len = sizeof(struct klp_shadow_key),
	.automatic_shrinking = true,
};

/* Changed with klp_shadow_lock held; read under RCU. */
static struct rhashtable klp_shadows;

/* Every variable, for klp_shadow_free_all(); klp_shadow_lock. */
static HLIST_HEAD(klp_shadow_list);

/*
 * Makes looking for a variable, constructing it and adding it one step, and destructors see a
 * variable once. Taken in any context, with interrupts off; nothing but rhashtable's bucket
 * locks is taken inside.
 */
static DEFINE_SPINLOCK(klp_shadow_lock);

static struct klp_shadow *klp_shadow_find(void *obj, unsigned long id)
{
	struct klp_shadow_key key = { .obj = obj, .id = id };

	return rhashtable_lookup_fast(&klp_shadows, &key, klp_shadow_params);
}

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
	struct klp_shadow *shadow = klp_shadow_find(obj, id);

	return shadow ? shadow->data : NULL;
}
EXPORT_SYMBOL_GPL(klp_shadow_get);

/* Construct @new and make it known; klp_shadow_lock held. */
static int klp_shadow_add(struct klp_shadow *new, klp_shadow_ctor_t ctor, void *ctor_data)
{
	void *obj = new->key.obj;
	unsigned long id = new->key.id;
	int ret;

	if (ctor) {
		ret = ctor(obj, new->data, ctor_data);
		if (ret) {
			pr_err("constructor of shadow variable <%p, %lx> failed (%d)\n", obj, id,
			       ret);
			return ret;
		}
	}

	ret = rhashtable_insert_fast(&klp_shadows, &new->node, klp_shadow_params);
	if (ret) {
		pr_err("cannot add shadow variable <%p, %lx> (%d)\n", obj, id, ret);
		return ret;
	}
	hlist_add_head(&new->all, &klp_shadow_list);
	return 0;
}

/*
 * The variable of <obj, id>, new or not; *@found says which. NULL when it had to be made and
 * could not be.
 */
static struct klp_shadow *klp_shadow_make(void *obj, unsigned long id, size_t size, gfp_t gfp,
					  klp_shadow_ctor_t ctor, void *ctor_data, bool *found)
{
	struct klp_shadow *shadow = klp_shadow_find(obj, id), *new;

	*found = shadow;
	if (shadow)
		return shadow;

	new = kzalloc(size_add(size, sizeof(*new)), gfp);
	if (!new)
		return NULL;
	new->key.obj = obj;
	new->key.id = id;

	scoped_guard(spinlock_irqsave, &klp_shadow_lock) {
		/* Somebody may have been faster. */
		shadow = klp_shadow_find(obj, id);
		*found = shadow;
		if (!shadow && !klp_shadow_add(new, ctor, ctor_data))
			return new;
	}
	kfree(new);
	return shadow;
}

/**
 * klp_shadow_alloc() - make a shadow variable
 * @obj: the object
 * @id: which of its variables
 * @size: size of the variable in bytes
 * @gfp_flags: how to allocate it
 * @ctor: fills it in, or NULL; it is zeroed anyway
 * @ctor_data: for @ctor
 *
 * Context: any that @gfp_flags are good for, down to hard interrupts.
 * Return: the variable; NULL when there is no memory, when @ctor fails, and, with a warning, when
 * the object has such a variable.
 */
void *klp_shadow_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
		       klp_shadow_ctor_t ctor, void *ctor_data)
{
	struct klp_shadow *shadow;
	bool found;

	shadow = klp_shadow_make(obj, id, size, gfp_flags, ctor, ctor_data, &found);
	if (WARN(found, "Duplicate shadow variable <%p, %lx>\n", obj, id))
		return NULL;
	return shadow ? shadow->data : NULL;
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
 * Context: any that @gfp_flags are good for, down to hard interrupts.
 * Return: the variable; NULL when there is no memory or @ctor fails.
 */
void *klp_shadow_get_or_alloc(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
			      klp_shadow_ctor_t ctor, void *ctor_data)
{
	struct klp_shadow *shadow;
	bool found;

	shadow = klp_shadow_make(obj, id, size, gfp_flags, ctor, ctor_data, &found);
	return shadow ? shadow->data : NULL;
}
EXPORT_SYMBOL_GPL(klp_shadow_get_or_alloc);

/* klp_shadow_lock held. */
static void klp_shadow_remove(struct klp_shadow *shadow, klp_shadow_dtor_t dtor)
{
	rhashtable_remove_fast(&klp_shadows, &shadow->node, klp_shadow_params);
	hlist_del(&shadow->all);
	if (dtor)
		dtor(shadow->key.obj, shadow->data);
	kfree_rcu(shadow, rcu);
}

/**
 * klp_shadow_free() - take a shadow variable away, if there is one
 * @obj: the object
 * @id: which of its variables
 * @dtor: called once nobody finds it any more, or NULL
 *
 * The memory is freed after an RCU grace period.
 *
 * Context: any, down to hard interrupts.
 */
void klp_shadow_free(void *obj, unsigned long id, klp_shadow_dtor_t dtor)
{
	struct klp_shadow *shadow;
	unsigned long flags;

	spin_lock_irqsave(&klp_shadow_lock, flags);
	shadow = klp_shadow_find(obj, id);
	if (shadow)
		klp_shadow_remove(shadow, dtor);
	spin_unlock_irqrestore(&klp_shadow_lock, flags);
}
EXPORT_SYMBOL_GPL(klp_shadow_free);

/**
 * klp_shadow_free_all() - take the shadow variables of all objects away that have an id
 * @id: which variables
 * @dtor: called for each once nobody finds it any more, or NULL
 *
 * Context: any, down to hard interrupts; takes time in proportion to the number of all variables,
 * with interrupts off.
 */
void klp_shadow_free_all(unsigned long id, klp_shadow_dtor_t dtor)
{
	struct klp_shadow *shadow;
	struct hlist_node *tmp;
	unsigned long flags;

	spin_lock_irqsave(&klp_shadow_lock, flags);
	hlist_for_each_entry_safe(shadow, tmp, &klp_shadow_list, all) {
		if (shadow->key.id == id)
			klp_shadow_remove(shadow, dtor);
	}
	spin_unlock_irqrestore(&klp_shadow_lock, flags);
}
EXPORT_SYMBOL_GPL(klp_shadow_free_all);

/**
 * klp_shadow_collect() - destroy the shadow variables of a type whose state has left
 * @type: the type
 *
 * Context: process context.
 */
void klp_shadow_collect(const struct klp_shadow_type *type)
{
	klp_shadow_free_all(type->id, type->dtor);
}

/**
 * klp_shadow_init() - set the table up
 *
 * Context: initcall.
 * Return: 0 or -ENOMEM.
 */
int __init klp_shadow_init(void)
{
	return rhashtable_init(&klp_shadows, &klp_shadow_params);
}
