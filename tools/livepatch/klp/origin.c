// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was a loaded module made from?  klp-build leaves a note in its modules, which the kernel
 * shows: its own version in the first line, then sum and name of each patch.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include "klp.h"

#define NOTE_NAME	"klp-build"
#define TEXT_AT		(sizeof(Elf32_Nhdr) + 12)	/* the name takes words of four bytes */

/* The text of the note; NULL when the module has none. The caller's. */
static char *origin_read(const char *module)
{
	char *path = rooted("/sys/module/%s/notes/.note.klp-build", module);
	char *note = exists("/sys/module/%s/notes/.note.klp-build", module) ? read_all(path) : NULL;
	char *text = NULL;

	/* There is room for more than the head behind whatever has been read, all of it zero. */
	if (note && !strcmp(note + sizeof(Elf32_Nhdr), NOTE_NAME))
		text = copy(note + TEXT_AT);
	free(note);
	free(path);
	return text;
}

static void tell_patch(char *line)
{
	char *sum = strsep(&line, " ");

	if (!line)
		return;
	if (!(options.given & OPT_JSON)) {
		print("%-13s %s\n", "from patch:", line);
		print("%-13s %s\n", "  sha256:", sum);
		return;
	}
	json_open(NULL, '{');
	json_string("name", line);
	json_string("sha256", sum);
	json_close();
}

/* Lines of "klp show", or members of its document. */
void origin_show(const char *module)
{
	char *text = origin_read(module), *rest = text, *line = strsep(&rest, "\n");

	if (options.given & OPT_JSON) {
		json_string("built_by", line);
		json_open("built_from", '[');
	} else if (line) {
		print("%-13s %s\n", "built by:", line);
	}
	while (rest && (line = strsep(&rest, "\n")))
		tell_patch(line);
	if (options.given & OPT_JSON)
		json_close();
	free(text);
}
