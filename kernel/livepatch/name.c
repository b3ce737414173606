// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What does the name of a symbol or section say?
 *
 * Pure functions on text.
 */
#include <linux/kstrtox.h>
#include <linux/string.h>
#include "internal.h"

/**
 * klp_symbol_stem() - length of the function's name in the name of one of its cold parts
 * @name: name of a symbol
 *
 * Return: the length of NAME in NAME.cold and NAME.cold.N, 0 for any other name.
 */
size_t klp_symbol_stem(const char *name)
{
	const char *tail = strchr(name, '.');
	size_t len;

	/* Most names have no dot, and all symbols of vmlinux come by here. */
	while (tail && !str_has_prefix(tail, ".cold"))
		tail = strchr(tail + 1, '.');
	if (!tail || tail == name)
		return 0;

	len = tail - name;
	tail += strlen(".cold");
	if (!*tail)
		return len;
	if (*tail++ != '.' || !*tail)
		return 0;
	return tail[strspn(tail, "0123456789")] ? 0 : len;
}

/**
 * klp_reloc_copy_obj() - take the name of an object off the front of a text
 * @text: OBJECT.REST
 * @obj: where to copy OBJECT, MODULE_NAME_LEN bytes
 *
 * Context: any.
 * Return: REST, or NULL when @text does not start with the name of an object.
 */
const char *klp_reloc_copy_obj(const char *text, char *obj)
{
	size_t len = strcspn(text, ".");

	if (!len || len >= MODULE_NAME_LEN || text[len] != '.')
		return NULL;
	memcpy(obj, text, len);
	obj[len] = '\0';
	return text + len + 1;
}

/**
 * klp_reloc_parse() - take the name of a livepatch symbol apart
 * @text: .klp.sym.OBJECT.NAME,POSITION; cut into pieces, also when there is an error
 * @name: the parts, inside of @text; undefined after an error
 *
 * Context: any.
 * Return: 0, or -EINVAL when @text does not have this form.
 */
int klp_reloc_parse(char *text, struct klp_reloc_name *name)
{
	char *rest, *comma;

	if (!str_has_prefix(text, KLP_SYM_PREFIX))
		return -EINVAL;
	rest = text + strlen(KLP_SYM_PREFIX);
	name->obj = strsep(&rest, ".");
	if (!rest || !*name->obj || strlen(name->obj) >= MODULE_NAME_LEN)
		return -EINVAL;

	comma = strrchr(rest, ',');
	if (!comma || comma == rest || comma - rest >= KSYM_NAME_LEN)
		return -EINVAL;
	*comma++ = '\0';
	name->sym = rest;

	/* Digits only: kstrtoul() is more generous. */
	if (comma[strspn(comma, "0123456789")])
		return -EINVAL;
	return kstrtoul(comma, 10, &name->pos) ? -EINVAL : 0;
}
