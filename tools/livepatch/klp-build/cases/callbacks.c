// SPDX-License-Identifier: GPL-2.0-only
/* Callbacks of the case of this name, for the kernel and for a module. */
#include <linux/kernel.h>

static int pre_patch_vmlinux(struct klp_object *obj)
{
	pr_info("callbacks: vmlinux is about to be patched\n");
	return 0;
}

static void post_unpatch_vmlinux(struct klp_object *obj)
{
	pr_info("callbacks: vmlinux is as it was\n");
}

static void post_patch_lkdtm(struct klp_object *obj)
{
	pr_info("callbacks: %s is patched\n", obj->name);
}
