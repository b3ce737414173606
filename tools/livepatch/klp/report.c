// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp report: what has to be known to help from afar?  Everything in one text file; what could not
 * be had is said to be missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "klp.h"

/* Bits of /proc/sys/kernel/tainted, by their letters. */
static const char taint_letters[] = "PFSRMBUDAWCIOELKXTN";

static void print_file(const char *name)
{
	char *path = rooted("%s", name), *text = read_all(path);

	if (!text)
		print("%s: %s\n", path, strerror(errno));
	else if (!*text)
		print("%s is empty\n", path);
	else
		print_lines(text);
	if (text && *text && text[strlen(text) - 1] != '\n')
		fputc('\n', out);
	free(text);
	free(path);
}

static void print_kernel(void)
{
	long taint = read_number("/proc/sys/kernel/tainted");
	char when[64] = "";
	time_t seconds = time(NULL);
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	print("written: %s by klp " KLP_VERSION "\n", when);
	print_file("/proc/version");
	fputs("command line: ", out);
	print_file("/proc/cmdline");
	fputs("up: ", out);
	print_file("/proc/uptime");
	fputs("load: ", out);
	print_file("/proc/loadavg");
	if (taint == UNKNOWN)
		fputs("tainted: unknown", out);
	else
		fprintf(out, "tainted: %ld ", taint);
	for (size_t i = 0; taint > 0 && i < strlen(taint_letters); i++) {
		if (taint & (1L << i))
			fputc(taint_letters[i], out);
	}
	fputc('\n', out);
}

static void print_parameters(void)
{
	char *dir = rooted("/sys/module/livepatch/parameters");
	size_t nr;
	char **names = list_directory(dir, &nr);

	if (!names && errno != ENOENT)
		print("%s: %s\n", dir, strerror(errno));
	else if (!nr)
		fputs("this kernel has none\n", out);
	for (size_t i = 0; i < nr; i++) {
		char *value = read_line("/sys/module/livepatch/parameters/%s", names[i]);

		print("%s=%s\n", names[i], value ? value : "(cannot be read)");
		free(value);
	}
	free_list(names, nr);
	free(dir);
}

static void print_patches(void)
{
	struct patches all;

	patches_read(&all);
	list_print(&all);
	for (size_t i = 0; i < all.nr; i++) {
		const struct patch *p = &all.patch[i];

		fputc('\n', out);
		print("patch %s: %s\n", p->name, patch_state(p));
		for (size_t j = 0; j < p->nr; j++) {
			const struct object *object = &p->objects[j];

			for (size_t k = 0; k < object->nr; k++)
				print("  %s:%s,%lu\n", object->name, object->functions[k].name,
				      object->functions[k].sympos);
		}
	}
	patches_free(&all);
}

static void print_transition(void)
{
	struct transition t;

	transition_read(&t);
	blockers_print(&t);
	transition_free(&t);
}

static void stack_of(const struct blocker *b)
{
	static const char * const files[] = { "patch_state", "wchan", "syscall", "stack" };

	print("task %ld of process %ld (%s), state %c, %s\n", b->tid, b->pid, b->comm, b->state,
	      b->verdict);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *path = format("/proc/%ld/task/%ld/%s", b->pid, b->tid, files[i]);

		print("%s:", files[i]);
		fputc(strcmp(files[i], "stack") ? ' ' : '\n', out);
		print_file(path);
		free(path);
	}
}

static void print_stacks(void)
{
	struct transition t;

	transition_read(&t);
	if (!t.nr)
		print("no blocked tasks%s\n", t.hidden ? " that can be seen" : "");
	for (size_t i = 0; i < t.nr; i++)
		stack_of(&t.blocker[i]);
	transition_free(&t);
}

static void print_blockers(void)
{
	print_file("/sys/kernel/debug/livepatch/blockers");
}

static void print_statistics(void)
{
	print_file("/sys/kernel/debug/livepatch/statistics");
}

static void print_shadow(void)
{
	print_file("/sys/kernel/debug/livepatch/shadow");
}

static void print_hits(void)
{
	print_file("/sys/kernel/debug/livepatch/hits");
}

static void print_modules(void)
{
	print_file("/proc/modules");
}

static const struct {
	const char *key;
	const char *title;
	void (*print)(void);
} sections[] = {
	{ "kernel", "kernel", print_kernel },
	{ "parameters", "parameters of livepatch", print_parameters },
	{ "patches", "patches and functions", print_patches },
	{ "transition", "transition", print_transition },
	{ "stacks", "stacks of blocked tasks", print_stacks },
	{ "blockers", "debugfs livepatch/blockers", print_blockers },
	{ "statistics", "debugfs livepatch/statistics", print_statistics },
	{ "hits", "debugfs livepatch/hits", print_hits },
	{ "shadow", "debugfs livepatch/shadow", print_shadow },
	{ "log", "kernel log about livepatch", kmsg_dump },
	{ "modules", "modules", print_modules },
};

static void print_text(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections) && !interrupted(); i++) {
		if (i)
			fputc('\n', out);
		print("==== %s\n", sections[i].title);
		sections[i].print();
	}
}

/* An object with the text of each section. */
static int print_json(FILE *to)
{
	json_open(NULL, '{');
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		char *text = NULL;
		size_t size;

		out = open_memstream(&text, &size);
		if (!out) {
			out = to;
			error("out of memory");
			return KLP_FAILED;
		}
		sections[i].print();
		fclose(out);
		out = to;
		json_string(sections[i].key, text);
		free(text);
	}
	json_close();
	return KLP_OK;
}

static int print_report(FILE *to)
{
	out = to;
	if (options.given & OPT_JSON)
		return print_json(to);
	print_text();
	return KLP_OK;
}

/* A file that is open already, as the shell hands it over, or -1. */
static int standard_file(const char *path)
{
	static const char * const directories[] = { "/dev/fd/", "/proc/self/fd/" };

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		size_t len = strlen(directories[i]);

		if (!strncmp(path, directories[i], len) && path[len] &&
		    strspn(path + len, "0123456789") == strlen(path + len))
			return atoi(path + len);
	}
	return -1;
}

/* The file that the report is written to: a new one that takes the place of PATH in the end. */
static int open_report(const char *path, char **temporary)
{
	struct stat st;
	int fd;

	*temporary = NULL;
	fd = standard_file(path);
	if (fd >= 0)
		return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (!lstat(path, &st) && !S_ISREG(st.st_mode)) {
		/* A terminal, /dev/null. A link is nobody's to be followed by root. */
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		/* Who reads from a pipe may be slow. */
		if (fd >= 0)
			fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
		return fd;
	}
	*temporary = format("%s.XXXXXX", path);
	/* Stacks and the log are nothing for everybody: for its owner alone. */
	fd = mkostemp(*temporary, O_CLOEXEC);
	if (fd < 0) {
		free(*temporary);
		*temporary = NULL;
	}
	return fd;
}

/* What was there before stays until the new one is complete. */
static int keep_report(const char *path, char *temporary, int status)
{
	int saved = errno;

	if (!temporary)
		return status;
	if (!status && rename(temporary, path)) {
		saved = errno;
		status = KLP_FAILED;
	}
	if (status)
		unlink(temporary);
	free(temporary);
	errno = saved;
	return status;
}

static int write_report(const char *path)
{
	int fd, is_file, status = KLP_FAILED;
	char *temporary;
	FILE *to;

	catch_interrupts();
	fd = open_report(path, &temporary);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (to) {
		status = print_report(to);
		if (fflush(to) || ferror(to))
			status = KLP_FAILED;
		if (fclose(to))
			status = KLP_FAILED;
		out = stdout;
	} else if (fd >= 0) {
		close(fd);
	}
	is_file = !!temporary;
	if (interrupted())
		status = KLP_INTERRUPTED;
	status = keep_report(path, temporary, status);
	if (status == KLP_INTERRUPTED) {
		error("interrupted; there is no report in %s", path);
	} else if (status) {
		error("%s: writing the report failed: %s", path, strerror(errno));
		next_step("choose another file: klp report --output FILE");
	} else if (is_file) {
		remark("the report is in %s", path);
	}
	return status;
}

int cmd_report(void)
{
	if (geteuid() && !*root)
		error("not run as root: stacks and debugfs will be missing");
	return options.output ? write_report(options.output) : print_report(stdout);
}
