// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where does a build keep its files, and how does it end?  In a folder of its own below $TMPDIR,
 * which goes with it whatever happens, unless it is to be kept.  Whoever cannot go on calls stop();
 * a signal ends the programs that run as well, and takes the folder away.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "build.h"

#define AT_ONCE		32	/* open folders while one is removed */

char *work;

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t signalled;
static pid_t owner;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	remove(path);
	return 0;
}

static void work_end(void)
{
	if (getpid() != owner)
		return;
	if (choices.keep)
		remark("the work folder is %s", work);
	else
		nftw(work, remove_one, AT_ONCE, FTW_DEPTH | FTW_PHYS);
}

/*
 * Programs that run are in the same group of processes, and get it from the terminal, or from here.
 */
static void on_signal(int number)
{
	signalled = number;
}

/* Nobody waits for what has been interrupted. */
static void end_when_signalled(void)
{
	if (!signalled)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_IGN);
	kill(0, SIGTERM);
	error("interrupted");
	exit(KLP_INTERRUPTED);
}

void work_begin(void)
{
	const char *parent = getenv("TMPDIR");
	struct sigaction action = { .sa_handler = on_signal };

	work = format("%s/klp-build.XXXXXX", parent && *parent == '/' ? parent : "/tmp");
	if (!mkdtemp(work)) {
		error("cannot make a folder %s: %s", work, strerror(errno));
		exit(KLP_FAILED);
	}
	owner = getpid();
	atexit(work_end);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* A path below the work folder; belongs to the caller. */
char *work_path(const char *fmt, ...)
{
	va_list args;
	char *rest, *path;

	va_start(args, fmt);
	rest = vformat(fmt, args);
	va_end(args);
	path = format("%s/%s", work, rest);
	free(rest);
	return path;
}

static int is_child;	/* what it has to say is a message, not the document */

/*
 * It cannot go on, and why; NEXT, unless it is NULL, is what can be done about it. What was refused
 * until now is to be known as well.
 */
noreturn void stop(int status, const char *next, const char *fmt, ...)
{
	va_list args;
	char *text;

	end_when_signalled();
	va_start(args, fmt);
	text = vformat(fmt, args);
	va_end(args);
	if (!is_child && options.given & OPT_JSON) {
		json_open(NULL, '{');
		json_string("module", NULL);
		json_string("error", text);
		json_string("next", next);
		refusals_json();
		json_close();
	} else {
		refusals_tell();
	}
	error("%s", text);
	if (next)
		next_step("%s", next);
	exit(status);
}

static noreturn void become(const char * const *argv, const char *directory, const char *log)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out_fd = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	if (in < 0 || out_fd < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
	    dup2(out_fd, STDERR_FILENO) < 0 || (directory && chdir(directory)))
		_exit(126);
	execvp(argv[0], (char **)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* As fork(), but it ends the build if that is not possible. */
pid_t start_child(void)
{
	pid_t pid;

	end_when_signalled();
	pid = fork();
	if (pid < 0)
		stop(KLP_FAILED, NULL, "cannot start a process: %s", strerror(errno));
	is_child = !pid;
	return pid;
}

/* The status of the next child that ends. */
int wait_child(void)
{
	int status;

	while (wait(&status) < 0) {
		end_when_signalled();
		if (errno != EINTR)
			stop(KLP_FAILED, NULL, "a process is lost: %s", strerror(errno));
	}
	end_when_signalled();
	return status;
}

/*
 * Runs a program in DIRECTORY, NULL for where we are; what it says is added to the file LOG, NULL
 * for nowhere. Its status, 127 when there is no such program.
 */
int run(const char * const *argv, const char *directory, const char *log)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = start_child();
	if (!pid)
		become(argv, directory, log);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			stop(KLP_FAILED, NULL, "%s is lost: %s", argv[0], strerror(errno));
		if (signalled)
			kill(pid, SIGTERM);
	}
	end_when_signalled();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What a program has said first, in its log; the caller's. */
char *first_line(const char *log)
{
	char *text = read_all(log);

	if (!text)
		return copy("nothing");
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* SHA-256 of a file, as text; the caller's. */
char *checksum(const char *path)
{
	const char * const argv[] = { "sha256sum", "--", path, NULL };
	char *log = work_path("checksum"), *text;

	remove(log);
	if (run(argv, NULL, log))
		stop(KLP_FAILED, NULL, "%s: there is no sum of it", path);
	text = read_all(log);
	if (text)
		text[strspn(text, "0123456789abcdef")] = '\0';
	free(log);
	return text ? text : copy("?");
}
