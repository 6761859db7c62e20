/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_saved.h is what a DHT node remembers over restarts, as text for the settings table: its id
 * and good nodes, "ID CONTACT CONTACT ...", each compact node info in hex digits.
 *
 * Threads: pure functions.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_SAVED_H
#define SPILLWAY_CONTROL_DHT_DHT_SAVED_H

#include "control/dht/dht_id.h"

#include <stdint.h>

enum dht_saved_limit {
	DHT_SAVED_NODES = 64,
	DHT_SAVED_TEXT_MAX = 64 + DHT_SAVED_NODES * 80,
};

struct dht_saved {
	uint8_t id[DHT_ID_LEN];
	uint32_t cnt;
	struct dht_contact node[DHT_SAVED_NODES];
};

/* dht_saved_write writes the text to out[DHT_SAVED_TEXT_MAX]. */
void
dht_saved_write(const struct dht_saved *saved, char *out);

/* dht_saved_read reads what dht_saved_write wrote; from the first thing on that is wrong all is
 * left out: without an id, that is zeros. */
void
dht_saved_read(struct dht_saved *saved, const char *text);

#endif
