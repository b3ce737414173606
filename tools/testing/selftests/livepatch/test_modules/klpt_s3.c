// SPDX-License-Identifier: GPL-2.0-or-later
#define KLPT_ID 3
#include "klpt_states.h"
