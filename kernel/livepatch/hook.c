// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does a call get diverted?
 *
 * ftrace calls klp_hook_handler() at the entry of a patched function, which looks its site up and
 * changes the address that the call goes on at; or the trampoline (trampoline.c), which does the
 * same. It does so for a batch of sites; how that gets to be called, and no more, is in batch.c.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "internal.h"

/*
 * Divert a call. With preemption off from the choice of the world to the choice of the address,
 * klp_sync() can wait for everybody who uses an old destination.
 *
 * There is no guard against recursion, because refusing to divert would put the task into the
 * wrong world, and none is needed: nothing is called but the scheduler, at the end, when somebody
 * waits for the CPU. Functions that it calls may be patched and come here, with preemption off: the
 * scheduler is not called again. Not to look would have whoever waits do so until the next
 * interrupt, which may fall into this region again.
 */
static void notrace klp_hook_handler(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *fops, struct ftrace_regs *fregs)
{
	struct klp_site *site;
	struct klp_slot *slot;
	void *dest;

	preempt_disable_notrace();
	if (klp_index_search(klp_index_key(ip), &slot)) {
		site = slot->site;
		/* -1, KLP_TRANSITION_IDLE, is right before 0. gcc does not extend a volatile. */
		dest = READ_ONCE(site->dest[(long)data_race(current->patch_state)]);
		if (static_branch_unlikely(&klp_index_counts))
			this_cpu_inc(site->hits->calls[!!dest]);
		if (dest)
			ftrace_regs_set_instruction_pointer(fregs, (unsigned long)dest);
	}
	preempt_enable_notrace();
}

/**
 * klp_hook_alloc() - start a batch
 * @nr: how many sites it is going to have at most
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: the batch, to be filled with klp_hook_insert(), or NULL.
 */
struct klp_hook *klp_hook_alloc(unsigned int nr)
{
	struct klp_hook *hook = kvzalloc(struct_size(hook, sites, nr), GFP_KERNEL);

	if (!hook)
		return NULL;
	if (klp_index_reserve(nr)) {
		kvfree(hook);
		return NULL;
	}

	hook->fops.func = klp_hook_handler;
	hook->fops.flags = FTRACE_OPS_FL_DYNAMIC | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT;
	if (!IS_ENABLED(CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS))
		hook->fops.flags |= FTRACE_OPS_FL_SAVE_REGS;
	klp_trampoline_offer(&hook->fops);
	return hook;
}

/**
 * klp_hook_insert() - add a site to a batch that is not registered yet
 * @hook: the batch
 * @ip: ftrace location; the index has no site there
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: the site, or NULL when there is no memory.
 */
struct klp_site *klp_hook_insert(struct klp_hook *hook, unsigned long ip)
{
	struct klp_site *site = &hook->sites[hook->nr];

	site->ip = ip;
	site->nr = hook->nr;
	INIT_LIST_HEAD(&site->layers);
	/* Before somebody can find it. */
	if (klp_hook_counting() && klp_site_add_hits(site))
		return NULL;
	if (klp_index_add(site)) {
		free_percpu(site->hits);
		return NULL;
	}
	hook->nr++;
	return site;
}
