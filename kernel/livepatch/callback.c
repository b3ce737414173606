// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What does a patch get to say when one of its objects is patched, or is not any more?
 *
 * Four callbacks for each object. Only the first may object, and the last is owed once for each
 * time that it did not; Documentation/livepatch/callbacks.rst says when they run.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include "internal.h"

/*
 * What the return value of a callback comes to. The module loader takes all but error numbers for
 * success when it comes to that.
 */
int klp_callback_result(int ret)
{
	return !ret || IS_ERR_VALUE((long)ret) ? ret : -EINVAL;
}

/**
 * klp_object_pre_patch() - ask the patch before its object gets patched
 * @patch: the patch
 * @obj: the object
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0, or the error that the callback returns, after a message; -EINVAL when what it returns
 * is neither.
 */
int klp_object_pre_patch(struct klp_patch *patch, struct klp_object *obj)
{
	int said = obj->callbacks.pre_patch ? obj->callbacks.pre_patch(obj) : 0;
	int ret = klp_callback_result(said);

	if (ret != said)
		pr_err("patch '%s': pre_patch of object '%s' returned %d, which is no error number\n",
		       patch->mod->name, klp_object_name(obj), said);
	if (ret)
		pr_warn("pre-patch callback failed for object '%s'\n", klp_object_name(obj));
	obj->callbacks.post_unpatch_enabled = !ret;
	return ret;
}

/* Everybody uses the new functions of @obj. klp_mutex; sleeps. */
void klp_object_post_patch(struct klp_object *obj)
{
	if (obj->callbacks.post_patch)
		obj->callbacks.post_patch(obj);
}

/* Tasks are about to leave the new functions of @obj. klp_mutex; sleeps. */
void klp_object_pre_unpatch(struct klp_object *obj)
{
	if (obj->callbacks.pre_unpatch)
		obj->callbacks.pre_unpatch(obj);
}

/* Is there a post_unpatch to call? klp_mutex. */
bool klp_object_takes_down(const struct klp_object *obj)
{
	return obj->callbacks.post_unpatch_enabled && obj->callbacks.post_unpatch;
}

/* Nobody uses the new functions of @obj; owed once for each pre_patch. klp_mutex; sleeps. */
void klp_object_post_unpatch(struct klp_object *obj)
{
	if (klp_object_takes_down(obj))
		obj->callbacks.post_unpatch(obj);
	obj->callbacks.post_unpatch_enabled = false;
}
