// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What can be seen and done in /sys/kernel/livepatch?
 *
 *	PATCH/			module name of the patch
 *	  enabled transition force replace replace_set leave_kernel stack_order
 *	  OBJECT/		"vmlinux" or a module name
 *	    patched
 *	    FUNCTION,POSITION/	empty
 *
 * Entries of objects and functions are removed with klp_mutex held, so their files must not take
 * it. The patch's own directory is removed without, so its files may.
 *
 * Documentation/ABI/testing/sysfs-kernel-livepatch describes each file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include "internal.h"

static struct kobject *klp_sysfs_root;

static struct klp_patch *klp_patch_of(struct kobject *kobj)
{
	return container_of(kobj, struct klp_patch, kobj);
}

static int klp_patch_request(struct klp_patch *patch, bool enable)
{
	lockdep_assert_held(&klp_mutex);

	if (patch->enabled == enable)
		return -EINVAL;
	if (patch == klp_transition_patch)
		return klp_transition_reverse();
	/* Who has been disabled comes back by loading the module again. */
	return enable ? -EINVAL : klp_patch_disable(patch);
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			     size_t count)
{
	bool enable;
	int ret;

	ret = kstrtobool(buf, &enable);
	if (ret)
		return ret;

	guard(mutex)(&klp_mutex);

	ret = klp_patch_request(klp_patch_of(kobj), enable);
	if (ret)
		return ret;
	/* Most transitions need one round: let the writer find it done. */
	klp_transition_round();
	return count;
}

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(klp_patch_of(kobj)->enabled));
}

static ssize_t transition_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(klp_transition_patch) == klp_patch_of(kobj));
}

static ssize_t force_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			   size_t count)
{
	bool force;
	int ret;

	ret = kstrtobool(buf, &force);
	if (ret)
		return ret;
	if (!force)
		return count;

	guard(mutex)(&klp_mutex);

	if (klp_patch_of(kobj) != klp_transition_patch)
		return -EINVAL;
	klp_transition_force();
	klp_transition_round();
	return count;
}

static ssize_t replace_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", klp_patch_of(kobj)->replace);
}

static ssize_t replace_set_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", klp_patch_of(kobj)->replace_set);
}

static ssize_t leave_kernel_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", klp_patch_of(kobj)->leave_kernel);
}

static ssize_t stack_order_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct klp_patch *patch;
	int order = 0;

	/* Anybody may read this, and callbacks may hold the lock for long. */
	scoped_cond_guard(mutex_intr, return -ERESTARTSYS, &klp_mutex) {
		list_for_each_entry(patch, &klp_patches, list) {
			order++;
			if (patch == klp_patch_of(kobj))
				return sysfs_emit(buf, "%d\n", order);
		}
	}
	/* It has left the stack, its directory is about to go. */
	return -ENODEV;
}

static ssize_t pending_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	bool moving = READ_ONCE(klp_transition_patch) == klp_patch_of(kobj);

	return sysfs_emit(buf, "%u\n", moving ? klp_tasks_pending() : 0);
}

static ssize_t forced_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(klp_patch_of(kobj)->forced));
}

static struct kobj_attribute enabled_attr = __ATTR_RW(enabled);
static struct kobj_attribute transition_attr = __ATTR_RO(transition);
static struct kobj_attribute force_attr = __ATTR_WO(force);
static struct kobj_attribute replace_attr = __ATTR_RO(replace);
static struct kobj_attribute replace_set_attr = __ATTR_RO(replace_set);
static struct kobj_attribute leave_kernel_attr = __ATTR_RO(leave_kernel);
static struct kobj_attribute stack_order_attr = __ATTR_RO(stack_order);
static struct kobj_attribute pending_attr = __ATTR_RO(pending);
static struct kobj_attribute forced_attr = __ATTR_RO(forced);

static struct attribute *klp_patch_attrs[] = {
	&enabled_attr.attr,
	&transition_attr.attr,
	&force_attr.attr,
	&replace_attr.attr,
	&replace_set_attr.attr,
	&leave_kernel_attr.attr,
	&stack_order_attr.attr,
	&pending_attr.attr,
	&forced_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(klp_patch);

static ssize_t patched_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct klp_object *obj = container_of(kobj, struct klp_object, kobj);

	return sysfs_emit(buf, "%d\n", READ_ONCE(obj->patched));
}

static struct kobj_attribute patched_attr = __ATTR_RO(patched);

static struct attribute *klp_object_attrs[] = {
	&patched_attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(klp_object);

/* Patches, static objects and functions belong to a module, which waits for this. */
static void klp_patch_release(struct kobject *kobj)
{
	complete(&klp_patch_of(kobj)->finish);
}

static void klp_object_release(struct kobject *kobj)
{
	struct klp_object *obj = container_of(kobj, struct klp_object, kobj);

	if (obj->dynamic)
		kfree(obj);
}

static void klp_func_release(struct kobject *kobj)
{
	struct klp_func *func = container_of(kobj, struct klp_func, kobj);

	if (func->nop)
		kfree(func);
}

static const struct kobj_type klp_patch_ktype = {
	.release = klp_patch_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = klp_patch_groups,
};

static const struct kobj_type klp_object_ktype = {
	.release = klp_object_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = klp_object_groups,
};

static const struct kobj_type klp_func_ktype = {
	.release = klp_func_release,
	.sysfs_ops = &kobj_sysfs_ops,
};

/* The directory of an object stands beside the files of its patch. */
static int klp_sysfs_check_object(const struct klp_patch *patch, const struct klp_object *obj)
{
	struct attribute **attr;

	for (attr = klp_patch_attrs; *attr; attr++) {
		if (strcmp((*attr)->name, klp_object_name(obj)))
			continue;
		pr_err("patch '%s': object '%s' has the name of a file of the patch in sysfs\n",
		       patch->mod->name, klp_object_name(obj));
		return -EINVAL;
	}
	return 0;
}

static int klp_sysfs_add_object(struct klp_patch *patch, struct klp_object *obj)
{
	struct klp_func *func;
	int ret;

	ret = klp_sysfs_check_object(patch, obj);
	if (ret)
		return ret;
	ret = kobject_add(&obj->kobj, &patch->kobj, "%s", klp_object_name(obj));
	if (ret)
		return ret;

	klp_for_each_func(obj, func) {
		if (func->hidden)
			continue;
		ret = kobject_add(&func->kobj, &obj->kobj, "%s,%lu", func->old_name,
				  func->old_sympos ?: 1);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * klp_sysfs_add() - show a patch, its objects and functions
 * @patch: an admitted patch
 *
 * From here on all of them are reference counted, also after an error: klp_object_drop() and the
 * last kobject_put() of the patch free what is to be freed.
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0, or an error after a message.
 */
int klp_sysfs_add(struct klp_patch *patch)
{
	struct klp_object *obj;
	struct klp_func *func;
	int ret = -ENODEV;

	kobject_init(&patch->kobj, &klp_patch_ktype);
	klp_for_each_object(patch, obj) {
		kobject_init(&obj->kobj, &klp_object_ktype);
		klp_for_each_func(obj, func)
			kobject_init(&func->kobj, &klp_func_ktype);
	}

	if (klp_sysfs_root)
		ret = kobject_add(&patch->kobj, klp_sysfs_root, "%s", patch->mod->name);

	klp_for_each_object(patch, obj) {
		if (!ret)
			ret = klp_sysfs_add_object(patch, obj);
	}

	if (ret)
		pr_err("patch '%s': cannot be shown in sysfs (%d)\n", patch->mod->name, ret);
	return ret;
}

/**
 * klp_sysfs_init() - create /sys/kernel/livepatch
 *
 * Context: initcall.
 * Return: 0 or -ENOMEM.
 */
int __init klp_sysfs_init(void)
{
	klp_sysfs_root = kobject_create_and_add("livepatch", kernel_kobj);
	return klp_sysfs_root ? 0 : -ENOMEM;
}
