/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The flow table: what is in it is found, full buckets or not, and what has left is not. */
#include "dataplane/tcp/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FLOWS = 3000, SEED = 7 };

static struct table table;
static struct flow flows[FLOWS];

static struct flow_key
key_of(uint32_t i)
{
	return (struct flow_key){.remote_be = i, .local_be = 1, .remote_port = 2, .local_port = 3};
}

static struct flow *
found(uint32_t i)
{
	struct flow_key key = key_of(i);

	return table_find(&table, &key);
}

static void
add(uint32_t i)
{
	struct flow_key key = key_of(i);

	table_add(&table, &flows[i], &key);
}

static void
begin(uint32_t cnt)
{
	memset(flows, 0, sizeof(flows));
	assert_int_equal(table_init(&table, cnt, SEED, MEMORY_ASKED, NULL), 0);
}

static uint32_t
over_in_all(void)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < table.bucket_cnt; i++)
		sum += table.buckets[i].over;
	return sum;
}

/* as full as it may be, some have gone on from a full bucket */
static void
all_are_found(void **state)
{
	uint32_t likely = 0;

	(void)state;
	begin(FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++)
		add(i);
	assert_true(over_in_all() > 0);
	for (uint32_t i = 0; i < FLOWS; i++) {
		assert_ptr_equal(found(i), &flows[i]);
		likely += table_likely(&table, flows[i].hash) == &flows[i];
	}
	assert_true(likely > FLOWS * 3 / 4);
	for (uint32_t i = FLOWS; i < 2 * FLOWS; i++)
		assert_null(found(i));
	table_fini(&table);
}

static void
what_left_is_gone_and_the_rest_is_not(void **state)
{
	uint32_t changes;

	(void)state;
	begin(FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++)
		add(i);
	changes = table.changes;
	for (uint32_t i = 0; i < FLOWS; i += 2)
		table_remove(&table, &flows[i]);
	assert_int_equal(table.changes - changes, FLOWS / 2);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_ptr_equal(found(i), i % 2 == 0 ? NULL : &flows[i]);
	for (uint32_t i = 0; i < FLOWS; i += 2)
		add(i);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_ptr_equal(found(i), &flows[i]);
	for (uint32_t i = 0; i < FLOWS; i++)
		table_remove(&table, &flows[i]);
	assert_int_equal(over_in_all(), 0);
	assert_int_equal(table.cnt, 0);
	table_fini(&table);
}

/* all flows in one bucket's reach: the smallest table, past its last bucket and round */
static void
a_small_table_wraps(void **state)
{
	(void)state;
	begin(TABLE_PLACES);
	for (uint32_t i = 0; i < TABLE_PLACES; i++)
		add(i);
	for (uint32_t i = 0; i < TABLE_PLACES; i++)
		assert_ptr_equal(found(i), &flows[i]);
	for (uint32_t i = 0; i < TABLE_PLACES; i++)
		table_remove(&table, &flows[i]);
	assert_null(found(0));
	table_fini(&table);
}

/* a count of those that went on, once it cannot count them, lets the search go on for ever */
static void
a_full_count_stays(void **state)
{
	uint32_t home;

	(void)state;
	begin(FLOWS);
	add(0);
	home = table_home(&table, flows[0].hash);
	table.buckets[home].over = UINT8_MAX;
	table_remove(&table, &flows[0]);
	assert_int_equal(table.buckets[home].over, UINT8_MAX);
	assert_null(found(0));
	table_fini(&table);
}

static void
each_is_seen_once_though_it_leaves(void **state)
{
	uint32_t at = 0;
	uint32_t cnt = 0;
	struct flow *flow;

	(void)state;
	begin(FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++)
		add(i);
	while ((flow = table_each(&table, &at)) != NULL) {
		table_remove(&table, flow);
		cnt++;
	}
	assert_int_equal(cnt, FLOWS);
	assert_int_equal(table.cnt, 0);
	table_fini(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_found),
		cmocka_unit_test(what_left_is_gone_and_the_rest_is_not),
		cmocka_unit_test(a_small_table_wraps),
		cmocka_unit_test(a_full_count_stays),
		cmocka_unit_test(each_is_seen_once_though_it_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
