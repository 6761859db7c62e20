/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* commands_dht.h tells of the DHT: the command "dht" of commands.h, and what "stats" and "show" say
 * of it.
 *
 *      on, reason  whether it runs, or why it does not.
 *      torrents, waiting  that are announced; of them, those whose announce is late.
 *      nodes       one object for each address family: "family", "address", "external" ("" while it
 *                  is not known), "id", "read_only", "nodes_good", "nodes_dubious",
 *                  "nodes_refused", "peers_stored", "lookups", "waiting_replies", "counters".
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_COMMANDS_DHT_H
#define SPILLWAY_CONTROL_COMMANDS_COMMANDS_DHT_H

#include "control/dht/dht.h"

#include <jansson.h>

/* answer_dht returns how the DHT is, the caller's; NULL when out of memory. */
json_t *
answer_dht(const struct dht *dht);

/* answer_dht_texts returns what each counter means, the caller's. */
json_t *
answer_dht_texts(void);

/* answer_dht_torrent returns "state" (off, waiting, announcing, announced, failed, private),
 * "announced_at" and "stored_by" of a torrent, the caller's. */
json_t *
answer_dht_torrent(const struct dht *dht, const struct torrent *torrent);

#endif
