// SPDX-License-Identifier: GPL-2.0-only
/*
 * Do structures that are wrong, given to klp_enable_patch(), do harm, or what is written to the
 * files of a patch?
 *
 * An input is a story: patches come, files are written and read, modules come and go, tasks arrive
 * or do not, ftrace refuses a function, memory runs out. A patch is what the input makes of it:
 * names, ends of arrays, where things lie, callbacks, states, sets. Its memory has poison around
 * each piece; what is on the stack or in init memory is gone once its init function has returned,
 * and what is constant can only be read.
 *
 * Beyond that: a patch that is refused is so with a message, and nothing of it is left; at the end
 * all patches can be taken back, and nothing is left of any.
 */
#include "internal.h"
#include "fuzz.h"

#define PATCHES		4
#define TARGETS		2
#define STEPS		24
#define ENTRIES		5	/* in an array, at most */

#define OF_INIT		0x2000UL	/* text for init only */

static const char * const names[] = {
	"f0", "f1", "f2", "f3", "alias", "dup", "deaf", "early", "data", "g0", "g1", "nowhere",
	"f1.cold", "a/b", "a!b", "", "f0\n",
};

static const char * const objects[] = {
	"m1", "m2", "m3", "p0", "vmlinux", "m-1", "enabled", "patched",
};

/* The modules that can be patched. */
static char target_names[] = "\0g0\0g1\0dup\0g0.cold";
static Elf_Sym target_symbols[TARGETS][6];
static struct module targets[TARGETS] = { { .name = "m1" }, { .name = "m2" } };
static bool there[TARGETS];

/* A patch and its module; what its code does. */
static struct {
	struct module mod;
	struct klp_patch *patch;	/* NULL: is not there */
	Elf_Sym symbols[16];
	unsigned int nr_symbols;
	struct klp_modinfo info;	/* without relocations */
} slots[PATCHES];

/* ---- what callbacks do; the text of every patch */

#define CODE	__attribute__((section("patch_text"), used))
extern char __start_patch_text[], __stop_patch_text[];

CODE static int object_agrees(struct klp_object *obj) { return 0; }
CODE static int object_objects(struct klp_object *obj) { return -EIO; }
CODE static int object_mumbles(struct klp_object *obj) { return 7; }
CODE static void object_told(struct klp_object *obj) { }

CODE static int state_agrees(struct klp_patch *patch, struct klp_state *state) { return 0; }
CODE static int state_objects(struct klp_patch *patch, struct klp_state *state) { return -EIO; }
CODE static int state_mumbles(struct klp_patch *patch, struct klp_state *state) { return -5000; }

CODE static void state_told(struct klp_patch *patch, struct klp_state *state)
{
	state->data = patch;
}

CODE static int shadow_made(void *obj, void *data, void *arg) { return 0; }
CODE static void shadow_freed(void *obj, void *data) { }

static const klp_pre_patch_t object_pre[] = { NULL, object_agrees, object_objects, object_mumbles };
static int (* const state_pre[])(struct klp_patch *patch, struct klp_state *state) = {
	NULL, state_agrees, state_objects, state_mumbles
};

/* ---- pieces of a patch */

static bool usual(struct input *in)
{
	return take_below(in, 4) != 3;
}

static enum arena take_place(struct input *in)
{
	return usual(in) ? ARENA_DATA : take_below(in, ARENA_KINDS);
}

static void *keep(unsigned int nr, struct input *in, const void *piece, size_t size)
{
	return memcpy(arena_take(nr, take_place(in), size), piece, size);
}

static const char *take_name(unsigned int nr, struct input *in, const char * const *words,
			     unsigned int nr_words)
{
	unsigned int which = take_byte(in);
	char text[700];

	if (which == 0xff) {
		take_text(in, text, sizeof(text));
		return keep(nr, in, text, strlen(text) + 1);
	}
	return keep(nr, in, words[which % nr_words], strlen(words[which % nr_words]) + 1);
}

/* Code that can be called, or what is refused: init code, and what is none. */
static void *take_callback(struct input *in, void *code)
{
	switch (usual(in) ? 0 : take_below(in, 4)) {
	case 1:
		return targets;
	case 2:
		return (void *)OF_INIT;
	case 3:
		return NULL;
	default:
		return code;
	}
}

/* Code of the patch, or anything else, which nobody calls here. */
static void *take_replacement(struct input *in)
{
	switch (usual(in) ? 0 : take_below(in, 3)) {
	case 1:
		return (void *)fuzz_vmlinux_addr(take_byte(in));
	case 2:
		return (char *)targets[0].mem[MOD_TEXT].base + 0x100 * take_below(in, 6);
	default:
		return take_callback(in, __start_patch_text + take_byte(in) % 64);
	}
}

/*
 * An array with an end, or none; a symbol tells its size, except where it was allocated. Its last
 * entry is not always all empty.
 */
static void *take_array(unsigned int nr, struct input *in, const void *entries, unsigned int n,
			size_t size, size_t head)
{
	enum arena place = take_place(in);
	bool ends = usual(in) || place == ARENA_HEAP || place == ARENA_STACK;
	char *array = arena_take(nr, place, (n + ends) * size);
	Elf_Sym *sym = &slots[nr].symbols[slots[nr].nr_symbols++];

	memcpy(array, entries, n * size);
	if (ends && !usual(in))
		memset(array + n * size + head, 0xa5, size - head);
	*sym = (Elf_Sym){
		.st_info = STT_OBJECT,
		.st_shndx = 1,
		.st_value = (unsigned long)array,
		.st_size = (n + ends) * size,
	};
	return array;
}

static void take_func(unsigned int nr, struct input *in, struct klp_func *func)
{
	memset(func, 0, sizeof(*func));
	if (usual(in))
		func->old_name = take_name(nr, in, names, ARRAY_SIZE(names));
	func->guard = !usual(in);
	func->new_func = func->guard && usual(in) ? NULL : take_replacement(in);
	func->old_sympos = usual(in) ? 0 : take_number(in);
}

static void take_object(unsigned int nr, struct input *in, struct klp_object *obj)
{
	struct klp_func funcs[ENTRIES];
	unsigned int i, n = take_below(in, ENTRIES);

	memset(obj, 0, sizeof(*obj));
	if (!usual(in))
		obj->name = take_name(nr, in, objects, ARRAY_SIZE(objects));
	for (i = 0; i < n; i++)
		take_func(nr, in, &funcs[i]);
	if (usual(in) || usual(in))
		obj->funcs = take_array(nr, in, funcs, n, sizeof(*funcs),
					offsetofend(struct klp_func, old_sympos));
	if (usual(in))
		return;
	obj->callbacks.pre_patch = take_callback(in, object_pre[take_below(in, 4)]);
	obj->callbacks.post_patch = take_callback(in, object_told);
	obj->callbacks.pre_unpatch = take_callback(in, object_told);
	obj->callbacks.post_unpatch = take_callback(in, object_told);
	obj->callbacks.post_unpatch_enabled = take_below(in, 2);
}

static const struct klp_shadow_type *take_type(unsigned int nr, struct input *in)
{
	struct klp_shadow_type type = {
		.id = take_below(in, 4),
		.ctor = take_callback(in, shadow_made),
		.dtor = take_callback(in, shadow_freed),
	};

	return keep(nr, in, &type, sizeof(type));
}

static void take_states(unsigned int nr, struct input *in, struct klp_patch *patch)
{
	struct klp_state states[ENTRIES] = {};
	struct klp_state_ops ops[ENTRIES] = {};
	unsigned int i, n = take_below(in, ENTRIES), rows = take_below(in, ENTRIES);

	for (i = 0; i < n; i++) {
		states[i].id = usual(in) ? i + 1 : take_below(in, 6);
		states[i].version = usual(in) ? 1 : take_number(in);
	}
	if (n)
		patch->states = take_array(nr, in, states, n, sizeof(*states), sizeof(long));
	for (i = 0; i < rows; i++) {
		ops[i].id = usual(in) ? i + 1 : take_below(in, 6);
		ops[i].pre_patch = take_callback(in, state_pre[take_below(in, 4)]);
		ops[i].post_patch = take_callback(in, state_told);
		ops[i].pre_unpatch = take_callback(in, state_told);
		ops[i].post_unpatch = take_callback(in, state_told);
		ops[i].shadow = usual(in) ? NULL : take_type(nr, in);
		ops[i].block_disable = !usual(in);
	}
	if (rows)
		patch->state_ops = take_array(nr, in, ops, rows, sizeof(*ops), sizeof(long));
}

static struct klp_patch *take_patch(unsigned int nr, struct input *in)
{
	struct klp_object objs[ENTRIES];
	struct klp_patch *patch = arena_take(nr, take_place(in), sizeof(*patch));
	unsigned int i, n = take_below(in, ENTRIES), kind = take_byte(in);
	unsigned int sets[2] = { take_below(in, 3), take_below(in, 3) };

	patch->mod = kind == 0xff ? NULL : &slots[nr].mod;
	patch->replace = kind & 1;
	patch->leave_kernel = kind & 2;
	patch->replace_set = kind >> 2 & 3;
	for (i = 0; i < n; i++)
		take_object(nr, in, &objs[i]);
	if (usual(in) || usual(in))
		patch->objs = take_array(nr, in, objs, n, sizeof(*objs),
					 offsetofend(struct klp_object, funcs));
	if (kind & 0x10)
		take_states(nr, in, patch);
	if (kind & 0x20)
		patch->supersedes = take_array(nr, in, sets, take_below(in, 3), sizeof(*sets),
					       sizeof(*sets));
	return patch;
}

/* ---- steps of a story */

static void open_module(unsigned int nr)
{
	static const char * const called[PATCHES] = { "p0", "p1", "p2", "p3" };
	struct module *mod = &slots[nr].mod;

	*mod = (struct module){
		.name = called[nr],
		.state = MODULE_STATE_COMING,
		.klp = true,
		.klp_info = &slots[nr].info,
		.core_kallsyms = { .symtab = slots[nr].symbols, .strtab = target_names },
		.mem[MOD_TEXT] = { __start_patch_text, __stop_patch_text - __start_patch_text },
		.mem[MOD_INIT_TEXT] = { (void *)OF_INIT, 0x100 },
	};
	slots[nr].nr_symbols = 1;
	arena_open(nr, mod);
	fuzz_module_add(mod);
}

static void close_module(unsigned int nr)
{
	slots[nr].patch = NULL;
	fuzz_module_remove(&slots[nr].mod);
	arena_close(nr);
}

static bool listed(const struct klp_patch *patch)
{
	const struct klp_patch *other;

	list_for_each_entry(other, &klp_patches, list) {
		if (other == patch)
			return true;
	}
	return false;
}

/* insmod */
static void patch_comes(unsigned int nr, struct input *in)
{
	unsigned long said = fuzz.said;
	long kobjects = fuzz.kobjects;
	struct klp_patch *patch;
	int ret;

	open_module(nr);
	slots[nr].mod.klp = take_byte(in) != 0xff;
	patch = take_byte(in) == 0xff ? NULL : take_patch(nr, in);
	slots[nr].mod.core_kallsyms.num_symtab = slots[nr].nr_symbols;
	fuzz.refuses = usual(in) ? 0 : fuzz_vmlinux_addr(take_below(in, 8));
	fuzz.fails = usual(in) ? 0 : 1 + take_byte(in);
	slots[nr].mod.klp_alive = true;
	arena_seal(nr);
	ret = klp_enable_patch(patch);
	fuzz.fails = 0;
	fuzz.refuses = 0;
	arena_end_init(nr, &slots[nr].mod);
	slots[nr].mod.mem[MOD_INIT_TEXT].size = 0;
	slots[nr].mod.state = MODULE_STATE_LIVE;
	if (!ret) {
		slots[nr].patch = patch;
		return;
	}
	if (ret > 0 || (ret != -ENOMEM && ret != -EBUSY && fuzz.said == said))
		violated("klp_enable_patch() returned %d without a message", ret);
	if (slots[nr].mod.refs)
		violated("a patch that was refused has references to its module");
	if (listed(patch))
		violated("a patch that was refused is in the list");
	fuzz_run_work();
	if (fuzz.kobjects > kobjects)
		violated("a patch that was refused is in sysfs");
	close_module(nr);
}

/* The modules that nobody uses any more. */
static void modules_go(void)
{
	unsigned int i;

	fuzz_run_work();
	for (i = 0; i < PATCHES; i++) {
		if (slots[i].patch && !slots[i].mod.refs && !slots[i].patch->forced)
			close_module(i);
	}
}

/* What has gone is not in the core's mind any more. */
static void check_forgotten(struct module *mod)
{
	const struct klp_patch *patch;
	const struct klp_object *obj;

	list_for_each_entry(patch, &klp_patches, list) {
		klp_for_each_object(patch, obj) {
			if (obj->mod == mod)
				violated("module %s is gone, and patched", mod->name);
		}
	}
	fuzz_module_remove(mod);
}

static void module_comes_or_goes(unsigned int nr, struct input *in)
{
	struct module *mod = &targets[nr];
	unsigned long said = fuzz.said;
	int ret;

	if (there[nr]) {
		mod->state = MODULE_STATE_GOING;
		klp_module_going(mod);
		check_forgotten(mod);
		there[nr] = false;
		return;
	}
	mod->state = MODULE_STATE_COMING;
	mod->refs = 0;
	fuzz_module_add(mod);
	fuzz.fails = usual(in) ? 0 : 1 + take_below(in, 32);
	ret = klp_module_coming(mod);
	fuzz.fails = 0;
	there[nr] = !ret;
	mod->state = MODULE_STATE_LIVE;
	if (!ret)
		return;
	if (fuzz.said == said)
		violated("module %s is refused without a message", mod->name);
	check_forgotten(mod);
}

/* ---- files */

static void show(struct kobject *kobj, struct kobj_attribute *attr, void *arg)
{
	static char page[PAGE_SIZE];
	ssize_t len = attr->show ? attr->show(kobj, attr, page) : 0;

	if (len > 0 && (page[len - 1] != '\n' || strlen(page) != (size_t)len))
		violated("%s shows '%s'", attr->attr.name, page);
}

struct writing {
	const char *file;
	char text[64];
	size_t len;
	ssize_t ret;
};

static void store(struct kobject *kobj, struct kobj_attribute *attr, void *arg)
{
	struct writing *w = arg;
	char *exact;

	if (strcmp(attr->attr.name, w->file))
		return;
	if (!attr->store)
		violated("%s cannot be written to", w->file);
	/* As kernfs has it: with an end behind it that is not counted. */
	exact = malloc(w->len + 1);
	memcpy(exact, w->text, w->len + 1);
	w->ret = attr->store(kobj, attr, exact, w->len);
	free(exact);
	if (w->ret > 0 && (size_t)w->ret != w->len)
		violated("%s has taken %zd bytes of %zu", w->file, w->ret, w->len);
}

static void write_file(unsigned int nr, const char *file, const char *text, size_t len)
{
	struct writing w = { .file = file, .len = len };

	snprintf(w.text, sizeof(w.text), "%s", text);
	fuzz_attributes(&slots[nr].patch->kobj, store, &w);
	if (fuzz_locked())
		violated("a write to %s leaves klp_mutex behind", file);
}

/* Is it in sysfs? */
static bool shown(unsigned int nr)
{
	return slots[nr].patch && slots[nr].patch->kobj.refs;
}

static void use_files(unsigned int nr, struct input *in)
{
	static const char * const texts[] = {
		"0", "1", "0\n", "1\n", "y", "on", "off", "2", "-1", "",
	};
	unsigned int kind = take_byte(in);
	char text[64];

	if (!shown(nr))
		return;
	if (kind & 1) {
		fuzz_attributes(&slots[nr].patch->kobj, show, NULL);
		return;
	}
	if (usual(in))
		snprintf(text, sizeof(text), "%s", texts[take_below(in, ARRAY_SIZE(texts))]);
	else
		take_text(in, text, sizeof(text));
	fuzz.fails = usual(in) ? 0 : 1 + take_below(in, 16);
	write_file(nr, kind & 0x70 ? "enabled" : "force", text, strlen(text));
	fuzz.fails = 0;
}

/* ---- the story */

static void tasks_arrive(void)
{
	fuzz.arrives = true;
	mutex_lock(&klp_mutex);
	klp_transition_round();
	mutex_unlock(&klp_mutex);
	modules_go();
}

static void step(struct input *in)
{
	unsigned int what = take_byte(in), nr = take_below(in, PATCHES);

	switch (what % 8) {
	case 0:
	case 1:
		if (!slots[nr].mod.name)
			patch_comes(nr, in);
		break;
	case 2:
	case 3:
		use_files(nr, in);
		break;
	case 4:
		module_comes_or_goes(nr % TARGETS, in);
		break;
	case 5:
		tasks_arrive();
		break;
	case 6:
		fuzz.arrives = false;
		break;
	default:
		modules_go();
	}
}

/* Every patch can be taken back, the newest one first; by its file, or by force. */
static void all_go(struct input *in)
{
	unsigned int i;

	tasks_arrive();
	for (i = PATCHES; i--;) {
		if (shown(i) && slots[i].patch->enabled && listed(slots[i].patch))
			write_file(i, "enabled", "0", 1);
		tasks_arrive();
		if (slots[i].patch)
			fuzz_evict(&slots[i].mod);
		if (slots[i].patch)
			close_module(i);
	}
	for (i = 0; i < TARGETS; i++) {
		if (there[i])
			module_comes_or_goes(i, in);
	}
	fuzz_run_work();
	/* An index without a site in it is kept for the next patch. */
	mutex_lock(&klp_mutex);
	klp_index_trim();
	mutex_unlock(&klp_mutex);
}

static void open_targets(void)
{
	static const unsigned int at[] = { 0, 1, 4, 7, 7, 11 };
	unsigned int i, j;

	for (i = 0; i < TARGETS; i++) {
		unsigned long text = 0x100000UL * (i + 1);

		for (j = 1; j < ARRAY_SIZE(at); j++)
			target_symbols[i][j] = (Elf_Sym){
				.st_name = at[j],
				.st_shndx = 1,
				.st_info = STT_FUNC,
				.st_value = text + 0x100 * j,
			};
		targets[i].mem[MOD_TEXT] = (struct module_memory){ (void *)text, 0x1000 };
		targets[i].core_kallsyms = (struct mod_kallsyms){
			target_symbols[i], ARRAY_SIZE(at), target_names
		};
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int i;
	struct fuzz before;

	fuzz_boot();
	open_targets();
	memset(slots, 0, sizeof(slots));
	before = fuzz;
	for (i = 0; i < STEPS && in.left; i++)
		step(&in);
	all_go(&in);

	if (!list_empty(&klp_patches) || klp_transition_patch || fuzz_locked())
		violated("a patch, a transition or a lock is left");
	if (fuzz.kobjects != before.kobjects)
		violated("%ld directories are left", fuzz.kobjects - before.kobjects);
	if (fuzz.ftrace != before.ftrace)
		violated("%ld handlers are left", fuzz.ftrace - before.ftrace);
	if (fuzz.allocated != before.allocated)
		violated("%ld pieces of memory are left", fuzz.allocated - before.allocated);
	return 0;
}
