// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has the administrator decided once and for all?  The limits in /etc/klp.conf, for which the
 * command line has the last word, and klp.enable=0 on the command line of the kernel.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "klp.h"

#define CONFIG	"/etc/klp.conf"
#define WAY_OUT	"klp.enable=0"

struct config config = {
	.timeout = -1,
	.boot_timeout = 60,
	.boot_revert = 1,
};

/* Seconds, or "none"; true if it is that. */
int read_timeout(const char *text, double *timeout)
{
	char *end;
	double value = strtod(text, &end);

	if (!strcmp(text, "none")) {
		*timeout = -1;
		return 1;
	}
	if (end == text || *end || !isfinite(value) || value < 0 || value > 1e9)
		return 0;
	*timeout = value;
	return 1;
}

static int read_switch(const char *text, int *on)
{
	if (strcmp(text, "yes") && strcmp(text, "no"))
		return 0;
	*on = !strcmp(text, "yes");
	return 1;
}

static const struct {
	const char *key;
	double *timeout;
	int *on;
} settings[] = {
	{ "TIMEOUT", &config.timeout, NULL },
	{ "REVERT", NULL, &config.revert },
	{ "BOOT_TIMEOUT", &config.boot_timeout, NULL },
	{ "BOOT_REVERT", NULL, &config.boot_revert },
};

/* Without blanks around it. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r");
	len = strlen(text);
	while (len && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* As systemd and the shell take quotation marks: around the whole value. */
static char *unquote(char *value)
{
	size_t len = strlen(value);

	if (len < 2 || (*value != '"' && *value != '\'') || value[len - 1] != *value)
		return value;
	value[len - 1] = '\0';
	return value + 1;
}

static const char *take_setting(char *line)
{
	char *value = strchr(line, '=');

	if (!value)
		return "is not of the form NAME=VALUE";
	*value = '\0';
	value = unquote(trim(value + 1));
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(line, settings[i].key))
			continue;
		if (settings[i].timeout)
			return read_timeout(value, settings[i].timeout) ? NULL :
				"wants a number of seconds, or none";
		return read_switch(value, settings[i].on) ? NULL : "wants yes or no";
	}
	return "is no setting of klp";
}

/* Lines that are wrong are told, and change nothing. */
static int read_lines(const char *path, char *text)
{
	int number = 0, status = KLP_OK;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		const char *problem = NULL;

		number++;
		line = trim(line);
		if (*line && *line != '#')
			problem = take_setting(line);
		if (!problem)
			continue;
		error("%s:%d: %s %s", path, number, line, problem);
		next_step("see: man klp.conf");
		status = KLP_USAGE;
	}
	return status;
}

/* Without the file everything is as if it were empty. */
int config_read(void)
{
	char *path = rooted(CONFIG), *text = read_all(path);
	int status = KLP_OK;

	if (text) {
		status = read_lines(path, text);
	} else if (errno != ENOENT && errno != ENOTDIR) {
		error("%s: %s", path, strerror(errno));
		next_step("see: man klp.conf");
		status = KLP_USAGE;
	}
	free(text);
	free(path);
	return status;
}

/* Has the one who started the machine said that nothing is to be loaded by itself? */
int config_way_out(void)
{
	char *text = read_line("/proc/cmdline"), *rest = text, *word;
	int found = 0;

	while (text && (word = strsep(&rest, " \t"))) {
		if (!strcmp(word, WAY_OUT))
			found = 1;
	}
	free(text);
	return found;
}
