/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types that the files of the livepatch core share, and who may touch what.
 */
#ifndef _LIVEPATCH_TYPES_H
#define _LIVEPATCH_TYPES_H

#include <linux/ftrace.h>
#include <linux/livepatch.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock_types.h>
#include <linux/string_helpers.h>

/* Of ftrace, which declares it in a header of its own directory. */
int ftrace_is_dead(void);

/* An address span; @end is the first byte behind it, or a single address, which is @end as well. */
struct klp_range {
	unsigned long start;
	unsigned long end;
};

/**
 * struct klp_ranges - a set of code addresses
 * @rcu: for kfree_rcu()
 * @nr: entries in use
 * @max: entries there is room for
 * @range: sorted and disjoint once klp_ranges_seal() has run; constant from then on
 */
struct klp_ranges {
	struct rcu_head rcu;
	unsigned int nr;
	unsigned int max;
	struct klp_range range[] __counted_by(max);
};

/**
 * struct klp_forbidden - the code that tasks have to leave before they change over
 * @code: functions that one world uses and the other does not, and the way into them; guards
 * @text: all text of modules whose patches go away
 * @kernel: user tasks have to leave the kernel altogether
 *
 * Either set may be NULL, which is an empty one.
 */
struct klp_forbidden {
	struct klp_ranges *code;
	struct klp_ranges *text;
	bool kernel;
};

/**
 * struct klp_code - where the machine code of one function lies
 * @nr: number of parts
 * @part: its body first, then what the compiler has split off (NAME.cold)
 */
struct klp_code {
	unsigned int nr;
	struct klp_range part[] __counted_by(nr);
};

/**
 * struct klp_symbol - one question to a symbol table, and the answer
 * @name: asked, unless the address is what is known
 * @pos: asked: 0 the only one, else which one, counted from 1
 * @addr: answered, or asked when @name is not known
 * @count: answered: how many symbols of the name were seen; at most 2 or @pos in vmlinux, and 0
 *	when the one that was meant is given back after init
 * @code: answered: to be freed with kfree()
 */
struct klp_symbol {
	const char *name;
	unsigned long pos;
	unsigned long addr;
	unsigned long count;
	struct klp_code *code;
};

/* A function of vmlinux, and a part of it that was moved away. */
struct klp_cold {
	unsigned long func;
	unsigned long addr;
};

/**
 * struct klp_hits - how often calls came to the handler on one CPU, with preemption off
 * @calls: 0 those that went on to the original, 1 those that were diverted
 */
struct klp_hits {
	unsigned long calls[2];
};

enum klp_counting {
	KLP_COUNT_OFF,
	KLP_COUNT_ON,
};

/**
 * struct klp_site - where calls of one function are diverted
 * @ip: ftrace location (constant)
 * @idle: where a task goes outside of a transition, the same as @dest[0]; stands before @dest, so
 *	that the handler can take @dest[-1]
 * @dest: per world, where to go, NULL for the original; both are written by klp_site_send()
 *	under klp_mutex and read by the handler with preemption off
 * @layers: the entries of patches that replace this function, newest first (klp_mutex)
 * @nr: number in klp_hook.sites; constant
 * @hooked: in the filter of its ftrace_ops (klp_mutex)
 * @hits: counters, NULL as long as nobody has asked for them; constant while calls are counted
 *
 * Fills a cache line.
 */
struct klp_site {
	unsigned long ip;
	void *idle;
	void *dest[2];
	struct list_head layers;
	unsigned int nr;
	bool hooked;
	struct klp_hits __percpu *hits;
} __aligned(64);

static_assert(offsetof(struct klp_site, idle) + sizeof(void *) == offsetof(struct klp_site, dest));

/**
 * struct klp_layer - one patch's entry at one site; private side of a &struct klp_func
 * @node: in klp_site.layers
 * @patch: whose it is
 * @func: what it stands for
 * @site: where it is, NULL while it is not at a site, as a guard always is
 * @ip: ftrace location of the original, 0 for a guard that ftrace cannot reach
 * @orig: code of the original
 * @code: code of the replacement, NULL for a nop and for a guard
 *
 * All of it is protected by klp_mutex; the handler never looks here.
 */
struct klp_layer {
	struct list_head node;
	struct klp_patch *patch;
	struct klp_func *func;
	struct klp_site *site;
	unsigned long ip;
	struct klp_code *orig;
	struct klp_code *code;
};

/**
 * struct klp_hook - a batch of sites behind one ftrace_ops
 * @fops: registered as long as a site is hooked
 * @node: in the list of hooks (klp_mutex)
 * @nr: number of sites
 * @sites: where they live; they are found through the index
 *
 * The set of sites is complete before registration and can only shrink afterwards, since ftrace
 * negotiates with BPF trampolines only while it registers an ftrace_ops.
 */
struct klp_hook {
	struct ftrace_ops fops;
	struct list_head node;
	unsigned int nr;
	struct klp_site sites[];
};

/**
 * struct klp_slot - a place in the index of sites
 * @key: klp_index_key() of the site; 0: never used, and no search goes on behind it
 * @site: the site; written once, before @key
 *
 * Both are written under klp_mutex and read by the handler with preemption off. A slot is used for
 * one site only.
 */
struct klp_slot {
	unsigned long key;
	struct klp_site *site;
};

/**
 * struct klp_index - all sites by the place that their calls come from
 * @mask: the part of a hash that says where in @slots a search begins, in bytes
 * @nr: number of @slots; searches end before the last one (klp_mutex)
 * @used: slots with a key, that of a site or %KLP_INDEX_GONE (klp_mutex)
 * @live: sites (klp_mutex)
 * @slots: table with open addressing
 */
struct klp_index {
	unsigned long mask;
	unsigned int nr;
	unsigned int used;
	unsigned int live;
	struct klp_slot slots[];
};

/**
 * struct klp_shadow - a shadow variable
 * @next: in a bucket of struct klp_shadow_table (klp_shadow_lock(), read under RCU)
 * @all: in klp_shadow_kind.vars (klp_shadow_lock()), or in a list of those that were taken
 * @freed: in a bin
 * @obj: whose it is; constant
 * @size: of @data, as asked for; constant
 * @place: is none, but the place of a sweep; constant
 * @data: what the caller gets
 */
struct klp_shadow {
	struct klp_shadow __rcu *next;
	union {
		struct list_head all;
		struct llist_node freed;
	};
	void *obj;
	unsigned int size;
	bool place;
	char data[] __aligned(sizeof(unsigned long long));
};

/**
 * struct klp_shadow_table - the shadow variables of one id by their objects
 * @next: the table that its variables are moved to, if there is one (klp_shadow_lock(), read under
 *	RCU)
 * @rcu: for kvfree_rcu()
 * @bits: there are 1 << @bits buckets; constant
 * @shift: from a product to the number of a bucket; constant
 * @moved: buckets in front of this one are empty and stay so (klp_shadow_lock())
 * @bucket: (klp_shadow_lock(), read under RCU)
 */
struct klp_shadow_table {
	struct klp_shadow_table __rcu *next;
	struct rcu_head rcu;
	unsigned char bits, shift;
	unsigned long moved;
	struct klp_shadow __rcu *bucket[];
};

/**
 * struct klp_shadow_kind - the shadow variables of one id
 * @node: in klp_shadow_stripe.kinds (read under RCU)
 * @rcu: for kfree_rcu()
 * @id: the id; constant
 * @table: where they are found (read under RCU)
 * @vars: the variables, newest first, and the places of sweeps
 * @nr: number of variables
 * @bytes: sum of their sizes
 * @first: the first table, for a few of them
 *
 * All of it is changed under klp_shadow_lock().
 */
struct klp_shadow_kind {
	struct hlist_node node;
	struct rcu_head rcu;
	unsigned long id;
	struct klp_shadow_table __rcu *table;
	struct list_head vars;
	unsigned long nr, bytes;
	struct klp_shadow_table first;
};

/**
 * struct klp_shadow_stripe - one of the locks of the store
 * @lock: taken in any context, with interrupts off; inside of it nothing is taken but, for a short
 *	time, the locks of the allocator and of RCU
 * @kinds: of the ids that belong here (@lock, read under RCU)
 *
 * The lock makes looking for a variable, constructing it and adding it one step, and classic
 * destructors see a variable once.
 */
struct klp_shadow_stripe {
	spinlock_t lock;	/* protects @kinds and their variables */
	struct hlist_head kinds;
};

/**
 * struct klp_shadow_bin - shadow variables that nobody finds any more, of one CPU
 * @freed: thrown away since the last run of @work; lock-free
 * @waiting: for a grace period to end; @work, of which there is one run at a time
 * @work: frees the ones and has the others wait
 */
struct klp_shadow_bin {
	struct llist_head freed;
	struct llist_node *waiting;
	struct rcu_work work;
};

/**
 * struct klp_shadow_sweep - a walk over the variables of one id, with breaks
 * @kind: the variables, NULL when there are none
 * @mod: only those of objects in the memory of this module are wanted; NULL: all
 * @place: stands in klp_shadow_kind.vars, behind what was looked at
 */
struct klp_shadow_sweep {
	struct klp_shadow_kind *kind;
	const struct module *mod;
	struct klp_shadow place;
};

/* What the core does with memory that a patch points to. */
enum klp_access {
	KLP_READ,		/* it may be constant */
	KLP_WRITTEN,
};

/**
 * struct klp_shape - entries of an array that ends with an empty one
 * @stride: size of an entry
 * @head: so many bytes of it are 0 in the last one, and in no other
 */
struct klp_shape {
	size_t stride;
	size_t head;
};

/* Parts of ".klp.sym.OBJECT.NAME,POSITION". */
struct klp_reloc_name {
	const char *obj;
	const char *sym;
	unsigned long pos;
};

/* What came out of a look at a task. */
enum klp_verdict {
	KLP_CLEAR,		/* has changed over */
	KLP_RUNNING,		/* runs on some CPU, cannot be looked at */
	KLP_ON_STACK,		/* is inside, or on its way into, code that it has to leave first */
	KLP_UNRELIABLE,		/* its stack cannot be walked for certain */
	KLP_IN_KERNEL,		/* has to leave the kernel first, whatever is on its stack */
	KLP_IN_FLIGHT,		/* KLP_ON_STACK, told where to go and not there yet */
	KLP_VERDICTS
};

/* How a task has changed over. */
enum klp_way {
	KLP_WAY_STACK,		/* looked at while it did not run */
	KLP_WAY_EXIT,		/* on its way to user mode */
	KLP_WAY_IDLE,		/* in the idle loop */
	KLP_WAY_RESCHED,	/* in cond_resched() */
	KLP_WAY_FORCED,		/* whatever it was doing */
	KLP_WAYS
};

/*
 * How names that tasks and modules have given themselves are shown: in printable ASCII and on one
 * line. Anything else becomes \ooo, for string_escape_str() and seq_escape_str(); and so does the
 * backslash, which they are given apart.
 */
#define KLP_ESCAPE	(ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND)

#define KLP_COMM_LEN	(4 * (TASK_COMM_LEN - 1) + 1)

/**
 * struct klp_blocker - a task that has not arrived, and why
 * @tid: of the thread
 * @pid: of its process
 * @comm: its name, escaped
 * @state: as in /proc/PID/stat
 * @verdict: what holds it back
 * @where: for %KLP_ON_STACK and %KLP_IN_FLIGHT: the address on its stack that is in the way; else 0
 */
struct klp_blocker {
	pid_t tid;
	pid_t pid;
	char comm[KLP_COMM_LEN];
	char state;
	enum klp_verdict verdict;
	unsigned long where;
};

/* Blockers that a round remembers by name. */
#define KLP_SCAN_NAMED 5

/**
 * struct klp_scan - what one round has found
 * @nr: number of tasks that it has left behind
 * @blocker: the first of them
 */
struct klp_scan {
	unsigned int nr;
	struct klp_blocker blocker[KLP_SCAN_NAMED];
};

#endif /* _LIVEPATCH_TYPES_H */
