// SPDX-License-Identifier: GPL-2.0-only
/*
 * How does klp let another program do something?  Without a shell, with nothing of klp open in it,
 * and with a limit on what it may write.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "klp.h"

#define NOT_FOUND	127

static void become(const char * const *argv, int in, int out_fd, long most)
{
	struct rlimit limit = { most, most };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (dup2(in < 0 ? null : in, STDIN_FILENO) < 0 ||
	    dup2(out_fd < 0 ? null : out_fd, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(NOT_FOUND - 1);
	if (most)
		setrlimit(RLIMIT_FSIZE, &limit);
	execvp(argv[0], (char **)argv);
	_exit(NOT_FOUND);
}

/*
 * From IN to OUT_FD, where a negative number is nothing; at most MOST bytes, if that is not 0.
 * 0, -ENOENT when there is no such program, -EIO when it has failed, or another error.
 */
int program_run(const char * const *argv, int in, int out_fd, long most)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		become(argv, in, out_fd, most);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND)
		return -ENOENT;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}
