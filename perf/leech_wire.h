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
	LEECH_HANDSHAKE_BYTES = 68,        /* BEP 3 */
	LEECH_PIECE_HEADER_BYTES = 13,
	LEECH_REQUEST_BYTES = 17,
	LEECH_MESSAGE_BYTES_MAX = 2 << 20, /* longer ones are a protocol error */
};

extern const struct leech_language leech_wire_language;

#endif
