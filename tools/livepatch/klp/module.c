// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does modinfo see of a module, and how does it get into the kernel and out of it?  The file
 * is read as a whole, and nothing in it is believed before it has been compared with its size.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "klp.h"

#define SIGNATURE	"~Module signature appended~\n"
#define RELA		".klp.rela."
#define REMOVE_WITHIN	10	/* seconds; the kernel lets go a moment after the patch has gone */
#define LARGEST		(1024L * 1024 * 1024)

struct image {
	const char *path;
	unsigned char *data;
	size_t size;
	ElfW(Ehdr) head;
};

/* The name of the module in a file: without directory and suffix, and with underscores. */
char *module_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = copy(slash ? slash + 1 : path), *dot = strstr(name, ".ko");

	if (dot && !dot[3])
		*dot = '\0';
	for (char *c = name; *c; c++) {
		if (*c == '-')
			*c = '_';
	}
	return name;
}

int module_loaded(const char *name)
{
	return exists("/sys/module/%s/refcnt", name) || exists("/sys/module/%s/initstate", name);
}

static int read_image(struct image *image, int fd)
{
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > LARGEST)
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

static const char *compressed(const struct image *image)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *tool;
	} formats[] = {
		{ "\x1f\x8b", 2, "gzip -dk" },
		{ "\3757zXZ", 5, "xz -dk" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd -d" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (image->size > formats[i].len &&
		    !memcmp(image->data, formats[i].magic, formats[i].len))
			return formats[i].tool;
	}
	return NULL;
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

static int section(const struct image *image, size_t index, ElfW(Shdr) *s)
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
static const char *section_name(const struct image *image, const ElfW(Shdr) *s)
{
	ElfW(Shdr) names;

	if (section(image, image->head.e_shstrndx, &names) || names.sh_type == SHT_NOBITS ||
	    s->sh_name >= names.sh_size)
		return "";
	return (char *)image->data + names.sh_offset + s->sh_name;
}

/* A line of modinfo: strings "key=value", each with a NUL behind it. */
static void take_modinfo(struct module_file *m, const char *text)
{
	static const struct {
		const char *key;
		size_t offset;
	} wanted[] = {
		{ "name=", offsetof(struct module_file, name) },
		{ "vermagic=", offsetof(struct module_file, vermagic) },
		{ "version=", offsetof(struct module_file, version) },
		{ "depends=", offsetof(struct module_file, depends) },
	};

	if (!strcmp(text, "livepatch=Y"))
		m->livepatch = 1;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char **member = (char **)((char *)m + wanted[i].offset);

		if (strncmp(text, wanted[i].key, strlen(wanted[i].key)))
			continue;
		free(*member);
		*member = copy(text + strlen(wanted[i].key));
	}
}

static void read_modinfo(struct module_file *m, const struct image *image, const ElfW(Shdr) *s)
{
	const char *text = (char *)image->data + s->sh_offset, *end = text + s->sh_size;

	while (text < end) {
		/* Ends at the NUL behind the image at the latest. */
		take_modinfo(m, text);
		text += strnlen(text, end - text) + 1;
	}
}

static void add_object(struct module_file *m, const char *name, size_t len)
{
	for (size_t i = 0; i < m->nr; i++) {
		if (strlen(m->objects[i]) == len && !strncmp(m->objects[i], name, len))
			return;
	}
	m->objects = grow(m->objects, m->nr, sizeof(*m->objects));
	m->objects[m->nr++] = format("%.*s", (int)len, name);
}

static int read_sections(struct module_file *m, const struct image *image)
{
	for (size_t i = 0; i < image->head.e_shnum; i++) {
		const char *name;
		ElfW(Shdr) s;

		if (section(image, i, &s))
			return -ENOEXEC;
		name = section_name(image, &s);
		if (!strcmp(name, ".modinfo") && s.sh_type != SHT_NOBITS)
			read_modinfo(m, image, &s);
		if (!strncmp(name, RELA, strlen(RELA)))
			add_object(m, name + strlen(RELA), strcspn(name + strlen(RELA), "."));
	}
	return 0;
}

/* What kind of file is it? Says so when it is no module. */
static int read_head(struct image *image)
{
	const char *tool = compressed(image);

	if (tool) {
		error("%s is compressed", image->path);
		next_step("unpack it first: %s %s", tool, image->path);
		return KLP_FAILED;
	}
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

static int read_module(struct module_file *m, struct image *image)
{
	size_t len = strlen(SIGNATURE);
	int status = read_head(image);

	if (status)
		return status;
	if (read_sections(m, image)) {
		error("%s is damaged: its sections do not fit into it", image->path);
		next_step("get the file once more, maybe it was not copied to its end");
		return KLP_FAILED;
	}
	m->is_signed = image->size >= len &&
		!memcmp(image->data + image->size - len, SIGNATURE, len);
	if (!m->name)
		m->name = module_name(m->path);
	return KLP_OK;
}

/* Reads PATH into M, which has to be closed in any case. */
int module_open(struct module_file *m, const char *path)
{
	struct image image = { .path = path };
	int status, ret;

	memset(m, 0, sizeof(*m));
	m->path = copy(path);
	m->fd = open(path, O_RDONLY | O_CLOEXEC);
	ret = m->fd < 0 ? -errno : read_image(&image, m->fd);
	if (ret) {
		error("%s: %s", path, ret == -EINVAL ? "is no file" : strerror(-ret));
		next_step("give the path of the patch's .ko file");
		status = KLP_FAILED;
	} else {
		status = read_module(m, &image);
	}
	free(image.data);
	return status;
}

void module_close(struct module_file *m)
{
	if (m->fd >= 0)
		close(m->fd);
	free_list(m->objects, m->nr);
	free(m->depends);
	free(m->version);
	free(m->vermagic);
	free(m->name);
	free(m->path);
}

/* As the kernel wants them: separated by spaces, values with spaces in quotation marks. */
static char *join(char **params, int nr)
{
	char *all = copy("");

	for (int i = 0; i < nr; i++) {
		char *value = strchr(params[i], '='), *longer;

		if (value && strchr(value, ' '))
			longer = format("%s%s%.*s=\"%s\"", all, i ? " " : "",
					(int)(value - params[i]), params[i], value + 1);
		else
			longer = format("%s%s%s", all, i ? " " : "", params[i]);
		free(all);
		all = longer;
	}
	return all;
}

/* 0 or a negative error. */
int module_insert(const struct module_file *m, char **params, int nr)
{
	char *text = join(params, nr);
	int ret = syscall(SYS_finit_module, m->fd, text, 0) ? -errno : 0;

	free(text);
	return ret;
}

int module_remove(const char *name)
{
	double start = now();
	int ret;

	if (*root) {
		error("module %s: with --root klp only looks, nothing can be removed", name);
		next_step("leave out --root");
		return KLP_FAILED;
	}
	for (;;) {
		ret = syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
		if ((ret != -EWOULDBLOCK && ret != -EBUSY) || now() - start > REMOVE_WITHIN ||
		    interrupted())
			break;
		nap(0.05);
	}
	if (!ret)
		return KLP_OK;

	error("module %s cannot be removed: %s", name, strerror(-ret));
	if (ret == -EPERM)
		next_step("run klp as root");
	else if (ret == -EWOULDBLOCK && !patch_exists(name))
		next_step("lsmod tells who uses it; after klp force it stays until reboot");
	else
		next_step("see whether its patch is still there: klp list");
	return KLP_FAILED;
}
