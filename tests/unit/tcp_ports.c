/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Local ports: the listening set, and the choice of our own (RFC 6056 3.3.3). */
#include "tests/unit/tcp_lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lab lab;

static struct tcb *
connect_to(uint32_t host, uint16_t port)
{
	struct tcp_remote remote = {.addr_be = htonl(host), .port = port, .mac = {2}};

	return tcp_connect(lab.stack, &remote, lab.now_us);
}

static uint16_t
local_port(const struct tcb *tcb)
{
	struct tcp_info info;

	tcp_info(lab.stack, tcb, &info);
	return info.local_port;
}

/* a SYN to a port is answered by SYN-ACK when it is listened on, else by RST */
static void
expect_answer(uint16_t port, uint8_t flags)
{
	struct lab_peer peer;
	struct lab_seg syn = {.flags = TCP_SYN, .wnd = 1000, .dst_port = port};

	lab_peer_init(&lab, &peer, (uint16_t)(50000 + port));
	lab_input(&peer, &syn);
	lab_flush(&lab);
	assert_int_equal(lab_only(&lab)->flags, flags | TCP_ACK);
}

static void
several_ports_are_listened_on(void **state)
{
	lab_init(&lab, *state, 32);
	expect_answer(1, TCP_RST);
	for (uint16_t port = 1; port < TCP_LISTEN_PORTS_MAX; port++) {
		assert_int_equal(tcp_listen(lab.stack, port), 0);
		assert_int_equal(tcp_listen(lab.stack, port), -EEXIST);
		expect_answer(port, TCP_SYN);
		expect_answer(port + 1, TCP_RST);
	}
	assert_int_equal(tcp_listen(lab.stack, LAB_PORT), -EEXIST);
	assert_int_equal(tcp_listen(lab.stack, 100), -ENOBUFS);
	expect_answer(100, TCP_RST);
	expect_answer(LAB_PORT, TCP_SYN);
	lab_fini(&lab);
}

static void
own_ports_do_not_repeat(void **state)
{
	uint16_t ports[64];

	lab_init(&lab, *state, ARRAY_CNT(ports));
	for (uint32_t i = 0; i < ARRAY_CNT(ports); i++) {
		ports[i] = local_port(connect_to(0x0a000002, 80));
		assert_true(ports[i] >= TCP_EPHEMERAL_FIRST);
		for (uint32_t k = 0; k < i; k++)
			assert_int_not_equal(ports[i], ports[k]);
	}
	assert_null(connect_to(0x0a000002, 80));
	assert_int_equal(lab.ctr.value[CTR_tcp_table_full], 1);
	lab_check(&lab);
	lab_fini(&lab);
}

/* where the count begins depends on the remote and on the secret */
static void
own_ports_cannot_be_foretold(void **state)
{
	uint16_t a, b, c;

	lab_init(&lab, *state, 4);
	a = local_port(connect_to(0x0a000002, 80));
	b = local_port(connect_to(0x0a000003, 80));
	c = local_port(connect_to(0x0a000002, 81));
	assert_true(b != a + 1 && c != b + 1 && c != a + 1);
	lab_fini(&lab);
	lab_init(&lab, *state, 4);
	lab.stack->config.secret[0] ^= 1;
	assert_int_not_equal(local_port(connect_to(0x0a000002, 80)), a);
	lab_fini(&lab);
}

/* with one port left it is found, with none the call fails */
static void
taken_ports_are_passed_over(void **state)
{
	struct tcp_remote remote = {.addr_be = htonl(0x0a000002), .port = 80, .mac = {2}};
	struct tcb *last = NULL;

	lab_init(&lab, *state, TCP_EPHEMERAL_CNT + 8);
	assert_int_equal(tcp_listen(lab.stack, TCP_EPHEMERAL_FIRST + 5), 0);
	for (uint32_t i = 0; i < TCP_EPHEMERAL_CNT - 1; i++) {
		last = tcp_connect(lab.stack, &remote, lab.now_us);
		assert_true(last != NULL && local_port(last) != TCP_EPHEMERAL_FIRST + 5);
	}
	assert_null(tcp_connect(lab.stack, &remote, lab.now_us));
	assert_int_equal(lab.ctr.value[CTR_tcp_no_port], 1);
	remote.local_port = local_port(last);
	assert_null(tcp_connect(lab.stack, &remote, lab.now_us));
	assert_int_equal(lab.ctr.value[CTR_tcp_no_port], 2);
	tcp_abort(lab.stack, last);
	remote.local_port = 0;
	assert_non_null(tcp_connect(lab.stack, &remote, lab.now_us));
	lab_fini(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(several_ports_are_listened_on),
		LAB_TEST(own_ports_do_not_repeat),
		LAB_TEST(own_ports_cannot_be_foretold),
		cmocka_unit_test_prestate(taken_ports_are_passed_over,
		                          (void *)(uintptr_t)&lab_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
