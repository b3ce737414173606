// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which tasks have not arrived, and why?  As far as /proc tells: /proc/TID/patch_state says who,
 * and /proc/TID/stack where. That is all there is on kernels that do not judge by themselves; where
 * they do, see blockers.c.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

#define FIRST_PIDS	"pid:[4026531836]"	/* of the machine itself, the same in all kernels */
#define PF_KTHREAD	0x00200000

/* In a container, or with hidepid, there are more tasks than /proc has. */
static void note_hidden(size_t entries)
{
	char *path = rooted("/proc/self/ns/pid"), name[64];
	ssize_t len = readlink(path, name, sizeof(name) - 1);

	name[len > 0 ? len : 0] = '\0';
	if (len > 0 && strcmp(name, FIRST_PIDS))
		unseen_note("the tasks outside of this container", 0);
	else if (entries && !exists("/proc/1"))
		unseen_note("/proc does not show the tasks of others (hidepid)", 0);
	free(path);
}

/* Calls FN with each thread of the machine until it returns other than 0. */
static void each_task(int (*fn)(long pid, long tid, void *arg), void *arg)
{
	char *path = rooted("/proc"), **pids, **tids;
	size_t nr, threads;
	int stop = 0;

	pids = list_directory(path, &nr);
	free(path);
	note_hidden(nr);
	for (size_t i = 0; i < nr && !stop; i++) {
		if (!isdigit((unsigned char)*pids[i]))
			continue;
		path = rooted("/proc/%s/task", pids[i]);
		tids = list_directory(path, &threads);
		free(path);
		for (size_t j = 0; j < threads && !stop; j++)
			stop = fn(atol(pids[i]), atol(tids[j]), arg);
		free_list(tids, threads);
	}
	free_list(pids, nr);
}

struct census {
	long target;
	long left;
	int readable;
};

static int has_not_arrived(long pid, long tid, long target, int *readable)
{
	char *state = read_line("/proc/%ld/task/%ld/patch_state", pid, tid);
	long world;

	if (!state)
		return 0;
	*readable = 1;
	world = atol(state);
	free(state);
	return world >= 0 && world != target;
}

static int count_one(long pid, long tid, void *arg)
{
	struct census *census = arg;

	census->left += has_not_arrived(pid, tid, census->target, &census->readable);
	return 0;
}

/* How many tasks have not arrived in the transition of PATCH; UNKNOWN unless all can be seen. */
long tasks_left(const char *patch, long target)
{
	struct census census = { .target = target };
	long before = unseen_count(), pending;

	pending = read_number("/sys/kernel/livepatch/%s/pending", patch);
	if (pending != UNKNOWN)
		return pending;
	each_task(count_one, &census);
	if (!census.readable)
		unseen_note("/proc shows no task with patch_state", 0);
	else if (!census.left && read_number("/sys/kernel/livepatch/%s/transition", patch) == 1)
		unseen_note("the idle tasks, which are not in /proc", 0);
	return unseen_count() == before ? census.left : UNKNOWN;
}

/* The same where the transition may have ended. */
long tasks_left_now(const char *patch, long target)
{
	long before = unseen_count();
	long transition = read_number("/sys/kernel/livepatch/%s/transition", patch);

	if (transition == 1)
		return tasks_left(patch, target);
	return unseen_count() == before ? 0 : UNKNOWN;
}

/* To be freed. */
char *tasks_in_words(long left)
{
	return left == UNKNOWN ? copy("unknown how many tasks left") :
		format("%ld task%s left", left, left == 1 ? "" : "s");
}

/* How many there are in all. */
long tasks_total(void)
{
	char *text = read_line("/proc/loadavg"), *slash;
	long total = 0;

	slash = text ? strchr(text, '/') : NULL;
	if (slash)
		total = atol(slash + 1);
	free(text);
	return total;
}

/* A field of /proc/TID/stat, counted from 1 as in the manual, beyond the name. */
static char *stat_field(const char *stat, int number)
{
	const char *field = stat ? strrchr(stat, ')') : NULL;
	size_t len;

	for (int i = 2; field && i < number; i++) {
		field = strchr(field, ' ');
		if (field)
			field++;
	}
	if (!field)
		return copy("");
	len = strcspn(field, " ");
	return format("%.*s", (int)len, field);
}

int task_is_kthread(long tid)
{
	char *stat = read_line("/proc/%ld/stat", tid);
	char *flags = stat_field(stat, 9);
	int ret = !!(strtoul(flags, NULL, 10) & PF_KTHREAD);

	free(flags);
	free(stat);
	return ret;
}

/* The part of the name that survives when the compiler specializes a function. */
static size_t stem(const char *name)
{
	return strcspn(name, ".+ ");
}

static int patch_has(const struct patch *patch, const char *frame)
{
	for (size_t i = 0; i < patch->nr; i++) {
		for (size_t j = 0; j < patch->objects[i].nr; j++) {
			const char *name = patch->objects[i].functions[j].name;

			if (stem(name) == stem(frame) && !strncmp(name, frame, stem(name)))
				return 1;
		}
	}
	return 0;
}

struct search {
	struct transition *transition;
	struct patch patch;
	struct patches all;
};

/* Is this a frame that the task has to leave? "name+0x1/0x2 [module]" */
static int is_in_the_way(const struct search *search, const char *frame)
{
	const char *bracket = strrchr(frame, '[');
	size_t len = bracket ? strcspn(bracket + 1, "]") : 0;

	for (size_t i = 0; bracket && i < search->all.nr; i++) {
		const char *name = search->all.patch[i].name;
		int own = !strcmp(name, search->patch.name);

		if (strlen(name) != len || strncmp(name, bracket + 1, len))
			continue;
		/* Code of a patch: the old one's on the way in, this one's on the way out. */
		return own ? !search->transition->target : search->transition->target;
	}
	return search->transition->target && patch_has(&search->patch, frame);
}

/* Sets verdict and place from the stack. */
static void judge(const struct search *search, struct blocker *b)
{
	char *path = rooted("/proc/%ld/task/%ld/stack", b->pid, b->tid);
	long before = unseen_count();
	char *text = read_all(path), *rest = text, *frame;
	int unreadable = unseen_count() != before;
	char *first = NULL;

	free(path);
	while ((frame = strsep(&rest, "\n")) && !b->where) {
		char *name = strchr(frame, ']');

		if (!name || !name[1])
			continue;
		name += 2;
		if (!first)
			first = name;
		if (is_in_the_way(search, name))
			b->where = copy(name);
	}
	if (b->where)
		b->verdict = copy("on stack");
	else if (b->state == 'R')
		b->verdict = copy("running");
	else if (search->patch.leave_kernel == 1 && !task_is_kthread(b->tid))
		b->verdict = copy("waits for kernel exit");
	else
		b->verdict = copy(unreadable ? "stack cannot be read" : "not told by this kernel");
	if (!b->where && first)
		b->where = copy(first);
	free(text);
}

static int collect_one(long pid, long tid, void *arg)
{
	struct search *search = arg;
	struct transition *t = search->transition;
	struct blocker *b;
	char *stat, *state;
	int readable = 0;

	if (!has_not_arrived(pid, tid, t->target, &readable))
		return 0;
	t->blocker = grow(t->blocker, t->nr, sizeof(*b));
	b = &t->blocker[t->nr++];
	b->pid = pid;
	b->tid = tid;
	b->comm = read_line("/proc/%ld/task/%ld/comm", pid, tid);
	if (!b->comm)
		b->comm = copy("?");
	stat = read_line("/proc/%ld/task/%ld/stat", pid, tid);
	state = stat_field(stat, 3);
	b->state = *state ? *state : '?';
	free(state);
	free(stat);
	judge(search, b);
	return 0;
}

/* Those who have not arrived in the transition T, whose patch and target are known. */
void tasks_collect(struct transition *t)
{
	struct search search = { .transition = t };

	patch_read(&search.patch, t->patch);
	patches_read(&search.all);
	each_task(collect_one, &search);
	patches_free(&search.all);
	patch_free(&search.patch);
}
