/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What do the files of klp share?  The types, and the prototypes grouped by the file that has the
 * function, from the front door down: a file uses only what stands below its own group.  main.c is
 * the door itself.  check/layering.py proves it.
 */
#ifndef KLP_H
#define KLP_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(f, a)	__attribute__((__format__(printf, f, a)))

/* With what klp ends; in the man page. */
enum status {
	KLP_OK,
	KLP_FAILED,
	KLP_USAGE,
	KLP_TIMEOUT,
	KLP_UNSUPPORTED,
	KLP_DECLINED,
	KLP_UNKNOWN,
	KLP_INTERRUPTED = 130,
};

/* Bits of struct command.options and of struct options.given. */
enum {
	OPT_JSON	= 1 << 0,
	OPT_TIMEOUT	= 1 << 1,
	OPT_PROGRESS	= 1 << 2,
	OPT_REVERT	= 1 << 3,
	OPT_NO_WAIT	= 1 << 4,
	OPT_YES		= 1 << 5,
	OPT_ALL		= 1 << 6,
	OPT_OUTPUT	= 1 << 7,
	OPT_DRY_RUN	= 1 << 9,
	OPT_NO_REVERT	= 1 << 10,
	OPT_INSTALLED	= 1 << 11,
	OPT_RELEASE	= 1 << 12,
	/* None: the command tells how things are, and whether it could see all of that. */
	OPT_LOOKS	= 1 << 13,
	/* None: the command may do without livepatch, and asks for it itself. */
	OPT_ANYWHERE	= 1 << 8,
	OPT_WAITS	= OPT_TIMEOUT | OPT_PROGRESS,
};

/**
 * struct options - what the user asked for
 * @given: options that stand on the command line
 * @timeout: in seconds, negative for none
 * @revert: at the timeout back to what was before
 * @output: argument of --output
 * @release: argument of --release
 * @argc: number of arguments behind the command's name
 * @argv: these arguments
 */
struct options {
	unsigned int given;
	double timeout;
	int revert;
	const char *output;
	const char *release;
	int argc;
	char **argv;
};

/**
 * struct config - what /etc/klp.conf says
 * @timeout: in seconds for commands that wait, negative for none
 * @revert: load and rollback turn back at the timeout
 * @boot_timeout: the same for the patches that are loaded at boot
 * @boot_revert: the same for these
 */
struct config {
	double timeout;
	int revert;
	double boot_timeout;
	int boot_revert;
};

/* Numbers that a kernel may not show, or not to everybody, are negative then. */
#define UNKNOWN		(-1L)

struct function {
	char *name;
	unsigned long sympos;
};

struct object {
	char *name;
	long patched;
	struct function *functions;
	size_t nr;
	int unlisted;		/* the functions cannot be seen */
};

/**
 * struct patch - a directory of /sys/kernel/livepatch, or a module that has lost its own
 * @name: of the patch and its module
 * @inactive: the module is loaded, but the patch is neither enabled nor on its way
 * @replaced: it will go when the transition that is going on has ended
 * @enabled: as in sysfs
 * @transition: as in sysfs
 * @replace: as in sysfs, UNKNOWN before 6.11
 * @replace_set: as in sysfs
 * @leave_kernel: as in sysfs
 * @stack_order: as in sysfs, UNKNOWN before 6.14
 * @forced: as in sysfs
 * @objects: what it patches
 * @nr: number of objects
 * @unlisted: not all objects and functions can be seen
 * @hidden: not all of this can be seen
 */
struct patch {
	char *name;
	int inactive;
	int replaced;
	long enabled;
	long transition;
	long replace;
	long replace_set;
	long leave_kernel;
	long stack_order;
	long forced;
	struct object *objects;
	size_t nr;
	int unlisted;
	int hidden;
};

/* HIDDEN: which there are cannot be seen. */
struct patches {
	struct patch *patch;
	size_t nr;
	int hidden;
};

/**
 * struct blocker - a task that has not arrived
 * @tid: thread
 * @pid: process
 * @comm: name of the thread
 * @state: letter as in /proc/PID/stat
 * @verdict: why it has not, in words
 * @where: the function, or NULL
 */
struct blocker {
	long tid;
	long pid;
	char *comm;
	char state;
	char *verdict;
	char *where;
};

/**
 * struct transition - the one that is going on
 * @patch: name of the patch, NULL when there is none
 * @target: 1 towards the patch, 0 away from it
 * @age: in seconds, or UNKNOWN
 * @left: tasks that have not arrived
 * @by_kernel: the kernel has judged the tasks, not klp
 * @blocker: those of them that are known by name
 * @nr: number of these
 * @hidden: not all of this, or not even whether there is one, can be seen
 * @denied: the kernel tells more in debugfs, but that cannot be read
 */
struct transition {
	char *patch;
	long target;
	long age;
	long left;
	int by_kernel;
	struct blocker *blocker;
	size_t nr;
	int hidden;
	int denied;
};

/**
 * struct tables - what a patch says of itself in its file
 * @replace: it is cumulative, or UNKNOWN
 * @replace_set: its set, or UNKNOWN
 * @sets: further sets that it replaces
 * @nr_sets: number of these
 * @objects: what it patches
 * @nr: number of objects, 0 when the file does not tell
 */
struct tables {
	long replace;
	long replace_set;
	long *sets;
	size_t nr_sets;
	struct object *objects;
	size_t nr;
};

/* More than the largest module has, unpacked; in bytes. */
#define LARGEST_MODULE	(1024L * 1024 * 1024)

struct image;

/**
 * struct module_file - what modinfo sees of a module
 * @path: the file
 * @fd: open on it, or on memory with what was compressed; -1 if not
 * @packed_fd: open on the compressed file, -1 if it is none
 * @image: all of it in memory
 * @name: of the module, with underscores
 * @livepatch: modinfo has livepatch=Y
 * @vermagic: as in modinfo, or NULL
 * @version: as in modinfo, or NULL
 * @depends: as in modinfo, or NULL
 * @is_signed: a signature is appended
 * @objects: that its livepatch relocations name
 * @nr: number of objects
 * @parameters: names of those that it takes
 * @nr_parameters: number of these
 * @tables: what the patch in it will be
 */
struct module_file {
	char *path;
	int fd;
	int packed_fd;
	struct image *image;
	char *name;
	int livepatch;
	char *vermagic;
	char *version;
	char *depends;
	int is_signed;
	char **objects;
	size_t nr;
	char **parameters;
	size_t nr_parameters;
	struct tables tables;
};

/**
 * struct request - a patch that is to be loaded
 * @m: its file
 * @params: NAME=VALUE behind it on the command line
 * @nr: number of these
 */
struct request {
	struct module_file m;
	char **params;
	int nr;
};

struct requests {
	struct request *request;
	size_t nr;
};

/* How a transition has ended, for the one who waited. */
enum outcome {
	OUTCOME_PATCHED,
	OUTCOME_UNPATCHED,
	OUTCOME_TIMEOUT,
	OUTCOME_INTERRUPTED,
	OUTCOME_UNKNOWN,
};

/* ---- make.c */

int make_run(char **argv);

/* ---- report.c */

int cmd_report(void);

/* ---- list.c */

int cmd_list(void);
int cmd_show(void);
void list_print(const struct patches *all);

/* ---- load.c */

int cmd_load(void);

/* ---- rollback.c */

int cmd_rollback(void);

/* ---- install.c */

int cmd_install(void);
int cmd_uninstall(void);

/* ---- installed.c */

int installed_list(void);

/* ---- boot.c */

int boot_load(void);

/* ---- unload.c */

int cmd_unload(void);

/* ---- insert.c */

int load_module(const struct module_file *m, char **params, int nr);

/* ---- change.c */

int cmd_disable(void);
int cmd_reverse(void);
int cmd_force(void);
int change_switch_off(const char *name);
int change_withdraw(const char *name, double timeout);

/* ---- signal.c */

int cmd_signal(void);

/* ---- wait.c */

int cmd_wait(void);
enum outcome wait_quietly(const char *name, double timeout);
int wait_and_tell(const char *name, enum outcome want);
int await_transition(const char *except);

/* ---- progress.c */

void progress_begin(const char *name);
void progress_show(const char *name, long target, double seconds);
void progress_end(const char *name, enum outcome outcome);

/* ---- events.c */

int cmd_events(void);

/* ---- blockers.c */

int cmd_blockers(void);
void transition_read(struct transition *t);
void transition_free(struct transition *t);
void blockers_print(const struct transition *t);
void blocker_print(const struct blocker *b, int width);

/* ---- task.c */

long tasks_left(const char *patch, long target);
long tasks_left_now(const char *patch, long target);
char *tasks_in_words(long left);
long tasks_total(void);
void tasks_collect(struct transition *t);
int task_is_kthread(long tid);

/* ---- request.c */

char *request_patch(const char *given);
int requests_read(struct requests *all, size_t most);
void requests_free(struct requests *all);
int limits_check(void);

/* ---- verify.c */

int verify_after(const struct module_file *m, const struct module_file *before);
int verify_module(const struct module_file *m);

/* ---- force.c */

int is_in_force(const char *name);
int is_left_over(const char *name);
int tables_cover(const struct tables *tables, long set);
int tables_replace(const struct tables *new, const struct tables *old);
long force_replaces(const struct module_file *new, const struct patch *patch,
		    const struct module_file *old);

/* ---- check.c */

int check_file(const struct module_file *m, const char *release);
int check_module(const struct module_file *m);

/* ---- store.c */

char *kernel_release(void);
int is_release(const char *text);
char *store_directory(const char *release);
char **store_releases(size_t *nr);
char **store_files(const char *directory, size_t *nr);
char *store_find(const char *release, const char *given, int *many);

/* ---- remove.c */

int module_remove(const char *name);

/* ---- leave.c */

void await_leaving(const char *name);

/* ---- patch.c */

int livepatch_needed(void);
void patch_read(struct patch *patch, const char *name);
int patch_exists(const char *name);
int patch_find(struct patch *patch, const char *given);
int patch_in_transition(struct patch *patch);
const char *patch_state(const struct patch *patch);
size_t patch_functions(const struct patch *patch);
void patch_free(struct patch *patch);
void patches_read(struct patches *all);
void patches_free(struct patches *all);
int patch_write(const char *name, const char *file, const char *value);

/* ---- module.c */

char *module_name(const char *path);
int module_open(struct module_file *m, const char *path);
void module_close(struct module_file *m);
int module_loaded(const char *name);
int module_is_livepatch(const char *name);
int module_has_parameter(const struct module_file *m, const char *given);
int module_is_other_build(const struct module_file *m);
int module_insert(const struct module_file *m, char **params, int nr);

/* ---- tables.c */

void tables_free(struct tables *tables);

/* ---- object.c */

void object_free(struct object *object);
const char *objects_shared(const struct object *a, size_t n, const struct object *b, size_t m);

/* ---- image.c, see image.h */

/* ---- config.c */

extern struct config config;

int read_timeout(const char *text, double *timeout);
int config_read(void);
int config_way_out(void);

/* ---- origin.c */

void origin_show(const char *module);

/* ---- statistics.c */

void statistics_show(const char *patch);

/* ---- unpack.c */

size_t module_suffix(const char *name);
int is_packed(int fd);
int kernel_unpacks(int fd);
int unpack(const char *path, int fd, long most);

/* ---- kmsg.c */

int kmsg_mark(void);
int kmsg_tell(int fd, const char *word);
void kmsg_dump(void);

/* ---- lock.c */

enum lock { LOCK_CHANGE, LOCK_SIGNAL, LOCK_REVERSE, LOCK_ALL };

#define SOMEBODY	1L	/* who has not written down his number */

long lock_try(enum lock lock, char **left);
const char *lock_holder(long holder);
int lock_wait(enum lock lock, double limit, const char *hint);
void lock_note(enum lock lock, const char *note);
void lock_drop(enum lock lock);
int change_begin(void);
void change_end(void);

/* ---- json.c */

void json_open(const char *key, char kind);
void json_close(void);
void json_string(const char *key, const char *value);
void json_number(const char *key, long value);
void json_signed(const char *key, long long value);
void json_unsigned(const char *key, unsigned long long value);
void json_seconds(const char *key, double value);
void json_flag(const char *key, long value);

/* ---- output.c */

enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW };

extern FILE *out;

void output_init(void);
int output_end(void);
int unseen_tell(void);
const char *paint(enum colour colour);
int on_terminal(void);
void error(const char *fmt, ...) __printf(1, 2);
void hush(int more);
void next_step(const char *fmt, ...) __printf(1, 2);
void not_permitted(const char *otherwise);
void tell(const char *fmt, ...) __printf(1, 2);
void remark(const char *fmt, ...) __printf(1, 2);
void print(const char *fmt, ...) __printf(1, 2);
void print_in(enum colour colour, const char *fmt, ...) __printf(2, 3);
void print_lines(const char *text);
void print_clean(const char *text, size_t most);
void print_padded(const char *text, int width);

/* ---- text.c */

#define NO_CHARACTER	(-1L)

int text_is_harmful(long character);
long text_next(const char **text);
void text_clean(char *text);
void text_unescape(char *text);

/* ---- file.c */

extern const char *root;

void *allocate(size_t size);
void *grow(void *array, size_t nr, size_t size);
void *grow_by(void *array, size_t nr, size_t more, size_t size);
char *copy(const char *text);
char *vformat(const char *fmt, va_list args);
char *format(const char *fmt, ...) __printf(1, 2);
char *rooted(const char *fmt, ...) __printf(1, 2);
char *read_all(const char *path);
char *read_line(const char *fmt, ...) __printf(1, 2);
long read_number(const char *fmt, ...) __printf(1, 2);
int write_text(const char *path, const char *text);
int make_directories(const char *path);
int exists(const char *fmt, ...) __printf(1, 2);
char **list_directory(const char *path, size_t *nr);
void free_list(char **list, size_t nr);

/* ---- run.c */

int program_run(const char * const *argv, int in, int out_fd, long most);

/* ---- order.c */

int version_compare(const char *a, const char *b);

/* ---- clock.c */

double now(void);
void nap(double seconds);
void patience(int on);
void catch_interrupts(void);
int interrupted(void);

/* ---- unseen.c */

void unseen_note(const char *what, int err);
long unseen_count(void);
void unseen_forget(long before);
const char *unseen_first(void);

/* ---- options.c */

extern struct options options;

#endif
