/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How does a call get diverted on the short way?
 *
 * A patched function calls klp_trampoline from its ftrace location, before it has set up a frame:
 * its caller's return address is on the stack, and above it the address behind the ftrace location.
 * To return there means the original. Written over by the address of a replacement, it has the same
 * return go there.
 *
 * There are as many returns as calls, so the CPU's return stack keeps its depth. What stands on it
 * is still the original: the CPU predicts this return wrong whenever a call is diverted, and runs
 * the beginning of the original until it finds out. See worlds.rst for what that means.
 *
 * What klp_hook_handler() in hook.c says about preemption and recursion is true here as well: one
 * region with preemption off from the search in the index to the return address, and a look behind
 * it whether somebody waits for the CPU. Who is preempted there stands in the trampoline, which
 * is forbidden code: he is on his way.
 *
 * r10, r11 and the flags are free at the entry of a function. Nothing else is touched: the
 * scheduler is called by way of a thunk that saves what functions in C do not.
 */
#include <linux/linkage.h>
#include <linux/objtool.h>
#include <asm/asm.h>
#include <asm/asm-offsets.h>
#include <asm/nops.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include "compat.h"
#include "offsets.h"

	.text

/* An increment of a counter behind a per-CPU pointer. */
.macro COUNT pointer:req offset:req
#ifdef CONFIG_SMP
	incq	%gs:\offset(\pointer)
#else
	incq	\offset(\pointer)
#endif
.endm

/* Go to @where if calls are counted: static_branch_unlikely(&klp_index_counts). */
.macro IF_COUNTING where:req
#ifdef CONFIG_JUMP_LABEL
.Lbranch\@:
	.byte	BYTES_NOP5
	.pushsection __jump_table, "aw"
	_ASM_ALIGN
	.long	.Lbranch\@ - .
	.long	\where - .
	_ASM_PTR klp_index_counts - .
	.popsection
#else
	cmpl	$0, klp_index_counts(%rip)
	jne	\where
#endif
.endm

/* Call the scheduler, if the kernel is to be preempted: __preempt_schedule_notrace(). */
.macro PREEMPT_SCHEDULE
#ifdef CONFIG_PREEMPT_DYNAMIC
	/* objtool makes a static call of it, for which it needs the key in this file. */
	call	__SCT__preempt_schedule_notrace
	.pushsection .discard.addressable, "aw"
	.balign	8
	.quad	__SCK__preempt_schedule_notrace
	.popsection
#else
	call	preempt_schedule_notrace_thunk
#endif
.endm

/* Nobody jumps here but by a direct call, which ftrace writes. */
SYM_START(klp_trampoline, SYM_L_GLOBAL, SYM_F_ALIGN)
	ANNOTATE_NOENDBR
	CALL_DEPTH_ACCOUNT
#ifdef CONFIG_PREEMPT_COUNT
	KLP_INC_PREEMPT_COUNT	PER_CPU_VAR(KLP_PREEMPT_COUNT)
#endif
	/* r11 = where the search begins, less the offset of the slots; r10 = key. */
	movq	klp_index(%rip), %r11
	movq	(%rsp), %r10
	andq	KLP_mask(%r11), %r10
	addq	%r10, %r11
	movq	(%rsp), %r10
	cmpq	%r10, KLP_slot_key(%r11)
	jne	.Lcollision
.Lfound:
	/* r11 = site; r10 = where to go. Outside of a transition patch_state is -1. */
	movq	KLP_slot_site(%r11), %r11
	movq	PER_CPU_VAR(KLP_CURRENT_TASK), %r10
	movslq	KLP_patch_state(%r10), %r10
	movq	KLP_dest(%r11, %r10, 8), %r10
	IF_COUNTING .Lcount
.Lcounted:
	testq	%r10, %r10
	jz	.Lreturn
	movq	%r10, (%rsp)
.Lreturn:
#ifdef CONFIG_PREEMPT_COUNT
	KLP_DEC_PREEMPT_COUNT	PER_CPU_VAR(KLP_PREEMPT_COUNT)
#endif
#ifdef CONFIG_PREEMPTION
	/* 0: nothing keeps preemption off, and somebody waits, who is part of the count. */
	jz	.Lpreempt
#endif
	RET

#ifdef CONFIG_PREEMPTION
.Lpreempt:
	PREEMPT_SCHEDULE
	RET
#endif

.Lcollision:
	/* There is no site in a slot without a key: one that has gone led to the original. */
	cmpq	$0, KLP_slot_key(%r11)
	je	.Lreturn
	addq	$KLP_slot_size, %r11
	cmpq	%r10, KLP_slot_key(%r11)
	je	.Lfound
	jmp	.Lcollision

.Lcount:
	movq	KLP_hits(%r11), %r11
	testq	%r10, %r10
	jz	.Lcount_original
	COUNT	%r11, KLP_hits_diverted
	jmp	.Lcounted
.Lcount_original:
	COUNT	%r11, KLP_hits_original
	jmp	.Lcounted
SYM_FUNC_END(klp_trampoline)
SYM_INNER_LABEL(klp_trampoline_end, SYM_L_GLOBAL)
	_ASM_NOKPROBE(klp_trampoline)
