/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* workers_client.h is leechers on our own TCP for workers_bench: connections that ask for block
 * after block of one torrent and count what comes. Nothing is checked: that is the tests' part.
 *
 * Threads. One, the worker's that it loads. Memory. Taken by client_create.
 */
#ifndef SPILLWAY_PERF_MICRO_WORKERS_CLIENT_H
#define SPILLWAY_PERF_MICRO_WORKERS_CLIENT_H

#include "dataplane/port/port.h"
#include "dataplane/tcp/tcp.h"

enum {
	CLIENT_CONNS = 16,
	CLIENT_OUTSTANDING = 16, /* requests of each connection */
	CLIENT_BLOCK = 16384,
};

struct client_conn {
	struct client *client;
	struct tcb *tcb;
	uint64_t next;      /* block to ask for */
	uint32_t skip;      /* bytes of what is not looked into */
	bool piece;         /* they are a block */
	uint8_t head_len;
	uint8_t head[5];    /* of the message that comes */
};

struct client {
	struct tcp_stack *tcp;
	struct port *port;  /* counts into ctr */
	struct counters ctr;
	struct ip_local local;
	const uint8_t *info_hash;
	uint64_t block_cnt; /* of the torrent */
	uint32_t piece_len;
	uint64_t had_bytes; /* of blocks that came whole */
	uint32_t closed_cnt;
	struct client_conn conns[CLIENT_CONNS];
};

/* client_create connects to a seeder at the other end of client->port.
 *
 * client  zeroed, but for port, ctr, local.addr_be, info_hash, block_cnt and piece_len.
 * Returns false when there is no memory. */
bool
client_create(struct client *client, const struct tcp_remote *seeder, uint64_t now_us);

/* client_turn takes what has come and sends what is due. */
void
client_turn(struct client *client, uint64_t now_us);

#endif
