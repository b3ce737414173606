// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-build: from a source patch to a livepatch module.  What does the user want?
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "build.h"

#define LARGEST_NAME	55	/* of a module, in the names of livepatch symbols */
#define NAME_CHARACTERS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

enum {
	LONG_NAME = 256,
	LONG_SOURCE,
	LONG_BUILD,
	LONG_REPLACE,
	LONG_NO_REPLACE,
	LONG_SET,
	LONG_SUPERSEDES,
	LONG_LEAVE_KERNEL,
	LONG_GUARD,
	LONG_CALLBACKS,
	LONG_KEEP,
	LONG_JSON,
	LONG_DRY_RUN,
	LONG_POST_LINK,
	LONG_EVERYTHING,
	LONG_CHECK,
};

static const struct option long_options[] = {
	{ "name",		required_argument,	NULL, LONG_NAME },
	{ "output",		required_argument,	NULL, 'o' },
	{ "source",		required_argument,	NULL, LONG_SOURCE },
	{ "build",		required_argument,	NULL, LONG_BUILD },
	{ "replace",		no_argument,		NULL, LONG_REPLACE },
	{ "no-replace",		no_argument,		NULL, LONG_NO_REPLACE },
	{ "set",		required_argument,	NULL, LONG_SET },
	{ "supersedes",		required_argument,	NULL, LONG_SUPERSEDES },
	{ "leave-kernel",	no_argument,		NULL, LONG_LEAVE_KERNEL },
	{ "guard",		required_argument,	NULL, LONG_GUARD },
	{ "callbacks",		required_argument,	NULL, LONG_CALLBACKS },
	{ "keep",		no_argument,		NULL, LONG_KEEP },
	{ "json",		no_argument,		NULL, LONG_JSON },
	{ "dry-run",		no_argument,		NULL, LONG_DRY_RUN },
	{ "post-link",		required_argument,	NULL, LONG_POST_LINK },
	{ "check",		required_argument,	NULL, LONG_CHECK },
	{ "everything",		no_argument,		NULL, LONG_EVERYTHING },
	{ "jobs",		required_argument,	NULL, 'j' },
	{ "help",		no_argument,		NULL, 'h' },
	{ "version",		no_argument,		NULL, 'V' },
	{ }
};

static const char usage[] =
	"usage: klp build [OPTION...] PATCH...\n"
	"\n"
	"Make a livepatch module from patches of the kernel's source.\n"
	"\n"
	"  -o, --output FILE      write the module there (default: NAME.ko)\n"
	"      --name NAME        of the module (default: livepatch-PATCH)\n"
	"      --build DIR        the kernel's build tree (default: that of the running kernel)\n"
	"      --source DIR       its source tree (default: what the build tree was built from)\n"
	"      --no-replace       the module is put on top of others instead of replacing them\n"
	"      --set N            of replace set N\n"
	"      --supersedes N     replaces set N, too; may be given again\n"
	"      --leave-kernel     tasks change over at their way to user mode only\n"
	"      --guard FUNCTION   no change while FUNCTION is on a stack; may be given again\n"
	"      --callbacks FILE   C file with callbacks, such as pre_patch_vmlinux()\n"
	"      --dry-run          report what would be done\n"
	"      --json             report as JSON\n"
	"      --everything       carry all functions of the units, for tests\n"
	"      --keep             keep the work folder, with the generated source\n"
	"  -j, --jobs N           compilers at a time\n"
	"      --check FILE       instead: does the module FILE fit the kernel?\n"
	"      --post-link SYMBOLS MODULE\n"
	"                         finish a module whose generated source was built by hand\n"
	"  -h, --help\n"
	"  -V, --version\n"
	"\n"
	"Ends with 0; 1 when a tool fails; 2 when used wrongly; 5 when the patch is refused;\n"
	"7 when it does not apply; 8 when it does not compile; 130 when interrupted.\n";

static const char *post_link;
static const char *to_check;

static noreturn void used_wrongly(const char *fmt, ...) __printf(1, 2);

static noreturn void used_wrongly(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = vformat(fmt, args);
	va_end(args);
	error("build: %s", text);
	next_step("see: klp build --help");
	exit(KLP_USAGE);
}

static long read_count(const char *option, const char *text, long least)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < least || value > UINT_MAX)
		used_wrongly("%s wants a number from %ld on, not %s", option, least, text);
	return value;
}

static char *folder(const char *option, const char *path)
{
	char *full = realpath(path, NULL);

	if (!full)
		used_wrongly("%s %s: %s", option, path, strerror(errno));
	return full;
}

static void add_guard(char *name)
{
	choices.guards = grow(choices.guards, choices.nr_guards, sizeof(*choices.guards));
	choices.guards[choices.nr_guards++] = name;
}

static void add_superseded(long set)
{
	choices.supersedes = grow(choices.supersedes, choices.nr_supersedes,
				  sizeof(*choices.supersedes));
	choices.supersedes[choices.nr_supersedes++] = set;
}

static int take_path(int letter)
{
	switch (letter) {
	case 'o':
		choices.output = optarg;
		return 1;
	case LONG_NAME:
		choices.name = optarg;
		return 1;
	case LONG_SOURCE:
		choices.source = folder("--source", optarg);
		return 1;
	case LONG_BUILD:
		choices.build = folder("--build", optarg);
		return 1;
	case LONG_CALLBACKS:
		choices.callbacks = optarg;
		return 1;
	case LONG_POST_LINK:
		post_link = optarg;
		return 1;
	case LONG_CHECK:
		to_check = optarg;
		return 1;
	default:
		return 0;
	}
}

static int take_kind(int letter)
{
	switch (letter) {
	case LONG_REPLACE:
	case LONG_NO_REPLACE:
		choices.replace = letter == LONG_REPLACE;
		return 1;
	case LONG_SET:
		choices.set = read_count("--set", optarg, 0);
		return 1;
	case LONG_SUPERSEDES:
		add_superseded(read_count("--supersedes", optarg, 1));
		return 1;
	case LONG_LEAVE_KERNEL:
		choices.leave_kernel = 1;
		return 1;
	case LONG_GUARD:
		add_guard(optarg);
		return 1;
	default:
		return 0;
	}
}

static void take_option(int letter)
{
	switch (letter) {
	case LONG_KEEP:
		choices.keep = 1;
		break;
	case LONG_JSON:
		options.given |= OPT_JSON;
		break;
	case LONG_DRY_RUN:
		choices.dry_run = 1;
		break;
	case LONG_EVERYTHING:
		choices.everything = 1;
		break;
	case 'j':
		choices.jobs = read_count("--jobs", optarg, 1);
		break;
	case 'h':
		fputs(usage, stdout);
		exit(output_end());
	case 'V':
		puts("klp-build " KLP_VERSION);
		exit(output_end());
	default:
		exit(KLP_USAGE);
	}
}

/* What the user has not said. */
static void complete(void)
{
	char *link;

	if (!choices.build) {
		struct utsname name;

		uname(&name);
		choices.build = format("/lib/modules/%s/build", name.release);
		if (access(choices.build, F_OK))
			used_wrongly("there is no %s: say --build DIR", choices.build);
		choices.build = folder("--build", choices.build);
	}
	link = format("%s/source", choices.build);
	if (!choices.source)
		choices.source = access(link, F_OK) ? copy(choices.build) : realpath(link, NULL);
	free(link);
	if (!choices.jobs)
		choices.jobs = sysconf(_SC_NPROCESSORS_ONLN);
	if (choices.nr_supersedes && !choices.replace)
		used_wrongly("--supersedes is for patches that replace others");
}

static int is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Found now, not when all has been built. */
static void check_output(void)
{
	const char *path = choices.output;
	char *copied, *directory;
	struct stat st;

	if (choices.callbacks && access(choices.callbacks, R_OK))
		used_wrongly("--callbacks %s: %s", choices.callbacks, strerror(errno));
	if (choices.dry_run)
		return;
	if (!path)
		path = ".";
	else if (!stat(path, &st) && S_ISDIR(st.st_mode))
		used_wrongly("--output %s is a folder, not a file", path);
	for (size_t i = 0; i < choices.nr_patches; i++) {
		if (is_same_file(path, choices.patches[i]))
			used_wrongly("--output %s is one of the patches", path);
	}
	if (choices.callbacks && is_same_file(path, choices.callbacks))
		used_wrongly("--output %s is the file of --callbacks", path);
	copied = copy(path);
	directory = dirname(copied);
	if (access(directory, W_OK))
		stop(KLP_FAILED, "say --output FILE", "cannot write to %s: %s", directory,
		     strerror(errno));
	free(copied);
}

static void check_build(void)
{
	static const char * const wanted[] = { "vmlinux", "Module.symvers", ".config" };

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char *path = format("%s/%s", choices.build, wanted[i]);

		if (access(path, R_OK))
			used_wrongly("%s is no build tree of a kernel: it has no %s", choices.build,
				     wanted[i]);
		free(path);
	}
}

/* livepatch-NAME for NAME.patch, of characters that a module's name has. */
static char *name_from(const char *patch)
{
	static const char * const suffixes[] = { ".patch", ".diff", ".txt" };
	const char *slash = strrchr(patch, '/');
	char *name = format("livepatch-%s", slash ? slash + 1 : patch);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t len = strlen(name), cut = strlen(suffixes[i]);

		if (len > cut && !strcmp(name + len - cut, suffixes[i]))
			name[len - cut] = '\0';
	}
	for (char *c = name; *c; c++) {
		if (!strchr(NAME_CHARACTERS, *c))
			*c = '-';
	}
	if (strlen(name) > LARGEST_NAME)
		name[LARGEST_NAME] = '\0';
	return name;
}

static void check_name(void)
{
	size_t len = strlen(choices.name);

	if (!len || len > LARGEST_NAME || *choices.name == '-' ||
	    choices.name[strspn(choices.name, NAME_CHARACTERS)])
		used_wrongly("%s is no name for a module: up to %d letters, digits, - and _",
			     choices.name, LARGEST_NAME);
}

int main(int argc, char **argv)
{
	int letter, status;

	output_init();
	while ((letter = getopt_long(argc, argv, "o:j:hV", long_options, NULL)) != -1) {
		if (!take_path(letter) && !take_kind(letter))
			take_option(letter);
	}
	if (post_link) {
		if (argc - optind != 1)
			used_wrongly("--post-link wants the module's file as well");
		postlink(post_link, argv[optind]);
		return output_end();
	}
	if (to_check) {
		if (optind != argc)
			used_wrongly("--check takes one module and no patch");
		complete();
		check_build();
		status = verify(to_check);
		letter = output_end();
		return status ? status : letter;
	}
	if (optind == argc)
		used_wrongly("a patch is missing");
	choices.patches = argv + optind;
	choices.nr_patches = argc - optind;
	complete();
	check_build();
	check_output();
	if (!choices.name)
		choices.name = name_from(choices.patches[0]);
	check_name();
	status = build();
	letter = output_end();
	return status ? status : letter;
}
