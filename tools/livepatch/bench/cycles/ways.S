/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Patched functions for ./cycles.c, four of each way, which call one another: f1, f2, f3, f4, and
 * n1 to n4, which take their places. An original adds 1 to its argument, a replacement 2.
 *
 * What stands at the entry of a function is what ftrace would have written there.
 */
#include "offsets.h"

/* Per-CPU variables: Linux 6.12 has one structure, 7.3 two variables. */
	.data
	.balign	64
	.globl	cpu, pcpu_hot, const_pcpu_hot, current_task, const_current_task, __preempt_count
cpu:
pcpu_hot:
const_pcpu_hot:
current_task:
const_current_task:
	.quad	0
__preempt_count:
	.quad	0
	.balign	64
	.globl	this_cpu
this_cpu:
	.quad	0, 0

	.globl	own_trampoline, own_handler, stock_handler
own_trampoline:
	.quad	klp_trampoline
own_handler:
	.quad	klp_hook_handler
stock_handler:
	.quad	klp_ftrace_handler

	.text

.macro FUNCTION name:req
	.balign	16
	.globl	\name
	.type	\name, @function
\name:
	endbr64
.endm

.macro NOP5
	.byte	0x0f, 0x1f, 0x44, 0x00, 0x00
.endm

/* Call the next function of this way and add @what. */
.macro NEXT way:req function:req what:req
	subq	$8, %rsp
	call	\way\()_\function
	addq	$8, %rsp
	addl	$\what, %eax
	ret
.endm

.macro LAST what:req
	leal	\what(%rdi), %eax
	ret
.endm

/*
 * Four functions, a call of which adds @adds; @enter stands at the entry of each and gets the way
 * and the number.
 */
.macro WAY way:req adds:req enter:req
	.pushsection .rodata
.Lname\@:
	.asciz	"\way"
	.popsection
	.pushsection ways, "aw"
	.quad	.Lname\@, \adds
	.quad	\way\()_f1, \way\()_f2, \way\()_f3, \way\()_f4
	.quad	\way\()_n1, \way\()_n2, \way\()_n3, \way\()_n4
	.popsection
	FUNCTION \way\()_f1
	\enter	\way 1
	NEXT	\way f2 1
	FUNCTION \way\()_n1
	NOP5
	NEXT	\way f2 2
	FUNCTION \way\()_f2
	\enter	\way 2
	NEXT	\way f3 1
	FUNCTION \way\()_n2
	NOP5
	NEXT	\way f3 2
	FUNCTION \way\()_f3
	\enter	\way 3
	NEXT	\way f4 1
	FUNCTION \way\()_n3
	NOP5
	NEXT	\way f4 2
	FUNCTION \way\()_f4
	\enter	\way 4
	LAST	1
	FUNCTION \way\()_n4
	NOP5
	LAST	2
.endm

/* Not patched. */
.macro ENTER_NONE way number
	NOP5
.endm
	WAY	bare 1 ENTER_NONE

/* kernel/livepatch/trampoline_x86_64.S, the very object. */
.macro ENTER_TRAMPOLINE way number
	call	klp_trampoline
.endm
	WAY	trampoline 2 ENTER_TRAMPOLINE

/* The same, with nowhere to go but on into the original. */
	WAY	original 1 ENTER_TRAMPOLINE

/* ./cycles.c writes a call of a copy of ftrace_caller here. */
.macro ENTER_HANDLER way number
	NOP5
.endm
	WAY	handler 2 ENTER_HANDLER

/* Nothing but a jump: no world is asked for. */
.macro ENTER_JUMP way number
	.byte	0xe9
	.long	\way\()_n\number - (. + 4)
.endm
	WAY	jump 2 ENTER_JUMP

/* A jump to code of the function's own, which knows its site and asks for the world. */
.macro ENTER_STUB way number
	.byte	0xe9
	.long	\way\()_s\number - (. + 4)
.endm
	WAY	stub 2 ENTER_STUB

.macro STUB number:req
	.balign	16
stub_s\number:
	incq	%gs:__preempt_count(%rip)
	movq	$stub_sites + \number * 8 - 8, %r11
	movq	(%r11), %r11
	movq	%gs:current_task(%rip), %r10
	movslq	KLP_patch_state(%r10), %r10
	movq	KLP_dest(%r11, %r10, 8), %r10
	NOP5
	testq	%r10, %r10
	jz	1f
	decq	%gs:__preempt_count(%rip)
	jz	2f
	jmp	*%r10
	/* The original has no ENDBR where it goes on, hence no indirect jump. */
1:	decq	%gs:__preempt_count(%rip)
	jmp	stub_f\number + 9
2:	ud2
.endm
#define incq	incq
#define decq	decq
	STUB	1
	STUB	2
	STUB	3
	STUB	4

/* The trampoline's work, but it takes its return address away and leaves by a jump. */
.macro ENTER_UNBALANCED way number
	call	unbalanced_trampoline
.endm
	WAY	unbalanced 2 ENTER_UNBALANCED

	.balign	16
unbalanced_trampoline:
	incq	%gs:__preempt_count(%rip)
	movq	klp_index(%rip), %r11
	movq	(%rsp), %r10
	andq	KLP_mask(%r11), %r10
	addq	%r10, %r11
	movq	(%rsp), %r10
	cmpq	%r10, KLP_slot_key(%r11)
	jne	1f
	movq	KLP_slot_site(%r11), %r11
	movq	%gs:current_task(%rip), %r10
	movslq	KLP_patch_state(%r10), %r10
	movq	KLP_dest(%r11, %r10, 8), %r10
	NOP5
	testq	%r10, %r10
	jz	1f
	decq	%gs:__preempt_count(%rip)
	jz	1f
	addq	$8, %rsp
	jmp	*%r10
1:	ud2

/* outer(x, f): call f from the innermost of four functions. */
.macro OUTER name:req next:req
	FUNCTION \name
	NOP5
	subq	$8, %rsp
	call	\next
	addq	$8, %rsp
	ret
.endm
	OUTER	outer outer2
	OUTER	outer2 outer3
	OUTER	outer3 outer4
	OUTER	outer4 *%rsi

	.section .note.GNU-stack, "", @progbits
