/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Hostile packets at a node: floods, lies, foreign transaction ids, replies from elsewhere,
 * replayed tokens. Each is counted, and nothing grows. */
#include "tests/unit/dht_lab.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static struct lab lab;
static const uint8_t some_id[DHT_ID_LEN] = "some id of a node...";
static const uint8_t info_hash[DHT_ID_LEN] = "an info_hash to find";

static int
begin(void **state)
{
	(void)state;
	lab_begin(&lab);
	lab_add(&lab, true);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	lab_end(&lab);
	return 0;
}

static uint64_t
counted(enum dht_counter counter)
{
	return lab_status(&lab, 0).counter[counter];
}

static struct dht_ask
query(enum dht_method method)
{
	return (struct dht_ask){.method = method, .tid = (const uint8_t *)"aa", .tid_len = 2,
	                        .id = some_id, .target = info_hash, .port = 4000};
}

static void
a_flood_of_one_host_is_cut(void **state)
{
	struct dht_address from = lab_address(900, true), other = lab_address(901, true);
	struct dht_ask ask = query(DHT_GET_PEERS);
	uint32_t answered = 0;
	size_t len;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		from.port = (uint16_t)(1000 + i);
		lab_ask(&lab, 0, &from, &ask, &len);
		answered += len > 0;
	}
	assert_int_equal(answered, DHT_ANSWER_BURST);
	assert_int_equal(counted(DHT_CTR_flooded), 10000 - DHT_ANSWER_BURST);
	/* Another one is answered as before. */
	lab_ask(&lab, 0, &other, &ask, &len);
	assert_true(len > 0);
	assert_true(lab_status(&lab, 0).dubious_cnt <= 2);
}

static void
a_flood_of_many_hosts_has_one_rate(void **state)
{
	struct dht_ask ask = query(DHT_FIND_NODE);
	uint8_t id[DHT_ID_LEN];
	uint32_t answered = 0;
	size_t len;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		struct dht_address from = lab_address(i, true);
		struct dht_random random = {.seed = i + 1};

		from.ip[3] = (uint8_t)(i >> 16);
		dht_random_fill(&random, id, sizeof(id));
		ask.id = id;
		lab_ask(&lab, 0, &from, &ask, &len);
		answered += len > 0;
	}
	assert_true(answered <= lab.rate / 5 + 8);
	assert_int_equal(counted(DHT_CTR_answers_limited), 100000 - answered);
	struct dht_node_status status = lab_status(&lab, 0);
	assert_true(status.dubious_cnt <= 8 * 20);
	assert_int_equal(status.peer_cnt, 0);
	/* A second later there are answers again. */
	lab.now_ms += 1000;
	struct dht_address from = lab_address(60000, true);
	lab_ask(&lab, 0, &from, &ask, &len);
	assert_true(len > 0);
}

static void
tokens_do_not_work_elsewhere(void **state)
{
	struct dht_address from = lab_address(900, true), thief = lab_address(901, true);
	struct dht_ask ask = query(DHT_GET_PEERS);
	struct dht_message m;
	uint8_t token[DHT_TOKEN_MAX];
	size_t len;

	(void)state;
	const uint8_t *answer = lab_ask(&lab, 0, &from, &ask, &len);
	assert_int_equal(dht_message_read(&m, answer, len), 0);
	assert_true(m.token.len > 0);
	memcpy(token, m.token.bytes, m.token.len);
	ask = query(DHT_ANNOUNCE_PEER);
	ask.token = (struct dht_span){token, m.token.len};
	answer = lab_ask(&lab, 0, &thief, &ask, &len);
	assert_int_equal(dht_message_read(&m, answer, len), 0);
	assert_int_equal(m.kind, DHT_ERROR);
	assert_int_equal(m.error_code, DHT_ERROR_PROTOCOL);
	assert_int_equal(counted(DHT_CTR_tokens_wrong), 1);
	assert_int_equal(lab_status(&lab, 0).peer_cnt, 0);
	answer = lab_ask(&lab, 0, &from, &ask, &len);
	assert_int_equal(dht_message_read(&m, answer, len), 0);
	assert_int_equal(m.kind, DHT_REPLY);
	assert_int_equal(lab_status(&lab, 0).peer_cnt, 1);
	/* Nor after ten minutes. */
	for (int i = 0; i < 11; i++)
		lab_run(&lab, 60000);
	answer = lab_ask(&lab, 0, &from, &ask, &len);
	assert_int_equal(dht_message_read(&m, answer, len), 0);
	assert_int_equal(m.kind, DHT_ERROR);
}

static void
replies_to_no_question_do_nothing(void **state)
{
	static const char nodes[] = "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\x32\1\1\1\x1a\xe1";
	struct dht_address from = lab_address(900, true);
	char reply[256];
	size_t len;

	(void)state;
	int n = snprintf(reply, sizeof(reply), "d1:rd2:id20:%.20s5:nodes26:", (const char *)some_id);
	memcpy(reply + n, nodes, 26);
	n += 26;
	n += snprintf(reply + n, sizeof(reply) - (size_t)n, "e1:t4:abcd1:y1:re");
	for (int i = 0; i < 1000; i++)
		lab_send(&lab, 0, &from, (struct dht_span){(const uint8_t *)reply, (size_t)n}, &len);
	assert_int_equal(counted(DHT_CTR_unasked), 1000);
	assert_int_equal(counted(DHT_CTR_replies), 0);
	assert_true(dht_node_alone(lab.node[0], lab.now_ms));
}

/* The node asks one address: the answer from another, with the right transaction id, is none. */
static void
replies_from_elsewhere_do_nothing(void **state)
{
	struct dht_address router = lab_address(900, true), spy = lab_address(901, true);
	struct dht_packet packet;
	struct dht_message m;
	struct dht_answer answer = {.id = some_id};
	size_t len;

	(void)state;
	dht_node_hint(lab.node[0], &router, lab.now_ms);
	assert_true(dht_node_take(lab.node[0], &packet));
	assert_int_equal(dht_message_read(&m, packet.bytes, packet.len), 0);
	struct dht_packet reply = {.to = lab.address[0]};
	answer.tid = m.tid;
	dht_write_answer(&reply, &answer);
	lab_send(&lab, 0, &spy, (struct dht_span){reply.bytes, reply.len}, &len);
	assert_int_equal(counted(DHT_CTR_unasked), 1);
	assert_true(dht_node_alone(lab.node[0], lab.now_ms));
	lab_send(&lab, 0, &router, (struct dht_span){reply.bytes, reply.len}, &len);
	assert_int_equal(counted(DHT_CTR_replies), 1);
	assert_false(dht_node_alone(lab.node[0], lab.now_ms));
	/* Once. */
	lab_send(&lab, 0, &router, (struct dht_span){reply.bytes, reply.len}, &len);
	assert_int_equal(counted(DHT_CTR_unasked), 2);
}

/* What a router names: ourselves, one address again and again, our neighbours, nobody. */
static void
what_is_named_is_looked_at(void **state)
{
	struct dht_address router = lab_address(900, true);
	struct dht_answer answer = {.id = some_id};
	uint8_t nodes[8 * DHT_NODE_V4];
	struct dht_packet packet, reply = {.to = lab.address[0]};
	struct dht_message m;
	size_t len, at = 0;

	(void)state;
	dht_node_hint(lab.node[0], &router, lab.now_ms);
	assert_true(dht_node_take(lab.node[0], &packet));
	assert_int_equal(dht_message_read(&m, packet.bytes, packet.len), 0);
	struct dht_node_status status = lab_status(&lab, 0);
	for (uint8_t i = 0; i < 8; i++) {
		struct dht_contact c = {.address = lab_address(700, true)};
		memset(c.id, i + 1, DHT_ID_LEN);
		if (i == 0)
			memcpy(c.id, status.id, DHT_ID_LEN);
		if (i == 1)
			c.address = lab.address[0];
		if (i == 2)
			c.address = lab_address(3, false);
		if (i == 3)
			c.address.ip[0] = 127;
		if (i == 4)
			c.address.port = 0;
		at += dht_contact_write(&c, nodes + at);
	}
	answer.tid = m.tid;
	answer.nodes = (struct dht_span){nodes, at};
	dht_write_answer(&reply, &answer);
	lab_send(&lab, 0, &router, (struct dht_span){reply.bytes, reply.len}, &len);
	assert_int_equal(counted(DHT_CTR_nodes_refused), 5);
	status = lab_status(&lab, 0);
	assert_int_equal(status.good_cnt, 1);
	assert_int_equal(status.dubious_cnt, 1); /* of three with one address */
}

static void
what_is_no_message_is_counted(void **state)
{
	static uint8_t big[65507];
	struct dht_address from = lab_address(900, true), v6 = {.ip = {0x2a}, .ip_len = 16, .port = 1};
	struct dht_address silent = from;
	struct dht_ask ask = query(DHT_PING);
	struct dht_node_status status = lab_status(&lab, 0);
	size_t len;

	(void)state;
	memset(big, 'd', sizeof(big));
	lab_send(&lab, 0, &from, (struct dht_span){big, sizeof(big)}, &len);
	assert_int_equal(counted(DHT_CTR_too_long), 1);
	lab_send(&lab, 0, &from, (struct dht_span){big, DHT_RECEIVE_MAX}, &len);
	lab_send(&lab, 0, &from, (struct dht_span){big, 0}, &len);
	lab_ask(&lab, 0, &v6, &ask, &len);
	silent.port = 0;
	lab_ask(&lab, 0, &silent, &ask, &len);
	assert_int_equal(counted(DHT_CTR_malformed), 4);
	ask.id = status.id;
	lab_ask(&lab, 0, &from, &ask, &len);
	assert_int_equal(len, 0);
	assert_int_equal(counted(DHT_CTR_own_id), 1);
	assert_int_equal(counted(DHT_CTR_answered), 0);
}

static void
wrong_queries_are_answered_with_errors(void **state)
{
	static const struct {
		const char *text;
		int code;
	} wrong[] = {
		{"d1:ad2:id20:abcdefghij0123456789e1:q4:vote1:t2:aa1:y1:qe", DHT_ERROR_METHOD},
		{"d1:ad2:id20:abcdefghij0123456789e1:q9:get_peers1:t2:aa1:y1:qe", DHT_ERROR_PROTOCOL},
		{"d1:ad2:id3:abce1:q4:ping1:t2:aa1:y1:qe", DHT_ERROR_PROTOCOL},
	};
	struct dht_address from = lab_address(900, true);
	struct dht_message m;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct dht_span span = {(const uint8_t *)wrong[i].text, strlen(wrong[i].text)};
		const uint8_t *answer = lab_send(&lab, 0, &from, span, &len);
		assert_int_equal(dht_message_read(&m, answer, len), 0);
		assert_int_equal(m.kind, DHT_ERROR);
		assert_int_equal(m.error_code, wrong[i].code);
		assert_memory_equal(m.tid.bytes, "aa", 2);
	}
}

/* Peers are told with others in one packet; local nodes are not told to the world. */
static void
answers_tell_what_may_be_told(void **state)
{
	struct dht_address from = lab_address(900, true);
	struct dht_ask ask = query(DHT_GET_PEERS);
	struct dht_message m;
	size_t len;

	(void)state;
	for (int i = 0; i < 12; i++)
		lab_add(&lab, i % 2);
	lab_meet(&lab);
	const uint8_t *answer = lab_ask(&lab, 0, &from, &ask, &len);
	assert_int_equal(dht_message_read(&m, answer, len), 0);
	assert_true(m.nodes.len >= 4 * DHT_NODE_V4);
	for (size_t i = 0; i < m.nodes.len; i += DHT_NODE_V4) {
		struct dht_contact c;
		dht_contact_read(&c, m.nodes.bytes + i, DHT_NODE_V4);
		assert_int_equal(dht_address_scope(&c.address), DHT_SCOPE_GLOBAL);
	}
	assert_int_equal(m.ip.len, DHT_COMPACT_V4);
	assert_memory_equal(m.ip.bytes, from.ip, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_flood_of_one_host_is_cut, begin, end),
		cmocka_unit_test_setup_teardown(a_flood_of_many_hosts_has_one_rate, begin, end),
		cmocka_unit_test_setup_teardown(tokens_do_not_work_elsewhere, begin, end),
		cmocka_unit_test_setup_teardown(replies_to_no_question_do_nothing, begin, end),
		cmocka_unit_test_setup_teardown(replies_from_elsewhere_do_nothing, begin, end),
		cmocka_unit_test_setup_teardown(what_is_named_is_looked_at, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_message_is_counted, begin, end),
		cmocka_unit_test_setup_teardown(wrong_queries_are_answered_with_errors, begin, end),
		cmocka_unit_test_setup_teardown(answers_tell_what_may_be_told, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
