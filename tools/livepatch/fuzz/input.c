// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does an input say?  Bytes from its front, one decision after the other: small changes of an
 * input are small changes of what is tried.
 */
#include <string.h>
#include "fuzz.h"

unsigned int take_byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

unsigned int take_below(struct input *in, unsigned int n)
{
	return n > 1 ? take_byte(in) % n : 0;
}

/* Small ones, and those where counters and addresses wrap around. */
unsigned long take_number(struct input *in)
{
	unsigned int first = take_byte(in);
	unsigned long value = 0;
	size_t n = first & 7;

	if (first < 0xc0)
		return first;
	for (value = first & 8 ? ~0UL : 0; n--;)
		value = value << 8 | take_byte(in);
	return value;
}

/* A string with its length in front; returns the length. No NUL is in it. */
size_t take_text(struct input *in, char *to, size_t size)
{
	size_t len = take_byte(in), i;

	if (len >= 0xf0)
		len = (len - 0xef) * 64;
	if (len > size - 1)
		len = size - 1;
	for (i = 0; i < len; i++) {
		to[i] = take_byte(in);
		if (!to[i])
			break;
	}
	to[i] = '\0';
	return i;
}
