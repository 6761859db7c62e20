/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_socket.h is the UDP socket of a DHT node. It reads no faster than it may: what comes beyond
 * that waits in the kernel's buffer and is dropped there, so that a flood costs bounded time.
 *
 * Threads: one.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_SOCKET_H
#define SPILLWAY_CONTROL_DHT_DHT_SOCKET_H

#include "control/dht/dht_node.h"
#include "control/dht/dht_rate.h"
#include "control/base/fail.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_socket_limit {
	DHT_BATCH = 32,              /* packets of one system call */
	DHT_BATCHES_MAX = 4,         /* of one dht_socket_receive */
	DHT_SOCKET_BUFFER = 1 << 20, /* bytes that wait in the kernel */
};

struct dht_socket {
	int fd;       /* -1: none */
	int epoll_fd; /* borrowed */
	bool paused;  /* not polled: the rate is spent */
	uint32_t dropped; /* by the kernel, as it counts */
	struct dht_rate rate;
};

/* dht_socket_open opens a socket on an address and has epoll_fd watch it.
 *
 * rate  packets read a second at most.
 * Returns 0, or a negative errno with fail; -EADDRNOTAVAIL when the kernel does not own the
 * address. */
int
dht_socket_open(struct dht_socket *socket, const struct dht_address *address, int epoll_fd,
                int64_t rate, struct fail *fail);

/* dht_socket_close closes it; one that is not open is allowed. */
void
dht_socket_close(struct dht_socket *socket);

/* dht_socket_receive hands what has come to the node. */
void
dht_socket_receive(struct dht_socket *socket, struct dht_node *node, int64_t now_ms);

/* dht_socket_send sends what the node has for others. What the kernel does not take is lost, as in
 * the network. */
void
dht_socket_send(struct dht_socket *socket, struct dht_node *node);

#endif
