/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One lookup, and the order of announces over half an hour; what is kept of a node as text. */
#include "control/dht/dht_lookup.h"
#include "control/dht/dht_resolve.h"
#include "control/dht/dht_saved.h"
#include "control/dht/dht_schedule.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct dht_random dice = {.seed = 8};
static const uint8_t target[DHT_ID_LEN] = {0x33};
static struct dht_lookup lookup;
static const struct dht_span no_token;
static const struct dht_span token = {(const uint8_t *)"t", 1};

/* The n-th farthest node: it shares 40 - n bits with the target. */
static struct dht_contact
contact(uint8_t n)
{
	struct dht_contact c = {.address = {.ip = {10, 0, 0, n}, .ip_len = 4, .port = 7}};

	dht_id_share(c.id, target, 40u - n, &dice);
	return c;
}

static void
it_asks_ever_closer_nodes(void **state)
{
	const struct dht_lookup_node *closest[DHT_BUCKET];
	struct dht_lookup_node *next;
	uint32_t asked = 0;
	uint8_t told = 39;

	(void)state;
	dht_lookup_begin(&lookup, target, true, 0);
	struct dht_contact c = contact(told);
	assert_true(dht_lookup_add(&lookup, &c, true));
	assert_false(dht_lookup_add(&lookup, &c, true));
	while ((next = dht_lookup_next(&lookup, 1)) != NULL) {
		struct dht_contact from = next->contact;
		asked++;
		dht_lookup_asked(&lookup, next, 1);
		assert_false(dht_lookup_done(&lookup, 1));
		for (int i = 0; i < 3 && told > 0; i++) {
			c = contact(--told);
			dht_lookup_add(&lookup, &c, true);
		}
		dht_lookup_replied(&lookup, &from, token);
	}
	assert_true(dht_lookup_done(&lookup, 1));
	assert_int_equal(dht_lookup_closest(&lookup, closest), DHT_BUCKET);
	for (uint8_t i = 0; i < DHT_BUCKET; i++)
		assert_int_equal(closest[i]->contact.address.ip[3], i);
	assert_in_range(asked, DHT_BUCKET, 30);
}

static void
a_few_are_asked_at_once_and_the_slow_are_passed(void **state)
{
	struct dht_lookup_node *next;
	uint32_t asked = 0;

	(void)state;
	dht_lookup_begin(&lookup, target, false, 0);
	for (uint8_t n = 0; n < 20; n++) {
		struct dht_contact c = contact(n);
		assert_true(dht_lookup_add(&lookup, &c, true));
	}
	for (int64_t now_ms = 0; now_ms < 3; now_ms++)
		while ((next = dht_lookup_next(&lookup, now_ms)) != NULL) {
			dht_lookup_asked(&lookup, next, now_ms);
			asked++;
		}
	assert_int_equal(asked, DHT_LOOKUP_ALPHA);
	while ((next = dht_lookup_next(&lookup, DHT_LOOKUP_SLOW_MS + 2)) != NULL) {
		dht_lookup_asked(&lookup, next, DHT_LOOKUP_SLOW_MS + 2);
		asked++;
	}
	assert_int_equal(asked, 2 * DHT_LOOKUP_ALPHA);
	/* One that is put off lets another go first. */
	struct dht_contact lost = contact(0);
	dht_lookup_failed(&lookup, &lost.address);
	next = dht_lookup_next(&lookup, 2 * DHT_LOOKUP_SLOW_MS + 3);
	uint8_t first = next->contact.address.ip[3];
	dht_lookup_put_off(next, 4 * DHT_LOOKUP_SLOW_MS);
	next = dht_lookup_next(&lookup, 2 * DHT_LOOKUP_SLOW_MS + 3);
	assert_int_equal(next->contact.address.ip[3], first + 1);
	assert_false(dht_lookup_done(&lookup, DHT_LOOKUP_MS - 1));
	assert_true(dht_lookup_done(&lookup, DHT_LOOKUP_MS));
	assert_null(dht_lookup_next(&lookup, DHT_LOOKUP_MS));
}

/* Whatever is told, there is an end to it: ever closer nodes that do not exist. */
static void
it_ends_whatever_is_told(void **state)
{
	struct dht_lookup_node *next;
	uint32_t n = 0, asked = 0;

	(void)state;
	dht_lookup_begin(&lookup, target, true, 0);
	struct dht_contact c = contact(39);
	dht_lookup_add(&lookup, &c, true);
	while ((next = dht_lookup_next(&lookup, asked)) != NULL) {
		struct dht_contact from = next->contact;
		dht_lookup_asked(&lookup, next, asked);
		asked++;
		for (int i = 0; i < 32; i++, n++) {
			c.address.ip[1] = 1;
			c.address.ip[2] = (uint8_t)(n >> 8);
			c.address.ip[3] = (uint8_t)n;
			dht_id_share(c.id, target, 40 + (n / 16 < 100 ? n / 16 : 100), &dice);
			dht_lookup_add(&lookup, &c, true);
		}
		dht_lookup_replied(&lookup, &from, no_token);
	}
	assert_int_equal(asked, DHT_LOOKUP_ASKS_MAX);
	assert_true(dht_lookup_done(&lookup, asked));
	assert_int_equal(lookup.cnt, DHT_LOOKUP_NODES);
}

static void
only_who_can_store_counts(void **state)
{
	const struct dht_lookup_node *closest[DHT_BUCKET];
	struct dht_contact c = contact(0), lied = contact(1);

	(void)state;
	dht_lookup_begin(&lookup, target, true, 0);
	/* A global address with an id that is not its (BEP 42), one without a token, a good one. */
	c.address.ip[0] = 50;
	assert_true(dht_lookup_add(&lookup, &c, true));
	assert_true(dht_lookup_add(&lookup, &lied, true));
	struct dht_contact good = contact(2);
	assert_true(dht_lookup_add(&lookup, &good, true));
	for (struct dht_lookup_node *next; (next = dht_lookup_next(&lookup, 0)) != NULL;)
		dht_lookup_asked(&lookup, next, 0);
	dht_lookup_replied(&lookup, &c, token);
	dht_lookup_replied(&lookup, &lied, no_token);
	dht_lookup_replied(&lookup, &good, token);
	assert_int_equal(dht_lookup_closest(&lookup, closest), 1);
	assert_memory_equal(closest[0]->contact.id, good.id, DHT_ID_LEN);
	assert_true(dht_lookup_done(&lookup, 0));
	/* The same port of many on one global host: once. */
	c.address.ip[1] = 99;
	assert_true(dht_lookup_add(&lookup, &c, true));
	c.address.port++;
	assert_false(dht_lookup_add(&lookup, &c, true));
}

/* One who is not who it was said to be stands where its own id is. */
static void
an_answer_says_whose_it_is(void **state)
{
	const struct dht_lookup_node *closest[DHT_BUCKET];
	struct dht_contact told = contact(0), far = contact(5), router = contact(9), is = told;

	(void)state;
	dht_lookup_begin(&lookup, target, false, 0);
	dht_lookup_add(&lookup, &told, true);
	dht_lookup_add(&lookup, &far, true);
	dht_lookup_add(&lookup, &router, false);
	assert_int_equal(dht_lookup_next(&lookup, 0)->contact.address.ip[3], 9); /* unknown: first */
	for (struct dht_lookup_node *next; (next = dht_lookup_next(&lookup, 0)) != NULL;)
		dht_lookup_asked(&lookup, next, 0);
	dht_id_share(is.id, target, 1, &dice);
	dht_lookup_replied(&lookup, &is, no_token);
	dht_lookup_replied(&lookup, &far, no_token);
	dht_lookup_replied(&lookup, &router, no_token);
	assert_int_equal(dht_lookup_closest(&lookup, closest), 3);
	assert_int_equal(closest[0]->contact.address.ip[3], 5);
	assert_int_equal(closest[1]->contact.address.ip[3], 9);
	assert_int_equal(closest[2]->contact.address.ip[3], 0);
}

/* ---- The schedule. */

enum {
	TORRENTS = 20000,
};

static void
hash_of(uint8_t *info_hash, uint32_t n)
{
	struct dht_random random = {.seed = n + 1};

	dht_random_fill(&random, info_hash, DHT_ID_LEN);
}

static void
announces_are_spread_and_none_is_left_out(void **state)
{
	static int64_t last_ms[TORRENTS];
	struct dht_schedule *schedule;
	uint8_t info_hash[DHT_ID_LEN];
	struct dht_due due;
	uint32_t waiting, most = 0;
	int64_t now_ms = 0, gap_ms = 0;

	(void)state;
	assert_int_equal(dht_schedule_create(&schedule, 0), 0);
	for (uint32_t n = 0; n < TORRENTS; n++) {
		hash_of(info_hash, n);
		assert_int_equal(dht_schedule_add(schedule, info_hash, n), 0);
		assert_int_equal(dht_schedule_add(schedule, info_hash, n), 0);
	}
	assert_int_equal(dht_schedule_cnt(schedule, &waiting), TORRENTS);
	assert_int_equal(waiting, TORRENTS);
	/* At most 40 a second, over three periods. */
	for (; now_ms < 3 * DHT_PERIOD_MS; now_ms += 1000) {
		uint32_t taken = 0;
		while (taken < 40 && dht_schedule_next(schedule, now_ms, &due)) {
			int64_t since_ms = last_ms[due.tag] != 0 ? now_ms - last_ms[due.tag] : 0;
			gap_ms = since_ms > gap_ms ? since_ms : gap_ms;
			last_ms[due.tag] = now_ms + 1;
			dht_schedule_done(schedule, due.info_hash, 8, now_ms + 1);
			taken++;
		}
		if (now_ms > DHT_PERIOD_MS && taken > most)
			most = taken;
	}
	for (uint32_t n = 0; n < TORRENTS; n++)
		assert_true(now_ms - last_ms[n] <= DHT_PERIOD_MS + 1000);
	/* Nobody waits longer than others remember; the load is even: 12 a second and some. */
	assert_true(gap_ms <= 30 * 60 * 1000);
	assert_true(most <= 36);
	dht_schedule_destroy(schedule);
}

static void
those_that_follow_each_other_are_anywhere(void **state)
{
	struct dht_schedule *schedule;
	uint8_t info_hash[DHT_ID_LEN];
	struct dht_due due;
	uint32_t near_cnt = 0;
	uint8_t before = 0;

	(void)state;
	assert_int_equal(dht_schedule_create(&schedule, 0), 0);
	for (uint32_t n = 0; n < 1000; n++) {
		hash_of(info_hash, n);
		dht_schedule_add(schedule, info_hash, n);
	}
	for (uint32_t n = 0; n < 1000; n++) {
		assert_true(dht_schedule_next(schedule, 0, &due));
		near_cnt += (due.info_hash[0] ^ before) < 16;
		before = due.info_hash[0];
	}
	assert_in_range(near_cnt, 40, 90); /* share the first four bits: by chance 62 do */
	assert_false(dht_schedule_next(schedule, 0, &due));
	dht_schedule_destroy(schedule);
}

static void
what_failed_is_tried_again(void **state)
{
	struct dht_schedule *schedule;
	struct dht_last last;
	struct dht_due due;
	uint32_t waiting;

	(void)state;
	assert_int_equal(dht_schedule_create(&schedule, 0), 0);
	dht_schedule_add(schedule, target, 5);
	assert_true(dht_schedule_next(schedule, 0, &due));
	assert_false(due.cleared);
	dht_schedule_clear(schedule, due.info_hash);
	dht_schedule_done(schedule, due.info_hash, 0, 10);
	assert_false(dht_schedule_next(schedule, DHT_RETRY_MS, &due));
	assert_true(dht_schedule_last(schedule, target, &last));
	assert_int_equal(last.failed_cnt, 1);
	assert_true(dht_schedule_next(schedule, DHT_RETRY_MS + 10, &due));
	assert_true(due.cleared);
	assert_int_equal(due.tag, 5);
	dht_schedule_done(schedule, due.info_hash, 3, DHT_RETRY_MS + 20);
	dht_schedule_last(schedule, target, &last);
	assert_int_equal(last.stored_cnt, 3);
	assert_int_equal(last.failed_cnt, 0);
	assert_int_equal(last.at_ms, DHT_RETRY_MS + 20);
	assert_int_equal(dht_schedule_cnt(schedule, &waiting), 1);
	assert_int_equal(waiting, 0);
	dht_schedule_destroy(schedule);
}

static void
what_is_barred_or_removed_is_not_announced(void **state)
{
	struct dht_schedule *schedule;
	uint8_t other[DHT_ID_LEN] = {0x33, 1};
	struct dht_last last;
	struct dht_due due;
	uint32_t waiting;

	(void)state;
	assert_int_equal(dht_schedule_create(&schedule, 0), 0);
	dht_schedule_add(schedule, target, 1);
	assert_true(dht_schedule_next(schedule, 0, &due));
	dht_schedule_bar(schedule, target);
	dht_schedule_add(schedule, target, 2);
	dht_schedule_add(schedule, other, 3);
	assert_int_equal(dht_schedule_cnt(schedule, &waiting), 1);
	dht_schedule_remove(schedule, other);
	for (int64_t now_ms = 0; now_ms < 2 * DHT_PERIOD_MS; now_ms += 10000)
		assert_false(dht_schedule_next(schedule, now_ms, &due));
	assert_true(dht_schedule_last(schedule, target, &last) && last.barred);
	assert_false(dht_schedule_last(schedule, other, &last));
	/* Removed in every state. */
	int64_t now_ms = 3 * (int64_t)DHT_PERIOD_MS;
	for (int i = 0; i < 4; i++) {
		dht_schedule_add(schedule, other, 3);
		if (i > 0)
			assert_true(dht_schedule_next(schedule, now_ms, &due));
		if (i > 1)
			dht_schedule_done(schedule, other, 0, now_ms);
		if (i > 2)
			assert_true(dht_schedule_next(schedule, now_ms += DHT_RETRY_MS, &due));
		dht_schedule_remove(schedule, other);
		assert_false(dht_schedule_next(schedule, now_ms += DHT_RETRY_MS, &due));
		assert_int_equal(dht_schedule_cnt(schedule, &waiting), 0);
		assert_int_equal(waiting, 0);
	}
	dht_schedule_destroy(schedule);
}

/* ---- Text. */

/* One to be announced, one that rests, one that is barred, one that is being announced. */
static void
what_is_gone_takes_no_room(void **state)
{
	struct dht_schedule *schedule;
	struct dht_due due;
	struct dht_last last;
	uint32_t waiting_cnt;

	(void)state;
	assert_int_equal(dht_schedule_create(&schedule, 0), 0);
	for (uint8_t n = 0; n < 3; n++) {
		assert_int_equal(dht_schedule_add(schedule, (uint8_t[DHT_ID_LEN]){n}, n), 0);
		assert_true(dht_schedule_next(schedule, 1, &due));
		if (n == 0)
			dht_schedule_done(schedule, due.info_hash, 8, 1);
		if (n == 1)
			dht_schedule_bar(schedule, due.info_hash);
	}
	assert_int_equal(dht_schedule_add(schedule, (uint8_t[DHT_ID_LEN]){3}, 3), 0);
	for (uint8_t n = 0; n < 5; n++)
		dht_schedule_gone(schedule, (uint8_t[DHT_ID_LEN]){n});
	for (uint8_t n = 0; n < 4; n++)
		assert_int_equal(dht_schedule_last(schedule, (uint8_t[DHT_ID_LEN]){n}, &last), n == 2);
	assert_int_equal(dht_schedule_cnt(schedule, &waiting_cnt), 1);
	assert_int_equal(waiting_cnt, 0);
	dht_schedule_done(schedule, (uint8_t[DHT_ID_LEN]){2}, 0, 2);
	dht_schedule_gone(schedule, (uint8_t[DHT_ID_LEN]){2}); /* in the queue: its turn comes */
	assert_true(dht_schedule_next(schedule, 2 + DHT_RETRY_MS, &due));
	assert_int_equal(due.tag, 2);
	dht_schedule_destroy(schedule);
}

static void
what_is_kept_is_read_again(void **state)
{
	static const char *const damaged[] = {
		"", "x", "00", "zz33", "3300000000000000000000000000000000000000 12",
		"3300000000000000000000000000000000000000 q",
	};
	static struct dht_saved saved, read;
	char text[DHT_SAVED_TEXT_MAX];

	(void)state;
	memcpy(saved.id, target, DHT_ID_LEN);
	for (saved.cnt = 0; saved.cnt < DHT_SAVED_NODES; saved.cnt++) {
		saved.node[saved.cnt] = contact((uint8_t)(saved.cnt % 40));
		if (saved.cnt % 2)
			saved.node[saved.cnt].address.ip_len = 16;
	}
	dht_saved_write(&saved, text);
	dht_saved_read(&read, text);
	assert_memory_equal(&read, &saved, sizeof(saved));
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		dht_saved_read(&read, damaged[i]);
		assert_int_equal(read.cnt, 0);
		assert_int_equal(read.id[0], i < 4 ? 0 : 0x33);
	}
}

static void
routers_are_host_and_port(void **state)
{
	static const char *const right[] = {"", "a.example:1", "1.2.3.4:65535", "[::1]:6881",
	                                    "a.example:1,[2001:db8::1]:2,b:3"};
	static const char *const wrong[] = {
		"a", ":1", "a:", "a:0", "a:65536", "a:1,", ",a:1", "a:1,,b:2",
		"::1:6881", "[]:1", "a b:1", "a:1x", "a:-1", "a:+1", "a: 1",
	};
	char many[DHT_BOOTSTRAP_MAX] = "a:1";
	struct fail fail;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		if (dht_bootstrap_check(right[i], &fail) != 0)
			fail_msg("refused: %s", right[i]);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (dht_bootstrap_check(wrong[i], &fail) != -EINVAL)
			fail_msg("taken: %s", wrong[i]);
	for (int i = 0; i < DHT_ROUTERS_MAX; i++)
		strcat(many, ",a:1");
	assert_int_equal(dht_bootstrap_check(many, &fail), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_asks_ever_closer_nodes),
		cmocka_unit_test(a_few_are_asked_at_once_and_the_slow_are_passed),
		cmocka_unit_test(it_ends_whatever_is_told),
		cmocka_unit_test(only_who_can_store_counts),
		cmocka_unit_test(an_answer_says_whose_it_is),
		cmocka_unit_test(announces_are_spread_and_none_is_left_out),
		cmocka_unit_test(those_that_follow_each_other_are_anywhere),
		cmocka_unit_test(what_failed_is_tried_again),
		cmocka_unit_test(what_is_barred_or_removed_is_not_announced),
		cmocka_unit_test(what_is_gone_takes_no_room),
		cmocka_unit_test(what_is_kept_is_read_again),
		cmocka_unit_test(routers_are_host_and_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
