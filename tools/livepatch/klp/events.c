// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp events: what is going on just now?  The trace events of the group livepatch, in words. They
 * go through an instance of tracefs of our own, so that nobody else's tracing is disturbed.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "klp.h"

#define TRACING		"/sys/kernel/tracing"
#define PREFIX		"klp-"	/* of the instance; our PID follows */

/* All fields of all events. */
static const char * const keys[] = {
	"patch", "target", "tasks", "ms", "rounds", "pid", "comm", "how", "verdict", "func",
	"functions", "state", "callback", "ret", "id", "count",
};

/* The sentence for an event: {key} stands for a field. */
static const struct {
	const char *name;
	const char *sentence;
} events[] = {
	{ "klp_transition_begin", "{patch}: transition begins, on the way to {target}" },
	{ "klp_transition_reverse", "{patch}: turned round, now on the way to {target}" },
	{ "klp_transition_force", "{patch}: forced to {target}, {tasks} tasks had not arrived" },
	{ "klp_transition_settle", "{patch}: {target} after {ms} ms, {rounds} rounds" },
	{ "klp_task_switch", "task {pid} ({comm}) is {target} now, by {how}" },
	{ "klp_task_blocked", "task {pid} ({comm}) has to stay: {verdict} {func}" },
	{ "klp_hook_batch", "{functions} functions are diverted" },
	{ "klp_state_callback", "{patch}: state {state}: {callback} returned {ret}" },
	{ "klp_shadow_collect", "shadow variables {id}: {count} collected" },
};

struct field {
	const char *key;
	char *value;
};

struct record {
	double time;
	char *name;
	char *text;
	struct field field[ARRAY_SIZE(keys)];
	size_t nr;
};

/* Where "key=" stands in TEXT as a word; NULL if it does not. */
static char *find_key(char *text, const char *key)
{
	size_t len = strlen(key);

	for (char *at = strstr(text, key); at; at = strstr(at + 1, key)) {
		if ((at == text || at[-1] == ' ') && at[len] == '=')
			return at;
	}
	return NULL;
}

static int by_place(const void *a, const void *b)
{
	const struct field *f = a, *g = b;

	return f->value < g->value ? -1 : f->value > g->value;
}

static const char *words_for(const char *key, const char *value)
{
	if (strcmp(key, "target") || !isdigit((unsigned char)*value))
		return value;
	return atoi(value) ? "patched" : "unpatched";
}

/* "key=value key=value": a value ends where the next key begins. */
static void split_fields(struct record *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char *at = find_key(r->text, keys[i]);

		if (!at)
			continue;
		r->field[r->nr].key = keys[i];
		r->field[r->nr++].value = at;
	}
	qsort(r->field, r->nr, sizeof(*r->field), by_place);
	for (size_t i = 0; i < r->nr; i++) {
		if (i)
			r->field[i].value[-1] = '\0';
		r->field[i].value += strlen(r->field[i].key) + 1;
	}
}

/* "  comm-PID [CPU] FLAGS TIME: EVENT: FIELDS"; 0 when LINE is one of ours. */
static int parse(struct record *r, char *line)
{
	char *event = strstr(line, ": klp_"), *time, *end;

	memset(r, 0, sizeof(*r));
	if (!event)
		return -EINVAL;
	*event = '\0';
	time = strrchr(line, ' ');
	r->time = strtod(time ? time + 1 : line, NULL);
	r->name = event + 2;
	end = strchr(r->name, ':');
	if (!end)
		return -EINVAL;
	*end = '\0';
	r->text = end + 1 + strspn(end + 1, " ");
	return 0;
}

static const char *field(const struct record *r, const char *key, size_t len)
{
	for (size_t i = 0; i < r->nr; i++) {
		if (strlen(r->field[i].key) == len && !strncmp(r->field[i].key, key, len))
			return words_for(r->field[i].key, r->field[i].value);
	}
	return "?";
}

static void print_sentence(const struct record *r, const char *sentence)
{
	const char *value, *close;

	while (*sentence) {
		close = *sentence == '{' ? strchr(sentence, '}') : NULL;
		if (!close) {
			fputc(*sentence++, out);
			continue;
		}
		value = field(r, sentence + 1, close - sentence - 1);
		print_clean(value, strlen(value));
		sentence = close + 1;
	}
}

static void print_record(struct record *r)
{
	fprintf(out, "%s%.6f%s ", paint(DIM), r->time, paint(PLAIN));
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (strcmp(events[i].name, r->name))
			continue;
		split_fields(r);
		print_sentence(r, events[i].sentence);
		fputc('\n', out);
		return;
	}
	/* A newer kernel: as it is. */
	print_clean(r->name, strlen(r->name));
	fputs(": ", out);
	print_clean(r->text, strlen(r->text));
	fputc('\n', out);
}

static void json_record(struct record *r)
{
	char *end;

	split_fields(r);
	json_open(NULL, '{');
	json_seconds("time", r->time);
	json_string("event", r->name);
	for (size_t i = 0; i < r->nr; i++) {
		const char *value = words_for(r->field[i].key, r->field[i].value);
		long number = strtol(value, &end, 10);

		if (*value && !*end)
			json_number(r->field[i].key, number);
		else
			json_string(r->field[i].key, value);
	}
	json_close();
}

static void tell_line(char *line)
{
	char *whole = copy(line);
	struct record record;

	if (parse(&record, line)) {
		/* "CPU 1 [LOST 12 EVENTS]" and the like. */
		if (*whole && !(options.given & OPT_JSON)) {
			print_clean(whole, strlen(whole));
			fputc('\n', out);
		}
	} else if (options.given & OPT_JSON) {
		json_record(&record);
	} else {
		print_record(&record);
	}
	fflush(out);
	free(whole);
}

/* Until the end of the time or of the user's patience. */
static void follow(int fd)
{
	char buf[16384], *line, *newline;
	double start = now();
	size_t have = 0;

	while (!interrupted() && !ferror(out)) {
		double left = options.timeout < 0 ? 3600 : start + options.timeout - now();
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (left <= 0 || poll(&pollfd, 1, left * 1000 + 1) < 0)
			break;
		if (!pollfd.revents)
			continue;
		n = read(fd, buf + have, sizeof(buf) - 1 - have);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		have += n;
		buf[have] = '\0';
		line = buf;
		while ((newline = strchr(line, '\n'))) {
			*newline = '\0';
			tell_line(line);
			line = newline + 1;
		}
		have -= line - buf;
		memmove(buf, line, have);
		/* No line is that long. */
		if (have == sizeof(buf) - 1)
			have = 0;
	}
}

/* Instances that a klp has left behind when it was killed. */
static void remove_stale(const char *instances)
{
	size_t nr;
	char **names = list_directory(instances, &nr);

	for (size_t i = 0; i < nr; i++) {
		long pid = strncmp(names[i], PREFIX, strlen(PREFIX)) ? 0 :
			atol(names[i] + strlen(PREFIX));
		char *path = format("%s/%s", instances, names[i]);

		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			rmdir(path);
		free(path);
	}
	free_list(names, nr);
}

static int follow_instance(const char *instance)
{
	char *enable = format("%s/events/livepatch/enable", instance);
	char *pipe = format("%s/trace_pipe", instance);
	int ret = write_text(enable, "1"), fd = -1, status = KLP_FAILED;

	if (!ret) {
		fd = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		ret = fd < 0 ? -errno : 0;
	}
	if (ret) {
		error("%s: %s", fd < 0 ? pipe : enable, strerror(-ret));
		next_step("run klp as root");
	} else {
		fputs("klp: following; Ctrl-C ends it\n", stderr);
		follow(fd);
		status = KLP_OK;
	}
	if (fd >= 0)
		close(fd);
	write_text(enable, "0");
	free(pipe);
	free(enable);
	return status;
}

static int unsupported(void)
{
	if (!exists(TRACING "/events")) {
		error("%s%s has no events: tracefs is not mounted, or not for this user", root,
		      TRACING);
		next_step("as root: mount -t tracefs none %s", TRACING);
		return KLP_FAILED;
	}
	error("this kernel has no trace events of livepatch");
	next_step("see the transition with: klp wait --progress; or: dmesg -w | grep livepatch");
	return KLP_UNSUPPORTED;
}

int cmd_events(void)
{
	int status = livepatch_needed();
	char *instances, *instance;

	if (status)
		return status;
	if (!exists(TRACING "/events/livepatch"))
		return unsupported();

	instances = rooted(TRACING "/instances");
	instance = format("%s/" PREFIX "%d", instances, getpid());
	remove_stale(instances);
	catch_interrupts();
	if (mkdir(instance, 0700)) {
		error("%s: %s", instance, strerror(errno));
		next_step("run klp as root");
		status = KLP_FAILED;
	} else {
		status = follow_instance(instance);
		if (rmdir(instance)) {
			error("%s stays behind: %s", instance, strerror(errno));
			next_step("rmdir %s", instance);
			status = KLP_FAILED;
		}
	}
	free(instance);
	free(instances);
	return status;
}
