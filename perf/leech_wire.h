/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_wire.h: the peer wire of a leecher: BEP 3, BEP 6 (fast), BEP 10 (extended handshake).
 *
 * It never touches the socket: it parses conn->in and appends to conn->out. Every length that the
 * peer sends is checked before use. Single thread.
 */
#ifndef SPILLWAY_PERF_LEECH_WIRE_H
#define SPILLWAY_PERF_LEECH_WIRE_H

#include "perf/leech_conn.h"

#include <stdint.h>

enum leech_wire_limit {
	LEECH_HANDSHAKE_BYTES = 68, /* BEP 3 */
	LEECH_PIECE_HEADER_BYTES = 13,
	LEECH_REQUEST_BYTES = 17,
	LEECH_GREETING_BYTES_MAX = 256, /* handshake and the messages before the first request */
};

/* leech_wire_greet appends our handshake and awaits the peer's. */
void
leech_wire_greet(struct leech_context *context, struct leech_conn *conn);

/* leech_wire_parse consumes what is whole in conn->in.
 *
 * Afterwards either in_want says how many bytes `in` needs, or body_left bytes are to be read past
 * it. May append requests.
 * Returns 0, or -1 when the peer broke the protocol: counted, the connection is to be closed. */
int
leech_wire_parse(struct leech_context *context, struct leech_conn *conn);

/* leech_wire_body_done settles a body whose last byte has come, records its latency and appends
 * requests when enough have been answered. */
void
leech_wire_body_done(struct leech_context *context, struct leech_conn *conn);

#endif
