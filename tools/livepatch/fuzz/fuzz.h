/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What do the fuzzers share?  Inputs, read from the front, and the kernel around the core.
 */
#ifndef _FUZZ_FUZZ_H
#define _FUZZ_FUZZ_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- input.c: what a string of bytes decides; 0 when there are no more */

struct input {
	const uint8_t *at;
	size_t left;
};

unsigned int take_byte(struct input *in);
unsigned int take_below(struct input *in, unsigned int n);
unsigned long take_number(struct input *in);
size_t take_text(struct input *in, char *to, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- kernel.c */

struct module;
struct kobject;
struct kobj_attribute;

/**
 * struct fuzz - what is going on
 * @said: messages of the core
 * @allocated: pieces of memory that it has
 * @fails: that allocation fails, counted from 1; 0: none
 * @refuses: ftrace does not take this place
 * @arrives: tasks do, when they are looked at
 * @kobjects: that can be seen
 * @ftrace: places with a handler
 */
struct fuzz {
	unsigned long said;
	long allocated;
	unsigned long fails;
	unsigned long refuses;
	bool arrives;
	long kobjects;
	long ftrace;
};

extern struct fuzz fuzz;

void fuzz_vformat(char *to, size_t size, const char *fmt, va_list *args);
int fuzz_klp_init(void);
void fuzz_boot(void);
void fuzz_run_work(void);
bool fuzz_locked(void);

/* ---- sysfs.c */

void fuzz_attributes(struct kobject *kobj, void (*visit)(struct kobject *kobj,
							 struct kobj_attribute *attr, void *arg),
		     void *arg);

/* ---- modules.c */

/* Parts of the memory of a module, and what is gone when its init function has returned. */
enum arena {
	ARENA_DATA,
	ARENA_CONST,
	ARENA_INIT,
	ARENA_STACK,
	ARENA_HEAP,
	ARENA_KINDS
};

void fuzz_evict(struct module *mod);
void fuzz_module_add(struct module *mod);
void fuzz_module_remove(struct module *mod);

/* Memory of module number NR, with poison around each piece. */
void arena_open(unsigned int nr, struct module *mod);
void *arena_take(unsigned int nr, enum arena kind, size_t size);
void arena_seal(unsigned int nr);
void arena_end_init(unsigned int nr, struct module *mod);
void arena_close(unsigned int nr);

/* ---- vmlinux.c */

/* A function of vmlinux by its number; NULL when there are no more. */
const char *fuzz_vmlinux_name(unsigned int nr);
unsigned long fuzz_vmlinux_addr(unsigned int nr);

#endif /* _FUZZ_FUZZ_H */
