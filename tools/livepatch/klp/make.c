// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where is the program that makes modules?  klp-build is one of its own, so that hosts that only
 * load them need neither it nor its libraries: beside klp, or in the path.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

/*
 * Becomes klp-build with these arguments, the first of which is the name of a program; fails if at
 * all.
 */
int make_run(char **argv)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - sizeof("-build"));

	argv[0] = "klp-build";
	if (len > 0) {
		path[len] = '\0';
		strcat(path, "-build");
		execv(path, argv);
	}
	execvp("klp-build", argv);
	error("klp-build cannot be run: %s", strerror(errno));
	next_step("install the package klp-build, or type: make -C tools/livepatch klp-build");
	return KLP_UNSUPPORTED;
}
