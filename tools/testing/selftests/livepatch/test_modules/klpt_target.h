/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _KLPT_TARGET_H
#define _KLPT_TARGET_H

/* Implemented in klpt_target_dup.c, which has its own static klpt_dup() and klpt_trace_me(). */
int klpt_call_second_dup(void);

/* One function with two names, not static so that the compiler leaves both in the symbol table. */
int klpt_named(void);
int klpt_alias(void);

#endif /* _KLPT_TARGET_H */
