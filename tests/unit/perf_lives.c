/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The comings and goings of the load generator's connections: ramp, leaving, coming back, slow
 * readers, several torrents. The carrier is the test's, its clock the lane's argument. */
#include "perf/leech_lane.h"
#include "perf/leech_wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CONNS = 40, PIECE_LEN = 65536, PIECE_CNT = 20, TORRENTS = 3 };

static const struct leech_torrent torrents[TORRENTS] = {
	{.total_len = PIECE_CNT * PIECE_LEN, .piece_len = PIECE_LEN, .piece_cnt = PIECE_CNT},
	{.total_len = PIECE_CNT * PIECE_LEN, .piece_len = PIECE_LEN, .piece_cnt = PIECE_CNT},
	{.total_len = PIECE_CNT * PIECE_LEN, .piece_len = PIECE_LEN, .piece_cnt = PIECE_CNT},
};

static struct leech_options options;
static struct leech_conn conns[CONNS];
static struct leech_lane lane;
static uint32_t room, woken;

static int
lab_open(struct leech_context *context, struct leech_conn *conn)
{
	if (room == 0)
		return -EAGAIN;
	room--;
	return leech_conn_begin(context, conn);
}

static void
lab_close(struct leech_context *context, struct leech_conn *conn)
{
	leech_conn_end(context, conn);
}

static void
lab_wake(struct leech_context *context, struct leech_conn *conn)
{
	(void)context;
	(void)conn;
	woken++;
}

static const struct leech_carrier carrier = {
	.open = lab_open, .close = lab_close, .wake = lab_wake,
};

static int
setup(void **state)
{
	(void)state;
	options = (struct leech_options){.connection_cnt = CONNS, .outstanding_cnt = 8,
					 .block_bytes = 16384, .seed = 5,
					 .slow_bytes_per_s = 65536};
	memset(conns, 0, sizeof(conns));
	memset(&lane, 0, sizeof(lane));
	room = UINT32_MAX;
	woken = 0;
	return 0;
}

static void
begin(uint64_t start_us, uint32_t torrent_cnt)
{
	lane.context = (struct leech_context){
		.options = &options, .torrents = torrents, .torrent_cnt = torrent_cnt,
		.language = &leech_wire_language, .conns = conns, .conn_cnt = CONNS,
	};
	assert_int_equal(leech_lane_init(&lane, &carrier, start_us), 0);
}

static int
teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < CONNS; i++)
		leech_conn_end(&lane.context, &conns[i]);
	leech_lane_fini(&lane);
	return 0;
}

static void
a_ramp_opens_so_many_each_second(void **state)
{
	(void)state;
	options.ramp_per_s = 10;
	begin(1000, 1);
	for (uint32_t s = 0; s < 4; s++) {
		leech_lane_due(&lane, 1000 + s * 1000000 + 950000);
		assert_int_equal(lane.context.live_cnt, (s + 1) * 10);
	}
	assert_false(leech_lane_is_over(&lane));
}

static void
what_the_carrier_refuses_is_opened_later(void **state)
{
	(void)state;
	begin(1000, 1);
	room = 15;
	leech_lane_due(&lane, 1000);
	assert_int_equal(lane.context.live_cnt, 15);
	room = 100;
	leech_lane_due(&lane, 2000);
	assert_int_equal(lane.context.live_cnt, CONNS);
}

static void
it_leaves_after_a_time_and_comes_back(void **state)
{
	uint64_t first_us = LEECH_NEVER, last_us = 0, sum_us = 0, now_us = leech_now_us();

	(void)state;
	options.leave_us = 10000000;
	options.return_us = 5000000;
	begin(now_us, 1);
	leech_lane_due(&lane, now_us);
	for (uint32_t i = 0; i < CONNS; i++) {
		uint64_t stay_us = conns[i].leave_us - conns[i].opened_us;

		first_us = stay_us < first_us ? stay_us : first_us;
		last_us = stay_us > last_us ? stay_us : last_us;
		sum_us += stay_us;
	}
	assert_true(first_us >= 5000000 && last_us < 15000000);
	assert_true(last_us - first_us > 5000000);
	assert_true(sum_us / CONNS > 8000000 && sum_us / CONNS < 12000000);
	leech_lane_due(&lane, now_us + 4000000);
	assert_int_equal(lane.tally.left_cnt, 0);
	leech_lane_due(&lane, now_us + 16000000);
	assert_int_equal(lane.tally.left_cnt, CONNS);
	assert_int_equal(lane.context.live_cnt, 0);
	assert_false(leech_lane_is_over(&lane));
	options.leave_us = 0;
	leech_lane_due(&lane, now_us + 22000000);
	assert_int_equal(conns[0].life_cnt, 2);
	assert_int_equal(lane.context.live_cnt, CONNS);
}

static void
it_leaves_after_so_many_bytes(void **state)
{
	struct leech_conn *conn = &conns[7];
	uint64_t want;

	(void)state;
	options.leave_bytes = 1000000;
	options.return_us = 1000000;
	begin(1000, 1);
	leech_lane_due(&lane, 1000);
	want = conn->leave_bytes;
	assert_true(want > 500000 && want <= 1500001);
	conn->state = LEECH_CONN_OPEN;
	conn->life_bytes = want - 1;
	conn->requests[0].block.len = 2;
	conn->request_cnt = 1;
	conn->body_left = 2;
	conn->body_is_block = true;
	leech_conn_body(&lane.context, conn, 1);
	leech_lane_due(&lane, 2000);
	assert_int_equal(lane.tally.left_cnt, 0);
	leech_conn_body(&lane.context, conn, 1);
	leech_lane_due(&lane, 3000);
	assert_int_equal(lane.tally.left_cnt, 1);
	assert_false(leech_conn_is_live(conn));
	assert_int_equal(conn->payload_bytes, 2);
	leech_lane_due(&lane, 3000 + 1000000);
	assert_int_equal(conn->life_cnt, 2);
	assert_int_equal(conn->life_bytes, 0);
}

static void
a_share_reads_slowly_and_is_woken(void **state)
{
	uint32_t slow = 0;

	(void)state;
	options.slow_permille = 250;
	begin(1000, 1);
	leech_lane_due(&lane, 1000);
	for (uint32_t i = 0; i < CONNS; i++)
		slow += conns[i].slow;
	assert_int_equal(slow, CONNS / 4);
	leech_conn_sleep(&lane.context, &conns[3], 5000);
	leech_lane_due(&lane, 4999);
	assert_int_equal(woken, 0);
	leech_lane_due(&lane, 5000);
	assert_int_equal(woken, 1);
}

static void
each_life_has_the_next_torrent(void **state)
{
	(void)state;
	begin(1000, TORRENTS);
	leech_lane_due(&lane, 1000);
	for (uint32_t i = 0; i < CONNS; i++)
		assert_ptr_equal(conns[i].torrent, &torrents[i % TORRENTS]);
	leech_conn_end(&lane.context, &conns[0]);
	leech_conn_begin(&lane.context, &conns[0]);
	assert_ptr_equal(conns[0].torrent, &torrents[CONNS % TORRENTS]);
}

static void
it_is_over_when_all_have_ended(void **state)
{
	(void)state;
	begin(1000, 1);
	assert_false(leech_lane_is_over(&lane));
	leech_lane_due(&lane, 1000);
	for (uint32_t i = 0; i < CONNS; i++) {
		assert_false(leech_lane_is_over(&lane));
		leech_conn_end(&lane.context, &conns[i]);
	}
	assert_true(leech_lane_is_over(&lane));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_ramp_opens_so_many_each_second),
		TEST(what_the_carrier_refuses_is_opened_later),
		TEST(it_leaves_after_a_time_and_comes_back),
		TEST(it_leaves_after_so_many_bytes),
		TEST(a_share_reads_slowly_and_is_woken),
		TEST(each_life_has_the_next_torrent),
		TEST(it_is_over_when_all_have_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
