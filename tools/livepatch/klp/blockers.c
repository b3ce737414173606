// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp blockers: who holds the transition up, and why?  The kernel tells in debugfs
 * livepatch/blockers. Where there is no such file, or where it says something that klp does not
 * understand, klp looks into /proc itself.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

#define FILE_NAME	"/sys/kernel/debug/livepatch/blockers"

void transition_free(struct transition *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		free(t->blocker[i].comm);
		free(t->blocker[i].verdict);
		free(t->blocker[i].where);
	}
	free(t->blocker);
	free(t->patch);
	memset(t, 0, sizeof(*t));
}

/* "TID PID (comm) S verdict: where"; comm may contain all that a line may. */
static int parse_blocker(struct transition *t, char *line)
{
	struct blocker *b;
	char *open, *close, *where, *end;
	long tid, pid;

	tid = strtol(line, &end, 10);
	pid = strtol(end, &open, 10);
	if (open == end)
		return -EINVAL;
	open += strspn(open, " ");
	close = strrchr(open, ')');
	/* The idle tasks have the number 0. */
	if (tid < 0 || pid < 0 || *open != '(' || !close || close[1] != ' ' || !close[2] ||
	    close[3] != ' ')
		return -EINVAL;

	t->blocker = grow(t->blocker, t->nr, sizeof(*b));
	b = &t->blocker[t->nr++];
	*close = '\0';
	b->tid = tid;
	b->pid = pid;
	b->comm = copy(open + 1);
	text_unescape(b->comm);
	b->state = close[2];
	where = strstr(close + 4, ": ");
	if (where) {
		*where = '\0';
		b->where = copy(where + 2);
		text_unescape(b->where);
	}
	b->verdict = copy(close + 4);
	text_unescape(b->verdict);
	return 0;
}

static int parse_line(struct transition *t, char *line)
{
	char *value = strstr(line, ": ");

	if (isdigit((unsigned char)*line))
		return parse_blocker(t, line);
	if (!value)
		return 0;
	*value = '\0';
	value += 2;
	text_unescape(value);
	if (!strcmp(line, "patch"))
		t->patch = copy(value);
	else if (!strcmp(line, "target"))
		t->target = !strcmp(value, "patched");
	else if (!strcmp(line, "age"))
		t->age = atol(value);
	else if (!strcmp(line, "tasks left"))
		t->left = atol(value);
	return 0;
}

/* 0 when the kernel has told all. */
static int read_from_kernel(struct transition *t)
{
	char *path = rooted(FILE_NAME), *text = read_all(path), *rest = text, *line;
	int ret = text ? 0 : -errno;

	while (!ret && (line = strsep(&rest, "\n")))
		ret = parse_line(t, line);
	if (!ret && text && !t->patch && strncmp(text, "no transition", strlen("no transition")))
		ret = -EINVAL;
	if (!ret && t->patch && t->left == UNKNOWN)
		ret = -EINVAL;
	free(text);
	free(path);
	return ret;
}

static void transition_init(struct transition *t)
{
	memset(t, 0, sizeof(*t));
	t->age = UNKNOWN;
	t->left = UNKNOWN;
}

/* What is going on. */
void transition_read(struct transition *t)
{
	long before = unseen_count();
	struct patch patch;

	transition_init(t);
	t->by_kernel = 1;
	if (!read_from_kernel(t))
		return;

	transition_free(t);
	transition_init(t);
	t->denied = unseen_count() != before;
	/* There are other ways to know. */
	unseen_forget(before);
	if (patch_in_transition(&patch)) {
		t->patch = copy(patch.name);
		t->target = patch.enabled;
		patch_free(&patch);
		t->left = tasks_left(t->patch, t->target);
		tasks_collect(t);
	}
	t->hidden = unseen_count() != before;
	if (t->patch && t->denied)
		unseen_note("why, in debugfs/livepatch/blockers", EACCES);
}

/* One line, of WIDTH columns at most if that is not 0. */
void blocker_print(const struct blocker *b, int width)
{
	char *head = format("%7ld %7ld %c  ", b->tid, b->pid, b->state);
	char *tail = format("%s%s%s", b->verdict, b->where ? ": " : "", b->where ? b->where : "");
	char *all = format("%s%-15s  %s", head, b->comm, tail);

	print_clean(all, width ? (size_t)width : strlen(all));
	free(all);
	free(tail);
	free(head);
}

static void advise(const struct transition *t)
{
	print_in(BOLD, "What to do:");
	fputs(" wait (klp wait --progress); wake these (klp signal) or end\n", out);
	print("them; turn back (klp reverse %s).\n", t->patch);
}

void blockers_print(const struct transition *t)
{
	char *left = tasks_in_words(t->left);

	if (!t->patch) {
		free(left);
		print("%s\n", t->hidden ? "unknown whether there is a transition" :
		      "no transition");
		return;
	}
	print_in(BOLD, "%s", t->patch);
	print(": on the way to %s", t->target ? "patched" : "unpatched");
	if (t->age != UNKNOWN)
		fprintf(out, " for %ld s", t->age);
	print(", %s\n", left);
	free(left);
	if (t->nr) {
		print_in(BOLD, "    TID     PID S  NAME             WHY");
		fputc('\n', out);
	}
	for (size_t i = 0; i < t->nr; i++) {
		blocker_print(&t->blocker[i], 0);
		fputc('\n', out);
	}
	if (t->left != UNKNOWN && t->left > (long)t->nr && t->nr)
		fprintf(out, "and %ld more\n", t->left - (long)t->nr);
	if (t->hidden)
		fputs("there may be others, not all tasks can be looked at\n", out);
	if (t->denied)
		fputs("(from /proc: why is told in debugfs, which cannot be read)\n", out);
	else if (!t->by_kernel)
		fputs("(from /proc: this kernel does not tell why, the first function is shown)\n",
		      out);
}

static void blockers_json(const struct transition *t)
{
	json_open(NULL, '{');
	json_string("patch", t->patch);
	json_string("target", !t->patch ? NULL : t->target ? "patched" : "unpatched");
	json_number("age", t->age);
	json_number("pending", t->patch ? t->left : t->hidden ? UNKNOWN : 0);
	json_string("source", t->by_kernel ? "kernel" : "proc");
	/* None, or nobody knows which. */
	if (!t->patch && t->hidden) {
		json_string("blockers", NULL);
		json_close();
		return;
	}
	json_open("blockers", '[');
	for (size_t i = 0; i < t->nr; i++) {
		const struct blocker *b = &t->blocker[i];
		char state[] = { b->state, '\0' };

		json_open(NULL, '{');
		json_number("tid", b->tid);
		json_number("pid", b->pid);
		json_string("comm", b->comm);
		json_string("state", state);
		json_string("verdict", b->verdict);
		json_string("where", b->where);
		json_close();
	}
	json_close();
	json_close();
}

int cmd_blockers(void)
{
	struct transition t;

	transition_read(&t);
	if (options.given & OPT_JSON) {
		blockers_json(&t);
	} else {
		blockers_print(&t);
		if (t.patch && t.nr)
			advise(&t);
	}
	transition_free(&t);
	return KLP_OK;
}
