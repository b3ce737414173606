// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can this module be loaded now?  All that can be known without asking the kernel to do it: every
 * problem is told, with what to do about it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

static int check_marked(const struct module_file *m)
{
	if (m->livepatch)
		return 0;
	error("%s is no livepatch: modinfo does not have livepatch=Y", m->path);
	next_step("an ordinary module is loaded with: insmod %s", m->path);
	return 1;
}

/* It has to be the one of RELEASE, whatever else is in it. */
static int check_vermagic(const struct module_file *m, const char *release)
{
	size_t len;

	if (!m->vermagic) {
		error("%s has no vermagic: it is no complete kernel module", m->path);
		next_step("build it with the kernel's own build system, up to the .ko file");
		return 1;
	}
	len = strcspn(m->vermagic, " ");
	if (strlen(release) == len && !strncmp(m->vermagic, release, len))
		return 0;
	error("%s is built for kernel %.*s, this is %s", m->path, (int)len, m->vermagic, release);
	next_step("get the patch for this kernel, or boot that one");
	return 1;
}

/* Where lockdown is on, its mode stands in brackets. */
static int wants_signature(void)
{
	char *lockdown = read_line("/sys/kernel/security/lockdown");
	int ret = read_number("/sys/module/module/parameters/sig_enforce") == 1 ||
		(lockdown && strchr(lockdown, '[') && !strstr(lockdown, "[none]"));

	free(lockdown);
	return ret;
}

static int check_signature(const struct module_file *m)
{
	if (m->is_signed || !wants_signature())
		return 0;
	error("%s has no signature, and this kernel loads no module without", m->path);
	next_step("sign it with scripts/sign-file and a key that the kernel trusts");
	return 1;
}

/* What the administrator has switched off. */
static int check_kernel(void)
{
	int bad = 0;

	if (read_number("/proc/sys/kernel/modules_disabled") == 1) {
		error("this kernel takes no modules any more: kernel.modules_disabled is 1");
		next_step("only a reboot changes that");
		bad = 1;
	}
	if (!read_number("/proc/sys/kernel/ftrace_enabled")) {
		error("no patch can be loaded while kernel.ftrace_enabled is 0");
		next_step("switch it on: sysctl kernel.ftrace_enabled=1");
		bad = 1;
	}
	return bad;
}

static int check_name(const struct module_file *m)
{
	if (patch_exists(m->name))
		await_leaving(m->name);
	if (patch_exists(m->name)) {
		error("%s: patch %s is loaded already", m->path, m->name);
		next_step("look at it: klp show %s; to load it anew: klp unload %s", m->name,
			  m->name);
		return 1;
	}
	if (module_loaded(m->name) && !module_is_livepatch(m->name)) {
		error("%s: module %s is loaded, and that is no livepatch", m->path, m->name);
		next_step("look at it: modinfo %s; to remove it: rmmod %s", m->name, m->name);
		return 1;
	}
	return 0;
}

static int check_depends(const struct module_file *m)
{
	char *list = copy(m->depends ? m->depends : ""), *rest = list, *name;
	int bad = 0;

	while ((name = strsep(&rest, ","))) {
		char *module = module_name(name);

		if (*module && !exists("/sys/module/%s", module)) {
			error("%s needs module %s, which is not loaded", m->path, module);
			next_step("load it first: modprobe %s", module);
			bad = 1;
		}
		free(module);
	}
	free(list);
	return bad;
}

static int check_transition(const struct module_file *m)
{
	struct patch other;

	if (!patch_in_transition(&other))
		return 0;
	error("%s: patch %s is in transition, and there can be but one", m->path, other.name);
	next_step("wait: klp wait; see who holds it up: klp blockers; turn back: klp reverse %s",
		  other.name);
	patch_free(&other);
	return 1;
}

static int check_user(void)
{
	if (*root) {
		error("with --root klp only looks, nothing can be loaded");
		next_step("leave out --root");
		return 1;
	}
	if (!geteuid())
		return 0;
	error("only root can load patches");
	next_step("run klp as root");
	return 1;
}

static void tell_facts(const struct module_file *m)
{
	tell("%s: patch %s%s%s, %s", m->path, m->name, m->version ? " version " : "",
	     m->version ? m->version : "", m->is_signed ? "signed" : "not signed");
	for (size_t i = 0; i < m->nr; i++) {
		const char *name = m->objects[i];
		int there = !strcmp(name, "vmlinux") || module_loaded(name);

		tell("  relocations for %s%s", name,
		     there ? "" : ", which is not loaded: patched when it comes");
	}
}

/* Can the file be a patch for the kernel RELEASE, which need not be this one? */
int check_file(const struct module_file *m, const char *release)
{
	char *running = kernel_release();
	int bad = check_marked(m);

	/* An ordinary module has failed already; the rest is about livepatches. */
	if (!bad)
		bad |= check_vermagic(m, release);
	if (!bad && !strcmp(release, running))
		bad |= check_signature(m);
	free(running);
	return bad ? KLP_FAILED : KLP_OK;
}

/* KLP_OK when nothing speaks against loading it now. */
int check_module(const struct module_file *m)
{
	char *running = kernel_release();
	int bad = check_file(m, running);

	free(running);
	if (!m->livepatch)
		return KLP_FAILED;
	bad |= check_kernel();
	bad |= check_name(m);
	bad |= check_depends(m);
	bad |= check_transition(m);
	if (!(options.given & OPT_DRY_RUN))
		bad |= check_user();
	if (bad)
		return KLP_FAILED;
	tell_facts(m);
	return KLP_OK;
}
