/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a stranger off the path may try: resets, SYNs and ACKs that are guesses (RFC 5961), and
 * old timestamps (RFC 7323 5). */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;

static void
start(void **state)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
}

static uint32_t
flags_at(uint8_t flags, uint32_t seq, uint32_t ack)
{
	return lab_input(&peer, &(struct lab_seg){.flags = flags, .seq = seq, .ack = ack,
	                                          .wnd = peer.wnd});
}

/* challenged tells whether exactly one plain ACK left. */
static bool
challenged(void)
{
	return lab_flush(&lab) == 1 && lab.out[0].seg.flags == TCP_ACK &&
	       lab.out[0].seg.ack == peer.nxt && lab.out[0].seg.seq == peer.rcv &&
	       lab.out[0].seg.len == 0;
}

static void
reset_at_the_exact_number_ends(void **state)
{
	start(state);
	assert_int_equal(flags_at(TCP_RST, peer.nxt, 0), TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_resets_in], 1);
	assert_int_equal(lab_flush(&lab), 0);
	lab_fini(&lab);
}

static void
reset_drops_what_was_queued(void **state)
{
	start(state);
	lab_queue(&peer, 50000, 16384);
	lab_flush(&lab);
	assert_int_equal(flags_at(TCP_RST | TCP_ACK, peer.nxt, peer.rcv), TCP_EV_CLOSED);
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt);
	assert_int_equal(lab.stack->records.free_cnt, lab.stack->records.cnt);
	lab_fini(&lab);
}

static void
reset_elsewhere_in_the_window_is_challenged(void **state)
{
	start(state);
	assert_int_equal(flags_at(TCP_RST, peer.nxt + 1, 0), 0);
	assert_true(challenged());
	assert_int_equal(flags_at(TCP_RST, peer.nxt + TCP_RCV_WND - 1, 0), 0);
	assert_true(challenged());
	assert_int_equal(lab.ctr.value[CTR_tcp_challenge_acks], 2);
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_reset], 2);
	lab_fini(&lab);
}

static void
reset_outside_the_window_is_dropped(void **state)
{
	start(state);
	assert_int_equal(flags_at(TCP_RST, peer.nxt - 1, 0), 0);
	assert_int_equal(flags_at(TCP_RST, peer.nxt + TCP_RCV_WND, 0), 0);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_reset], 2);
	assert_int_equal(peer.tcb->state, TCP_ESTABLISHED);
	lab_fini(&lab);
}

static void
syn_is_challenged(void **state)
{
	start(state);
	assert_int_equal(flags_at(TCP_SYN, peer.nxt + 10, 0), 0);
	assert_true(challenged());
	assert_int_equal(flags_at(TCP_SYN | TCP_ACK, peer.nxt, peer.rcv), 0);
	assert_true(challenged());
	assert_int_equal(flags_at(TCP_SYN, peer.nxt - 100000, 0), 0);
	assert_true(challenged());             /* RFC 5961 4.2: whatever its number */
	assert_int_equal(peer.tcb->state, TCP_ESTABLISHED);
	lab_fini(&lab);
}

static void
ack_of_what_was_not_sent_is_challenged(void **state)
{
	start(state);
	lab_queue(&peer, 1000, 1000);
	assert_int_equal(lab_flush(&lab), 1);
	assert_int_equal(flags_at(TCP_ACK, peer.nxt, peer.rcv + 1001), 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->seq, peer.rcv + 1000);
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_ack], 1);
	assert_int_equal(flags_at(TCP_ACK, peer.nxt, peer.rcv + 1000), TCP_EV_ROOM);
	lab_fini(&lab);
}

static void
ack_of_long_ago_is_challenged(void **state)
{
	start(state);
	assert_int_equal(flags_at(TCP_ACK, peer.nxt, peer.rcv - (65535u << 7) - 1), 0);
	assert_true(challenged());
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_ack], 1);
	assert_int_equal(flags_at(TCP_ACK, peer.nxt, peer.rcv - 1), 0);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_ack], 1);
	lab_fini(&lab);
}

static void
data_with_a_forged_ack_is_not_taken(void **state)
{
	uint8_t data[4] = {0};

	start(state);
	lab_input(&peer, &(struct lab_seg){.flags = TCP_ACK, .seq = peer.nxt, .ack = peer.rcv + 9,
	                                   .len = 4, .data = data});
	assert_int_equal(lab_events(&peer), 0);
	assert_int_equal(peer.tcb->rcv_nxt, peer.nxt);
	lab_fini(&lab);
}

static void
old_timestamp_is_dropped_and_answered(void **state)
{
	start(state);
	peer.tsval -= 1;
	assert_int_equal(lab_data(&peer, 10, 0), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_paws], 1);
	peer.nxt -= 10;
	assert_true(challenged());
	peer.tsval += 1;
	assert_int_equal(lab_data(&peer, 10, 0), TCP_EV_READ);
	lab_fini(&lab);
}

static void
old_timestamp_does_not_save_from_a_reset(void **state)
{
	start(state);
	assert_int_equal(lab_input(&peer, &(struct lab_seg){
		.flags = TCP_RST, .seq = peer.nxt,
		.opt = {.has_ts = true, .tsval = peer.tsval - 100}}), TCP_EV_CLOSED);
	lab_fini(&lab);
}

static void
missing_timestamp_is_dropped(void **state)
{
	start(state);
	peer.ts = false;
	assert_int_equal(lab_data(&peer, 10, 0), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_no_timestamp], 1);
	assert_int_equal(peer.tcb->rcv_nxt, peer.nxt - 10);
	lab_fini(&lab);
}

static void
timestamp_is_echoed_from_the_next_expected_segment_only(void **state)
{
	start(state);
	peer.tsval += 50;
	peer.nxt += 10;                        /* leaves a hole */
	lab_data(&peer, 10, 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->opt.tsecr, peer.tsval - 50);
	peer.nxt -= 20;
	peer.tsval += 5;
	lab_data(&peer, 10, 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->opt.tsecr, peer.tsval);
	assert_int_equal(peer.read, 20);
	lab_fini(&lab);
}

static void
forged_timestamp_does_not_lock_the_peer_out(void **state)
{
	start(state);
	/* in the window, from the future, but with an ACK that is a guess; and a SYN */
	lab_input(&peer, &(struct lab_seg){
		.flags = TCP_ACK, .seq = peer.nxt, .ack = peer.rcv + 5000, .wnd = 5,
		.opt = {.has_ts = true, .tsval = peer.tsval + 1000000}});
	lab_input(&peer, &(struct lab_seg){
		.flags = TCP_SYN, .seq = peer.nxt, .wnd = 5,
		.opt = {.has_ts = true, .tsval = peer.tsval + 1000000}});
	assert_int_equal(lab_data(&peer, 10, 0), TCP_EV_READ);
	lab_fini(&lab);
}

static void
unacceptable_empty_segments_are_answered_seldom(void **state)
{
	uint32_t sent = 0;

	start(state);
	for (uint32_t i = 0; i < 50; i++) {
		flags_at(TCP_ACK, peer.nxt - 1, peer.rcv);     /* a keepalive, or an ACK war */
		sent += lab_flush(&lab);
	}
	assert_int_equal(sent, 1);
	lab_wait(&lab, 600000);
	flags_at(TCP_ACK, peer.nxt - 1, peer.rcv);
	assert_true(challenged());
	lab_fini(&lab);
}

/* flight has so many bytes in flight, sent together. */
static void
flight(uint32_t len)
{
	peer.tcb->cc.cwnd_bytes = len;
	lab_queue(&peer, len, 16384);
	lab_flush(&lab);
	assert_int_equal(tcb_flight(peer.tcb), len);
}

static uint32_t
records_taken(void)
{
	return lab.stack->records.cnt - lab.stack->records.free_cnt;
}

static void
sack_every_second_byte(uint32_t len)
{
	for (uint32_t i = 1; i + 6 < len; i += 6) {
		struct tcp_range blocks[3];

		for (uint32_t k = 0; k < 3; k++) {
			blocks[k].start = peer.rcv + i + 2 * k;
			blocks[k].end = blocks[k].start + 1;
		}
		lab_ack(&peer, peer.rcv, blocks, 3);
	}
}

static void
sacks_of_single_bytes_take_few_records(void **state)
{
	const uint32_t bound = TCP_SACK_SPLITS_MIN + (60 * 1448 >> 10);
	uint32_t before;

	start(state);
	flight(60 * 1448);
	before = records_taken();
	sack_every_second_byte(10000);
	assert_int_equal(peer.tcb->board.sack_split_cnt, bound);
	assert_int_equal(records_taken(), before + bound);
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	assert_int_equal(peer.tcb->board.sack_split_cnt, 0);
	assert_int_equal(records_taken(), 0);
	lab_fini(&lab);
}

static void
sacks_leave_a_quarter_of_the_records(void **state)
{
	struct pool *records;
	void *taken = NULL;
	void *record;

	start(state);
	flight(20 * 1448);
	records = &lab.stack->records;
	while (records->free_cnt > records->cnt / 4 + 5) {
		record = pool_get(records);
		*(void **)record = taken;
		taken = record;
	}
	sack_every_second_byte(1000);
	assert_int_equal(records->free_cnt, records->cnt / 4);
	assert_int_equal(peer.tcb->board.sack_split_cnt, 5);
	while ((record = taken) != NULL) {
		taken = *(void **)record;
		pool_put(records, record);
	}
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(reset_at_the_exact_number_ends),
		LAB_TEST(reset_drops_what_was_queued),
		LAB_TEST(reset_elsewhere_in_the_window_is_challenged),
		LAB_TEST(reset_outside_the_window_is_dropped),
		LAB_TEST(syn_is_challenged),
		LAB_TEST(ack_of_what_was_not_sent_is_challenged),
		LAB_TEST(ack_of_long_ago_is_challenged),
		LAB_TEST(data_with_a_forged_ack_is_not_taken),
		LAB_TEST(old_timestamp_is_dropped_and_answered),
		LAB_TEST(old_timestamp_does_not_save_from_a_reset),
		LAB_TEST(missing_timestamp_is_dropped),
		LAB_TEST(timestamp_is_echoed_from_the_next_expected_segment_only),
		LAB_TEST(forged_timestamp_does_not_lock_the_peer_out),
		LAB_TEST(unacceptable_empty_segments_are_answered_seldom),
		LAB_TEST(sacks_of_single_bytes_take_few_records),
		LAB_TEST(sacks_leave_a_quarter_of_the_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
