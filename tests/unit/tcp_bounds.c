/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Bounds of what peers can make the stack hold: out-of-order bytes in segments of any size, for
 * one connection and for all (RFC 2018 8: the receiver may refuse); queue entries; answers to
 * floods (RFC 5681 4.2). */
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 600 };

static struct lab lab;
static struct lab_peer peer;
static struct lab_peer many[MANY];
static uint32_t base;
static struct ooo_seg *drained;

static void
start(void **state, uint32_t connections_max)
{
	lab_init(&lab, *state, connections_max);
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
	base = peer.nxt;
}

static uint32_t
piece(uint32_t from, uint32_t len)
{
	peer.nxt = base + from;
	return lab_data(&peer, len, 0);
}

static uint32_t
buffers_taken(void)
{
	return lab.stack->ooo.cnt - lab.stack->ooo.free_cnt;
}

static void
crumbs_that_touch_share_buffers(void **state)
{
	start(state, 4);
	for (uint32_t i = 1; i <= 5000; i++)
		piece(i, 1);
	assert_int_equal(buffers_taken(), 3);          /* 5000 bytes */
	for (uint32_t i = 9999; i > 6000; i--)         /* from behind */
		piece(i, 1);
	assert_int_equal(buffers_taken(), 5);
	assert_int_equal(peer.tcb->reasm.cnt, 5);
	assert_int_equal(lab.ctr.value[CTR_tcp_ooo_full], 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_old_data], 0);
	piece(0, 1);
	assert_int_equal(peer.read, 5001);
	piece(5001, 1000);
	assert_int_equal(peer.read, 10000);
	assert_int_equal(buffers_taken(), 0);
	lab_fini(&lab);
}

/* every second byte, then the ones between: they join, and let buffers go */
static void
gaps_that_close_let_buffers_go(void **state)
{
	start(state, 4);
	for (uint32_t i = 0; i < TCP_OOO_SEGS_MAX; i++)
		piece(1 + 2 * i, 1);
	assert_int_equal(buffers_taken(), TCP_OOO_SEGS_MAX);
	for (uint32_t i = 0; i < TCP_OOO_SEGS_MAX - 1; i++)
		piece(2 + 2 * i, 1);
	assert_int_equal(buffers_taken(), 1);
	piece(0, 1);
	assert_int_equal(peer.read, 2 * TCP_OOO_SEGS_MAX);
	lab_fini(&lab);
}

/* whatever order, size and overlap, what is kept is right and each byte is accounted for */
static void
any_order_is_put_right(void **state)
{
	enum { LEN = 20000 };
	uint64_t sent = 0;
	uint32_t seed = 5;

	start(state, 4);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t from = 1 + (seed >> 8) % (LEN - 1500);
		uint32_t len = 1 + (seed >> 3) % (i % 3 == 0 ? 1448 : 5);

		seed = seed * 1664525 + 1013904223;
		piece(from, len);
		sent += len;
		assert_int_equal(lab_events(&peer), 0);
	}
	assert_true(buffers_taken() <= TCP_OOO_SEGS_MAX);
	for (uint32_t at = 0; at < LEN; at = peer.tcb->rcv_nxt - base) {
		piece(at, MIN(1000u, LEN - at));
		sent += MIN(1000u, LEN - at);
	}
	assert_int_equal(peer.read, LEN);              /* content is checked as it is read */
	assert_int_equal(buffers_taken(), 0);
	assert_int_equal(sent, lab.ctr.value[CTR_tcp_payload_in] + lab.ctr.value[CTR_tcp_old_data] +
	                       lab.ctr.value[CTR_tcp_ooo_full]);
	lab_fini(&lab);
}

/* held_by_many lets all of many hold what they can get, and returns how many hold nothing. */
static uint32_t
held_by_many(void)
{
	uint32_t none_cnt = 0;

	for (uint16_t i = 0; i < MANY; i++) {
		lab_peer_init(&lab, &many[i], (uint16_t)(41000 + i));
		lab_connect(&many[i]);
		for (uint32_t k = 0; k < 2 * TCP_OOO_SEGS_MAX; k++) {
			many[i].nxt += 50;
			lab_data(&many[i], 10, 0);
			many[i].nxt -= 10;
		}
		lab_flush(&lab);
		assert_true(many[i].tcb->reasm.cnt >= 1);
	}
	for (uint32_t i = 0; i < MANY; i++)
		none_cnt += many[i].tcb->reasm.cnt == 0;
	return none_cnt;
}

/* pool_drain takes what is free; pool_refill gives it back. */
static void
pool_drain(void)
{
	struct ooo_seg *seg;

	while ((seg = pool_get(&lab.stack->ooo)) != NULL) {
		seg->owner = NULL;
		seg->next = drained;
		drained = seg;
	}
}

static void
pool_refill(void)
{
	struct ooo_seg *seg;

	while ((seg = drained) != NULL) {
		drained = seg->next;
		pool_put(&lab.stack->ooo, seg);
	}
}

static void
many_that_hoard_keep_no_one_out(void **state)
{
	start(state, MANY + 2);
	assert_true(held_by_many() < MANY / 8);
	for (uint32_t round = 0; round < 50; round++) {        /* an honest peer still gets his */
		uint32_t at = round * 3000;

		pool_drain();                                  /* at the worst moment */
		piece(at + 1000, 1000);
		assert_true(peer.tcb->reasm.cnt > 0);
		pool_refill();
		piece(at, 1000);
		assert_int_equal(peer.read, at + 2000);
		piece(at + 2000, 1000);
	}
	lab_fini(&lab);
}

/* what is taken away is sent again, and none of it is lost to its owner */
static void
loser_of_buffers_goes_on(void **state)
{
	start(state, 4);
	lab_peer_init(&lab, &many[0], 41000);
	lab_connect(&many[0]);
	piece(100, 50);
	pool_drain();
	lab.stack->ooo_hand = pool_index(&lab.stack->ooo, peer.tcb->reasm.head);
	many[0].nxt += 10;
	lab_data(&many[0], 20, 0);
	assert_int_equal(peer.tcb->reasm.cnt, 0);
	assert_int_equal(many[0].tcb->reasm.cnt, 1);
	assert_int_equal(lab.ctr.value[CTR_tcp_ooo_full], 50);
	lab.stack->ooo_hand = pool_index(&lab.stack->ooo, many[0].tcb->reasm.head);
	piece(100, 50);                                        /* takes it back */
	assert_int_equal(many[0].tcb->reasm.cnt, 0);
	piece(0, 100);
	assert_int_equal(peer.read, 150);
	pool_refill();
	lab_fini(&lab);
}

static void
queue_entries_of_a_connection_are_bounded(void **state)
{
	struct frag frag = {.inline_len = 1};
	uint32_t taken = 0;

	start(state, 4);
	while (tcp_send(lab.stack, peer.tcb, &frag, 1) == 0)
		taken++;
	assert_int_equal(taken, TCP_SEND_ENTRIES_MAX);
	assert_int_equal(lab.ctr.value[CTR_tcp_no_entry], 1);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb), 0);
	tcp_abort(lab.stack, peer.tcb);
	assert_int_equal(lab.stack->entries.free_cnt, lab.stack->entries.cnt);
	lab_fini(&lab);
}

/* one answer to many: a flood of small segments gets fewer packets back than it sent */
static void
floods_are_not_amplified(void **state)
{
	uint32_t sent = 0;

	start(state, 4);
	for (uint32_t i = 0; i < 4000; i++) {
		piece(i, 1);
		sent += lab_flush(&lab);
	}
	assert_int_equal(sent, 4000 / TCP_DELACK_SEGMENTS);
	sent = 0;
	for (uint32_t i = 0; i < 1000; i++) {          /* out of order: one each, no more */
		piece(5000 + i * 3, 1);
		sent += lab_flush(&lab);
	}
	assert_int_equal(sent, 1000);
	sent = 0;
	for (uint32_t i = 0; i < 1000; i++) {          /* empty, of no news */
		peer.nxt = base + 4000;
		lab_ack(&peer, peer.rcv, NULL, 0);
		sent += lab_flush(&lab);
	}
	assert_int_equal(sent, 0);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(crumbs_that_touch_share_buffers),
		LAB_TEST(gaps_that_close_let_buffers_go),
		LAB_TEST(any_order_is_put_right),
		LAB_TEST(many_that_hoard_keep_no_one_out),
		LAB_TEST(loser_of_buffers_goes_on),
		LAB_TEST(queue_entries_of_a_connection_are_bounded),
		LAB_TEST(floods_are_not_amplified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
