/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tracker_udp.h asks UDP trackers (BEP 15, URLs' paths by BEP 41), over IPv4 and IPv6.
 *
 * A connection id serves all torrents of a tracker for TRACKER_UDP_CONNECTION_MS: the caller keeps
 * it. A question is sent again after 15 seconds, is given up after 30 more (BEP 15 goes on for
 * hours, which the caller's back-off does), and both are shorter when self->timeout_ms is below 45
 * seconds; what the network says does not arrive is given up at once. Answers count only from where
 * the question went, with its random transaction id.
 *
 * Threads: one. Nothing blocks. Memory: about 300 bytes a question.
 */
#ifndef SPILLWAY_CONTROL_ANNOUNCE_TRACKER_UDP_H
#define SPILLWAY_CONTROL_ANNOUNCE_TRACKER_UDP_H

#include "control/base/fail.h"
#include "control/announce/tracker.h"

enum tracker_udp_limit {
	TRACKER_UDP_MAX = 1024, /* questions at once */
	TRACKER_UDP_CONNECTION_MS = 60000,
	TRACKER_UDP_WAIT_MS = 15000, /* for the first answer; twice that for the second */
	TRACKER_UDP_SENDS_MAX = 2,
	TRACKER_UDP_BATCH = 256, /* datagrams taken in one tracker_udp_run */
};

struct tracker_connection {
	uint64_t id;
	int64_t until_ms; /* of clock_now_ms; 0: there is none */
};

struct tracker_udp;

/* tracker_udp_create borrows self. Returns 0 or a negative errno with fail. */
int
tracker_udp_create(struct tracker_udp **udp, const struct tracker_self *self, struct fail *fail);

/* tracker_udp_destroy gives up what was asked; NULL is allowed. */
void
tracker_udp_destroy(struct tracker_udp *udp);

/* tracker_udp_fd returns the descriptor to poll for reading. */
int
tracker_udp_fd(const struct tracker_udp *udp);

/* tracker_udp_timeout_ms returns after how long tracker_udp_run is due without an event, -1 for
 * never. */
int
tracker_udp_timeout_ms(const struct tracker_udp *udp);

/* tracker_udp_run sends again what is due. */
void
tracker_udp_run(struct tracker_udp *udp);

/* tracker_udp_full is true when TRACKER_UDP_MAX questions wait for answers. */
bool
tracker_udp_full(const struct tracker_udp *udp);

/* tracker_udp_connect asks for a connection id; there must be room. Returns 0 or -ENOMEM. */
int
tracker_udp_connect(struct tracker_udp *udp, uint64_t cookie,
                    const union tracker_address *address);

/* tracker_udp_send asks a tracker; there must be room, and the connection must be valid. When it
 * expires before an answer the result is TRACKER_AGAIN. Returns 0 or -ENOMEM. */
int
tracker_udp_send(struct tracker_udp *udp, const struct tracker_ask *ask,
                 const struct tracker_connection *connection);

/* tracker_udp_take gives a result. Returns false when there is none. */
bool
tracker_udp_take(struct tracker_udp *udp, struct tracker_result *result);

#endif
