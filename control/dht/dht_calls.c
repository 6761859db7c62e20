/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Questions that wait, in a list by age. */
#include "control/dht/dht_calls.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct dht_calls {
	uint32_t cap;
	uint32_t cnt;
	uint16_t free;   /* index + 1; 0: none */
	uint16_t oldest;
	uint16_t newest;
	struct dht_call call[];
};

int
dht_calls_create(struct dht_calls **calls, uint32_t cap)
{
	struct dht_calls *c = calloc(1, sizeof(*c) + cap * sizeof(c->call[0]));

	*calls = c;
	if (c == NULL)
		return -ENOMEM;
	c->cap = cap;
	for (uint32_t i = cap; i > 0; i--) {
		c->call[i - 1].next = c->free;
		c->free = (uint16_t)i;
	}
	return 0;
}

void
dht_calls_destroy(struct dht_calls *calls)
{
	free(calls);
}

bool
dht_calls_full(const struct dht_calls *calls)
{
	return calls->free == 0;
}

void
dht_calls_begin(struct dht_calls *calls, const struct dht_call *call, struct dht_random *random,
                uint8_t *tid)
{
	uint16_t at = calls->free;

	assert(at != 0);
	struct dht_call *c = &calls->call[at - 1];
	calls->free = c->next;
	*c = *call;
	c->waiting = true;
	c->serial = (uint16_t)dht_random_next(random);
	c->next = 0;
	c->prev = calls->newest;
	if (calls->newest != 0)
		calls->call[calls->newest - 1].next = at;
	else
		calls->oldest = at;
	calls->newest = at;
	calls->cnt++;
	tid[0] = (uint8_t)((at - 1) >> 8);
	tid[1] = (uint8_t)(at - 1);
	tid[2] = (uint8_t)(c->serial >> 8);
	tid[3] = (uint8_t)c->serial;
}

static void
call_end(struct dht_calls *calls, uint16_t at, struct dht_call *out)
{
	struct dht_call *c = &calls->call[at - 1];

	*out = *c;
	if (c->prev != 0)
		calls->call[c->prev - 1].next = c->next;
	else
		calls->oldest = c->next;
	if (c->next != 0)
		calls->call[c->next - 1].prev = c->prev;
	else
		calls->newest = c->prev;
	*c = (struct dht_call){.next = calls->free};
	calls->free = at;
	calls->cnt--;
}

bool
dht_calls_take(struct dht_calls *calls, const struct dht_address *from, struct dht_span tid,
               struct dht_call *call)
{
	if (tid.len != DHT_CALLS_TID_LEN)
		return false;
	uint32_t index = (uint32_t)tid.bytes[0] << 8 | tid.bytes[1];
	uint32_t serial = (uint32_t)tid.bytes[2] << 8 | tid.bytes[3];
	if (index >= calls->cap)
		return false;
	const struct dht_call *c = &calls->call[index];
	if (!c->waiting || c->serial != serial || !dht_address_equal(&c->contact.address, from))
		return false;
	call_end(calls, (uint16_t)(index + 1), call);
	return true;
}

bool
dht_calls_expired(struct dht_calls *calls, int64_t now_ms, struct dht_call *call)
{
	if (calls->oldest == 0 ||
	    now_ms - calls->call[calls->oldest - 1].sent_ms < DHT_CALL_MS)
		return false;
	call_end(calls, calls->oldest, call);
	return true;
}

uint32_t
dht_calls_cnt(const struct dht_calls *calls)
{
	return calls->cnt;
}
