// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uses the files of livepatching in ways that make no sense, from several threads.
 *
 *	klpt_fuzz SEED OPERATIONS
 *
 * Opens what is below the folders of livepatch in /sys and debugfs, and what /proc has about tasks;
 * writes wrong values, parts of values and far too long ones, at any offset; reads in pieces,
 * seeks, and keeps files open while what they belong to goes. Nothing is forced, since that stays.
 *
 * Whatever a file says is of its form. As root nothing else is checked here. As somebody else,
 * nothing can be written to, no address is seen, and nobody waits for long.
 *
 * Ends with a line about how often it did what, or with what is wrong.
 */

#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define THREADS		4
#define OPEN_FILES	8	/* of each thread, at a time */
#define PATHS		512
#define DEPTH		6
#define LONGEST		20000	/* bytes written or read at once */
#define PATIENCE	20	/* seconds that nobody has to wait */

static const char * const folders[] = {
	"/sys/kernel/livepatch",
	"/sys/kernel/debug/livepatch",
	"/sys/module/livepatch/parameters",
};

struct open_file {
	int fd;
	int force;		/* it would be forced by a yes */
	char path[300];
};

struct worker {
	pthread_t thread;
	unsigned int seed;
	long operations, errors;
	double longest;
	size_t nr_paths;
	char paths[PATHS][300];
	struct open_file files[OPEN_FILES];
	char buf[LONGEST + 1];
};

static struct worker workers[THREADS];
static int privileged;
static char * volatile nowhere = (char *)1;

static void __attribute__((noreturn)) wrong(const char *path, const char *what, const char *text)
{
	/* In one piece, whatever the others do. */
	fprintf(stderr, "klpt_fuzz: %s: %s: '%.200s'\n", path, what, text);
	_exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static unsigned int any(struct worker *w, unsigned int n)
{
	return rand_r(&w->seed) / 7 % n;
}

/* ---- which files there are */

static void add_path(struct worker *w, const char *path)
{
	if (w->nr_paths < PATHS)
		snprintf(w->paths[w->nr_paths++], sizeof(w->paths[0]), "%s", path);
}

static void walk(struct worker *w, const char *folder, int depth)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[300];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >=
		    (int)sizeof(path))
			continue;
		add_path(w, path);
		if (entry->d_type == DT_DIR && depth < DEPTH)
			walk(w, path, depth + 1);
	}
	if (dir)
		closedir(dir);
}

static void look_around(struct worker *w)
{
	char path[64];

	w->nr_paths = 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		walk(w, folders[i], 0);
	add_path(w, "/proc/self/patch_state");
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "/proc/%u/patch_state", any(w, 200));
		add_path(w, path);
	}
}

/* ---- what they say */

static int is_number(const char *text, int lowest, int highest)
{
	char *end;
	long value = strtol(text, &end, 10);

	return end != text && !strcmp(end, "\n") && value >= lowest && value <= highest;
}

static int ends_with(const char *path, const char *name)
{
	size_t len = strlen(path), tail = strlen(name);

	return len > tail && path[len - tail - 1] == '/' && !strcmp(path + len - tail, name);
}

/* All of a file has been read. */
static void check_contents(const char *path, const char *text)
{
	static const char * const switches[] = {
		"enabled", "transition", "replace", "leave_kernel", "forced", "patched",
	};

	for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++) {
		if (ends_with(path, switches[i]) && !is_number(text, 0, 1))
			wrong(path, "shows", text);
	}
	if (ends_with(path, "patch_state") && !is_number(text, -1, 1))
		wrong(path, "shows", text);
	if ((ends_with(path, "replace_set") || ends_with(path, "stack_order") ||
	     ends_with(path, "pending")) && !is_number(text, 0, 1 << 30))
		wrong(path, "shows", text);
}

/* Where the kernel and its modules are, on the machines that this runs on. */
static void check_addresses(const char *path, const char *text)
{
	for (const char *at = strstr(text, "ffffffff"); at; at = strstr(at + 1, "ffffffff")) {
		size_t i;

		for (i = 8; i < 16 && isxdigit((unsigned char)at[i]); i++)
			;
		if (i == 16)
			wrong(path, "tells an address", text);
	}
}

/* ---- operations */

/* Of the values that somebody might write, some are right. */
static size_t take_value(struct worker *w)
{
	static const char * const values[] = {
		"0", "1", "0\n", "1\n", "2", "-1", "y", "N", "on", "off", "", "\n", " 0", "0 ",
		"00", "0x1", "18446744073709551616", "-9223372036854775809", "%s%n", "klpt_p1",
		"/", "1 1 1",
	};
	size_t len, i;

	if (any(w, 3)) {
		len = snprintf(w->buf, sizeof(w->buf), "%s",
			       values[any(w, sizeof(values) / sizeof(*values))]);
		/* Now and then with what comes behind the end. */
		return len + !any(w, 8);
	}
	len = any(w, 8) ? any(w, 64) : any(w, LONGEST);
	for (i = 0; i < len; i++)
		w->buf[i] = any(w, 256);
	return len;
}

static void do_open(struct worker *w, struct open_file *file)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	static const int flags[] = {
		0, O_TRUNC, O_APPEND, O_NONBLOCK, O_DIRECTORY, O_CREAT, O_PATH,
	};
	int mode = modes[any(w, 3)], flag = any(w, 3) ? 0 : flags[any(w, 7)];

	if (file->fd >= 0)
		close(file->fd);
	if (!w->nr_paths || !any(w, 50))
		look_around(w);
	memcpy(file->path, w->paths[any(w, w->nr_paths)], sizeof(file->path));
	file->force = ends_with(file->path, "force");
	file->fd = open(file->path, mode | flag | O_CLOEXEC, 0600);
	w->errors += file->fd < 0;
	if (!privileged && file->fd >= 0 && mode != O_RDONLY && flag != O_PATH &&
	    !strstr(file->path, "/proc/"))
		wrong(file->path, "can be opened for writing", "");
}

static void do_read(struct worker *w, struct open_file *file, off_t at)
{
	size_t size = any(w, 2) ? LONGEST : any(w, 2) ? any(w, 4) : any(w, LONGEST);
	ssize_t n = at < 0 ? read(file->fd, w->buf, size) : pread(file->fd, w->buf, size, at);

	w->errors += n < 0;
	if (n <= 0)
		return;
	w->buf[n] = '\0';
	if (!at && size == LONGEST && n < LONGEST)
		check_contents(file->path, w->buf);
	if (!privileged)
		check_addresses(file->path, w->buf);
}

static void do_write(struct worker *w, struct open_file *file, off_t at)
{
	size_t len = take_value(w);
	ssize_t n;

	/* As kstrtobool() reads it. */
	if (file->force && len && strchr("yYtT1oO", w->buf[0]))
		w->buf[0] = '0';
	n = at < 0 ? write(file->fd, w->buf, len) : pwrite(file->fd, w->buf, len, at);
	w->errors += n < 0;
	if (n > (ssize_t)len)
		wrong(file->path, "has taken more than there was", "");
	if (!privileged && n > 0)
		wrong(file->path, "has been written to", "");
}

static off_t take_offset(struct worker *w)
{
	static const off_t offsets[] = { 0, 0, 0, 1, 2, 4095, 4096, 1L << 31, 1L << 62, LONG_MAX };

	return offsets[any(w, sizeof(offsets) / sizeof(*offsets))];
}

static void do_other(struct worker *w, struct open_file *file)
{
	struct pollfd poll_fd = { .fd = file->fd, .events = POLLIN | POLLOUT | POLLPRI };
	struct stat st;
	int nr;

	switch (any(w, 8)) {
	case 0:
		w->errors += poll(&poll_fd, 1, 0) < 0;
		break;
	case 1:
		w->errors += ftruncate(file->fd, any(w, 2)) < 0;
		break;
	case 2:
		w->errors += ioctl(file->fd, FIONREAD, &nr) < 0;
		break;
	case 3:
		w->errors += fstat(file->fd, &st) < 0;
		break;
	case 4:
		w->errors += read(file->fd, nowhere, 1) < 0;
		break;
	case 5:
		w->errors += write(file->fd, nowhere, 1) < 0;
		break;
	case 6:
		w->errors += unlink(file->path) < 0;
		break;
	default:
		w->errors += lseek(file->fd, take_offset(w), any(w, 5)) < 0;
	}
}

static void do_something(struct worker *w)
{
	struct open_file *file = &w->files[any(w, OPEN_FILES)];
	unsigned int what = any(w, 16);

	w->operations++;
	if (file->fd < 0 || what < 3)
		do_open(w, file);
	else if (what < 7)
		do_read(w, file, 0);
	else if (what < 9)
		do_read(w, file, any(w, 2) ? -1 : take_offset(w));
	else if (what < 12)
		do_write(w, file, -1);
	else if (what < 13)
		do_write(w, file, take_offset(w));
	else
		do_other(w, file);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	long left = w->operations;

	w->operations = 0;
	for (int i = 0; i < OPEN_FILES; i++)
		w->files[i].fd = -1;
	while (left--) {
		double start = now(), took;

		do_something(w);
		took = now() - start;
		if (took > w->longest)
			w->longest = took;
		if (!privileged && took > PATIENCE)
			wrong("nobody", "has to wait for too long", "");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long operations = argc == 3 ? atol(argv[2]) : 0, done = 0, errors = 0;
	double longest = 0;

	if (operations < THREADS) {
		fprintf(stderr, "usage: klpt_fuzz SEED OPERATIONS\n");
		return 1;
	}
	privileged = !geteuid();
	for (int i = 0; i < THREADS; i++) {
		workers[i].seed = atoi(argv[1]) * THREADS + i;
		workers[i].operations = operations / THREADS;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			wrong("thread", "cannot be started", "");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		done += workers[i].operations;
		errors += workers[i].errors;
		if (workers[i].longest > longest)
			longest = workers[i].longest;
	}
	printf("%ld operations, %ld of them failed, the longest one took %.1f s\n", done, errors,
	       longest);
	return 0;
}
