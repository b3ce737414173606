// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where do calls of one function go, in each of the two worlds?
 *
 * A site has a layer for every patch that replaces the function, newest first. The destination
 * in a world is the newest layer whose patch is present there; none, or a nop, means the
 * original. Nothing here touches ftrace: these are rules about lists and pointers.
 */
#include "internal.h"

/**
 * klp_site_winner() - who decides where calls go?
 * @site: the site
 * @world: 0 or 1
 *
 * Context: klp_mutex held.
 * Return: the newest layer that is present in @world, NULL when there is none.
 */
struct klp_layer *klp_site_winner(const struct klp_site *site, int world)
{
	struct klp_layer *layer;

	list_for_each_entry(layer, &site->layers, node) {
		if (klp_world_has(layer->patch, world))
			return layer;
	}
	return NULL;
}

/**
 * klp_site_dest() - where do calls go?
 * @site: the site
 * @world: 0 or 1
 *
 * The address of the original is never an answer: going there would come back to the site.
 *
 * Context: klp_mutex held.
 * Return: a replacement, or NULL for the original.
 */
void *klp_site_dest(const struct klp_site *site, int world)
{
	const struct klp_layer *winner = klp_site_winner(site, world);

	return winner && !winner->func->nop ? winner->func->new_func : NULL;
}

/* Let the handler know. A task outside of a transition goes where world 0 does. */
static void klp_site_send(struct klp_site *site, int world, void *dest)
{
	WRITE_ONCE(site->dest[world], dest);
	if (!world)
		WRITE_ONCE(site->idle, dest);
}

/**
 * klp_site_route() - let the handler know where calls go
 * @site: the site
 * @world: 0 or 1
 *
 * Context: klp_mutex held.
 */
void klp_site_route(struct klp_site *site, int world)
{
	klp_site_send(site, world, klp_site_dest(site, world));
}

/**
 * klp_site_merge() - let calls go to the same place in both worlds
 * @site: the site
 * @world: the world, 0 or 1, that has what the other one gets
 *
 * Context: klp_mutex held.
 */
void klp_site_merge(struct klp_site *site, int world)
{
	klp_site_send(site, !world, site->dest[world]);
}

/**
 * klp_site_push() - put a layer on top
 * @site: the site
 * @layer: of a patch that is newer than all the others here
 *
 * A nop goes below a function of its own patch. They meet where a function has several names and
 * the patch replaces it by another one than an older patch did.
 *
 * Context: klp_mutex held.
 */
void klp_site_push(struct klp_site *site, struct klp_layer *layer)
{
	struct klp_layer *top;

	top = list_first_entry_or_null(&site->layers, struct klp_layer, node);
	if (layer->func->nop && top && top->patch == layer->patch)
		list_add(&layer->node, &top->node);
	else
		list_add(&layer->node, &site->layers);
	layer->site = site;
}

/**
 * klp_site_pop() - take a layer away, wherever it stands
 * @layer: the layer; nothing happens when it is not at a site
 *
 * Context: klp_mutex held.
 */
void klp_site_pop(struct klp_layer *layer)
{
	if (!layer->site)
		return;
	list_del(&layer->node);
	layer->site = NULL;
}

/* Add all parts of a function. Process context, may sleep. Return: 0 or -ENOMEM. */
int klp_code_forbid(const struct klp_code *code, struct klp_ranges **set)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < code->nr && !ret; i++)
		ret = klp_ranges_add(set, code->part[i].start, code->part[i].end);
	return ret;
}

/**
 * klp_site_forbid() - collect the code that a task must have left before it changes over
 * @site: the site
 * @from: the world that it leaves
 * @set: where to add
 *
 * Where both worlds use the same code there is nothing to leave. Where a task is diverted in the
 * world that it leaves, the way there counts as well: a return address between the function's
 * entry and the end of the call in it belongs to a task that has been told where to go and has
 * not got there.
 *
 * At the very end of the way, in the last instructions of a trampoline or in a return thunk, that
 * address has been written over by where the task goes to. The unwinder takes it for an address
 * behind a call, and goes on with what it knows of the code in front of it: of another function, so
 * that nothing above can be believed, be it called reliable. Hence the address of each replacement
 * counts, also where nothing has to be left. It is no return address of anybody else, but for one
 * function's that stands in front of it and ends with a call that does not return.
 *
 * Context: process context, may sleep, klp_mutex held.
 * Return: 0 or -ENOMEM.
 */
int klp_site_forbid(const struct klp_site *site, int from, struct klp_ranges **set)
{
	const struct klp_layer *top, *old = klp_site_winner(site, from);
	void *dest = klp_site_dest(site, from);
	int ret;

	if (dest) {
		ret = klp_ranges_add_addr(set, (unsigned long)dest);
		if (ret)
			return ret;
	}

	if (dest == klp_site_dest(site, !from))
		return 0;

	if (dest) {
		ret = klp_code_forbid(old->code, set);
		if (ret)
			return ret;
		return klp_ranges_add(set, old->orig->part[0].start, site->ip + MCOUNT_INSN_SIZE);
	}

	top = list_first_entry(&site->layers, struct klp_layer, node);
	return klp_code_forbid(top->orig, set);
}

/**
 * klp_site_entry() - is an address on the way from a function to its replacement?
 * @site: the site of the function
 * @from: the world that the task at @addr leaves
 * @addr: from its stack
 *
 * Context: klp_mutex held.
 * Return: true when it is in the window that klp_site_forbid() speaks of, or the end of the way.
 */
bool klp_site_entry(const struct klp_site *site, int from, unsigned long addr)
{
	const struct klp_layer *winner = klp_site_winner(site, from);
	void *dest = klp_site_dest(site, from);

	if (!dest)
		return false;
	if (addr == (unsigned long)dest)
		return true;
	return dest != klp_site_dest(site, !from) && addr >= winner->orig->part[0].start &&
	       addr <= site->ip + MCOUNT_INSN_SIZE;
}

/**
 * klp_site_watch() - collect the code that runs instead of a function that is guarded
 * @site: the site of the function, which other patches divert
 * @set: where to add
 *
 * A task that is inside of any of it is inside of the function, and it does not matter which world
 * it comes from. The way there lies in the original, which is guarded anyway.
 *
 * Context: process context, may sleep, klp_mutex held.
 * Return: 0 or -ENOMEM.
 */
int klp_site_watch(const struct klp_site *site, struct klp_ranges **set)
{
	int world, ret = 0;

	for (world = 0; world <= 1 && !ret; world++) {
		const struct klp_layer *winner = klp_site_winner(site, world);

		if (winner && winner->code)
			ret = klp_code_forbid(winner->code, set);
	}
	return ret;
}
