/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ring_double.h stands in for store/ring.h's ring, at link time: reads are done with pread, one by
 * one when they are taken, unless a script says how they end. */
#ifndef SPILLWAY_TESTS_UNIT_RING_DOUBLE_H
#define SPILLWAY_TESTS_UNIT_RING_DOUBLE_H

#include <stdint.h>

/* The next reads end so: negative: with that -errno; 0: with nothing; positive: after at most so
 * many bytes; DOUBLE_WHOLE: as the file has it. After the script all are whole. */
enum { DOUBLE_WHOLE = INT32_MAX, DOUBLE_SCRIPT_MAX = 64 };

struct ring_double {
	int32_t script[DOUBLE_SCRIPT_MAX];
	uint32_t script_cnt;
	uint32_t script_at;
	int files_error; /* what ring_files_set returns, if not 0 */
	uint32_t submit_cnt;
};

extern struct ring_double ring_double;

#endif
