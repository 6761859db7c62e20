/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is bounded in a DHT node: stored peers, tokens, rates, questions that wait, and whether we
 * are reached. */
#include "control/dht/dht_calls.h"
#include "control/dht/dht_rate.h"
#include "control/dht/dht_reach.h"
#include "control/dht/dht_store.h"
#include "control/dht/dht_token.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static struct dht_random dice = {.seed = 5};

static struct dht_address
peer(uint32_t n, bool global)
{
	struct dht_address address = {.ip = {global ? 50 : 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8),
	                                     (uint8_t)n}, .ip_len = 4, .port = 6881};

	return address;
}

static void
hash_of(uint8_t *info_hash, uint32_t n)
{
	memset(info_hash, 0, DHT_ID_LEN);
	memcpy(info_hash, &n, sizeof(n));
}

static uint32_t
stored(const struct dht_store *store, const uint8_t *info_hash, bool noseed)
{
	struct dht_address out[200];
	struct dht_store_wish wish = {.info_hash = info_hash, .noseed = noseed,
	                              .pick = dht_random_next(&dice)};

	return dht_store_get(store, &wish, out, 200);
}

static void
peers_are_stored_for_a_while(void **state)
{
	uint8_t a[DHT_ID_LEN], b[DHT_ID_LEN];
	struct dht_address one = peer(1, true), two = peer(2, true);
	struct dht_store *store;

	(void)state;
	hash_of(a, 1);
	hash_of(b, 2);
	assert_int_equal(dht_store_create(&store, 9), 0);
	assert_int_equal(dht_store_put(store, a, &one, false, 0), 0);
	assert_int_equal(dht_store_put(store, a, &two, true, 0), 0);
	assert_int_equal(stored(store, a, false), 2);
	assert_int_equal(stored(store, a, true), 1);
	assert_int_equal(stored(store, b, false), 0);
	/* Again, from another port: it is the same peer. */
	one.port = 7000;
	assert_int_equal(dht_store_put(store, a, &one, true, DHT_STORE_MS / 2), 0);
	assert_int_equal(stored(store, a, false), 2);
	assert_int_equal(stored(store, a, true), 0);
	dht_store_expire(store, DHT_STORE_MS);
	assert_int_equal(dht_store_cnt(store), 1);
	assert_int_equal(stored(store, a, false), 1);
	dht_store_expire(store, DHT_STORE_MS * 2);
	assert_int_equal(dht_store_cnt(store), 0);
	dht_store_destroy(store);
}

static void
of_one_info_hash_the_oldest_gives_way(void **state)
{
	struct dht_address out[DHT_STORE_SAME_MAX], first = peer(0, true);
	uint8_t a[DHT_ID_LEN];
	struct dht_store *store;
	bool there = false;

	(void)state;
	hash_of(a, 1);
	assert_int_equal(dht_store_create(&store, 9), 0);
	for (uint32_t n = 0; n < DHT_STORE_SAME_MAX; n++) {
		struct dht_address p = peer(n, true);
		assert_int_equal(dht_store_put(store, a, &p, false, n), 0);
	}
	assert_int_equal(dht_store_put(store, a, &first, false, 1000), 0); /* now the newest */
	for (uint32_t n = 500; n < 550; n++) {
		struct dht_address p = peer(n, true);
		assert_int_equal(dht_store_put(store, a, &p, false, 1000 + n), 0);
	}
	assert_int_equal(dht_store_cnt(store), DHT_STORE_SAME_MAX);
	struct dht_store_wish wish = {.info_hash = a};
	assert_int_equal(dht_store_get(store, &wish, out, DHT_STORE_SAME_MAX), DHT_STORE_SAME_MAX);
	for (int i = 0; i < DHT_STORE_SAME_MAX; i++) {
		there |= dht_address_equal(&out[i], &first);
		assert_false(out[i].ip[2] == 0 && out[i].ip[3] > 0 && out[i].ip[3] <= 50);
	}
	assert_true(there);
	assert_int_equal(dht_store_get(store, &wish, out, 10), 10);
	dht_store_destroy(store);
}

static void
one_host_does_not_fill_the_store(void **state)
{
	struct dht_address flood = peer(7, true), other = peer(8, true);
	uint8_t a[DHT_ID_LEN];
	struct dht_store *store;
	uint32_t refused = 0;

	(void)state;
	assert_int_equal(dht_store_create(&store, 9), 0);
	for (uint32_t n = 0; n < 3 * DHT_STORE_HOST_MAX; n++) {
		hash_of(a, n);
		refused += dht_store_put(store, a, &flood, false, 0) == -ENOSPC;
	}
	assert_int_equal(refused, 2 * DHT_STORE_HOST_MAX);
	assert_int_equal(dht_store_put(store, a, &other, false, 0), 0);
	for (uint32_t k = 0; k < 2; k++)
		dht_store_expire(store, DHT_STORE_MS);
	assert_int_equal(dht_store_cnt(store), 0);
	assert_int_equal(dht_store_put(store, a, &flood, false, DHT_STORE_MS), 0);
	dht_store_destroy(store);
}

static void
the_store_has_an_end(void **state)
{
	struct dht_store *store;
	uint8_t a[DHT_ID_LEN];
	uint32_t taken = 0;

	(void)state;
	assert_int_equal(dht_store_create(&store, 9), 0);
	for (uint32_t n = 0; n < DHT_STORE_PEERS_MAX + 100; n++) {
		struct dht_address p = peer(n, true);
		hash_of(a, n);
		taken += dht_store_put(store, a, &p, false, 0) == 0;
	}
	assert_int_equal(taken, DHT_STORE_PEERS_MAX);
	for (int k = 0; k < 20; k++)
		dht_store_expire(store, DHT_STORE_MS);
	assert_int_equal(dht_store_cnt(store), 0);
	dht_store_destroy(store);
}

static void
tokens_are_of_an_address_and_a_time(void **state)
{
	struct dht_address a = peer(1, true), b = peer(2, true), moved = a;
	uint8_t bytes[DHT_TOKEN_LEN];
	struct dht_span given = {bytes, sizeof(bytes)};
	struct dht_token token;

	(void)state;
	assert_int_equal(dht_token_create(&token, &dice, 0), 0);
	assert_true(dht_token_make(&token, &a, bytes));
	moved.port++;
	assert_true(dht_token_right(&token, &a, given));
	assert_true(dht_token_right(&token, &moved, given));
	assert_false(dht_token_right(&token, &b, given));
	given.len--;
	assert_false(dht_token_right(&token, &a, given));
	given.len++;
	dht_token_turn(&token, &dice, DHT_TOKEN_TURN_MS - 1);
	dht_token_turn(&token, &dice, DHT_TOKEN_TURN_MS);
	assert_true(dht_token_right(&token, &a, given));
	dht_token_turn(&token, &dice, 2 * DHT_TOKEN_TURN_MS);
	assert_false(dht_token_right(&token, &a, given));
	/* After long silence the secret before is not the one of long ago. */
	assert_true(dht_token_make(&token, &a, bytes));
	dht_token_turn(&token, &dice, 10 * DHT_TOKEN_TURN_MS);
	assert_false(dht_token_right(&token, &a, given));
	dht_token_destroy(&token);
}

static void
rates_are_kept(void **state)
{
	struct dht_rate rate;
	int taken = 0;

	(void)state;
	dht_rate_begin(&rate, 100, 20, 0);
	for (int64_t now_ms = 0; now_ms < 10000; now_ms++)
		taken += dht_rate_take(&rate, 1, now_ms);
	assert_in_range(taken, 100 * 10, 100 * 10 + 20);
	assert_true(dht_rate_take(&rate, 20, 11000));
	assert_false(dht_rate_has(&rate, 1, 11000));
	dht_rate_begin(&rate, 0, 0, 0);
	assert_true(dht_rate_take(&rate, 1 << 20, 0));
}

static void
each_host_has_its_rate(void **state)
{
	struct dht_hosts_limit limit = {.per_s = 4, .burst = 8, .rows = 64};
	struct dht_address quiet = peer(1, true), loud = peer(2, true);
	struct dht_hosts *hosts;
	int taken = 0;

	(void)state;
	assert_int_equal(dht_hosts_create(&hosts, &limit, 77), 0);
	for (int64_t now_ms = 0; now_ms < 10000; now_ms += 10) {
		loud.port++; /* another port is the same host */
		taken += dht_hosts_take(hosts, &loud, now_ms);
		if (now_ms % 1000 == 0)
			assert_true(dht_hosts_take(hosts, &quiet, now_ms));
	}
	assert_in_range(taken, 40, 48);
	/* Many more than there is room for: memory is what it is, and most have their first one. */
	taken = 0;
	for (uint32_t n = 0; n < 10000; n++) {
		struct dht_address p = peer(1000 + n, true);
		taken += dht_hosts_take(hosts, &p, 10000);
	}
	assert_int_equal(taken, 10000);
	dht_hosts_destroy(hosts);
}

static void
answers_belong_to_questions(void **state)
{
	struct dht_call call = {.contact = {.address = peer(1, true)}, .owner = 3}, got;
	struct dht_address elsewhere = peer(2, true);
	uint8_t tid[DHT_CALLS_TID_LEN], wrong[DHT_CALLS_TID_LEN], other[DHT_CALLS_TID_LEN];
	struct dht_calls *calls;

	(void)state;
	assert_int_equal(dht_calls_create(&calls, 3), 0);
	dht_calls_begin(calls, &call, &dice, tid);
	memcpy(wrong, tid, sizeof(wrong));
	wrong[3] ^= 1;
	assert_false(dht_calls_take(calls, &call.contact.address, (struct dht_span){wrong, 4}, &got));
	assert_false(dht_calls_take(calls, &call.contact.address, (struct dht_span){tid, 3}, &got));
	assert_false(dht_calls_take(calls, &elsewhere, (struct dht_span){tid, 4}, &got));
	wrong[0] = wrong[1] = 0xff;
	assert_false(dht_calls_take(calls, &call.contact.address, (struct dht_span){wrong, 4}, &got));
	assert_true(dht_calls_take(calls, &call.contact.address, (struct dht_span){tid, 4}, &got));
	assert_int_equal(got.owner, 3);
	assert_false(dht_calls_take(calls, &call.contact.address, (struct dht_span){tid, 4}, &got));
	/* All at once, from the middle, and by age. */
	for (uint16_t i = 0; i < 3; i++) {
		call.owner = i;
		call.sent_ms = i;
		dht_calls_begin(calls, &call, &dice, i == 1 ? other : tid);
	}
	assert_true(dht_calls_full(calls));
	assert_true(dht_calls_take(calls, &call.contact.address, (struct dht_span){other, 4}, &got));
	assert_int_equal(got.owner, 1);
	assert_false(dht_calls_expired(calls, DHT_CALL_MS - 1, &got));
	assert_true(dht_calls_expired(calls, DHT_CALL_MS, &got));
	assert_int_equal(got.owner, 0);
	assert_false(dht_calls_expired(calls, DHT_CALL_MS, &got));
	assert_true(dht_calls_expired(calls, DHT_CALL_MS + 2, &got));
	assert_int_equal(got.owner, 2);
	assert_int_equal(dht_calls_cnt(calls), 0);
	dht_calls_destroy(calls);
}

/* BEP 43 */
static void
whom_nobody_reaches_is_read_only(void **state)
{
	struct dht_address asked = peer(1, true), stranger = peer(2, true);
	struct dht_reach reach;
	int64_t now_ms;

	(void)state;
	dht_reach_begin(&reach, 0);
	/* With nobody around it is not known. */
	assert_false(dht_reach_turn(&reach, 1, DHT_REACH_WAIT_MS));
	for (now_ms = DHT_REACH_WAIT_MS; now_ms < 2 * DHT_REACH_WAIT_MS; now_ms += 1000) {
		dht_reach_sent(&reach, &asked);
		dht_reach_query(&reach, &asked, now_ms); /* through the hole that we made */
		assert_false(dht_reach_turn(&reach, 20, now_ms));
	}
	assert_true(dht_reach_turn(&reach, 20, now_ms));
	assert_true(dht_reach_turn(&reach, 20, now_ms + DHT_REACH_REST_MS - 1));
	/* It is tried anew after a while; and ends as soon as one comes by itself. */
	now_ms += DHT_REACH_REST_MS;
	assert_false(dht_reach_turn(&reach, 20, now_ms));
	now_ms += DHT_REACH_WAIT_MS;
	assert_true(dht_reach_turn(&reach, 20, now_ms));
	dht_reach_query(&reach, &stranger, now_ms);
	assert_false(dht_reach_turn(&reach, 20, now_ms + 1));
	for (int i = 0; i < 100; i++) {
		now_ms += DHT_REACH_WAIT_MS / 2;
		dht_reach_query(&reach, &stranger, now_ms);
		assert_false(dht_reach_turn(&reach, 20, now_ms));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_are_stored_for_a_while),
		cmocka_unit_test(of_one_info_hash_the_oldest_gives_way),
		cmocka_unit_test(one_host_does_not_fill_the_store),
		cmocka_unit_test(the_store_has_an_end),
		cmocka_unit_test(tokens_are_of_an_address_and_a_time),
		cmocka_unit_test(rates_are_kept),
		cmocka_unit_test(each_host_has_its_rate),
		cmocka_unit_test(answers_belong_to_questions),
		cmocka_unit_test(whom_nobody_reaches_is_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
