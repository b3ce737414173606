// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does the module say in C?  A plain struct klp_patch with the functions that are replaced,
 * meant to be read, kept and edited, and a makefile of kbuild beside it. It loads on a stock
 * kernel, too, unless something was asked for that only ours has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "build.h"

static struct piece **carried;
static size_t nr_carried;
static struct piece **replaced;
static size_t nr_replaced;

static int by_object_and_name(const void *a, const void *b)
{
	const struct piece *x = *(struct piece * const *)a, *y = *(struct piece * const *)b;
	const struct unit *u = unit_of(x), *v = unit_of(y);
	int order = strcmp(u->module, v->module);

	/* vmlinux first. */
	if (order)
		return unit_is_module(u) != unit_is_module(v) ? unit_is_module(u) -
			unit_is_module(v) : order;
	order = strcmp(u->source, v->source);
	return order ? order : strcmp(x->symbol->name, y->symbol->name);
}

static void collect(struct piece **pieces, size_t nr)
{
	carried = pieces;
	nr_carried = nr;
	for (size_t i = 0; i < nr; i++) {
		if (!pieces[i]->c_name || pieces[i]->callback)
			continue;
		replaced = grow(replaced, nr_replaced, sizeof(*replaced));
		replaced[nr_replaced++] = pieces[i];
	}
	qsort(replaced, nr_replaced, sizeof(*replaced), by_object_and_name);
}

static const char *module_of(size_t i)
{
	return unit_of(replaced[i])->module;
}

static int is_first_of_object(size_t i)
{
	return !i || strcmp(module_of(i), module_of(i - 1));
}

/* What cannot stand in a comment or a string of C is left out. */
static char *harmless(const char *text)
{
	char *clean = copy(text), *to = clean;

	for (const char *c = text; *c; c++) {
		if (*c >= ' ' && *c < 0x7f && !strchr("\"\\*?", *c))
			*to++ = *c;
	}
	*to = '\0';
	return clean;
}

static void write_head(FILE *f)
{
	fputs("// SPDX-License-" "Identifier: GPL-2.0\n"
	      "/*\n * Made by klp-build " KLP_VERSION " from:\n *\n", f);
	for (size_t i = 0; i < choices.nr_patches; i++) {
		char *clean = harmless(name_of_file(choices.patches[i]));

		fprintf(f, " *\t%s\n", clean);
		free(clean);
	}
	fputs(" *\n * The functions themselves are in carried.bin.\n */\n", f);
	fputs("#include <linux/elfnote.h>\n"
	      "#include <linux/livepatch.h>\n"
	      "#include <linux/module.h>\n\n", f);
	if (choices.callbacks)
		fputs("#include \"callbacks.c\"\n\n", f);
}

static void write_function(FILE *f, size_t i)
{
	const struct kernel_symbol *name = reach_replaced(replaced[i]);

	fprintf(f, "\t{\n\t\t.old_name = \"%s\",\n\t\t.new_func = %s,\n", name->name,
		replaced[i]->c_name);
	if (name->sympos)
		fprintf(f, "\t\t.old_sympos = %lu,\n", name->sympos);
	fputs("\t},\n", f);
}

static int is_kernel(const char *module)
{
	return !strcmp(module, "vmlinux");
}

/* Guards are of the kernel, of which nothing else may be in. */
static int are_guards_alone(void)
{
	for (size_t i = 0; i < nr_replaced; i++) {
		if (is_kernel(module_of(i)))
			return 0;
	}
	return choices.nr_guards != 0;
}

static void write_guards(FILE *f, const char *module)
{
	for (size_t i = 0; i < choices.nr_guards && is_kernel(module); i++)
		fprintf(f, "\t{\n\t\t.old_name = \"%s\",\n\t\t.guard = true,\n\t},\n",
			choices.guards[i]);
}

static void write_tables(FILE *f)
{
	const char *source = "";

	for (size_t i = 0; i < nr_replaced; i++) {
		if (strcmp(source, unit_of(replaced[i])->source)) {
			source = unit_of(replaced[i])->source;
			fprintf(f, "%s/* %s */\n", i ? "\n" : "", source);
		}
		fprintf(f, "void %s(void);\n", replaced[i]->c_name);
	}
	callbacks_declare(f, carried, nr_carried);
	for (size_t i = 0; i < nr_replaced; i++) {
		if (is_first_of_object(i))
			fprintf(f, "\nstatic struct klp_func %s_funcs[] = {\n", module_of(i));
		write_function(f, i);
		if (i + 1 < nr_replaced && !is_first_of_object(i + 1))
			continue;
		write_guards(f, module_of(i));
		fputs("\t{ }\n};\n", f);
	}
	if (are_guards_alone()) {
		fputs("\nstatic struct klp_func vmlinux_funcs[] = {\n", f);
		write_guards(f, "vmlinux");
		fputs("\t{ }\n};\n", f);
	}
}

static void write_objects(FILE *f)
{
	fputs("\nstatic struct klp_object objs[] = {\n", f);
	for (size_t i = 0; i < nr_replaced; i++) {
		if (!is_first_of_object(i))
			continue;
		fputs("\t{\n", f);
		if (!is_kernel(module_of(i)))
			fprintf(f, "\t\t.name = \"%s\",\n", module_of(i));
		fprintf(f, "\t\t.funcs = %s_funcs,\n", module_of(i));
		callbacks_write(f, module_of(i), carried, nr_carried);
		fputs("\t},\n", f);
	}
	if (are_guards_alone())
		fputs("\t{\n\t\t.funcs = vmlinux_funcs,\n\t},\n", f);
	fputs("\t{ }\n};\n", f);
}

static void write_patch(FILE *f)
{
	if (choices.nr_supersedes) {
		fputs("\nstatic const unsigned int supersedes[] = { ", f);
		for (size_t i = 0; i < choices.nr_supersedes; i++)
			fprintf(f, "%ld, ", choices.supersedes[i]);
		fputs("0 };\n", f);
	}
	fputs("\nstatic struct klp_patch patch = {\n\t.mod = THIS_MODULE,\n\t.objs = objs,\n", f);
	if (choices.replace)
		fputs("\t.replace = true,\n", f);
	if (choices.set != UNKNOWN)
		fprintf(f, "\t.replace_set = %ld,\n", choices.set);
	if (choices.nr_supersedes)
		fputs("\t.supersedes = supersedes,\n", f);
	if (callbacks_states())
		fputs("\t.states = states,\n", f);
	if (choices.leave_kernel)
		fputs("\t.leave_kernel = true,\n", f);
	fputs("};\n", f);
}

/* Sum and name of each patch: in modinfo, and in a note, which the kernel shows of loaded ones. */
static void write_origin(FILE *f)
{
	char **lines = allocate((choices.nr_patches + 1) * sizeof(*lines));

	for (size_t i = 0; i < choices.nr_patches; i++) {
		char *clean = harmless(name_of_file(choices.patches[i]));
		char *sum = checksum(choices.patches[i]);

		lines[i] = format("%s %s", sum, clean);
		fprintf(f, "MODULE_INFO(klp_patch, \"%s\");\n", lines[i]);
		free(sum);
		free(clean);
	}
	fputs("MODULE_INFO(klp_build, \"" KLP_VERSION "\");\n", f);
	fputs("\n/* /sys/module/NAME/notes/.note.klp-build */\n"
	      "ELFNOTE32(\"klp-build\", 1, \"klp-build " KLP_VERSION "\\n\"", f);
	for (size_t i = 0; i < choices.nr_patches; i++)
		fprintf(f, "\n\t  \"%s\\n\"", lines[i]);
	fputs(");\n", f);
	free_list(lines, choices.nr_patches);
}

static void write_end(FILE *f)
{
	fputs("\nstatic int __init livepatch_init(void)\n"
	      "{\n\treturn klp_enable_patch(&patch);\n}\n\n"
	      "static void __exit livepatch_exit(void)\n{\n}\n\n"
	      "module_init(livepatch_init);\nmodule_exit(livepatch_exit);\n"
	      "MODULE_LICENSE(\"GPL\");\nMODULE_INFO(livepatch, \"Y\");\n", f);
	write_origin(f);
}

static FILE *create(const char *directory, const char *name)
{
	char *path = format("%s/%s", directory, name);
	FILE *f = fopen(path, "we");

	if (!f)
		stop(KLP_FAILED, NULL, "%s: %s", path, strerror(errno));
	free(path);
	return f;
}

static void finish(FILE *f, const char *directory)
{
	if (ferror(f) || fclose(f))
		stop(KLP_FAILED, NULL, "%s: %s", directory, strerror(errno));
}

/* What the name of a symbol until the link becomes afterwards. */
static void write_symbols(const char *directory)
{
	FILE *f = create(directory, "symbols");
	size_t nr;
	struct external **all = reach_externals(&nr);

	fputs("# Name until the link, object that has to be there, livepatch symbol\n", f);
	for (size_t i = 0; i < nr; i++) {
		char *name = external_name(all[i]);

		if (!all[i]->plain)
			fprintf(f, "%s %s %s\n", all[i]->link_name, all[i]->needs, name);
		free(name);
	}
	finish(f, directory);
}

static void write_makefile(const char *directory)
{
	FILE *f = create(directory, "Makefile");

	fputs("# SPDX-License-" "Identifier: GPL-2.0\n"
	      "# make KDIR=BUILD: the kernel's build folder.\n"
	      "ifneq ($(KERNELRELEASE),)\n", f);
	fprintf(f, "obj-m := %s.o\n%s-y := main.o carried.o\n", choices.name, choices.name);
	fputs("ccflags-y := -g0\n"
	      "OBJECT_FILES_NON_STANDARD_carried.o := y\n\n"
	      "quiet_cmd_carry = COPY    $@\n"
	      "      cmd_carry = cat $< >$@\n\n"
	      "$(obj)/carried.o: $(obj)/carried.bin FORCE\n"
	      "\t$(call if_changed,carry)\n"
	      "targets += carried.o\n"
	      "else\n"
	      "KDIR ?= /lib/modules/$(shell uname -r)/build\n"
	      "all:\n"
	      "\t$(MAKE) -C $(KDIR) M=$(CURDIR) modules\n", f);
	fprintf(f, "\tklp-build --post-link symbols %s.ko\n", choices.name);
	fputs(".PHONY: all\nendif\n", f);
	finish(f, directory);
}

/* Sources for a module in DIRECTORY, where carried.bin stands already. */
void generate(struct piece **pieces, size_t nr, const char *directory)
{
	FILE *f = create(directory, "main.c");

	collect(pieces, nr);
	write_head(f);
	write_tables(f);
	write_objects(f);
	write_patch(f);
	write_end(f);
	finish(f, directory);
	write_symbols(directory);
	write_makefile(directory);
}
