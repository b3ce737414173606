// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A livepatch whose code refers to things that are not exported. All symbols that are declared
 * weak here stay undefined when kbuild is done; klprela then turns the relocations against them
 * into livepatch relocations. As it stands this module cannot be loaded.
 */

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include "klpt_lib.h"

/*
 * Of vmlinux, and of klpt_target. What is weak for the compiler is looked up in a GOT; modules of
 * arm64 have none.
 */
#ifdef CONFIG_ARM64
extern char *saved_command_line;
extern char *klpt_datum;
asm(".weak saved_command_line, klpt_datum");
#else
extern char *saved_command_line __weak;
extern char *klpt_datum __weak;
#endif

/* The second klpt_dup() of klpt_target, and a function that nothing exports. */
int klpt_dup(void) __weak;
int klpt_hidden(int arg) __weak;

static int early;
module_param(early, int, 0400);
MODULE_PARM_DESC(early, "call a function of the target in init, which has to be there");

static klpt_func int new_cmdline(struct seq_file *m, void *unused)
{
	seq_printf(m, "relocated %s\n", saved_command_line);
	return 0;
}

static klpt_func int new_value(void)
{
	return klpt_hidden(2);
}

/* Many relocations against one symbol. */
static klpt_func int new_other(void)
{
	return klpt_hidden(0) + klpt_hidden(1) + klpt_hidden(2) + klpt_hidden(3) + klpt_hidden(4) +
	       klpt_hidden(5) + klpt_hidden(6) + klpt_hidden(7) + klpt_hidden(8) + klpt_hidden(9);
}

static klpt_func int new_third(void)
{
	return klpt_dup() + strlen(klpt_datum);
}

static struct klp_func vmlinux_funcs[] = {
	{ .old_name = "cmdline_proc_show", .new_func = new_cmdline },
	{ }
};

static struct klp_func target_funcs[] = {
	{ .old_name = "klpt_value", .new_func = new_value },
	{ .old_name = "klpt_other", .new_func = new_other },
	{ .old_name = "klpt_third", .new_func = new_third },
	{ }
};

static struct klp_object objs[] = {
	{ .funcs = vmlinux_funcs },
	{ .name = "klpt_target", .funcs = target_funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

/* Has relocations in a section that is given back, whether it is used or not. */
static int __init klpt_reloc_init(void)
{
	int ret = klp_enable_patch(&patch);

	if (!ret && early)
		klpt_log("klpt_reloc early %d", klpt_hidden(early));
	return ret;
}

static void __exit klpt_reloc_exit(void)
{
}

module_init(klpt_reloc_init);
module_exit(klpt_reloc_exit);
MODULE_DESCRIPTION("Livepatch selftests: livepatch relocations");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
