// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does a patch change?  Objects and their functions, whether the kernel has told them or a
 * file.
 */
#include <stdlib.h>
#include <string.h>
#include "klp.h"

void object_free(struct object *object)
{
	for (size_t i = 0; i < object->nr; i++)
		free(object->functions[i].name);
	free(object->functions);
	free(object->name);
}

static int has_function(const struct object *object, const struct function *f)
{
	for (size_t i = 0; i < object->nr; i++) {
		/* 0 stands for the only one, which is the first. */
		if (!strcmp(object->functions[i].name, f->name) &&
		    (object->functions[i].sympos ? object->functions[i].sympos : 1) ==
		    (f->sympos ? f->sympos : 1))
			return 1;
	}
	return 0;
}

/* The first function that two lists of objects have in common, or NULL. */
const char *objects_shared(const struct object *a, size_t n, const struct object *b, size_t m)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < m; j++) {
			for (size_t k = 0; !strcmp(a[i].name, b[j].name) && k < a[i].nr; k++) {
				if (has_function(&b[j], &a[i].functions[k]))
					return a[i].functions[k].name;
			}
		}
	}
	return NULL;
}
