// SPDX-License-Identifier: GPL-2.0-only
/* The rest of a module that has nothing but functions to patch. */
#include <linux/module.h>

MODULE_DESCRIPTION("Functions to patch, for the livepatch benchmark");
MODULE_LICENSE("GPL");
