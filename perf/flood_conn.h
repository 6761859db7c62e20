/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* flood_conn.h: connections that the flooder holds without its kernel's knowledge, one at each of a
 * row of addresses that are nobody's: a handshake, and then only what the flood wants.
 *
 * Answers come by a packet socket. A connection that the target resets is opened anew. Single
 * thread.
 */
#ifndef SPILLWAY_PERF_FLOOD_CONN_H
#define SPILLWAY_PERF_FLOOD_CONN_H

#include "perf/flood_options.h"
#include "perf/flood_packet.h"

#include <stdbool.h>
#include <stdint.h>

enum flood_conn_limit {
	FLOOD_CONNECTIONS_MAX = 128,
	FLOOD_RETRY_US = 200000, /* a SYN that nobody answered is sent again */
};

enum flood_conn_state { FLOOD_CLOSED, FLOOD_SYN_SENT, FLOOD_OPEN };

struct flood_conn {
	struct flood_tuple tuple;
	enum flood_conn_state state;
	uint32_t hello_end;  /* hello is sent until the target has taken it */
	uint32_t snd_nxt;    /* what is sent next in order */
	uint32_t snd_una;    /* what the target has taken */
	uint32_t rcv_nxt;    /* what it has sent */
	uint64_t tried_us;   /* when the SYN was sent */
};

struct flood_conns {
	const struct flood_options *options;
	int answers; /* packet socket */
	uint64_t random;
	uint64_t opened_cnt;
	uint64_t reset_cnt;  /* by the target */
	uint64_t answer_cnt; /* packets that came back */
	uint32_t next;       /* whose turn it is */
	struct flood_conn conn[FLOOD_CONNECTIONS_MAX];
};

/* flood_conns_init opens the socket for answers. Returns 0, or -1 after a line on stderr. */
int
flood_conns_init(struct flood_conns *conns, const struct flood_options *options);

/* flood_conns_fini closes it. */
void
flood_conns_fini(struct flood_conns *conns);

/* flood_conns_take reads what the target answered. */
void
flood_conns_take(struct flood_conns *conns);

/* flood_conns_next makes the next packet: of a handshake, or of the flood.
 *
 * Returns false when no connection has anything to send now. */
bool
flood_conns_next(struct flood_conns *conns, uint64_t now_us, struct flood_packet *packet);

/* flood_conns_leave makes the reset of connection index (below options->connection_cnt), so that
 * the target need not wait for it any longer.
 *
 * Returns false when it is not open. */
bool
flood_conns_leave(const struct flood_conns *conns, uint32_t index, struct flood_packet *packet);

#endif
