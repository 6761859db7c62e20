/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Over tap: the kernel is the wire's other end. Frames pass whole in both directions, odd pieces
 * included, and the driver's word on received checksums is right. */
#include "dataplane/port/device.h"
#include "tests/unit/port_lab.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAMES = 500 };

static struct lab_packet packets[FRAMES];

static struct port *
tap_open(uint16_t mtu)
{
	struct port *port = lab_port("tap:spwT2", mtu);

	lab_run("sysctl -qw net.ipv6.conf.spwT2.disable_ipv6=1");
	lab_run("ip link show spwT2 | grep -q 'mtu %u '", mtu);
	return port;
}

static void
send_and_expect(struct port *port, int fd, uint32_t payload_max)
{
	for (unsigned i = 0; i < FRAMES; i++)
		lab_packet_make(&packets[i], i, payload_max);
	lab_send(port, packets, FRAMES);
	for (unsigned i = 0; i < FRAMES; i++)
		lab_packet_release(&packets[i]);
	lab_raw_expect(fd, port, packets, FRAMES);
	assert_int_equal(lab_references(), 0);
}

static void
frames_reach_the_kernel(void **state)
{
	struct port *port = tap_open(1500);
	int fd = lab_raw("spwT2", LAB_ETH_TYPE);

	(void)state;
	send_and_expect(port, fd, 1514 - 96);
	port->chain = false;
	send_and_expect(port, fd, 1514 - 96);
	close(fd);
	lab_close(port);
}

static void
the_kernel_learns_the_mtu(void **state)
{
	struct port *port = tap_open(1280);
	int fd = lab_raw("spwT2", LAB_ETH_TYPE);

	(void)state;
	send_and_expect(port, fd, 1294 - 96);
	close(fd);
	lab_close(port);
	lab_refused("tap:spwT2", 9000, "more than 1500");
}

/* tcp_here sends one TCP segment through the kernel's end. Returns as the port gives it. */
static struct pkt_in
tcp_here(struct port *port, int fd, unsigned payload_len, unsigned spoil)
{
	uint8_t frame[LAB_FRAME_MAX] = {0};
	uint32_t len = frame_ip(frame, 0, 6, 20 + payload_len);
	struct pollfd wait = {.fd = port_wait_fd(port), .events = POLLIN};
	struct pkt_in pkt = {0};

	memcpy(frame, port_info(port)->mac, 6);
	frame[46] = 0x50;
	for (unsigned i = 0; i < payload_len; i++)
		frame[54 + i] = (uint8_t)(i * 3 + 1);
	put16(frame + 50, ~l4_sum(peer_addr, us_addr, frame + 34, 20 + payload_len) & 0xffff);
	put16(frame + 50, get16(frame + 50) ^ spoil);
	assert_int_equal(send(fd, frame, len, 0), len);
	assert_int_equal(poll(&wait, 1, 2000), 1);
	do
		assert_true(lab_rx(port, &pkt));
	while (memcmp(pkt.data, frame, len) != 0);
	return pkt;
}

static void
good_checksums_are_vouched_for_and_bad_ones_not(void **state)
{
	struct port *port = tap_open(1500);
	int fd = lab_raw("spwT2", LAB_ETH_TYPE);

	(void)state;
	assert_true(port->rx_csum);
	for (unsigned len = 0; len < 200; len++) {
		struct pkt_in pkt = tcp_here(port, fd, len, 0);

		assert_int_equal(pkt.len, 54 + len);
		assert_true(pkt.csum_good);
		port_rx_free(port, &pkt, 1);
		pkt = tcp_here(port, fd, len, 1u << len % 16);
		assert_false(pkt.csum_good);
		port_rx_free(port, &pkt, 1);
	}
	close(fd);
	lab_close(port);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_reach_the_kernel),
		cmocka_unit_test(the_kernel_learns_the_mtu),
		cmocka_unit_test(good_checksums_are_vouched_for_and_bad_ones_not),
	};

	lab_veth();
	lab_env("spw_tap");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
