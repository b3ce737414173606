// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp events: what is going on just now?  The trace events of the group livepatch, in words. They
 * go through an instance of tracefs of our own, so that nobody else's tracing is disturbed.
 */
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

#define MOST_FIELDS	6
#define MOST_LINE	4096	/* characters of an event */

/* The fields of an event in their order, and the sentence: {key} stands for a field. */
static const struct event {
	const char *name;
	const char *keys[MOST_FIELDS];
	const char *sentence;
} events[] = {
	{ "klp_transition_begin", { "patch", "target" },
	  "{patch}: transition begins, on the way to {target}" },
	{ "klp_transition_reverse", { "patch", "target" },
	  "{patch}: turned round, now on the way to {target}" },
	{ "klp_transition_force", { "patch", "target" },
	  "{patch}: forced to {target}" },
	{ "klp_transition_settle", { "patch", "target", "duration", "rounds" },
	  "{patch}: {target} after {duration} s, {rounds} rounds" },
	{ "klp_task_switch", { "comm", "pid", "target", "how" },
	  "task {pid} ({comm}) is {target} now, by {how}" },
	{ "klp_task_blocked", { "comm", "pid", "verdict", "func" },
	  "task {pid} ({comm}) has to stay: {verdict} {func}" },
	{ "klp_hook_batch", { "functions", "ret" },
	  "{functions} functions handed to ftrace, which returned {ret}" },
	{ "klp_state_callback", { "patch", "state", "callback", "ret" },
	  "{patch}: state {state}: {callback} returned {ret}" },
	{ "klp_shadow_collect", { "id", "count" },
	  "shadow variables {id}: {count} collected" },
};

struct record {
	double time;
	char *name;
	char *text;
	const struct event *event;		/* NULL: of a newer kernel */
	char *value[MOST_FIELDS];		/* NULL: is not there */
	int complete;				/* has all its fields */
};

/* Where "key=" stands in TEXT as a word for the last time; NULL if it does not. */
static char *find_key(char *text, const char *key)
{
	size_t len = strlen(key);
	char *found = NULL;

	for (char *at = strstr(text, key); at; at = strstr(at + 1, key)) {
		if ((at == text || at[-1] == ' ') && at[len] == '=')
			found = at;
	}
	return found;
}

/*
 * "key=value key=value", from the end: names of tasks, which anybody may choose, stand before what
 * the kernel says.
 */
static void split_fields(struct record *r)
{
	for (int i = MOST_FIELDS - 1; i >= 0; i--) {
		const char *key = r->event->keys[i];
		char *at = key ? find_key(r->text, key) : NULL;

		if (key && !at)
			r->complete = 0;
		if (!at)
			continue;
		/* No function: the task is not looked at, or not inside of one. */
		if (strcmp(at, "func=0x0"))
			r->value[i] = at + strlen(key) + 1;
		if (at != r->text) {
			at[-1] = '\0';
		} else {
			r->complete &= !i;
			break;
		}
	}
}

static int is_key(const char *key, size_t len, const char *other)
{
	return strlen(other) == len && !strncmp(key, other, len);
}

/* Seconds from what the event gives in nanoseconds. */
static const char *seconds(const char *value)
{
	static char text[32];

	snprintf(text, sizeof(text), "%.3f", strtoull(value, NULL, 10) / 1e9);
	return text;
}

/* Where the word that ends before AT begins. */
static const char *word_before(const char *line, const char *at)
{
	while (at > line && at[-1] != ' ')
		at--;
	return at;
}

static const char *blanks_before(const char *line, const char *at)
{
	while (at > line && at[-1] == ' ')
		at--;
	return at;
}

/* "TASK-PID [CPU] FLAGS TIME" from LINE to END, where the flags may be missing. */
static int is_head(const char *line, const char *end)
{
	const char *word = word_before(line, end);

	if (word == end || strspn(word, "0123456789.") < (size_t)(end - word))
		return 0;
	end = blanks_before(line, word);
	word = word_before(line, end);
	if (word != end && end[-1] != ']') {
		end = blanks_before(line, word);
		word = word_before(line, end);
	}
	if (word == end || *word != '[' || end[-1] != ']')
		return 0;
	return blanks_before(line, word) != line;
}

/*
 * The ": klp_NAME: " of an event behind its head, or NULL.  The name of a task may have line feeds
 * in it, but has no room for all that.
 */
static char *find_event(char *line)
{
	for (char *at = strstr(line, ": klp_"); at; at = strstr(at + 1, ": klp_")) {
		size_t len = strspn(at + 2, "abcdefghijklmnopqrstuvwxyz0123456789_");

		if (at[2 + len] == ':' && is_head(line, at))
			return at;
	}
	return NULL;
}

/* "TASK-PID [CPU] FLAGS TIME: EVENT: FIELDS", which has an event. */
static void parse(struct record *r, char *line)
{
	char *event = find_event(line), *end;

	memset(r, 0, sizeof(*r));
	*event = '\0';
	r->time = strtod(word_before(line, event), NULL);
	r->name = event + 2;
	end = strchr(r->name, ':');
	*end = '\0';
	r->text = end + 1 + strspn(end + 1, " ");
	r->complete = 1;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (!strcmp(events[i].name, r->name))
			r->event = &events[i];
	}
	if (r->event)
		split_fields(r);
}

/* For people. */
static const char *field(const struct record *r, const char *key, size_t len)
{
	for (int i = 0; i < MOST_FIELDS && r->event->keys[i]; i++) {
		if (!is_key(key, len, r->event->keys[i]))
			continue;
		if (is_key(key, len, "duration") && r->value[i])
			return seconds(r->value[i]);
		return r->value[i] ? r->value[i] : "";
	}
	return "?";
}

static void print_sentence(const struct record *r)
{
	const char *sentence = r->event->sentence, *value, *close;

	while (*sentence) {
		int space = sentence[0] == ' ' && sentence[1] == '{';

		close = *sentence == '{' || space ? strchr(sentence, '}') : NULL;
		if (!close) {
			fputc(*sentence++, out);
			continue;
		}
		sentence += space + 1;
		value = field(r, sentence, close - sentence);
		if (space && *value)
			fputc(' ', out);
		print_clean(value, strlen(value));
		sentence = close + 1;
	}
}

static void print_record(const struct record *r)
{
	print_in(DIM, "%.6f", r->time);
	fputc(' ', out);
	if (r->event) {
		print_sentence(r);
	} else {
		/* A newer kernel: as it is. */
		print("%s: %s", r->name, r->text);
	}
	fputc('\n', out);
}

/* The others are text, whatever a task is called. */
static int is_number(const char *key)
{
	static const char * const keys[] = {
		"duration", "rounds", "pid", "functions", "ret", "state", "id", "count",
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i], key))
			return 1;
	}
	return 0;
}

static void json_field(const char *key, const char *value)
{
	unsigned long long number = 0;
	char *end = NULL;

	if (value && is_number(key))
		number = strtoull(value, &end, 10);
	if (!end || end == value || (*end && strcmp(end, " ns")))
		json_string(key, value);
	else if (*value == '-')
		json_signed(key, number);
	else
		json_unsigned(key, number);
}

static void json_record(const struct record *r)
{
	json_open(NULL, '{');
	json_seconds("time", r->time);
	json_string("event", r->name);
	if (!r->event)
		json_string("text", r->text);
	for (int i = 0; r->event && i < MOST_FIELDS && r->event->keys[i]; i++)
		json_field(r->event->keys[i], r->value[i]);
	json_close();
}

static int is_complete(const char *line)
{
	char *text = copy(line);
	struct record record;

	parse(&record, text);
	free(text);
	return record.complete;
}

static void tell_event(char *line)
{
	struct record record;

	parse(&record, line);
	if (options.given & OPT_JSON)
		json_record(&record);
	else
		print_record(&record);
	fflush(out);
}

/* "CPU:1 [LOST 12 EVENTS]", with or without the number. */
static int is_loss(const char *line)
{
	int some = 0, many = 0;

	sscanf(line, "CPU:%*d [LOST %*u EVENTS]%n", &some);
	sscanf(line, "CPU:%*d [LOST EVENTS]%n", &many);
	return (some && !line[some]) || (many && !line[many]);
}

/* An event that goes on in the next line, since the name of its task has line feeds in it. */
static char *unfinished;
static int begun;		/* there have been events */

static void finish(void)
{
	if (unfinished)
		tell_event(unfinished);
	free(unfinished);
	unfinished = NULL;
}

/* Lines that are none of an event are told only where no name of a task can have made them. */
static void tell_line(char *line)
{
	char *longer;

	if (find_event(line)) {
		finish();
		begun = 1;
		unfinished = copy(line);
	} else if (unfinished && !is_loss(line) && strlen(unfinished) < MOST_LINE) {
		longer = format("%s\n%s", unfinished, line);
		free(unfinished);
		unfinished = longer;
	} else if (!(options.given & OPT_JSON) && (is_loss(line) || (*line == '#' && !begun))) {
		print("%s\n", line);
		fflush(out);
	}
	if (unfinished && is_complete(unfinished))
		finish();
}

/* All complete lines in the first *HAVE bytes; what is left moves to the front. */
static void tell_lines(char *buf, size_t *have)
{
	char *line = buf, *newline;

	while ((newline = strchr(line, '\n'))) {
		*newline = '\0';
		tell_line(line);
		line = newline + 1;
	}
	*have -= line - buf;
	memmove(buf, line, *have + 1);
}

/* No kernel writes it, and nothing behind it would be seen. */
static void replace_nul(char *buf, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!buf[i])
			buf[i] = '?';
	}
}

/* Until the end of the time or of the user's patience; 0 or a negative error. */
static int follow(int fd)
{
	char buf[16384];
	double start = now();
	size_t have = 0;
	int ret = 0;

	while (!interrupted() && !ferror(out)) {
		double left = options.timeout < 0 ? 3600 : start + options.timeout - now();
		/* The second one tells when nobody reads any more what klp writes. */
		struct pollfd ends[] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = STDOUT_FILENO },
		};
		ssize_t n;

		if (left <= 0 || poll(ends, ARRAY_SIZE(ends), left * 1000 + 1) < 0)
			break;
		if (ends[1].revents & POLLERR)
			break;
		if (!ends[0].revents)
			continue;
		n = read(fd, buf + have, sizeof(buf) - 1 - have);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0) {
			ret = n ? -errno : 0;
			break;
		}
		replace_nul(buf + have, n);
		have += n;
		buf[have] = '\0';
		tell_lines(buf, &have);
		/* No line is that long. */
		if (have == sizeof(buf) - 1)
			have = 0;
	}
	/* The last line of a file may have no end. */
	buf[have] = '\0';
	if (have && !ret)
		tell_line(buf);
	finish();
	return ret;
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
		not_permitted("is the kernel locked down? See /sys/kernel/security/lockdown");
	} else {
		remark("following; Ctrl-C ends it");
		ret = follow(fd);
		if (ret)
			error("%s: %s", pipe, strerror(-ret));
		else
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

/* What somebody has recorded: lines of "trace" or "trace_pipe". */
static int replay(const char *path)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	int ret = fd < 0 ? -errno : 0;

	if (!ret) {
		catch_interrupts();
		ret = follow(fd);
		close(fd);
	}
	if (ret) {
		error("%s: %s", path, strerror(-ret));
		next_step("give a file with lines of trace_pipe, or - for standard input");
	}
	return ret ? KLP_FAILED : KLP_OK;
}

int cmd_events(void)
{
	char *instances, *instance;
	int status;

	if (options.argc)
		return replay(options.argv[0]);
	status = livepatch_needed();
	if (status)
		return status;
	if (!exists(TRACING "/events/livepatch"))
		return unsupported();

	instances = rooted(TRACING "/instances");
	instance = format("%s/" PREFIX "%d", instances, getpid());
	remove_stale(instances);
	catch_interrupts();
	/* "| head" must not end klp before its instance is gone. */
	signal(SIGPIPE, SIG_IGN);
	if (mkdir(instance, 0700)) {
		error("%s: %s", instance, strerror(errno));
		not_permitted("is the kernel locked down? See /sys/kernel/security/lockdown");
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
