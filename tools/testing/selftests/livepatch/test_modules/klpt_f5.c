// SPDX-License-Identifier: GPL-2.0-or-later
/* For a test that forces a transition: this module may have to stay until the next boot. */
#define KLPT_ID 5
#include "klpt_states.h"
