/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht.h is spillwayd's part in the mainline DHT (BEP 5, 32, 42, 43): a node on a UDP socket of the
 * kernel at the address served, and one at the port's interface's global IPv6 address when it has
 * one. It announces every torrent that is offered to peers and not private (BEP 27), soon after it
 * was added and then once in DHT_PERIOD_MS, at option announce_port. There is no message that ends
 * an announce: what is removed or paused is forgotten by others within half an hour.
 *
 * By default its UDP port is not the number at which peers are served over TCP: clients that try
 * µTP there first turn to TCP at once when the kernel refuses it, and only after a while when it
 * is taken by a socket that does not answer.
 *
 * What other nodes store is the address that our packets come from. So the node is off when the
 * kernel does not own the address served, as with every port but af_xdp: what it announced would be
 * another host's. The IPv6 node answers and stores but announces nothing, for peers are served over
 * IPv4 only.
 *
 * Its id and good nodes are kept in the catalogue's settings ("dht.ipv4", "dht.ipv6"), every
 * DHT_SAVE_MS and at the end. While no node is known it asks those kept and then the routers of
 * option dht_bootstrap, again and again.
 *
 * Threads: one; names are resolved on one of their own. Lifecycle: dht_create; dht_run when dht_fd
 * is readable or dht_timeout_ms have passed; dht_destroy while the registry is still there.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_H
#define SPILLWAY_CONTROL_DHT_DHT_H

#include "control/dht/dht_node.h"
#include "control/base/fail.h"
#include "control/options/options.h"
#include "control/catalogue/registry.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_limit {
	DHT_FAMILIES = 2,              /* IPv4, IPv6 */
	DHT_LOOKUPS = 320,             /* announces under way at once */
	DHT_SAVE_MS = 10 * 60 * 1000,
	DHT_CHANGES_MS = 1000,         /* between looks at what changed in the catalogue */
	DHT_IFACE_MS = 60 * 1000,      /* between looks for an IPv6 address */
	DHT_BOOT_FIRST_MS = 5 * 1000,  /* between questions to routers, doubled ... */
	DHT_BOOT_MOST_MS = 5 * 60 * 1000, /* ... up to this */
	DHT_READ_FACTOR = 8,           /* packets read a second, of option dht_rate */
	DHT_REASON_MAX = 256,
};

struct dht_status {
	bool on;
	char reason[DHT_REASON_MAX];  /* why it is off */
	bool there[DHT_FAMILIES];
	struct dht_node_status node[DHT_FAMILIES];
	uint32_t torrent_cnt;         /* that are announced */
	uint32_t waiting_cnt;         /* of them, those whose announce is late */
};

/* What is known of one torrent. */
struct dht_torrent {
	bool is_private;     /* never announced */
	bool busy;           /* an announce is under way */
	int64_t at_s;        /* end of the last announce, seconds since 1970; 0: none yet */
	uint32_t stored_cnt; /* nodes that stored it; 0: it failed */
};

struct dht;

/* dht_answering_port returns the UDP port at which others are answered, 0 when they are not: of
 * option dht, where the kernel owns the address served. */
uint16_t
dht_answering_port(const struct options *options);

/* dht_create makes the part; one that is off by option or by what it finds is made too, and has
 * logged why. options and registry are borrowed. Returns 0, or -ENOMEM with fail. */
int
dht_create(struct dht **dht, const struct options *options, struct registry *registry,
           struct fail *fail);

/* dht_destroy remembers what is to be remembered and frees everything; NULL is allowed. */
void
dht_destroy(struct dht *dht);

/* dht_fd returns a descriptor that is readable when dht_run has something to do, -1 when off. */
int
dht_fd(const struct dht *dht);

/* dht_timeout_ms returns after how long dht_run is due without an event, -1 for never. */
int
dht_timeout_ms(const struct dht *dht);

/* dht_run does what is due; never blocks. */
void
dht_run(struct dht *dht);

/* dht_hold keeps new announces back, or not: while the seeder drains. */
void
dht_hold(struct dht *dht, bool held);

/* dht_hint tells of what may be a node: a peer that sent PORT (BEP 5). */
void
dht_hint(struct dht *dht, const struct dht_address *address);

/* dht_status tells how it is; NULL is off. */
void
dht_status(const struct dht *dht, struct dht_status *status);

/* dht_torrent tells of a torrent; false when the DHT is off or has nothing to do with it. */
bool
dht_torrent(const struct dht *dht, const struct torrent *torrent, struct dht_torrent *out);

#endif
