/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _KLPT_WEAK_H
#define _KLPT_WEAK_H

#include "klpt_lib.h"

/* The first of two files has these. */
int klpt_f1(void);
int klpt_f2(void);
int klpt_f3(void);
int klpt_f4(void);
int klpt_f5(void);
int klpt_f6(void);
int klpt_f7(void);
int klpt_f8(void);

/*
 * By this name it is the label of a compiler to those who ask which function an address is in, so
 * that ftrace disables its place. It does have one, and it is in the symbol table.
 */
int L0klpt_mute(void);

/* Both have these, the first weak ones, of which no name is left. */
int klpt_g1(void);
int klpt_g2(void);
int klpt_g3(void);
int klpt_g4(void);
int klpt_g5(void);
int klpt_g6(void);
int klpt_g7(void);
int klpt_g8(void);

#endif /* _KLPT_WEAK_H */
