/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What those who act in the model ask of the explorer (explore.c).
 */
#ifndef _MODEL_EXPLORE_H
#define _MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>

#define ACTORS_MAX	4

/* Who acts: the operator, and the tasks. */
struct actor {
	const char *name;
	void (*main)(int nr);
	bool (*able)(int nr);	/* false: others keep it from acting */
};

/* Others may do something now. */
void point(void);

/* Go on only when it is so; the condition reads memory of the model only. */
void wait_until(bool (*condition)(void));

/* A number below 'n', each of which is tried. */
unsigned int choose(unsigned int n);

/* Which actor runs? */
int acting(void);

/* A line of the story, formatted only when one is told. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The story ends here: what was promised is not true. */
void violated(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Memory that belongs to the state, zeroed; given back, it is the first to be taken again. */
void *model_alloc(size_t size);
void model_free(const void *ptr);
size_t model_allocated(void);
bool model_owns(const void *ptr);

/*
 * All orders in which 'nr' actors may act; after each step 'check' says whether all is well. With
 * a 'bound', no more steps in a row than that, for a short story. Returns the number of states.
 */
unsigned long explore(const struct actor *actors, unsigned int nr, void (*check)(void),
		      unsigned int bound);
unsigned long explored_steps(void);
unsigned long explored_depth(void);

#endif /* _MODEL_EXPLORE_H */
