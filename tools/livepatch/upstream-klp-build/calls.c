// SPDX-License-Identifier: GPL-2.0-only
/*
 * calls uptime | calls names DIRECTORY
 *
 * What do system calls say that no program of the guest shows as it is? The uptime of sysinfo(2);
 * what getdents64(2) returns for an address at which nothing can be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static int uptime(void)
{
	struct sysinfo info;

	if (sysinfo(&info))
		return -1;
	printf("%ld\n", info.uptime);
	return 0;
}

static int names(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (syscall(SYS_getdents64, fd, 16, 4096) < 0)
		printf("%s\n", strerrorname_np(errno));
	else
		printf("written\n");
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	int ret = -1;

	if (argc == 2 && !strcmp(argv[1], "uptime"))
		ret = uptime();
	else if (argc == 3 && !strcmp(argv[1], "names"))
		ret = names(argv[2]);
	else
		fprintf(stderr, "usage: calls uptime | calls names DIRECTORY\n");
	return ret ? 1 : 0;
}
