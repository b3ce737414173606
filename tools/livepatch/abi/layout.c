// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where livepatch modules find what, as text in a section of the object file. "make abi" compiles
 * this against the stock header and against ours, and compares.
 */
#include <linux/livepatch.h>
#include <linux/stddef.h>

#define SHOW(name, value) do { \
	asm volatile(".pushsection .abi.layout, \"\", @progbits\n" \
		     ".asciz \"" name ": %c0\"\n" \
		     ".popsection" : : "i" (value)); \
} while (0)
#define SIZE(type) \
	SHOW("size of struct " #type, sizeof(struct type))
#define PLACE(type, member) do { \
	SHOW("offset of struct " #type "." #member, offsetof(struct type, member)); \
	SHOW("size of struct " #type "." #member, sizeof_field(struct type, member)); \
} while (0)

void abi_layout(void);

void abi_layout(void)
{
	SIZE(klp_func);
	PLACE(klp_func, old_name);
	PLACE(klp_func, new_func);
	PLACE(klp_func, old_sympos);
	PLACE(klp_func, old_func);

	SIZE(klp_callbacks);
	PLACE(klp_callbacks, pre_patch);
	PLACE(klp_callbacks, post_patch);
	PLACE(klp_callbacks, pre_unpatch);
	PLACE(klp_callbacks, post_unpatch);

	SIZE(klp_object);
	PLACE(klp_object, name);
	PLACE(klp_object, funcs);
	PLACE(klp_object, callbacks);
	PLACE(klp_object, mod);

	SIZE(klp_state);
	PLACE(klp_state, id);
	PLACE(klp_state, version);
	PLACE(klp_state, data);

	SIZE(klp_patch);
	PLACE(klp_patch, mod);
	PLACE(klp_patch, objs);
	PLACE(klp_patch, states);
	PLACE(klp_patch, replace);
	PLACE(klp_patch, enabled);

	SHOW("KLP_TRANSITION_IDLE", KLP_TRANSITION_IDLE);
	SHOW("KLP_TRANSITION_UNPATCHED", KLP_TRANSITION_UNPATCHED);
	SHOW("KLP_TRANSITION_PATCHED", KLP_TRANSITION_PATCHED);
}

/* The prototypes that modules call: another type does not compile. */
static int (*const enable)(struct klp_patch *patch) __used = klp_enable_patch;
static struct klp_state *(*const state)(struct klp_patch *patch, unsigned long id) __used =
	klp_get_state;
static struct klp_state *(*const prev_state)(unsigned long id) __used = klp_get_prev_state;
static void *(*const get)(void *obj, unsigned long id) __used = klp_shadow_get;
static void *(*const alloc)(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
			    klp_shadow_ctor_t ctor, void *ctor_data) __used = klp_shadow_alloc;
static void *(*const get_or_alloc)(void *obj, unsigned long id, size_t size, gfp_t gfp_flags,
				   klp_shadow_ctor_t ctor, void *ctor_data) __used =
	klp_shadow_get_or_alloc;
static void (*const free)(void *obj, unsigned long id, klp_shadow_dtor_t dtor) __used =
	klp_shadow_free;
static void (*const free_all)(unsigned long id, klp_shadow_dtor_t dtor) __used =
	klp_shadow_free_all;
static int (*const ctor)(void *obj, void *shadow_data, void *ctor_data) __used =
	(klp_shadow_ctor_t)NULL;
static void (*const dtor)(void *obj, void *shadow_data) __used = (klp_shadow_dtor_t)NULL;
