// SPDX-License-Identifier: GPL-2.0-only
/*
 * How does a patch get into force?  Room is made for its module, which is inserted and waited for;
 * and if it does not end as it should, back to where everything was when that is wanted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

static void explain(const struct module_file *m, int err, int refused)
{
	if (refused) {
		next_step("the patch itself refuses to be enabled here: ask its author");
		return;
	}
	switch (-err) {
	case EPERM:
		not_permitted("a kernel that is locked down wants a signature");
		break;
	case ENOEXEC:
		next_step("it is built for another version or configuration: modinfo %s", m->path);
		break;
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
	case ENOPKG:
		next_step("sign it with a key that the kernel trusts");
		break;
	case EBUSY:
		next_step("another transition has begun: klp wait, then try again");
		break;
	case ENOENT:
		next_step("a symbol is missing: load the module that has it");
		break;
	case EEXIST:
		if (patch_exists(m->name))
			next_step("it is loaded already, by somebody else: klp list");
		else
			next_step("a module of this name is loaded: klp unload %s", m->name);
		break;
	default:
		next_step("see Documentation/livepatch/livepatch.rst, \"When a patch is refused\"");
	}
}

static int insert(const struct module_file *m, char **params, int nr)
{
	int kmsg = kmsg_mark(), err = module_insert(m, params, nr);

	if (err) {
		error("%s: the kernel refuses patch %s: %s", m->path, m->name, strerror(-err));
		explain(m, err, kmsg_tell(kmsg, m->name));
	} else if (!patch_exists(m->name)) {
		err = -ENODEV;
		error("%s: module %s is loaded, but it has not enabled a patch", m->path, m->name);
		kmsg_tell(kmsg, m->name);
		next_step("remove it: rmmod %s; its author has to call klp_enable_patch()",
			  m->name);
	}
	if (kmsg >= 0)
		close(kmsg);
	return err ? KLP_FAILED : KLP_OK;
}

/* With STATUS when that has worked. */
static int revert(const char *name, int status)
{
	int ret;

	patience(1);
	ret = change_withdraw(name, options.timeout);
	patience(0);
	if (ret)
		return ret;
	tell("%s: reverted, its module is removed", name);
	return status;
}

/* Of a patch that has been in force before, the module may still be loaded; it cannot come back. */
static int make_room(const char *name)
{
	int status;

	if (!is_left_over(name))
		return KLP_OK;
	status = module_remove(name);
	if (!status)
		tell("%s: was loaded, but not in force; its module is removed first", name);
	return status;
}

/* With parameters; whoever has called has had it checked. */
int load_module(const struct module_file *m, char **params, int nr)
{
	int status = KLP_FAILED;

	if (*root) {
		error("%s: with --root klp only looks, nothing can be loaded", m->path);
		next_step("leave out --root");
		return status;
	}
	/* From the first moment on there is something to turn back. */
	if (options.revert)
		catch_interrupts();
	status = change_begin();
	if (status)
		return status;
	status = make_room(m->name);
	if (!status)
		status = insert(m, params, nr);
	change_end();
	if (!status && (options.given & OPT_NO_WAIT)) {
		tell("%s: on the way to patched", m->name);
	} else if (!status) {
		status = wait_and_tell(m->name, OUTCOME_PATCHED);
		if ((status == KLP_TIMEOUT || status == KLP_INTERRUPTED) && options.revert)
			status = revert(m->name, status);
	}
	return status;
}
