/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* rates.h is how fast torrents are uploaded: what each active one had uploaded is noted every
 * RATES_MS while somebody asks, and for RATES_KEEP_MS after.
 *
 * Threads: one. Memory and time grow with active_max, not with the catalogue.
 */
#ifndef SPILLWAY_CONTROL_API_RATES_H
#define SPILLWAY_CONTROL_API_RATES_H

#include "control/catalogue/registry.h"
#include "control/link/tally.h"

#include <stddef.h>
#include <stdint.h>

enum rates_limit {
	RATES_MS = 1000,
	RATES_KEEP_MS = 60000,
};

/* An active torrent. */
struct rate {
	uint32_t id;
	uint64_t uploaded_bytes; /* in all, when noted last */
	uint64_t bytes_per_s;
	int64_t moved_at;        /* seconds since 1970, when bytes were seen to move last; 0: not yet */
};

struct rates;

/* rates_create returns 0 or -ENOMEM; both are borrowed. */
int
rates_create(struct rates **rates, struct registry *registry, struct tally *tally);

/* rates_destroy frees everything; NULL is allowed. */
void
rates_destroy(struct rates *rates);

/* rates_want says that somebody asks. */
void
rates_want(struct rates *rates);

/* rates_run notes what is due to be noted. */
void
rates_run(struct rates *rates);

/* rates_timeout_ms returns when rates_run is due, -1 for never. */
int
rates_timeout_ms(const struct rates *rates);

/* rates_of returns the rate of a torrent; one of zeros when it is not known. */
struct rate
rates_of(const struct rates *rates, uint32_t id);

/* rates_all returns those that are active or were a moment ago, ids ascending; they last until
 * rates_run. */
const struct rate *
rates_all(const struct rates *rates, size_t *cnt);

/* rates_fastest returns the fastest of rates_all, the fastest first.
 *
 * out  [0, max). Returns how many. */
size_t
rates_fastest(const struct rates *rates, struct rate *out, size_t max);

/* rates_total returns bytes per second of all together. */
uint64_t
rates_total(const struct rates *rates);

#endif
