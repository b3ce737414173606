// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp signal: can those who are waited for be woken up now?  The kernel does that by itself some
 * seconds after the start, as if a signal were pending: system calls start anew, no signal is
 * delivered. Where the delay can be set, klp sets it to 0 for a moment, and all tasks are woken.
 * Elsewhere klp interrupts the user tasks by ptrace and lets go of them at once, which takes them
 * through the same door of the kernel.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include "klp.h"

#define DELAY		"/sys/module/livepatch/parameters/signal_after"
#define MOMENT		3.0	/* the kernel looks once a second at least */
#define STOP_WITHIN	1.0

static double moment(void)
{
	return options.timeout >= 0 ? options.timeout : MOMENT;
}

/* Writes 0 for a moment; BEFORE is what was there. */
static int hurry(const char *patch, const char *before)
{
	char *path = rooted(DELAY);
	int ret;

	/* From here on nothing ends klp before it is put back. */
	catch_interrupts();
	ret = write_text(path, "0");
	if (ret) {
		error("writing 0 to %s: %s", path, strerror(-ret));
		not_permitted("is sysfs mounted for reading only?");
	} else {
		wait_quietly(patch, moment());
		ret = write_text(path, before);
		if (ret) {
			error("writing %s back to %s: %s", before, path, strerror(-ret));
			next_step("put it back yourself: echo %s >%s", before, path);
		}
	}
	free(path);
	return ret ? KLP_FAILED : KLP_OK;
}

/* With the lock held nobody else has put a 0 there. LEFT is of a klp that was killed, or NULL. */
static int hurry_and_restore(const char *patch, const char *left)
{
	char *before = read_line(DELAY);
	int status;

	if (!before) {
		error("%s%s: %s", root, DELAY, strerror(errno));
		not_permitted("is sysfs mounted?");
		return KLP_FAILED;
	}
	if (!left || strcmp(before, "0"))
		left = before;
	lock_note(LOCK_SIGNAL, left);
	status = hurry(patch, left);
	free(before);
	return status;
}

/* One at a time, or the second would take the 0 of the first for what was there before. */
static int signal_by_kernel(const char *patch)
{
	char *left = NULL;
	long holder = lock_try(LOCK_SIGNAL, &left);
	int status = KLP_OK;

	if (holder) {
		tell("%s: %s wakes them up already", patch, lock_holder(holder));
		catch_interrupts();
		wait_quietly(patch, moment());
	} else {
		status = hurry_and_restore(patch, left);
	}
	lock_drop(LOCK_SIGNAL);
	free(left);
	return status;
}

static void outcome(const struct blocker *b, const char *what)
{
	char *text = format("%7ld %-15s  %s", b->tid, b->comm, what);

	print_clean(text, strlen(text));
	fputc('\n', out);
	free(text);
}

/* Lets go of a thread that has stopped; a real signal that was on its way is passed on. */
static void let_go(long tid, int status)
{
	int event = status >> 16;

	ptrace(PTRACE_DETACH, tid, NULL, event ? 0L : (long)WSTOPSIG(status));
}

/* 1 when the thread has been interrupted. */
static int interrupt_one(const struct blocker *b)
{
	double start = now();
	pid_t got = 0;
	int status;

	if (task_is_kthread(b->tid)) {
		outcome(b, "is a kernel thread: only the kernel can wake it");
		return 0;
	}
	if (ptrace(PTRACE_SEIZE, b->tid, NULL, NULL)) {
		outcome(b, errno == EPERM ? "cannot be interrupted, maybe a debugger has it" :
			strerror(errno));
		return 0;
	}
	ptrace(PTRACE_INTERRUPT, b->tid, NULL, NULL);
	while (now() - start < STOP_WITHIN) {
		got = waitpid(b->tid, &status, __WALL | WNOHANG);
		if (got)
			break;
		nap(0.01);
	}
	if (got != b->tid) {
		outcome(b, "does not react: what it waits for has to happen");
		return 0;
	}
	if (WIFSTOPPED(status))
		let_go(b->tid, status);
	outcome(b, "interrupted");
	return 1;
}

/* In a child, since only the end of the tracer detaches from threads that do not stop. */
static int signal_by_ptrace(const struct transition *t)
{
	int status, done = 0;
	pid_t child;

	fflush(out);
	child = fork();
	if (child < 0) {
		error("fork: %s", strerror(errno));
		return KLP_FAILED;
	}
	if (!child) {
		for (size_t i = 0; i < t->nr; i++)
			done += interrupt_one(&t->blocker[i]);
		fflush(out);
		_exit(done ? KLP_OK : KLP_FAILED);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : KLP_FAILED;
}

static int tell_result(const char *patch, long target, int status)
{
	long left = tasks_left_now(patch, target);
	char *words = tasks_in_words(left);

	tell("%s: %s", patch, words);
	free(words);
	if (interrupted())
		return KLP_INTERRUPTED;
	if (left == UNKNOWN)
		return unseen_tell();
	if (!left || status == KLP_OK)
		return KLP_OK;
	error("patch %s: no task could be woken up", patch);
	next_step("see what they wait for: klp blockers; turn back: klp reverse %s", patch);
	return KLP_FAILED;
}

static int signal_transition(const struct transition *t)
{
	int status;

	if (exists(DELAY)) {
		if (t->left == UNKNOWN)
			tell("%s: the kernel wakes up those who are left", t->patch);
		else
			tell("%s: the kernel wakes up %ld task%s", t->patch, t->left,
			     t->left == 1 ? "" : "s");
		status = signal_by_kernel(t->patch);
		return status ? status : tell_result(t->patch, t->target, KLP_OK);
	}
	if (*root) {
		error("with --root klp only looks, the tasks of this machine are others");
		next_step("leave out --root");
		return KLP_FAILED;
	}
	tell("%s: this kernel cannot be asked to wake them up, klp interrupts them:", t->patch);
	status = signal_by_ptrace(t);
	wait_quietly(t->patch, moment());
	return tell_result(t->patch, t->target, status);
}

int cmd_signal(void)
{
	int status = KLP_OK;
	struct transition t;

	transition_read(&t);
	if (t.patch) {
		status = signal_transition(&t);
	} else if (t.hidden) {
		tell("unknown whether there is a transition");
		status = unseen_tell();
	} else {
		tell("no transition");
	}
	transition_free(&t);
	return status;
}
