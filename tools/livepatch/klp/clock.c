// SPDX-License-Identifier: GPL-2.0-only
/*
 * How does klp spend time?  In naps that Ctrl-C ends.
 */
#include <signal.h>
#include <time.h>
#include "klp.h"

static volatile sig_atomic_t caught;
static int patient;

/* Seconds on a clock that nobody sets. */
double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

int interrupted(void)
{
	return caught && !patient;
}

void nap(double seconds)
{
	struct timespec ts;

	if (seconds <= 0 || interrupted())
		return;
	ts.tv_sec = seconds;
	ts.tv_nsec = (seconds - ts.tv_sec) * 1e9;
	nanosleep(&ts, NULL);
}

static void on_signal(int number)
{
	caught = number;
}

/* From here on SIGINT and SIGTERM make interrupted() true, and end system calls. */
void catch_interrupts(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* Something has to be put in order before klp ends. Another signal ends it at once. */
void patience(int on)
{
	patient = on;
	if (on) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
	} else {
		catch_interrupts();
	}
}
