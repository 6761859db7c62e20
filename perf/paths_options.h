/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* paths_options.h: the command line of spillway-kernelflow. */
#ifndef SPILLWAY_PERF_PATHS_OPTIONS_H
#define SPILLWAY_PERF_PATHS_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum paths_limit {
	PATHS_FLOWS_MAX = 1024,
	PATHS_WINDOWS_MAX = 4096, /* of goodput over time, for each flow */
	PATHS_CC_BYTES_MAX = 16,
};

enum paths_role { PATHS_SEND, PATHS_RECV };

struct paths_options {
	enum paths_role role;
	struct sockaddr_in address; /* --listen or --connect */
	char cc[PATHS_CC_BYTES_MAX]; /* "": the system's default */
	uint64_t flow_cnt;
	uint64_t seconds;      /* from the first byte; 0: no end by time */
	uint64_t bytes;        /* of each flow; 0: no end by number */
	uint64_t skip_ms;      /* of the start that goodput leaves out */
	uint64_t window_ms;    /* of goodput over time; 0: none */
	uint64_t rcvbuf_bytes; /* 0: the kernel tunes it */
	uint64_t check;        /* 1: every byte is looked at, and must be zero */
};

/* paths_options_read reads the command line into options.
 *
 * Returns 1 to go on, 0 after --help, -1 after a line on stderr that says what is wrong. */
int
paths_options_read(struct paths_options *options, int argc, char **argv);

#endif
