// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has the user asked for?  main.c fills it in from the command line; everybody may look.
 */
#include "klp.h"

struct options options = { .timeout = -1 };
