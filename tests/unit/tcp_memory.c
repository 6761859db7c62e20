/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What an idle connection costs: 100,000 of them are opened by real handshakes, and the process
 * grows by at most 1 KiB for each. Not counted are the pools that do not grow with connections:
 * queue entries and what is held of them, flight records, out-of-order buffers, traces and
 * TIME-WAIT, all bounded. */
#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/stack.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

enum { CONNECTIONS = 100000, PORT = 6881, BYTES_MAX = 1024 };

static struct counters ctr;
static uint64_t now_us = 1ull << 36;

static uint64_t
resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long total;
	unsigned long resident;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &total, &resident), 2);
	fclose(file);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* input gives the stack a segment of peer i. Returns its events. */
static uint32_t
input(struct tcp_stack *stack, uint32_t i, uint8_t flags, uint32_t ack)
{
	uint8_t l4[TCP_HDR_MAX] = {0};
	struct tcp_options opt = {.has_ts = true, .tsval = 1, .sack_permitted = true, .mss = 1460,
	                          .has_wscale = true, .wscale = 7};
	struct ip_seg ip = {.l4 = l4, .csum_good = true, .dst_be = htonl(0x0a000001)};
	uint32_t events;

	if (flags != TCP_SYN)
		opt = (struct tcp_options){.has_ts = true, .tsval = 2};
	ip.src_be = htonl(0x0b000000 + i / 7);         /* some behind one address */
	ip.l4_len = TCP_HDR_LEN + tcp_options_build(l4 + TCP_HDR_LEN, &opt);
	tcp_put16(l4, (uint16_t)(1024 + i % 7));
	tcp_put16(l4 + 2, PORT);
	tcp_put32(l4 + 4, flags == TCP_SYN ? i : i + 1);
	tcp_put32(l4 + 8, ack);
	l4[12] = (uint8_t)(ip.l4_len / 4 << 4);
	l4[13] = flags;
	tcp_put16(l4 + 14, 65535);
	tcp_input(stack, &ip, now_us, &events);
	return events;
}

static void
open_one(struct tcp_stack *stack, uint32_t i)
{
	static struct pkt_out pkt;

	now_us += 10;
	assert_int_equal(input(stack, i, TCP_SYN, 0), 0);
	assert_int_equal(tcp_output(stack, &pkt, 1, now_us), 1);
	assert_int_equal(input(stack, i, TCP_ACK, tcp_get32(pkt.hdr + pkt.l4_off + 4) + 1),
	                 TCP_EV_OPEN);
}

static uint64_t
pool_bytes(const struct pool *pool)
{
	return (uint64_t)pool->stride * pool->cnt;
}

static void
idle_connection_costs_at_most_1_kib(void **state)
{
	struct tcp_config config = {
		.local = {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500, .addr_be = htonl(0x0a000001)},
		.listen_port = PORT, .connections_max = CONNECTIONS, .secret = {1, 2}, .ctr = &ctr,
	};
	uint64_t before = resident_bytes();
	struct tcp_stack *stack = tcp_create(&config, now_us);
	uint64_t shared;
	uint64_t each;

	(void)state;
	assert_non_null(stack);
	for (uint32_t i = 0; i < CONNECTIONS; i++)
		open_one(stack, i);
	assert_int_equal(stack->open_cnt, CONNECTIONS);
	assert_int_equal(ctr.value[CTR_tcp_connections], CONNECTIONS);
	shared = pool_bytes(&stack->entries) + pool_bytes(&stack->records) +
	         pool_bytes(&stack->ooo) + pool_bytes(&stack->traces) +
	         pool_bytes(&stack->holdings.pool) + pool_bytes(&stack->timewait.entries);
	each = (resident_bytes() - before - shared) / CONNECTIONS;
	print_message("%lu bytes a connection (its own part %zu), %lu KiB shared by all\n", each,
	              sizeof(struct tcb), shared / 1024);
#ifndef SANITIZED
	assert_in_range(each, sizeof(struct tcb), BYTES_MAX);
#endif
	tcp_destroy(stack);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_connection_costs_at_most_1_kib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
