/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The routing table: who comes in, who gives way, who is told to others; and the cache. */
#include "control/dht/dht_cache.h"
#include "control/dht/dht_table.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

enum {
	MINUTE_MS = 60000,
};

static struct dht_table *table;
static struct dht_random dice = {.seed = 3};
static const uint8_t own[DHT_ID_LEN] = {0x55, 0xaa};
static struct dht_contact near[DHT_BUCKET];

static int
begin(void **state)
{
	(void)state;
	return dht_table_create(&table, own, 0);
}

static int
end(void **state)
{
	(void)state;
	dht_table_destroy(table);
	return 0;
}

/* A node at a private address that shares so many bits with us. */
static struct dht_contact
contact(unsigned bits, uint8_t n)
{
	struct dht_contact c = {.address = {.ip = {10, 0, (uint8_t)bits, n}, .ip_len = 4, .port = 7}};

	dht_id_share(c.id, own, bits, &dice);
	return c;
}

static struct dht_contact
global(bool allowed, uint8_t n)
{
	struct dht_contact c = {.address = {.ip = {50, 1, 2, n}, .ip_len = 4, .port = 7}};

	/* All in the bucket of no shared bit. */
	do {
		dht_id_make(c.id, &c.address, &dice);
		c.id[2] ^= allowed ? 0 : 8;
	} while (c.id[0] >> 7 == own[0] >> 7);
	return c;
}

static void
only_those_that_answered_are_told(void **state)
{
	struct dht_contact told = contact(0, 1), asked = contact(0, 2), replied = contact(0, 3);

	(void)state;
	assert_true(dht_table_heard(table, &told, DHT_HEARD_TOLD, 0));
	assert_true(dht_table_heard(table, &asked, DHT_HEARD_QUERY, 0));
	assert_true(dht_table_heard(table, &replied, DHT_HEARD_REPLY, 0));
	assert_int_equal(dht_table_closest(table, own, false, near, 1), 1);
	assert_memory_equal(near[0].id, replied.id, DHT_ID_LEN);
	assert_int_equal(dht_table_closest(table, own, true, near, 1), 3);
	assert_int_equal(dht_table_count(table, 1).good, 1);
	assert_int_equal(dht_table_count(table, 1).dubious, 2);
	/* Quiet for a quarter of an hour it is dubious; its own query is enough to be good then. */
	assert_int_equal(dht_table_count(table, 15 * MINUTE_MS).good, 0);
	dht_table_heard(table, &replied, DHT_HEARD_QUERY, 15 * MINUTE_MS);
	assert_int_equal(dht_table_count(table, 15 * MINUTE_MS).good, 1);
}

static void
closest_come_first(void **state)
{
	uint8_t target[DHT_ID_LEN];

	(void)state;
	for (unsigned bits = 0; bits < 6; bits++)
		for (uint8_t n = 0; n < 5; n++) {
			struct dht_contact c = contact(bits, n);
			assert_true(dht_table_heard(table, &c, DHT_HEARD_REPLY, 0));
		}
	for (int k = 0; k < 100; k++) {
		dht_random_fill(&dice, target, sizeof(target));
		assert_int_equal(dht_table_closest(table, target, false, near, 1), DHT_BUCKET);
		for (int i = 1; i < DHT_BUCKET; i++)
			assert_true(dht_id_closer(target, near[i - 1].id, near[i].id) <= 0);
	}
}

static void
a_full_bucket_keeps_the_good(void **state)
{
	struct dht_contact first[DHT_BUCKET], late = contact(0, 100), pinged;

	(void)state;
	for (uint8_t n = 0; n < DHT_BUCKET; n++) {
		first[n] = contact(0, n);
		assert_true(dht_table_heard(table, &first[n], DHT_HEARD_REPLY, 0));
	}
	assert_false(dht_table_heard(table, &late, DHT_HEARD_REPLY, 1));
	assert_false(dht_table_ping_due(table, &pinged, 1));
	/* One fails: it is pinged again before it is given up, then the newcomer has its place. */
	dht_table_failed(table, &first[3].address, 2);
	assert_int_equal(dht_table_count(table, 2).good, DHT_BUCKET - 1);
	assert_true(dht_table_ping_due(table, &pinged, DHT_PING_AGAIN_MS + 3));
	assert_memory_equal(pinged.id, first[3].id, DHT_ID_LEN);
	assert_false(dht_table_ping_due(table, &pinged, DHT_PING_AGAIN_MS + 4));
	dht_table_failed(table, &first[3].address, DHT_PING_AGAIN_MS + 5);
	assert_true(dht_table_ping_due(table, &pinged, DHT_PING_AGAIN_MS + 6));
	assert_memory_equal(pinged.id, late.id, DHT_ID_LEN);
	assert_int_equal(dht_table_count(table, 3).good, DHT_BUCKET - 1);
	assert_true(dht_table_heard(table, &late, DHT_HEARD_REPLY, DHT_PING_AGAIN_MS + 7));
	assert_int_equal(dht_table_count(table, DHT_PING_AGAIN_MS + 7).good, DHT_BUCKET);
}

static void
what_never_answered_gives_way(void **state)
{
	struct dht_contact c;

	(void)state;
	for (uint8_t n = 0; n < DHT_BUCKET; n++) {
		c = contact(0, n);
		assert_true(dht_table_heard(table, &c, DHT_HEARD_TOLD, 0));
	}
	c = contact(0, 50);
	assert_false(dht_table_heard(table, &c, DHT_HEARD_TOLD, 1));
	assert_true(dht_table_heard(table, &c, DHT_HEARD_REPLY, 1));
	assert_int_equal(dht_table_count(table, 1).good, 1);
	/* Once without an answer is enough for those. */
	for (uint8_t n = 0; n < DHT_BUCKET; n++) {
		struct dht_address address = {.ip = {10, 0, 0, n}, .ip_len = 4, .port = 7};
		dht_table_failed(table, &address, 2);
	}
	assert_int_equal(dht_table_count(table, 2).dubious, 0);
}

/* BEP 42 */
static void
ids_that_are_allowed_come_before_others(void **state)
{
	struct dht_contact c;

	(void)state;
	for (uint8_t n = 0; n < DHT_BUCKET; n++) {
		c = global(false, n);
		assert_true(dht_table_heard(table, &c, DHT_HEARD_REPLY, 0));
	}
	assert_int_equal(dht_table_count(table, 0).refused, DHT_BUCKET);
	c = global(false, 50);
	assert_false(dht_table_heard(table, &c, DHT_HEARD_REPLY, 1));
	for (uint8_t n = 100; n < 100 + DHT_BUCKET; n++) {
		c = global(true, n);
		assert_true(dht_table_heard(table, &c, DHT_HEARD_REPLY, 1));
	}
	assert_int_equal(dht_table_count(table, 1).refused, 0);
	c = global(true, 200);
	assert_false(dht_table_heard(table, &c, DHT_HEARD_REPLY, 1));
}

static void
lies_change_nothing(void **state)
{
	struct dht_contact c = contact(2, 1), other = c, thief = contact(2, 9);

	(void)state;
	assert_true(dht_table_heard(table, &c, DHT_HEARD_REPLY, 0));
	dht_id_share(other.id, own, 30, &dice);
	/* Told under another id: by others, then by itself, then in an answer. */
	assert_false(dht_table_heard(table, &other, DHT_HEARD_TOLD, 1));
	assert_false(dht_table_heard(table, &other, DHT_HEARD_QUERY, 1));
	assert_int_equal(dht_table_closest(table, own, true, near, 1), 1);
	assert_memory_equal(near[0].id, c.id, DHT_ID_LEN);
	assert_true(dht_table_heard(table, &other, DHT_HEARD_REPLY, 1));
	assert_int_equal(dht_table_closest(table, own, true, near, 1), 1);
	assert_memory_equal(near[0].id, other.id, DHT_ID_LEN);
	/* Somebody else with the id of one that is good. */
	memcpy(thief.id, other.id, DHT_ID_LEN);
	assert_false(dht_table_heard(table, &thief, DHT_HEARD_REPLY, 2));
	assert_int_equal(near[0].address.ip[3], 1);
	/* Our own. */
	memcpy(thief.id, own, DHT_ID_LEN);
	assert_false(dht_table_heard(table, &thief, DHT_HEARD_REPLY, 2));
}

static void
a_global_host_is_there_once(void **state)
{
	struct dht_contact c = global(true, 1), same = c;

	(void)state;
	assert_true(dht_table_heard(table, &c, DHT_HEARD_REPLY, 0));
	for (uint16_t port = 100; port < 200; port++) {
		same.address.port = port;
		dht_id_make(same.id, &same.address, &dice);
		assert_false(dht_table_heard(table, &same, DHT_HEARD_REPLY, 1));
	}
	assert_int_equal(dht_table_count(table, 1).good, 1);
	assert_int_equal(dht_table_count(table, 1).dubious, 0);
}

static void
buckets_are_refreshed_and_filled(void **state)
{
	struct dht_contact far = contact(0, 1), close = contact(9, 1);
	unsigned bits, asked = 0;

	(void)state;
	assert_false(dht_table_refresh_due(table, &bits, 0));
	dht_table_heard(table, &far, DHT_HEARD_REPLY, 0);
	dht_table_heard(table, &close, DHT_HEARD_REPLY, 0);
	while (dht_table_refresh_due(table, &bits, 1))
		asked |= 1u << bits;
	assert_int_equal(asked, 0x1fe); /* those between them are to be filled at once */
	assert_false(dht_table_refresh_due(table, &bits, 1));
	for (asked = 0; dht_table_refresh_due(table, &bits, DHT_FILL_MS + 1);)
		asked |= 1u << bits;
	assert_int_equal(asked, 0x1ff);
	for (asked = 0; dht_table_refresh_due(table, &bits, DHT_REFRESH_MS);)
		asked |= 1u << bits;
	assert_true(asked & 0x200);
}

static void
another_id_of_ours_moves_all(void **state)
{
	uint8_t moved[DHT_ID_LEN] = {0xaa};

	(void)state;
	for (unsigned bits = 0; bits < 4; bits++)
		for (uint8_t n = 0; n < DHT_BUCKET; n++) {
			struct dht_contact c = contact(bits, n);
			assert_true(dht_table_heard(table, &c, DHT_HEARD_REPLY, 0));
		}
	dht_table_move(table, moved, 1);
	/* What shared our first bit is one bucket now. */
	uint32_t good = dht_table_count(table, 1).good;
	assert_in_range(good, DHT_BUCKET + 1, 3 * DHT_BUCKET);
	assert_int_equal(dht_table_closest(table, moved, false, near, 1), DHT_BUCKET);
	struct dht_contact all[4 * DHT_BUCKET];
	assert_int_equal(dht_table_good(table, all, 4 * DHT_BUCKET, 1), good);
	assert_int_equal(dht_table_good(table, all, 3, 1), 3);
}

static void
lookups_share_what_answered(void **state)
{
	struct dht_cache *cache;
	struct dht_contact c = contact(0, 1), found[16];
	uint8_t target[DHT_ID_LEN];

	(void)state;
	assert_int_equal(dht_cache_create(&cache, 8), 0);
	for (int n = 0; n < 200; n++) {
		c.address.ip[3] = (uint8_t)n;
		dht_random_fill(&dice, c.id, DHT_ID_LEN);
		dht_cache_put(cache, &c, 0);
	}
	memcpy(target, c.id, DHT_ID_LEN);
	target[19] ^= 1;
	assert_int_equal(dht_cache_near(cache, target, found, 16, 1), 16);
	bool there = false;
	for (int i = 0; i < 16; i++) {
		there |= memcmp(found[i].id, c.id, DHT_ID_LEN) == 0;
		assert_true(dht_id_common(found[i].id, target) >= 3);
	}
	assert_true(there);
	dht_cache_drop(cache, &c);
	uint32_t cnt = dht_cache_near(cache, target, found, 16, 1);
	for (uint32_t i = 0; i < cnt; i++)
		assert_memory_not_equal(found[i].id, c.id, DHT_ID_LEN);
	assert_int_equal(dht_cache_near(cache, target, found, 16, DHT_CACHE_MS), 0);
	dht_cache_destroy(cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_those_that_answered_are_told, begin, end),
		cmocka_unit_test_setup_teardown(closest_come_first, begin, end),
		cmocka_unit_test_setup_teardown(a_full_bucket_keeps_the_good, begin, end),
		cmocka_unit_test_setup_teardown(what_never_answered_gives_way, begin, end),
		cmocka_unit_test_setup_teardown(ids_that_are_allowed_come_before_others, begin, end),
		cmocka_unit_test_setup_teardown(lies_change_nothing, begin, end),
		cmocka_unit_test_setup_teardown(a_global_host_is_there_once, begin, end),
		cmocka_unit_test_setup_teardown(buckets_are_refreshed_and_filled, begin, end),
		cmocka_unit_test_setup_teardown(another_id_of_ours_moves_all, begin, end),
		cmocka_unit_test(lookups_share_what_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
