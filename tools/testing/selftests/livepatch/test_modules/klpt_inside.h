/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A livepatch of functions of vmlinux that it knows nothing about, as many as one likes; included
 * once by each klpt_iN.c.
 *
 * functions=NAME,NAME,...
 *	guards
 * functions=NAME=ADDRESS,NAME=ADDRESS,...
 *	replaced by what goes straight on into the original. ADDRESS is where ftrace is called from,
 *	in hexadecimal; x86-64 only. Guards and such may be mixed.
 *
 * Whatever arguments a function has, its replacement leaves them where they are: it is one of many
 * thunks, which push the address behind the original's call of ftrace and return to it. Not a jump,
 * since there is no endbr64. What is on the stack of a task afterwards belongs to the original.
 */
#include <linux/kernel.h>
#include <linux/linkage.h>
#include <linux/livepatch.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

static bool replace;
module_param(replace, bool, 0400);
MODULE_PARM_DESC(replace, "replace the patches that are enabled");

/* A string of any length, unlike charp. */
static char *functions;

static int functions_set(const char *text, const struct kernel_param *kp)
{
	functions = kstrdup(text, GFP_KERNEL);
	return functions ? 0 : -ENOMEM;
}

static const struct kernel_param_ops functions_ops = { .set = functions_set };
module_param_cb(functions, &functions_ops, NULL, 0);
MODULE_PARM_DESC(functions, "what to watch or to replace");

/* Replacements */

#ifdef CONFIG_X86_64
#include <asm/ibt.h>
#include <asm/nops.h>
#include <asm/orc_types.h>
#include <asm/text-patching.h>
#include <asm/unwind_hints.h>

#define THUNKS		2048
#define THUNK_SIZE	16

/* Where each of them goes; written before it is used. */
static unsigned long klpt_places[THUNKS] __used;

asm(".pushsection .text\n"
	".macro KLPT_THUNK number\n"
	".type klpt_thunk_\\number, @function\n"
	"klpt_thunk_\\number:\n"
	ASM_ENDBR
	"pushq klpt_places + 8 * \\number(%rip)\n"
	UNWIND_HINT_FUNC
	ASM_RET
	".size klpt_thunk_\\number, . - klpt_thunk_\\number\n"
	".balign " __stringify(THUNK_SIZE) ", 0xcc\n"
	".endm\n"
	".altmacro\n"
	".set klpt_number, 0\n"
	".balign " __stringify(THUNK_SIZE) ", 0xcc\n"
	"klpt_thunks:\n"
	".rept " __stringify(THUNKS) "\n"
	"KLPT_THUNK %klpt_number\n"
	".set klpt_number, klpt_number + 1\n"
	".endr\n"
	"klpt_thunks_end:\n"
	".noaltmacro\n"
	".popsection");

extern char klpt_thunks[], klpt_thunks_end[];

/* ftrace is called from there, or could be. */
static bool is_place(const u8 *place)
{
	static const u8 nop[] = { BYTES_NOP5 };

	return *place == CALL_INSN_OPCODE || !memcmp(place, nop, sizeof(nop));
}

/* A replacement that goes on behind @place; NULL if it is none, or there are too many. */
static void *make_thunk(unsigned long place)
{
	static unsigned int used;

	/* All of them have the size that they should have. */
	if (klpt_thunks_end - klpt_thunks != THUNKS * THUNK_SIZE)
		return NULL;
	if (used == THUNKS || !is_place((const u8 *)place))
		return NULL;
	klpt_places[used] = place + MCOUNT_INSN_SIZE;
	return klpt_thunks + THUNK_SIZE * used++;
}
#else
static void *make_thunk(unsigned long place)
{
	return NULL;
}
#endif

/* The patch */

static struct klp_object objs[2];

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objs,
};

static int read_function(struct klp_func *func, char *text)
{
	char *by = text;
	unsigned long place;
	int ret;

	func->old_name = strsep(&by, "=");
	func->guard = !by;
	if (!by)
		return 0;
	ret = kstrtoul(by, 16, &place);
	if (ret)
		return ret;
	func->new_func = make_thunk(place);
	if (func->new_func)
		return 0;
	pr_err("functions: no way to go on behind %s in '%s'\n", by, text);
	return -EINVAL;
}

static int read_functions(struct klp_func *func)
{
	char *rest = functions, *token;
	int ret;

	while ((token = strsep(&rest, ","))) {
		ret = read_function(func++, token);
		if (ret)
			return ret;
	}
	return 0;
}

static void forget(void)
{
	kvfree(objs[0].funcs);
	kfree(functions);
}

static int __init klpt_inside_init(void)
{
	unsigned int nr = 2;
	int ret;

	if (!functions)
		return -EINVAL;
	for (const char *comma = functions; (comma = strchr(comma, ',')); comma++)
		nr++;
	objs[0].funcs = kvcalloc(nr, sizeof(struct klp_func), GFP_KERNEL);
	if (!objs[0].funcs) {
		forget();
		return -ENOMEM;
	}

	patch.replace = replace;
	ret = read_functions(objs[0].funcs) ?: klp_enable_patch(&patch);
	if (ret)
		forget();
	return ret;
}

static void __exit klpt_inside_exit(void)
{
	forget();
}

module_init(klpt_inside_init);
module_exit(klpt_inside_exit);
MODULE_DESCRIPTION("Livepatch selftests: functions of the kernel, watched or replaced by themselves");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
