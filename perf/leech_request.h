/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_request.h: the requests of a connection that are not answered yet: a ring in the order of
 * sending, the same for every language.
 *
 * Single thread. Memory: the connection's `requests`.
 */
#ifndef SPILLWAY_PERF_LEECH_REQUEST_H
#define SPILLWAY_PERF_LEECH_REQUEST_H

#include "perf/leech_conn.h"

/* leech_request_head gives the request that was sent first of those that wait; there is one. */
struct leech_request *
leech_request_head(const struct leech_conn *conn);

/* leech_request_find moves the request for a block to the head; usually it is there.
 *
 * Returns it, or NULL: none asked for that. */
struct leech_request *
leech_request_find(const struct leech_context *context, struct leech_conn *conn,
		   const struct leech_block *block);

/* leech_request_begins notes that the head's answer begins: body_left and body_at are set. */
void
leech_request_begins(struct leech_context *context, struct leech_conn *conn);

/* leech_request_ends notes that the head's answer is complete, and settles it. */
void
leech_request_ends(struct leech_context *context, struct leech_conn *conn);

/* leech_request_settle ends the head: its block was received, or will not come. */
void
leech_request_settle(struct leech_context *context, struct leech_conn *conn, bool received);

/* leech_requests_fill asks for more once an eighth of what may be out is not. A slow reader whose
 * carrier cannot hold it back asks as slowly as it would read. */
void
leech_requests_fill(struct leech_context *context, struct leech_conn *conn);

#endif
