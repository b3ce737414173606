// SPDX-License-Identifier: GPL-2.0-or-later
/* For tests that force a transition: this module may have to stay until the next boot. */
#define KLPT_ID 1
#include "klpt_patch.h"
