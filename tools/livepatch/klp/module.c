// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does modinfo see of a module, and how does it get into the kernel?  See remove.c for the way
 * out.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "image.h"

#define SIGNATURE	"~Module signature appended~\n"
#define RELA		".klp.rela."
#define BUILD_ID	".note.gnu.build-id"
#define COMPRESSED_FILE	4	/* MODULE_INIT_COMPRESSED_FILE of finit_module() */

/* The name of the module in a file: without directory and suffix, and with underscores. */
char *module_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = copy(slash ? slash + 1 : path);

	name[strlen(name) - module_suffix(name)] = '\0';
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

/* Livepatches have the K taint, also when the patch is not in force (any more). */
int module_is_livepatch(const char *name)
{
	char *taint = read_line("/sys/module/%s/taint", name);
	int ret = taint && strchr(taint, 'K');

	free(taint);
	return ret;
}

static void add_parameter(struct module_file *m, const char *name, size_t len)
{
	for (size_t i = 0; i < m->nr_parameters; i++) {
		if (strlen(m->parameters[i]) == len && !strncmp(m->parameters[i], name, len))
			return;
	}
	m->parameters = grow(m->parameters, m->nr_parameters, sizeof(*m->parameters));
	m->parameters[m->nr_parameters++] = format("%.*s", (int)len, name);
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
	/* The one has a description behind the name, the other one a type. */
	if (!strncmp(text, "parm=", 5))
		add_parameter(m, text + 5, strcspn(text + 5, ":"));
	if (!strncmp(text, "parmtype=", 9))
		add_parameter(m, text + 9, strcspn(text + 9, ":"));
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

		if (image_section(image, i, &s))
			return -ENOEXEC;
		name = image_section_name(image, &s);
		if (!strcmp(name, ".modinfo") && s.sh_type != SHT_NOBITS)
			read_modinfo(m, image, &s);
		if (!strncmp(name, RELA, strlen(RELA)))
			add_object(m, name + strlen(RELA), strcspn(name + strlen(RELA), "."));
	}
	return 0;
}

static int is_good_name(const char *name)
{
	const char *c = name;

	while (isalnum((unsigned char)*c) || *c == '_' || *c == '-' || *c == '.')
		c++;
	return *name && *name != '.' && !*c;
}

static int read_module(struct module_file *m)
{
	size_t len = strlen(SIGNATURE);
	int status = image_check(m->image);

	if (status)
		return status;
	if (read_sections(m, m->image)) {
		error("%s is damaged: its sections do not fit into it", m->path);
		next_step("get the file once more, maybe it was not copied to its end");
		return KLP_FAILED;
	}
	m->is_signed = m->image->size >= len &&
		!memcmp(m->image->data + m->image->size - len, SIGNATURE, len);
	if (!m->name)
		m->name = module_name(m->path);
	if (!is_good_name(m->name)) {
		error("%s: no module can have the name that it claims to have", m->path);
		next_step("see what it is: modinfo %s", m->path);
		return KLP_FAILED;
	}
	tables_read(&m->tables, m->image);
	return KLP_OK;
}

/* Into memory, unpacked; -ENODATA when it has been said why that cannot be. */
static int read_file(struct module_file *m)
{
	struct stat st;

	/* A FIFO is not waited for. */
	m->fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (m->fd < 0)
		return -errno;
	if (fstat(m->fd, &st) || !S_ISREG(st.st_mode))
		return -EINVAL;
	if (is_packed(m->fd)) {
		m->packed_fd = m->fd;
		m->fd = unpack(m->path, m->packed_fd, LARGEST_MODULE);
		if (m->fd < 0)
			return -ENODATA;
	}
	return image_read(m->image, m->fd);
}

/* Reads PATH into M, which has to be closed in any case. */
int module_open(struct module_file *m, const char *path)
{
	int ret;

	memset(m, 0, sizeof(*m));
	tables_free(&m->tables);
	m->packed_fd = -1;
	m->path = copy(path);
	m->image = allocate(sizeof(*m->image));
	m->image->path = m->path;
	ret = read_file(m);
	if (!ret)
		return read_module(m);
	if (ret != -ENODATA) {
		error("%s: %s", path, ret == -EINVAL ? "is no file" : strerror(-ret));
		next_step("give the path of the patch's .ko file");
	}
	return KLP_FAILED;
}

void module_close(struct module_file *m)
{
	if (m->fd >= 0)
		close(m->fd);
	if (m->packed_fd >= 0)
		close(m->packed_fd);
	if (m->image)
		free(m->image->data);
	free(m->image);
	tables_free(&m->tables);
	free_list(m->parameters, m->nr_parameters);
	free_list(m->objects, m->nr);
	free(m->depends);
	free(m->version);
	free(m->vermagic);
	free(m->name);
	free(m->path);
}

/* As in the kernel, which does not tell - from _. */
static int is_same_parameter(const char *name, const char *given, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (name[i] != given[i] && !(name[i] == '_' && given[i] == '-') &&
		    !(name[i] == '-' && given[i] == '_'))
			return 0;
	}
	return !name[len];
}

/* Does the module, or the kernel for each module, know the parameter in front of the "="? */
int module_has_parameter(const struct module_file *m, const char *given)
{
	static const char * const of_all[] = { "async_probe", "dyndbg" };
	size_t len = strcspn(given, "=");

	for (size_t i = 0; i < m->nr_parameters; i++) {
		if (is_same_parameter(m->parameters[i], given, len))
			return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(of_all); i++) {
		if (is_same_parameter(of_all[i], given, len))
			return 1;
	}
	return 0;
}

/* The module of this name that is loaded was built otherwise, as far as that can be told. */
int module_is_other_build(const struct module_file *m)
{
	char *path = rooted("/sys/module/%s/notes/" BUILD_ID, m->name);
	FILE *notes = fopen(path, "re");
	char loaded[256];
	size_t size = notes ? fread(loaded, 1, sizeof(loaded), notes) : 0;
	int differs = 0;

	for (size_t i = 0; size && i < m->image->head.e_shnum; i++) {
		ElfW(Shdr) s;

		if (image_section(m->image, i, &s) || s.sh_type != SHT_NOTE ||
		    strcmp(image_section_name(m->image, &s), BUILD_ID))
			continue;
		differs = s.sh_size != size ||
			memcmp(m->image->data + s.sh_offset, loaded, size);
	}
	if (notes)
		fclose(notes);
	free(path);
	return differs;
}

/* As the kernel wants them: separated by spaces, values with spaces in quotation marks. */
static char *join(char **params, int nr)
{
	char *all = copy("");

	for (int i = 0; i < nr; i++) {
		char *value = strchr(params[i], '='), *longer;

		if (value && value[strcspn(value, " \t\n\v\f\r")])
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
	int packed = m->packed_fd >= 0 && kernel_unpacks(m->packed_fd);
	int ret = syscall(SYS_finit_module, packed ? m->packed_fd : m->fd, text,
			  packed ? COMPRESSED_FILE : 0) ? -errno : 0;

	free(text);
	return ret;
}
