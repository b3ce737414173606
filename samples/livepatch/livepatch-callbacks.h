/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What livepatch-callbacks-mod and the livepatch for it have to agree on. */
#ifndef LIVEPATCH_CALLBACKS_H
#define LIVEPATCH_CALLBACKS_H

#include <linux/atomic.h>

/**
 * struct ticket_machine - hands out a number to everybody who reads the file
 * @next: the number that goes out next
 */
struct ticket_machine {
	atomic_t next;
};

#endif /* LIVEPATCH_CALLBACKS_H */
