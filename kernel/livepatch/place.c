// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where does ftrace get hold of a function?
 *
 * At its entry, before any code of its own, and nowhere else. Further on in what the symbol table
 * takes for the function there may be other places: a weak function that another file overrides
 * loses its name and leaves code and place behind, in the range of the function in front of it.
 * Nobody calls that code, and ftrace has switched the place off for good.
 */
#include "internal.h"

/**
 * klp_place_find() - look for the place where calls of a function come to ftrace
 * @body: of the function
 *
 * Context: any.
 * Return: the ftrace location, 0 when there is none at the function's entry.
 */
unsigned long klp_place_find(const struct klp_range *body)
{
	unsigned long last = min(body->start + KLP_PLACE_REACH, body->end - 1);
	unsigned long ip = ftrace_location_range(body->start, last);

	/* A place in front of the function may end in the range. */
	if (ip < body->start)
		return 0;
	return klp_place_fits(body->start, ip) ? ip : 0;
}
