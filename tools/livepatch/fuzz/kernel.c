// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is around the core when a fuzzer drives it?  Messages, allocation that fails when it is told
 * to, a lock, work, tasks that arrive or do not. What the kernel would complain of ends the
 * program. There is more in vmlinux.c, sysfs.c and modules.c.
 */
#include <ctype.h>
#include "internal.h"
#include "fuzz.h"

struct fuzz fuzz;
struct task_struct fuzz_task;
void *system_long_wq;
char __per_cpu_start[1], __per_cpu_end[1];

/* ---- messages */

/* With FUZZ_SAY in the environment, all of them are told. */
static char last_words[4096];

/* Formatted as printk() does it, %pV included: every string is read. */
void fuzz_vformat(char *to, size_t size, const char *fmt, va_list *args)
{
	size_t at = 0;

	while (*fmt && at < size - 1) {
		size_t len = strcspn(fmt, "%");
		char spec[16];

		if (len) {
			at += snprintf(to + at, size - at, "%.*s", (int)len, fmt);
			fmt += len;
			continue;
		}
		len = 1 + strspn(fmt + 1, "-0123456789.*lzt");
		snprintf(spec, sizeof(spec), "%.*s", (int)len + 1, fmt);
		if (fmt[len] == 'p' && fmt[len + 1] == 'V') {
			struct va_format *vaf = va_arg(*args, struct va_format *);
			va_list copy;

			va_copy(copy, *vaf->va);
			fuzz_vformat(to + at, size - at, vaf->fmt, &copy);
			va_end(copy);
			at += strlen(to + at);
			len++;
		} else if (fmt[len] == 's' && strchr(spec, '*')) {
			int width = va_arg(*args, int);

			at += snprintf(to + at, size - at, spec, width, va_arg(*args, char *));
		} else if (fmt[len] == 's') {
			at += snprintf(to + at, size - at, "%s", va_arg(*args, char *));
		} else if (strpbrk(spec, "lzt")) {
			at += snprintf(to + at, size - at, spec, va_arg(*args, long));
		} else if (strchr("diuxc", fmt[len])) {
			at += snprintf(to + at, size - at, spec, va_arg(*args, int));
		} else {
			violated("no such format: %s", spec);
		}
		fmt += len + 1;
	}
	to[at < size ? at : size - 1] = '\0';
}

void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fuzz_vformat(last_words, sizeof(last_words), fmt, &args);
	va_end(args);
	fuzz.said++;
	if (getenv("FUZZ_SAY"))
		fprintf(stderr, "%s", last_words);
}

void violated(const char *fmt, ...)
{
	va_list args;

	fputs("fuzz: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nfuzz: the last message was: %s\n", last_words);
	abort();
}

/* ---- memory */

void *model_alloc(size_t size)
{
	if (fuzz.fails && !--fuzz.fails)
		return NULL;
	fuzz.allocated++;
	return calloc(1, size ?: 1);
}

void model_free(const void *ptr)
{
	fuzz.allocated -= !!ptr;
	free((void *)ptr);
}

char *fuzz_strdup(const char *text)
{
	char *new = model_alloc(strlen(text) + 1);

	return new ? memcpy(new, text, strlen(text) + 1) : NULL;
}

void *fuzz_realloc(void *ptr, size_t size)
{
	if (fuzz.fails && !--fuzz.fails)
		return NULL;
	fuzz.allocated += !ptr;
	return realloc(ptr, size);
}

void __set_bit(unsigned int nr, unsigned long *bitmap)
{
	bitmap[nr / 64] |= 1UL << nr % 64;
}

unsigned int find_next_bit(const unsigned long *bitmap, unsigned int size, unsigned int from)
{
	while (from < size && !(bitmap[from / 64] >> from % 64 & 1))
		from++;
	return from;
}

unsigned int bitmap_weight(const unsigned long *bitmap, unsigned int size)
{
	unsigned int at, nr = 0;

	for (at = find_next_bit(bitmap, size, 0); at < size;
	     at = find_next_bit(bitmap, size, at + 1))
		nr++;
	return nr;
}

/* ---- text and numbers */

void *memchr_inv(const void *start, int c, size_t size)
{
	const unsigned char *at = start;

	for (; size; size--, at++) {
		if (*at != (unsigned char)c)
			return (void *)at;
	}
	return NULL;
}

int kstrtoul(const char *text, unsigned int base, unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, base);
	if (!isdigit((unsigned char)*text) || *end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

int kstrtobool(const char *text, bool *value)
{
	static const struct {
		const char *start;
		bool value;
	} words[] = {
		{ "y", 1 }, { "Y", 1 }, { "t", 1 }, { "T", 1 }, { "1", 1 },
		{ "n", 0 }, { "N", 0 }, { "f", 0 }, { "F", 0 }, { "0", 0 },
		{ "on", 1 }, { "On", 1 }, { "ON", 1 }, { "oN", 1 },
		{ "of", 0 }, { "Of", 0 }, { "OF", 0 }, { "oF", 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_has_prefix(text, words[i].start)) {
			*value = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

int sysfs_emit(char *buf, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(buf, PAGE_SIZE, fmt, args);
	va_end(args);
	return len;
}

/* ---- locks and work */

void mutex_lock(struct mutex *lock)
{
	if (lock->held)
		violated("klp_mutex is taken twice");
	lock->held = true;
}

void mutex_unlock(struct mutex *lock)
{
	if (!lock->held)
		violated("klp_mutex is not held");
	lock->held = false;
}

void lockdep_assert_held(struct mutex *lock)
{
	if (!lock->held)
		violated("klp_mutex is not held where it has to be");
}

bool fuzz_locked(void)
{
	return klp_mutex.held;
}

void queue_work(void *queue, struct work_struct *work)
{
	work->queued = true;
}

void flush_work(struct work_struct *work)
{
	if (!work->queued)
		return;
	work->queued = false;
	work->func(work);
}

void fuzz_run_work(void)
{
	flush_work(&klp_retire_work);
}

/* Who waits does so for tasks. */
void msleep(unsigned int msec)
{
	fuzz.arrives = true;
	mutex_lock(&klp_mutex);
	klp_transition_round();
	mutex_unlock(&klp_mutex);
}

void wait_for_completion(struct completion *completion)
{
	if (!completion->done)
		violated("waits for ever for a reference to a patch");
}

/* ---- tasks: they have all arrived, or none has */

void klp_task_set_target(int target) { }
void klp_tasks_set_world(int world) { }
void klp_tasks_flag(int target) { }
void klp_tasks_unflag(void) { }
void klp_rounds_begin(void) { }
void klp_task_step_aside(void) { }
void klp_words_forget(void) { }

static struct klp_forbidden forbidden;

void klp_task_set_forbidden(const struct klp_forbidden *new)
{
	klp_forbidden_free(&forbidden);
	forbidden = *new;
}

void klp_tasks_force(void)
{
	fuzz.arrives = true;
}

bool klp_rounds_look(int target)
{
	lockdep_assert_held(&klp_mutex);
	return fuzz.arrives;
}

unsigned int klp_tasks_pending(void)
{
	return !fuzz.arrives;
}

int klp_lookers_init(void (*look)(void)) { return 0; }
void klp_lookers_now(void) { }
void klp_report_init(void) { }
void klp_shadow_init(void) { }
struct irq_work klp_task_last;

void klp_shadow_collect(const struct klp_shadow_type *type)
{
	if (type->dtor)
		type->dtor(NULL, NULL);
}

void klp_stats_begin(const struct klp_patch *patch, int target) { }
void klp_stats_reverse(int target) { }
void klp_stats_force(void) { }
u64 klp_stats_settle(int target) { return 0; }
unsigned int klp_stats_rounds(void) { return 0; }

/* ---- the beginning */

/* The core as after boot; what it has for good by then is not counted. */
void fuzz_boot(void)
{
	static bool booted;

	if (!booted && (fuzz_klp_init() || klp_cold_load()))
		violated("the core does not start");
	booted = true;
	fuzz.fails = 0;
	fuzz.refuses = 0;
	fuzz.arrives = true;
}
