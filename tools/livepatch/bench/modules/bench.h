/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BENCH_H
#define _BENCH_H

#include <linux/moduleparam.h>
#include <linux/sysfs.h>

/* For the lists of functions that ../build-modules writes. */

/* A function to patch: small, and different from all others. */
#define BENCH_FUNCTION(n)				\
	noinline int bench_f##n(int x);			\
	int bench_f##n(int x) { return x + (n); }

/* These are called, from another file so that they are not inlined; nobody patches the second. */
int bench_f0(int x);
int bench_f9999(int x);

/* What replaces it, and the entry that says so. */
#define BENCH_NEW(n)					\
	static int bench_new_f##n(int x) { return x - (n); }
#define BENCH_ENTRY(n)					\
	{ .old_name = "bench_f" #n, .new_func = bench_new_f##n, }

/* Only bench_wait() and functions that nobody calls are replaced by these. */
static inline void bench_no_wait(void) { }
static inline void bench_unused(void) { }

/* The same for a function of the kernel that nobody calls while this is patched. */
#define BENCH_ENTRY_UNUSED(name)			\
	{ .old_name = #name, .new_func = bench_unused, }

/* What calls have taken, and how many they were. */
struct bench_result {
	unsigned long total;
	unsigned int calls;
};

/* A file of it, "TOTAL CALLS". */
static inline int bench_result_show(char *buffer, const struct bench_result *result)
{
	return sysfs_emit(buffer, "%lu %u\n", result->total, result->calls);
}

static inline int bench_result_get(char *buffer, const struct kernel_param *kp)
{
	return bench_result_show(buffer, kp->arg);
}

/* Of a parameter with a struct bench_result behind it. */
static const struct kernel_param_ops bench_result_ops __maybe_unused = { .get = bench_result_get };

#endif /* _BENCH_H */
