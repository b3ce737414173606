// SPDX-License-Identifier: GPL-2.0-only
/*
 * sleepers COUNT
 *
 * COUNT threads that have done one thing and another in the kernel, and sleep there; says so once
 * all are on the way there, and ends when standard input does. A program of the guest: what earlier
 * system calls have left on a stack is there only when a thread has made some.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STACK	(64 << 10)

static int never[2];		/* a pipe that nobody writes to */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void use_files(void)
{
	char text[4096];
	struct stat status;
	int fd = open("/proc/self/stat", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text)) < 0)
		fail("/proc/self/stat");
	close(fd);
	if (stat("/sys/kernel/livepatch", &status))
		fail("/sys/kernel/livepatch");
}

/* In one of several places, as the tasks of a machine are. */
static void *sleeper(void *arg)
{
	const struct timespec long_time = { .tv_sec = 1000000 };
	char byte;

	use_files();
	switch ((long)arg % 3) {
	case 0:
		pause();
		break;
	case 1:
		nanosleep(&long_time, NULL);
		break;
	default:
		if (read(never[0], &byte, 1) < 0)
			fail("pipe");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long count = argc == 2 ? atol(argv[1]) : 0, i;
	pthread_attr_t attr;
	pthread_t thread;
	char byte;
	int ret;

	if (count <= 0) {
		fputs("usage: sleepers COUNT\n", stderr);
		return 2;
	}
	if (pipe(never))
		fail("pipe");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (i = 0; i < count; i++) {
		ret = pthread_create(&thread, &attr, sleeper, (void *)i);
		if (ret) {
			fprintf(stderr, "sleepers: thread %ld: %s\n", i, strerror(ret));
			return 1;
		}
	}
	puts("asleep");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
