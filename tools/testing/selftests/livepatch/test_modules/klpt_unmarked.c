// SPDX-License-Identifier: GPL-2.0-or-later
/* Looks like a livepatch and does not say so to the module loader. */
#define KLPT_ID		9
#define KLPT_UNMARKED
#include "klpt_patch.h"
