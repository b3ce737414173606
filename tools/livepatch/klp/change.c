// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp disable, reverse, force: how is a patch taken out, turned round, pushed?
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

#define REVERT_TIMEOUT	60	/* seconds that a withdrawal gets at least */

static enum outcome outcome_of(long enabled)
{
	return enabled ? OUTCOME_PATCHED : OUTCOME_UNPATCHED;
}

static int wait_unless_told(const char *name, long target)
{
	if (options.given & OPT_NO_WAIT) {
		tell("%s: on the way to %s", name, target ? "patched" : "unpatched");
		return KLP_OK;
	}
	return wait_and_tell(name, outcome_of(target));
}

/* Unless somebody else has done it in the meantime; then it is waited for. */
int change_switch_off(const char *name)
{
	int status = change_begin();

	if (status)
		return status;
	if (read_number("/sys/kernel/livepatch/%s/enabled", name) == 1)
		status = patch_write(name, "enabled", "0");
	change_end();
	return status;
}

int cmd_disable(void)
{
	struct patch patch;
	int status = patch_find(&patch, options.argv[0]);

	if (status)
		return status;
	if (patch.transition == 1 && patch.enabled == 1) {
		error("patch %s is still being enabled", patch.name);
		next_step("turn it back: klp reverse %s; or wait first: klp wait %s", patch.name,
			  patch.name);
		status = KLP_FAILED;
	}
	if (!status)
		status = change_switch_off(patch.name);
	if (!status)
		status = wait_unless_told(patch.name, 0);
	patch_free(&patch);
	return status;
}

static int find_moving(struct patch *patch)
{
	long before = unseen_count();
	int status;

	if (!options.argc) {
		if (patch_in_transition(patch))
			return KLP_OK;
		if (unseen_count() != before)
			return unseen_tell();
		error("no patch is in transition, so there is nothing to turn round");
		next_step("to take out a patch: klp disable PATCH; see which there are: klp list");
		return KLP_FAILED;
	}
	status = patch_find(patch, options.argv[0]);
	if (status)
		return status;
	if (patch->transition == 1)
		return KLP_OK;
	if (patch->hidden && patch->transition == UNKNOWN) {
		patch_free(patch);
		return unseen_tell();
	}
	error("patch %s is not in transition, it is %s", patch->name, patch_state(patch));
	next_step("to take it out: klp disable %s", patch->name);
	patch_free(patch);
	return KLP_FAILED;
}

/* Unless somebody else has turned it in the meantime. */
static int turn(const struct patch *patch)
{
	int status = change_begin();

	if (status)
		return status;
	if (read_number("/sys/kernel/livepatch/%s/enabled", patch->name) != patch->enabled) {
		error("patch %s: somebody else has turned it round just now", patch->name);
		next_step("see where it goes: klp list; wait: klp wait %s", patch->name);
		status = KLP_FAILED;
	} else {
		status = patch_write(patch->name, "enabled", patch->enabled ? "0" : "1");
	}
	change_end();
	return status;
}

/* Two people in one incident: the second would undo what the first has done. */
static int confirm_reverse(const char *name)
{
	long holder = lock_try(LOCK_REVERSE, NULL);

	if (!holder || (options.given & OPT_YES))
		return KLP_OK;
	error("patch %s: %s has turned it round and waits for the end", name,
	      lock_holder(holder));
	next_step("wait, too: klp wait %s; turn it once more: klp reverse --yes %s", name, name);
	return KLP_DECLINED;
}

int cmd_reverse(void)
{
	struct patch patch;
	int status = find_moving(&patch);

	if (status)
		return status;
	status = confirm_reverse(patch.name);
	if (!status)
		status = turn(&patch);
	if (!status)
		status = wait_unless_told(patch.name, !patch.enabled);
	lock_drop(LOCK_REVERSE);
	patch_free(&patch);
	return status;
}

/* Take out a patch that has not become what it should, and its module; for load and rollback. */
int change_withdraw(const char *name, double timeout)
{
	enum outcome outcome = OUTCOME_UNPATCHED;
	int status = KLP_OK;

	if (timeout < REVERT_TIMEOUT)
		timeout = REVERT_TIMEOUT;
	status = change_switch_off(name);
	if (!status && patch_exists(name))
		outcome = wait_quietly(name, timeout);
	if (status || outcome != OUTCOME_UNPATCHED) {
		error("patch %s could not be taken out again within %g s", name, timeout);
		next_step("see who holds it up: klp blockers; then: klp unload %s", name);
		return status ? status : KLP_TIMEOUT;
	}
	return module_remove(name);
}

static void warn_about_force(const struct patch *patch)
{
	struct transition t;

	transition_read(&t);
	blockers_print(&t);
	transition_free(&t);
	fputc('\n', out);
	print_in(RED, "Forcing declares these tasks to have arrived, wherever they are.");
	fputc('\n', out);
	print("- What they are inside of goes on as %s code and calls %s code. If the\n",
	      patch->enabled ? "old" : "new", patch->enabled ? "new" : "old");
	fputs("  patch does not allow for that, data gets corrupted or the kernel crashes,\n"
	      "  now or later.\n"
	      "- The modules of patches that go away can never be removed: plan a reboot.\n"
	      "- Only the author of the patch can tell whether it is safe.\n", out);
	print("The safe way back is: klp reverse %s\n", patch->name);
}

static int confirm(const char *name)
{
	char answer[16] = "";

	if (options.given & OPT_YES)
		return KLP_OK;
	if (!isatty(STDIN_FILENO)) {
		error("patch %s was not forced: nobody can be asked, standard input is no terminal",
		      name);
		next_step("if you are sure: klp force --yes %s", name);
		return KLP_DECLINED;
	}
	print("Force patch %s? [y/N] ", name);
	fflush(out);
	if (fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y'))
		return KLP_OK;
	error("patch %s was not forced", name);
	next_step("see who is waited for: klp blockers; turn back: klp reverse %s", name);
	return KLP_DECLINED;
}

int cmd_force(void)
{
	struct patch patch;
	int status = find_moving(&patch);

	if (status)
		return status;
	warn_about_force(&patch);
	status = confirm(patch.name);
	if (!status)
		status = patch_write(patch.name, "force", "1");
	if (!status)
		status = wait_and_tell(patch.name, outcome_of(patch.enabled));
	patch_free(&patch);
	return status;
}
