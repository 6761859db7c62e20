/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ring_bench.h: the load generator inside the dataplane's process, at the other end of its ring.
 *
 *   operator ── unix socket: options of spillway-leech, a line ──► bench ── ring ── workers
 *            ◄── its report, and "seeder": what the workers took ──┘
 *
 * Packets pass by pointer between lcores: what a worker's thread costs is all its own, without any
 * driver's copy. Between two runs the bench sleeps.
 * Threads. ring_bench_open: the main lcore, before the workers run; ring_bench_serve: an lcore of
 * its own.
 */
#ifndef SPILLWAY_PERF_RING_BENCH_H
#define SPILLWAY_PERF_RING_BENCH_H

#include "dataplane/abi.h"

#include <stdbool.h>

struct ring_bench;

/* ring_bench_open opens the ring's other end with a queue for each worker, and a socket at path.
 *
 * config  the workers'; its port is "ring:NAME".
 * path    of the socket.
 * stop    ends the bench.
 * Returns it, or NULL after one clear line on stderr. */
struct ring_bench *
ring_bench_open(const struct abi_config *config, const char *path, const volatile bool *stop);

/* ring_bench_serve serves one operator after the other until *stop. arg: the bench. Returns 0. */
int
ring_bench_serve(void *arg);

/* ring_bench_close ends it, when the workers run no more. NULL is allowed. */
void
ring_bench_close(struct ring_bench *bench);

#endif
