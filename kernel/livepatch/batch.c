// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When do calls begin to come to a batch of sites, and when is nobody left in it?
 *
 * One ftrace_ops serves a whole batch: registering a thousand functions costs one pass over
 * ftrace's records. Sites are never added to a registered one: ftrace agrees with BPF trampolines
 * on sharing a function only in register_ftrace_function(). They can be taken out of it.
 *
 * A batch goes in three steps. Calls stop coming to it, at once; then its sites are in no index;
 * and it is freed when everybody has been waited for who may be on the way through it
 * (klp_hook_bury()). That wait is long and made once for all batches that have gone by then,
 * without a lock.
 */
#include <linux/delay.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include "internal.h"

/* How often to ask ftrace again, who has somebody to wait for. */
#define KLP_HOOK_TRIES 250

/* All hooks that are registered; klp_mutex. */
static LIST_HEAD(klp_hooks);

/* Hooks that are not, whose sites somebody may still have at hand; klp_mutex. */
static LIST_HEAD(klp_hooks_gone);

static struct klp_site *klp_hook_next_site(struct klp_hook *hook, struct klp_site *site)
{
	site = site ? site + 1 : hook->sites;
	return site < hook->sites + hook->nr ? site : NULL;
}

/**
 * klp_hook_discard() - throw a batch away that is not registered
 * @hook: the batch, for klp_hook_take()
 *
 * Also one that never was: a call that came by way of an earlier batch, and was preempted before it
 * searched the index, may have found a site of this one.
 *
 * Context: klp_mutex held.
 */
void klp_hook_discard(struct klp_hook *hook)
{
	struct klp_site *site = NULL;

	if (!hook->nr) {
		kvfree(hook);
		return;
	}
	while ((site = klp_hook_next_site(hook, site)))
		klp_index_remove(site);
	/* Else ftrace has died while it registered the batch, and may know of it for ever. */
	if (!(hook->fops.flags & FTRACE_OPS_FL_ENABLED))
		list_add_tail(&hook->node, &klp_hooks_gone);
}

/* Has a batch been thrown away that klp_hook_take() has not taken? klp_mutex. */
bool klp_hook_gone(void)
{
	return !list_empty(&klp_hooks_gone);
}

/**
 * klp_hook_take() - take the batches that have been thrown away
 * @gone: list to add them to, for klp_hook_bury()
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_hook_take(struct list_head *gone)
{
	if (!klp_hook_gone())
		return;

	klp_index_trim();
	/* G: nobody has a site at hand that he has found in the index. */
	klp_sync();
	list_splice_tail_init(&klp_hooks_gone, gone);
}

/**
 * klp_hook_bury() - free batches
 * @gone: from klp_hook_take(); RCU-tasks has had a grace period since, for those who are on the
 *	way from a function to the handler and have been told of the ftrace_ops
 *
 * Context: process context, may sleep.
 */
void klp_hook_bury(struct list_head *gone)
{
	struct klp_hook *hook, *tmp;
	struct klp_site *site;

	list_for_each_entry_safe(hook, tmp, gone, node) {
		site = NULL;
		while ((site = klp_hook_next_site(hook, site)))
			free_percpu(site->hits);
		list_del(&hook->node);
		ftrace_free_filter(&hook->fops);
		kvfree(hook);
	}
}

/* Give a site counters, unless it has some: 0 or -ENOMEM. klp_mutex; sleeps. */
int klp_site_add_hits(struct klp_site *site)
{
	site->hits = site->hits ?: alloc_percpu(struct klp_hits);
	return site->hits ? 0 : -ENOMEM;
}

/* Are calls counted? klp_mutex. */
bool klp_hook_counting(void)
{
	return static_key_enabled(&klp_index_counts);
}

/* The sites that @pick chooses, as ftrace wants them. */
static unsigned long *klp_hook_ips(struct klp_hook *hook, bool (*pick)(const struct klp_site *),
				   unsigned int *nr)
{
	unsigned long *ips = kvmalloc_array(hook->nr, sizeof(*ips), GFP_KERNEL);
	struct klp_site *site = NULL;

	*nr = 0;
	while (ips && (site = klp_hook_next_site(hook, site))) {
		if (pick(site))
			ips[(*nr)++] = site->ip;
	}
	return ips;
}

static bool klp_site_any(const struct klp_site *site)
{
	return true;
}

static bool klp_site_idle(const struct klp_site *site)
{
	return site->hooked && list_empty(&site->layers);
}

/**
 * klp_hook_dead() - has ftrace switched itself off?
 *
 * It does so when it finds code or its own accounts to be wrong, and changes nothing any more until
 * the next boot: calls that come to the handler go on coming, others cannot be made to, and no
 * ftrace_ops can be registered or taken back.
 *
 * Context: any.
 * Return: true when it has.
 */
bool klp_hook_dead(void)
{
	return ftrace_is_dead();
}

/*
 * ftrace says -EAGAIN while a BPF trampoline of one of the functions is being changed, since it
 * must not wait for that itself: it would be waited for.
 */
static int klp_hook_try(struct klp_hook *hook, unsigned long *ips, unsigned int nr)
{
	int ret = ftrace_set_filter_ips(&hook->fops, ips, nr, 0, 1);
	unsigned int tries;

	if (ret)
		return ret;
	ret = register_ftrace_function(&hook->fops);
	for (tries = 1; ret == -EAGAIN && tries < KLP_HOOK_TRIES; tries++) {
		fsleep(USEC_PER_MSEC);
		ret = register_ftrace_function(&hook->fops);
	}
	return ret == -EAGAIN ? -EBUSY : ret;
}

/*
 * Registering ips[0..nr) fails: find one that fails by itself, by halving. The sites lead to the
 * original at this time, so that trying some of them changes nothing. Returns 0 when there is none:
 * what was in the way has gone meanwhile.
 */
static unsigned long klp_hook_culprit(struct klp_hook *hook, unsigned long *ips, unsigned int nr)
{
	while (nr > 1) {
		unsigned int half = nr / 2;

		if (!klp_hook_try(hook, ips, half)) {
			WARN_ON_ONCE(unregister_ftrace_function(&hook->fops));
			ips += half;
			nr -= half;
		} else {
			nr = half;
		}
	}
	if (klp_hook_try(hook, ips, 1))
		return *ips;
	WARN_ON_ONCE(unregister_ftrace_function(&hook->fops));
	return 0;
}

/**
 * klp_hook_register() - have ftrace call the handler for all sites of a batch
 * @hook: the batch; its sites' destinations are in effect from here on
 * @culprit: out, on failure: location of a function that stands in the way, 0 when none can be told
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0, or the error that ftrace gave: -EBUSY when the function is diverted by somebody
 * else or when ftrace is switched off, -EINVAL when ftrace does not know it, -ENOMEM.
 */
int klp_hook_register(struct klp_hook *hook, unsigned long *culprit)
{
	unsigned long *ips __free(kvfree) = NULL;
	struct klp_site *site = NULL;
	unsigned int nr;
	int ret;

	*culprit = 0;
	ips = klp_hook_ips(hook, klp_site_any, &nr);
	if (!ips)
		return -ENOMEM;

	ret = klp_hook_try(hook, ips, nr);
	if (ret) {
		*culprit = klp_hook_culprit(hook, ips, nr);
		if (!*culprit)
			ret = klp_hook_try(hook, ips, nr);
		if (ret)
			return ret;
	}

	while ((site = klp_hook_next_site(hook, site)))
		site->hooked = true;
	list_add_tail(&hook->node, &klp_hooks);
	return 0;
}

/* The batch that a site belongs to. */
static struct klp_hook *klp_hook_of(const struct klp_site *site)
{
	return container_of(site - site->nr, struct klp_hook, sites[0]);
}

/**
 * klp_hook_holds() - do calls at a site really come to us?
 * @site: of a registered batch
 *
 * That ftrace has accepted a batch does not say so: it passes silently over places that it has
 * disabled. Its records would tell (FTRACE_FL_DISABLED), but they are to be read under ftrace_lock,
 * which is its own; so is the one iterator over them that others can call. To register another
 * handler that modifies ip, and be refused, would be as good for one function, and take a pass over
 * all records for each of a thousand. So what is asked is the code, where klp_place_leads() can
 * read it: it has to call ftrace. Elsewhere klp_place_find() has to do, which takes no place that
 * ftrace disables for good.
 *
 * Context: process context, may sleep, takes text_mutex; klp_mutex held.
 * Return: false when calls go past the site, and when ftrace is dead, since nobody knows then.
 */
bool klp_hook_holds(const struct klp_site *site)
{
	const struct klp_hook *hook = klp_hook_of(site);

	return site->hooked && !klp_hook_dead() &&
	       klp_place_leads(site->ip, hook->fops.trampoline);
}

/**
 * klp_hook_next() - go through all sites of all batches
 * @site: the one before, of a batch that is registered; NULL to start
 *
 * Context: klp_mutex held.
 * Return: the next site, in no particular order, or NULL.
 */
struct klp_site *klp_hook_next(struct klp_site *site)
{
	struct klp_hook *hook;

	if (site)
		hook = klp_hook_of(site);
	else
		hook = list_first_entry_or_null(&klp_hooks, struct klp_hook, node);

	while (hook && !list_entry_is_head(hook, &klp_hooks, node)) {
		site = klp_hook_next_site(hook, site);
		if (site)
			return site;
		hook = list_next_entry(hook, node);
	}
	return NULL;
}

/* ftrace does not divert calls at a site any more, or nobody calls there. */
static void klp_site_unhook(struct klp_site *site)
{
	klp_index_remove(site);
	site->hooked = false;
}

/* Take the sites that lead nowhere out of the filter; the others stay in effect throughout. */
static int klp_hook_shrink(struct klp_hook *hook)
{
	unsigned long *ips __free(kvfree) = NULL;
	struct klp_site *site = NULL;
	unsigned int nr;
	int ret;

	ips = klp_hook_ips(hook, klp_site_idle, &nr);
	if (!ips)
		return -ENOMEM;
	if (!nr)
		return 0;

	ret = ftrace_set_filter_ips(&hook->fops, ips, nr, 1, 0);
	if (ret)
		return ret;

	while ((site = klp_hook_next_site(hook, site))) {
		if (klp_site_idle(site))
			klp_site_unhook(site);
	}
	return 0;
}

static bool klp_hook_in_use(struct klp_hook *hook)
{
	struct klp_site *site = NULL;

	while ((site = klp_hook_next_site(hook, site))) {
		if (!list_empty(&site->layers))
			return true;
	}
	return false;
}

/*
 * Have ftrace call a batch no more. When an ftrace_ops is "dynamic", ftrace waits for RCU-tasks in
 * here, with its lock held, since the ftrace_ops may be freed next, and so that it can free the
 * trampoline that it has made for it. Of ours, klp_hook_bury() does the one; where ftrace has made
 * no trampoline (trampoline.c) there is no need for the other, and nobody waits here.
 */
static int klp_hook_unregister(struct klp_hook *hook)
{
	if (!(hook->fops.flags & FTRACE_OPS_FL_ALLOC_TRAMP))
		hook->fops.flags &= ~FTRACE_OPS_FL_DYNAMIC;
	return unregister_ftrace_function(&hook->fops);
}

/**
 * klp_hook_sweep() - stop diverting calls at sites without layers
 *
 * The original must be where calls at these sites go, in both worlds, and klp_sync() must have
 * run since. A site that cannot be taken out for want of memory stays and is harmless; the next
 * sweep takes it.
 *
 * Context: process context, may sleep; klp_mutex held. klp_hook_gone() tells whether batches have
 * to be buried afterwards.
 */
void klp_hook_sweep(void)
{
	struct klp_hook *hook, *tmp;

	/* Sites without layers lead to the original, and have to go on doing so. */
	if (klp_hook_dead())
		return;

	list_for_each_entry_safe(hook, tmp, &klp_hooks, node) {
		if (klp_hook_in_use(hook)) {
			klp_hook_shrink(hook);
			continue;
		}
		if (WARN_ON_ONCE(klp_hook_unregister(hook)))
			continue;
		list_del(&hook->node);
		klp_hook_discard(hook);
	}
}

/**
 * klp_hook_pending() - does ftrace still divert a function of a module, without need?
 * @mod: the module
 *
 * Context: klp_mutex held.
 * Return: true when the module must not go before another klp_hook_sweep().
 */
bool klp_hook_pending(const struct module *mod)
{
	struct klp_site *site;

	klp_for_each_site(site) {
		if (klp_site_idle(site) && within_module(site->ip, mod))
			return true;
	}
	return false;
}

/**
 * klp_hook_abandon() - forget the sites of a module that goes while ftrace is dead
 * @mod: the module; no layer is at a site of it
 *
 * Nobody calls from there again, and what is loaded to the same addresses next is not diverted.
 * Batch and filter stay for good, like all that ftrace has.
 *
 * Context: klp_mutex held.
 */
void klp_hook_abandon(const struct module *mod)
{
	struct klp_site *site;

	klp_for_each_site(site) {
		if (klp_site_idle(site) && within_module(site->ip, mod))
			klp_site_unhook(site);
	}
}
