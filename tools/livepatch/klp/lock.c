// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may change livepatches now?  One klp at a time, for as long as the change takes and no
 * longer: nobody has to wait for somebody who waits for a transition. Three more locks tell that a
 * klp is waking tasks up, waits for a transition that it has turned round, or brings all that is
 * installed into force.
 *
 * A lock is a file in /run with the holder's number and, behind it, what is to be restored should
 * he be killed. Where no such file can be made there is no lock, and the change itself tells why
 * it is not allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "klp.h"

#define WITHIN	30	/* seconds that a change of somebody else's may take */

static const struct {
	const char *name;
	const char *does;	/* what the holder does, for those who wait for him */
	const char *doing;
} locks[] = {
	[LOCK_CHANGE]	= { "change", "changes something", "changing something" },
	[LOCK_SIGNAL]	= { .name = "signal" },
	[LOCK_REVERSE]	= { .name = "reverse" },
	[LOCK_ALL]	= { "all", "loads all patches", "loading patches" },
};

static int fds[] = { -1, -1, -1, -1 };
static int depth;		/* of changes within changes */

static int open_lock(enum lock lock)
{
	char *path = rooted("/run/klp.%s.lock", locks[lock].name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	free(path);
	return fd;
}

/* "NUMBER NOTE" as two strings in BUF; NOTE is empty when there is none. */
static const char *read_holder(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);
	char *space;

	buf[n > 0 ? n : 0] = '\0';
	space = strchr(buf, ' ');
	if (!space)
		return "";
	*space++ = '\0';
	return space;
}

static void write_holder(int fd, const char *note)
{
	char *text = format("%d %s", getpid(), note);

	if (ftruncate(fd, 0) || pwrite(fd, text, strlen(text), 0) < 0)
		error("a lock file in /run cannot be written: %s", strerror(errno));
	free(text);
}

/*
 * 0 when it is ours now, else the number of the holder, or SOMEBODY. What a killed holder has noted
 * comes back in *LEFT, which is the caller's to free; it stays noted until lock_note() or
 * lock_drop().
 */
long lock_try(enum lock lock, char **left)
{
	int fd = open_lock(lock);
	const char *noted;
	char buf[64];
	long holder;

	if (fd < 0)
		return 0;
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		noted = read_holder(fd, buf, sizeof(buf));
		if (left && *noted)
			*left = copy(noted);
		write_holder(fd, noted);
		fds[lock] = fd;
		return 0;
	}
	read_holder(fd, buf, sizeof(buf));
	holder = atol(buf);
	close(fd);
	return holder > 0 ? holder : SOMEBODY;
}

/* For a message. */
const char *lock_holder(long holder)
{
	static char text[32];

	if (holder == SOMEBODY)
		return "another klp";
	snprintf(text, sizeof(text), "klp %ld", holder);
	return text;
}

/* What the next one has to restore should we be killed. */
void lock_note(enum lock lock, const char *note)
{
	if (fds[lock] >= 0)
		write_holder(fds[lock], note);
}

void lock_drop(enum lock lock)
{
	if (fds[lock] < 0)
		return;
	if (ftruncate(fds[lock], 0))
		error("a lock file in /run cannot be emptied: %s", strerror(errno));
	close(fds[lock]);
	fds[lock] = -1;
}

/* Take it within LIMIT seconds, negative for as long as it takes. HINT says what helps if not. */
int lock_wait(enum lock lock, double limit, const char *hint)
{
	double start = now();
	int told = 0;
	long holder;

	while ((holder = lock_try(lock, NULL))) {
		if (!told++)
			remark("waiting for %s, which %s", lock_holder(holder), locks[lock].does);
		if (interrupted())
			return KLP_INTERRUPTED;
		if (limit >= 0 && now() - start > limit) {
			error("%s has been %s for %g s; nothing done", lock_holder(holder),
			      locks[lock].doing, limit);
			next_step("%s", hint);
			return KLP_TIMEOUT;
		}
		nap(0.05);
	}
	return KLP_OK;
}

/* From here to change_end() nobody else changes anything. May be nested. */
int change_begin(void)
{
	int status = KLP_OK;

	if (!depth)
		status = lock_wait(LOCK_CHANGE, WITHIN, "see what it does: ps -fC klp");
	if (!status)
		depth++;
	return status;
}

void change_end(void)
{
	if (!--depth)
		lock_drop(LOCK_CHANGE);
}
