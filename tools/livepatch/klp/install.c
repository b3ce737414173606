// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp install, uninstall: how does a patch get among those that are loaded at boot?  Its file is
 * copied to the directory of the kernel that it is built for, as a whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "image.h"

#define UNIT	"klp.service"

/* A file that is to be installed. */
struct newcomer {
	struct module_file m;
	char *release;
	char *directory;
	const char *file;
	char *target;
};

static int check_release(struct newcomer *n)
{
	const char *vermagic = n->m.vermagic ? n->m.vermagic : "";

	n->release = options.release ? copy(options.release) :
		format("%.*s", (int)strcspn(vermagic, " "), vermagic);
	if (check_file(&n->m, n->release))
		return KLP_FAILED;
	if (is_release(n->release))
		return KLP_OK;
	error("%s is built for kernel %s, which is no name of a kernel", n->m.path, n->release);
	next_step("see what it is: modinfo %s", n->m.path);
	return KLP_FAILED;
}

/* Two files with the same module would get in each other's way. */
static int check_others(const struct newcomer *n)
{
	int status = KLP_OK;
	size_t nr;
	char **names = store_files(n->directory, &nr);

	for (size_t i = 0; i < nr; i++) {
		char *path = format("%s/%s", n->directory, names[i]);
		struct module_file other;

		hush(1);
		module_open(&other, path);
		hush(-1);
		if (other.name && !strcmp(other.name, n->m.name) && strcmp(names[i], n->file)) {
			error("%s: patch %s is installed already, as %s", n->m.path, n->m.name,
			      path);
			next_step("remove that one first: klp uninstall %s", names[i]);
			status = KLP_FAILED;
		}
		module_close(&other);
		free(path);
	}
	free_list(names, nr);
	return status;
}

static int prepare(struct newcomer *n, const char *path)
{
	const char *slash;

	if (module_open(&n->m, path) || check_release(n))
		return KLP_FAILED;
	slash = strrchr(n->m.path, '/');
	n->file = slash ? slash + 1 : n->m.path;
	if (!module_suffix(n->file) || *n->file == '.') {
		error("%s: a file to be loaded at boot is called NAME.ko, or NAME.ko.xz", path);
		next_step("copy it to such a name, and install that");
		return KLP_FAILED;
	}
	n->directory = store_directory(n->release);
	n->target = format("%s/%s", n->directory, n->file);
	return check_others(n);
}

static int check_newcomers(const struct newcomer *all, int nr)
{
	int status = KLP_OK;

	for (int i = 0; i < nr; i++) {
		for (int j = 0; j < i; j++) {
			if (!all[i].target || !all[j].target ||
			    strcmp(all[i].release, all[j].release) ||
			    strcmp(all[i].m.name, all[j].m.name))
				continue;
			error("%s and %s are both patch %s", all[j].m.path, all[i].m.path,
			      all[i].m.name);
			next_step("leave out one of them");
			status = KLP_FAILED;
		}
	}
	return status;
}

/* What is compressed stays so. */
static unsigned char *contents(const struct newcomer *n, size_t *size)
{
	struct image packed = { .path = n->m.path };

	if (n->m.packed_fd < 0) {
		unsigned char *data = allocate(n->m.image->size + 1);

		memcpy(data, n->m.image->data, n->m.image->size);
		*size = n->m.image->size;
		return data;
	}
	if (image_read(&packed, n->m.packed_fd)) {
		free(packed.data);
		return NULL;
	}
	*size = packed.size;
	return packed.data;
}

static int is_the_same(const char *path, const unsigned char *data, size_t size)
{
	struct image old = { .path = path };
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int same = fd >= 0 && !image_read(&old, fd) && old.size == size &&
		!memcmp(old.data, data, size);

	if (fd >= 0)
		close(fd);
	free(old.data);
	return same;
}

static int write_whole(int fd, const unsigned char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		size -= n;
	}
	return fchmod(fd, 0644) || fsync(fd) ? -errno : 0;
}

static int sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return ret;
}

/* Nobody ever sees half of it: it gets its name when all of it is on the disk. */
static int put(const struct newcomer *n, const unsigned char *data, size_t size)
{
	char *temporary = format("%s/.klp-XXXXXX", n->directory);
	int fd = make_directories(n->directory) ? -1 : mkostemp(temporary, O_CLOEXEC);
	int ret = fd < 0 ? -errno : write_whole(fd, data, size);

	if (fd >= 0)
		close(fd);
	if (!ret && rename(temporary, n->target))
		ret = -errno;
	if (ret && fd >= 0)
		unlink(temporary);
	free(temporary);
	return ret ? ret : sync_directory(n->directory);
}

static int install(const struct newcomer *n)
{
	size_t size = 0;
	unsigned char *data = contents(n, &size);
	int ret = data ? 0 : -EIO;

	if (!ret && is_the_same(n->target, data, size)) {
		tell("%s: is installed already, for kernel %s", n->target, n->release);
		free(data);
		return KLP_OK;
	}
	if (!ret)
		ret = put(n, data, size);
	free(data);
	if (ret) {
		error("%s cannot be installed as %s: %s", n->m.path, n->target, strerror(-ret));
		next_step(ret == -EACCES || ret == -EPERM ? "run klp as root" :
			  "see what is wrong with that directory: df, mount");
		return KLP_FAILED;
	}
	tell("%s: installed, for kernel %s", n->target, n->release);
	return KLP_OK;
}

/* Links that may lead nowhere yet, in a tree that is not mounted as /. */
static int is_enabled(void)
{
	static const char * const targets[] = { "sysinit", "multi-user", "basic" };
	int found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		char *path = rooted("/etc/systemd/system/%s.target.wants/" UNIT, targets[i]);
		struct stat st;

		found |= !lstat(path, &st);
		free(path);
	}
	return found;
}

static void hint(const struct newcomer *n)
{
	char *running = kernel_release();

	if (!strcmp(running, n->release) && !*root && !is_in_force(n->m.name))
		tell("to load it now: klp load %s", n->m.name);
	free(running);
	if (!is_enabled())
		tell("at boot it is loaded when " UNIT " is enabled: systemctl enable klp");
}

int cmd_install(void)
{
	struct newcomer *all = allocate(options.argc * sizeof(*all));
	int status = KLP_OK;

	for (int i = 0; i < options.argc; i++) {
		if (prepare(&all[i], options.argv[i]))
			status = KLP_FAILED;
	}
	if (check_newcomers(all, options.argc))
		status = KLP_FAILED;
	for (int i = 0; i < options.argc && !status; i++)
		status = install(&all[i]);
	if (!status)
		hint(&all[options.argc - 1]);
	for (int i = 0; i < options.argc; i++) {
		module_close(&all[i].m);
		free(all[i].release);
		free(all[i].directory);
		free(all[i].target);
	}
	free(all);
	return status;
}

/* Where else is it?  NULL if nowhere; to be freed. */
static char *other_release(const char *release, const char *given)
{
	size_t nr;
	char **names = store_releases(&nr), *found = NULL;

	for (size_t i = 0; i < nr && !found; i++) {
		int many = 0;
		char *path = strcmp(names[i], release) ? store_find(names[i], given, &many) : NULL;

		if (path)
			found = copy(names[i]);
		free(path);
	}
	free_list(names, nr);
	return found;
}

static char *find_installed(const char *release, const char *given)
{
	int many;
	char *path = store_find(release, given, &many), *other;

	if (path || many)
		return path;
	other = other_release(release, given);
	error("%s: no such patch is installed for kernel %s", given, release);
	if (other)
		next_step("it is for another one: klp uninstall --release %s %s", other, given);
	else
		next_step("see what is installed: klp list --installed");
	free(other);
	return NULL;
}

static int uninstall(const char *path)
{
	char *name = module_name(path), *directory = copy(path);
	int status = KLP_OK;

	*strrchr(directory, '/') = '\0';
	if (unlink(path)) {
		error("%s cannot be removed: %s", path, strerror(errno));
		next_step(errno == EACCES || errno == EPERM ? "run klp as root" :
			  "see what is wrong with that directory: df, mount");
		status = KLP_FAILED;
	} else {
		tell("%s: removed", path);
		/* The last one takes the directory along. */
		rmdir(directory);
	}
	free(directory);
	free(name);
	return status;
}

int cmd_uninstall(void)
{
	char *release = options.release ? copy(options.release) : kernel_release();
	char **paths = allocate((options.argc + 1) * sizeof(*paths));
	int status = KLP_OK;

	if (!is_release(release)) {
		error("%s is no name of a kernel", release);
		next_step("see which there are: klp list --installed");
		status = KLP_USAGE;
	}
	for (int i = 0; i < options.argc && status != KLP_USAGE; i++) {
		paths[i] = find_installed(release, options.argv[i]);
		if (!paths[i])
			status = KLP_FAILED;
		for (int j = 0; j < i && paths[i]; j++) {
			/* Named twice. */
			if (paths[j] && !strcmp(paths[i], paths[j]))
				*paths[j] = '\0';
		}
	}
	for (int i = 0; i < options.argc && !status; i++) {
		if (*paths[i] && uninstall(paths[i]))
			status = KLP_FAILED;
	}
	free_list(paths, options.argc);
	free(release);
	return status;
}
