/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* stats.h reads the dataplane's counters memfd (dataplane/abi.h) into a snapshot of our own. It
 * reads with pread, not through a mapping, so that a dataplane that shrinks its memfd cannot take
 * spillwayd down, and every offset in it is checked.
 *
 * Threads: one. Memory: a snapshot is one buffer of counters_len, reused. The memfd outlives the
 * dataplane: its last values can be read after its death.
 */
#ifndef SPILLWAY_CONTROL_LINK_STATS_H
#define SPILLWAY_CONTROL_LINK_STATS_H

#include "control/base/fail.h"
#include "dataplane/abi.h"

#include <stdint.h>

enum stats_limit {
	STATS_LEN_MAX = 64 << 20,  /* bytes of memfd */
	STATS_COUNTERS_MAX = 4096,
	STATS_HISTOGRAMS_MAX = 64,
};

struct stats;

/* stats_open takes over the memfd, also when it fails.
 *
 * len  counters_len of ABI_WELCOME.
 * Returns 0, or a negative errno with fail: wrong magic or version, a part beyond the end. */
int
stats_open(struct stats **stats, int fd, uint32_t len, struct fail *fail);

/* stats_close frees everything; NULL is allowed. */
void
stats_close(struct stats *stats);

/* stats_refresh takes a new snapshot; when it cannot, the old one stays. */
void
stats_refresh(struct stats *stats);

/* The rest reads the snapshot of the last stats_refresh. */

/* stats_counter_cnt returns the number of counters. */
uint32_t
stats_counter_cnt(const struct stats *stats);

/* stats_worker_cnt returns the number of workers, [1, ABI_WORKERS_MAX]. */
uint32_t
stats_worker_cnt(const struct stats *stats);

/* stats_counter returns counter i in [0, stats_counter_cnt) of all workers: summed, or as its kind
 * says.
 * desc  out: its kind, name and text; NUL-terminated. */
uint64_t
stats_counter(const struct stats *stats, uint32_t i, struct abi_counter_desc *desc);

/* stats_counter_of returns counter i of one worker. */
uint64_t
stats_counter_of(const struct stats *stats, uint32_t worker, uint32_t i);

/* stats_counter_named returns a counter by name, 0 when there is none. */
uint64_t
stats_counter_named(const struct stats *stats, const char *name);

/* struct stats_histogram is one read from the snapshot. */
struct stats_histogram {
	struct abi_histogram_desc desc; /* NUL-terminated; most[] ascends to UINT64_MAX */
	uint64_t cnt;                   /* of the values: the buckets' sum */
	uint64_t sum;                   /* of the values */
	uint64_t bucket[ABI_HISTOGRAM_BUCKETS];
};

/* stats_histogram_cnt returns the number of histograms. */
uint32_t
stats_histogram_cnt(const struct stats *stats);

/* stats_histogram reads histogram i in [0, stats_histogram_cnt) of all workers together. */
void
stats_histogram(const struct stats *stats, uint32_t i, struct stats_histogram *histogram);

/* stats_histogram_of reads that of one worker. */
void
stats_histogram_of(const struct stats *stats, uint32_t worker, uint32_t i,
                   struct stats_histogram *histogram);

/* stats_histogram_quantile returns the largest value of the bucket below or in which a share of the
 * values lie, UINT64_MAX for the last. share: (0, 1]. 0 when there are no values. */
uint64_t
stats_histogram_quantile(const struct stats_histogram *histogram, double share);

/* stats_slot_cnt returns the number of torrent slots of each worker. */
uint32_t
stats_slot_cnt(const struct stats *stats);

/* stats_slot returns a worker's slot i in [0, stats_slot_cnt); id 0 is a free one. */
struct abi_torrent_stat
stats_slot(const struct stats *stats, uint32_t worker, uint32_t i);

/* stats_cpu_ns returns the CPU time of all worker threads, nanoseconds. */
uint64_t
stats_cpu_ns(const struct stats *stats);

/* stats_cpu_ns_of returns that of one worker. */
uint64_t
stats_cpu_ns_of(const struct stats *stats, uint32_t worker);

/* stats_tsc_hz returns the cycles per second of the time stamp counter. */
uint64_t
stats_tsc_hz(const struct stats *stats);

#endif
