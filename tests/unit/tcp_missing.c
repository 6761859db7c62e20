/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* References to what is in flight are given up, and the bytes had again when they must leave once
 * more. That the right bytes leave then is checked by the bench, for every packet. */
#include "tests/unit/tcp_lab_missing.h"
#include "tests/unit/tcp_recovery_lab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* taken returns the buffers in use. */
static uint32_t
taken(void)
{
	return lab.bufs->cnt - lab.bufs->free_cnt;
}

/* fly_in has cnt segments in flight, each a fragment of its own. */
static void
fly_in(uint32_t cnt)
{
	peer.tcb->cc.cwnd_bytes = cnt * mss;
	lab_queue(&peer, cnt * mss, mss);
	lab_flush(&lab);
	dp_assert(tcb_flight(peer.tcb) == cnt * mss);
}

/* lose_one makes the peer tell that segment 0 of cnt is lost. */
static void
lose_one(uint32_t cnt)
{
	lab_wait(&lab, RTT_US);
	sack(0, 1, cnt);
}

static void
buffers_are_free_while_bytes_are_in_flight(void **state)
{
	open_one(state, true, true);
	fly_in(10);
	assert_int_equal(taken(), 10);
	assert_int_equal(lab_give_up(&lab), 10);
	assert_int_equal(taken(), 0);
	assert_int_equal(counted(CTR_tcp_given_up), 10);
	lab_wait(&lab, RTT_US);
	lab_ack(&peer, at(10), NULL, 0);       /* and nothing was wanted */
	assert_int_equal(lab_refill_all(&lab), 0);
	assert_null(peer.tcb->sendq.head);
	lab_fini(&lab);
}

static void
unsent_bytes_stay(void **state)
{
	open_one(state, true, true);
	peer.tcb->cc.cwnd_bytes = 4 * mss;
	lab_queue(&peer, 8 * mss, mss);
	assert_int_equal(lab_flush(&lab), 4);
	assert_int_equal(lab_give_up(&lab), 4);
	assert_int_equal(taken(), 4);
	lab_fini(&lab);
}

static void
a_hole_waits_for_its_bytes(void **state)
{
	struct tcp_missing missing;

	open_one(state, true, true);
	fly_in(10);
	lab_give_up(&lab);
	lose_one(10);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	assert_int_equal(missing.seq, at(0));
	assert_int_equal(missing.len, mss);
	assert_int_equal(lab_missing(&lab, &missing, 1), 0);   /* once */
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab_refill(&lab, &missing, LAB_BUF_LEN), 0);
	assert_int_equal(lab_give_up(&lab), 0);                /* not before it has left */
	assert_int_equal(lab_flush(&lab), 1);
	assert_int_equal(times_sent(0), 1);
	assert_int_equal(lab_give_up(&lab), 1);
	lab_fini(&lab);
}

static void
bytes_come_back_in_parts(void **state)
{
	struct tcp_missing missing;

	open_one(state, true, true);
	fly(10, 10);                           /* fragments of eight segments */
	lab_give_up(&lab);
	lose_one(10);
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	assert_int_equal(missing.len, 8 * mss);
	assert_int_equal(lab_refill(&lab, &missing, mss / 2), 0);
	assert_int_equal(peer.tcb->sendq.cnt, 16 + 1);
	assert_int_equal(lab_flush(&lab), 1);
	assert_int_equal(lab.out[0].span_cnt, 2);
	lab_ack(&peer, at(10), NULL, 0);
	assert_int_equal(taken(), 0);
	lab_fini(&lab);
}

static void
what_was_acknowledged_meanwhile_is_not_taken(void **state)
{
	struct tcp_missing missing;

	open_one(state, true, true);
	fly_in(10);
	lab_give_up(&lab);
	lose_one(10);
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	lab_ack(&peer, at(10), NULL, 0);
	lab_queue(&peer, mss, mss);
	assert_int_equal(lab_refill(&lab, &missing, LAB_BUF_LEN), -ENOENT);
	assert_int_equal(taken(), 1);
	lab_fini(&lab);
}

/* without queue entries for the parts they are asked for again */
static void
parts_without_entries_are_asked_for_again(void **state)
{
	struct tcp_missing missing;
	struct pool *entries;
	uint32_t free_cnt;

	open_one(state, true, true);
	fly(10, 10);
	lab_give_up(&lab);
	lose_one(10);
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	entries = &lab.stack->entries;
	free_cnt = entries->free_cnt;
	entries->free_cnt = 1;
	assert_int_equal(lab_refill(&lab, &missing, mss), -ENOBUFS);
	entries->free_cnt = free_cnt;
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	assert_int_equal(lab_refill(&lab, &missing, LAB_BUF_LEN), 0);
	assert_int_equal(lab_flush(&lab), 1);
	lab_fini(&lab);
}

/* a timeout asks for the first bytes; while they are read no other counts or backs off, and when
 * they have left the timer runs its whole time */
static void
no_timeout_counts_while_bytes_are_read(void **state)
{
	struct tcp_missing missing;
	uint64_t rto_us;

	open_one(state, false, true);
	fly_in(3);
	lab_give_up(&lab);
	assert_int_equal(lab_wait(&lab, peer.tcb->rto_us + 10000), 0);
	assert_int_equal(counted(CTR_tcp_rtos), 1);
	assert_int_equal(lab_wait(&lab, 100 * 1000 * 1000), 0);
	assert_int_equal(counted(CTR_tcp_rtos), 1);
	assert_int_equal(peer.tcb->retries, 1);
	assert_int_equal(peer.tcb->backoff, 1);
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	assert_int_equal(missing.seq, at(0));
	assert_int_equal(lab_refill(&lab, &missing, LAB_BUF_LEN), 0);
	assert_int_equal(lab_flush(&lab), 1);
	rto_us = (uint64_t)peer.tcb->rto_us << 1;
	lab_give_up(&lab);
	lab_wait(&lab, rto_us - 10000);
	assert_int_equal(counted(CTR_tcp_rtos), 1);
	lab_wait(&lab, 20000);
	assert_int_equal(counted(CTR_tcp_rtos), 2);
	assert_int_equal(peer.tcb->backoff, 2);
	lab_fini(&lab);
}

/* a peer that is gone is given up as ever, though its bytes are read again each time */
static void
a_dead_peer_is_given_up(void **state)
{
	open_one(state, true, true);
	fly_in(3);
	for (uint32_t i = 0; i < 2000 && peer.tcb != NULL; i++) {
		lab_give_up(&lab);
		lab_wait(&lab, 500 * 1000);
		lab_refill_all(&lab);
	}
	assert_null(peer.tcb);
	assert_int_equal(counted(CTR_tcp_timeouts), 1);
	assert_int_equal(counted(CTR_tcp_rtos), TCP_RETRIES_MAX);
	assert_int_equal(taken(), 0);
	lab_fini(&lab);
}

static void
a_tail_probe_waits_for_its_bytes(void **state)
{
	struct tcp_missing missing;

	open_one(state, true, true);
	fly_in(5);
	lab_give_up(&lab);
	assert_int_equal(lab_wait(&lab, 2 * RTT_US + 1000), 0);
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	assert_int_equal(missing.seq, at(4));
	assert_int_equal(lab_refill(&lab, &missing, LAB_BUF_LEN), 0);
	assert_int_equal(lab_flush(&lab), 1);
	assert_int_equal(times_sent(4), 1);
	assert_int_equal(counted(CTR_tcp_tlp_probes), 1);
	assert_int_equal(counted(CTR_tcp_rtos), 0);
	lab_fini(&lab);
}

/* one connection's wait is no other's */
static void
others_go_on(void **state)
{
	struct lab_peer other;

	open_one(state, true, true);
	lab_peer_init(&lab, &other, 40001);
	lab_connect(&other);
	fly_in(10);
	lab_give_up(&lab);
	lose_one(10);
	assert_int_equal(lab_flush(&lab), 0);
	lab_queue(&other, 3 * mss, mss);
	assert_int_equal(lab_flush(&lab), 3);
	lab_fini(&lab);
}

/* those that hold most give first, and what was sent last goes first */
static void
most_held_is_given_first(void **state)
{
	struct lab_peer other;
	const struct sendq_entry *head;

	open_one(state, true, true);
	lab_peer_init(&lab, &other, 40001);
	lab_connect(&other);
	lab_queue(&other, 2 * mss, mss);
	fly_in(40);
	assert_int_equal(tcp_give_up(lab.stack, 10), 10);
	head = peer.tcb->sendq.head;
	assert_false(head->flags & SENDQ_GIVEN);
	assert_true(peer.tcb->sendq.tail->flags & SENDQ_GIVEN);
	assert_int_equal(peer.tcb->sendq.given_cnt, 10);
	assert_int_equal(other.tcb->sendq.given_cnt, 0);
	assert_int_equal(tcp_give_up(lab.stack, 1000), 32);
	assert_int_equal(other.tcb->sendq.given_cnt, 2);
	lab_fini(&lab);
}

/* however much is held, a call looks at so many entries and no more */
static void
work_is_bounded(void **state)
{
	open_one(state, true, true);
	fly_in(600);
	for (uint32_t left = 600; left > 0;) {
		uint32_t cnt = tcp_give_up(lab.stack, UINT32_MAX);

		assert_in_range(cnt, 1, TCP_GIVE_STEPS);
		left -= cnt;
	}
	assert_int_equal(taken(), 0);
	lab_fini(&lab);
}

/* the window is shut: what waits behind it is given up too, and had again when it opens */
static void
unsent_bytes_of_a_shut_window_come_back(void **state)
{
	struct tcp_missing missing;

	open_one(state, true, true);
	fly_in(4);
	peer.wnd = 0;
	lab_ack(&peer, at(4), NULL, 0);
	lab_queue(&peer, 6 * mss, 2 * mss);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(tcp_give_up_unsent(lab.stack, peer.tcb), 3);
	lab_check(&lab);
	assert_int_equal(taken(), 0);
	assert_int_equal(lab_missing(&lab, &missing, 1), 0);
	peer.wnd = 65535;
	lab_ack(&peer, at(4), NULL, 0);
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	assert_int_equal(missing.seq, at(4));
	assert_int_equal(lab_refill(&lab, &missing, LAB_BUF_LEN), 0);
	while (lab_flush(&lab) > 0 || lab_refill_all(&lab) > 0)
		continue;
	assert_int_equal(tcb_flight(peer.tcb), 4 * mss);       /* the congestion window */
	lab_ack(&peer, at(8), NULL, 0);
	while (lab_flush(&lab) > 0 || lab_refill_all(&lab) > 0)
		continue;
	assert_int_equal(peer.tcb->snd_nxt, at(10));
	lab_fini(&lab);
}

/* a probe of a shut window has its byte read */
static void
a_window_probe_waits_for_its_byte(void **state)
{
	struct tcp_missing missing;

	open_one(state, true, true);
	peer.wnd = 0;
	lab_ack(&peer, at(0), NULL, 0);
	lab_queue(&peer, 6 * mss, 2 * mss);
	tcp_give_up_unsent(lab.stack, peer.tcb);
	assert_int_equal(lab_wait(&lab, 2 * peer.tcb->rto_us), 0);
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	assert_int_equal(lab_refill(&lab, &missing, LAB_BUF_LEN), 0);
	assert_int_equal(lab_flush(&lab), 1);
	assert_int_equal(lab_only(&lab)->len, 1);
	lab_fini(&lab);
}

static void
the_end_of_a_connection_forgets_its_wants(void **state)
{
	struct tcp_missing missing;

	open_one(state, true, true);
	fly_in(10);
	lab_give_up(&lab);
	lose_one(10);
	tcp_abort(lab.stack, peer.tcb);
	peer.tcb = NULL;
	assert_int_equal(tcp_missing(lab.stack, &missing, 1), 0);
	assert_int_equal(lab.stack->holdings.pool.free_cnt, lab.stack->holdings.pool.cnt);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(buffers_are_free_while_bytes_are_in_flight),
		LAB_TEST(unsent_bytes_stay),
		LAB_TEST(a_hole_waits_for_its_bytes),
		LAB_TEST(bytes_come_back_in_parts),
		LAB_TEST(what_was_acknowledged_meanwhile_is_not_taken),
		LAB_TEST(parts_without_entries_are_asked_for_again),
		LAB_TEST(no_timeout_counts_while_bytes_are_read),
		LAB_TEST(a_dead_peer_is_given_up),
		LAB_TEST(a_tail_probe_waits_for_its_bytes),
		LAB_TEST(others_go_on),
		LAB_TEST(most_held_is_given_first),
		LAB_TEST(work_is_bounded),
		LAB_TEST(unsent_bytes_of_a_shut_window_come_back),
		LAB_TEST(a_window_probe_waits_for_its_byte),
		LAB_TEST(the_end_of_a_connection_forgets_its_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
