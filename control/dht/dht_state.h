/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_state.h is what the files of dht.h share: dht.c (life, sockets), dht_feed.c (torrents) and
 * dht_memory.c (what is kept over restarts, and whom to begin with).
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_STATE_H
#define SPILLWAY_CONTROL_DHT_DHT_STATE_H

#include "control/dht/dht.h"
#include "control/dht/dht_resolve.h"
#include "control/dht/dht_saved.h"
#include "control/dht/dht_schedule.h"
#include "control/dht/dht_socket.h"

#include <net/if.h>

struct dht_family {
	struct dht_socket socket;
	struct dht_node *node; /* NULL: not there */
	struct dht_saved saved; /* of the last run, until it was asked */
	int64_t boot_ms;       /* next question to routers while alone */
	int64_t boot_wait_ms;
	bool told_ready;       /* has been logged */
	struct dht_address told_external;
};

struct dht {
	const struct options *options;
	struct registry *registry;
	char reason[DHT_REASON_MAX]; /* "": on */
	bool held;                   /* no announce begins */
	char iface[IF_NAMESIZE];     /* "": none */
	uint16_t port;
	int epoll_fd;
	struct dht_family family[DHT_FAMILIES];
	struct dht_resolve *resolve;
	struct dht_schedule *schedule;
	uint64_t serial;    /* of the registry, seen */
	int64_t changes_ms;
	int64_t save_ms;
	int64_t iface_ms;
};

/* dht_memory_load reads what is kept of a family. */
void
dht_memory_load(struct dht *dht, int family);

/* dht_memory_save keeps both families. */
void
dht_memory_save(struct dht *dht, int64_t now_ms);

/* dht_memory_boot asks whom it can while a family knows nobody. */
void
dht_memory_boot(struct dht *dht, int64_t now_ms);

/* dht_feed_run takes what changed in the registry, begins announces and takes their results. */
void
dht_feed_run(struct dht *dht, int64_t now_ms);

#endif
