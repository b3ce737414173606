/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In what do the kernels differ that this core is built on?
 *
 * Each difference is asked for by a name that only one side has, never by a version: the header
 * that has it, <asm/asm-offsets.h> or <asm/text-patching.h>, stands before this one. For C and for
 * assembler.
 */
#ifndef _LIVEPATCH_COMPAT_H
#define _LIVEPATCH_COMPAT_H

#ifdef X86_current_task
/* Linux 6.12: one structure of what is hot. */
#define KLP_CURRENT_TASK	(pcpu_hot + X86_current_task)
#define KLP_PREEMPT_COUNT	(pcpu_hot + KLP_preempt_count)
#define KLP_PREEMPT_COUNT_OFFSET	offsetof(struct pcpu_hot, preempt_count)
#else
#define KLP_CURRENT_TASK	current_task
#define KLP_PREEMPT_COUNT	__preempt_count
#define KLP_PREEMPT_COUNT_OFFSET	0
#endif

/* The bit that says "nobody waits for the CPU" is the uppermost one of the count. */
#ifdef CONFIG_HAS_SEPARATE_PREEMPT_RESCHED_BITS
#define KLP_INC_PREEMPT_COUNT	incq
#define KLP_DEC_PREEMPT_COUNT	decq
#else
#define KLP_INC_PREEMPT_COUNT	incl
#define KLP_DEC_PREEMPT_COUNT	decl
#endif

#ifdef POKE_MAX_OPCODE_SIZE
/* Linux 6.12 */
#define smp_text_poke_single	text_poke_bp
#endif

/* Linux 6.12: modules call the hook of the scheduler, from a cond_resched() that is inline. */
#ifdef CONFIG_KLP_HOOK_IN_MODULES
#define KLP_EXPORT_HOOK(name)	EXPORT_SYMBOL(name)
#else
#define KLP_EXPORT_HOOK(name)	static_assert(sizeof(typeof(name) *) > 0)
#endif

/* They ask for its key, too, unless cond_resched() is redirected. */
#if defined(CONFIG_PREEMPT_DYNAMIC) && defined(CONFIG_HAVE_PREEMPT_DYNAMIC_CALL)
#define KLP_EXPORT_HOOK_KEY(name)	static_assert(sizeof(typeof(name) *) > 0)
#else
#define KLP_EXPORT_HOOK_KEY(name)	KLP_EXPORT_HOOK(name)
#endif

#ifndef __ASSEMBLER__
/* The scheduler's own where it has some, as that of Linux 6.12; else those of resched.c. */
void sched_dynamic_klp_enable(void);
void sched_dynamic_klp_disable(void);
#endif

#endif /* _LIVEPATCH_COMPAT_H */
