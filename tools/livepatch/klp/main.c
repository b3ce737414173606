// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp: what does the user want to know of, or do with, the livepatches of this machine?  The table
 * of commands, and the options that each of them takes.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "klp.h"

#define MOST	1000	/* arguments */
#define LONG	256	/* an option that was not given as a letter */

static const struct command {
	const char *name;
	const char *arguments;
	int least;
	int most;
	unsigned int options;
	int (*run)(void);
	const char *help;
} commands[] = {
	{ "list", "", 0, 0, OPT_JSON | OPT_INSTALLED | OPT_RELEASE | OPT_ANYWHERE | OPT_LOOKS,
	  cmd_list,
	  "patches, their state, order and objects" },
	{ "show", "PATCH", 1, 1, OPT_JSON | OPT_LOOKS, cmd_show,
	  "one patch: functions, last transition" },
	{ "load", "{FILE.ko|NAME [PARAMETER=VALUE]...}... | --all [DIRECTORY]", 0, MOST,
	  OPT_WAITS | OPT_REVERT | OPT_NO_REVERT | OPT_NO_WAIT | OPT_ALL | OPT_DRY_RUN, cmd_load,
	  "check patches, load them, wait until they are in force" },
	{ "wait", "[PATCH]", 0, 1, OPT_WAITS | OPT_JSON, cmd_wait,
	  "wait for the end of the transition" },
	{ "blockers", "", 0, 0, OPT_JSON | OPT_LOOKS, cmd_blockers,
	  "tasks that are waited for, and why" },
	{ "disable", "PATCH", 1, 1, OPT_WAITS | OPT_NO_WAIT, cmd_disable,
	  "take a patch out of force and wait; its module stays" },
	{ "reverse", "[PATCH]", 0, 1, OPT_WAITS | OPT_NO_WAIT | OPT_YES, cmd_reverse,
	  "turn the transition round" },
	{ "unload", "PATCH", 0, 1, OPT_WAITS | OPT_ALL, cmd_unload,
	  "disable, wait, remove the module" },
	{ "install", "FILE.ko...", 1, MOST, OPT_RELEASE | OPT_ANYWHERE, cmd_install,
	  "have patches loaded at boot, by the kernel that they are for" },
	{ "uninstall", "NAME...", 1, MOST, OPT_RELEASE | OPT_ANYWHERE, cmd_uninstall,
	  "have them loaded at boot no longer" },
	{ "rollback", "{FILE.ko|NAME} [PARAMETER=VALUE]...", 1, MOST,
	  OPT_WAITS | OPT_REVERT | OPT_NO_REVERT, cmd_rollback,
	  "replace by an older cumulative patch, remove the replaced modules" },
	{ "signal", "", 0, 0, OPT_TIMEOUT, cmd_signal,
	  "wake up the tasks that are waited for, now" },
	{ "force", "[PATCH]", 0, 1, OPT_WAITS | OPT_YES, cmd_force,
	  "end the transition regardless; asks first" },
	{ "build", "PATCH...", 1, MOST, OPT_ANYWHERE, NULL,
	  "make a livepatch module from patches of the kernel's source" },
	{ "events", "[FILE]", 0, 1, OPT_JSON | OPT_TIMEOUT | OPT_ANYWHERE, cmd_events,
	  "follow what happens, in words" },
	{ "report", "", 0, 0, OPT_JSON | OPT_OUTPUT | OPT_LOOKS, cmd_report,
	  "everything for a bug report" },
};

static const struct option long_options[] = {
	{ "json", no_argument, NULL, LONG | 'j' },
	{ "timeout", required_argument, NULL, LONG | 't' },
	{ "progress", no_argument, NULL, LONG | 'p' },
	{ "revert", no_argument, NULL, LONG | 'r' },
	{ "no-revert", no_argument, NULL, LONG | 'N' },
	{ "no-wait", no_argument, NULL, LONG | 'n' },
	{ "yes", no_argument, NULL, LONG | 'y' },
	{ "all", no_argument, NULL, LONG | 'a' },
	{ "dry-run", no_argument, NULL, LONG | 'd' },
	{ "installed", no_argument, NULL, LONG | 'i' },
	{ "release", required_argument, NULL, LONG | 'k' },
	{ "output", required_argument, NULL, LONG | 'o' },
	{ "root", required_argument, NULL, LONG | 'R' },
	{ "help", no_argument, NULL, LONG | 'h' },
	{ "version", no_argument, NULL, LONG | 'V' },
	{ }
};

static const struct {
	unsigned int bit;
	int letter;
	const char *name;
	const char *help;
} option_texts[] = {
	{ OPT_JSON, 'j', "--json", "print JSON" },
	{ OPT_TIMEOUT, 't', "--timeout S", "give up after S seconds" },
	{ OPT_PROGRESS, 'p', "--progress", "show how far it is, and who is waited for" },
	{ OPT_REVERT, 'r', "--revert", "when --timeout is over, turn back and remove the module" },
	{ OPT_NO_REVERT, 'N', "--no-revert", "at the timeout let it go on" },
	{ OPT_NO_WAIT, 'n', "--no-wait", "return as soon as it has begun" },
	{ OPT_YES, 'y', "--yes", "do not ask" },
	{ OPT_ALL, 'a', "--all", "those installed, or in a directory; unload: all loaded" },
	{ OPT_DRY_RUN, 'd', "--dry-run", "check only, load nothing" },
	{ OPT_INSTALLED, 'i', "--installed", "those that are loaded at boot" },
	{ OPT_RELEASE, 'k', "--release R", "of the kernel that calls itself R" },
	{ OPT_OUTPUT, 'o', "-o, --output FILE", "write there" },
};

static void usage(FILE *to)
{
	fputs("Usage: klp COMMAND [OPTION]... [ARGUMENT]...\n\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-9s  %s\n", commands[i].name, commands[i].help);
	fputs("\nMore: klp help COMMAND, man klp.\n", to);
}

static void command_usage(FILE *to, const struct command *command)
{
	fprintf(to, "Usage: klp %s %s%s%s\n%s\n", command->name,
		command->options ? "[OPTION]... " : "", command->arguments,
		command->options & OPT_ALL ? " | --all" : "", command->help);
	for (size_t i = 0; i < ARRAY_SIZE(option_texts); i++) {
		if (command->options & option_texts[i].bit)
			fprintf(to, "  %-18s %s\n", option_texts[i].name, option_texts[i].help);
	}
}

static int wrong(const struct command *command, const char *what)
{
	error("%s: %s", command->name, what);
	next_step("see: klp %s --help", command->name);
	return KLP_USAGE;
}

static int take_option(const struct command *command, int letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_texts); i++) {
		if (option_texts[i].letter != letter)
			continue;
		if (!(command->options & option_texts[i].bit)) {
			error("%s: does not take %s", command->name, option_texts[i].name);
			next_step("see: klp %s --help", command->name);
			return KLP_USAGE;
		}
		options.given |= option_texts[i].bit;
	}
	if (letter == 't' && !read_timeout(optarg, &options.timeout))
		return wrong(command, "--timeout wants a number of seconds, or none");
	if (letter == 'k')
		options.release = optarg;
	if (letter == 'o')
		options.output = optarg;
	if (letter == 'R')
		root = optarg;
	return KLP_OK;
}

/* getopt_long() would pass on to the terminal whatever has been typed. */
static int bad_option(const struct command *command, char **argv, const char *what)
{
	const char *given = argv[optind - 1];

	if (optopt && optopt < LONG)
		error("%s: -%c %s", command->name, optopt, what);
	else
		error("%s: %s %s", command->name, given, what);
	next_step("see: klp %s --help", command->name);
	return KLP_USAGE;
}

static int read_options(const struct command *command, int argc, char **argv)
{
	int letter, status;

	while ((letter = getopt_long(argc, argv, ":o:hV", long_options, NULL)) != -1) {
		letter &= ~LONG;
		switch (letter) {
		case 'h':
			command_usage(stdout, command);
			exit(output_end());
		case 'V':
			puts("klp " KLP_VERSION);
			exit(output_end());
		case ':':
			return bad_option(command, argv, "wants a value");
		case '?':
			return bad_option(command, argv, "is no option, or not of this form");
		default:
			status = take_option(command, letter);
			if (status)
				return status;
		}
	}
	options.argc = argc - optind;
	options.argv = argv + optind;
	if (options.argc < command->least)
		return wrong(command, "an argument is missing");
	if (options.argc > command->most)
		return wrong(command, "too many arguments");
	return KLP_OK;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

/* What the command line does not say, for those who wait for a transition. */
static int take_config(const struct command *command)
{
	int status;

	if ((command->options & OPT_WAITS) != OPT_WAITS)
		return KLP_OK;
	status = config_read();
	if (!(options.given & OPT_TIMEOUT))
		options.timeout = config.timeout;
	options.revert = config.revert && (command->options & OPT_REVERT);
	/*
	 * A slip of the pen must not leave the machine without its patches at boot, nor with a
	 * patch that is to be taken out: then it is told, and no more.
	 */
	return options.given & OPT_ALL || !(command->options & OPT_REVERT) ? KLP_OK : status;
}

static const char * const help_words[] = { "help", "--help", "-h", NULL };
static const char * const version_words[] = { "version", "--version", "-V", NULL };

static int is_one_of(const char *word, const char * const *words)
{
	while (*words && strcmp(word, *words))
		words++;
	return !!*words;
}

static int no_such_command(const char *name)
{
	error("there is no command %s", name);
	next_step("see which there are: klp --help");
	return KLP_USAGE;
}

/* klp help [COMMAND] */
static int help(int argc, char **argv)
{
	const struct command *command = argc > 2 ? find_command(argv[2]) : NULL;

	if (argc > 2 && !command)
		return no_such_command(argv[2]);
	if (command && !command->run)
		return make_run((char *[]){ "klp-build", "--help", NULL });
	if (command)
		command_usage(stdout, command);
	else
		usage(stdout);
	return output_end();
}

/* Whoever starts klp without them: no file that it opens may be taken for one of these. */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
	int status, ended;

	open_standard_files();
	output_init();
	if (argc > 1 && is_one_of(argv[1], help_words))
		return help(argc, argv);
	if (argc == 2 && is_one_of(argv[1], version_words)) {
		puts("klp " KLP_VERSION);
		return output_end();
	}
	if (!command) {
		if (argc > 1)
			return no_such_command(argv[1]);
		usage(stderr);
		return KLP_USAGE;
	}
	/* A program of its own, which has options of its own. */
	if (!command->run)
		return make_run(argv + 1);
	status = read_options(command, argc - 1, argv + 1);
	if (!status)
		status = take_config(command);
	if (!status && !(command->options & OPT_ANYWHERE))
		status = livepatch_needed();
	if (!status && options.argc == 1 && strstr(command->arguments, "PATCH"))
		options.argv[0] = request_patch(options.argv[0]);
	if (!status)
		status = command->run();
	if (!status && (command->options & OPT_LOOKS))
		status = unseen_tell();
	ended = output_end();
	return status ? status : ended;
}
