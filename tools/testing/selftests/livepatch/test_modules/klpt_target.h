/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _KLPT_TARGET_H
#define _KLPT_TARGET_H

/* Implemented in klpt_target_dup.c, which has its own static klpt_dup() and klpt_mixed(). */
int klpt_call_second_dup(void);
int klpt_call_mixed(void);

/* Functions with two names, not static so that the compiler leaves both in the symbol table. */
int klpt_named(void);
int klpt_alias(void);
int klpt_hot(int channel);
int klpt_hot_alias(int channel);

#endif /* _KLPT_TARGET_H */
