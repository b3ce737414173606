// SPDX-License-Identifier: GPL-2.0-only
/*
 * How does a module get out of the kernel?  When nobody uses it any more; what is in the way may be
 * its patch.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "klp.h"

#define REMOVE_WITHIN	10	/* seconds; the kernel lets go a moment after the patch has gone */

int module_remove(const char *name)
{
	double start = now();
	int ret;

	if (*root) {
		error("module %s: with --root klp only looks, nothing can be removed", name);
		next_step("leave out --root");
		return KLP_FAILED;
	}
	ret = change_begin();
	if (ret)
		return ret;
	for (;;) {
		ret = syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
		if ((ret != -EWOULDBLOCK && ret != -EBUSY) || now() - start > REMOVE_WITHIN ||
		    interrupted())
			break;
		nap(0.05);
	}
	change_end();
	/* Whoever has asked has seen it: somebody else has removed it. */
	if (!ret || ret == -ENOENT)
		return KLP_OK;

	error("module %s cannot be removed: %s", name, strerror(-ret));
	if (ret == -EPERM)
		not_permitted("see /proc/sys/kernel/modules_disabled");
	else if (ret == -EWOULDBLOCK && !patch_exists(name))
		next_step("lsmod tells who uses it; after klp force it stays until reboot");
	else
		next_step("see whether its patch is still there: klp list");
	return KLP_FAILED;
}
