/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* TIME-WAIT: which SYN begins a new connection (RFC 6191 2, each case), where its numbers begin
 * (RFC 1122 4.2.2.13), and what cannot end or prolong it (RFC 1337; 9293 3.10.7.4). */
#include "dataplane/base/seq.h"
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;
static struct lab_peer peer;

/* start brings a connection into TIME-WAIT, with or without timestamps. */
static void
start(void **state, bool ts)
{
	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	peer.syn.has_ts = ts;
	lab_connect(&peer);
	tcp_close(lab.stack, peer.tcb, lab.now_us);
	lab_flush(&lab);
	peer.rcv = lab_only(&lab)->seq + 1;
	lab_data(&peer, 0, TCP_FIN);
	lab_flush(&lab);
	peer.ts = false;
	lab.peers = NULL;
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1);
}

static void
each_case_of_rfc_6191(void **state)
{
	static const struct { bool before, now; int32_t ts_add, seq_add; bool new; } rows[] = {
		{true, true, 1, -1000, true},          /* a later timestamp */
		{true, true, 1, 1000, true},
		{true, true, 0, 0, true},              /* the same: by the number */
		{true, true, 0, 1000, true},
		{true, true, 0, -1, false},
		{true, true, -1, 1000, false},         /* an earlier one */
		{true, false, 0, 0, true},             /* none now: by the number */
		{true, false, 0, -1, false},
		{false, true, 0, -1000, true},         /* none before, one now */
		{false, false, 0, 0, true},            /* none at all: by the number */
		{false, false, 0, -1, false},
		{false, false, 0, -1000, false},
	};

	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		const struct lab_seg *answer;
		struct lab_seg syn = {
			.flags = TCP_SYN, .seq = peer.nxt, .wnd = 100,
			.opt = {.has_ts = rows[i].now, .tsval = peer.tsval},
		};

		start(state, rows[i].before);
		syn.seq = peer.nxt + (uint32_t)rows[i].seq_add;
		syn.opt.tsval = peer.tsval + (uint32_t)rows[i].ts_add;
		assert_int_equal(lab_input(&peer, &syn), 0);
		lab_flush(&lab);
		answer = lab_only(&lab);
		assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], !rows[i].new);
		if (rows[i].new) {
			assert_int_equal(answer->flags, TCP_SYN | TCP_ACK);
			assert_int_equal(answer->ack, syn.seq + 1);
		} else {
			assert_int_equal(answer->flags, TCP_ACK);
			assert_int_equal(answer->ack, peer.nxt);
		}
		lab_fini(&lab);
	}
}

/* a sender that was faster than the clock of the numbers */
static void
new_numbers_begin_above_the_old(void **state)
{
	struct timewait_entry *entry;
	uint32_t old;

	for (uint32_t ahead = 0; ahead <= 1u << 30; ahead = ahead * 2 + 1000) {
		start(state, true);
		entry = lab.stack->timewait.oldest;
		entry->snd_nxt += ahead;
		old = entry->snd_nxt;
		lab_input(&peer, &(struct lab_seg){.flags = TCP_SYN, .seq = peer.nxt + 9, .wnd = 9,
			.opt = {.has_ts = true, .tsval = peer.tsval + 1}});
		lab_flush(&lab);
		assert_true(seq_gt(lab_only(&lab)->seq, old));
		assert_true(lab_only(&lab)->seq - old <= TCP_ISN_STEP + (1u << 20));
		lab_fini(&lab);
	}
}

static void
late_fin_waits_anew_and_a_guess_does_not(void **state)
{
	uint64_t deadline_us;

	start(state, true);
	deadline_us = lab.stack->timewait.oldest->deadline_us;
	lab_wait(&lab, 1000000);
	for (int32_t add = -2; add <= 1; add++) {
		bool late = add == -1;

		lab_input(&peer, &(struct lab_seg){
			.flags = TCP_FIN | TCP_ACK, .seq = peer.nxt + (uint32_t)add, .ack = peer.rcv,
			.opt = {.has_ts = true, .tsval = peer.tsval}});
		lab_flush(&lab);
		assert_int_equal(lab_only(&lab)->ack, peer.nxt);
		assert_int_equal(lab.stack->timewait.oldest->deadline_us > deadline_us, late);
		deadline_us = lab.stack->timewait.oldest->deadline_us;
	}
	lab_wait(&lab, 1000000);                       /* its ACK is of what we never sent */
	lab_input(&peer, &(struct lab_seg){
		.flags = TCP_FIN | TCP_ACK, .seq = peer.nxt - 1, .ack = peer.rcv + 1,
		.opt = {.has_ts = true, .tsval = peer.tsval}});
	assert_int_equal(lab.stack->timewait.oldest->deadline_us, deadline_us);
	lab_fini(&lab);
}

static void
resets_and_nonsense_end_nothing(void **state)
{
	static const uint8_t flags[] = {TCP_RST, TCP_RST | TCP_ACK, TCP_SYN | TCP_RST, 0,
	                                TCP_SYN | TCP_FIN, TCP_FIN, TCP_ACK};

	start(state, true);
	for (uint32_t i = 0; i < ARRAY_CNT(flags); i++) {
		for (int32_t add = -2; add <= 2; add++)
			lab_input(&peer, &(struct lab_seg){
				.flags = flags[i], .seq = peer.nxt + (uint32_t)add, .ack = peer.rcv});
	}
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_time_wait], 1); /* RFC 1337 3 */
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_reset], 10);
	assert_int_equal(lab.ctr.value[CTR_tcp_bad_flags], 20);
	assert_int_equal(lab.ctr.value[CTR_tcp_in_time_wait], 5);
	lab_fini(&lab);
}

static void
answers_are_limited(void **state)
{
	uint32_t sent = 0;

	start(state, true);
	for (uint32_t i = 0; i < 4 * TCP_CHALLENGE_ACKS_PER_S; i++) {
		lab_input(&peer, &(struct lab_seg){
			.flags = TCP_SYN, .seq = peer.nxt - 1000,
			.opt = {.has_ts = true, .tsval = peer.tsval - 1}});
		sent += lab_flush(&lab);
	}
	assert_in_range(sent, TCP_CHALLENGE_ACKS_PER_S / 2, 3 * TCP_CHALLENGE_ACKS_PER_S / 2);
	assert_int_equal(lab.ctr.value[CTR_tcp_challenge_limited],
	                 4 * TCP_CHALLENGE_ACKS_PER_S - sent);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(each_case_of_rfc_6191),
		LAB_TEST(new_numbers_begin_above_the_old),
		LAB_TEST(late_fin_waits_anew_and_a_guess_does_not),
		LAB_TEST(resets_and_nonsense_end_nothing),
		LAB_TEST(answers_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
