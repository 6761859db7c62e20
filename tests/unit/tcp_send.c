/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Bytes to the peer: how fragments become segments, bounds, and turns. */
#include "tests/unit/tcp_lab_missing.h"

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
fragments_are_gathered_into_full_segments(void **state)
{
	start(state);
	lab_queue(&peer, 13, 13);              /* inline */
	lab_queue(&peer, 16384, 16384);
	lab_queue(&peer, 13, 13);
	lab_queue(&peer, 100, 100);
	assert_int_equal(lab_flush(&lab), 10);
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(lab.out[i].seg.len, 1448);
	assert_int_equal(lab.out[0].span_cnt, 2);
	assert_int_equal(lab.out[1].span_cnt, 1);
	lab_ack(&peer, peer.tcb->snd_nxt, NULL, 0);
	lab_flush(&lab);
	assert_int_equal(lab.out[0].span_cnt, 1);
	assert_int_equal(lab.out[1].span_cnt, 3);
	lab_fini(&lab);
}

static void
push_marks_the_end_of_the_queue(void **state)
{
	start(state);
	lab_queue(&peer, 3000, 3000);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 3);
	assert_int_equal(lab.out[0].seg.flags, TCP_ACK);
	assert_int_equal(lab.out[2].seg.flags, TCP_ACK | TCP_PSH);
	lab_fini(&lab);
}

static void
scattered_fragments_end_a_segment_early(void **state)
{
	start(state);
	lab_queue(&peer, 5 * PKT_SPANS_MAX * 10, 10);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 5);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(lab.out[i].span_cnt, PKT_SPANS_MAX);
		assert_int_equal(lab.out[i].seg.len, 10 * PKT_SPANS_MAX);
	}
	lab_wait(&lab, 450000);                /* and when they are sent again */
	assert_true(lab.out_cnt > 0);
	for (uint32_t i = 0; i < lab.out_cnt; i++)
		assert_int_equal(lab.out[i].seg.len, 10 * PKT_SPANS_MAX);
	lab_ack(&peer, peer.rcv + 5 * PKT_SPANS_MAX * 10, NULL, 0);
	assert_int_equal(tcb_queued(peer.tcb), 0);
	lab_fini(&lab);
}

static void
references_are_held_until_all_of_a_fragment_is_acknowledged(void **state)
{
	start(state);
	lab_queue(&peer, 4000, 2000);
	lab_flush(&lab);
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt - 2);
	lab_ack(&peer, peer.rcv + 1999, NULL, 0);
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt - 2);
	lab_ack(&peer, peer.rcv + 1, NULL, 0);
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt - 1);
	lab_ack(&peer, peer.rcv + 2000, NULL, 0);
	assert_int_equal(lab.bufs->free_cnt, lab.bufs->cnt);
	assert_int_equal(peer.tcb->acked_bytes, 4000);
	assert_int_equal(lab.ctr.value[CTR_tcp_payload_acked], 4000);
	lab_fini(&lab);
}

static void
queue_entries_are_bounded(void **state)
{
	struct frag frag = {.inline_len = 1, .bytes = {lab_byte(0)}};
	uint32_t cnt = 0;

	start(state);
	while (tcp_send(lab.stack, peer.tcb, &frag, 1) == 0)
		cnt++;
	assert_int_equal(cnt, TCP_SEND_ENTRIES_MAX);
	assert_int_equal(lab.ctr.value[CTR_tcp_no_entry], 1);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb), 0);
	lab_fini(&lab);
}

static void
exhausted_flight_records_only_delay(void **state)
{
	uint32_t wanted = 100000;
	void *taken = NULL;
	void *record;

	start(state);
	while ((record = pool_get(&lab.stack->records)) != NULL) {
		*(void **)record = taken;
		taken = record;
	}
	lab_queue(&peer, wanted, 16384);
	assert_int_equal(tcp_output(lab.stack, (struct pkt_out[1]){{0}}, 1, lab.now_us), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_no_record], 1);
	assert_true(tcp_output_pending(lab.stack));
	record = taken;
	taken = *(void **)record;
	pool_put(&lab.stack->records, record); /* one is enough to go on, with losses too */
	for (uint32_t i = 0; i < 1000 && tcb_queued(peer.tcb) > 0; i++) {
		struct tcp_range sack = {peer.rcv + 1448, peer.rcv + 2 * 1448};

		lab.now_us++;
		for (uint32_t turn = 0; turn < 3; turn++) {
			struct pkt_out pkts[16];

			tcp_output(lab.stack, pkts, 16, lab.now_us);
		}
		lab_ack(&peer, seq_min(peer.rcv + 1448, peer.tcb->snd_nxt), &sack, 1);
	}
	assert_int_equal(tcb_queued(peer.tcb), 0);
	while (taken != NULL) {
		record = taken;
		taken = *(void **)record;
		pool_put(&lab.stack->records, record);
	}
	lab_fini(&lab);
}

/* two connections with much to send take turns of a quantum, or of a packet if that is longer */
static void
connections_take_turns(void **state)
{
	const struct lab_variant *variant = *state;
	uint32_t turns = 2 * MAX((uint32_t)TCP_QUANTUM, variant->tso_max);
	static struct lab_peer two[2];
	uint32_t bytes[2] = {0, 0};

	lab_init(&lab, *state, 4);
	for (uint16_t i = 0; i < 2; i++) {
		lab_peer_init(&lab, &two[i], (uint16_t)(40000 + i));
		lab_connect(&two[i]);
	}
	for (uint32_t i = 0; i < 2; i++) {
		two[i].tcb->cc.cwnd_bytes = 1 << 20;
		lab_queue(&two[i], 400000, 16384);
	}
	assert_int_equal(lab_flush(&lab), 2 * 277);
	for (uint32_t i = 0; i < lab.out_cnt; i++) {
		bytes[lab.out[i].remote_port - 40000] += lab.out[i].seg.len;
		assert_in_range(bytes[0] + (1 << 20) - bytes[1], (1 << 20) - turns,
		                (1 << 20) + turns);
	}
	assert_int_equal(bytes[0], 400000);
	assert_int_equal(bytes[1], 400000);
	lab_fini(&lab);
}

/* a burst ends where a segment begins of which not all is there, and goes on when it is */
static void
bursts_end_before_what_was_given_up(void **state)
{
	struct tcp_missing missing;

	start(state);
	lab_queue(&peer, 15000, 5000);
	assert_int_equal(tcp_give_up_unsent(lab.stack, peer.tcb), 3);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 0);
	assert_int_equal(lab_missing(&lab, &missing, 1), 1);
	assert_int_equal(lab_refill(&lab, &missing, 16384), 0);
	lab_flush(&lab);
	assert_int_equal(lab.out_cnt, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(lab.out[i].seg.len, 1448);
	lab.keep = true;
	while (lab_refill_all(&lab) > 0)
		lab_flush(&lab);
	assert_int_equal(tcb_flight(peer.tcb), 10 * 1448);
	assert_int_equal(lab.out_cnt, 10);
	lab_fini(&lab);
}

/* what the peer holds behind a hole does not fill the queue, within its bound */
static void
room_leaves_out_what_is_sacked(void **state)
{
	struct tcp_range block;
	uint32_t room;

	start(state);
	lab_queue(&peer, tcp_send_room(lab.stack, peer.tcb), 16384);
	lab_flush(&lab);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb), 0);
	block = (struct tcp_range){peer.rcv + 1448, peer.rcv + 10 * 1448};
	peer.tcb->cc.cwnd_bytes = 10 * 1448;
	lab_ack(&peer, peer.rcv, &block, 1);
	peer.tcb->cc.cwnd_bytes = 10 * 1448;
	room = tcp_send_room(lab.stack, peer.tcb);
	assert_int_equal(room, 9 * 1448);
	lab_queue(&peer, room, 16384);
	assert_int_equal(tcp_send_room(lab.stack, peer.tcb), 0);
	lab_fini(&lab);
}

static void
sack_blocks_make_room_for_themselves(void **state)
{
	start(state);
	peer.nxt += 100;
	lab_data(&peer, 10, 0);
	lab_queue(&peer, 14480, 16384);
	lab_flush(&lab);                       /* lab checks that packets fit the MTU */
	assert_int_equal(lab.out[0].seg.opt.sack_cnt, 1);
	assert_int_equal(lab.out[0].seg.len, 1448 - 12);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(fragments_are_gathered_into_full_segments),
		LAB_TEST(push_marks_the_end_of_the_queue),
		LAB_TEST(scattered_fragments_end_a_segment_early),
		LAB_TEST(references_are_held_until_all_of_a_fragment_is_acknowledged),
		LAB_TEST(queue_entries_are_bounded),
		LAB_TEST(exhausted_flight_records_only_delay),
		LAB_TEST(connections_take_turns),
		LAB_TEST(bursts_end_before_what_was_given_up),
		LAB_TEST(room_leaves_out_what_is_sacked),
		LAB_TEST(sack_blocks_make_room_for_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
