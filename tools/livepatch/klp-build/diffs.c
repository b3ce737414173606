// SPDX-License-Identifier: GPL-2.0-only
/*
 * How do the patches get into the tree?  All of them are read before anything is done, and whatever
 * is not possible is said at once. Then each difference goes through patch(1), which reads the file
 * as it is so far and writes another, in the work folder; if all hunks are in, that one takes the
 * place of the link in the farm. At last the lines get their old numbers back (lines.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "build.h"

static struct diff *diffs;
static size_t nr_diffs;
static struct changed_file *files;
static size_t nr_files;

/* ---- which files */

/* The names without the folder in front, as patch -p1 has it; git can be told to leave that out. */
static const char *below_tree(const char *name)
{
	const char *slash = strchr(name, '/');
	struct stat st;
	int bare = 0;
	char *path;

	if (place_is_safe(name) && (!slash || strncmp(name, "b/", 2))) {
		path = format("%s/%s", choices.source, name);
		bare = !lstat(path, &st) && !S_ISDIR(st.st_mode);
		free(path);
	}
	return bare || !slash ? name : slash + 1;
}

/* Relative to the top of the tree and without links, or why not. */
static int find_path(struct diff *diff)
{
	const char *name = strcmp(diff->new, "/dev/null") ? diff->new : diff->old;
	const char *path = below_tree(name);

	if (*name == '/' || !place_is_safe(path)) {
		refuse("path", "make the patch with git diff, or with diff -up from above the tree",
		       "%s, line %zu: %s is no path below the top of a tree",
		       diff->patch, diff->line,
		       name);
		return 0;
	}
	diff->path = copy(path);
	return 1;
}

/* Both names tell, unless one of them is that of a backup. */
static int is_renamed(const struct diff *diff)
{
	const char *old = below_tree(diff->old);
	char *path;
	int there;

	if (!strcmp(diff->old, "/dev/null") || !strcmp(old, diff->path) || !place_is_safe(old))
		return 0;
	path = format("%s/%s", choices.source, old);
	there = !access(path, F_OK);
	free(path);
	return there;
}

static struct changed_file *file_find(const char *path)
{
	for (size_t i = 0; i < nr_files; i++) {
		if (!strcmp(files[i].path, path))
			return &files[i];
	}
	return NULL;
}

static int is_below_tree(const char *path)
{
	char *source = realpath(choices.source, NULL), *real = realpath(path, NULL);
	int below = source && real && !strncmp(real, source, strlen(source)) &&
		real[strlen(source)] == '/';

	free(source);
	free(real);
	return below;
}

/* Whether it is a file that patch(1) can read. */
static int check_kind(const struct diff *diff, const char *path, const struct stat *st)
{
	struct stat to;

	if (S_ISREG(st->st_mode))
		return 1;
	if (S_ISLNK(st->st_mode) && !is_below_tree(path) && !stat(path, &to) && S_ISREG(to.st_mode))
		return 1;
	refuse("link", "patch the file itself", "%s: %s is %s", diff->patch, diff->path,
	       S_ISLNK(st->st_mode) ? "a symbolic link" : "no file");
	return 0;
}

/* A file of the tree, or one that is to be made, or that an earlier patch makes. */
static int check_place(struct diff *diff)
{
	char *path = format("%s/%s", choices.source, diff->path);
	struct stat st;
	int there = !lstat(path, &st), good = 1;

	if (there)
		good = check_kind(diff, path, &st);
	else if (errno != ENOENT && errno != ENOTDIR)
		stop(KLP_FAILED, NULL, "cannot look at %s: %s", path, strerror(errno));
	else if (!diff->created && !diff->from_nothing && !file_find(diff->path))
		stop(BUILD_NO_APPLY, "see whether this is the tree that the patch was made for",
		     "%s, line %zu: there is no file %s in %s", diff->patch, diff->line, diff->path,
		     choices.source);
	diff->created |= !there && !file_find(diff->path);
	free(path);
	return good;
}

/* What is not done by hunks. */
static int check_how(const struct diff *diff)
{
	const char *how = !diff->how && is_renamed(diff) ? "renamed" : diff->how;

	if (how)
		refuse("not hunks", "leave the file where and as it is, and change its lines only",
		       "%s, line %zu: %s is %s by the patch", diff->patch, diff->line, diff->path,
		       how);
	else if (diff->mode)
		warn("%s: %s keeps its mode: that is no code", diff->patch, diff->path);
	return !how;
}

/* Adds DIFF to what is to be done, if it can and has to be. */
static void take(struct diff *diff)
{
	if (!find_path(diff) || !place_is_code(diff) || !check_how(diff) || !check_place(diff))
		return;
	if (!diff->nr_hunks && !diff->created)
		return;
	diffs = grow(diffs, nr_diffs, sizeof(*diffs));
	diffs[nr_diffs++] = *diff;
	if (file_find(diff->path))
		return;
	files = grow(files, nr_files, sizeof(*files));
	files[nr_files++] = (struct changed_file){ diff->path, diff->created };
}

/* Reads all patches. The files that they change; none if that was refused, and said so. */
struct changed_file *diffs_read(size_t *nr)
{
	for (size_t i = 0; i < choices.nr_patches; i++) {
		size_t n;
		struct diff *read = unified_read(choices.patches[i], &n);

		for (size_t j = 0; j < n; j++)
			take(&read[j]);
		free(read);
	}
	if (!nr_files && !refusals())
		refuse("no effect", NULL, "%s: the patch changes no code", choices.patches[0]);
	*nr = nr_files;
	return files;
}

/* ---- into the farm */

/* One run of patch(1), from the file INPUT to OUTPUT; what it says is in the file LOG. */
static int run_patch(const char *how, const char *input, const char *output, const char *body,
		     const char *log)
{
	char *path = format("PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	char *tmpdir = format("TMPDIR=%s", work);
	const char * const argv[] = {
		"env", "-i", path, tmpdir, "LC_ALL=C", "patch", "--unified", "--binary", "--force",
		"--get=0", "--reject-file=-", how, "-o", output, "-i", body, "--", input, NULL,
	};
	int status;

	unlink(log);
	status = run(argv, work, log);
	free(path);
	free(tmpdir);
	if (status == 126 || status == 127)
		stop(KLP_FAILED, "install the package patch", "there is no program patch");
	return status;
}

/* The lines of LOG that have WORD in them, in one. */
static char *lines_with(const char *log, const char *word)
{
	char *text = read_all(log), *all = copy(""), *rest = text, *line;

	while (text && (line = strsep(&rest, "\n"))) {
		char *longer;

		if (!strstr(line, word))
			continue;
		longer = format("%s%s%s", all, *all ? ", " : "", line);
		free(all);
		all = longer;
	}
	free(text);
	return all;
}

/* What to do about a file that another of the patches has changed before, else the usual. */
static const char *next_for(const struct diff *diff, const char *usual)
{
	for (const struct diff *other = diffs; other < diff; other++) {
		if (!strcmp(other->path, diff->path))
			return format("%s is applied before it: make it on top of that one",
				      other->patch);
	}
	return usual;
}

static noreturn void does_not_apply(const struct diff *diff, const char *log)
{
	char *failed = lines_with(log, " FAILED");

	if (!*failed)
		failed = lines_with(log, "");
	stop(BUILD_NO_APPLY,
	     next_for(diff, "see whether this is the tree that the patch was made for"),
	     "%s, line %zu: it does not fit into %s: %s", diff->patch, diff->line, diff->path,
	     failed);
}

static noreturn void is_applied(const struct diff *diff)
{
	stop(BUILD_NO_APPLY,
	     next_for(diff, "it needs no livepatch if the running kernel is built from this tree"),
	     "%s, line %zu: %s has this change already", diff->patch, diff->line, diff->path);
}

/*
 * Applies what is in the file BODY to the file INPUT; with all lines around, wherever these are.
 * The outermost ones may differ: with less, patch(1) takes one small function for another.
 */
static void patch_file(const struct diff *diff, const char *input, const char *output,
		       const char *body)
{
	char *log = work_path("patch.log"), *fuzz;
	struct stat st;
	/* patch(1) would put a new file on top of one that is there. */
	int in_the_way = diff->created && !stat(input, &st) && st.st_size;

	if (!in_the_way && !run_patch("--fuzz=0", input, output, body, log))
		goto good;
	if (!run_patch("-RF0", input, output, body, log))
		is_applied(diff);
	if (in_the_way)
		stop(BUILD_NO_APPLY, "see whether this is the tree that the patch was made for",
		     "%s, line %zu: %s is to be created, but is there, and is another", diff->patch,
		     diff->line, diff->path);
	if (run_patch("--fuzz=1", input, output, body, log))
		does_not_apply(diff, log);
	fuzz = lines_with(log, " fuzz ");
	warn("%s, line %zu: %s: not all lines around are as they should be: %s", diff->patch,
	     diff->line, diff->path, fuzz);
	free(fuzz);
good:
	unlink(log);
	free(log);
}

static char *write_body(const struct diff *diff)
{
	char *body = work_path("patch.body");
	FILE *file = fopen(body, "we");

	if (!file || fprintf(file, "--- a\n+++ b\n%s", diff->body) < 0 || fclose(file))
		stop(KLP_FAILED, NULL, "cannot write %s: %s", body, strerror(errno));
	return body;
}

/* The folder of PATH is really in the farm: nothing is ever written elsewhere. */
static void check_folder(const char *tree, const char *path)
{
	char *full = format("%s/%s", tree, path), *real, *top = realpath(tree, NULL), *should;

	*strrchr(full, '/') = '\0';
	if (make_directories(full))
		stop(KLP_FAILED, NULL, "cannot make %s: %s", full, strerror(errno));
	real = realpath(full, NULL);
	should = format("%s/%s", top, path);
	*strrchr(should, '/') = '\0';
	if (!real || strcmp(real, should))
		stop(KLP_FAILED, NULL, "the folder of %s is not in %s", path, tree);
	free(full);
	free(real);
	free(top);
	free(should);
}

/*
 * The file that DIFF is to be applied to: as earlier ones have left it, of the tree, or an empty
 * one.
 */
static char *input_of(const struct diff *diff, const char *target)
{
	char *original = format("%s/%s", choices.source, diff->path), *real;
	struct stat st;
	int fd;

	if (!lstat(target, &st) && S_ISREG(st.st_mode)) {
		free(original);
		return copy(target);
	}
	real = realpath(original, NULL);
	free(original);
	if (real)
		return real;
	real = work_path("patch.empty");
	fd = open(real, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		stop(KLP_FAILED, NULL, "cannot write %s: %s", real, strerror(errno));
	close(fd);
	return real;
}

static void apply(const struct diff *diff, const char *tree)
{
	char *target = format("%s/%s", tree, diff->path), *body = write_body(diff), *input;
	char *output = diff->nr_hunks ? work_path("patch.new") : work_path("patch.empty");

	check_folder(tree, diff->path);
	input = input_of(diff, target);
	if (diff->nr_hunks)
		patch_file(diff, input, output, body);
	if (rename(output, target))
		stop(KLP_FAILED, NULL, "cannot make %s: %s", target, strerror(errno));
	unlink(body);
	free(target);
	free(body);
	free(input);
	free(output);
}

/* ---- the numbers of its lines */

static struct hunk *hunks_in(const char *log, size_t *nr)
{
	char *text = read_all(log), *rest = text, *line;
	struct hunk *hunks = NULL;

	*nr = 0;
	while (text && (line = strsep(&rest, "\n"))) {
		struct hunk hunk;

		if (!hunk_read(line, &hunk))
			continue;
		hunks = grow(hunks, *nr, sizeof(*hunks));
		hunks[(*nr)++] = hunk;
	}
	free(text);
	return hunks;
}

/* What has really changed, wherever the hunks have gone to, and whichever patch it comes from. */
static void keep_lines(const struct changed_file *file, const char *tree)
{
	char *old = format("%s/%s", choices.source, file->path);
	char *new = format("%s/%s", tree, file->path), *log = work_path("diff.log");
	const char * const argv[] = { "diff", "-a", "-d", "-U0", "--", old, new, NULL };
	struct hunk *hunks;
	size_t nr;
	int status;

	status = run(argv, NULL, log);
	if (status > 1)
		stop(KLP_FAILED, "install the package diffutils", "diff of %s has failed",
		     file->path);
	hunks = hunks_in(log, &nr);
	lines_keep(new, hunks, nr);
	unlink(log);
	free(hunks);
	free(old);
	free(new);
	free(log);
}

/* Puts all patches into the farm TREE. */
void diffs_apply(const char *tree)
{
	for (size_t i = 0; i < nr_diffs; i++)
		apply(&diffs[i], tree);
	for (size_t i = 0; i < nr_files; i++) {
		if (!files[i].created)
			keep_lines(&files[i], tree);
	}
}
