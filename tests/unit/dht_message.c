/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* KRPC: BEP 5's examples are read and written to the byte, and what is no message is refused. */
#include "control/dht/dht_message.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ID "abcdefghij0123456789"
#define TARGET "mnopqrstuvwxyz123456"
#define PING "d1:ad2:id20:" ID "e1:q4:ping1:t2:aa1:y1:qe"

static struct dht_message m;

static int
take(const char *text)
{
	return dht_message_read(&m, text, strlen(text));
}

static bool
span_is(struct dht_span span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.bytes, text, span.len) == 0;
}

static void
queries_of_bep_5_are_read(void **state)
{
	(void)state;
	assert_int_equal(take(PING), 0);
	assert_int_equal(m.kind, DHT_QUERY);
	assert_int_equal(m.method, DHT_PING);
	assert_memory_equal(m.id, ID, 20);
	assert_true(span_is(m.tid, "aa"));
	assert_false(m.read_only);
	assert_int_equal(take("d1:ad2:id20:" ID "6:target20:" TARGET
	                      "e1:q9:find_node1:t2:aa1:y1:qe"), 0);
	assert_int_equal(m.method, DHT_FIND_NODE);
	assert_memory_equal(m.target, TARGET, 20);
	assert_int_equal(take("d1:ad2:id20:" ID "9:info_hash20:" TARGET
	                      "e1:q9:get_peers1:t2:aa1:y1:qe"), 0);
	assert_int_equal(m.method, DHT_GET_PEERS);
	assert_memory_equal(m.target, TARGET, 20);
	assert_int_equal(take("d1:ad2:id20:" ID "12:implied_porti1e9:info_hash20:" TARGET
	                      "4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe"), 0);
	assert_int_equal(m.method, DHT_ANNOUNCE_PEER);
	assert_true(m.implied_port);
	assert_true(span_is(m.token, "aoeusnth"));
	assert_int_equal(take("d1:ad2:id20:" ID "9:info_hash20:" TARGET
	                      "4:porti6881e4:seedi1e5:token1:xe1:q13:announce_peer1:t1:a1:y1:qe"), 0);
	assert_int_equal(m.port, 6881);
	assert_true(m.seed);
	assert_int_equal(take("d1:ad2:id20:" ID "e1:q4:vote2:roi1e1:t2:aa1:y1:qe"), 0);
	assert_int_equal(m.method, DHT_METHOD_OTHER);
	assert_true(m.read_only);
	assert_int_equal(take("d1:ad2:id20:" ID "6:target20:" TARGET
	                      "4:wantl2:n42:n62:xxee1:q9:find_node1:t2:aa1:y1:qe"), 0);
	assert_int_equal(m.want, DHT_WANT_V4 | DHT_WANT_V6);
}

static void
replies_of_bep_5_are_read(void **state)
{
	(void)state;
	assert_int_equal(take("d1:rd2:id20:" TARGET "e1:t2:aa1:y1:re"), 0);
	assert_int_equal(m.kind, DHT_REPLY);
	assert_memory_equal(m.id, TARGET, 20);
	assert_int_equal(take("d1:rd2:id20:" ID "5:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee"
	                      "1:t2:aa1:y1:re"), 0);
	assert_int_equal(m.value_cnt, 2);
	assert_true(span_is(m.token, "aoeusnth"));
	assert_int_equal(take("d2:ip6:abcdef1:rd2:id20:" ID "5:nodes26:" ID "123456e1:t2:aa1:y1:re"),
	                 0);
	assert_int_equal(m.nodes.len, 26);
	assert_true(span_is(m.ip, "abcdef"));
	/* Node info that is not whole is none; so is a token of any length. */
	assert_int_equal(take("d1:rd2:id20:" ID "5:nodes6:def4565:token0:e1:t2:aa1:y1:re"), 0);
	assert_null(m.nodes.bytes);
	assert_null(m.token.bytes);
	assert_int_equal(take("d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee"), 0);
	assert_int_equal(m.kind, DHT_ERROR);
	assert_int_equal(m.error_code, 201);
}

static void
what_is_no_message_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "x", "d", "de", "le", "i1e", "0:", PING "x", "d1:y1:qe", "d1:t2:aae",
		"d1:t2:aa1:y1:xe", "d1:t2:aa1:yi1ee", "d1:ti1e1:y1:qe", "d1:q4:ping1:t2:aa1:y1:qe",
		"d1:ale1:q4:ping1:t2:aa1:y1:qe", "d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe",
		"d1:ade1:q4:ping1:t2:aa1:y1:qe", "d1:ad2:id20:" ID "ee",
		"d1:ad2:id20:" ID "e1:qi4e1:t2:aa1:y1:qe",
		"d1:ad2:id20:" ID "e1:q9:find_node1:t2:aa1:y1:qe",
		"d1:ad2:id20:" ID "6:target3:abce1:q9:find_node1:t2:aa1:y1:qe",
		"d1:ad2:id20:" ID "6:target20:" TARGET "e1:q9:get_peers1:t2:aa1:y1:qe",
		"d1:ad2:id20:" ID "9:info_hash20:" TARGET "4:porti0e5:token1:xe1:q13:announce_peer"
		"1:t2:aa1:y1:qe",
		"d1:ad2:id20:" ID "9:info_hash20:" TARGET "4:porti65536e5:token1:xe1:q13:announce_peer"
		"1:t2:aa1:y1:qe",
		"d1:ad2:id20:" ID "9:info_hash20:" TARGET "4:porti1ee1:q13:announce_peer1:t2:aa1:y1:qe",
		"d1:rde1:t2:aa1:y1:re", "d1:t2:aa1:y1:re", "d1:rle1:t2:aa1:y1:re",
		"d1:ad2:id20:" ID "e1:q4:ping1:t33:0123456789012345678901234567890121:y1:qe",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (take(wrong[i]) != -EINVAL)
			fail_msg("taken: %s", wrong[i]);
	/* What can be answered with an error is told from what cannot. */
	assert_int_equal(take("d1:ade1:q4:ping1:t2:aa1:y1:qe"), -EINVAL);
	assert_true(span_is(m.tid, "aa"));
	assert_int_equal(take("d1:t2:aa1:y1:re"), -EINVAL);
	assert_null(m.tid.bytes);
}

static void
what_is_nested_deep_is_refused(void **state)
{
	char deep[DHT_RECEIVE_MAX];

	(void)state;
	memset(deep, 'l', sizeof(deep));
	assert_int_equal(dht_message_read(&m, deep, sizeof(deep)), -EINVAL);
	memcpy(deep, "d1:x", 4);
	memset(deep + sizeof(deep) / 2, 'e', sizeof(deep) / 2);
	assert_int_equal(dht_message_read(&m, deep, sizeof(deep)), -EINVAL);
}

static void
what_is_written_is_bep_5s(void **state)
{
	struct dht_packet packet = {.to = {.ip = {1, 2, 3, 4}, .ip_len = 4, .port = 0x4142}};
	struct dht_ask ask = {.method = DHT_PING, .tid = (const uint8_t *)"aa", .tid_len = 2,
	                      .id = (const uint8_t *)ID, .target = (const uint8_t *)TARGET,
	                      .token = {(const uint8_t *)"aoeusnth", 8}, .port = 6881,
	                      .seed = true};
	static const char *const asks[] = {
		"d1:ad2:id20:" ID "e1:q4:ping1:t2:aa1:v4:SW011:y1:qe",
		"d1:ad2:id20:" ID "6:target20:" TARGET "e1:q9:find_node1:t2:aa1:v4:SW011:y1:qe",
		"d1:ad2:id20:" ID "9:info_hash20:" TARGET "6:noseedi1ee1:q9:get_peers1:t2:aa1:v4:SW01"
		"1:y1:qe",
		"d1:ad2:id20:" ID "12:implied_porti0e9:info_hash20:" TARGET "4:porti6881e4:seedi1e"
		"5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:v4:SW011:y1:qe",
	};
	struct dht_answer answer = {.tid = {(const uint8_t *)"aa", 2}, .id = (const uint8_t *)ID};

	(void)state;
	for (int i = 0; i < DHT_METHOD_CNT; i++) {
		ask.method = (enum dht_method)i;
		dht_write_ask(&packet, &ask);
		assert_int_equal(packet.len, strlen(asks[i]));
		assert_memory_equal(packet.bytes, asks[i], packet.len);
		assert_int_equal(dht_message_read(&m, packet.bytes, packet.len), 0);
	}
	ask.method = DHT_PING;
	ask.read_only = true;
	dht_write_ask(&packet, &ask);
	assert_non_null(memmem(packet.bytes, packet.len, "4:ping2:roi1e1:t", 16));
	dht_write_answer(&packet, &answer);
	static const char reply[] = "d2:ip6:\1\2\3\4AB1:rd2:id20:" ID "e1:t2:aa1:v4:SW011:y1:re";
	assert_int_equal(packet.len, sizeof(reply) - 1);
	assert_memory_equal(packet.bytes, reply, packet.len);
	dht_write_error(&packet, answer.tid, DHT_ERROR_METHOD, "Method Unknown");
	assert_int_equal(dht_message_read(&m, packet.bytes, packet.len), 0);
	assert_int_equal(m.error_code, DHT_ERROR_METHOD);
}

/* The longest answers fit into DHT_PACKET_MAX, with as many peers as there is room for. */
static void
answers_fit(void **state)
{
	static const uint8_t zeros[8 * DHT_NODE_V6];
	static const uint8_t tid[DHT_TID_MAX] = {1};
	struct dht_address values[100];
	struct dht_packet packet = {.to = {.ip_len = 16, .port = 9}};
	struct dht_answer answer = {
		.tid = {tid, sizeof(tid)}, .id = zeros, .nodes = {zeros, 8 * DHT_NODE_V4},
		.nodes6 = {zeros, 8 * DHT_NODE_V6}, .token = {zeros, 8}, .value = values,
		.value_cnt = 100,
	};

	(void)state;
	for (uint8_t ip_len = 4; ip_len <= 16; ip_len += 12) {
		for (int i = 0; i < 100; i++)
			values[i] = (struct dht_address){.ip_len = ip_len, .port = 1};
		dht_write_answer(&packet, &answer);
		assert_true(packet.len > DHT_PACKET_MAX - 64);
		assert_int_equal(dht_message_read(&m, packet.bytes, packet.len), 0);
		assert_true(m.value_cnt >= (ip_len == 4 ? 30 : 12));
		assert_int_equal(m.nodes6.len, 8 * DHT_NODE_V6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_of_bep_5_are_read),
		cmocka_unit_test(replies_of_bep_5_are_read),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(what_is_nested_deep_is_refused),
		cmocka_unit_test(what_is_written_is_bep_5s),
		cmocka_unit_test(answers_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
