// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does klp cope with whatever the kernel, the administrator or a module's author has written?
 *
 * An input is a command and the files that it finds: of sysfs, debugfs and /proc, the kernel's log,
 * trace events, klp.conf, .modinfo of a module. They are written below a directory, and klp's own
 * code looks at them with --root, as the commands do that only look.
 *
 * Beyond the sanitizers: what is printed cannot steer a terminal, and JSON is JSON.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "klp.h"
#include "fuzz.h"

#define FILES		16	/* in one input, at most */
#define TAKEN		512	/* bytes of one that the input has; a long one repeats them */
#define LARGEST		17000
#define DIRECTORIES	4
#define MODULE		"/patch.ko"
#define TRACE		"/trace"
#define LP		"/sys/kernel/livepatch/"
#define TASK		"/proc/12/task/13/"

/* In front of some of them, what they begin with when they are right. */
static const struct {
	const char *path;
	const char *head;
} files[] = {
	{ LP "p1/enabled", "" },
	{ LP "p1/transition", "" },
	{ LP "p1/replace", "" },
	{ LP "p1/replace_set", "" },
	{ LP "p1/leave_kernel", "" },
	{ LP "p1/stack_order", "" },
	{ LP "p1/forced", "" },
	{ LP "p1/pending", "" },
	{ LP "p1/vmlinux/patched", "" },
	{ LP "p2/enabled", "" },
	{ LP "p2/transition", "" },
	{ LP "p2/m1/patched", "" },
	{ "/sys/kernel/debug/livepatch/blockers",
	  "patch: p1\ntarget: patched\nage: 1 s\ntasks left: 2\n13 12 (" },
	{ "/sys/kernel/debug/livepatch/statistics", "patch: p1\n" },
	{ "/sys/kernel/debug/livepatch/hits", "" },
	{ "/sys/kernel/debug/livepatch/shadow", "" },
	{ "/sys/module/p1/taint", "OK" },
	{ "/sys/module/p1/version", "" },
	{ "/sys/module/p1/refcnt", "" },
	{ "/sys/module/p1/notes/.note.klp-build", "\12\0\0\0" },
	{ "/sys/module/p3/taint", "K" },
	{ "/sys/module/livepatch/parameters/nudge_after", "" },
	{ "/sys/kernel/security/lockdown", "none [" },
	{ "/proc/kallsyms", "ffffffff81000000 T f\n" },
	{ "/proc/cmdline", "" },
	{ "/proc/loadavg", "0.00 0.00 0.00 1/" },
	{ "/proc/version", "" },
	{ "/proc/modules", "" },
	{ "/proc/sys/kernel/tainted", "" },
	{ "/proc/12/stat", "12 (" },
	{ TASK "patch_state", "" },
	{ TASK "comm", "" },
	{ TASK "stat", "13 (" },
	{ TASK "stack", "[<0>] " },
	{ "/etc/klp.conf", "TIMEOUT=" },
	{ "/dev/kmsg", "6,1,100,-;livepatch: " },
	{ TRACE, "  sh-13  [000] d..1.  1.000000: klp_task_switch: comm=" },
	{ MODULE, "" },
};

/* ---- time, which passes by itself */

static double seconds;

double now(void) { return seconds += 0.001; }
void nap(double s) { seconds += s; }
void patience(int on) { }
void catch_interrupts(void) { }
int interrupted(void) { return 0; }

/* ---- what is wrong */

static void __attribute__((noreturn)) wrong(const char *what, const char *text, const char *at)
{
	dprintf(STDERR_FILENO, "fuzz: %s, at %zd of:\n%s\n", what, at - text, text);
	abort();
}

/* What steers a terminal, or turns the direction: the first bytes, and what the last one may be. */
static const struct {
	const char *start;
	unsigned char first, last;
} harmful[] = {
	{ "", 0x01, 0x08 },
	{ "", 0x0b, 0x1f },
	{ "", 0x7f, 0x7f },
	{ "\xc2", 0x80, 0x9f },
	{ "\xe2\x80", 0x8b, 0x8f },
	{ "\xe2\x80", 0xa8, 0xae },
	{ "\xe2\x81", 0xa0, 0xaf },
};

static void check_harmless(const char *text)
{
	const char *at = text;

	while (*at) {
		const char *start = at;

		for (size_t i = 0; i < ARRAY_SIZE(harmful); i++) {
			size_t len = strlen(harmful[i].start);
			unsigned char last = strncmp(at, harmful[i].start, len) ? 0 : at[len];

			if (last >= harmful[i].first && last <= harmful[i].last)
				wrong("harmful output", text, at);
		}
		if (text_next(&at) == NO_CHARACTER)
			wrong("output that is no text", text, start);
	}
}

/* JSON, of which klp has objects, arrays, strings, numbers and three words. */
static const char *json_value(const char *text, const char *at);

static const char *json_blanks(const char *at)
{
	return at + strspn(at, " \n");
}

static const char *json_quoted(const char *text, const char *at)
{
	if (*at++ != '"')
		wrong("no string of JSON", text, at - 1);
	while (*at != '"') {
		if ((unsigned char)*at < ' ' ||
		    (*at == '\\' && (!at[1] || !strchr("\"\\/bfnrtu", at[1]))))
			wrong("bad character in JSON", text, at);
		at += 1 + (*at == '\\');
	}
	return at + 1;
}

static const char *json_many(const char *text, const char *at, char end)
{
	at = json_blanks(at + 1);
	while (*at != end) {
		if (end == '}') {
			at = json_quoted(text, at);
			if (*at != ':')
				wrong("no colon in JSON", text, at);
			at = json_blanks(at + 1);
		}
		at = json_blanks(json_value(text, at));
		if (*at != ',' && *at != end)
			wrong("no comma in JSON", text, at);
		at = json_blanks(at + (*at == ','));
	}
	return at + 1;
}

static const char *json_value(const char *text, const char *at)
{
	static const char * const words[] = { "true", "false", "null" };
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strncmp(at, words[i], strlen(words[i])))
			return at + strlen(words[i]);
	}
	if (*at == '{' || *at == '[')
		return json_many(text, at, *at == '{' ? '}' : ']');
	if (*at == '"')
		return json_quoted(text, at);
	strtod(at, &end);
	if (end == at || !strchr("-0123456789", *at))
		wrong("no JSON", text, at);
	return end;
}

static void check_json(const char *text)
{
	const char *at = json_blanks(text);

	while (*at)
		at = json_blanks(json_value(text, at));
}

/* ---- files */

static char *directory;
static char *made[FILES + 2 * DIRECTORIES];
static size_t nr_made;

static void make_parents(char *path)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
	make_directories(path);
	*slash = '/';
}

static void forget_file(const char *path)
{
	made[nr_made++] = copy(path);
}

/* The smallest module whose .modinfo has this text. */
static void write_module(int fd, const char *text, size_t size)
{
	static const char names[] = "\0.modinfo\0.shstrtab";
	struct {
		Elf64_Ehdr head;
		Elf64_Shdr sec[3];
		char names[sizeof(names)];
	} m = {
		.head = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_REL,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_shoff = sizeof(m.head),
			.e_ehsize = sizeof(m.head),
			.e_shentsize = sizeof(m.sec[0]),
			.e_shnum = 3,
			.e_shstrndx = 2,
		},
		.sec = {
			{},
			{
				.sh_name = 1,
				.sh_type = SHT_PROGBITS,
				.sh_offset = sizeof(m),
				.sh_size = size,
			}, {
				.sh_name = 10,
				.sh_type = SHT_STRTAB,
				.sh_offset = offsetof(typeof(m), names),
				.sh_size = sizeof(names),
			},
		},
	};

	memcpy(m.names, names, sizeof(names));
	if (write(fd, &m, sizeof(m)) != sizeof(m) || write(fd, text, size) != (ssize_t)size)
		abort();
}

static void take_file(struct input *in)
{
	unsigned int which = take_below(in, ARRAY_SIZE(files)), right = take_byte(in);
	size_t size = take_byte(in), head = strlen(files[which].head), taken, i;
	static char text[2 * LARGEST];
	char *path = rooted("%s", files[which].path);
	int fd;

	if (size == 0xff)
		size = LARGEST;
	if (right < 0x40)
		head = 0;
	memcpy(text, files[which].head, head);
	taken = size < in->left ? size : in->left;
	if (taken > TAKEN)
		taken = TAKEN;
	for (i = 0; taken && i < size; i++)
		text[head + i] = i < taken ? (char)take_byte(in) : text[head + i - taken];
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		abort();
	if (strcmp(files[which].path, MODULE))
		head = write(fd, text, head + i) < 0;
	else
		write_module(fd, text, head + i);
	close(fd);
	forget_file(path);
	free(path);
}

/* A directory with a name that nobody has foreseen: a patch, or a function. */
static void take_directory(struct input *in)
{
	unsigned int where = take_byte(in);
	char name[300], *path;

	take_text(in, name, sizeof(name));
	if (!*name || strchr(name, '/') || *name == '.')
		return;
	path = rooted(where & 1 ? LP "p1/vmlinux/%s%s" : LP "%s%s", name, where & 2 ? ",1" : "");
	if (!mkdir(path, 0755))
		forget_file(path);
	free(path);
}

static void make_tree(void)
{
	const char *tmp = getenv("TMPDIR");

	directory = format("%s/klp-fuzz.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(directory))
		abort();
	root = directory;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *path = rooted("%s", files[i].path);

		make_parents(path);
		free(path);
	}
}

static void remove_tree(void)
{
	char *command = format("rm -rf '%s'", directory);

	if (system(command))
		_exit(1);
	free(command);
}

static void remove_files(void)
{
	while (nr_made) {
		remove(made[--nr_made]);
		free(made[nr_made]);
	}
}

/* ---- what klp does with them */

static int look_at_log(void)
{
	int fd = kmsg_mark();

	if (fd < 0)
		return KLP_FAILED;
	lseek(fd, 0, SEEK_SET);
	kmsg_tell(fd, "p1");
	close(fd);
	kmsg_dump();
	return KLP_OK;
}

static int look_at_config(void)
{
	config_way_out();
	return config_read();
}

static int look_at_module(void)
{
	char *path = rooted(MODULE);
	struct module_file m;
	int status = module_open(&m, path);

	if (!status) {
		check_module(&m);
		verify_module(&m);
		module_has_parameter(&m, "p=1");
	}
	module_close(&m);
	free(path);
	return status;
}

static const struct {
	int (*run)(void);
	const char *argument;
	unsigned int options;
} commands[] = {
	{ cmd_list, NULL, 0 },
	{ cmd_list, NULL, OPT_JSON },
	{ cmd_show, "p1", 0 },
	{ cmd_show, "p1", OPT_JSON },
	{ cmd_blockers, NULL, 0 },
	{ cmd_blockers, NULL, OPT_JSON },
	{ cmd_events, TRACE, 0 },
	{ cmd_events, TRACE, OPT_JSON },
	{ look_at_log, NULL, 0 },
	{ look_at_config, NULL, 0 },
	{ look_at_module, NULL, OPT_DRY_RUN },
	{ cmd_report, NULL, 0 },
};

static void run_command(unsigned int which)
{
	char *argv[2] = {}, *said = NULL, *complained = NULL;
	FILE *saved_out = stdout, *saved_errors = stderr, *results, *errors;
	size_t said_size, complained_size;

	if (commands[which].argument)
		argv[0] = *commands[which].argument == '/' ?
			rooted("%s", commands[which].argument) : copy(commands[which].argument);
	options = (struct options){
		.given = commands[which].options,
		.timeout = -1,
		.argc = !!argv[0],
		.argv = argv,
	};
	errors = open_memstream(&complained, &complained_size);
	results = open_memstream(&said, &said_size);
	stdout = results;
	stderr = errors;
	out = stdout;
	commands[which].run();
	unseen_forget(0);
	stdout = saved_out;
	stderr = saved_errors;
	fclose(results);
	fclose(errors);
	check_harmless(said);
	check_harmless(complained);
	if (commands[which].options & OPT_JSON)
		check_json(said);
	free(said);
	free(complained);
	free(argv[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int which = take_below(&in, ARRAY_SIZE(commands));
	unsigned int dirs = take_below(&in, DIRECTORIES), i;

	if (!directory) {
		make_tree();
		atexit(remove_tree);
	}
	for (i = 0; i < dirs; i++)
		take_directory(&in);
	for (i = 0; i < FILES && in.left; i++)
		take_file(&in);
	run_command(which);
	remove_files();
	return 0;
}
