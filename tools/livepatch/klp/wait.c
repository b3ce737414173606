// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp wait: how has the transition ended?  The files of the patch are looked at ten times a second.
 * A patch that goes away ends with its directory, one that comes with "transition" at 0.
 */
#include <stdlib.h>
#include <string.h>
#include "klp.h"

#define SHORTEST	0.01
#define LONGEST		0.1

static const char * const outcomes[] = {
	[OUTCOME_PATCHED]	= "patched",
	[OUTCOME_UNPATCHED]	= "unpatched",
	[OUTCOME_TIMEOUT]	= "timeout",
	[OUTCOME_INTERRUPTED]	= "interrupted",
	[OUTCOME_UNKNOWN]	= "unknown",
};

/* True when it has ended, with the outcome. */
static int has_ended(const char *name, long *target, enum outcome *outcome)
{
	long before = unseen_count();
	long enabled = read_number("/sys/kernel/livepatch/%s/enabled", name);
	long transition = read_number("/sys/kernel/livepatch/%s/transition", name);

	if (unseen_count() != before) {
		*outcome = OUTCOME_UNKNOWN;
		return 1;
	}
	if (enabled == UNKNOWN || transition == UNKNOWN) {
		*outcome = OUTCOME_UNPATCHED;
		return 1;
	}
	*target = enabled;
	*outcome = OUTCOME_PATCHED;
	/* 0 and 0: it is about to go, or has not begun. */
	return enabled == 1 && transition == 0;
}

/* Calls SHOW with the patch, the target and the seconds that have passed. */
static enum outcome wait_loop(const char *name, double timeout,
			      void (*show)(const char *, long, double))
{
	double start = now(), pause = SHORTEST;
	enum outcome outcome;
	long target = 1;

	while (!has_ended(name, &target, &outcome)) {
		double passed = now() - start;

		if (interrupted())
			return OUTCOME_INTERRUPTED;
		if (timeout >= 0 && passed >= timeout)
			return OUTCOME_TIMEOUT;
		if (show)
			show(name, target, passed);
		if (timeout >= 0 && passed + pause > timeout)
			nap(timeout - passed);
		else
			nap(pause);
		pause = pause * 2 < LONGEST ? pause * 2 : LONGEST;
	}
	return outcome;
}

/* TIMEOUT in seconds, negative for none. */
enum outcome wait_quietly(const char *name, double timeout)
{
	return wait_loop(name, timeout, NULL);
}

static enum outcome wait_visibly(const char *name)
{
	enum outcome outcome;

	if ((options.given & OPT_JSON) || !(options.given & OPT_PROGRESS))
		return wait_quietly(name, options.timeout);
	progress_begin(name);
	outcome = wait_loop(name, options.timeout, progress_show);
	progress_end(name, outcome);
	return outcome;
}

/* Before they are let go of. */
static void tell_who_was_left(const char *name)
{
	struct transition t;

	if (!(options.given & OPT_JSON)) {
		transition_read(&t);
		blockers_print(&t);
		transition_free(&t);
		fflush(out);
	}
	next_step("patch %s is turned back now", name);
}

/* What is said, and the exit status. */
static int judge(const char *name, enum outcome outcome, enum outcome want, double seconds)
{
	char *left;

	switch (outcome) {
	case OUTCOME_INTERRUPTED:
		if (options.revert && want == OUTCOME_PATCHED) {
			error("interrupted; patch %s is turned back", name);
			return KLP_INTERRUPTED;
		}
		error("interrupted; the transition of patch %s goes on", name);
		next_step("wait on: klp wait %s; turn back: klp reverse %s", name, name);
		return KLP_INTERRUPTED;
	case OUTCOME_TIMEOUT:
		left = tasks_in_words(tasks_left_now(name, want == OUTCOME_PATCHED));
		error("patch %s: not %s after %g s, %s", name, outcomes[want], options.timeout,
		      left);
		free(left);
		if (options.revert && want == OUTCOME_PATCHED)
			tell_who_was_left(name);
		else
			next_step("see who: klp blockers; wait on: klp wait %s; "
				  "turn back: klp reverse %s", name, name);
		return KLP_TIMEOUT;
	case OUTCOME_UNKNOWN:
		error("patch %s: unknown whether it is %s", name, outcomes[want]);
		return unseen_tell();
	default:
		break;
	}
	if (!(options.given & OPT_JSON)) {
		print("%s: ", name);
		print_in(outcome == want ? GREEN : RED, "%s", outcomes[outcome]);
		print(" after %.2f s\n", seconds);
		fflush(out);
	}
	if (outcome == want)
		return KLP_OK;
	error("patch %s: somebody else has turned it back, it is %s", name, outcomes[outcome]);
	next_step("see what there is now: klp list");
	return KLP_FAILED;
}

static void outcome_json(const char *name, enum outcome outcome, double seconds)
{
	struct transition t;

	json_open(NULL, '{');
	json_string("patch", name);
	json_string("result", outcomes[outcome]);
	json_seconds("seconds", seconds);
	transition_read(&t);
	json_number("pending", t.patch ? t.left :
		    t.hidden || outcome == OUTCOME_UNKNOWN ? UNKNOWN : 0);
	json_close();
	transition_free(&t);
}

/* Wait as the options say, until PATCHED or UNPATCHED, which the user wants. */
int wait_and_tell(const char *name, enum outcome want)
{
	double start = now(), seconds;
	enum outcome outcome;

	catch_interrupts();
	outcome = wait_visibly(name);
	seconds = now() - start;
	/* Kernels before 6.11 do not tell whether it has replaced others. */
	if (outcome == OUTCOME_PATCHED &&
	    read_number("/sys/kernel/livepatch/%s/replace", name) != 0)
		await_leaving(NULL);
	if (options.given & OPT_JSON)
		outcome_json(name, outcome, seconds);
	return judge(name, outcome, want, seconds);
}

/* While one is on its way the others cannot be moved, nor is it certain what will be in force. */
int await_transition(const char *except)
{
	enum outcome outcome = OUTCOME_PATCHED;
	struct patch moving;
	int status = KLP_OK;

	if (!patch_in_transition(&moving)) {
		await_leaving(NULL);
		return KLP_OK;
	}
	if (!except || strcmp(moving.name, except)) {
		tell("%s: is %s, waiting for it", moving.name, patch_state(&moving));
		catch_interrupts();
		outcome = wait_quietly(moving.name, options.timeout);
	}
	if (outcome == OUTCOME_TIMEOUT) {
		error("patch %s: is still %s after %g s", moving.name, patch_state(&moving),
		      options.timeout);
		next_step("see who holds it up: klp blockers");
		status = KLP_TIMEOUT;
	} else if (outcome == OUTCOME_INTERRUPTED) {
		error("interrupted; the transition of patch %s goes on", moving.name);
		status = KLP_INTERRUPTED;
	} else {
		await_leaving(NULL);
	}
	patch_free(&moving);
	return status;
}

static int nothing_to_wait_for(int hidden)
{
	if (options.given & OPT_JSON) {
		json_open(NULL, '{');
		json_string("patch", NULL);
		json_string("result", hidden ? outcomes[OUTCOME_UNKNOWN] : "none");
		json_seconds("seconds", 0);
		json_number("pending", hidden ? UNKNOWN : 0);
		json_close();
	}
	tell(hidden ? "unknown whether there is a transition" : "no transition");
	return hidden ? unseen_tell() : KLP_OK;
}

int cmd_wait(void)
{
	long before = unseen_count();
	struct patch patch;
	int status;

	if (options.argc) {
		status = patch_find(&patch, options.argv[0]);
		if (status)
			return status;
	} else if (!patch_in_transition(&patch)) {
		return nothing_to_wait_for(unseen_count() != before);
	}
	status = wait_and_tell(patch.name,
			       patch.enabled == 1 ? OUTCOME_PATCHED : OUTCOME_UNPATCHED);
	patch_free(&patch);
	return status;
}
