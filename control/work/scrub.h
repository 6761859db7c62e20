/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* scrub.h reads all that is verified again, slowly, so that what rots on the disk is found before a
 * peer asks for it. A pass begins every "scrub" days, counted from the beginning of the last; the
 * first one that many days after the catalogue was first opened. Rotten pieces are reported and
 * withdrawn in the registry and at every worker; a torrent with another file than was verified is
 * verified again, and so is a partial seed that lost a file or got one. Where it was survives
 * restarts, but for the last seconds.
 *
 * Threads: one, and that of scrub_read.h. Memory: what is known of one torrent.
 * Lifecycle: scrub_create, then scrub_run whenever scrub_fd is readable and scrub_timeout_ms is
 * over, scrub_destroy.
 */
#ifndef SPILLWAY_CONTROL_WORK_SCRUB_H
#define SPILLWAY_CONTROL_WORK_SCRUB_H

#include "control/options/options.h"
#include "control/catalogue/registry.h"
#include "control/work/work.h"

#include <stdbool.h>
#include <stdint.h>

struct scrub;

struct scrub_stats {
	bool running;           /* a pass is under way */
	uint32_t torrent_id;    /* the torrent in hand; 0: none */
	int64_t begun_at;       /* of the last pass, seconds since 1970; 0: none yet */
	int64_t ended_at;       /* of the last whole pass; 0: none yet */
	int64_t next_at;        /* when the next begins; 0: never */
	uint64_t pass_bytes;    /* read in the last pass */
	uint64_t scrubbed_bytes; /* in all */
	uint64_t rotten_pieces; /* found in all */
};

/* scrub_create takes up what was stored.
 *
 * options   borrowed: scrub and scrub_rate are read at each turn.
 * Returns 0 or a negative errno with fail. */
int
scrub_create(struct scrub **scrub, const struct options *options, struct registry *registry,
             struct work *work, struct fail *fail);

/* scrub_destroy stores where it is and frees everything; NULL is allowed. */
void
scrub_destroy(struct scrub *scrub);

/* scrub_fd returns a descriptor that is readable when scrub_run has something to do. */
int
scrub_fd(const struct scrub *scrub);

/* scrub_timeout_ms returns after how long scrub_run is due without that, -1 for never. */
int
scrub_timeout_ms(const struct scrub *scrub);

/* scrub_run takes what was found and gives the next torrent. */
void
scrub_run(struct scrub *scrub);

/* scrub_stats_get tells what has been done. */
void
scrub_stats_get(struct scrub *scrub, struct scrub_stats *stats);

#endif
