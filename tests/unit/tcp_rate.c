/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Delivery rate samples (draft-cheng-iccrg-delivery-rate-estimation): by themselves and from what
 * a connection sends and hears. */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;
static uint32_t mss;
static uint32_t base;

static void
start(void **state)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
	mss = peer.tcb->mss;
	base = peer.rcv;
	peer.tcb->board.rate.delivered_bytes = UINT32_MAX - 3 * mss;   /* it wraps, too */
}

static const struct rate *
rate(void)
{
	return &peer.tcb->board.rate;
}

static uint32_t
at(uint32_t segment)
{
	return base + segment * mss;
}

static void
the_sample_is_what_was_delivered_since_it_was_sent(void **state)
{
	start(state);
	lab_queue(&peer, 40 * mss, 4 * mss);
	assert_int_equal(lab_flush(&lab), 10);
	lab_wait(&lab, 20000);
	lab_ack(&peer, at(2), NULL, 0);        /* 2 segments in 20 ms */
	assert_int_equal(rate()->sample_bytes, 2 * mss);
	assert_int_equal(rate()->sample_us, 20000);
	lab_wait(&lab, 4000);
	lab_ack(&peer, at(10), NULL, 0);       /* 10 in 24 ms */
	assert_int_equal(rate()->sample_bytes, 10 * mss);
	assert_int_equal(rate()->sample_us, 24000);
	lab_fini(&lab);
}

static void
selective_acknowledgements_deliver_too(void **state)
{
	struct tcp_range block;

	start(state);
	lab_queue(&peer, 40 * mss, 4 * mss);
	assert_int_equal(lab_flush(&lab), 10);
	lab_wait(&lab, 20000);
	block = (struct tcp_range){at(4), at(6)};
	lab_ack(&peer, at(1), &block, 1);
	assert_int_equal(rate()->sample_bytes, 3 * mss);
	lab_ack(&peer, at(4), NULL, 0);
	assert_int_equal(rate()->sample_bytes, 6 * mss);
	lab_ack(&peer, at(6), NULL, 0);        /* nothing new: no sample */
	assert_int_equal(rate()->sample_bytes, 6 * mss);
	assert_int_equal(rate()->delivered_bytes, UINT32_MAX - 3 * mss + 6 * mss);
	lab_fini(&lab);
}

/* acknowledgements that were held up and come at once show no faster path: sending took longer */
static void
sending_time_bounds_the_sample(void **state)
{
	start(state);
	for (uint32_t i = 0; i < 5; i++) {
		lab_queue(&peer, 2 * mss, 2 * mss);
		lab_flush(&lab);
		lab_wait(&lab, 10000);
	}
	lab_wait(&lab, 10000);
	lab_ack(&peer, at(2), NULL, 0);
	lab_ack(&peer, at(10), NULL, 0);       /* sent over 40 ms */
	assert_int_equal(rate()->sample_bytes, 10 * mss);
	assert_in_range(rate()->sample_us, 40000, 60000);
	lab_fini(&lab);
}

static void
what_took_long_to_send_was_not_delivered_faster(void **state)
{
	struct rate self = {.first_sent_us = 1000, .delivered_us = 91000};
	struct rate_mark mark;
	struct rate_pick pick = {0};
	struct rate_sample sample;

	(void)state;
	rate_sent(&self, &mark, 101000, false);
	rate_pick_sent(&pick, &mark, 101000);
	rate_acked(&self, &pick, 5000, 111000, &sample);
	assert_int_equal(sample.interval_us, 100000);          /* not 20 ms */
}

static void
less_than_a_round_trip_is_no_sample(void **state)
{
	struct rate self = {0};
	struct rate_mark mark;
	struct rate_pick pick = {.min_rtt_us = 10000};
	struct rate_sample sample;

	(void)state;
	rate_sent(&self, &mark, 50000, true);
	rate_pick_sent(&pick, &mark, 50000);
	rate_acked(&self, &pick, 1000, 59999, &sample);
	assert_int_equal(sample.interval_us, 0);
	rate_acked(&self, &pick, 1000, 60000, &sample);
	assert_int_equal(sample.interval_us, 10000);
	assert_int_equal(sample.bytes, 2000);
}

static void
the_latest_sent_is_picked(void **state)
{
	struct rate self = {0};
	struct rate_mark early, late;
	struct rate_pick pick = {0};
	struct rate_sample sample;
	uint64_t now_us = (1ull << 32) - 500;  /* the clock's low half wraps between */

	(void)state;
	rate_sent(&self, &early, now_us, true);
	rate_acked(&self, &pick, 700, now_us + 400, &sample);
	rate_sent(&self, &late, now_us + 1000, false);
	rate_pick_sent(&pick, &late, now_us + 1000);
	rate_pick_sent(&pick, &early, now_us);
	rate_acked(&self, &pick, 300, now_us + 2000, &sample);
	assert_int_equal(sample.prior_bytes, 700);
	assert_int_equal(sample.bytes, 300);
	assert_int_equal(sample.interval_us, 1600);
}

/* 3.4: with nothing more to send what is measured is the owner's rate, until it is delivered */
static void
an_owner_that_is_slow_marks_samples(void **state)
{
	start(state);
	lab_queue(&peer, 2 * mss, 2 * mss);    /* the first of all: nothing was in flight */
	lab_flush(&lab);
	lab_queue(&peer, mss, mss);            /* it had sent all, and could send more */
	lab_flush(&lab);
	assert_true(rate()->app_limited);
	assert_true(peer.tcb->board.tail->app_limited || peer.tcb->board.head->next == NULL);
	lab_wait(&lab, 20000);
	lab_ack(&peer, at(3), NULL, 0);
	lab_queue(&peer, 60 * mss, 4 * mss);
	lab_flush(&lab);
	lab_wait(&lab, 20000);
	lab_ack(&peer, at(8), NULL, 0);
	assert_false(rate()->app_limited);
	lab_queue(&peer, 4 * mss, 4 * mss);    /* there was more to send all the time */
	assert_false(rate()->app_limited);
	lab_fini(&lab);
}

static void
it_is_told(void **state)
{
	struct tcp_info info;

	start(state);
	lab_queue(&peer, 10 * mss, 10 * mss);
	lab_flush(&lab);
	lab_wait(&lab, 20000);
	lab_ack(&peer, at(10), NULL, 0);
	tcp_info(lab.stack, peer.tcb, &info);
	assert_int_equal(info.delivery_bytes_per_s, 10 * mss * 50);
	assert_int_equal(info.min_rtt_us, 20000);
	assert_int_equal(info.cc, TCP_CC_CUBIC);
	assert_string_equal(tcp_cc_name(info.cc), "cubic");
	tcp_set_cc(lab.stack, peer.tcb, TCP_CC_BBR);
	tcp_info(lab.stack, peer.tcb, &info);
	assert_int_equal(info.cc, TCP_CC_BBR);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(the_sample_is_what_was_delivered_since_it_was_sent),
		LAB_TEST(selective_acknowledgements_deliver_too),
		LAB_TEST(sending_time_bounds_the_sample),
		cmocka_unit_test(what_took_long_to_send_was_not_delivered_faster),
		cmocka_unit_test(less_than_a_round_trip_is_no_sample),
		cmocka_unit_test(the_latest_sent_is_picked),
		LAB_TEST(an_owner_that_is_slow_marks_samples),
		LAB_TEST(it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
