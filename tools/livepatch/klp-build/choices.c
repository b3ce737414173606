// SPDX-License-Identifier: GPL-2.0-only
/* What has the user asked for, and what holds when he has said nothing? */
#include "build.h"

struct choices choices = {
	.set = UNKNOWN,
	.replace = 1,
};
