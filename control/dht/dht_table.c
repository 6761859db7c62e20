/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The routing table. */
#include "control/dht/dht_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	NEVER = -1, /* as a time */
};

struct entry {
	struct dht_contact contact;
	int64_t replied_ms; /* or NEVER */
	int64_t query_ms;
	int64_t pinged_ms;
	uint8_t fail_cnt;
	bool allowed; /* by BEP 42 */
};

struct bucket {
	struct entry entry[DHT_BUCKET];
	struct dht_contact spare; /* ip_len 0: none */
	int64_t changed_ms;
	uint8_t cnt;
};

struct dht_table {
	uint8_t own_id[DHT_ID_LEN];
	uint32_t ping_at; /* bucket at which dht_table_ping_due goes on */
	struct bucket bucket[DHT_ID_BITS];
};

static bool
within(int64_t then_ms, int64_t now_ms, int64_t span_ms)
{
	return then_ms != NEVER && now_ms - then_ms < span_ms;
}

static bool
entry_good(const struct entry *e, int64_t now_ms)
{
	return e->fail_cnt == 0 && e->replied_ms != NEVER &&
	       (within(e->replied_ms, now_ms, DHT_GOOD_MS) ||
	        within(e->query_ms, now_ms, DHT_GOOD_MS));
}

static bool
entry_bad(const struct entry *e)
{
	return e->fail_cnt >= DHT_FAILS_MAX || (e->fail_cnt > 0 && e->replied_ms == NEVER);
}

/* buckets_clear empties the buckets: those with nodes behind them are to be filled soon. */
static void
buckets_clear(struct dht_table *table, int64_t now_ms)
{
	for (int k = 0; k < DHT_ID_BITS; k++)
		table->bucket[k] = (struct bucket){.changed_ms = now_ms - DHT_FILL_MS};
}

int
dht_table_create(struct dht_table **table, const uint8_t *own_id, int64_t now_ms)
{
	*table = calloc(1, sizeof(**table));
	if (*table == NULL)
		return -ENOMEM;
	memcpy((*table)->own_id, own_id, DHT_ID_LEN);
	buckets_clear(*table, now_ms);
	return 0;
}

void
dht_table_destroy(struct dht_table *table)
{
	free(table);
}

/* bucket_of returns where an id belongs; NULL for our own. */
static struct bucket *
bucket_of(struct dht_table *table, const uint8_t *id)
{
	unsigned common = dht_id_common(table->own_id, id);

	return common < DHT_ID_BITS ? &table->bucket[common] : NULL;
}

static void
entry_drop(struct bucket *b, uint32_t i)
{
	b->cnt--;
	memmove(&b->entry[i], &b->entry[i + 1], (b->cnt - i) * sizeof(b->entry[0]));
}

/* host_find finds the entry of an address, or of the same global host. */
static struct entry *
host_find(struct dht_table *table, const struct dht_address *address, struct bucket **bucket)
{
	for (int k = 0; k < DHT_ID_BITS; k++) {
		struct bucket *b = &table->bucket[k];
		for (uint32_t i = 0; i < b->cnt; i++) {
			if (!dht_address_same_host(&b->entry[i].contact.address, address))
				continue;
			*bucket = b;
			return &b->entry[i];
		}
	}
	return NULL;
}

static struct entry *
id_find(struct bucket *b, const uint8_t *id)
{
	for (uint32_t i = 0; i < b->cnt; i++)
		if (memcmp(b->entry[i].contact.id, id, DHT_ID_LEN) == 0)
			return &b->entry[i];
	return NULL;
}

/* entry_touch notes what was heard of a node that is there as it was. */
static void
entry_touch(struct bucket *b, struct entry *e, enum dht_heard how, int64_t now_ms)
{
	if (how == DHT_HEARD_QUERY)
		e->query_ms = now_ms;
	if (how != DHT_HEARD_REPLY)
		return;
	e->replied_ms = now_ms;
	e->fail_cnt = 0;
	b->changed_ms = now_ms;
}

/* victim returns the entry that gives way to a newcomer in a full bucket, or NULL. */
static struct entry *
victim(struct bucket *b, const struct entry *newcomer)
{
	bool replied = newcomer->replied_ms != NEVER;

	for (uint32_t i = 0; i < b->cnt; i++)
		if (entry_bad(&b->entry[i]))
			return &b->entry[i];
	for (uint32_t i = 0; replied && i < b->cnt; i++)
		if (b->entry[i].replied_ms == NEVER)
			return &b->entry[i];
	for (uint32_t i = 0; replied && newcomer->allowed && i < b->cnt; i++)
		if (!b->entry[i].allowed)
			return &b->entry[i];
	return NULL;
}

static bool
entry_add(struct bucket *b, const struct entry *newcomer, int64_t now_ms)
{
	struct entry *place = b->cnt < DHT_BUCKET ? &b->entry[b->cnt] : victim(b, newcomer);

	if (place == NULL) {
		b->spare = newcomer->contact;
		return false;
	}
	b->cnt += place == &b->entry[b->cnt];
	*place = *newcomer;
	b->changed_ms = now_ms;
	return true;
}

/* known_update deals with a node that is there already, or whose host is.
 * Returns true when nothing more is to be done. */
static bool
known_update(struct dht_table *table, const struct dht_contact *contact, enum dht_heard how,
             int64_t now_ms)
{
	struct bucket *b = NULL;
	struct entry *e = host_find(table, &contact->address, &b);

	if (e != NULL && dht_address_equal(&e->contact.address, &contact->address) &&
	    memcmp(e->contact.id, contact->id, DHT_ID_LEN) == 0) {
		entry_touch(b, e, how, now_ms);
		return true;
	}
	/* Another id or port of a known host counts once it has answered us: then it is this now. */
	if (e != NULL && how != DHT_HEARD_REPLY)
		return true;
	if (e != NULL && !dht_address_equal(&e->contact.address, &contact->address) &&
	    entry_good(e, now_ms))
		return true;
	if (e != NULL)
		entry_drop(b, (uint32_t)(e - b->entry));
	b = bucket_of(table, contact->id);
	e = b != NULL ? id_find(b, contact->id) : NULL;
	if (e == NULL)
		return false;
	/* The same id elsewhere: the one that answers has it. */
	if (how != DHT_HEARD_REPLY || entry_good(e, now_ms))
		return true;
	entry_drop(b, (uint32_t)(e - b->entry));
	return false;
}

bool
dht_table_heard(struct dht_table *table, const struct dht_contact *contact, enum dht_heard how,
                int64_t now_ms)
{
	struct bucket *b = bucket_of(table, contact->id);

	if (b == NULL || contact->address.port == 0)
		return false;
	if (!known_update(table, contact, how, now_ms)) {
		struct entry newcomer = {
			.contact = *contact,
			.replied_ms = how == DHT_HEARD_REPLY ? now_ms : NEVER,
			.query_ms = how == DHT_HEARD_QUERY ? now_ms : NEVER,
			.pinged_ms = NEVER,
			.allowed = dht_id_allowed(contact->id, &contact->address),
		};
		return entry_add(b, &newcomer, now_ms);
	}
	struct entry *e = id_find(b, contact->id);
	return e != NULL && dht_address_equal(&e->contact.address, &contact->address);
}

void
dht_table_move(struct dht_table *table, const uint8_t *own_id, int64_t now_ms)
{
	struct bucket *old = malloc(sizeof(table->bucket));

	memcpy(table->own_id, own_id, DHT_ID_LEN);
	if (old != NULL)
		memcpy(old, table->bucket, sizeof(table->bucket));
	buckets_clear(table, now_ms);
	for (int k = 0; old != NULL && k < DHT_ID_BITS; k++) /* without memory they are learnt anew */
		for (uint32_t i = 0; i < old[k].cnt; i++) {
			struct bucket *b = bucket_of(table, old[k].entry[i].contact.id);
			if (b != NULL)
				entry_add(b, &old[k].entry[i], now_ms);
		}
	free(old);
}

void
dht_table_failed(struct dht_table *table, const struct dht_address *address, int64_t now_ms)
{
	struct bucket *b = NULL;
	struct entry *e = host_find(table, address, &b);

	if (e == NULL || !dht_address_equal(&e->contact.address, address))
		return;
	e->fail_cnt += e->fail_cnt < UINT8_MAX;
	e->pinged_ms = now_ms;
	if (entry_bad(e) && (e->replied_ms == NEVER || b->spare.address.ip_len != 0))
		entry_drop(b, (uint32_t)(e - b->entry));
}

/* closest_put inserts into the array of the closest so far. */
static uint32_t
closest_put(struct dht_contact *out, uint32_t cnt, const uint8_t *target,
            const struct dht_contact *contact)
{
	uint32_t at = cnt;

	while (at > 0 && dht_id_closer(target, contact->id, out[at - 1].id) < 0)
		at--;
	if (at == DHT_BUCKET)
		return cnt;
	uint32_t moved = (cnt < DHT_BUCKET ? cnt : DHT_BUCKET - 1) - at;
	memmove(&out[at + 1], &out[at], moved * sizeof(*out));
	out[at] = *contact;
	return cnt < DHT_BUCKET ? cnt + 1 : cnt;
}

uint32_t
dht_table_closest(const struct dht_table *table, const uint8_t *target, bool dubious,
                  struct dht_contact *out, int64_t now_ms)
{
	uint32_t cnt = 0;

	for (int k = 0; k < DHT_ID_BITS; k++) {
		const struct bucket *b = &table->bucket[k];
		for (uint32_t i = 0; i < b->cnt; i++) {
			const struct entry *e = &b->entry[i];
			if (entry_good(e, now_ms) || (dubious && e->fail_cnt == 0))
				cnt = closest_put(out, cnt, target, &e->contact);
		}
	}
	return cnt;
}

/* spare_take puts a bucket's spare into the room there is; returns its entry or NULL. */
static struct entry *
spare_take(struct bucket *b)
{
	if (b->spare.address.ip_len == 0 || b->cnt == DHT_BUCKET)
		return NULL;
	struct entry *e = &b->entry[b->cnt++];
	*e = (struct entry){
		.contact = b->spare,
		.replied_ms = NEVER,
		.query_ms = NEVER,
		.pinged_ms = NEVER,
		.allowed = dht_id_allowed(b->spare.id, &b->spare.address),
	};
	b->spare = (struct dht_contact){0};
	return e;
}

static struct entry *
bucket_ping_due(struct bucket *b, int64_t now_ms)
{
	struct entry *due = NULL;

	spare_take(b);
	for (uint32_t i = 0; i < b->cnt; i++) {
		struct entry *e = &b->entry[i];
		if (entry_good(e, now_ms) || within(e->pinged_ms, now_ms, DHT_PING_AGAIN_MS))
			continue;
		if (due == NULL || e->pinged_ms < due->pinged_ms)
			due = e;
	}
	return due;
}

bool
dht_table_ping_due(struct dht_table *table, struct dht_contact *contact, int64_t now_ms)
{
	for (int k = 0; k < DHT_ID_BITS; k++) {
		struct entry *e = bucket_ping_due(&table->bucket[table->ping_at], now_ms);
		if (e == NULL) {
			table->ping_at = (table->ping_at + 1) % DHT_ID_BITS;
			continue;
		}
		e->pinged_ms = now_ms;
		*contact = e->contact;
		return true;
	}
	return false;
}

bool
dht_table_refresh_due(struct dht_table *table, unsigned *bits, int64_t now_ms)
{
	unsigned deepest = DHT_ID_BITS;

	while (deepest > 0 && table->bucket[deepest - 1].cnt == 0)
		deepest--;
	for (unsigned k = 0; k < deepest; k++) {
		struct bucket *b = &table->bucket[k];
		bool fill = k + 1 < deepest && b->cnt < DHT_BUCKET;
		if (within(b->changed_ms, now_ms, fill ? DHT_FILL_MS : DHT_REFRESH_MS))
			continue;
		b->changed_ms = now_ms;
		*bits = k;
		return true;
	}
	return false;
}

struct dht_table_cnt
dht_table_count(const struct dht_table *table, int64_t now_ms)
{
	struct dht_table_cnt cnt = {0};

	for (int k = 0; k < DHT_ID_BITS; k++) {
		const struct bucket *b = &table->bucket[k];
		for (uint32_t i = 0; i < b->cnt; i++) {
			bool good = entry_good(&b->entry[i], now_ms);
			cnt.good += good;
			cnt.dubious += !good;
			cnt.refused += !b->entry[i].allowed;
		}
	}
	return cnt;
}

uint32_t
dht_table_good(const struct dht_table *table, struct dht_contact *out, uint32_t max,
               int64_t now_ms)
{
	uint32_t cnt = 0;

	for (int k = DHT_ID_BITS - 1; k >= 0; k--) {
		const struct bucket *b = &table->bucket[k];
		for (uint32_t i = 0; i < b->cnt && cnt < max; i++)
			if (entry_good(&b->entry[i], now_ms))
				out[cnt++] = b->entry[i].contact;
	}
	return cnt;
}
