/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Two ports of one process talk over memif, in both directions, and a socket that a dead server
 * left is no obstacle. */
#include "tests/unit/port_lab.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	SHAPES = 1500,
	SETTLE_US = 200 * 1000, /* net_memif's own thread learns that the client left */
};

static char path[64];

/* A path is not used twice: net_memif keeps its listening socket open to the process's end. */
static void
path_make(const char *name)
{
	snprintf(path, sizeof(path), "/tmp/spw_memif_%d_%s", getpid(), name);
}

static unsigned
drain(struct port *port)
{
	struct pkt_in pkt[BURST_MAX];
	uint16_t cnt = port_rx_burst(port, pkt, BURST_MAX);

	port_rx_free(port, pkt, cnt);
	return cnt;
}

/* The two sides find each other in threads of their own: packets wait until then. */
static void
join(struct port *a, struct port *b)
{
	static struct lab_packet packet;
	time_t until = time(NULL) + 10;
	unsigned got_a = 0;
	unsigned got_b = 0;

	lab_packet_make(&packet, 1, 100);
	lab_send(a, &packet, 1);
	lab_send(b, &packet, 1);
	lab_packet_release(&packet);
	while ((got_a == 0 || got_b == 0) && time(NULL) < until) {
		port_tx_flush(a);
		port_tx_flush(b);
		got_a += drain(a);
		got_b += drain(b);
		usleep(1000);
	}
	assert_int_equal(got_a, 1);
	assert_int_equal(got_b, 1);
}

static void
pass(struct port *from, struct port *to, uint32_t payload_max)
{
	static struct lab_packet packet;

	for (unsigned seed = 0; seed < SHAPES; seed++) {
		struct pkt_in pkt;

		lab_packet_make(&packet, seed, payload_max);
		lab_send(from, &packet, 1);
		lab_packet_release(&packet);
		assert_int_equal(lab_references(), 0);
		assert_true(lab_rx(to, &pkt));
		assert_int_equal(pkt.len, packet.len);
		assert_memory_equal(pkt.data, packet.frame, packet.len);
		port_rx_free(to, &pkt, 1);
	}
}

static void
both_sides(uint16_t mtu)
{
	char spec[80];
	struct port *server;
	struct port *client;

	snprintf(spec, sizeof(spec), "memif:%s", path);
	lab_refused(spec, mtu, "no server listens on");
	snprintf(spec, sizeof(spec), "memif:%s,server", path);
	server = lab_port(spec, mtu);
	lab_refused(spec, mtu, "listens on");
	snprintf(spec, sizeof(spec), "memif:%s", path);
	client = lab_port(spec, mtu);
	join(server, client);
	pass(server, client, mtu - 82u);
	pass(client, server, mtu - 82u);
	lab_close(client);
	usleep(SETTLE_US);
	lab_close(server);
}

static void
packets_pass_whole(void **state)
{
	(void)state;
	path_make("plain");
	both_sides(1500);
}

static void
jumbo_packets_pass_whole(void **state)
{
	(void)state;
	path_make("jumbo");
	both_sides(9000);
}

static void
a_dead_servers_socket_is_replaced(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	(void)state;
	path_make("stale");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	assert_int_equal(access(path, F_OK), 0);
	both_sides(1500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_pass_whole),
		cmocka_unit_test(jumbo_packets_pass_whole),
		cmocka_unit_test(a_dead_servers_socket_is_replaced),
	};

	lab_env("spw_memif");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
