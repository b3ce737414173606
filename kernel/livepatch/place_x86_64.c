// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What do the first instructions of a function tell on x86-64?
 *
 * Whether what comes before ftrace's place is what compilers put there, and whether the place
 * leads to ftrace.
 */
#include <linux/ftrace.h>
#include <linux/memory.h>
#include <linux/uaccess.h>
#include <asm/text-patching.h>
#include "internal.h"

/* ENDBR64, all bits turned over: this must not be found in code. */
#define KLP_PLACE_ENDBR		(~0xfa1e0ff3U)
/* The nop that Linux 6.12 writes over it where no pointer leads there, and that of 7.3. */
#define KLP_PLACE_SEALED	0x001f0f66U
#define KLP_PLACE_SEALED_UDB	0xd6401f0fU

/* Is it a landing place for indirect calls? Whether this kernel has IBT does not matter. */
bool klp_place_endbr(u32 insn)
{
	u32 turned = ~insn;

	OPTIMIZER_HIDE_VAR(turned);
	return turned == KLP_PLACE_ENDBR || insn == KLP_PLACE_SEALED ||
	       insn == KLP_PLACE_SEALED_UDB;
}

/* Is nothing else before the place at @ip than what may be? */
bool klp_place_fits(unsigned long start, unsigned long ip)
{
	u32 insn;

	if (ip == start)
		return true;
	return ip == start + KLP_PLACE_REACH && !get_kernel_nofault(insn, (u32 *)start) &&
	       klp_place_endbr(insn);
}

/* Where the call @insn at @ip goes, 0 when it is something else. */
unsigned long klp_place_callee(unsigned long ip, const u8 *insn)
{
	s32 distance;

	if (insn[0] != CALL_INSN_OPCODE)
		return 0;
	memcpy(&distance, insn + 1, sizeof(distance));
	return ip + CALL_INSN_SIZE + distance;
}

/**
 * klp_place_leads() - do calls of a function go to ftrace first?
 * @ip: ftrace location
 * @trampoline: of the ftrace_ops that is asked about; or they go to one that serves everybody
 *
 * Context: process context, may sleep, takes text_mutex.
 * Return: true or false.
 */
bool klp_place_leads(unsigned long ip, unsigned long trampoline)
{
	unsigned long callee;
	u8 insn[CALL_INSN_SIZE];

	/* There are breakpoints in code that is just being changed. */
	guard(mutex)(&text_mutex);
	if (copy_from_kernel_nofault(insn, (void *)ip, sizeof(insn)))
		return false;
	callee = klp_place_callee(ip, insn);
	return callee && (callee == trampoline || callee == FTRACE_ADDR ||
			  callee == FTRACE_REGS_ADDR);
}
