// SPDX-License-Identifier: GPL-2.0-only
/*
 * clock load FILE PARAMETERS | clock unload NAME
 *
 * Loads or unloads a module and prints what that took by the time stamp counter, as far as it
 * happened in the kernel. A program of the guest, since insmod reads the file, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

static int load(const char *file, const char *parameters, unsigned long long *took)
{
	unsigned long long began;
	long ret;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	began = __rdtsc();
	ret = syscall(SYS_finit_module, fd, parameters, 0);
	*took = __rdtsc() - began;
	close(fd);
	return ret;
}

/* The last attempt: for a short time after the work somebody still has a reference. */
static int unload(const char *name, unsigned long long *took)
{
	unsigned long long began;
	long ret;

	for (;;) {
		began = __rdtsc();
		ret = syscall(SYS_delete_module, name, O_NONBLOCK);
		*took = __rdtsc() - began;
		if (!ret || errno != EWOULDBLOCK)
			return ret;
		usleep(1000);
	}
}

int main(int argc, char **argv)
{
	unsigned long long took = 0;
	int ret;

	if (argc == 4 && !strcmp(argv[1], "load")) {
		ret = load(argv[2], argv[3], &took);
	} else if (argc == 3 && !strcmp(argv[1], "unload")) {
		ret = unload(argv[2], &took);
	} else {
		fputs("usage: clock load FILE PARAMETERS | clock unload NAME\n", stderr);
		return 2;
	}
	if (ret) {
		fprintf(stderr, "clock: %s %s: %s\n", argv[1], argv[2], strerror(errno));
		return 1;
	}
	printf("%llu\n", took);
	return 0;
}
