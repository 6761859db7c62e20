/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The table of states: every cell has an answer, and every edge that is not legal is refused. */
#include "dataplane/tcp/states.h"
#include "tests/unit/tcp_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
every_cell_has_an_answer(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < TCP_STATE_CNT; s++) {
		for (uint32_t h = 0; h < TCP_HAPPENING_CNT; h++) {
			const struct tcp_rule *rule = tcp_rule_for(s, h);
			bool call = h >= TCP_CALL_SEND;

			assert_int_not_equal(rule->step, TCP_STEP_NONE);
			if (call)
				assert_true(rule->step >= TCP_STEP_ALLOW);
			else
				assert_true(rule->step < TCP_STEP_ALLOW);
			if (rule->step == TCP_STEP_DROP || rule->step == TCP_STEP_RESET)
				assert_true(rule->counter > CTR_tcp_segments_in &&
				            rule->counter < CTR_CNT);
		}
	}
}

static void
only_sending_states_send(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < TCP_STATE_CNT; s++) {
		bool may = s == TCP_ESTABLISHED || s == TCP_CLOSE_WAIT;

		assert_int_equal(tcp_rule_for(s, TCP_CALL_SEND)->step == TCP_STEP_ALLOW, may);
		assert_int_equal(tcp_rule_for(s, TCP_CALL_SHUTDOWN)->step == TCP_STEP_ALLOW, may);
		assert_int_equal(tcp_rule_for(s, TCP_CALL_CLOSE)->step == TCP_STEP_ALLOW, may);
	}
}

/* a call ends at once only what is not open yet, and never with a reset that the peer would not
 * understand */
static void
unopened_connections_are_abandoned(void **state)
{
	(void)state;
	for (uint32_t s = 0; s < TCP_STATE_CNT; s++) {
		bool unopened = s == TCP_SYN_SENT || s == TCP_SYN_RECEIVED;

		assert_int_equal(tcp_rule_for(s, TCP_CALL_CLOSE)->step == TCP_STEP_ABANDON, unopened);
		assert_int_equal(tcp_rule_for(s, TCP_CALL_ABORT)->step == TCP_STEP_ABANDON,
		                 s == TCP_SYN_SENT);
	}
	for (uint32_t h = TCP_IN_NOTHING; h <= TCP_IN_NONSENSE; h++) {
		bool nothing = h == TCP_IN_NOTHING || h == TCP_IN_NONSENSE;

		assert_int_equal(tcp_rule_for(TCP_SYN_SENT, h)->step,
		                 nothing ? TCP_STEP_DROP : TCP_STEP_ANSWER);
	}
}

static void
flags_are_classified(void **state)
{
	static const struct { uint8_t flags; enum tcp_happening happening; } rows[] = {
		{0, TCP_IN_NOTHING},
		{TCP_PSH | TCP_URG, TCP_IN_NOTHING},
		{TCP_ACK, TCP_IN_ACK},
		{TCP_ACK | TCP_PSH, TCP_IN_ACK},
		{TCP_ACK | TCP_FIN, TCP_IN_FIN},
		{TCP_FIN, TCP_IN_NONSENSE},
		{TCP_SYN, TCP_IN_SYN},
		{TCP_SYN | TCP_ACK, TCP_IN_SYN_ACK},
		{TCP_SYN | TCP_FIN, TCP_IN_NONSENSE},
		{TCP_SYN | TCP_RST, TCP_IN_NONSENSE},
		{TCP_SYN | TCP_ACK | TCP_FIN, TCP_IN_NONSENSE},
		{TCP_RST, TCP_IN_RST},
		{TCP_RST | TCP_ACK, TCP_IN_RST},
		{TCP_RST | TCP_FIN, TCP_IN_RST},
	};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++)
		assert_int_equal(tcp_happening_of(rows[i].flags), rows[i].happening);
}

static void
edges_are_those_of_the_rfc(void **state)
{
	static const struct { enum tcp_state from, to; } legal[] = {
		{TCP_CLOSED, TCP_LISTEN}, {TCP_CLOSED, TCP_SYN_SENT},
		{TCP_SYN_SENT, TCP_SYN_RECEIVED}, {TCP_SYN_SENT, TCP_ESTABLISHED},
		{TCP_SYN_SENT, TCP_CLOSED}, {TCP_LISTEN, TCP_SYN_RECEIVED},
		{TCP_SYN_RECEIVED, TCP_ESTABLISHED}, {TCP_ESTABLISHED, TCP_FIN_WAIT_1},
		{TCP_ESTABLISHED, TCP_CLOSE_WAIT}, {TCP_FIN_WAIT_1, TCP_FIN_WAIT_2},
		{TCP_FIN_WAIT_1, TCP_CLOSING}, {TCP_FIN_WAIT_1, TCP_TIME_WAIT},
		{TCP_FIN_WAIT_2, TCP_TIME_WAIT}, {TCP_CLOSE_WAIT, TCP_LAST_ACK},
		{TCP_CLOSING, TCP_TIME_WAIT}, {TCP_LAST_ACK, TCP_CLOSED},
		{TCP_TIME_WAIT, TCP_CLOSED}, {TCP_SYN_RECEIVED, TCP_CLOSED},
		{TCP_ESTABLISHED, TCP_CLOSED}, {TCP_FIN_WAIT_1, TCP_CLOSED},
		{TCP_FIN_WAIT_2, TCP_CLOSED}, {TCP_CLOSE_WAIT, TCP_CLOSED},
		{TCP_CLOSING, TCP_CLOSED},
	};
	uint32_t found = 0;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_CNT(legal); i++)
		assert_true(tcp_edge_legal(legal[i].from, legal[i].to));
	for (uint32_t from = 0; from < TCP_STATE_CNT; from++) {
		for (uint32_t to = 0; to < TCP_STATE_CNT; to++)
			found += tcp_edge_legal(from, to);
	}
	assert_int_equal(found, ARRAY_CNT(legal));
}

/* nonsense never moves a connection, in any state that a peer can bring it to */
static void
nonsense_moves_nothing(void **state)
{
	static const uint8_t flags[] = {0, TCP_FIN, TCP_SYN | TCP_FIN, TCP_SYN | TCP_RST, TCP_URG};
	static struct lab lab;
	struct lab_peer peer;

	lab_init(&lab, *state, 4);
	lab_peer_init(&lab, &peer, 40000);
	lab_connect(&peer);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < ARRAY_CNT(flags); i++)
			lab_input(&peer, &(struct lab_seg){.flags = flags[i], .seq = peer.nxt,
			                                   .ack = peer.rcv, .wnd = 10});
		assert_int_equal(peer.tcb->state, round == 0 ? TCP_ESTABLISHED : TCP_FIN_WAIT_1);
		assert_int_equal(lab.ctr.value[CTR_tcp_bad_flags], (round + 1) * ARRAY_CNT(flags));
		if (round == 0)
			tcp_close(lab.stack, peer.tcb, lab.now_us);
	}
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_has_an_answer),
		cmocka_unit_test(only_sending_states_send),
		cmocka_unit_test(unopened_connections_are_abandoned),
		cmocka_unit_test(flags_are_classified),
		cmocka_unit_test(edges_are_those_of_the_rfc),
		LAB_TEST(nonsense_moves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
