/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* BBR on a path made by the test: a bottleneck with a queue, a round trip, losses. Every mode and
 * what leads from one to the next (draft-cardwell-iccrg-bbr-congestion-control-00 4.3), the rate
 * and window that follow (4.2), recovery (4.2.3.4). */
#include "dataplane/tcp/cc.h"
#include "dataplane/tcp/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MSS = 1448, QUEUE_MAX = 1 << 14 };

struct packet {
	uint64_t acked_us;
	uint64_t sent_us;
	struct rate_mark mark;
	bool lost;
};

/* struct path is the bottleneck, and the sender before it */
static struct path {
	struct cc cc;
	struct rate rate;
	struct pace pace;
	struct packet packet[QUEUE_MAX];
	uint32_t head;             /* oldest in flight, and next to send; masked */
	uint32_t tail;
	uint64_t now_us;
	uint64_t free_us;          /* the bottleneck is busy until then */
	uint32_t packet_us;        /* it takes so long for one */
	uint32_t rtt_us;
	uint32_t loss_1024;
	uint32_t app_limit;        /* packets in flight that the owner provides for */
	uint32_t rng;
	uint64_t delivered_cnt;
	uint64_t recover;          /* number of the packet that ends recovery */
	bool recovering;
	uint32_t seen_modes;
	uint32_t pipe_most;        /* packets */
	uint64_t low_us;           /* time with 4 packets or less in flight in PROBE_RTT */
} path;

static void
start(uint32_t packet_us, uint32_t rtt_us)
{
	memset(&path, 0, sizeof(path));
	path.now_us = 5000000;
	path.packet_us = packet_us;
	path.rtt_us = rtt_us;
	path.app_limit = QUEUE_MAX - 1;
	path.rng = 1;
	path.rate.delivered_bytes = UINT32_MAX - 1000000;      /* wraps on the way */
	cc_init(&path.cc, &cc_bbr, MSS, false);
}

static uint32_t
in_flight(void)
{
	return path.tail - path.head;
}

static bool
may_send(void)
{
	pace_settle(&path.pace, path.now_us);
	return !path.pace.shut && (in_flight() + 1) * MSS <= path.cc.cwnd_bytes &&
	       in_flight() < path.app_limit;
}

static void
send_one(void)
{
	struct packet *packet = &path.packet[path.tail++ & (QUEUE_MAX - 1)];

	rate_sent(&path.rate, &packet->mark, path.now_us, in_flight() == 1);
	packet->sent_us = path.now_us;
	path.free_us = MAX(path.free_us, path.now_us) + path.packet_us;
	packet->acked_us = path.free_us + path.rtt_us;
	path.rng = path.rng * 1664525 + 1013904223;
	packet->lost = path.rng >> 22 < path.loss_1024;
	pace_charge(&path.pace, MSS, path.now_us);
}

/* ack_one takes what arrives now: a packet's acknowledgement, or that it was lost. */
static void
ack_one(void)
{
	struct packet *packet = &path.packet[path.head++ & (QUEUE_MAX - 1)];
	struct rate_pick pick = {.min_rtt_us = path.rtt_us};
	struct cc_ack ack = {
		.now_us = path.now_us, .delivered_bytes = packet->lost ? 0 : MSS,
		.lost_bytes = packet->lost ? MSS : 0, .pipe_bytes = in_flight() * MSS,
		.acked_bytes = packet->lost ? 0 : MSS, .srtt_us = path.rtt_us,
		.rtt_us = packet->lost ? 0 : (uint32_t)(path.now_us - packet->sent_us),
	};

	if (packet->lost && !path.recovering) {
		path.recovering = true;
		path.recover = path.tail + in_flight();        /* what is sent again too */
		cc_lost(&path.cc, ack.pipe_bytes);
	} else if (path.recovering && (int32_t)(path.head - (uint32_t)path.recover) >= 0) {
		path.recovering = false;
	}
	ack.repairing = path.recovering;
	if (!packet->lost) {
		rate_pick_sent(&pick, &packet->mark, packet->sent_us);
		path.delivered_cnt++;
	}
	rate_acked(&path.rate, &pick, ack.delivered_bytes, path.now_us, &ack.rate);
	path.cc.ops->acked(&path.cc, &ack);
	pace_follow(&path.pace, path.cc.byte_time, MSS);
	if (path.cc.holds_back || in_flight() >= path.app_limit)
		rate_limit(&path.rate, ack.pipe_bytes);
}

static void
run(uint64_t us)
{
	uint64_t end_us = path.now_us + us;

	while (path.now_us < end_us) {
		uint64_t next_us = path.now_us + 1000;

		while (may_send())
			send_one();
		if (in_flight() >= path.app_limit)
			rate_limit(&path.rate, in_flight() * MSS);
		path.seen_modes |= 1u << path.cc.bbr.mode;
		path.pipe_most = MAX(path.pipe_most, in_flight());
		if (in_flight() > 0)
			next_us = MIN(next_us, path.packet[path.head & (QUEUE_MAX - 1)].acked_us);
		if (path.pace.shut)
			next_us = MIN(next_us, pace_open_us(&path.pace));
		next_us = MAX(next_us, path.now_us);
		if (path.cc.bbr.mode == BBR_PROBE_RTT && in_flight() <= 4)
			path.low_us += next_us - path.now_us;
		path.now_us = next_us;
		while (in_flight() > 0 &&
		       path.packet[path.head & (QUEUE_MAX - 1)].acked_us <= path.now_us)
			ack_one();
	}
}

static uint32_t
bandwidth(void)
{
	return (uint32_t)(((uint64_t)MSS << BBR_BW_SHIFT) / path.packet_us);
}

/* product returns the packets that fill the path. */
static uint32_t
product(void)
{
	return path.rtt_us / path.packet_us;
}

static void
startup_fills_drain_empties(void **state)
{
	(void)state;
	start(100, 40000);                     /* 116 Mb/s, 400 packets */
	while (path.cc.bbr.mode == BBR_STARTUP && path.now_us < 10000000)
		run(1000);
	assert_int_equal(path.cc.bbr.mode, BBR_DRAIN);
	assert_true(path.cc.bbr.full && path.now_us < 5000000 + 20 * 40000);
	assert_true(in_flight() > product());
	while (path.cc.bbr.mode == BBR_DRAIN && path.now_us < 10000000)
		run(1000);
	assert_int_equal(path.cc.bbr.mode, BBR_PROBE_BW);
	assert_true(in_flight() <= product() + product() / 4);
	assert_in_range(winmax_get(&path.cc.bbr.bw), bandwidth() * 0.95, bandwidth() * 1.05);
	assert_in_range(path.cc.bbr.min_rtt_us, 40000, 42000);
}

static void
steady_state_uses_the_path_and_keeps_its_queue_short(void **state)
{
	uint64_t before;

	(void)state;
	start(100, 40000);
	run(2000000);
	path.pipe_most = 0;
	before = path.delivered_cnt;
	run(4000000);
	assert_true(path.delivered_cnt - before > 40000 * 0.97);
	assert_true(path.pipe_most < product() * 1.5);
	assert_in_range(path.cc.cwnd_bytes, product() * 2 * MSS, product() * 2.6 * MSS);
}

/* 4.3.4: eight phases of a round trip, one above the rate and one below */
static void
the_cycle_goes_round(void **state)
{
	uint32_t cnt[8] = {0};

	(void)state;
	start(100, 40000);
	run(2000000);
	for (uint32_t i = 0; i < 6400; i++) {
		const struct bbr *bbr = &path.cc.bbr;
		uint64_t unity = bbr->byte_time;

		run(1000);
		if (bbr->mode != BBR_PROBE_BW)
			continue;
		cnt[bbr->cycle]++;
		unity = bbr->byte_time;
		if (bbr->cycle == 0)
			assert_in_range(path.cc.byte_time, unity * 0.78, unity * 0.82);
		else if (bbr->cycle == 1)
			assert_in_range(path.cc.byte_time, unity * 1.30, unity * 1.36);
		else
			assert_int_equal(path.cc.byte_time, unity);
	}
	for (uint32_t i = 2; i < 8; i++)
		assert_in_range(cnt[i], 600, 1300);
	assert_true(cnt[0] > 300 && cnt[1] > 50);
}

/* 4.3.5: every 10 s without a new minimum, 200 ms with 4 packets in flight, and back */
static void
probe_rtt_looks_for_the_round_trip(void **state)
{
	uint32_t cwnd;

	(void)state;
	start(100, 40000);
	run(3000000);
	path.rtt_us = 60000;                   /* the path has grown longer */
	cwnd = path.cc.cwnd_bytes;
	path.seen_modes = 0;
	run(12000000);
	assert_true(path.seen_modes & 1u << BBR_PROBE_RTT);
	assert_in_range(path.low_us, 195000, 400000);
	assert_in_range(path.cc.bbr.min_rtt_us, 60000, 62000);
	assert_int_equal(path.cc.bbr.mode, BBR_PROBE_BW);
	assert_true(path.cc.cwnd_bytes > cwnd);
	assert_in_range(winmax_get(&path.cc.bbr.bw), bandwidth() * 0.95, bandwidth() * 1.05);
}

static void
a_slower_path_is_found_within_ten_rounds(void **state)
{
	(void)state;
	start(100, 40000);
	run(3000000);
	path.packet_us = 400;
	run(8000000);                          /* rounds are long while the queue is */
	assert_in_range(winmax_get(&path.cc.bbr.bw), bandwidth() * 0.95, bandwidth() * 1.1);
}

static void
a_faster_path_is_found_by_probing(void **state)
{
	(void)state;
	start(200, 40000);
	run(2000000);
	path.packet_us = 100;
	run(3000000);
	assert_in_range(winmax_get(&path.cc.bbr.bw), bandwidth() * 0.95, bandwidth() * 1.05);
}

/* random loss is not congestion: up to a tenth costs little more than what it takes */
static void
losses_do_not_slow_it_down(void **state)
{
	static const uint32_t loss_1024[] = {10, 51, 102};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(loss_1024); i++) {
		uint64_t before;

		start(100, 40000);
		path.loss_1024 = loss_1024[i];
		run(2000000);
		before = path.delivered_cnt;
		run(4000000);
		assert_true(path.delivered_cnt - before >
		            40000 * 0.85 * (1024 - loss_1024[i]) / 1024);
	}
}

/* 4.2.3.4: for one round what is delivered lets as much leave; then the window comes back */
static void
recovery_conserves_packets_for_a_round(void **state)
{
	struct bbr *bbr = &path.cc.bbr;
	uint32_t cwnd;

	(void)state;
	start(100, 40000);
	run(2000000);
	cwnd = path.cc.cwnd_bytes;
	path.packet[path.head & (QUEUE_MAX - 1)].lost = true;
	while (!path.recovering)
		run(10);
	run(10000);
	assert_true(bbr->conserve);
	assert_true(path.cc.cwnd_bytes <= (product() * 1.4) * MSS);
	run(60000);
	assert_false(bbr->conserve);
	while (path.recovering)
		run(1000);
	run(1000);
	assert_true(path.cc.cwnd_bytes >= cwnd - MSS);
}

/* what is lost a second time while it is repaired is no reason to hold back once more */
static void
losses_within_recovery_do_not_conserve_again(void **state)
{
	struct bbr *bbr = &path.cc.bbr;

	(void)state;
	start(100, 40000);
	run(2000000);
	path.packet[path.head & (QUEUE_MAX - 1)].lost = true;
	while (!bbr->conserve)
		run(10);
	while (bbr->conserve)
		run(1000);
	assert_true(path.recovering);
	cc_lost(&path.cc, in_flight() * MSS);
	run(1000);
	assert_false(bbr->conserve);
}

static void
a_timeout_begins_with_a_segment_and_ends_where_it_was(void **state)
{
	uint32_t cwnd;

	(void)state;
	start(100, 40000);
	run(2000000);
	cwnd = path.cc.cwnd_bytes;
	cc_timed_out(&path.cc, in_flight() * MSS);
	assert_int_equal(path.cc.cwnd_bytes, MSS);
	assert_int_equal(path.cc.bbr.full_bw, 0);
	run(2000000);
	assert_true(path.cc.cwnd_bytes >= cwnd / 10 * 9);
}

static void
an_owner_that_is_slow_does_not_lower_the_model(void **state)
{
	uint32_t bw;

	(void)state;
	start(100, 40000);
	run(2000000);
	bw = winmax_get(&path.cc.bbr.bw);
	path.app_limit = 20;                   /* a twentieth of the path */
	run(5000000);
	assert_in_range(winmax_get(&path.cc.bbr.bw), bw * 0.95, bw * 1.05);
}

/* 4.2.4: after idling, at the rate: neither above it nor below */
static void
a_restart_from_idle_keeps_to_the_rate(void **state)
{
	struct bbr *bbr = &path.cc.bbr;

	(void)state;
	start(100, 40000);
	run(2000000);
	path.app_limit = 0;
	run(500000);
	assert_int_equal(in_flight(), 0);
	bbr->cycle = 0;
	path.cc.ops->resumed(&path.cc, path.now_us, true);
	assert_true(bbr->resumed);
	assert_int_equal(path.cc.byte_time, bbr->byte_time);
	path.app_limit = QUEUE_MAX - 1;
	run(1000000);
	assert_false(bbr->resumed);
}

/* a path that acknowledges in bursts needs them in the window beside the product */
static void
aggregation_widens_the_window(void **state)
{
	struct cc_ack ack = {.delivered_bytes = 50 * MSS, .srtt_us = 40000, .rtt_us = 40000};
	struct bbr *bbr = &path.cc.bbr;
	uint32_t cwnd;

	(void)state;
	start(100, 40000);
	run(2000000);
	cwnd = path.cc.cwnd_bytes;
	for (uint32_t i = 0; i < 40; i++) {    /* 50 packets every 5 ms, at once */
		path.now_us += 5000;
		ack.now_us = path.now_us;
		ack.pipe_bytes = product() * MSS;
		path.rate.delivered_bytes += 50 * MSS;
		ack.rate = (struct rate_sample){50 * MSS, 5000, path.rate.delivered_bytes - 50 * MSS,
		                                path.rate.delivered_bytes, false};
		path.cc.ops->acked(&path.cc, &ack);
	}
	assert_true(MAX(bbr->extra_bytes[0], bbr->extra_bytes[1]) >= 45 * MSS);
	assert_true(path.cc.cwnd_bytes > cwnd + 20 * MSS);
}

static void
a_wrong_verdict_is_taken_back(void **state)
{
	(void)state;
	start(100, 40000);
	run(100000);
	path.cc.bbr.full_cnt = 2;
	cc_lost(&path.cc, in_flight() * MSS);
	cc_undo(&path.cc);
	assert_int_equal(path.cc.bbr.full_cnt, 0);
	assert_int_equal(path.cc.bbr.full_bw, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(startup_fills_drain_empties),
		cmocka_unit_test(steady_state_uses_the_path_and_keeps_its_queue_short),
		cmocka_unit_test(the_cycle_goes_round),
		cmocka_unit_test(probe_rtt_looks_for_the_round_trip),
		cmocka_unit_test(a_slower_path_is_found_within_ten_rounds),
		cmocka_unit_test(a_faster_path_is_found_by_probing),
		cmocka_unit_test(losses_do_not_slow_it_down),
		cmocka_unit_test(recovery_conserves_packets_for_a_round),
		cmocka_unit_test(losses_within_recovery_do_not_conserve_again),
		cmocka_unit_test(a_timeout_begins_with_a_segment_and_ends_where_it_was),
		cmocka_unit_test(an_owner_that_is_slow_does_not_lower_the_model),
		cmocka_unit_test(a_restart_from_idle_keeps_to_the_rate),
		cmocka_unit_test(aggregation_widens_the_window),
		cmocka_unit_test(a_wrong_verdict_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
