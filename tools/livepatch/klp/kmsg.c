// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has the kernel said?  The lines of its log that are about livepatching, from /dev/kmsg.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

#define MOST	8192	/* bytes in one record */

static int open_log(void)
{
	char *path = rooted("/dev/kmsg");
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		unseen_note(path, errno);
	free(path);
	return fd;
}

/* Remember this moment; a negative number when the log is out of reach. */
int kmsg_mark(void)
{
	int fd = open_log();

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* The next record's text, its priority and time in front of it; NULL at the end. */
static char *next_record(int fd, char *record)
{
	char *text;
	ssize_t n;

	do {
		n = read(fd, record, MOST - 1);
	} while (n < 0 && (errno == EPIPE || errno == EINTR));
	if (n <= 0)
		return NULL;
	record[n] = '\0';
	text = strchr(record, ';');
	if (!text)
		return record;
	*text++ = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static int is_about(const char *text, const char *word)
{
	return strstr(text, "livepatch") || (word && strstr(text, word));
}

/*
 * What has been said since the mark about livepatches, or with WORD in it. True when a callback of
 * the patch has refused: whatever error number the user sees then is the author's choice.
 */
int kmsg_tell(int fd, const char *word)
{
	char record[MOST], *text;
	int refused = 0;

	if (fd < 0)
		return 0;
	while ((text = next_record(fd, record))) {
		refused |= !!strstr(text, "callback failed");
		if (is_about(text, word))
			error("  kernel: %s", text);
	}
	return refused;
}

/* The same for the whole log, with times. */
void kmsg_dump(void)
{
	char record[MOST], *text;
	int fd = open_log();

	if (fd < 0) {
		print("cannot be read: %s\n", strerror(errno));
		return;
	}
	while ((text = next_record(fd, record))) {
		unsigned long long usec = 0;

		if (!is_about(text, NULL))
			continue;
		if (text != record)
			sscanf(record, "%*u,%*u,%llu", &usec);
		print("[%5llu.%06llu] %s\n", usec / 1000000, usec % 1000000, text);
	}
	close(fd);
}
