/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Bounds for one address: connections, and half-open ones (RFC 4987 3). */
#include "dataplane/tcp/source.h"
#include "tests/unit/tcp_lab.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ADDRESSES = 300, STEPS = 60000 };

static struct lab lab;
static struct lab_peer peers[8];

static void
start(void **state, uint32_t source_max)
{
	lab_init(&lab, *state, 1024);
	lab.stack->config.source_max = source_max;
	for (uint16_t i = 0; i < ARRAY_CNT(peers); i++)
		lab_peer_init(&lab, &peers[i], (uint16_t)(40000 + i));
}

static void
connections_of_an_address_are_bounded(void **state)
{
	start(state, 3);
	for (uint32_t i = 0; i < 3; i++)
		lab_connect(&peers[i]);
	lab_input(&peers[3], &(struct lab_seg){.flags = TCP_SYN, .wnd = 100});
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_source_full], 1);
	peers[4].addr_be = htonl(0x0a000003);          /* another address */
	lab_connect(&peers[4]);
	tcp_abort(lab.stack, peers[0].tcb);            /* one less: room again */
	lab_flush(&lab);
	lab_connect(&peers[5]);
	assert_int_equal(lab.ctr.value[CTR_tcp_source_full], 1);
	lab_fini(&lab);
}

/* SYNs of one address while there was room: the one too many is refused at its ACK */
static void
half_open_ones_are_refused_at_their_ack(void **state)
{
	start(state, 1);
	lab_input(&peers[0], &(struct lab_seg){.flags = TCP_SYN, .seq = 5, .wnd = 100});
	lab_flush(&lab);
	peers[0].nxt = 6;
	peers[0].rcv = lab_only(&lab)->seq + 1;
	lab_connect(&peers[1]);
	assert_int_equal(lab_ack(&peers[0], peers[0].rcv, NULL, 0), 0);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, TCP_RST);
	assert_int_equal(lab.ctr.value[CTR_tcp_source_full], 1);
	assert_int_equal(lab.stack->half_open_cnt, 0);
	lab_fini(&lab);
}

static void
half_open_ones_of_an_address_get_cookies(void **state)
{
	struct lab_peer *flood = &peers[0];

	start(state, 0);
	for (uint16_t i = 0; i < TCP_SOURCE_HALF_OPEN_MAX + 50; i++) {
		flood->port = (uint16_t)(1000 + i);
		lab_input(flood, &(struct lab_seg){.flags = TCP_SYN, .seq = i, .wnd = 100});
	}
	assert_int_equal(lab.stack->half_open_cnt, TCP_SOURCE_HALF_OPEN_MAX);
	assert_int_equal(lab.ctr.value[CTR_tcp_source_half_open], 50);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_sent], 50);
	peers[1].addr_be = htonl(0x0a000003);          /* others take a place as ever */
	lab_flush(&lab);
	lab_connect(&peers[1]);
	assert_int_equal(lab.ctr.value[CTR_tcp_cookies_sent], 50);
	lab_wait(&lab, 70000000);
	assert_int_equal(source_cnt(&lab.stack->sources, htonl(0x0a000002), SOURCE_HALF_OPEN), 0);
	lab_fini(&lab);
}

static void
zero_means_all(void **state)
{
	start(state, 0);
	for (uint32_t i = 0; i < ARRAY_CNT(peers); i++)
		lab_connect(&peers[i]);
	assert_int_equal(source_cnt(&lab.stack->sources, htonl(0x0a000002), SOURCE_OPEN),
	                 ARRAY_CNT(peers));
	assert_int_equal(lab.ctr.value[CTR_tcp_source_full], 0);
	lab_fini(&lab);
}

static uint32_t
random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* the table against plain counting, with many that fall on each other */
static void
counts_are_exact(void **state)
{
	static uint32_t model[ADDRESSES][SOURCE_KIND_CNT];
	static const uint64_t secret[2] = {1, 2};
	struct sources sources;
	uint32_t total = 0;
	uint32_t seed = 7;

	(void)state;
	assert_int_equal(source_init(&sources, ADDRESSES, secret), 0);
	for (uint32_t i = 0; i < STEPS; i++) {
		uint32_t addr = random_next(&seed) % ADDRESSES;
		enum source_kind kind = random_next(&seed) % SOURCE_KIND_CNT;

		if (model[addr][kind] > 0 && (total == ADDRESSES || random_next(&seed) % 2)) {
			source_remove(&sources, addr, kind);
			model[addr][kind]--;
			total--;
		} else if (total < ADDRESSES) {
			source_add(&sources, addr, kind);
			model[addr][kind]++;
			total++;
		}
		addr = random_next(&seed) % ADDRESSES;
		assert_int_equal(source_cnt(&sources, addr, kind), model[addr][kind]);
	}
	for (uint32_t addr = 0; addr < ADDRESSES; addr++) {
		for (uint32_t kind = 0; kind < SOURCE_KIND_CNT; kind++) {
			assert_int_equal(source_cnt(&sources, addr, kind), model[addr][kind]);
			for (; model[addr][kind] > 0; model[addr][kind]--)
				source_remove(&sources, addr, kind);
		}
	}
	assert_int_equal(sources.used_cnt, 0);
	for (uint32_t i = 0; i <= sources.mask; i++)
		assert_int_equal(sources.place[i].cnt[0] + sources.place[i].cnt[1], 0);
	source_fini(&sources);
}

static void
the_gate_is_shut_to_some_or_all(void **state)
{
	static const struct ip_range refused[] = {{0x01000000, 0x01ffffff}, {0x0a000002, 0x0a000002}};
	struct tcp_gate gate = {.refused = refused, .refused_cnt = ARRAY_CNT(refused)};

	start(state, 0);
	lab_connect(&peers[0]);
	tcp_set_gate(lab.stack, &gate);
	lab_input(&peers[1], &(struct lab_seg){.flags = TCP_SYN, .wnd = 100});
	assert_int_equal(lab_flush(&lab), 0);          /* not a word, and nothing kept */
	assert_int_equal(lab.ctr.value[CTR_tcp_refused], 1);
	assert_int_equal(lab.stack->half_open_cnt, 0);
	peers[2].addr_be = htonl(0x0a000003);
	lab_connect(&peers[2]);
	tcp_set_gate(lab.stack, &(struct tcp_gate){.shut = true});
	lab_input(&peers[3], &(struct lab_seg){.flags = TCP_SYN, .wnd = 100});
	assert_int_equal(lab_flush(&lab), 1);
	assert_true(lab_only(&lab)->flags & TCP_RST);
	assert_int_equal(lab.ctr.value[CTR_tcp_shut], 1);
	tcp_set_gate(lab.stack, &(struct tcp_gate){.connections_max = 2});
	lab_input(&peers[4], &(struct lab_seg){.flags = TCP_SYN, .wnd = 100});
	assert_int_equal(lab_flush(&lab), 0);
	assert_int_equal(lab.ctr.value[CTR_tcp_table_full], 1);
	tcp_set_gate(lab.stack, &(struct tcp_gate){0});
	lab_connect(&peers[5]);
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(connections_of_an_address_are_bounded),
		LAB_TEST(half_open_ones_are_refused_at_their_ack),
		LAB_TEST(half_open_ones_of_an_address_get_cookies),
		LAB_TEST(zero_means_all),
		LAB_TEST(the_gate_is_shut_to_some_or_all),
		cmocka_unit_test(counts_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
