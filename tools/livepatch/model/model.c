// SPDX-License-Identifier: GPL-2.0-only
/*
 * model SCENARIO [BOUND]: is what the core promises true in every order in which things may happen?
 *
 * One actor is whoever loads, disables and reverses patches, the others are tasks that call two
 * functions, out of one another, sleep, are forked and end. All that decides is the core's own
 * code. What is promised, after each step:
 *
 * - All calls that a task is in are of one world.
 * - Nobody is in code that was freed, nor on the way there.
 * - Callbacks come in pairs, and what was allocated is freed.
 * - There is always somebody who can go on.
 */
#include <stdio.h>
#include "model.h"

/* ---- scenarios */

enum what { REPLACES, GUARDS, LEAVES };

struct scenario {
	const char *name, *words;
	unsigned int tasks, depth, requests;
	bool mortal, forces;	/* tasks are forked and end; transitions are forced */
	bool comes;		/* the second function is that of a module, which comes and goes */
	bool slow;		/* takes minutes */
	/* What each patch does about each function. */
	struct {
		enum what func[FUNCTIONS];
		bool replace;
		unsigned int set;
		unsigned int state;
	} patch[PATCHES];
};

#define NONE	{ { LEAVES, LEAVES } }

#define NAMED(title, text)	.name = title, .words = text
#define BOUNDS(t, d, r)		.tasks = t, .depth = d, .requests = r

static const struct scenario scenarios[] = {
	{ NAMED("enable", "a patch of both functions comes, turns back, goes"), BOUNDS(1, 2, 3),
	  .patch = { { { REPLACES, REPLACES } }, NONE, NONE } },
	{ NAMED("replace", "a cumulative patch, and one that drops a function"), BOUNDS(1, 2, 3),
	  .patch = { { { REPLACES, REPLACES }, true }, { { REPLACES, LEAVES }, true }, NONE } },
	{ NAMED("stack", "patches of one function on top of each other"), BOUNDS(1, 1, 4),
	  .patch = { { { REPLACES, LEAVES } }, { { REPLACES, LEAVES } }, NONE } },
	{ NAMED("sets", "patches of two sets, one of which is upgraded"), BOUNDS(1, 1, 3),
	  .patch = { { { REPLACES, LEAVES }, true, 1 }, { { LEAVES, REPLACES }, true, 2 },
		     { { REPLACES, LEAVES }, true, 1 } } },
	{ NAMED("guard", "a function is replaced, and the other one guarded"), BOUNDS(1, 2, 3),
	  .patch = { { { GUARDS, REPLACES } }, NONE, NONE } },
	{ NAMED("end", "a task ends, and runs code after that"), BOUNDS(1, 1, 3), .mortal = true,
	  .patch = { { { REPLACES, LEAVES } }, NONE, NONE } },
	{ NAMED("force", "a transition is forced"), BOUNDS(1, 2, 3), .forces = true,
	  .patch = { { { REPLACES, REPLACES } }, NONE, NONE } },
	{ NAMED("state", "a system state is handed over"), BOUNDS(1, 1, 4),
	  .patch = { { { REPLACES, LEAVES }, true, 0, 1 }, { { REPLACES, LEAVES }, true, 0, 2 },
		     NONE } },
	{ NAMED("module", "a patch also of a module, which comes and goes"), BOUNDS(1, 2, 4),
	  .comes = true, .patch = { { { REPLACES, REPLACES } }, NONE, NONE } },
	{ NAMED("alone", "a patch of nothing but a module, which comes and goes"), BOUNDS(1, 2, 5),
	  .comes = true, .patch = { { { LEAVES, REPLACES } }, NONE, NONE } },
	{ NAMED("drop", "a cumulative patch of a module, and one that drops it"), BOUNDS(1, 2, 4),
	  .comes = true, .patch = { { { LEAVES, REPLACES }, true }, { { REPLACES, LEAVES }, true },
				    NONE } },
	{ NAMED("order", "patches of a module's function on top of each other"), BOUNDS(1, 1, 4),
	  .comes = true, .patch = { { { LEAVES, REPLACES } }, { { LEAVES, REPLACES } }, NONE } },
	{ NAMED("two", "a patch of one function, and two tasks"), BOUNDS(2, 1, 3),
	  .patch = { { { REPLACES, LEAVES } }, NONE, NONE } },
	{ NAMED("pair", "a patch of both functions, and two tasks"), BOUNDS(2, 2, 1), .slow = true,
	  .patch = { { { REPLACES, REPLACES } }, NONE, NONE } },
	{ NAMED("three", "a patch of one function, and three tasks"), BOUNDS(3, 1, 1), .slow = true,
	  .patch = { { { REPLACES, LEAVES } }, NONE, NONE } },
	{ NAMED("fork", "a task is forked, and both end"), BOUNDS(2, 1, 1), .mortal = true,
	  .patch = { { { REPLACES, LEAVES } }, NONE, NONE } },
};

static const struct scenario *scenario;

/* ---- patches */

struct made {
	struct module mod;
	struct klp_patch patch;
	struct klp_object objs[3];
	struct klp_func funcs[2][FUNCTIONS + 1];	/* those of each object */
	struct klp_state states[2];
	struct klp_state_ops state_ops[2];
	enum { ABSENT, ENABLED, FREED } life;
	bool ever_forced;
	/* Of each object, by its callbacks. */
	enum phase { UNTOUCHED, PREPARED, PATCHED, GOING } phase[2];
};

static struct made made[PATCHES];

/* The patch that comes or goes, and the world that tasks head for. */
static struct {
	bool on, comes;
	unsigned int patch;
	int target;
} going;

/* A state of all patches: set up once, taken down once. */
static int state_there;

static const char * const func_name[FUNCTIONS] = { "f0", "f1" };
static const char * const patch_name[PATCHES] = { "A", "B", "C" };

static unsigned int patch_of(const struct klp_object *obj)
{
	return ((const char *)obj - (const char *)made) / sizeof(*made);
}

static enum phase *phase_of(struct klp_object *obj)
{
	struct made *m = &made[patch_of(obj)];

	return &m->phase[obj - m->objs];
}

static int pre_patch(struct klp_object *obj)
{
	if (*phase_of(obj) != UNTOUCHED)
		violated("pre_patch twice");
	*phase_of(obj) = PREPARED;
	return 0;
}

/* After pre_patch, or after pre_unpatch if the patch has turned back: nobody is on his way. */
static void post_patch(struct klp_object *obj)
{
	enum phase *phase = phase_of(obj);
	unsigned int i;

	if (*phase != PREPARED && *phase != GOING)
		violated("post_patch of what is not about to be patched");
	for (i = 1; i < ACTORS_MAX; i++) {
		if (going.on && going.patch == patch_of(obj) && model_task[i].listed &&
		    model_task[i].patch_state == !going.target)
			violated("post_patch before task %u has arrived", i);
	}
	*phase = PATCHED;
}

static void pre_unpatch(struct klp_object *obj)
{
	if (*phase_of(obj) != PATCHED)
		violated("pre_unpatch of what was not patched");
	*phase_of(obj) = GOING;
}

/* After pre_unpatch, or without if the patch has turned back. */
static void post_unpatch(struct klp_object *obj)
{
	if (*phase_of(obj) != PREPARED && *phase_of(obj) != GOING)
		violated("post_unpatch of what is not about to be unpatched");
	*phase_of(obj) = UNTOUCHED;
}

static int state_pre_patch(struct klp_patch *patch, struct klp_state *state)
{
	if (state_there++)
		violated("the state comes, and is there");
	return 0;
}

static void state_post_unpatch(struct klp_patch *patch, struct klp_state *state)
{
	if (state_there-- != 1)
		violated("the state goes, and is not there");
}

/* Which object of a patch is the function in? */
static unsigned int object_of(unsigned int f)
{
	return f && scenario->comes;
}

/* Its module is loaded, for the first time or again. */
static void make(unsigned int p)
{
	struct made *m = &made[p];
	unsigned int f, nr, o;
	struct klp_func *func;

	memset(m, 0, sizeof(*m));
	m->mod.name = patch_name[p];
	m->mod.mem[MOD_TEXT] = (struct module_memory){ (void *)text_of(p), 0x2000 };
	/* Without functions, an object may have its callbacks. */
	for (o = 0; o < 1 + scenario->comes; o++) {
		m->objs[o].name = o ? "M" : NULL;
		m->objs[o].funcs = m->funcs[o];
		m->objs[o].callbacks = (struct klp_callbacks){ pre_patch, post_patch, pre_unpatch,
							       post_unpatch };
		for (f = 0, nr = 0; f < FUNCTIONS; f++) {
			if (scenario->patch[p].func[f] == LEAVES || object_of(f) != o)
				continue;
			func = &m->funcs[o][nr++];
			func->old_name = func_name[f];
			func->guard = scenario->patch[p].func[f] == GUARDS;
			func->new_func = func->guard ? NULL : (void *)replacement(p, f);
		}
	}
	m->patch.mod = &m->mod;
	m->patch.objs = m->objs;
	m->patch.replace = scenario->patch[p].replace;
	m->patch.replace_set = scenario->patch[p].set;
	if (scenario->patch[p].state) {
		m->states[0] = (struct klp_state){ 1, scenario->patch[p].state };
		m->state_ops[0] = (struct klp_state_ops){ .id = 1, .pre_patch = state_pre_patch,
							  .post_unpatch = state_post_unpatch };
		m->patch.states = m->states;
		m->patch.state_ops = m->state_ops;
	}
}

/* ---- what is wanted: told by what the operator has asked for, not by the core */

/* What each function is to be in each world. */
static unsigned long want[2][FUNCTIONS];

/* The higher, the later a patch was enabled; 0 for those that are not. */
static unsigned int age[PATCHES];

static unsigned int next_age(void)
{
	unsigned int p, newest = 0;

	for (p = 0; p < PATCHES; p++)
		newest = max(newest, age[p]);
	return newest + 1;
}

/* Would a patch go when another one comes? */
static bool replaced_by(unsigned int p, unsigned int by)
{
	return p != by && scenario->patch[by].replace &&
	       scenario->patch[by].set == scenario->patch[p].set;
}

/* Fill in a world in which the patches with an age are. */
static void want_world(int world, const unsigned int *ages)
{
	unsigned int f, p, newest;

	for (f = 0; f < FUNCTIONS; f++) {
		newest = 0;
		want[world][f] = original(f);
		for (p = 0; p < PATCHES; p++) {
			if (ages[p] <= newest || scenario->patch[p].func[f] != REPLACES)
				continue;
			newest = ages[p];
			want[world][f] = replacement(p, f);
		}
	}
}

/* The ages in the world that the transition would lead to, or away from. */
static void ages_with(unsigned int *ages)
{
	unsigned int p;

	memcpy(ages, age, sizeof(age));
	if (!going.comes)
		return;
	ages[going.patch] = next_age();
	for (p = 0; p < PATCHES; p++) {
		if (replaced_by(p, going.patch))
			ages[p] = 0;
	}
}

static void ages_without(unsigned int *ages)
{
	memcpy(ages, age, sizeof(age));
	ages[going.patch] = 0;
}

static void want_worlds(void)
{
	unsigned int ages[PATCHES];

	if (!going.on) {
		want_world(0, age);
		want_world(1, age);
		return;
	}
	ages_with(ages);
	want_world(1, ages);
	ages_without(ages);
	want_world(0, ages);
}

static void want_transition(unsigned int p, bool comes)
{
	going.on = true;
	going.comes = comes;
	going.patch = p;
	going.target = comes;
	want_worlds();
}

/* Patches that are in force, and not on their way, have had their callbacks where they should. */
static void check_patched(void)
{
	unsigned int p;

	for (p = 0; p < PATCHES; p++) {
		if (age[p] && (made[p].phase[0] != PATCHED ||
			       (target.mod.name && made[p].phase[1] != PATCHED)))
			violated("%s is in force, and post_patch was not called", patch_name[p]);
	}
}

/* All have arrived. */
static void want_settled(void)
{
	unsigned int ages[PATCHES], p;
	bool state = false;

	if (!going.on)
		return;
	if (going.target)
		ages_with(ages);
	else
		ages_without(ages);
	memcpy(age, ages, sizeof(age));
	memset(&going, 0, sizeof(going));
	want_worlds();
	check_patched();
	for (p = 0; p < PATCHES; p++)
		state |= age[p] && scenario->patch[p].state;
	if (state != state_there)
		violated("the state is %sthere", state ? "not " : "");
}

/* ---- the operator */

/* Once that was asked for, tasks may be anywhere. */
static bool forced;

static void enable(unsigned int p)
{
	struct klp_patch *patch = &made[p].patch;

	make(p);
	say("loads patch %s", patch_name[p]);
	klp_patch_init(patch);
	if (klp_patch_admit(patch)) {
		if (!scenario->patch[p].state)
			violated("patch %s is not admitted", patch_name[p]);
		/* Of a state that is there in a newer version. */
		return;
	}
	want_transition(p, true);
	if (klp_patch_enable(patch))
		violated("patch %s is refused", patch_name[p]);
	made[p].life = ENABLED;
	klp_transition_round();
}

/* Of a patch that is replaced, no callbacks are called. */
static bool replaced(const struct made *m)
{
	unsigned int p;

	for (p = 0; p < PATCHES; p++) {
		if (made[p].life == ENABLED && replaced_by(m - made, p))
			return true;
	}
	return false;
}

/* What the worker in main.c does, which nobody waits for but who wants to go on. */
static void retire(void)
{
	struct klp_patch *patch, *tmp;
	LIST_HEAD(patches);
	LIST_HEAD(hooks);
	struct made *m;

	list_splice_init(&klp_retired, &patches);
	klp_hook_take(&hooks);
	if (list_empty(&patches) && list_empty(&hooks))
		return;
	synchronize_rcu_tasks();
	klp_hook_bury(&hooks);
	list_for_each_entry_safe(patch, tmp, &patches, list) {
		list_del(&patch->list);
		m = container_of(patch, struct made, patch);
		say("frees patch %s", m->mod.name);
		m->life = FREED;
		m->ever_forced = patch->forced;
		if ((m->phase[0] || m->phase[1]) && !replaced(m))
			violated("patch %s goes, and post_unpatch was not called", m->mod.name);
	}
}

/* ---- the module that is patched */

static bool is_called(unsigned int f)
{
	unsigned int i, j;

	for (i = 1; i < ACTORS_MAX; i++) {
		for (j = 0; j < model_task[i].depth; j++) {
			if (model_task[i].frame[j].func == f)
				return true;
		}
	}
	return false;
}

static void load_target(void)
{
	target.mod = (struct module){ .name = "M", .state = MODULE_STATE_COMING };
	/* Not where it was the last time, but the time before. */
	target.at = 1 + target.at % 2;
	target.mod.mem[MOD_TEXT] = (struct module_memory){ (void *)original(1), 0x1000 };
	want_worlds();
	say("loads module M");
	if (klp_module_coming(&target.mod))
		violated("module M is refused");
	target.mod.state = MODULE_STATE_LIVE;
	if (!going.on)
		check_patched();
}

/* What is left of it when it has gone belongs to whoever comes to this place. */
static void unload_target(void)
{
	unsigned long gone = original(1);
	unsigned int p;

	/* Somebody has called it since that was asked for. */
	if (is_called(1))
		return;
	say("unloads module M");
	target.mod.state = MODULE_STATE_GOING;
	klp_module_going(&target.mod);
	if (model_ftrace(gone))
		violated("ftrace knows of code that has gone");
	if (klp_index_find(gone))
		violated("the index knows of code that has gone");
	for (p = 0; p < PATCHES; p++) {
		if (made[p].objs[1].patched)
			violated("patch %s is told to be in module M", patch_name[p]);
		if (made[p].life == ENABLED && made[p].phase[1] && !replaced(&made[p]))
			violated("module M goes, and post_unpatch was not called");
	}
	memset(&target.mod, 0, sizeof(target.mod));
}

/* ---- requests */

enum request { ENABLE, DISABLE = ENABLE + PATCHES, REVERSE = DISABLE + PATCHES, FORCE, LOAD, UNLOAD,
	       REQUESTS };

static bool possible(enum request request)
{
	unsigned int p;

	if (request == LOAD)
		return scenario->comes && !target.mod.name;
	if (request == UNLOAD)
		return target.mod.name;
	if (request >= REVERSE) {
		return klp_transition_patch &&
		       (request == REVERSE || (scenario->forces && !klp_transition_patch->forced));
	}
	if (klp_transition_patch)
		return false;
	if (request >= DISABLE) {
		p = request - DISABLE;
		return made[p].life == ENABLED && made[p].patch.worlds == KLP_EVERYWHERE;
	}
	p = request - ENABLE;
	return made[p].life != ENABLED && !made[p].ever_forced &&
	       (scenario->patch[p].func[0] != LEAVES || scenario->patch[p].func[1] != LEAVES);
}

static void disable(unsigned int p)
{
	say("disables patch %s", patch_name[p]);
	want_transition(p, false);
	if (klp_patch_disable(&made[p].patch))
		violated("patch %s cannot be disabled", patch_name[p]);
	klp_transition_round();
}

static void reverse(void)
{
	say("turns back");
	going.target = !going.target;
	if (klp_transition_reverse())
		violated("the transition cannot be turned back");
	klp_transition_round();
}

static void force(void)
{
	say("forces");
	forced = true;
	klp_transition_force();
	klp_transition_round();
}

static void carry_out(enum request request)
{
	if (request < DISABLE)
		enable(request - ENABLE);
	else if (request < REVERSE)
		disable(request - DISABLE);
	else if (request == REVERSE)
		reverse();
	else if (request == FORCE)
		force();
	else if (request == LOAD)
		load_target();
	else
		unload_target();
}

/* One of the requests that are possible now. */
static enum request pick(void)
{
	enum request request;
	unsigned int nr = 0;

	for (request = 0; request < REQUESTS; request++)
		nr += possible(request);
	nr = choose(nr);
	for (request = 0; request < REQUESTS; request++) {
		if (possible(request) && !nr--)
			break;
	}
	return request;
}

/* Requests as often as the scenario says, and rounds as long as it takes. */
static void operator(int nr)
{
	unsigned int left = scenario->requests;

	while (left || klp_transition_patch) {
		if (klp_transition_patch && (!left || choose(2))) {
			point();
			say("looks at the tasks");
			klp_transition_round();
		} else {
			left--;
			carry_out(pick());
		}
		if (!klp_transition_patch)
			want_settled();
		retire();
		if (list_empty(&klp_patches) && model_allocated())
			violated("no patch is left, and %zu pieces of memory are",
				 model_allocated());
	}
}

/* ---- tasks */

/* Wakes up who waits for it. */
static void sleeps(bool yes)
{
	current->sleeps = yes;
	if (yes && current->awaited == NO_SLEEP)
		current->awaited = NOTHING;
}

static void call(unsigned int f);

enum act { LEAVE, SLEEP, RESCHED, CALL, ACTS };

/* Whoever calls a function of a module keeps it from going for as long as the call lasts. */
static bool is_there(unsigned int f)
{
	return !object_of(f) || (target.mod.name && target.mod.state == MODULE_STATE_LIVE);
}

/* In the middle of a function. Who is off the list must not sleep in one: see transition.c. */
static bool sensible(enum act act)
{
	switch (act) {
	case SLEEP:
		return (scenario->mortal && current->listed) || scenario->forces;
	case RESCHED:
		return klp_patch_pending(current);
	case CALL:
		return current->depth < scenario->depth &&
		       is_there(!current->frame[current->depth - 1].func);
	default:
		return true;
	}
}

static enum act pick_act(void)
{
	enum act possible[ACTS], act;
	unsigned int nr = 0;

	for (act = 0; act < ACTS; act++) {
		if (sensible(act))
			possible[nr++] = act;
	}
	return possible[choose(nr)];
}

static void body(unsigned int f)
{
	for (;;) {
		switch (pick_act()) {
		case SLEEP:
			say("sleeps");
			sleeps(true);
			point();
			sleeps(false);
			break;
		case RESCHED:
			__klp_sched_try_switch();
			break;
		case CALL:
			/* It may have gone since that was chosen. */
			if (is_there(!f))
				call(!f);
			break;
		default:
			return;
		}
	}
}

/* A call that is guarded calls the same function twice: is it the same code? */
static void remember(struct frame *caller, unsigned long dest)
{
	unsigned int p;

	for (p = 0; p < PATCHES; p++) {
		if (scenario->patch[p].func[caller->func] == GUARDS && caller->called &&
		    caller->called != dest)
			violated("a call of f%d, which is guarded, has seen two worlds",
				 caller->func);
	}
	caller->called = dest;
}

static void call(unsigned int f)
{
	struct frame *frame = &current->frame[current->depth++];
	struct ftrace_ops *ops;
	struct ftrace_regs regs;

	*frame = (struct frame){ .func = f, .phase = CALLING };
	say("calls f%u", f);
	ops = model_ftrace(original(f));
	regs.ip = 0;
	if (ops) {
		point();
		ops->func(original(f), KERNEL_AT, ops, &regs);
	}
	if (regs.ip == original(f))
		violated("a call of f%u is diverted to itself", f);
	frame->dest = regs.ip ?: original(f);
	frame->phase = DIVERTED;
	if (ops)
		point();
	frame->phase = INSIDE;
	if (current->depth > 1)
		remember(frame - 1, frame->dest);
	say("is in f%u%s%s", f, regs.ip ? " of " : "",
	    regs.ip ? patch_name[regs.ip / 0x100000 - 1] : "");
	body(f);
	say("leaves f%u", f);
	*frame = (struct frame){};
	current->depth--;
}

static void to_user_mode(void)
{
	while (klp_patch_pending(current))
		klp_update_patch_state(current);
}

/* The last task comes to be: first a copy, then what the core says about it. */
static void fork_last(void)
{
	struct task_struct *child = &model_task[scenario->tasks];

	say("forks");
	child->pending = current->pending;
	child->patch_state = current->patch_state;
	model_list_lock();
	klp_copy_process(child);
	child->listed = true;
	child->exists = true;
	model_list_unlock();
}

/* Off the list, and not at the end yet. */
static void end(void)
{
	model_list_lock();
	say("ends");
	current->listed = false;
	model_list_unlock();
	call(0);
	current->exists = false;
	sleeps(true);
}

/* Each begins with a function of its own, if anybody replaces or calls the second one. */
static unsigned int first_call(int nr)
{
	bool second = scenario->depth > 1;
	unsigned int p;

	if (scenario->comes)
		return choose(FUNCTIONS);
	for (p = 0; p < PATCHES; p++)
		second |= scenario->patch[p].func[1] != LEAVES;
	return second ? (nr - 1) % FUNCTIONS : 0;
}

static void user_task(int nr)
{
	unsigned int acts = scenario->mortal ? nr == 1 && scenario->tasks > 1 ? 3 : 2 : 1;
	unsigned int act, f;

	for (;;) {
		sleeps(true);
		act = choose(acts);
		sleeps(false);
		switch (act) {
		case 0:
			f = first_call(nr);
			if (is_there(f))
				call(f);
			break;
		case 1:
			end();
			return;
		default:
			acts = 2;
			fork_last();
		}
		/* Or it calls the next one from the same system call. */
		if (!scenario->comes || choose(2))
			to_user_mode();
	}
}

static bool last_exists(void)
{
	return model_task[scenario->tasks].exists;
}

static void task(int nr)
{
	if (!model_task[nr].exists) {
		wait_until(last_exists);
		to_user_mode();
	}
	user_task(nr);
}

/* Whoever looks at its stack holds its runqueue. */
static bool not_held(int nr)
{
	return !model_task[nr].held;
}

/* ---- what is promised */

static bool in_world(const struct task_struct *task, int world)
{
	unsigned int i;

	for (i = 0; i < task->depth; i++) {
		const struct frame *frame = &task->frame[i];

		if (frame->phase != CALLING && frame->dest != want[world][frame->func])
			return false;
	}
	return true;
}

static void check_task(const struct task_struct *task)
{
	unsigned int i, p;

	for (i = 0; i < task->depth; i++) {
		p = task->frame[i].dest / 0x100000;
		if (p-- && made[p].life == FREED && !made[p].ever_forced)
			violated("a task is in code of %s, which is freed", patch_name[p]);
	}
	/* Off the list, nobody waits for it but RCU-tasks. */
	if (task->listed && !forced && !in_world(task, 0) && !in_world(task, 1))
		violated("a task is in code of two worlds, or of none that there is");
}

static void check(void)
{
	unsigned int i;

	for (i = 1; i < ACTORS_MAX; i++)
		check_task(&model_task[i]);
}

int main(int argc, char **argv)
{
	static const struct actor actors[ACTORS_MAX] = {
		{ "operator", operator },
		{ "task 1", task, not_held },
		{ "task 2", task, not_held },
		{ "task 3", task, not_held },
	};
	unsigned long states;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (argc > 1 && !strcmp(argv[1], scenarios[i].name))
			scenario = &scenarios[i];
	}
	if (!scenario) {
		for (i = 0; i < ARRAY_SIZE(scenarios); i++)
			printf("%s %s %s\n", scenarios[i].slow ? "slow" : "quick",
			       scenarios[i].name, scenarios[i].words);
		return argc > 1;
	}
	for (i = 1; i <= scenario->tasks; i++) {
		/* One is to be forked. */
		if (scenario->mortal && i > 1)
			break;
		model_task[i].exists = true;
		model_task[i].listed = true;
		model_task[i].sleeps = true;
	}
	for (i = 1; i < ACTORS_MAX; i++)
		model_task[i].patch_state = KLP_TRANSITION_IDLE;
	want_world(0, age);
	want_world(1, age);
	states = explore(actors, scenario->tasks + 1, check,
			 argc > 2 ? atoi(argv[2]) : 0);
	printf("%lu states, %lu steps, at most %lu in a row\n", states, explored_steps(),
	       explored_depth());
	return 0;
}
