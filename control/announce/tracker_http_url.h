/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tracker_http_url.h makes the URL of a question to an HTTP tracker.
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_ANNOUNCE_TRACKER_HTTP_URL_H
#define SPILLWAY_CONTROL_ANNOUNCE_TRACKER_HTTP_URL_H

#include "control/announce/tracker.h"

/* tracker_http_url returns ask->url, of a scrape the one to scrape at, with the parameters of
 * BEP 3, 7, 21 and 23, or of BEP 48; to be freed. What the URL has as its own query stays; a
 * fragment goes. NULL when out of memory, or when there is nothing to scrape at. */
char *
tracker_http_url(const struct tracker_ask *ask, const struct tracker_self *self);

#endif
