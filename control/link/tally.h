/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tally.h is what a dataplane has counted: its counters memfd, and what each torrent has uploaded
 * at each worker, which is stored when the worker lets go of the torrent or the dataplane ends.
 *
 *      tally_welcome ─► tally_stats, tally_fold... ─► tally_ended
 *
 * Threads: one. Memory: one snapshot of the memfd.
 */
#ifndef SPILLWAY_CONTROL_LINK_TALLY_H
#define SPILLWAY_CONTROL_LINK_TALLY_H

#include "control/base/fail.h"
#include "control/catalogue/registry.h"
#include "control/link/stats.h"

struct tally;

/* tally_create makes one without a dataplane; registry is borrowed. Returns 0 or -ENOMEM. */
int
tally_create(struct tally **tally, struct registry *registry);

/* tally_destroy frees everything; NULL is allowed. */
void
tally_destroy(struct tally *tally);

/* tally_welcome takes note of the dataplane that a worker's welcome comes from. One with another
 * boot_id than before has ended that one, as tally_ended.
 *
 * fd  the counters memfd, taken over.
 * Returns 0, or a negative errno with fail: the counters are not what they should be. */
int
tally_welcome(struct tally *tally, const struct abi_welcome *welcome, int fd, struct fail *fail);

/* tally_stats takes a fresh snapshot, and stores each place's live_peer_cnt and
 * live_uploaded_bytes; a torrent of which one of them is another than before has changed. The cost
 * is that of the slots, however many torrents there are.
 * Returns NULL when there never was a dataplane. */
const struct stats *
tally_stats(struct tally *tally);

struct tally_totals {
	uint64_t torrent_cnt;
	uint64_t active_cnt;
	uint64_t uploaded_bytes; /* ever, by the torrents that are there */
};

/* tally_totals sums up as of the last tally_stats; the cost is that of the slots. */
struct tally_totals
tally_totals(const struct tally *tally);

/* tally_fold stores what a torrent has uploaded at a worker since it became active there, as of the
 * last snapshot; it is not active there any more. */
void
tally_fold(struct tally *tally, struct torrent *torrent, uint32_t worker);

/* tally_ended says that the dataplane is dead: what it had uploaded is stored. */
void
tally_ended(struct tally *tally);

#endif
