/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Over a veth pair with af_packet: frames arrive byte for byte at the other end, and those sent
 * to the port's own address arrive at the port; the kernel leaves it alone. */
#include "dataplane/port/device.h"
#include "tests/unit/port_lab.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAMES = 500 };

static struct lab_packet packets[FRAMES];

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

static int
raw_there(void)
{
	int fd;

	lab_there();
	fd = lab_raw("spwT1", LAB_ETH_TYPE);
	lab_here();
	return fd;
}

static void
frames_arrive_there(void **state)
{
	struct port *port = lab_port("af_packet:spwT0", 1500);
	int fd = raw_there();

	(void)state;
	assert_true(port_info(port)->zero_copy);
	send_and_expect(port, fd, 1514 - 96);
	port->chain = false;
	send_and_expect(port, fd, 1514 - 96);
	close(fd);
	lab_close(port);
}

static void
jumbo_frames_arrive_there(void **state)
{
	struct port *port;
	int fd;

	(void)state;
	lab_run("ip link set spwT0 mtu 9000");
	lab_there();
	lab_run("ip link set spwT1 mtu 9000");
	lab_here();
	fd = raw_there();
	port = lab_port("af_packet:spwT0", 9000);
	send_and_expect(port, fd, 9014 - 96);
	lab_close(port);
	close(fd);
	lab_run("ip link set spwT0 mtu 1500");
}

static void
frames_arrive_here(void **state)
{
	struct port *port = lab_port("af_packet:spwT0", 1500);
	struct pollfd wait = {.fd = port_wait_fd(port), .events = POLLIN};
	int fd = raw_there();
	struct pkt_in pkt;
	uint64_t packets_before = lab_ctr.value[CTR_rx_packets];

	(void)state;
	assert_true(wait.fd >= 0);
	for (unsigned seed = 0; seed < 300; seed++) {
		lab_packet_make(&packets[0], seed, 1514 - 96);
		lab_packet_release(&packets[0]);
		memcpy(packets[0].frame, port_info(port)->mac, 6);
		assert_int_equal(send(fd, packets[0].frame, packets[0].len, 0), packets[0].len);
		assert_int_equal(poll(&wait, 1, 2000), 1);
		assert_true(lab_rx(port, &pkt));
		assert_int_equal(pkt.len, packets[0].len);
		assert_memory_equal(pkt.data, packets[0].frame, packets[0].len);
		port_rx_free(port, &pkt, 1);
	}
	assert_int_equal(lab_ctr.value[CTR_rx_packets] - packets_before, 300);
	close(fd);
	lab_close(port);
}

static void
an_unfit_interface_is_refused(void **state)
{
	(void)state;
	lab_refused("af_packet:spwT0", 9000, "MTU of 9000 is more than the 1500 of spwT0");
	lab_run("ip link set spwT0 down");
	lab_refused("af_packet:spwT0", 1500, "spwT0 is down");
	lab_run("ip link set spwT0 up");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_arrive_there),
		cmocka_unit_test(jumbo_frames_arrive_there),
		cmocka_unit_test(frames_arrive_here),
		cmocka_unit_test(an_unfit_interface_is_refused),
	};

	lab_veth();
	lab_env("spw_af_packet");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
