// SPDX-License-Identifier: GPL-2.0-only
/*
 * How is a compressed module read?  The program for its format unpacks it into memory that nobody
 * else can write to: what klp looks at is what gets loaded.  A kernel that unpacks the format
 * itself is given the file as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "klp.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U
#endif

static const struct packing {
	const char *suffix;
	const char *magic;
	size_t len;
	const char *kernel;	/* the name in /sys/module/compression */
	const char *argv[4];
	const char *package;
} packings[] = {
	{ ".gz", "\x1f\x8b", 2, "gzip", { "gzip", "-dc" }, "gzip" },
	{ ".xz", "\3757zXZ", 5, "xz", { "xz", "-dc" }, "xz-utils" },
	{ ".zst", "\x28\xb5\x2f\xfd", 4, "zstd", { "zstd", "-dcq" }, "zstd" },
};

/* The length of the suffix of a module's file, .ko.xz for instance; 0 if it has none. */
size_t module_suffix(const char *name)
{
	size_t len = strlen(name), packed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(packings) && !packed; i++) {
		size_t n = strlen(packings[i].suffix);

		if (len > n && !strcmp(name + len - n, packings[i].suffix))
			packed = n;
	}
	len -= packed;
	return len > 3 && !strncmp(name + len - 3, ".ko", 3) ? packed + 3 : 0;
}

/* What the file begins with tells, not its name; NULL when it is not compressed. */
static const struct packing *packing_of(int fd)
{
	char head[8];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	for (size_t i = 0; i < ARRAY_SIZE(packings); i++) {
		if (n > (ssize_t)packings[i].len &&
		    !memcmp(head, packings[i].magic, packings[i].len))
			return &packings[i];
	}
	return NULL;
}

int is_packed(int fd)
{
	return !!packing_of(fd);
}

/* Can the kernel do it alone? */
int kernel_unpacks(int fd)
{
	const struct packing *p = packing_of(fd);
	char *format_name = read_line("/sys/module/compression");
	int ret = p && format_name && !strcmp(format_name, p->kernel);

	free(format_name);
	return ret;
}

static int open_memory(void)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("klp", flags | MFD_NOEXEC_SEAL);

	/* Before 6.3. */
	return fd < 0 && errno == EINVAL ? memfd_create("klp", flags) : fd;
}

/* A file descriptor of what is inside, at most MOST bytes; -1 after it has said why not. */
int unpack(const char *path, int fd, long most)
{
	const struct packing *p = packing_of(fd);
	int memory = open_memory();
	int ret = memory < 0 ? -errno : 0;

	if (!ret && lseek(fd, 0, SEEK_SET) < 0)
		ret = -errno;
	if (!ret)
		ret = program_run(p->argv, fd, memory, most);
	if (!ret && fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK))
		ret = -errno;
	if (!ret)
		return memory;

	if (memory >= 0)
		close(memory);
	if (ret == -ENOENT) {
		error("%s is compressed, and there is no %s to unpack it", path, p->argv[0]);
		next_step("install package %s, or unpack it elsewhere", p->package);
	} else if (ret == -EIO) {
		error("%s is damaged: %s cannot unpack it", path, p->argv[0]);
		next_step("get the file once more, maybe it was not copied to its end");
	} else {
		error("%s cannot be unpacked: %s", path, strerror(-ret));
		next_step("unpack it elsewhere: %s", p->argv[0]);
	}
	return -1;
}
