// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp list, klp show: which patches are there, and what do they change?
 */
#include <string.h>
#include <stdlib.h>
#include "klp.h"

static enum colour colour_of(const struct patch *patch)
{
	if (patch->inactive)
		return DIM;
	return strcmp(patch_state(patch), "enabled") ? YELLOW : GREEN;
}

/* A number, or "-" where the kernel does not tell. */
static const char *number(char *buf, size_t size, long value)
{
	if (value == UNKNOWN)
		return "-";
	snprintf(buf, size, "%ld", value);
	return buf;
}

static const char *yes_no(long value)
{
	if (value == UNKNOWN)
		return "-";
	return value ? "yes" : "no";
}

static int name_width(const struct patches *all)
{
	size_t width = strlen("PATCH");

	for (size_t i = 0; i < all->nr; i++) {
		if (strlen(all->patch[i].name) > width)
			width = strlen(all->patch[i].name);
	}
	return width;
}

static void row_print(const struct patch *p, int width)
{
	char order[24], set[24], functions[24];

	print("%-5s  %-*s  ", number(order, sizeof(order), p->stack_order), width, p->name);
	print_in(colour_of(p), "%-9s", patch_state(p));
	print("  %-3s  %-7s  %9s ", number(set, sizeof(set), p->replace_set), yes_no(p->replace),
	      number(functions, sizeof(functions),
		     p->unlisted ? UNKNOWN : (long)patch_functions(p)));
	for (size_t i = 0; i < p->nr; i++)
		print(" %s%s", p->objects[i].name,
		      p->objects[i].patched == 0 ? "(not patched)" : "");
	fputc('\n', out);
}

void list_print(const struct patches *all)
{
	int width = name_width(all), hidden = 0, unseen = 0;

	if (!all->nr) {
		print("%s\n", all->hidden ? "unknown which livepatches there are" :
		      "no livepatches");
		return;
	}
	print_in(BOLD, "ORDER  %-*s  STATE      SET  REPLACE  FUNCTIONS  OBJECTS", width, "PATCH");
	fputc('\n', out);
	for (size_t i = 0; i < all->nr; i++) {
		const struct patch *p = &all->patch[i];

		row_print(p, width);
		/* One that leaves has gone from the files that would tell. */
		if (!p->inactive && !p->hidden && p->enabled == 1 &&
		    (p->stack_order == UNKNOWN || p->replace_set == UNKNOWN ||
		     p->replace == UNKNOWN))
			hidden = 1;
		unseen |= p->hidden;
	}
	if (hidden)
		fputs("\"-\": this kernel does not show it\n", out);
	else if (unseen)
		fputs("\"-\": unknown, it cannot be read\n", out);
	if (all->hidden)
		fputs("unknown which other livepatches there are\n", out);
}

static void patch_json(const struct patch *p)
{
	json_open(NULL, '{');
	json_string("name", p->name);
	json_string("state", patch_state(p));
	json_flag("enabled", p->inactive ? 0 : p->enabled);
	json_flag("transition", p->inactive ? 0 : p->transition);
	json_flag("replace", p->replace);
	json_number("replace_set", p->replace_set);
	json_flag("leave_kernel", p->leave_kernel);
	json_number("stack_order", p->stack_order);
	json_flag("forced", p->forced);
	if (p->unlisted && !p->nr) {
		json_string("objects", NULL);
		return;
	}
	json_open("objects", '[');
	for (size_t i = 0; i < p->nr; i++) {
		const struct object *object = &p->objects[i];

		json_open(NULL, '{');
		json_string("name", object->name);
		json_flag("patched", object->patched);
		if (object->unlisted) {
			json_string("functions", NULL);
			json_close();
			continue;
		}
		json_open("functions", '[');
		for (size_t j = 0; j < object->nr; j++) {
			json_open(NULL, '{');
			json_string("name", object->functions[j].name);
			json_unsigned("sympos", object->functions[j].sympos);
			json_close();
		}
		json_close();
		json_close();
	}
	json_close();
}

static void list_json(const struct patches *all)
{
	json_open(NULL, '{');
	if (all->hidden) {
		json_string("patches", NULL);
	} else {
		json_open("patches", '[');
		for (size_t i = 0; i < all->nr; i++) {
			patch_json(&all->patch[i]);
			json_close();
		}
		json_close();
	}
	json_close();
}

int cmd_list(void)
{
	struct patches all;
	int status;

	/* What is installed can be told of any machine. */
	if (options.given & (OPT_INSTALLED | OPT_RELEASE))
		return installed_list();
	status = livepatch_needed();
	if (status)
		return status;
	patches_read(&all);
	if (options.given & OPT_JSON)
		list_json(&all);
	else
		list_print(&all);
	patches_free(&all);
	return KLP_OK;
}

static void line(const struct patch *p, const char *what, const char *value)
{
	if (!strcmp(value, "-"))
		value = p->hidden ? "unknown, not everything can be read" :
			"not shown by this kernel";
	print("%-13s %s\n", what, value);
}

static void transition_line(const struct patch *p)
{
	long left;

	if (p->transition == UNKNOWN && p->hidden)
		line(p, "tasks left:", "-");
	if (p->transition != 1)
		return;
	left = tasks_left(p->name, p->enabled);
	if (left == UNKNOWN)
		line(p, "tasks left:", "unknown, not all tasks can be looked at");
	else
		print("%-13s %ld\n", "tasks left:", left);
}

static void show_print(const struct patch *p)
{
	char buf[24];
	char *version = read_line("/sys/module/%s/version", p->name);

	print("%-13s %s\n", "patch:", p->name);
	print("%-13s ", "state:");
	print_in(colour_of(p), "%s", patch_state(p));
	fputc('\n', out);
	transition_line(p);
	line(p, "cumulative:", yes_no(p->replace));
	line(p, "replace set:", number(buf, sizeof(buf), p->replace_set));
	line(p, "leave kernel:", yes_no(p->leave_kernel));
	line(p, "stack order:", number(buf, sizeof(buf), p->stack_order));
	line(p, "forced:", yes_no(p->forced));
	if (version)
		line(p, "version:", version);
	origin_show(p->name);
	for (size_t i = 0; i < p->nr; i++) {
		const struct object *object = &p->objects[i];

		print("object %s: %s, ", object->name, !object->patched ? "not patched now" :
		      object->patched == UNKNOWN && p->hidden ? "unknown whether patched" :
		      "patched");
		if (object->unlisted)
			fputs("its functions cannot be read\n", out);
		else
			print("%zu function%s\n", object->nr, object->nr == 1 ? "" : "s");
		for (size_t j = 0; j < object->nr; j++) {
			print("  %s", object->functions[j].name);
			if (object->functions[j].sympos > 1)
				fprintf(out, " (number %lu of this name)",
					object->functions[j].sympos);
			fputc('\n', out);
		}
	}
	free(version);
	statistics_show(p->name);
}

int cmd_show(void)
{
	struct patch patch;
	int status = patch_find(&patch, options.argv[0]);

	if (status)
		return status;
	if (options.given & OPT_JSON) {
		patch_json(&patch);
		json_number("pending", tasks_left_now(patch.name, patch.enabled));
		origin_show(patch.name);
		statistics_show(patch.name);
		json_close();
	} else {
		show_print(&patch);
	}
	patch_free(&patch);
	return KLP_OK;
}
