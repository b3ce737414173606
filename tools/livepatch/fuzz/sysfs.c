// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does sysfs make of what the core adds to it?  Directories with names and references; a name
 * that is taken, none at all, or a reference that nobody has, ends the program.
 */
#include "internal.h"
#include "fuzz.h"

static LIST_HEAD(visible);
static struct kobject kernel_dir = { .name = (char *)"kernel", .refs = 1 };
struct kobject *kernel_kobj = &kernel_dir;
const struct sysfs_ops kobj_sysfs_ops;

void fuzz_attributes(struct kobject *kobj, void (*visit)(struct kobject *kobj,
							 struct kobj_attribute *attr, void *arg),
		     void *arg)
{
	const struct attribute_group **group;
	struct attribute **attr;

	for (group = kobj->ktype ? kobj->ktype->default_groups : NULL; group && *group; group++) {
		for (attr = (*group)->attrs; *attr; attr++)
			visit(kobj, container_of(*attr, struct kobj_attribute, attr), arg);
	}
}

void kobject_init(struct kobject *kobj, const struct kobj_type *ktype)
{
	if (kobj->state_initialized)
		violated("a kobject is initialized twice");
	*kobj = (struct kobject){ .ktype = ktype, .refs = 1, .state_initialized = true };
	INIT_LIST_HEAD(&kobj->node);
}

static void not_called(struct kobject *kobj, struct kobj_attribute *attr, void *name)
{
	if (!strcmp(attr->attr.name, name))
		violated("sysfs: directory %s has a file of that name, too", (char *)name);
}

int kobject_add(struct kobject *kobj, struct kobject *parent, const char *fmt, ...)
{
	struct kobject *other;
	char name[4096], *slash;
	va_list args;

	va_start(args, fmt);
	fuzz_vformat(name, sizeof(name), fmt, &args);
	va_end(args);
	while ((slash = strchr(name, '/')))
		*slash = '!';
	kobj->name = fuzz_strdup(name);
	if (!kobj->name)
		return -ENOMEM;
	if (!*name)
		violated("sysfs: a directory without a name");
	list_for_each_entry(other, &visible, node) {
		if (other->parent == parent && !strcmp(other->name, name))
			violated("sysfs: a second directory %s", name);
	}
	fuzz_attributes(parent, not_called, name);
	kobj->parent = parent;
	parent->refs++;
	list_add_tail(&kobj->node, &visible);
	fuzz.kobjects++;
	return 0;
}

void kobject_put(struct kobject *kobj)
{
	const char *name = kobj->name;
	struct kobject *parent = kobj->parent;

	if (!kobj->state_initialized || !kobj->refs)
		violated("sysfs: a reference that nobody has is put");
	if (--kobj->refs)
		return;
	if (parent) {
		list_del(&kobj->node);
		fuzz.kobjects--;
	}
	if (kobj->ktype)
		kobj->ktype->release(kobj);
	model_free(name);
	if (parent)
		kobject_put(parent);
}

struct kobject *kobject_create_and_add(const char *name, struct kobject *parent)
{
	static struct kobject root = { .refs = 1 };

	root.name = (char *)name;
	root.state_initialized = true;
	kernel_dir.state_initialized = true;
	INIT_LIST_HEAD(&root.node);
	return &root;
}
