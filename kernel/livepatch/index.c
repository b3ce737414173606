// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which site does a call come from?
 *
 * One table over the sites of all hooks tells, by the address that the call returns to. It is
 * searched by klp_index_find() and by the trampoline, without a lock, while sites come and go:
 *
 * - A site that comes gets a slot that was never used. Nobody asks for it before ftrace lets calls
 *   at it come to the handler, and patching the code orders that behind the stores here.
 * - A site that goes leaves a mark, because searches for others pass its slot. Whoever is still on
 *   the way from there finds nothing, which means the original, where the site led at last.
 * - Whoever has found the site already may be about to read it from its slot. So the slot goes to
 *   nobody else, and the site is freed after klp_sync() only (batch.c).
 * - A table that is too full, of marks as well, is replaced by another one and freed when
 *   klp_sync() has waited for everybody who was searching it.
 *
 *  I	A slot is complete before its key is stored, and a table before the pointer to it is. Who
 *	searches reads a slot by way of the pointer; but that a key was found is no reason for a CPU
 *	to read the site after it: an acquire is. Between a key that is passed and the next one
 *	nothing is needed: a search that misses a site which has just come was not meant for it.
 *
 * A search ends at a slot that was never used. There is one at the end of the table, so that a
 * search has no end of the table to look out for.
 */
#include <linux/log2.h>
#include <linux/slab.h>
#include "internal.h"

/* How many slots a search looks at, at most. */
#define KLP_INDEX_PROBES	16

/* The smallest table has so many slots for searches to begin at, as a power of 2. */
#define KLP_INDEX_BITS		5

/* Nothing is patched. */
static struct klp_index klp_index_none = {
	.nr = 1,
	.slots = { {} },
};

/* Replaced under klp_mutex, read by the handler with preemption off. */
struct klp_index *klp_index __read_mostly = &klp_index_none;

/* Calls are counted, every site of a registered hook has counters; switched under klp_mutex. */
DEFINE_STATIC_KEY_FALSE(klp_index_counts);

static struct klp_index *klp_index_alloc(unsigned int bits)
{
	/* With room behind the slot that the last search begins at. */
	unsigned int nr = (1U << bits) + KLP_INDEX_PROBES;
	struct klp_index *index = kvzalloc(struct_size(index, slots, nr), GFP_KERNEL);

	if (index) {
		index->mask = sizeof(struct klp_slot) * ((1UL << bits) - 1);
		index->nr = nr;
	}
	return index;
}

static unsigned long klp_index_size(const struct klp_index *index)
{
	return index->mask / sizeof(struct klp_slot) + 1;
}

/*
 * Put a site into a slot that has never had one. False if the way there would be too long, because
 * too many addresses have the same bits below the mask. A larger table takes more bits into
 * account.
 */
static bool klp_index_put(struct klp_index *index, struct klp_site *site)
{
	unsigned long key = klp_index_key(site->ip);
	struct klp_slot *home = klp_index_home(index, key), *slot = home;

	while (slot->key)
		slot++;
	if (slot >= home + KLP_INDEX_PROBES - 1)
		return false;

	index->used++;
	index->live++;
	WRITE_ONCE(slot->site, site);
	/* I: for those who search for another site and pass here. */
	smp_store_release(&slot->key, key);
	return true;
}

/* Copy all sites. */
static bool klp_index_copy(struct klp_index *to, const struct klp_index *from)
{
	unsigned int i;

	for (i = 0; i < from->nr; i++) {
		if (from->slots[i].key > KLP_INDEX_GONE && !klp_index_put(to, from->slots[i].site))
			return false;
	}
	return true;
}

static void klp_index_publish(struct klp_index *index)
{
	struct klp_index *old = klp_index;

	/* I: the slots before the table. */
	smp_store_release(&klp_index, index);
	if (old == &klp_index_none)
		return;
	/* G: nobody searches the old one. */
	klp_sync();
	kvfree(old);
}

/* Replace the index by one in which half of the slots are free when @nr more sites have come. */
static int klp_index_rebuild(unsigned int nr, unsigned int least_bits)
{
	unsigned int bits = ilog2(roundup_pow_of_two(2 * max(klp_index->live + nr, 1U)));
	struct klp_index *index;

	for (bits = max3(bits, least_bits, KLP_INDEX_BITS);; bits++) {
		index = klp_index_alloc(bits);
		if (!index)
			return -ENOMEM;
		if (klp_index_copy(index, klp_index))
			break;
		kvfree(index);
	}
	klp_index_publish(index);
	return 0;
}

/**
 * klp_index_reserve() - make room, so that sites can be added one by one without much ado
 * @nr: how many are going to be added
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0, or -ENOMEM, upon which everything is as before.
 */
int klp_index_reserve(unsigned int nr)
{
	if (2 * (klp_index->used + nr) <= klp_index_size(klp_index))
		return 0;
	return klp_index_rebuild(nr, 0);
}

/**
 * klp_index_add() - let a site be found
 * @site: the site; there is none at its ftrace location yet
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0, or -ENOMEM, upon which everything is as before.
 */
int klp_index_add(struct klp_site *site)
{
	int ret = klp_index_reserve(1);

	while (!ret && !klp_index_put(klp_index, site))
		ret = klp_index_rebuild(1, ilog2(klp_index_size(klp_index)) + 1);
	return ret;
}

/**
 * klp_index_remove() - let a site not be found any more
 * @site: the site; nothing happens when it is not in the index
 *
 * Context: klp_mutex held.
 */
void klp_index_remove(const struct klp_site *site)
{
	struct klp_slot *slot;

	if (!klp_index_search(klp_index_key(site->ip), &slot) || slot->site != site)
		return;
	WRITE_ONCE(slot->key, KLP_INDEX_GONE);
	klp_index->live--;
}

/**
 * klp_index_trim() - give the memory back when there is no site
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_index_trim(void)
{
	if (!klp_index->live && klp_index != &klp_index_none)
		klp_index_publish(&klp_index_none);
}
