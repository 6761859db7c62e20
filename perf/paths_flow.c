/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway-kernelflow: which role, and what both share. */
#include "perf/paths_flow.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

bool
paths_stop_wanted(void)
{
	return stop != 0;
}

uint64_t
paths_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000ull + (uint64_t)ts.tv_nsec / 1000;
}

int
main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct paths_options options;
	int go = paths_options_read(&options, argc, argv);

	if (go <= 0)
		return go == 0 ? EXIT_SUCCESS : PATHS_USAGE;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	return options.role == PATHS_SEND ? paths_send(&options) : paths_recv(&options);
}
