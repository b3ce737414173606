// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is this file a module, and where are its sections?  It is read as a whole, and nothing in it is
 * believed before it has been compared with its size.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "image.h"

int image_read(struct image *image, int fd)
{
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > LARGEST_MODULE)
		return -EFBIG;
	image->data = allocate(st.st_size + 1);
	while (done < (size_t)st.st_size) {
		ssize_t n = pread(fd, image->data + done, st.st_size - done, done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += n;
	}
	image->size = done;
	return 0;
}

/* Class, byte order and machine are those of this program. */
static int is_native(const ElfW(Ehdr) *head)
{
	ElfW(Ehdr) own;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, &own, sizeof(own));

	if (fd >= 0)
		close(fd);
	if (n != sizeof(own))
		return 1;	/* The kernel will tell. */
	return own.e_ident[EI_CLASS] == head->e_ident[EI_CLASS] &&
		own.e_ident[EI_DATA] == head->e_ident[EI_DATA] && own.e_machine == head->e_machine;
}

int image_section(const struct image *image, size_t index, ElfW(Shdr) *s)
{
	size_t at = image->head.e_shoff + index * sizeof(*s);

	if (index >= image->head.e_shnum || image->head.e_shoff > image->size ||
	    at + sizeof(*s) > image->size)
		return -ENOEXEC;
	memcpy(s, image->data + at, sizeof(*s));
	if (s->sh_type != SHT_NOBITS &&
	    (s->sh_offset > image->size || s->sh_size > image->size - s->sh_offset))
		return -ENOEXEC;
	return 0;
}

/* There is a NUL behind the image at least. */
const char *image_section_name(const struct image *image, const ElfW(Shdr) *s)
{
	ElfW(Shdr) names;

	if (image_section(image, image->head.e_shstrndx, &names) || names.sh_type == SHT_NOBITS ||
	    s->sh_name >= names.sh_size)
		return "";
	return (char *)image->data + names.sh_offset + s->sh_name;
}

/* SIZE bytes of a section; NULL if it does not have them. */
const void *image_bytes(const struct image *image, size_t in, size_t offset, size_t size)
{
	ElfW(Shdr) s;

	if (image_section(image, in, &s) || s.sh_type == SHT_NOBITS || offset > s.sh_size ||
	    size > s.sh_size - offset)
		return NULL;
	return image->data + s.sh_offset + offset;
}

const char *image_string(const struct image *image, size_t in, size_t offset)
{
	const char *text = image_bytes(image, in, offset, 1);
	ElfW(Shdr) s;

	if (!text || image_section(image, in, &s) || !memchr(text, '\0', s.sh_size - offset))
		return NULL;
	return text;
}

/* What kind of file is it? Says so when it is no module. */
int image_check(struct image *image)
{
	if (image->size < sizeof(image->head) || memcmp(image->data, ELFMAG, SELFMAG)) {
		error("%s is no ELF file, so it is no kernel module", image->path);
		next_step("livepatches are files whose name ends with .ko");
		return KLP_FAILED;
	}
	memcpy(&image->head, image->data, sizeof(image->head));
	if (!is_native(&image->head)) {
		error("%s is made for another kind of machine", image->path);
		next_step("get the patch that is built for this one");
		return KLP_FAILED;
	}
	if (image->head.e_type != ET_REL || image->head.e_shentsize != sizeof(ElfW(Shdr))) {
		error("%s is an ELF file, but no kernel module", image->path);
		next_step("livepatches are files whose name ends with .ko");
		return KLP_FAILED;
	}
	return KLP_OK;
}
