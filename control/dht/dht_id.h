/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_id.h is the 160 bits of a node id or an info_hash, their distance (BEP 5: XOR, as a number),
 * and which ids go with an address (BEP 42).
 *
 * Threads: pure functions.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_ID_H
#define SPILLWAY_CONTROL_DHT_DHT_ID_H

#include "control/dht/dht_address.h"
#include "control/dht/dht_random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dht_id_limit {
	DHT_ID_LEN = 20,
	DHT_ID_BITS = 160,
};

/* A node: where it is and what it calls itself. */
struct dht_contact {
	struct dht_address address;
	uint8_t id[DHT_ID_LEN];
};

/* dht_id_closer compares the distances of a and b to target: below 0 when a is closer, 0 when both
 * are the same, above 0 when b is closer. */
int
dht_id_closer(const uint8_t *target, const uint8_t *a, const uint8_t *b);

/* dht_id_common returns how many leading bits a and b share, [0, DHT_ID_BITS]. */
unsigned
dht_id_common(const uint8_t *a, const uint8_t *b);

/* dht_id_crc32c returns the CRC-32C (Castagnoli) of bytes. */
uint32_t
dht_id_crc32c(const uint8_t *bytes, size_t len);

/* dht_id_make writes a random id that BEP 42 allows the address; its port is not looked at. Without
 * an address (ip_len 0) it is random throughout. */
void
dht_id_make(uint8_t *id, const struct dht_address *address, struct dht_random *random);

/* dht_id_allowed tells whether BEP 42 allows the address this id. Addresses that are not global are
 * exempt: always true. */
bool
dht_id_allowed(const uint8_t *id, const struct dht_address *address);

/* dht_id_share writes a random id that shares exactly bits leading bits with own; bits is in
 * [0, DHT_ID_BITS). */
void
dht_id_share(uint8_t *id, const uint8_t *own, unsigned bits, struct dht_random *random);

#endif
