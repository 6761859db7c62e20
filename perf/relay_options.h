/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* relay_options.h: the command line of spillway-relay. */
#ifndef SPILLWAY_PERF_RELAY_OPTIONS_H
#define SPILLWAY_PERF_RELAY_OPTIONS_H

#include "perf/relay_path.h"

#include <stdint.h>

enum relay_options_limit {
	RELAY_MEMORY_MIB_DEFAULT = 128,
	RELAY_MEMORY_MIB_MAX = 16384,
	RELAY_PRIORITY_MAX = 99,
};

struct relay_options {
	const char *ifname[2];             /* --from, --to */
	struct relay_path_options path[2]; /* forward, backward */
	uint64_t seed;
	uint64_t memory_mib;
	uint64_t priority; /* SCHED_FIFO; 0: ordinary */
	uint64_t seconds;  /* 0: until a signal */
};

/* relay_options_read reads the command line into options.
 *
 * Returns 1 to go on, 0 after --help, -1 after a line on stderr that says what is wrong. */
int
relay_options_read(struct relay_options *options, int argc, char **argv);

/* relay_options_path_read reads KEY=VALUE,... into one direction; keys that are not named stay.
 *
 * Returns 0, or -1 after a line on stderr. */
int
relay_options_path_read(struct relay_path_options *path, const char *text);

#endif
