// SPDX-License-Identifier: GPL-2.0-only
/*
 * How are the small files of /proc and /sys read and written?  Paths are formats and begin with a
 * slash; --root puts another directory in front of them. What is returned belongs to the caller;
 * what is there but cannot be read is noted, see unseen.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "klp.h"

const char *root = "";

static void *or_die(void *memory)
{
	if (!memory) {
		fputs("klp: out of memory\n", stderr);
		exit(KLP_FAILED);
	}
	return memory;
}

/* Zeroed memory, always. */
void *allocate(size_t size)
{
	return or_die(calloc(1, size));
}

/* Room for MORE elements behind NR. */
void *grow_by(void *array, size_t nr, size_t more, size_t size)
{
	array = or_die(reallocarray(array, nr + more + 1, size));
	memset((char *)array + nr * size, 0, more * size);
	return array;
}

/* Room for one more. */
void *grow(void *array, size_t nr, size_t size)
{
	return grow_by(array, nr, 1, size);
}

char *copy(const char *text)
{
	return or_die(strdup(text));
}

char *vformat(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		or_die(NULL);
	return text;
}

char *format(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = vformat(fmt, args);
	va_end(args);
	return text;
}

static char *vrooted(const char *fmt, va_list args)
{
	char *path = vformat(fmt, args), *full;

	full = format("%s%s", root, path);
	free(path);
	return full;
}

char *rooted(const char *fmt, ...)
{
	va_list args;
	char *path;

	va_start(args, fmt);
	path = vrooted(fmt, args);
	va_end(args);
	return path;
}

/* All of a file, whose size nobody knows; NULL and errno if it cannot be read. */
char *read_all(const char *path)
{
	size_t size = 0, room = 4096;
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	char *text;
	ssize_t n;

	if (fd < 0) {
		unseen_note(path, errno);
		return NULL;
	}

	text = allocate(room);
	for (;;) {
		n = read(fd, text + size, room - size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		size += n;
		if (size == room - 1) {
			room *= 2;
			text = or_die(realloc(text, room));
		}
	}
	text[size] = '\0';
	saved = errno;
	close(fd);
	if (n < 0) {
		free(text);
		errno = saved;
		unseen_note(path, saved);
		return NULL;
	}
	return text;
}

/* The first line, without its end. */
char *read_line(const char *fmt, ...)
{
	char *path, *text;
	va_list args;

	va_start(args, fmt);
	path = vrooted(fmt, args);
	va_end(args);
	text = read_all(path);
	if (text)
		text[strcspn(text, "\n")] = '\0';
	free(path);
	return text;
}

/* What sysfs shows as a number, or as Y and N; UNKNOWN when there is no such file. */
long read_number(const char *fmt, ...)
{
	char *path, *text, *end;
	long value = UNKNOWN;
	va_list args;

	va_start(args, fmt);
	path = vrooted(fmt, args);
	va_end(args);
	text = read_all(path);
	free(path);
	if (!text)
		return UNKNOWN;

	if (*text == 'Y' || *text == 'N') {
		value = *text == 'Y';
	} else {
		value = strtol(text, &end, 10);
		if (end == text)
			value = UNKNOWN;
	}
	free(text);
	return value;
}

/* 0 or a negative error. */
int write_text(const char *path, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		n = write(fd, text, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		ret = -errno;
	else if ((size_t)n != len)
		ret = -EIO;
	close(fd);
	return ret;
}

/* As mkdir -p; 0, or -1 and errno. */
int make_directories(const char *path)
{
	char *all = copy(path);
	int ret = 0;

	for (char *c = all + 1; !ret && *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		ret = mkdir(all, 0755) && errno != EEXIST ? -1 : 0;
		*c = '/';
	}
	if (!ret)
		ret = mkdir(all, 0755) && errno != EEXIST ? -1 : 0;
	free(all);
	return ret;
}

int exists(const char *fmt, ...)
{
	va_list args;
	char *path;
	int ret;

	va_start(args, fmt);
	path = vrooted(fmt, args);
	va_end(args);
	ret = !access(path, F_OK);
	if (!ret)
		unseen_note(path, errno);
	free(path);
	return ret;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char * const *)a, *(char * const *)b);
}

/* Names in a directory, sorted, without those that begin with a dot; NULL and errno on errors. */
char **list_directory(const char *path, size_t *nr)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char **names;

	*nr = 0;
	if (!dir) {
		unseen_note(path, errno);
		return NULL;
	}
	names = allocate(sizeof(*names));
	while (errno = 0, (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		names = grow(names, *nr, sizeof(*names));
		names[(*nr)++] = copy(entry->d_name);
	}
	if (errno)
		unseen_note(path, errno);
	closedir(dir);
	qsort(names, *nr, sizeof(*names), by_name);
	return names;
}

void free_list(char **list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(list[i]);
	free(list);
}
