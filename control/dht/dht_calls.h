/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_calls.h is the questions that wait for an answer. A transaction id is a place in the table
 * and a random number; an answer counts when it comes from where the question went to, with the
 * same transaction id, once.
 *
 * Threads: one. Memory: fixed, cap * 72 bytes.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_CALLS_H
#define SPILLWAY_CONTROL_DHT_DHT_CALLS_H

#include "control/dht/dht_id.h"
#include "control/dht/dht_message.h"
#include "control/dht/dht_random.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_calls_limit {
	DHT_CALLS_MAX = 8192,
	DHT_CALLS_TID_LEN = 4,
	DHT_CALL_MS = 5000,    /* an answer is waited for so long */
	DHT_CALL_NOBODY = UINT16_MAX, /* owner: no lookup */
};

struct dht_call {
	struct dht_contact contact; /* id zeros when it was not known */
	int64_t sent_ms;
	uint16_t owner;  /* the lookup it was asked for, or DHT_CALL_NOBODY */
	uint16_t owner_serial;
	uint8_t method;  /* enum dht_method */
	bool waiting;
	uint16_t serial;
	uint16_t next;   /* younger; index + 1 */
	uint16_t prev;   /* older */
};

struct dht_calls;

/* dht_calls_create makes room for cap questions at once, [1, DHT_CALLS_MAX].
 * Returns 0 or -ENOMEM. */
int
dht_calls_create(struct dht_calls **calls, uint32_t cap);

/* dht_calls_destroy frees it; NULL is allowed. */
void
dht_calls_destroy(struct dht_calls *calls);

/* dht_calls_full tells whether no further question can be asked. */
bool
dht_calls_full(const struct dht_calls *calls);

/* dht_calls_begin notes a question that is being sent; there must be room.
 *
 * call  contact, method, owner, owner_serial and sent_ms are read; sent_ms never goes back.
 * tid   out, DHT_CALLS_TID_LEN bytes. */
void
dht_calls_begin(struct dht_calls *calls, const struct dht_call *call, struct dht_random *random,
                uint8_t *tid);

/* dht_calls_take ends the question that an answer belongs to.
 *
 * call  out.
 * Returns false when there is none: not ours, or from elsewhere, or too late. */
bool
dht_calls_take(struct dht_calls *calls, const struct dht_address *from, struct dht_span tid,
               struct dht_call *call);

/* dht_calls_expired ends the oldest question if it waits longer than DHT_CALL_MS.
 * Returns false when there is none. */
bool
dht_calls_expired(struct dht_calls *calls, int64_t now_ms, struct dht_call *call);

/* dht_calls_cnt returns how many wait. */
uint32_t
dht_calls_cnt(const struct dht_calls *calls);

#endif
