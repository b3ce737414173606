// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which files may a patch change?  C and its headers, where they become code of the kernel or of a
 * module: that can be replaced while it runs. What is no code at all is left out, with a warning.
 * For the rest one table says why not; the first row that fits counts.
 */
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <stdlib.h>
#include "build.h"

#define LEAVE_OUT	"leave the file out if the fix works without it: filterdiff -x"

enum verdict {
	TAKE,
	TAKE_BUT,		/* with a warning */
	IGNORE,
	IGNORE_COMMENTS,	/* where nothing else changes, or refuse */
	REFUSE,
};

static const struct {
	const char *pattern;	/* a star stands for slashes, too */
	enum verdict verdict;
	const char *kind;
	const char *text;
} places[] = {
	/* What is there to be read, or is for other programs or machines. */
	{ ".*", IGNORE, NULL, "is no code" },
	{ "*/.*", IGNORE, NULL, "is no code" },
	{ "Documentation/*", IGNORE, NULL, "is no code" },
	{ "LICENSES/*", IGNORE, NULL, "is no code" },
	{ "MAINTAINERS", IGNORE, NULL, "is no code" },
	{ "CREDITS", IGNORE, NULL, "is no code" },
	{ "COPYING", IGNORE, NULL, "is no code" },
	{ "README*", IGNORE, NULL, "is no code" },
	{ "*/README*", IGNORE, NULL, "is no code" },
	{ "*.rst", IGNORE, NULL, "is no code" },
	{ "arch/x86/lib/*.txt", REFUSE, "generated", "becomes code when the kernel is built" },
	{ "*.txt", IGNORE, NULL, "is no code" },
	{ "tools/lib/bpf/*.[ch]", TAKE, NULL, NULL },
	{ "tools/*", IGNORE, NULL, "is no code of the kernel" },
	{ "arch/[!x]*/*", IGNORE, NULL, "is for another architecture" },
	{ "arch/xtensa/*", IGNORE, NULL, "is for another architecture" },
	{ "arch/x86/um/*", IGNORE, NULL, "is for another architecture" },
	{ "*.dts", IGNORE, NULL, "is for another architecture" },
	{ "*.dtsi", IGNORE, NULL, "is for another architecture" },
	{ "*.dtso", IGNORE, NULL, "is for another architecture" },
	/* How the kernel is built. */
	{ "arch/x86/include/generated/*", REFUSE, "generated",
	  "is generated when the kernel is built" },
	{ "include/generated/*", REFUSE, "generated", "is generated when the kernel is built" },
	{ "include/config/*", REFUSE, "generated", "is generated when the kernel is built" },
	{ "*.mod.c", REFUSE, "generated", "is generated when the kernel is built" },
	{ "*_shipped", REFUSE, "generated", "is copied when the kernel is built" },
	{ "Kconfig*", IGNORE_COMMENTS, "configuration", "changes how the kernel is configured" },
	{ "*/Kconfig*", IGNORE_COMMENTS, "configuration", "changes how the kernel is configured" },
	{ "*.config", REFUSE, "configuration", "changes how the kernel is configured" },
	{ "*_defconfig", IGNORE, NULL, "has no effect on a kernel that is configured" },
	{ "Makefile*", IGNORE_COMMENTS, "build", "changes how the kernel is built" },
	{ "*/Makefile*", IGNORE_COMMENTS, "build", "changes how the kernel is built" },
	{ "Kbuild", IGNORE_COMMENTS, "build", "changes how the kernel is built" },
	{ "*/Kbuild", IGNORE_COMMENTS, "build", "changes how the kernel is built" },
	{ "scripts/*", IGNORE, NULL, "is a program for the build, no code of the kernel" },
	{ "kernel/bounds.c", REFUSE, "generated", "makes a header that all code is built with" },
	{ "arch/x86/kernel/asm-offsets*.c", REFUSE, "generated",
	  "makes a header that all assembly is built with" },
	/* What runs elsewhere, or has run already. */
	{ "arch/x86/entry/vdso/vma.c", TAKE, NULL, NULL },
	{ "arch/x86/entry/vdso/extable.c", TAKE, NULL, NULL },
	{ "arch/x86/entry/vdso/*", REFUSE, "vDSO", "is code of the vDSO, which runs in user mode" },
	{ "lib/vdso/*", REFUSE, "vDSO", "is code of the vDSO, which runs in user mode" },
	{ "arch/x86/include/asm/vdso/*", TAKE_BUT, NULL,
	  "is used in the vDSO, too, which stays as it is" },
	{ "include/vdso/*", TAKE_BUT, NULL, "is used in the vDSO, too, which stays as it is" },
	{ "arch/x86/boot/*", REFUSE, "boot", "is code that has run before the kernel" },
	{ "arch/x86/realmode/*", REFUSE, "realmode", "is code that runs in real mode" },
	{ "arch/x86/purgatory/*", REFUSE, "purgatory", "is code that runs between two kernels" },
	{ "drivers/firmware/efi/libstub/*", REFUSE, "boot",
	  "is code that has run before the kernel" },
	{ "usr/*", REFUSE, "initramfs", "is about the initramfs, which has been used already" },
	{ "*.bpf.[ch]", REFUSE, "BPF", "is compiled to BPF, not by kbuild" },
	/* What is written in another language. */
	{ "*.[sS]", REFUSE, "assembly", "is assembly, in which nothing can be replaced" },
	{ "*.lds", REFUSE, "linker script", "is a linker script" },
	{ "*.lds.h", REFUSE, "linker script", "is part of the linker's script" },
	{ "*.rs", REFUSE, "Rust", "is Rust, which is not supported" },
	{ "*.[ch]", TAKE, NULL, NULL },
	{ "*", REFUSE, "no C", "is neither C nor a header" },
};

static size_t row_of(const char *path)
{
	size_t i = 0;

	while (fnmatch(places[i].pattern, path, 0))
		i++;
	return i;
}

/* Is what a unit is compiled from PATH for part of the kernel or a module? */
int place_runs(const char *path)
{
	enum verdict verdict = places[row_of(path)].verdict;

	return verdict == TAKE || verdict == TAKE_BUT;
}

/* The path of a file below the tree that means the same to everybody. */
int place_is_safe(const char *path)
{
	static const char usual[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,+@=:~#%/";

	if (!*path || *path == '/' || path[strspn(path, usual)] || strlen(path) > 1000)
		return 0;
	while (*path) {
		size_t len = strcspn(path, "/");

		if (!len || (len <= 2 && strspn(path, ".") == len))
			return 0;
		path += len;
		if (*path == '/' && !*++path)
			return 0;
	}
	return 1;
}

/* Links on the way to a file are no folders of the tree; 0 when there are none. */
static int goes_through_link(const struct diff *diff)
{
	size_t top = strlen(choices.source) + 1;
	char *path = format("%s/%s", choices.source, diff->path);
	char *target = NULL;
	struct stat st;
	int linked = 0;

	for (char *slash = strchr(path + top, '/'); slash && !linked;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		linked = !lstat(path, &st) && S_ISLNK(st.st_mode);
		if (linked)
			target = realpath(path, NULL);
		if (linked)
			refuse("link", "change the file by its real name, in its own tree",
			       "%s: %s is below the symbolic link %s, which leads to %s",
			       diff->patch,
			       diff->path, path + top, target ? target : "nowhere");
		*slash = '/';
	}
	free(target);
	free(path);
	return linked;
}

/* Such files are left out; of others it is said why they cannot be changed. */
int place_is_code(const struct diff *diff)
{
	size_t i = row_of(diff->path);
	enum verdict verdict = places[i].verdict;

	if (verdict == IGNORE_COMMENTS && !diff->only_comments)
		verdict = REFUSE;
	if (verdict == IGNORE_COMMENTS)
		warn("%s: %s is left out: only its comments change", diff->patch, diff->path);
	if (verdict == IGNORE)
		warn("%s: %s is left out: it %s", diff->patch, diff->path, places[i].text);
	if (verdict == TAKE_BUT)
		warn("%s: %s %s", diff->patch, diff->path, places[i].text);
	if (verdict == REFUSE)
		refuse(places[i].kind, LEAVE_OUT, "%s: %s %s", diff->patch, diff->path,
		       places[i].text);
	return (verdict == TAKE || verdict == TAKE_BUT) && !goes_through_link(diff);
}
