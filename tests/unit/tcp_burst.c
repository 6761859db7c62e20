/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Segments that arrive at once: what is merged, what is not, and in which order owners hear. */
#include "tests/unit/tcp_lab_burst.h"
#include "tests/unit/tcp_recovery_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ACKS = 5 };

static struct lab_told told[BURST_MAX + 1];
static struct lab_peer second;

/* ---- acknowledgements that are one */

/* struct figures is what ACKs leave behind. */
struct figures {
	uint32_t una;
	uint32_t cwnd_bytes;
	uint32_t wnd;
	uint32_t wnd_max;
	uint64_t acked_bytes;
	uint8_t samples;       /* of HyStart++ */
};

/* acked lets ACKs of two segments each arrive, at once or one by one, with other windows in between
 * and a connection whose peer is as far as in slow start. */
static struct figures
acked(void **state, bool at_once)
{
	struct figures figures;

	open_one(state, true, true);
	fly(2 * ACKS, 4 * ACKS);
	lab_wait(&lab, RTT_US);
	if (at_once)
		lab_hold(&lab);
	for (uint32_t i = 1; i <= ACKS; i++) {
		peer.wnd = i == 2 ? 65535 : (uint16_t)(60000 + i);
		lab_ack(&peer, at(2 * i), NULL, 0);
	}
	if (at_once) {
		assert_int_equal(lab_release(&lab, told, NULL), 1);
		assert_int_equal(told[0].events, TCP_EV_ROOM);
	}
	assert_int_equal(counted(CTR_tcp_acks_merged), at_once ? ACKS - 1 : 0);
	figures = (struct figures){
		.una = peer.tcb->snd_una - base,
		.cwnd_bytes = peer.tcb->cc.cwnd_bytes,
		.wnd = peer.tcb->snd_wnd,
		.wnd_max = peer.tcb->snd_wnd_max,
		.acked_bytes = peer.tcb->acked_bytes,
		.samples = peer.tcb->cc.cubic.hystart.sample_cnt,
	};
	lab_fini(&lab);
	return figures;
}

/* RFC 3465 2.2, 9406 4.3: the window has grown as far */
static void
acks_at_once_count_as_one_by_one(void **state)
{
	struct figures one_by_one = acked(state, false);
	struct figures at_once = acked(state, true);

	assert_int_equal(at_once.una, 2 * ACKS * mss);
	assert_int_equal(at_once.cwnd_bytes, one_by_one.cwnd_bytes);
	assert_int_equal(at_once.acked_bytes, one_by_one.acked_bytes);
	assert_int_equal(at_once.wnd, one_by_one.wnd);
	assert_int_equal(at_once.wnd_max, one_by_one.wnd_max);
	assert_int_equal(at_once.samples, one_by_one.samples);
}

/* RFC 9406 4.3, L: what one ACK may add without pacing, each may */
static void
long_stretches_count_each(void **state)
{
	open_one(state, true, true);
	fly(40, 80);
	lab_wait(&lab, RTT_US);
	lab_hold(&lab);
	lab_ack(&peer, at(20), NULL, 0);
	lab_ack(&peer, at(40), NULL, 0);
	lab_release(&lab, NULL, NULL);
	assert_int_equal(counted(CTR_tcp_acks_merged), 1);
	assert_int_equal(peer.tcb->cc.cwnd_bytes, (40 + 2 * 8) * mss);
	lab_fini(&lab);
}

static void
a_newer_one_that_is_not_acceptable_stands_for_nothing(void **state)
{
	open_one(state, true, true);
	fly(4, 4);
	lab_hold(&lab);
	lab_ack(&peer, at(2), NULL, 0);
	lab_ack(&peer, at(9), NULL, 0);
	peer.rcv = at(4);
	lab_release(&lab, NULL, NULL);
	assert_int_equal(counted(CTR_tcp_acks_merged), 0);
	assert_int_equal(counted(CTR_tcp_bad_ack), 1);
	assert_int_equal(peer.tcb->snd_una, at(2));
	lab_fini(&lab);
}

/* RFC 7323 5.3: the later one has the earlier timestamp: a duplicate of long ago, maybe */
static void
timestamps_out_of_order_are_not_merged(void **state)
{
	open_one(state, true, true);
	fly(4, 4);
	lab_hold(&lab);
	peer.tsval += 10;
	lab_ack(&peer, at(2), NULL, 0);
	peer.tsval -= 5;
	lab_ack(&peer, at(3), NULL, 0);
	lab_release(&lab, NULL, NULL);
	assert_int_equal(counted(CTR_tcp_acks_merged), 0);
	assert_int_equal(counted(CTR_tcp_paws), 1);
	assert_int_equal(peer.tcb->snd_una, at(2));
	lab_fini(&lab);
}

/* ---- acknowledgements that tell more */

/* RFC 5681 3.2: each duplicate counts, wherever in a burst it is */
static void
duplicates_are_counted(void **state)
{
	open_one(state, false, true);
	fly(10, 20);
	lab_wait(&lab, RTT_US);
	lab_hold(&lab);
	lab_ack(&peer, at(1), NULL, 0);
	lab_ack(&peer, at(2), NULL, 0);
	for (uint32_t i = 0; i < 3; i++)
		lab_ack(&peer, at(2), NULL, 0);
	lab_release(&lab, NULL, NULL);
	assert_int_equal(counted(CTR_tcp_acks_merged), 1);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	lab_flush(&lab);
	assert_int_equal(times_sent(2), 1);
	lab_fini(&lab);
}

/* 3.2 (1): two duplicates and then progress are no loss, and are not forgotten either */
static void
duplicates_before_progress_stay(void **state)
{
	open_one(state, false, true);
	fly(10, 10);
	lab_wait(&lab, RTT_US);
	lab_hold(&lab);
	for (uint32_t i = 0; i < 3; i++)
		lab_ack(&peer, at(0), NULL, 0);
	lab_ack(&peer, at(1), NULL, 0);
	lab_ack(&peer, at(2), NULL, 0);
	lab_release(&lab, NULL, NULL);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	assert_int_equal(counted(CTR_tcp_acks_merged), 0);
	lab_fini(&lab);
}

/* RFC 8985 6.2: SACKs in the middle are taken in their place */
static void
sacks_in_the_middle(void **state)
{
	open_one(state, true, true);
	fly(10, 20);
	lab_wait(&lab, RTT_US);
	lab_hold(&lab);
	lab_ack(&peer, at(1), NULL, 0);
	lab_ack(&peer, at(2), NULL, 0);
	sack(2, 3, 4);
	sack(2, 3, 5);
	sack(2, 3, 6);
	lab_ack(&peer, at(6), NULL, 0);
	lab_ack(&peer, at(7), NULL, 0);
	assert_int_equal(lab_release(&lab, told, NULL), 1);
	assert_int_equal(counted(CTR_tcp_acks_merged), 1);
	assert_int_equal(counted(CTR_tcp_fast_recoveries), 1);
	assert_int_equal(peer.tcb->snd_una, at(7));
	assert_int_equal(peer.tcb->board.sacked_bytes, 0);
	lab_fini(&lab);
}

/* RFC 3168 6.1.2: an echo of a mark halves the window once, wherever it is */
static void
echoes_of_marks_are_seen(void **state)
{
	struct lab_seg seg = {.flags = TCP_ACK | TCP_ECE};
	uint32_t cwnd_bytes;

	open_one(state, true, true);
	peer.tcb->ecn.ok = true;
	fly(10, 10);
	lab_wait(&lab, RTT_US);
	cwnd_bytes = peer.tcb->cc.cwnd_bytes;
	lab_hold(&lab);
	lab_ack(&peer, at(1), NULL, 0);
	seg.seq = peer.nxt;
	seg.ack = at(2);
	seg.wnd = peer.wnd;
	lab_input(&peer, &seg);
	lab_ack(&peer, at(3), NULL, 0);
	lab_ack(&peer, at(4), NULL, 0);
	lab_release(&lab, NULL, NULL);
	assert_int_equal(counted(CTR_tcp_ecn_reductions), 1);
	assert_int_equal(counted(CTR_tcp_acks_merged), 1);
	assert_true(peer.tcb->cc.cwnd_bytes < cwnd_bytes);
	lab_fini(&lab);
}

/* ---- data */

/* small requests go to the owner one by one, though acknowledgements between them are one */
static void
data_and_acks_mixed(void **state)
{
	open_one(state, true, true);
	fly(10, 10);
	lab_wait(&lab, RTT_US);
	lab_hold(&lab);
	lab_ack(&peer, at(1), NULL, 0);
	lab_ack(&peer, at(2), NULL, 0);
	lab_data(&peer, 17, TCP_PSH);
	lab_data(&peer, 17, TCP_PSH);
	lab_ack(&peer, at(4), NULL, 0);
	lab_ack(&peer, at(5), NULL, 0);
	lab_data(&peer, 17, TCP_PSH);
	lab_ack(&peer, at(6), NULL, 0);
	assert_int_equal(lab_release(&lab, told, NULL), 4);
	assert_int_equal(told[0].events, TCP_EV_READ | TCP_EV_ROOM);
	assert_int_equal(told[0].read, 17);
	assert_int_equal(told[1].events, TCP_EV_READ);
	assert_int_equal(told[1].read, 34);
	assert_int_equal(told[2].events, TCP_EV_READ | TCP_EV_ROOM);
	assert_int_equal(told[2].read, 51);
	assert_int_equal(told[3].events, TCP_EV_ROOM);
	assert_int_equal(counted(CTR_tcp_acks_merged), 4);
	assert_int_equal(peer.tcb->snd_una, at(6));
	lab_fini(&lab);
}

/* ---- several connections */

/* each has its segments in order, one after the other */
static void
two_connections_interleaved(void **state)
{
	open_one(state, true, true);
	fly(6, 6);
	lab_peer_init(&lab, &second, 40001);
	lab_connect(&second);
	lab_queue(&second, 4 * mss, mss);
	lab_flush(&lab);
	lab_hold(&lab);
	for (uint32_t i = 1; i <= 3; i++) {
		lab_ack(&peer, at(i), NULL, 0);
		lab_ack(&second, second.irs + 1 + i * mss, NULL, 0);
	}
	lab_data(&second, 17, 0);
	lab_data(&peer, 17, 0);
	assert_int_equal(lab_release(&lab, told, NULL), 2);
	assert_ptr_equal(told[0].peer, &peer);
	assert_ptr_equal(told[1].peer, &second);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(told[i].events, TCP_EV_READ | TCP_EV_ROOM);
	assert_int_equal(counted(CTR_tcp_acks_merged), 6);
	assert_int_equal(peer.tcb->snd_una, at(3));
	assert_int_equal(second.tcb->snd_una, second.irs + 1 + 3 * mss);
	lab_fini(&lab);
}

/* one that opens, with its first request */
static void
opened_and_asked_at_once(void **state)
{
	struct lab_seg syn = {.flags = TCP_SYN, .wnd = 65535};

	open_one(state, true, true);
	lab_peer_init(&lab, &second, 40001);
	syn.seq = second.iss;
	syn.opt = second.syn;
	syn.opt.tsval = second.tsval;
	lab_input(&second, &syn);
	lab_flush(&lab);
	second.irs = lab_only(&lab)->seq;
	second.rcv = second.irs + 1;
	second.nxt = second.iss + 1;
	second.syn = lab_only(&lab)->opt;
	lab_hold(&lab);
	for (uint32_t i = 0; i < 3; i++) {
		uint8_t data[17];
		struct lab_seg seg = {
			.flags = TCP_ACK, .seq = second.nxt, .ack = second.rcv, .wnd = 65535,
			.len = i > 0 ? sizeof(data) : 0, .data = data,
			.opt = {.has_ts = true, .tsval = second.tsval, .tsecr = second.syn.tsval},
		};

		for (uint32_t j = 0; j < seg.len; j++)
			data[j] = lab_byte((i - 1) * sizeof(data) + j);
		lab_input(&second, &seg);
		second.nxt += seg.len;
	}
	assert_int_equal(lab_release(&lab, told, NULL), 3);
	assert_int_equal(told[0].events, TCP_EV_OPEN);
	assert_int_equal(told[1].read, 17);
	assert_int_equal(told[2].read, 34);
	lab_fini(&lab);
}

/* ---- connections that end within a burst */

/* RFC 5961 3.2; what comes after it finds no connection */
static void
reset_in_the_middle(void **state)
{
	struct lab_seg rst = {.flags = TCP_RST};

	open_one(state, true, true);
	fly(4, 4);
	lab_hold(&lab);
	lab_ack(&peer, at(1), NULL, 0);
	lab_data(&peer, 17, 0);
	rst.seq = peer.nxt;
	lab_input(&peer, &rst);
	lab_ack(&peer, at(3), NULL, 0);
	lab_data(&peer, 17, 0);
	assert_int_equal(lab_release(&lab, told, NULL), 2);
	assert_int_equal(told[0].events, TCP_EV_READ | TCP_EV_ROOM);
	assert_int_equal(told[0].read, 17);
	assert_int_equal(told[1].events, TCP_EV_CLOSED);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 2);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(lab.out[i].seg.flags & TCP_RST, TCP_RST);
	lab_fini(&lab);
}

static void
abort_it(const struct lab_told *one)
{
	tcp_abort(lab.stack, one->peer->tcb);
	one->peer->tcb = NULL;
}

static void
close_it(const struct lab_told *one)
{
	if (one->events & TCP_EV_READ)
		tcp_close(lab.stack, one->peer->tcb, lab.now_us);
}

static void
request_twice(void)
{
	lab_hold(&lab);
	lab_ack(&peer, at(1), NULL, 0);
	lab_data(&peer, 17, 0);
	lab_data(&peer, 17, 0);
	lab_ack(&peer, at(2), NULL, 0);
}

static void
aborted_between_two_of_its_segments(void **state)
{
	open_one(state, true, true);
	fly(4, 4);
	request_twice();
	assert_int_equal(lab_release(&lab, told, abort_it), 1);
	assert_int_equal(told[0].read, 17);
	assert_int_equal(counted(CTR_tcp_after_close), 0);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 3);      /* for the abort, and each segment after it */
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(lab.out[i].seg.flags & TCP_RST, TCP_RST);
	lab_fini(&lab);
}

/* RFC 9293 3.10.4: what was queued still goes out, what arrives is dropped */
static void
closed_between_two_of_its_segments(void **state)
{
	open_one(state, true, true);
	fly(4, 4);
	request_twice();
	assert_int_equal(lab_release(&lab, told, close_it), 1);
	assert_int_equal(told[0].read, 17);
	assert_int_equal(counted(CTR_tcp_after_close), 17);
	assert_int_equal(peer.tcb->snd_una, at(2));
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_1);
	lab_flush(&lab);
	assert_int_equal(lab.out[lab.out_cnt - 1].seg.flags & TCP_FIN, TCP_FIN);
	lab_fini(&lab);
}

/* RFC 1122 4.2.2.13: a flow that begins anew within the burst that reset it */
static void
reset_and_begun_anew(void **state)
{
	struct lab_seg rst = {.flags = TCP_RST};
	struct lab_seg syn = {.flags = TCP_SYN, .wnd = 65535};

	open_one(state, true, true);
	lab_hold(&lab);
	rst.seq = peer.nxt;
	lab_input(&peer, &rst);
	syn.seq = peer.nxt + 1000000;
	lab_input(&peer, &syn);
	assert_int_equal(lab_release(&lab, told, NULL), 1);
	assert_int_equal(told[0].events, TCP_EV_CLOSED);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_SYN | TCP_ACK);
	assert_int_equal(lab_only(&lab)->ack, syn.seq + 1);
	lab_fini(&lab);
}

/* RFC 9293 3.10.7.4: all that a peer had to say, and its end */
static void
fin_at_the_end(void **state)
{
	open_one(state, true, true);
	lab_hold(&lab);
	lab_data(&peer, 17, 0);
	lab_data(&peer, 17, TCP_FIN);
	assert_int_equal(lab_release(&lab, told, NULL), 2);
	assert_int_equal(told[1].events, TCP_EV_READ | TCP_EV_FIN);
	assert_int_equal(told[1].read, 34);
	assert_int_equal(peer.tcb->state, TCP_CLOSE_WAIT);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(acks_at_once_count_as_one_by_one),
		LAB_TEST(long_stretches_count_each),
		LAB_TEST(a_newer_one_that_is_not_acceptable_stands_for_nothing),
		LAB_TEST(timestamps_out_of_order_are_not_merged),
		LAB_TEST(duplicates_are_counted),
		LAB_TEST(duplicates_before_progress_stay),
		LAB_TEST(sacks_in_the_middle),
		LAB_TEST(echoes_of_marks_are_seen),
		LAB_TEST(data_and_acks_mixed),
		LAB_TEST(two_connections_interleaved),
		LAB_TEST(opened_and_asked_at_once),
		LAB_TEST(reset_in_the_middle),
		LAB_TEST(aborted_between_two_of_its_segments),
		LAB_TEST(closed_between_two_of_its_segments),
		LAB_TEST(reset_and_begun_anew),
		LAB_TEST(fin_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
