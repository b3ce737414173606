// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is there a shorter way to a site than through ftrace's trampoline and the C handler?
 *
 * On x86-64 there is: trampoline_x86_64.S. ftrace lets the owner of an ftrace_ops bring a
 * trampoline along and has call sites go straight to it, as long as nobody else wants to know of
 * the call. Then it takes the way that serves everybody, with the C handler in it, and comes back
 * to ours afterwards. Both ways do the same, and both may be in use at once.
 */
#include <linux/ftrace.h>
#include <linux/moduleparam.h>
#include "internal.h"

/* Written through sysfs at any time; takes effect with the next batch of sites. */
static bool klp_trampoline_wanted = true;
module_param_named(trampoline, klp_trampoline_wanted, bool, 0644);
MODULE_PARM_DESC(trampoline, "Divert calls without a detour through ftrace (default: Y)");

/**
 * klp_trampoline_offer() - let ftrace use the short way to a batch of sites
 * @fops: of the batch; not registered yet
 *
 * Context: any.
 */
void klp_trampoline_offer(struct ftrace_ops *fops)
{
	if (READ_ONCE(klp_trampoline_wanted))
		fops->trampoline = (unsigned long)klp_trampoline;
}

/* Is @addr in the trampoline? */
bool klp_trampoline_contains(unsigned long addr)
{
	return addr >= (unsigned long)klp_trampoline && addr < (unsigned long)klp_trampoline_end;
}

/**
 * klp_trampoline_forbid() - collect the code in which a task is on its way
 * @set: where to add
 *
 * At its end the trampoline has written where it goes to over its return address, from where the
 * unwinder cannot go on: see klp_site_forbid(). The return thunk, which may come behind it, belongs
 * to everybody.
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int klp_trampoline_forbid(struct klp_ranges **set)
{
	return klp_ranges_add(set, (unsigned long)klp_trampoline,
			      (unsigned long)klp_trampoline_end);
}
