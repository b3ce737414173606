/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core asks of the kernel when a fuzzer drives it; read in front of each of its files.
 * There is one task, and everything happens when it is asked for. What the kernel would find fault
 * with, locks, references, directories of the same name, ends the program: see kernel.c.
 */
#ifndef _FUZZ_KERNEL_H
#define _FUZZ_KERNEL_H

#include <elf.h>
#include <stdio.h>
#define XA_ENTRIES		64
#include "../model/base.h"

typedef int32_t s32;

#define CONFIG_X86_64		1

#define __init
#define __weak			__attribute__((weak))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define offsetofend(type, member)	(offsetof(type, member) + sizeof_field(type, member))
#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define str_has_prefix(text, prefix)	\
	(strncmp(text, prefix, strlen(prefix)) ? 0 : strlen(prefix))
#define PAGE_SIZE		4096
#define KSYM_NAME_LEN		512
#define ERESTARTSYS		512
#define MCOUNT_INSN_SIZE	5
#define READ_ONCE(x)		(*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value)	(*(volatile typeof(x) *)&(x) = (value))
#define data_race(x)		(x)
#define smp_store_release(ptr, value)	WRITE_ONCE(*(ptr), value)
#define smp_wmb()
#define smp_acquire__after_ctrl_dep()

/* Names and sizes as the kernel's functions have them; see kernel.c. */
int kstrtoul(const char *text, unsigned int base, unsigned long *value);
int kstrtobool(const char *text, bool *value);
void *memchr_inv(const void *start, int c, size_t size);
int sysfs_emit(char *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct va_format {
	const char *fmt;
	va_list *va;
};

/* ---- allocation */

#define kmalloc(size, gfp)	model_alloc(size)
#define kstrdup(text, gfp)	fuzz_strdup(text)
#define kvrealloc(ptr, size, gfp)	fuzz_realloc(ptr, size)
char *fuzz_strdup(const char *text);
void *fuzz_realloc(void *ptr, size_t size);

#define bitmap_zalloc(nr, gfp)	((unsigned long *)model_alloc(((nr) + 63) / 64 * 8 + 8))
#define model_bitmap		model_kvfree
void __set_bit(unsigned int nr, unsigned long *bitmap);
unsigned int find_next_bit(const unsigned long *bitmap, unsigned int size, unsigned int from);
unsigned int bitmap_weight(const unsigned long *bitmap, unsigned int size);
#define bitmap_empty(bitmap, size)	(find_next_bit(bitmap, size, 0) >= (size))

/* ---- one lock */

struct mutex { bool held; };

#define DEFINE_MUTEX(name)	struct mutex name
void mutex_lock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);
void lockdep_assert_held(struct mutex *lock);
#define lockdep_is_held(lock)	((lock)->held)

static inline struct mutex *fuzz_take(struct mutex *lock)
{
	mutex_lock(lock);
	return lock;
}

static inline void fuzz_drop(struct mutex **lock)
{
	mutex_unlock(*lock);
}

#define guard(what)		guard_##what
#define guard_preempt()
#define guard_mutex(lock)	fuzz_guard_mutex(lock, __COUNTER__)
#define fuzz_guard_mutex(lock, nr)	fuzz_guard_named(lock, nr)
#define fuzz_guard_named(lock, nr)						\
	struct mutex *_guard##nr __attribute__((cleanup(fuzz_drop))) = fuzz_take(lock)
#define scoped_guard(what, ...)	scoped_guard_##what(__VA_ARGS__)
#define scoped_guard_preempt()	for (int _once = 1; _once; _once = 0)
#define scoped_guard_mutex(lock)						\
	for (struct mutex *_held __attribute__((cleanup(fuzz_drop))) = fuzz_take(lock), \
	     *_once = _held; _once; _once = NULL)
#define scoped_cond_guard(what, fail, lock)	scoped_guard_mutex(lock)
#define rcu_read_lock_sched()
#define rcu_read_unlock_sched()
#define rcu_dereference_protected(ptr, held)	(ptr)
struct rcu_head { int unused; };
#define kvfree_rcu(ptr, member)	model_free(ptr)
#define preempt_disable_notrace()
#define preempt_enable_notrace()
#define synchronize_rcu_tasks()

/* ---- work, which waits until somebody waits for it; or the program lets it run */

struct work_struct {
	void (*func)(struct work_struct *work);
	bool queued;
};

struct irq_work { int unused; };

#define INIT_WORK(work, function)	((work)->func = (function))
#define init_irq_work(work, func)	((void)(func))
#define schedule_work_on(cpu, work)	((void)(cpu), queue_work(NULL, work))
extern void *system_long_wq;
void queue_work(void *queue, struct work_struct *work);
void flush_work(struct work_struct *work);
#define fsleep(usec)
void msleep(unsigned int msec);

struct completion { unsigned long done; };

#define init_completion(completion)	((void)((completion)->done = false))
#define complete(completion)	((void)((completion)->done = true))
void wait_for_completion(struct completion *completion);

/* Called before the program does anything else. */
#define subsys_initcall(init)	int fuzz_##init(void) { return init(); }

/* ---- modules */

typedef Elf64_Ehdr Elf_Ehdr;
typedef Elf64_Shdr Elf_Shdr;
typedef Elf64_Sym Elf_Sym;
typedef Elf64_Rela Elf_Rela;

#define ELF_R_SYM(info)		ELF64_R_SYM(info)
#define ELF_R_TYPE(info)	ELF64_R_TYPE(info)
#define ELF_ST_TYPE(info)	ELF64_ST_TYPE(info)
#define SHN_LIVEPATCH		0xff20
#define SHF_RELA_LIVEPATCH	0x00100000

enum mod_mem_type {
	MOD_TEXT,
	MOD_DATA,
	MOD_RODATA,
	MOD_RO_AFTER_INIT,
	MOD_INIT_TEXT,
	MOD_INIT_DATA,
	MOD_INIT_RODATA,
	MOD_MEM_NUM_TYPES
};

#define for_each_mod_mem_type(type)	\
	for (enum mod_mem_type type = 0; type < MOD_MEM_NUM_TYPES; type++)

struct module_memory {
	void *base;
	unsigned int size;
};

struct mod_kallsyms {
	Elf_Sym *symtab;
	unsigned int num_symtab;
	char *strtab;
};

struct klp_modinfo {
	Elf_Ehdr hdr;
	Elf_Shdr *sechdrs;
	char *secstrings;
	unsigned int symndx;
};

enum module_state { MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING };

struct module {
	const char *name;
	enum module_state state;
	bool klp, klp_alive;
	unsigned int refs;
	void *percpu;
	unsigned int percpu_size;
	struct module_memory mem[MOD_MEM_NUM_TYPES];
	struct mod_kallsyms core_kallsyms;
	struct klp_modinfo *klp_info;
};

#define CONFIG_SMP		1
#define CONFIG_MODULE_UNLOAD	1
#define is_livepatch_module(mod)	((mod)->klp)
#define kallsyms_symbol_value(sym)	((unsigned long)(sym)->st_value)
#define module_refcount(mod)	((mod)->refs)
#define is_mapping_symbol(name)	((name)[0] == '.' && (name)[1] == 'L')
bool try_module_get(struct module *mod);
void module_put(struct module *mod);
struct module *find_module(const char *name);
struct module *__module_address(unsigned long addr);
bool within_module_mem_type(unsigned long addr, const struct module *mod, enum mod_mem_type type);
bool within_module_core(unsigned long addr, const struct module *mod);
bool within_module_init(unsigned long addr, const struct module *mod);
bool within_module(unsigned long addr, const struct module *mod);
int apply_relocate_add(Elf_Shdr *sechdrs, const char *strtab, unsigned int symindex,
		       unsigned int relsec, struct module *mod);

struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long state, void *mod);
	int priority;
};

#define NOTIFY_OK		1
int register_module_notifier(struct notifier_block *nb);
#define DEFINE_XARRAY(name)	struct xarray name

/* ---- vmlinux */

int kallsyms_on_each_match_symbol(int (*visit)(void *data, unsigned long addr), const char *name,
				  void *data);
int kallsyms_on_each_symbol(int (*visit)(void *data, const char *name, unsigned long addr),
			    void *data);
bool kallsyms_lookup_size_offset(unsigned long addr, unsigned long *size, unsigned long *offset);
bool core_kernel_text(unsigned long addr);
bool is_kernel_inittext(unsigned long addr);
bool is_kernel_rodata(unsigned long addr);
bool init_section_contains(const void *at, size_t size);
bool object_is_on_stack(const void *at);
extern char __per_cpu_start[], __per_cpu_end[];

enum { SYSTEM_BOOTING, SYSTEM_FREEING_INITMEM, SYSTEM_RUNNING };
#define system_state		SYSTEM_RUNNING

/* ---- sysfs */

typedef unsigned short umode_t;

struct kobject {
	char *name;
	struct kobject *parent;
	const struct kobj_type *ktype;
	unsigned int refs;
	bool state_initialized;
	struct list_head node;		/* of those that can be seen */
};

struct attribute {
	const char *name;
	umode_t mode;
};

struct kobj_attribute {
	struct attribute attr;
	ssize_t (*show)(struct kobject *kobj, struct kobj_attribute *attr, char *buf);
	ssize_t (*store)(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			 size_t count);
};

struct attribute_group {
	struct attribute **attrs;
};

struct sysfs_ops { int unused; };

struct kobj_type {
	void (*release)(struct kobject *kobj);
	const struct sysfs_ops *sysfs_ops;
	const struct attribute_group **default_groups;
};

extern const struct sysfs_ops kobj_sysfs_ops;
extern struct kobject *kernel_kobj;

#define FUZZ_ATTR(_name, _mode, _show, _store) {				\
	.attr = { .name = #_name, .mode = _mode },				\
	.show = _show,								\
	.store = _store,							\
}

#define __ATTR_RW(name)		FUZZ_ATTR(name, 0644, name##_show, name##_store)
#define __ATTR_RO(name)		FUZZ_ATTR(name, 0444, name##_show, NULL)
#define __ATTR_WO(name)		FUZZ_ATTR(name, 0200, NULL, name##_store)
#define ATTRIBUTE_GROUPS(name)							\
	static const struct attribute_group name##_group = { .attrs = name##_attrs };	\
	static const struct attribute_group *name##_groups[] = { &name##_group, NULL }

void kobject_init(struct kobject *kobj, const struct kobj_type *ktype);
int kobject_add(struct kobject *kobj, struct kobject *parent, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void kobject_put(struct kobject *kobj);
struct kobject *kobject_create_and_add(const char *name, struct kobject *parent);

/* ---- the one task */

struct task_struct { int patch_state; };

extern struct task_struct fuzz_task;

#define current			(&fuzz_task)
#define TIF_PATCH_PENDING	0
#define test_tsk_thread_flag(task, flag)	false

/* ---- ftrace */

#define FTRACE_OPS_FL_DYNAMIC		1
#define FTRACE_OPS_FL_IPMODIFY		2
#define FTRACE_OPS_FL_PERMANENT		4
#define FTRACE_OPS_FL_ENABLED		8
#define FTRACE_OPS_FL_ALLOC_TRAMP	16
#define FTRACE_OPS_FL_SAVE_REGS		0
#define FTRACE_PLACES			64

struct ftrace_regs { unsigned long ip; };

struct ftrace_ops {
	void (*func)(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *fops,
		     struct ftrace_regs *fregs);
	unsigned long flags;
	unsigned long trampoline;
	unsigned long place[FTRACE_PLACES];
	unsigned int nr;
};

#define ftrace_regs_set_instruction_pointer(fregs, where)	((fregs)->ip = (where))
#define ftrace_free_filter(ops)	((void)(ops))
int ftrace_set_filter_ips(struct ftrace_ops *ops, unsigned long *ips, unsigned int nr, int remove,
			  int reset);
int register_ftrace_function(struct ftrace_ops *ops);
int unregister_ftrace_function(struct ftrace_ops *ops);
unsigned long ftrace_location_range(unsigned long start, unsigned long end);

#endif /* _FUZZ_KERNEL_H */
