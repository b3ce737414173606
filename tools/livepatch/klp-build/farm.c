// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where can the tree be changed without being changed?  In a farm of links: its folders are real,
 * its files are symbolic links into the source tree. Whoever changes a file there puts another in
 * the place of the link, and never writes through it. The compiler takes .. in a name from the
 * folder that the name goes through, so nothing leads from a file of the farm back into the tree.
 *
 * There are ten thousand links, and it would be five times as many if each driver and file system
 * came apart: one that has nothing to do with the patches is one link, to its folder. A file in
 * there that is read nevertheless, and goes by .. to a file that is changed, would get the
 * unchanged one; units that are compiled, and so what they include by .., are never in there.
 *
 * Each folder has one hidden link to its original, through which those of its files go: they are
 * short, and file systems keep a short link without a block of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "build.h"

#define ORIGINAL	".original"
#define RUNTIME_CONST	"arch/x86/include/asm/runtime-const.h"
#define GENERIC_CONST	"include/asm-generic/runtime-const.h"

struct farm {
	char *source;
	char *tree;
	const struct changed_file *files;
	size_t nr_files;
	const struct units *units;
};

/* Folders whose own folders come apart only if they are needed. */
static const char * const large[] = {
	"drivers/*", "fs/*", "net/*", "rust/*", "samples/*", "scripts/*", "sound/*", "tools/lib/*",
	"include/dt-bindings",
};

/* Folders that no compiler of the kernel reads, from the top of the tree. */
static const char * const no_code[] = {
	"Documentation",
	"LICENSES",
	"arch/[!x]*",
	"arch/xtensa",
	"tools/[!l]*",
	"tools/laptop",
	"tools/leds",
	"tools/lib/perf",
};

/*
 * Names that say that it has been built or is no code; those with a dot in front are left out, too.
 */
static const char * const no_source[] = {
	"*.[ao]", "*.ko", "*.mod", "*.order", "*.symvers", "vmlinux*", "System.map",
	"*.dtb", "*.dtbo", "*.dts", "*.dtsi", "*.dtso", "*.json", "*.py", "*.rs", "*.rst", "*.sh",
	"*.txt", "Kconfig*", "klp-build.*",
};

static int is_like(const char *text, const char * const *patterns, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (!fnmatch(patterns[i], text, FNM_PATHNAME))
			return 1;
	}
	return 0;
}

static int is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return !strncmp(path, folder, len) && path[len] == '/';
}

/* Something in FOLDER is changed or compiled. */
static int is_needed(const struct farm *farm, const char *folder)
{
	for (size_t i = 0; i < farm->nr_files; i++) {
		if (is_below(farm->files[i].path, folder))
			return 1;
	}
	for (size_t i = 0; i < farm->units->nr; i++) {
		if (is_below(farm->units->unit[i].source, folder))
			return 1;
	}
	return 0;
}

static noreturn void stop_at(const char *path, const char *what)
{
	int no_room = errno == ENOSPC || errno == EDQUOT;

	stop(KLP_FAILED, no_room ? "make room there, or set TMPDIR to a folder with more" : NULL,
	     "cannot %s %s: %s", what, path, strerror(errno));
}

static void make_link(const char *target, int in, const char *name)
{
	if (symlinkat(target, in, name))
		stop_at(name, "make the link");
}

static void link_original(int in, const char *name)
{
	char target[sizeof(ORIGINAL) + NAME_MAX + 1];

	snprintf(target, sizeof(target), ORIGINAL "/%s", name);
	make_link(target, in, name);
}

/* A link of the tree: what it means by a place in the tree is that place in the farm. */
static void copy_link(const struct farm *farm, int in, const char *name, const char *path)
{
	char *full = format("%s%s", farm->source, path), *target = realpath(full, NULL);
	char *other;

	/* What leads nowhere is read by nobody. */
	if (target && (is_below(target, farm->source) || !strcmp(target, farm->source))) {
		other = format("%s%s", farm->tree, target + strlen(farm->source));
		make_link(other, in, name);
		free(other);
	} else if (target) {
		make_link(target, in, name);
	}
	free(target);
	free(full);
}

static unsigned char type_of(DIR *dir, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
		return DT_UNKNOWN;
	return IFTODT(st.st_mode);
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int is_taken_apart(const struct farm *farm, const char *folder)
{
	return !is_like(folder, large, ARRAY_SIZE(large)) || is_needed(farm, folder);
}

/* The folder PATH of the tree, which begins with a slash unless it is the top. */
static void copy_folder(const struct farm *farm, const char *path)
{
	char *from = format("%s%s", farm->source, path), *to = format("%s%s", farm->tree, path);
	DIR *dir = opendir(from);
	struct dirent *entry;
	int in = -1;

	if (!mkdir(to, 0755))
		in = open_folder(to);
	if (in < 0)
		stop_at(to, "make the folder");
	make_link(from, in, ORIGINAL);
	while (dir && (errno = 0, entry = readdir(dir))) {
		const char *name = entry->d_name;
		unsigned char type = type_of(dir, entry);
		char *inner;

		if (*name == '.' || is_like(name, no_source, ARRAY_SIZE(no_source)))
			continue;
		inner = format("%s/%s", path, name);
		if (is_like(inner + 1, no_code, ARRAY_SIZE(no_code)))
			type = DT_UNKNOWN;
		if (type == DT_LNK)
			copy_link(farm, in, name, inner);
		else if (type == DT_DIR && is_taken_apart(farm, inner + 1))
			copy_folder(farm, inner);
		else if (type == DT_DIR || type == DT_REG)
			link_original(in, name);
		free(inner);
	}
	if (!dir || errno)
		stop_at(from, "read the folder");
	closedir(dir);
	close(in);
	free(from);
	free(to);
}

/*
 * Code that the kernel completes with addresses while it boots cannot be copied: both sides are
 * compiled with the header that reads variables instead.
 */
static void use_generic_constants(const char *source, const char *farm)
{
	char *in_farm = format("%s/%s", farm, RUNTIME_CONST);
	char *generic = format("%s/%s", source, GENERIC_CONST);

	if (!access(in_farm, F_OK) && !access(generic, F_OK) &&
	    (unlink(in_farm) || symlink(generic, in_farm)))
		stop(KLP_FAILED, NULL, "%s: %s", in_farm, strerror(errno));
	free(generic);
	free(in_farm);
}

/* Makes the farm of the tree SOURCE for these files and units; its folder belongs to the caller. */
char *farm_make(const char *source, const struct changed_file *files, size_t nr,
		const struct units *units)
{
	struct farm farm = { realpath(source, NULL), work_path("tree"), files, nr, units };

	if (!farm.source)
		stop_at(source, "read the source tree");
	copy_folder(&farm, "");
	use_generic_constants(farm.source, farm.tree);
	free(farm.source);
	return farm.tree;
}
