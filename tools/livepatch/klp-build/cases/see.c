// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does a system call say, for which the guest has no command?  Prints its result.
 *
 *	see CALL [ARGUMENT]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

static int tell(long result)
{
	if (result < 0)
		printf("%s\n", strerrorname_np(errno));
	else
		printf("%ld\n", result);
	return 0;
}

/* The kernel writes to where nothing is. */
static int bad_pointer(const char *what)
{
	if (!strcmp(what, "uname"))
		return tell(syscall(SYS_uname, 8));
	if (!strcmp(what, "getitimer"))
		return tell(syscall(SYS_getitimer, ITIMER_PROF, 8));
	return tell(syscall(SYS_sysinfo, 8));
}

/* One field is where it should be. */
static int get_cpu(const char *what)
{
	unsigned int cpu;
	void *where = strcmp(what, "bad") ? &cpu : (void *)8;

	return tell(syscall(SYS_getcpu, where, NULL, NULL));
}

/* A timer of CPU time, in its first moment. */
static int cpu_timer(void)
{
	struct itimerval want = { .it_value = { 1000, 0 } }, got = { 0 };

	if (setitimer(ITIMER_PROF, &want, NULL) || getitimer(ITIMER_PROF, &got))
		return tell(-1);
	printf("%ld\n", (long)got.it_value.tv_sec);
	return 0;
}

static int locked(void)
{
	char line[256];
	FILE *f;

	if (mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) ==
	    MAP_FAILED)
		return tell(-1);
	f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "VmLck:", 6))
			fputs(line, stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *call = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";

	if (!strcmp(call, "umask"))
		return tell(umask(strtol(argument, NULL, 8)));
	if (!strcmp(call, "eventfd"))
		return tell(eventfd(atoi(argument), 0) < 0 ? -1 : 0);
	if (!strcmp(call, "getpriority"))
		return tell(syscall(SYS_getpriority, atoi(argument), 0));
	if (!strcmp(call, "bad"))
		return bad_pointer(argument);
	if (!strcmp(call, "getcpu"))
		return get_cpu(argument);
	if (!strcmp(call, "cputimer"))
		return cpu_timer();
	if (!strcmp(call, "poll"))
		return tell(poll(NULL, 0, atoi(argument)));
	if (!strcmp(call, "mlock"))
		return locked();
	fprintf(stderr, "see: what?\n");
	return 2;
}
