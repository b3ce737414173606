// SPDX-License-Identifier: GPL-2.0-or-later
/* A second module with the same functions, for patches of several objects. */
#include "klpt_target_main.c"
