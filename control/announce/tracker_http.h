/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tracker_http.h asks HTTP and HTTPS trackers (BEP 3, 7, 23, 48), with libcurl.
 *
 * Bounded: an answer by TRACKER_REPLY_MAX bytes, its head by TRACKER_HTTP_HEAD_MAX, the time by
 * self->timeout_ms, redirects by TRACKER_HTTP_REDIRECTS_MAX and to HTTP and HTTPS only, and not
 * from elsewhere to this machine's loopback. Certificates are checked against the system's, or
 * those of the file that the environment names as SSL_CERT_FILE. Proxies of the environment are
 * not used, nothing is decompressed, no cookies are kept.
 *
 * Threads: one. Nothing blocks: names of redirects are looked up on libcurl's threads. Memory: that
 * of TRACKER_HTTP_MAX transfers, kept for the next ones.
 */
#ifndef SPILLWAY_CONTROL_ANNOUNCE_TRACKER_HTTP_H
#define SPILLWAY_CONTROL_ANNOUNCE_TRACKER_HTTP_H

#include "control/base/fail.h"
#include "control/announce/tracker.h"

enum tracker_http_limit {
	TRACKER_HTTP_MAX = 128, /* transfers at once */
	TRACKER_HTTP_REDIRECTS_MAX = 5,
	TRACKER_HTTP_HEAD_MAX = 64 << 10, /* bytes, of all redirects together */
	TRACKER_HTTP_CONNECT_MS = 15000,  /* for connecting, when self->timeout_ms is longer */
};

struct tracker_http;

/* tracker_http_create borrows self. Returns 0 or a negative errno with fail. */
int
tracker_http_create(struct tracker_http **http, const struct tracker_self *self, struct fail *fail);

/* tracker_http_destroy gives up what was asked; NULL is allowed. */
void
tracker_http_destroy(struct tracker_http *http);

/* tracker_http_fd returns the descriptor to poll for reading. */
int
tracker_http_fd(const struct tracker_http *http);

/* tracker_http_timeout_ms returns after how long tracker_http_run is due without an event, -1 for
 * never. */
int
tracker_http_timeout_ms(const struct tracker_http *http);

/* tracker_http_run moves bytes. */
void
tracker_http_run(struct tracker_http *http);

/* tracker_http_full is true when TRACKER_HTTP_MAX transfers are under way. */
bool
tracker_http_full(const struct tracker_http *http);

/* tracker_http_send asks a tracker; there must be room.
 * Returns 0 or -ENOMEM; then no result will come. */
int
tracker_http_send(struct tracker_http *http, const struct tracker_ask *ask);

/* tracker_http_take gives a result. Returns false when there is none. */
bool
tracker_http_take(struct tracker_http *http, struct tracker_result *result);

#endif
