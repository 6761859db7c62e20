/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* live.h is what the page of web.h shows: GET /api/v1/live, one object with what happens now.
 *
 *      "at_ms", "version", "dataplane", "totals" (as "spillway stats"), "upload_bytes_per_s",
 *      "torrents": {"fastest": [...], "by_state": {...}, "ailing": [{"info_hash", "name", "state",
 *              "reason", "pieces", "pieces_had"}...], "ailing_count"}; ailing are those that are
 *              changed, in error or lack pieces: the first CENSUS_AILING_MAX
 *      "peers": {"count", "limited_now": {...}, "limited_us": {...}, "fastest": [...]},
 *      "latency": histograms without their buckets, "refused": counters of what was dropped or
 *      refused and is not 0, with their texts
 *
 * Threads: one. Time grows with active_max and the number of counters.
 */
#ifndef SPILLWAY_CONTROL_API_LIVE_H
#define SPILLWAY_CONTROL_API_LIVE_H

#include "control/commands/commands.h"
#include "control/api/http.h"
#include "control/api/rates.h"

struct live;

enum live_limit {
	LIVE_TORRENTS = 50, /* the fastest */
	LIVE_CENSUS_MS = 5000,
};

/* live_create returns 0 or -ENOMEM; both are borrowed. */
int
live_create(struct live **live, const struct commands_env *env, struct rates *rates);

/* live_destroy frees everything; NULL is allowed. */
void
live_destroy(struct live *live);

/* live_run goes on with what live_handle needs; to be called in each turn. */
void
live_run(struct live *live);

/* live_timeout_ms returns when live_run is due though nothing comes, -1 for never. */
int
live_timeout_ms(const struct live *live);

/* live_handle is the route's handler; its env is a struct api. */
void
live_handle(const struct http_request *request, struct http_response *response);

#endif
