/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core asks of the kernel that is the same for every program that its files are compiled
 * into on the host: the model, where others may act in between, and the fuzzers, where nobody does.
 */
#ifndef _MODEL_BASE_H
#define _MODEL_BASE_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "explore.h"

/* ---- the language */

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned int gfp_t;
typedef int pid_t;
typedef long ssize_t;

#define KBUILD_MODNAME		"livepatch"
#define CONFIG_64BIT		1
#define IS_ENABLED(option)	IS_ENABLED_##option
#define IS_ENABLED_CONFIG_LIVEPATCH			1
#define IS_ENABLED_CONFIG_LIVEPATCH_VERIFY_WORDS	0
#define IS_ENABLED_CONFIG_S390				0
#define IS_ENABLED_CONFIG_STACKTRACE			1
#define IS_ENABLED_CONFIG_HAVE_RELIABLE_STACKTRACE	1
#define IS_ENABLED_CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS	1

#undef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#define __aligned(n)		__attribute__((aligned(n)))
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define __read_mostly
#define __percpu
#define __rcu
#define __force
#define __counted_by(member)
#define __free(how)		__attribute__((cleanup(model_##how)))
#define notrace
#define likely(x)		(x)
#define unlikely(x)		(x)
#define barrier()
#define static_assert		_Static_assert
#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_GPL(name)
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof(*(array)))
#define BIT(n)			(1UL << (n))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define max3(a, b, c)		max(max(a, b), c)
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define MODULE_NAME_LEN		56
#define TASK_COMM_LEN		16
#define USEC_PER_MSEC		1000L
#define IS_ERR_VALUE(x)		((unsigned long)(x) >= (unsigned long)-4095)

#define WARN_ON_ONCE(condition) ({						\
	bool _wrong = (condition);						\
										\
	if (_wrong)								\
		violated("%s:%d: WARN_ON_ONCE(%s)", __FILE__, __LINE__, #condition); \
	_wrong;									\
})
#define WARN_ONCE(condition, ...)	WARN_ON_ONCE(condition)

#define pr_debug(...)		say(__VA_ARGS__)
#define pr_notice(...)		say(__VA_ARGS__)
#define pr_warn(...)		say(__VA_ARGS__)
#define pr_err(...)		say(__VA_ARGS__)

/* ---- allocation */

#define GFP_KERNEL		0U
#define kzalloc(size, gfp)	model_alloc(size)
#define kvzalloc(size, gfp)	model_alloc(size)
#define kvmalloc(size, gfp)	model_alloc(size)
#define kvcalloc(nr, size, gfp)	model_alloc((nr) * (size))
#define kvmalloc_array(nr, size, gfp)	model_alloc((nr) * (size))
#define kfree(ptr)		model_free(ptr)
#define kvfree(ptr)		model_free(ptr)
#define struct_size(ptr, member, nr)	\
	(offsetof(typeof(*(ptr)), member) + sizeof((ptr)->member[0]) * (nr))
#define array_size(nr, size)	((size_t)(nr) * (size))

#define no_free_ptr(ptr) ({							\
	typeof(ptr) _ptr = (ptr);						\
										\
	(ptr) = NULL;								\
	_ptr;									\
})
#define model_kfree		model_kvfree

static inline void model_kvfree(void *ptr)
{
	model_free(*(void **)ptr);
}

/* ---- lists, arrays and numbers */

/* Lists are those of the kernel's tools. Who works on one holds klp_mutex. */
struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, value)	((x) = (value))
#include <linux/list.h>
#undef READ_ONCE
#undef WRITE_ONCE

#define list_entry_is_head(at, head, member)	(&(at)->member == (head))

/* What is in front of an entry goes to a list of its own. */
static inline void list_cut_before(struct list_head *list, struct list_head *head,
				   struct list_head *entry)
{
	INIT_LIST_HEAD(list);
	while (head->next != entry)
		list_move_tail(head->next, list);
}

static inline size_t list_count_nodes(struct list_head *head)
{
	struct list_head *at;
	size_t nr = 0;

	list_for_each(at, head)
		nr++;
	return nr;
}

static inline unsigned long roundup_pow_of_two(unsigned long n)
{
	unsigned long power = 1;

	while (power < n)
		power *= 2;
	return power;
}

static inline int ilog2(unsigned long n)
{
	return 63 - __builtin_clzl(n);
}

static inline void sort(void *base, size_t nr, size_t size,
			int (*compare)(const void *, const void *), void *swap)
{
	qsort(base, nr, size, compare);
}

static inline unsigned long full_name_hash(const void *salt, const char *name, unsigned int len)
{
	unsigned long hash = 0;

	while (len--)
		hash = 31 * hash + (u8)*name++;
	return hash;
}

static inline ssize_t strscpy_to(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
	return len;
}

#define strscpy(to, from)	strscpy_to(to, from, sizeof(to))

/* An array with few entries. */
#ifndef XA_ENTRIES
#define XA_ENTRIES	8
#endif

struct xarray {
	unsigned long key[XA_ENTRIES];
	void *entry[XA_ENTRIES];
};

#define xa_for_each(xa, at, found)						\
	for (unsigned int _i = 0; _i < XA_ENTRIES; _i++)			\
		if ((found = (xa)->entry[_i], at = (xa)->key[_i], found))

static inline void xa_init(struct xarray *xa)
{
	memset(xa, 0, sizeof(*xa));
}

static inline void *xa_load(struct xarray *xa, unsigned long key)
{
	unsigned int i;

	for (i = 0; i < XA_ENTRIES; i++) {
		if (xa->entry[i] && xa->key[i] == key)
			return xa->entry[i];
	}
	return NULL;
}

static inline void *xa_store(struct xarray *xa, unsigned long key, void *entry, gfp_t gfp)
{
	unsigned int i;

	for (i = 0; i < XA_ENTRIES; i++) {
		if (xa->entry[i])
			continue;
		xa->key[i] = key;
		xa->entry[i] = entry;
		return NULL;
	}
	violated("the model's array is full");
}

static inline void *xa_erase(struct xarray *xa, unsigned long key)
{
	void *entry = xa_load(xa, key);
	unsigned int i;

	for (i = 0; i < XA_ENTRIES; i++) {
		if (xa->entry[i] && xa->key[i] == key) {
			xa->entry[i] = NULL;
			xa->key[i] = 0;
		}
	}
	return entry;
}

static inline bool xa_empty(const struct xarray *xa)
{
	unsigned int i;

	for (i = 0; i < XA_ENTRIES; i++) {
		if (xa->entry[i])
			return false;
	}
	return true;
}

#define xa_err(entry)		((void)(entry), 0)

/* ---- what nobody looks into */

typedef struct { int unused; } spinlock_t;
struct llist_head { void *first; };
struct llist_node { void *next; };
struct rcu_work { int unused; };
struct seq_file;
struct file_operations;
#define ESCAPE_OCTAL		0
#define ESCAPE_NAP		0
#define ESCAPE_APPEND		0
#define string_escape_str(from, to, len, how, what)	0

struct static_key_false { bool enabled; };
#define DEFINE_STATIC_KEY_FALSE(name)	struct static_key_false name
#define static_branch_unlikely(key)	((key)->enabled)
#define static_key_enabled(key)		((key)->enabled)

/* ---- per-CPU variables: one CPU's worth, since nobody counts on them here */

#define DECLARE_PER_CPU(type, name)	extern typeof(type) name
#define DEFINE_PER_CPU(type, name)	typeof(type) name
#define per_cpu(name, cpu)	(name)
#define per_cpu_ptr(ptr, cpu)	(ptr)
#define this_cpu_inc(x)
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < 1; (cpu)++)
#define for_each_online_cpu(cpu)	for_each_possible_cpu(cpu)
#define cpus_read_lock()
#define cpus_read_unlock()
#define alloc_percpu(type)	((type *)model_alloc(sizeof(type)))
#define free_percpu(ptr)	model_free(ptr)

/* ---- tracepoints */

#define trace_klp_transition_begin(...)
#define trace_klp_transition_reverse(...)
#define trace_klp_transition_force(...)
#define trace_klp_transition_settle(patch, target, age, rounds)	((void)(age), (void)(rounds))
#define trace_klp_task_switch(...)
#define trace_klp_task_switch_enabled()	false
#define trace_klp_hook_batch(...)
#define trace_klp_state_callback(...)

#endif /* _MODEL_BASE_H */
