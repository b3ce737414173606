/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a livepatch module and the tools that build it agree on.
 *
 * The names, prefixes and layouts in this file are shared with programs that write ELF files
 * (klp-build and objtool of Linux 6.19), so it may be included from user space code too and
 * must not pull in other kernel headers than the two below.
 */
#ifndef _LINUX_LIVEPATCH_EXTERNAL_H_
#define _LINUX_LIVEPATCH_EXTERNAL_H_

#include <linux/stringify.h>
#include <linux/types.h>

/* Section ".klp.rela.OBJECT.SECTION": relocations against symbols of OBJECT. */
#define KLP_RELOC_SEC_PREFIX ".klp.rela."

/* Symbol ".klp.sym.OBJECT.NAME,POSITION": resolved by the kernel when OBJECT is there. */
#define KLP_SYM_PREFIX ".klp.sym."

/* A callback is found by the name of the pointer to it, which ends in the object's name. */
#define __KLP_PRE_PATCH_PREFIX __klp_pre_patch_callback_
#define __KLP_POST_PATCH_PREFIX __klp_post_patch_callback_
#define __KLP_PRE_UNPATCH_PREFIX __klp_pre_unpatch_callback_
#define __KLP_POST_UNPATCH_PREFIX __klp_post_unpatch_callback_

#define KLP_PRE_PATCH_PREFIX __stringify(__KLP_PRE_PATCH_PREFIX)
#define KLP_POST_PATCH_PREFIX __stringify(__KLP_POST_PATCH_PREFIX)
#define KLP_PRE_UNPATCH_PREFIX __stringify(__KLP_PRE_UNPATCH_PREFIX)
#define KLP_POST_UNPATCH_PREFIX __stringify(__KLP_POST_UNPATCH_PREFIX)

struct klp_object;

typedef int (*klp_pre_patch_t)(struct klp_object *obj);
typedef void (*klp_post_patch_t)(struct klp_object *obj);
typedef void (*klp_pre_unpatch_t)(struct klp_object *obj);
typedef void (*klp_post_unpatch_t)(struct klp_object *obj);

/**
 * struct klp_callbacks - what a patch runs when one of its objects gets (un)patched
 * @pre_patch: before the object's functions are diverted; a non-zero return refuses the patch,
 *	or refuses the module when it is the module that arrives later
 * @post_patch: once every task uses the new functions
 * @pre_unpatch: before tasks start to leave the new functions
 * @post_unpatch: once nobody uses the new functions
 * @post_unpatch_enabled: internal; @pre_patch has succeeded, @post_unpatch is owed
 *
 * Each is optional. All run in process context, may sleep, and are called with klp_mutex held:
 * they must neither load or unload modules nor use the livepatch sysfs files.
 */
struct klp_callbacks {
	klp_pre_patch_t pre_patch;
	klp_post_patch_t post_patch;
	klp_pre_unpatch_t pre_unpatch;
	klp_post_unpatch_t post_unpatch;
	bool post_unpatch_enabled;
};

/**
 * struct klp_func_ext - one function as the build tool describes it
 * @old_name: name of the function to replace
 * @new_func: its replacement
 * @sympos: which of several symbols called @old_name is meant, 0 when there is one
 */
struct klp_func_ext {
	const char *old_name;
	void *new_func;
	unsigned long sympos;
};

/**
 * struct klp_object_ext - one object as the build tool describes it
 * @name: module name, NULL for vmlinux
 * @funcs: its functions, @nr_funcs of them, no terminating entry
 * @callbacks: see &struct klp_callbacks
 * @nr_funcs: number of @funcs
 *
 * The tool emits these into the section ".init.klp_objects", which the module's init function
 * finds with klp_find_section_by_name().
 */
struct klp_object_ext {
	const char *name;
	struct klp_func_ext *funcs;
	struct klp_callbacks callbacks;
	unsigned int nr_funcs;
};

#endif /* _LINUX_LIVEPATCH_EXTERNAL_H_ */
