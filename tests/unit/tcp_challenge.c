/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Limits of challenge ACKs (RFC 5961 7), and what their number tells an attacker: nothing of
 * another connection. */
#include "dataplane/tcp/challenge.h"
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EPOCH_US = 1 << 20, OWN_EPOCH_US = 1 << 22 };

static struct lab lab;
static struct lab_peer peers[2];

static void
start(void **state)
{
	lab_init(&lab, *state, 4);
	for (uint16_t i = 0; i < 2; i++) {
		lab_peer_init(&lab, &peers[i], (uint16_t)(40000 + i));
		lab_connect(&peers[i]);
	}
}

/* provoke sends cnt resets beside the expected number. Returns the ACKs that came back. */
static uint32_t
provoke(struct lab_peer *peer, uint32_t cnt)
{
	uint32_t sent = 0;

	for (uint32_t i = 0; i < cnt; i++) {
		lab_input(peer, &(struct lab_seg){.flags = TCP_RST, .seq = peer->nxt + 5});
		sent += lab_flush(&lab);
	}
	return sent;
}

static void
each_connection_has_its_own_limit(void **state)
{
	start(state);
	assert_int_equal(provoke(&peers[0], 50), TCP_CHALLENGE_ACKS_OWN);
	assert_int_equal(lab.ctr.value[CTR_tcp_challenge_limited], 50 - TCP_CHALLENGE_ACKS_OWN);
	/* what happens there is not seen here (CVE-2016-5696) */
	assert_int_equal(provoke(&peers[1], 50), TCP_CHALLENGE_ACKS_OWN);
	lab_wait(&lab, OWN_EPOCH_US);
	lab_flush(&lab);
	assert_int_equal(provoke(&peers[0], 50), TCP_CHALLENGE_ACKS_OWN);
	lab_fini(&lab);
}

static void
syns_and_acks_count_too(void **state)
{
	start(state);
	for (uint32_t i = 0; i < 30; i++) {
		lab_input(&peers[0], &(struct lab_seg){.flags = TCP_SYN, .seq = i * 99999999});
		lab_input(&peers[0], &(struct lab_seg){.flags = TCP_ACK, .seq = peers[0].nxt,
		                                       .ack = peers[0].rcv + 77});
	}
	assert_int_equal(lab.ctr.value[CTR_tcp_challenge_acks], TCP_CHALLENGE_ACKS_OWN);
	assert_int_equal(lab.ctr.value[CTR_tcp_challenge_limited], 60 - TCP_CHALLENGE_ACKS_OWN);
	assert_int_equal(peers[0].tcb->state, TCP_ESTABLISHED);
	lab_fini(&lab);
}

/* sent_in returns how many the limit of all lets through in the epoch of now_us. */
static uint32_t
sent_in(struct challenge *all, const uint64_t secret[2], uint64_t now_us)
{
	struct counters ctr = {0};

	for (uint32_t i = 0; i < 2 * TCP_CHALLENGE_ACKS_PER_S; i++)
		challenge_may(all, NULL, secret, now_us, &ctr);
	return (uint32_t)ctr.value[CTR_tcp_challenge_acks];
}

static void
limit_of_all_is_drawn_anew(void **state)
{
	static const uint64_t secret[2][2] = {{1, 2}, {3, 4}};
	uint32_t differ[2] = {0, 0};
	uint64_t sum = 0;

	(void)state;
	for (uint32_t i = 0, last = 0; i < 200; i++) {
		struct challenge all[2] = {{0}, {0}};
		uint64_t now_us = (uint64_t)(i + 1) * EPOCH_US;
		uint32_t sent = sent_in(&all[0], secret[0], now_us);

		assert_in_range(sent, TCP_CHALLENGE_ACKS_PER_S / 2,
		                3 * TCP_CHALLENGE_ACKS_PER_S / 2 - 1);
		assert_int_equal(sent_in(&all[0], secret[0], now_us + EPOCH_US - 1), 0);
		differ[0] += sent != last;
		differ[1] += sent != sent_in(&all[1], secret[1], now_us);
		last = sent;
		sum += sent;
	}
	assert_true(differ[0] > 190 && differ[1] > 190);       /* with time, and with the secret */
	assert_in_range(sum / 200, TCP_CHALLENGE_ACKS_PER_S * 9 / 10,
	                TCP_CHALLENGE_ACKS_PER_S * 11 / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(each_connection_has_its_own_limit),
		LAB_TEST(syns_and_acks_count_too),
		cmocka_unit_test(limit_of_all_is_drawn_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
