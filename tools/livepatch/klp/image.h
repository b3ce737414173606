/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What do those who look into a module's file share?  The file in memory, and its sections.
 */
#ifndef KLP_IMAGE_H
#define KLP_IMAGE_H

#include <elf.h>
#include <link.h>
#include "klp.h"

/**
 * struct image - a module's file as a whole, unpacked
 * @path: for messages
 * @data: the bytes, and a NUL behind them
 * @size: number of bytes
 * @head: of the ELF file
 */
struct image {
	const char *path;
	unsigned char *data;
	size_t size;
	ElfW(Ehdr) head;
};

/* ---- tables.c */

void tables_read(struct tables *tables, const struct image *image);

/* ---- image.c */

int image_read(struct image *image, int fd);
int image_check(struct image *image);
int image_section(const struct image *image, size_t index, ElfW(Shdr) *s);
const char *image_section_name(const struct image *image, const ElfW(Shdr) *s);
const void *image_bytes(const struct image *image, size_t in, size_t offset, size_t size);
const char *image_string(const struct image *image, size_t in, size_t offset);

#endif
