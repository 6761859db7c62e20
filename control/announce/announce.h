/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* announce.h tells trackers what is seeded: every torrent that is TORRENT_SEEDING and not paused,
 * at one tracker of each tier (BEP 12: the first that works, in an order that is shuffled once;
 * what worked stays first). Of a private torrent all tiers are one, for it is to be known to one
 * tracker at a time (BEP 27).
 *
 *      registry ─ what changed ─► records ─► seats (torrent, tier) ─ due ─► hosts ─► HTTP, UDP
 *
 * A seat waits in the queue of a tracker's host (scheme, name, port). A host has a rate
 * (announce_rate), a bound of questions at once, one until it has answered, and a back-off: when
 * nothing answers, none of its torrents asks before ANNOUNCE_DEAD_MIN_MS, doubling up to
 * ANNOUNCE_DEAD_MAX_MS, and one of them asks then; seats with another tracker in their tier go
 * there. What a tracker refuses is the torrent's own back-off.
 *
 * Events: "started" with the first announce at a tracker; "stopped" when a torrent is removed,
 * paused or no longer served, in a drain, and at the end; "completed" only when a torrent that was
 * announced with pieces missing has none missing any more; "paused" (BEP 21) while some are, for we
 * do not download. What was uploaded counts from when spillwayd began to announce the torrent.
 *
 * Threads: one; names are looked up on others (tracker_dns.h). Never blocks, but announce_stop.
 * Memory: about 170 bytes for a torrent with one tier, 80 more for each further one; URLs, tiers
 * and texts are kept once each.
 */
#ifndef SPILLWAY_CONTROL_ANNOUNCE_ANNOUNCE_H
#define SPILLWAY_CONTROL_ANNOUNCE_ANNOUNCE_H

#include "control/base/fail.h"
#include "control/options/options.h"
#include "control/catalogue/registry.h"
#include "control/link/tally.h"

#include <stdbool.h>
#include <stdint.h>

enum announce_limit {
	ANNOUNCE_TIERS_MAX = 16,    /* of one torrent; the rest is left out */
	ANNOUNCE_TIER_MAX = 64,     /* trackers of one tier; the rest is left out */
	ANNOUNCE_INTERVAL_MIN_S = 30, /* whatever the tracker says */
	ANNOUNCE_INTERVAL_MAX_S = 86400,
	ANNOUNCE_INTERVAL_S = 1800, /* when the tracker says nothing of use */
	ANNOUNCE_AGAIN_S = 60,      /* before announce_now, without a min interval */
	ANNOUNCE_REFUSED_MIN_MS = 60000, /* a torrent that every tracker of a tier refused */
	ANNOUNCE_REFUSED_MAX_MS = 3600000,
	ANNOUNCE_DEAD_MIN_MS = 15000,
	ANNOUNCE_DEAD_MAX_MS = 1800000,
	ANNOUNCE_BAD_MAX = 8,       /* useless answers in a row: the host is taken for dead */
	ANNOUNCE_HTTP_MAX = 16,     /* questions at once to an HTTP host that answers */
	ANNOUNCE_UDP_MAX = 64,
	ANNOUNCE_GRACE_MS = 30000,  /* a torrent that is verified again is not "stopped" before */
	ANNOUNCE_STOP_MS = 3000,    /* for "stopped" at the end */
};

enum announce_state {
	ANNOUNCE_WAITING,     /* not asked yet */
	ANNOUNCE_ASKING,
	ANNOUNCE_WORKING,     /* the last answer was well */
	ANNOUNCE_FAILING,     /* the last one was not, or nobody answers: see text */
	ANNOUNCE_STANDBY,     /* another tracker of the tier is used */
	ANNOUNCE_STATE_CNT
};

extern const char *const announce_state_names[ANNOUNCE_STATE_CNT];

/* One tracker of one torrent. */
struct announce_row {
	const char *url;     /* until the next announce_run */
	const char *text;    /* the last error, or the tracker's warning; "" for none; as url */
	uint32_t tier;       /* as announced, from 0 */
	enum announce_state state;
	int64_t last_at;     /* of the last answer or failure, seconds since 1970; 0: never */
	int64_t next_at;     /* when it is asked next; 0: not known */
	uint32_t interval_s; /* of the tracker, bounded; 0: not known */
	uint32_t seeders;    /* UINT32_MAX: not known */
	uint32_t leechers;
	uint32_t downloaded;
};

struct announce_totals {
	uint64_t sent;      /* announces and scrapes since the start */
	uint64_t ok;
	uint64_t failed;
	uint32_t torrents;  /* that are announced or are to be */
	uint32_t waiting;   /* seats that have no answer yet, */
	uint32_t working;   /* whose last answer was well, */
	uint32_t failing;   /* or was not */
	uint32_t hosts;
	uint32_t hosts_backing_off;
};

struct announce;

/* announce_create makes an announcer that is idle until announce_start; with option announce: no it
 * stays so. options, registry and tally are borrowed.
 * Returns 0 or a negative errno with fail, which names an option that is wrong. */
int
announce_create(struct announce **announce, const struct options *options,
                struct registry *registry, struct tally *tally, struct fail *fail);

/* announce_destroy frees everything; NULL is allowed. */
void
announce_destroy(struct announce *announce);

/* announce_start begins: peers can be served now.
 * Returns 0 or a negative errno with fail: the address served has no socket. */
int
announce_start(struct announce *announce, struct fail *fail);

/* announce_stop sends "stopped" wherever "started" was, for up to ANNOUNCE_STOP_MS; what does not
 * answer is left. Blocks. Nothing is announced afterwards. */
void
announce_stop(struct announce *announce);

/* announce_hold says whether nothing is to be announced for now: what is known to trackers is
 * "stopped", and "started" again afterwards. For a drain: whom trackers send is refused. */
void
announce_hold(struct announce *announce, bool on);

/* announce_fd returns the descriptor to poll for reading. */
int
announce_fd(const struct announce *announce);

/* announce_timeout_ms returns after how long announce_run is due without an event, -1 for never. */
int
announce_timeout_ms(const struct announce *announce);

/* announce_run does what is due; to be called after each poll, and after the registry changed. */
void
announce_run(struct announce *announce);

/* announce_status fills up to max rows with the trackers of a torrent, by tier, in the order of
 * use. Returns how many there are, 0 for a torrent that is not announced (yet). */
uint32_t
announce_status(const struct announce *announce, const struct torrent *torrent,
                struct announce_row *rows, uint32_t max);

/* announce_now has a torrent announced at once, where its trackers' min interval allows.
 *
 * wait_s  out: the longest time until one of its tiers may be asked, 0 when all are.
 * Returns the number of tiers that are asked. */
uint32_t
announce_now(struct announce *announce, const struct torrent *torrent, uint32_t *wait_s);

/* announce_totals returns the sums. */
struct announce_totals
announce_totals(const struct announce *announce);

/* announce_address_check checks the form of option announce_address.
 * Returns 0 or -EINVAL with fail. */
int
announce_address_check(const char *value, struct fail *fail);

#endif
