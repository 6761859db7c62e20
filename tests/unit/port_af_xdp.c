/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Over a veth pair with af_xdp: TCP to the listen port and ICMP errors about it are ours,
 * everything else on the same address stays with the kernel; frames that we send arrive byte for
 * byte. */
#include "tests/unit/port_lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FRAMES = 500,
	LISTEN_PORT = 6881,
	OTHER_PORT = 6882,
	QUIET_MS = 200,
};

static const uint8_t here_addr[4] = {10, 99, 0, 1};
static const uint8_t there_addr[4] = {10, 99, 0, 2};
static struct lab_packet packets[FRAMES];

static int
socket_there(int domain, int type, int protocol)
{
	int fd;

	lab_there();
	fd = socket(domain, type, protocol);
	lab_here();
	assert_true(fd >= 0);
	return fd;
}

static void
frames_arrive_there(void **state)
{
	struct port *port = lab_port("af_xdp:spwT0", 1500);
	int fd;

	(void)state;
	lab_there();
	fd = lab_raw("spwT1", LAB_ETH_TYPE);
	lab_here();
	assert_false(port_info(port)->zero_copy);
	for (unsigned round = 0; round < 8; round++) {
		for (unsigned i = 0; i < FRAMES; i++)
			lab_packet_make(&packets[i], round * FRAMES + i, 1514 - 96);
		lab_send(port, packets, FRAMES);
		for (unsigned i = 0; i < FRAMES; i++)
			lab_packet_release(&packets[i]);
		lab_raw_expect(fd, port, packets, FRAMES);
	}
	close(fd);
	lab_close(port);
}

/* connect_there begins a connection of the kernel over there to a port here. */
static int
connect_there(uint16_t to)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(to)};
	int fd = socket_there(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(&addr.sin_addr, here_addr, 4);
	assert_true(connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0);
	assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static int
outcome(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

/* The SYN is ours, and wakes us: the kernel here, which listens nowhere, does not refuse it. */
static void
tcp_to_the_listen_port_is_ours(void **state)
{
	struct port *port = lab_port("af_xdp:spwT0", 1500);
	struct pollfd wait = {.fd = port_wait_fd(port), .events = POLLIN};
	int fd = connect_there(LISTEN_PORT);
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	struct pkt_in pkt;

	(void)state;
	assert_true(wait.fd >= 0);
	assert_int_equal(poll(&wait, 1, 2000), 1);
	assert_true(lab_rx(port, &pkt));
	assert_int_equal(get16(pkt.data + 12), ETH_P_IP);
	assert_memory_equal(pkt.data, port_info(port)->mac, 6);
	assert_memory_equal(pkt.data + 26, there_addr, 4);
	assert_memory_equal(pkt.data + 30, here_addr, 4);
	assert_int_equal(get16(pkt.data + 36), LISTEN_PORT);
	assert_int_equal(l4_sum(there_addr, here_addr, pkt.data + 34, pkt.len - 34), 0xffff);
	port_rx_free(port, &pkt, 1);
	assert_int_equal(poll(&poll_fd, 1, QUIET_MS), 0);
	close(fd);
	lab_close(port);
}

static void
other_tcp_stays_with_the_kernel(void **state)
{
	struct port *port = lab_port("af_xdp:spwT0", 1500);
	int fd = connect_there(OTHER_PORT);
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	struct pkt_in pkt;

	(void)state;
	assert_int_equal(poll(&poll_fd, 1, 2000), 1);
	assert_int_equal(outcome(fd), ECONNREFUSED);
	assert_int_equal(port_rx_burst(port, &pkt, 1), 0);
	close(fd);
	lab_close(port);
}

/* The listen port at another of the host's addresses is not ours. */
static void
other_addresses_stay_with_the_kernel(void **state)
{
	uint32_t address_be = lab_address_be;
	struct pollfd poll_fd = {.events = POLLOUT};
	struct port *port;

	lab_address_be = htonl(0x0a630007);
	port = lab_port("af_xdp:spwT0", 1500);
	lab_address_be = address_be;
	poll_fd.fd = connect_there(LISTEN_PORT);
	(void)state;
	assert_int_equal(poll(&poll_fd, 1, 2000), 1);
	assert_int_equal(outcome(poll_fd.fd), ECONNREFUSED);
	close(poll_fd.fd);
	lab_close(port);
}

static void
ping_stays_with_the_kernel(void **state)
{
	struct port *port = lab_port("af_xdp:spwT0", 1500);
	int fd = socket_there(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	struct sockaddr_in addr = {.sin_family = AF_INET};
	struct icmphdr echo = {.type = ICMP_ECHO, .un.echo = {.id = 7, .sequence = 9}};
	uint8_t answer[64] = {0};
	struct pkt_in pkt;

	(void)state;
	memcpy(&addr.sin_addr, here_addr, 4);
	echo.checksum = htons((uint16_t)~sum16((uint8_t *)&echo, sizeof(echo), 0));
	assert_int_equal(sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&addr, sizeof(addr)),
	                 sizeof(echo));
	assert_int_equal(poll(&poll_fd, 1, 2000), 1);
	assert_true(recv(fd, answer, sizeof(answer), 0) >= 28);
	assert_int_equal(answer[20], ICMP_ECHOREPLY);
	assert_memory_equal(answer + 24, &echo.un.echo, 4);
	assert_int_equal(port_rx_burst(port, &pkt, 1), 0);
	close(fd);
	lab_close(port);
}

/* Frames that look like TCP to the listen port but are more than the program wants to judge. */
static void
odd_packets_stay_with_the_kernel(void **state)
{
	struct port *port = lab_port("af_xdp:spwT0", 1500);
	uint8_t frame[6][128] = {{0}};
	uint32_t len[6];
	struct pkt_in pkt;
	int fd;

	(void)state;
	lab_there();
	fd = lab_raw("spwT1", LAB_ETH_TYPE);
	lab_here();
	for (int i = 0; i < 6; i++) {
		len[i] = frame_ip(frame[i], i == 0 ? 4 : 0, i == 1 ? 17 : 6, 20);
		memcpy(frame[i], port_info(port)->mac, 6);
		memcpy(frame[i] + 30, here_addr, 4);
		put16(frame[i] + len[i] - 18, LISTEN_PORT);
	}
	put16(frame[2] + 20, 0x2000);
	put16(frame[3] + 20, 0x0001);
	put16(frame[4] + 12, 0x8100);
	len[5] = 53;
	for (int i = 0; i < 6; i++)
		assert_int_equal(send(fd, frame[i], len[i], 0), len[i]);
	frame_ip(frame[0], 0, 6, 20);
	memcpy(frame[0], port_info(port)->mac, 6);
	memcpy(frame[0] + 30, here_addr, 4);
	put16(frame[0] + 36, LISTEN_PORT);
	assert_int_equal(send(fd, frame[0], 54, 0), 54);
	assert_true(lab_rx(port, &pkt));
	assert_int_equal(pkt.len, 54);
	assert_memory_equal(pkt.data, frame[0], 54);
	port_rx_free(port, &pkt, 1);
	usleep(QUIET_MS * 1000);
	assert_int_equal(port_rx_burst(port, &pkt, 1), 0);
	close(fd);
	lab_close(port);
}

/* error_make makes an ICMP error from there about a TCP segment from our listen port. Returns the
 * frame's length. */
static uint32_t
error_make(const struct port *port, uint8_t *frame, uint8_t type)
{
	uint8_t *quote = frame + 42;
	uint32_t len = frame_ip(frame, 0, 1, 36);

	memcpy(frame, port_info(port)->mac, 6);
	memcpy(frame + 30, here_addr, 4);
	memset(frame + 34, 0, 36);
	frame[34] = type;
	quote[0] = 0x45;
	put16(quote + 2, 1500);
	quote[9] = 6;
	memcpy(quote + 12, here_addr, 4);
	memcpy(quote + 16, there_addr, 4);
	put16(quote + 20, LISTEN_PORT);
	put16(quote + 22, 40000);
	frame_ip_seal(frame);
	return len;
}

/* Errors about what we sent are ours; each of these differs by one byte and is the kernel's. */
static void
icmp_errors_are_ours_if_they_quote_us(void **state)
{
	static const uint8_t types[] = {3, 4, 11, 12};
	static const struct {
		uint8_t at;
		uint8_t value;
	} others[] = {
		{34, 8}, {34, 0}, {34, 5}, {34, 13}, {14, 0x46}, {20, 0x20}, {23, 17}, {33, 9},
		{42, 0x46}, {42, 0x65}, {51, 17}, {57, 9}, {62, 0},
	};
	struct port *port = lab_port("af_xdp:spwT0", 1500);
	uint8_t frame[128];
	struct pkt_in pkt;
	uint32_t len;
	int fd;

	(void)state;
	lab_there();
	fd = lab_raw("spwT1", LAB_ETH_TYPE);
	lab_here();
	for (size_t i = 0; i < ARRAY_CNT(others); i++) {
		len = error_make(port, frame, 3);
		frame[others[i].at] = others[i].value;
		assert_int_equal(send(fd, frame, len, 0), len);
	}
	assert_int_equal(send(fd, frame, error_make(port, frame, 3) - 1, 0), len - 1);
	for (size_t i = 0; i < ARRAY_CNT(types); i++) {
		len = error_make(port, frame, types[i]);
		assert_int_equal(send(fd, frame, len, 0), len);
		assert_true(lab_rx(port, &pkt));
		assert_int_equal(pkt.len, len);
		assert_memory_equal(pkt.data, frame, len);
		port_rx_free(port, &pkt, 1);
	}
	usleep(QUIET_MS * 1000);
	assert_int_equal(port_rx_burst(port, &pkt, 1), 0);
	close(fd);
	lab_close(port);
}

/* Every buffer comes back to the driver: more packets pass than there are buffers, both ways. */
static void
buffers_go_round(void **state)
{
	struct port *port = lab_port("af_xdp:spwT0", 1500);
	uint8_t frame[1514] = {0};
	uint32_t len = frame_ip(frame, 0, 6, 1480);
	int fd;

	(void)state;
	lab_there();
	fd = lab_raw("spwT1", ETH_P_IP);
	lab_here();
	memcpy(frame, port_info(port)->mac, 6);
	memcpy(frame + 30, here_addr, 4);
	put16(frame + 36, LISTEN_PORT);
	for (uint32_t i = 0; i < 3 * PORT_MBUFS; i++) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		struct pkt_in pkt;
		uint8_t back[1514];

		memcpy(frame + 54, &i, 4);
		assert_int_equal(send(fd, frame, len, 0), len);
		assert_true(lab_rx(port, &pkt));
		assert_memory_equal(pkt.data, frame, len);
		pkt.data[0] ^= 2;
		port_tx_reply(port, &pkt, len);
		assert_int_equal(port_tx_flush(port), 0);
		assert_int_equal(poll(&wait, 1, 2000), 1);
		assert_int_equal(recv(fd, back, sizeof(back), 0), len);
		assert_memory_equal(back + 1, frame + 1, len - 1);
	}
	assert_int_equal(lab_ctr.value[CTR_tx_reply_dropped], 0);
	close(fd);
	lab_close(port);
}

static void
after_close_all_is_the_kernels(void **state)
{
	struct pollfd poll_fd = {.events = POLLOUT};

	(void)state;
	lab_close(lab_port("af_xdp:spwT0", 1500));
	poll_fd.fd = connect_there(LISTEN_PORT);
	assert_int_equal(poll(&poll_fd, 1, 2000), 1);
	assert_int_equal(outcome(poll_fd.fd), ECONNREFUSED);
	close(poll_fd.fd);
	lab_run("! ip link show spwT0 | grep -q xdp");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tcp_to_the_listen_port_is_ours, lab_veth_renew),
		cmocka_unit_test_setup(frames_arrive_there, lab_veth_renew),
		cmocka_unit_test_setup(other_tcp_stays_with_the_kernel, lab_veth_renew),
		cmocka_unit_test_setup(other_addresses_stay_with_the_kernel, lab_veth_renew),
		cmocka_unit_test_setup(ping_stays_with_the_kernel, lab_veth_renew),
		cmocka_unit_test_setup(odd_packets_stay_with_the_kernel, lab_veth_renew),
		cmocka_unit_test_setup(icmp_errors_are_ours_if_they_quote_us, lab_veth_renew),
		cmocka_unit_test_setup(buffers_go_round, lab_veth_renew),
		cmocka_unit_test_setup(after_close_all_is_the_kernels, lab_veth_renew),
	};

	memcpy(&lab_address_be, here_addr, 4);
	lab_veth();
	lab_env("spw_af_xdp");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
