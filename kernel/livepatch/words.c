// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Can it be told without unwinding that a task is in none of the code that it has to leave?
 *
 * Wherever it is going to return to, the address stands in a word of its memory: on its stack, or
 * in a list of a tracer that has taken it from there. If no word leads to that code, then no return
 * does, and neither the order of frames nor their size matters. A word that does may be a pointer,
 * or be left over from a call long ago, or planted by a user: it takes the unwinder to tell, as it
 * does for everybody who is a suspect. Collectors of garbage that have no help from the compiler
 * look at stacks in this way (Boehm and Weiser, "Garbage Collection in an Uncooperative
 * Environment", 1988).
 *
 * Code that was generated at run time makes a suspect as well: in the detour of an optimised kprobe
 * run instructions of the function that has the probe.
 */
#include <linux/bitmap.h>
#include <linux/llist.h>
#include <linux/module.h>
#include "internal.h"
#include "words.h"

/*
 * Pages with code to be left, by their number modulo that of the bits: bounds alone would hold the
 * replacements and their originals, and all that is between them.
 */
#define KLP_WORDS_PAGES	4096

/* klp_mutex. */
static DECLARE_BITMAP(klp_words_pages, KLP_WORDS_PAGES);

/*
 * Pages that words may lead to, each where its number modulo that of the entries says: most words
 * lead to few pages. Until there is other code to be left, or a module goes; klp_mutex.
 */
#define KLP_WORDS_PASSED	1024
static unsigned long klp_words_passed[KLP_WORDS_PASSED];

static void klp_words_mark(const struct klp_ranges *set)
{
	unsigned long page, last;
	unsigned int i;

	for (i = 0; set && i < set->nr; i++) {
		page = set->range[i].start >> PAGE_SHIFT;
		/* The first byte behind counts, see klp_ranges_contain(). */
		last = set->range[i].end >> PAGE_SHIFT;
		last = min(last, page + KLP_WORDS_PAGES - 1);
		for (; page <= last; page++)
			__set_bit(page % KLP_WORDS_PAGES, klp_words_pages);
	}
}

/**
 * klp_words_forget() - a module goes, and others will have its memory
 *
 * Context: klp_mutex held; the module is not live any more.
 */
void klp_words_forget(void)
{
	memset(klp_words_passed, 0, sizeof(klp_words_passed));
}

/**
 * klp_words_forbid() - prepare for klp_words_clear()
 * @forbidden: sealed sets, the same that tasks are going to be asked about
 *
 * Context: klp_mutex held.
 */
void klp_words_forbid(const struct klp_forbidden *forbidden)
{
	klp_words_forget();
	bitmap_zero(klp_words_pages, KLP_WORDS_PAGES);
	klp_words_mark(forbidden->code);
	klp_words_mark(forbidden->text);
}

/* Is a page all text, of a module that stays until klp_words_forget() is called? */
static bool klp_page_is_text(unsigned long page, const struct module *mod)
{
	unsigned long first = page << PAGE_SHIFT;

	return READ_ONCE(mod->state) == MODULE_STATE_LIVE &&
	       within_module_mem_type(first, mod, MOD_TEXT) &&
	       within_module_mem_type(first + PAGE_SIZE - 1, mod, MOD_TEXT);
}

/*
 * Does @word, not below the floor, lead to code that has to be left, or nobody knows where? Where
 * modules go, all that is of none may be code that was generated.
 */
static noinline bool klp_word_leads(const struct klp_forbidden *forbidden, unsigned long word)
{
	unsigned long page = word >> PAGE_SHIFT;
	bool marked = test_bit(page % KLP_WORDS_PAGES, klp_words_pages);
	const struct module *mod = NULL;

	if (marked && (klp_ranges_contain(forbidden->code, word) ||
		       klp_ranges_contain(forbidden->text, word)))
		return true;
	if (klp_word_in_modules(word)) {
		mod = __module_address(word);
		if (!mod)
			return true;
	}
	if (!marked && (!mod || klp_page_is_text(page, mod)))
		klp_words_passed[page % KLP_WORDS_PASSED] = page;
	return false;
}

/* The same for any word, and quick. */
static __always_inline bool klp_word_suspect(const struct klp_forbidden *forbidden,
					     unsigned long word)
{
	unsigned long page = word >> PAGE_SHIFT;

	return word >= KLP_WORDS_FLOOR && klp_words_passed[page % KLP_WORDS_PASSED] != page &&
	       klp_word_leads(forbidden, word);
}

/* Do any of the words from @from on, in front of @to? Four at a time, to count less. */
static bool klp_words_lead(const struct klp_forbidden *forbidden, const unsigned long *from,
			   const unsigned long *to)
{
/* Between variables, where KASAN would complain. */
#define suspect(place)	klp_word_suspect(forbidden, READ_ONCE_NOCHECK(place))
	for (; (to - from) % 4; from++) {
		if (suspect(from[0]))
			return true;
	}
	for (; from != to; from += 4) {
		if (suspect(from[0]) || suspect(from[1]) || suspect(from[2]) || suspect(from[3]))
			return true;
	}
#undef suspect
	return false;
}

static bool klp_rethooks_suspect(const struct klp_forbidden *forbidden,
				 const struct task_struct *task)
{
	const struct rethook_node *node = NULL;

	while ((node = klp_words_rethook(task, node))) {
		if (klp_word_suspect(forbidden, node->ret_addr))
			return true;
	}
	return false;
}

/**
 * klp_words_clear() - is a task in none of the code that it has to leave, to be sure?
 * @task: a task that does not run and cannot begin to, with a reference to its stack
 * @forbidden: that code; the same as for klp_words_forbid(), or less
 *
 * Context: any, takes no lock; klp_mutex held, preemption off.
 * Return: true when it is; false when it has to be unwound.
 */
bool klp_words_clear(struct task_struct *task, const struct klp_forbidden *forbidden)
{
	const unsigned long *from, *to;

	if (!KLP_HAVE_WORDS)
		return false;
	if (!klp_words_stack(task, &from, &to) || klp_words_lead(forbidden, from, to))
		return false;
	if (!klp_words_graph(task, &from, &to) || klp_words_lead(forbidden, from, to))
		return false;
	return !klp_rethooks_suspect(forbidden, task) && !klp_words_kretprobes(task);
}
