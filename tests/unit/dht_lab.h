/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_lab.h is a network of DHT nodes under a virtual clock: what one sends arrives LAB_DELAY_MS
 * later, unless its receiver is dead.
 */
#ifndef SPILLWAY_TESTS_UNIT_DHT_LAB_H
#define SPILLWAY_TESTS_UNIT_DHT_LAB_H

#include "control/dht/dht_node.h"

enum lab_limit {
	LAB_NODES_MAX = 256,
	LAB_DELAY_MS = 20,
	LAB_STEP_MS = 10,
	LAB_WIRE_MAX = 65536,
};

struct lab_packet {
	struct dht_address from;
	int64_t at_ms;
	struct dht_packet packet;
};

struct lab {
	int64_t now_ms;
	uint32_t cnt;
	struct dht_node *node[LAB_NODES_MAX];
	struct dht_address address[LAB_NODES_MAX];
	bool dead[LAB_NODES_MAX];
	uint32_t lookups_max; /* of the nodes that are added from now on */
	uint32_t rate, ask_per_s;
	bool read_only;
	struct lab_packet *wire; /* ring */
	uint32_t head, wire_cnt;
	uint64_t packet_cnt;
};

/* lab_begin makes an empty network. */
void
lab_begin(struct lab *lab);

/* lab_end frees all. */
void
lab_end(struct lab *lab);

/* lab_address returns an address in 10.0.0.0/8, or a global one. */
struct dht_address
lab_address(uint32_t n, bool global);

/* lab_add adds a node; its number is returned. */
uint32_t
lab_add(struct lab *lab, bool global);

/* lab_run lets time pass. */
void
lab_run(struct lab *lab, int64_t ms);

/* lab_meet has every node know the first, and time pass until they have found each other. */
void
lab_meet(struct lab *lab);

/* lab_status returns a node's status. */
struct dht_node_status
lab_status(const struct lab *lab, uint32_t n);

/* lab_announce has a node announce and returns how many nodes stored it. */
uint32_t
lab_announce(struct lab *lab, uint32_t n, const uint8_t *info_hash);

/* lab_announce_as does, as one that has all of the torrent or not. */
uint32_t
lab_announce_as(struct lab *lab, uint32_t n, const uint8_t *info_hash, bool seed);

/* lab_ask sends a query to a node from an address that is nobody's, and returns its answer: bytes
 * within the lab until the next call, *len 0 when there was none. */
const uint8_t *
lab_ask(struct lab *lab, uint32_t n, const struct dht_address *from, const struct dht_ask *ask,
        size_t *len);

/* lab_send is lab_ask of any bytes. */
const uint8_t *
lab_send(struct lab *lab, uint32_t n, const struct dht_address *from, struct dht_span bytes,
         size_t *len);

#endif
