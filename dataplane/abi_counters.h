/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* abi_counters.h is the part of abi.h that is shared memory: the counters memfd. Include abi.h. */
#ifndef SPILLWAY_DATAPLANE_ABI_COUNTERS_H
#define SPILLWAY_DATAPLANE_ABI_COUNTERS_H

#include <assert.h>
#include <stdint.h>

enum abi_counters_limit {
	ABI_WORKERS_MAX = 8,
	ABI_COUNTER_NAME_MAX = 40,
	ABI_COUNTER_TEXT_MAX = 88,
	ABI_UNIT_NAME_MAX = 8,
	ABI_HISTOGRAM_BUCKETS = 100,
};

/* ---- The counters memfd. w: dataplane; control reads it.
 *
 *   struct abi_counters | desc[counter_cnt] | per worker: uint64_t[counter_cnt], 64-aligned
 *                       | per worker: abi_torrent_stat[slot_cnt], 64-aligned
 *                       | abi_histogram_desc[histogram_cnt]
 *                       | per worker: abi_histogram[histogram_cnt], 64-aligned
 *
 * A reader takes each 64-bit value whole; values are published in housekeeping, a few hundred
 * turns behind. A torrent that is active at several workers has a slot at each.
 */
enum abi_counter_kind {
	ABI_COUNTER = 0, /* only grows; the total is the sum over workers */
	ABI_GAUGE = 1,   /* the total is the sum over workers */
	ABI_COMMON = 2,  /* every worker has the same or is on its way to it: the largest counts */
};

struct abi_counters {
	uint32_t magic;
	uint32_t version;
	uint32_t counter_cnt;
	uint32_t worker_cnt;
	uint32_t slot_cnt;         /* of each worker */
	uint32_t worker_stride;    /* bytes from one worker's values to the next's */
	uint64_t desc_off;
	uint64_t value_off;
	uint64_t torrent_off;
	uint64_t tsc_hz;
	uint64_t torrent_stride;   /* bytes from one worker's slots to the next's */
	uint64_t worker_cpu_ns[ABI_WORKERS_MAX]; /* of each thread, as of its last housekeeping */
	uint32_t histogram_cnt;
	uint32_t histogram_stride; /* bytes from one worker's histograms to the next's */
	uint64_t histogram_desc_off;
	uint64_t histogram_off;
};
static_assert(sizeof(struct abi_counters) == 152, "abi_counters is part of the boundary");

struct abi_counter_desc {
	uint32_t kind;                   /* enum abi_counter_kind */
	uint32_t reserved;
	char name[ABI_COUNTER_NAME_MAX]; /* snake_case, as in metrics and JSON */
	char text[ABI_COUNTER_TEXT_MAX]; /* one phrase */
};
static_assert(sizeof(struct abi_counter_desc) == 136, "abi_counter_desc is part of the boundary");

/* struct abi_histogram_desc says what was measured, and the largest value of each bucket:
 * ascending, the last UINT64_MAX. */
struct abi_histogram_desc {
	char name[ABI_COUNTER_NAME_MAX]; /* snake_case, without the unit */
	char unit[ABI_UNIT_NAME_MAX];    /* "us" */
	char text[ABI_COUNTER_TEXT_MAX];
	uint64_t most[ABI_HISTOGRAM_BUCKETS];
};
static_assert(sizeof(struct abi_histogram_desc) == 936, "part of the boundary");

/* struct abi_histogram only grows. How many values there were is the sum of the buckets. */
struct abi_histogram {
	uint64_t sum;                    /* of the values */
	uint64_t bucket[ABI_HISTOGRAM_BUCKETS];
};
static_assert(sizeof(struct abi_histogram) == 808, "abi_histogram is part of the boundary");

struct abi_torrent_stat {
	uint32_t id;             /* 0: free slot */
	uint32_t peer_cnt;
	uint64_t uploaded_bytes; /* since activation */
	uint64_t request_cnt;
	uint64_t withdrawn_cnt;  /* pieces */
};
static_assert(sizeof(struct abi_torrent_stat) == 32, "abi_torrent_stat is part of the boundary");

#endif
