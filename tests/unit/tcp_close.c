/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Ends: FIN from either side or both, TIME-WAIT, abort. */
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

static void
close_now(void)
{
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	lab_check(&lab);
}

/* fin_out takes our FIN, alone or on data, and returns the number after it. */
static uint32_t
fin_out(void)
{
	const struct lab_seg *last;

	assert_true(lab_flush(&lab) > 0);
	last = &lab.out[lab.out_cnt - 1].seg;
	assert_true(last->flags & TCP_FIN);
	return last->seq + last->len + 1;
}

static void
we_close_first(void **state)
{
	uint32_t end;

	start(state);
	close_now();
	end = fin_out();
	assert_int_equal(end, peer.rcv + 1);
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_1);
	lab_ack(&peer, end, NULL, 0);
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_2);
	assert_int_equal(lab_data(&peer, 0, TCP_FIN), TCP_EV_FIN | TCP_EV_CLOSED);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_ACK);
	assert_int_equal(lab_only(&lab)->ack, peer.nxt);
	assert_int_equal(lab_only(&lab)->seq, end);
	assert_true(lab_only(&lab)->opt.has_ts);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_closed], 1);
	lab_flush(&lab);
	assert_int_equal(lab.stack->tcbs.free_cnt, lab.stack->tcbs.cnt);   /* not held by TIME-WAIT */
	lab_wait(&lab, TCP_TIME_WAIT_US + 1000);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 0);
	lab_fini(&lab);
}

static void
fin_and_ack_of_fin_in_one_segment(void **state)
{
	start(state);
	close_now();
	peer.rcv = fin_out();
	assert_int_equal(lab_data(&peer, 0, TCP_FIN), TCP_EV_FIN | TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1);
	lab_fini(&lab);
}

static void
peer_closes_first(void **state)
{
	start(state);
	assert_int_equal(lab_data(&peer, 0, TCP_FIN), TCP_EV_FIN);
	assert_int_equal(peer.tcb->state, TCP_CLOSE_WAIT);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, peer.nxt);
	close_now();
	assert_int_equal(peer.tcb->state, TCP_LAST_ACK);
	assert_int_equal(lab_ack(&peer, fin_out(), NULL, 0), TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_closed], 1);
	lab_fini(&lab);
}

static void
both_close_at_once(void **state)
{
	uint32_t end;

	start(state);
	close_now();
	end = fin_out();
	assert_int_equal(lab_data(&peer, 0, TCP_FIN), TCP_EV_FIN);
	assert_int_equal(peer.tcb->state, TCP_CLOSING);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, peer.nxt);
	assert_int_equal(lab_ack(&peer, end, NULL, 0), TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1);
	lab_fini(&lab);
}

/* a leecher that shuts down its write side still gets what was queued, and more */
static void
half_closed_peer_gets_everything(void **state)
{
	start(state);
	lab_queue(&peer, 60000, 16384);
	lab_flush(&lab);
	assert_int_equal(lab_data(&peer, 0, TCP_FIN), TCP_EV_FIN);
	assert_true(tcp_send_room(lab.stack, peer.tcb) > 0);
	lab_queue(&peer, 20000, 16384);
	for (uint32_t i = 0; i < 20 && tcb_queued(peer.tcb) > 0; i++) {
		lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
		lab_flush(&lab);
	}
	assert_int_equal(peer.tcb->acked_bytes, 80000);
	close_now();
	assert_int_equal(lab_ack(&peer, fin_out(), NULL, 0), TCP_EV_CLOSED);
	lab_fini(&lab);
}

static void
queued_bytes_leave_before_the_fin(void **state)
{
	uint32_t end;

	start(state);
	lab_queue(&peer, 60000, 16384);
	close_now();
	end = peer.rcv + 60000 + 1;
	lab_flush(&lab);
	for (uint32_t i = 0; i < 20 && peer.tcb->snd_nxt != end; i++) {
		assert_false(lab.out[lab.out_cnt - 1].seg.flags & TCP_FIN);
		assert_int_equal(lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0), 0);
		lab_flush(&lab);
	}
	assert_true(lab.out[lab.out_cnt - 1].seg.flags & TCP_FIN);
	assert_true(lab.out[lab.out_cnt - 1].seg.len > 0);     /* it rides on the last data */
	lab_ack(&peer, end, NULL, 0);
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_2);
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt);
	lab_fini(&lab);
}

static void
lost_fin_is_sent_again(void **state)
{
	uint32_t end;

	start(state);
	lab_queue(&peer, 100, 100);
	close_now();
	end = fin_out();
	lab_ack(&peer, end - 1, NULL, 0);
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_1);
	assert_int_equal(lab_wait(&lab, 250000), 1);
	assert_true(lab.out[0].seg.flags & TCP_FIN);
	assert_int_equal(lab.out[0].seg.seq, end - 1);
	assert_int_equal(lab.out[0].seg.len, 0);
	lab_ack(&peer, end, NULL, 0);
	assert_int_equal(peer.tcb->state, TCP_FIN_WAIT_2);
	lab_fini(&lab);
}

static void
lost_data_and_fin_are_sent_again_together(void **state)
{
	start(state);
	lab_queue(&peer, 100, 100);
	close_now();
	fin_out();
	lab_wait(&lab, 250000);
	assert_int_equal(lab_only(&lab)->len, 100);
	assert_true(lab_only(&lab)->flags & TCP_FIN);
	lab_fini(&lab);
}

static void
fin_wait_2_ends(void **state)
{
	start(state);
	close_now();
	lab_ack(&peer, fin_out(), NULL, 0);
	lab_wait(&lab, TCP_FIN_WAIT_2_US - 1000);
	assert_non_null(peer.tcb);
	lab_wait(&lab, 2000);
	assert_null(peer.tcb);
	assert_int_equal(lab_events(&peer), TCP_EV_CLOSED);
	lab_fini(&lab);
}

static void
data_after_our_close_is_dropped_and_acknowledged(void **state)
{
	start(state);
	close_now();
	lab_ack(&peer, fin_out(), NULL, 0);
	assert_int_equal(lab_data(&peer, 500, 0), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_after_close], 500);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, peer.nxt);
	assert_int_equal(lab_data(&peer, 10, TCP_FIN), TCP_EV_FIN | TCP_EV_CLOSED);
	lab_fini(&lab);
}

static void
data_after_the_peers_fin_is_dropped(void **state)
{
	start(state);
	lab_data(&peer, 10, TCP_FIN);
	assert_int_equal(lab_data(&peer, 500, 0), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_after_close], 500);
	assert_int_equal(peer.read, 10);
	lab_fini(&lab);
}

static void
repeated_fin_is_acknowledged_again(void **state)
{
	start(state);
	lab_data(&peer, 0, TCP_FIN);
	lab_flush(&lab);
	peer.nxt--;
	assert_int_equal(lab_data(&peer, 0, TCP_FIN), 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->ack, peer.nxt);
	lab_fini(&lab);
}

/* in_time_wait brings the connection there. */
static void
in_time_wait(void **state)
{
	start(state);
	close_now();
	peer.rcv = fin_out();
	lab_data(&peer, 0, TCP_FIN);
	lab_flush(&lab);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1);
}

static void
time_wait_answers_a_late_fin_and_waits_anew(void **state)
{
	in_time_wait(state);
	lab_wait(&lab, TCP_TIME_WAIT_US - 1000);
	peer.nxt--;
	lab_data(&peer, 0, TCP_FIN);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_ACK);
	assert_int_equal(lab_only(&lab)->ack, peer.nxt);
	lab_wait(&lab, TCP_TIME_WAIT_US - 1000);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1);
	lab_wait(&lab, 2000);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 0);
	lab_fini(&lab);
}

static void
time_wait_ignores_resets_and_acks(void **state)
{
	in_time_wait(state);
	lab_input(&peer, &(struct lab_seg){.flags = TCP_RST, .seq = peer.nxt});
	lab_ack(&peer, peer.rcv, NULL, 0);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1);         /* RFC 1337 */
	lab_fini(&lab);
}

static void
time_wait_gives_way_to_a_new_connection(void **state)
{
	/* a newer timestamp; the same, and a number beyond (RFC 6191 2) */
	static const struct { uint32_t ts_add, old_seq_add, seq_add; } rows[] = {
		{1, 100, -1000u}, {0, -1000u, 100},
	};
	struct lab_peer again;

	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		in_time_wait(state);
		lab_input(&peer, &(struct lab_seg){     /* an old duplicate */
			.flags = TCP_SYN, .seq = peer.nxt + rows[i].old_seq_add,
			.opt = {.has_ts = true, .tsval = peer.tsval - rows[i].ts_add}});
		lab_flush(&lab);
		assert_int_equal(lab_only(&lab)->flags, TCP_ACK);
		assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1);
		lab.peers = NULL;
		lab_peer_init(&lab, &again, 40000);
		again.tsval = peer.tsval + rows[i].ts_add;
		again.iss = peer.nxt + rows[i].seq_add;
		lab_connect(&again);
		assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 0);
		lab_fini(&lab);
	}
}

static void
time_wait_is_bounded(void **state)
{
	static struct lab_peer peers[20];
	uint32_t max;

	lab_init(&lab, *state, 1);
	max = lab.stack->timewait.entries.cnt;
	assert_in_range(max, 1, ARRAY_CNT(peers) - 2);
	for (uint16_t i = 0; i < max + 2; i++) {
		lab_peer_init(&lab, &peers[i], (uint16_t)(40000 + i));
		lab_connect(&peers[i]);
		peer = peers[i];
		tcp_close(lab.stack, peers[i].tcb, lab.now_us);
		peers[i].rcv = fin_out();
		lab_data(&peers[i], 0, TCP_FIN);
		lab_wait(&lab, 1000);
	}
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], max);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait_full], 2);
	lab_ack(&peers[0], peers[0].rcv, NULL, 0);     /* the oldest are gone */
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_RST);
	lab_fini(&lab);
}

static void
abort_resets_and_drops(void **state)
{
	start(state);
	lab_queue(&peer, 60000, 16384);
	lab_flush(&lab);
	tcp_abort(lab.stack, peer.tcb);
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_RST | TCP_ACK);
	assert_int_equal(lab_only(&lab)->seq, peer.rcv + 14480);
	assert_int_equal(lab.ctr.value[CTR_tcp_aborted], 1);
	assert_int_equal(lab.stack->tcbs.free_cnt, lab.stack->tcbs.cnt);
	lab_ack(&peer, peer.rcv, NULL, 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_RST);
	lab_fini(&lab);
}

static void
reset_while_closing(void **state)
{
	start(state);
	close_now();
	fin_out();
	assert_int_equal(lab_input(&peer, &(struct lab_seg){.flags = TCP_RST, .seq = peer.nxt}),
	                 TCP_EV_CLOSED);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(we_close_first),
		LAB_TEST(fin_and_ack_of_fin_in_one_segment),
		LAB_TEST(peer_closes_first),
		LAB_TEST(both_close_at_once),
		LAB_TEST(half_closed_peer_gets_everything),
		LAB_TEST(queued_bytes_leave_before_the_fin),
		LAB_TEST(lost_fin_is_sent_again),
		LAB_TEST(lost_data_and_fin_are_sent_again_together),
		LAB_TEST(fin_wait_2_ends),
		LAB_TEST(data_after_our_close_is_dropped_and_acknowledged),
		LAB_TEST(data_after_the_peers_fin_is_dropped),
		LAB_TEST(repeated_fin_is_acknowledged_again),
		LAB_TEST(time_wait_answers_a_late_fin_and_waits_anew),
		LAB_TEST(time_wait_ignores_resets_and_acks),
		LAB_TEST(time_wait_gives_way_to_a_new_connection),
		LAB_TEST(time_wait_is_bounded),
		LAB_TEST(abort_resets_and_drops),
		LAB_TEST(reset_while_closing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
