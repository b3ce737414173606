// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A task that sleeps in the kernel with a word of its choice on its stack, as any user can.
 *
 *	klpt_plant WORD
 *
 * select() copies sets of files there; this one has a file for each bit of WORD, and nothing ever
 * happens to any. Says "planted" before it goes to sleep.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define BITS	64

static void die(const char *what)
{
	fprintf(stderr, "klpt_plant: %s: %s\n", what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	unsigned long long word;
	int ends[2], number;
	char *end = "";
	fd_set set;

	errno = EINVAL;
	word = argc == 2 ? strtoull(argv[1], &end, 0) : 0;
	if (!word || *end)
		die("WORD");
	if (pipe(ends))
		die("pipe");
	puts("planted");
	fflush(stdout);

	FD_ZERO(&set);
	for (number = 0; number < BITS; number++) {
		if (number != ends[0] && number != ends[1] && dup2(ends[0], number) < 0)
			die("dup2");
		if (word >> number & 1)
			FD_SET(number, &set);
	}
	/* The end to write to keeps the pipe open, and there is nothing to read at that, either. */
	for (;;)
		select(BITS, &set, NULL, NULL, NULL);
}
