/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A vhost-user front end and a back end in another process: payload that the back end reads where
 * it lies arrives whole, in packets of any shape, and so do packets that were to be cut; and
 * references come back once it was read. */
#include "dataplane/port/device.h"
#include "tests/unit/port_lab.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	SHAPES = 1500,
	LONG_SHAPES = 300,
	MSS = 1448,
	HUGE_MIB = 640,
	WAIT_S = 10,
};

/* One way of opening the pair; both processes go through all of them in order. */
static const struct way {
	uint16_t mtu;
	uint16_t queue_cnt;
	bool front_serves;
} ways[] = {
	{1500, 1, false},
	{9000, 1, false},
	{1500, 2, false},
	{1500, 1, true},
};

static char folder[64];
static pid_t back_pid;

static void
send_one(struct port *port, struct lab_packet *packet)
{
	lab_send(port, packet, 1);
	lab_packet_release(packet);
}

/* join sends one packet and waits for the other side's: the two find each other in threads of
 * their own, and packets wait until then. */
static void
join(struct port *port)
{
	static struct lab_packet packet;
	time_t until = time(NULL) + WAIT_S;
	struct pkt_in pkt;

	lab_packet_make(&packet, 1, 100);
	send_one(port, &packet);
	while (port_rx_burst(port, &pkt, 1) == 0) {
		assert_true(time(NULL) < until);
		port_tx_flush(port);
		usleep(1000);
	}
	port_rx_free(port, &pkt, 1);
}

/* answer waits for a packet and sends one. */
static void
answer(struct port *port)
{
	static struct lab_packet packet;
	struct pkt_in pkt;

	assert_true(lab_rx(port, &pkt));
	port_rx_free(port, &pkt, 1);
	lab_packet_make(&packet, 1, 100);
	send_one(port, &packet);
}

/* ring_and_be_rung sends one packet to be answered, and sleeps until the answer is there. */
static void
ring_and_be_rung(struct port *port)
{
	static struct lab_packet packet;
	struct pollfd wait = {.fd = -1, .events = POLLIN};
	struct pkt_in pkt;

	while (wait.fd < 0)
		wait.fd = port_wait_fd(port);
	assert_int_equal(poll(&wait, 1, 0), 0);
	lab_packet_make(&packet, 1, 100);
	send_one(port, &packet);
	assert_int_equal(poll(&wait, 1, WAIT_S * 1000), 1);
	assert_int_equal(port_rx_burst(port, &pkt, 1), 1);
	port_rx_free(port, &pkt, 1);
	assert_int_equal(port_wait_fd(port), -1);
}

static void
path_make(char *path, size_t size, const struct way *way)
{
	snprintf(path, size, "%s/%d", folder, (int)(way - ways));
}

/* await_socket waits for the other side's socket, if it has to be there first. */
static void
await_socket(const struct way *way, bool wanted)
{
	time_t until = time(NULL) + WAIT_S;
	char path[80];

	path_make(path, sizeof(path), way);
	while (wanted && access(path, F_OK) < 0) {
		assert_true(time(NULL) < until);
		usleep(1000);
	}
}

/* shape makes the packet of a number: other protocols and TCP, short and long, by turns. */
static void
shape(struct lab_packet *packet, unsigned number, uint32_t payload_max)
{
	if (number % 2 == 0)
		lab_packet_make(packet, number, payload_max);
	else
		lab_tcp_make(packet, number, number * 37 % (payload_max - 10), 0);
}

static void
shape_long(struct lab_packet *packet, unsigned number)
{
	uint32_t tso_max = 45 * MSS;

	lab_tcp_make(packet, number, number == 0 ? tso_max : MSS + number * 211, MSS);
}

/* expect asserts that a packet arrives; its checksum is good, or is left to be made. Of the two
 * forms of zero, DPDK prefers the one. */
static void
expect(struct port *to, struct lab_packet *packet)
{
	uint8_t *csum = packet->frame + packet->out.csum_off;
	struct pkt_in pkt;

	lab_packet_release(packet);
	assert_true(lab_rx(to, &pkt));
	assert_int_equal(pkt.len, packet->len);
	if (pkt.csum_good && memcmp(pkt.data + packet->out.csum_off, csum, 2) != 0)
		memcpy(csum, packet->out.hdr + packet->out.csum_off, 2);
	if (get16(csum) == 0 && get16(pkt.data + packet->out.csum_off) == 0xffff)
		put16(csum, 0xffff);
	assert_memory_equal(pkt.data, packet->frame, packet->len);
	port_rx_free(to, &pkt, 1);
}

static void
await_references(struct port *port)
{
	time_t until = time(NULL) + WAIT_S;

	while (lab_references() > 0) {
		assert_true(time(NULL) < until);
		port_tx_flush(port);
	}
}

static struct port_device *
end_open(const struct way *way, bool front)
{
	char path[80];
	char spec[128];

	path_make(path, sizeof(path), way);
	snprintf(spec, sizeof(spec), "%s:%s,%s", front ? "vhost-user" : "vhost-backend", path,
	         front == way->front_serves ? "server" : "client");
	return lab_device(spec, way->mtu, way->queue_cnt);
}

/* The back end's part of a way; what it does not find right ends it with 1. */
static void
back_run(const struct way *way)
{
	static struct lab_packet packet;
	struct port_device *device;
	struct port *port;

	await_socket(way, way->front_serves);
	device = end_open(way, false);
	for (uint16_t queue = 0; queue < way->queue_cnt; queue++) {
		port = port_queue(device, queue, &lab_ctr);
		join(port);
		for (unsigned i = 0; i < SHAPES; i++) {
			shape(&packet, i, way->mtu - 82u);
			expect(port, &packet);
		}
		for (unsigned i = 0; i < LONG_SHAPES; i++) {
			shape_long(&packet, i);
			expect(port, &packet);
		}
		for (unsigned i = 0; i < SHAPES; i++) {
			shape(&packet, i + 1, way->mtu - 82u);
			send_one(port, &packet);
		}
		while (port_tx_flush(port) > 0)
			usleep(100);
		answer(port);
	}
	port_close(device);
}

static void
back_main(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_CNT(ways); i++)
		back_run(&ways[i]);
}

static void
front_sends(struct port *port, const struct way *way)
{
	static struct lab_packet packet;

	for (unsigned i = 0; i < SHAPES; i++) {
		shape(&packet, i, way->mtu - 82u);
		send_one(port, &packet);
	}
	for (unsigned i = 0; i < LONG_SHAPES; i++) {
		shape_long(&packet, i);
		send_one(port, &packet);
	}
	await_references(port);
}

static void
front_run(const struct way *way)
{
	static struct lab_packet packet;
	struct port_device *device;
	struct port *port;
	void *arenas[2] = {NULL, NULL};

	await_socket(way, !way->front_serves);
	device = end_open(way, true);
	for (uint16_t queue = 0; queue < way->queue_cnt; queue++) {
		port = port_queue(device, queue, &lab_ctr);
		arenas[queue] = port_arena_alloc(port, LAB_POOL_LEN);
		assert_non_null(arenas[queue]);
		lab_pool_move(arenas[queue]);
		assert_true(port_info(port)->zero_copy && port->tx_csum);
		assert_true(port_info(port)->tso_max >= 45 * MSS);
		join(port);
		front_sends(port, way);
		for (unsigned i = 0; i < SHAPES; i++) {
			shape(&packet, i + 1, way->mtu - 82u);
			expect(port, &packet);
		}
		ring_and_be_rung(port);
		await_references(port);
	}
	port_close(device);
	assert_int_equal(lab_references(), 0);
	lab_pool_move(NULL);
	port_arena_free(arenas[0]);
	port_arena_free(arenas[1]);
}

static void
packets_pass_whole(void **state)
{
	(void)state;
	front_run(&ways[0]);
}

static void
jumbo_packets_pass_whole(void **state)
{
	(void)state;
	front_run(&ways[1]);
}

static void
each_queue_passes_packets(void **state)
{
	(void)state;
	front_run(&ways[2]);
}

static void
the_front_end_may_listen(void **state)
{
	(void)state;
	front_run(&ways[3]);
}

static void
the_back_end_found_no_fault(void **state)
{
	int status = 0;

	(void)state;
	assert_int_equal(waitpid(back_pid, &status, 0), back_pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
ends_that_do_not_meet_are_refused(void **state)
{
	(void)state;
	lab_refused("vhost-user:relative", 1500, "must begin with /");
	lab_refused("vhost-user:/tmp/spw_vhost_nobody", 1500, "no server listens");
	lab_refused("vhost-user:/x,master", 1500, "unknown option master");
	lab_queues_refused("vhost-user:/x", 9, "net_virtio_user has 8 of the 9 queues");
}

static int
folder_remove(void **state)
{
	char path[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_CNT(ways); i++) {
		path_make(path, sizeof(path), &ways[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest fronts[] = {
		cmocka_unit_test(packets_pass_whole),
		cmocka_unit_test(jumbo_packets_pass_whole),
		cmocka_unit_test(each_queue_passes_packets),
		cmocka_unit_test(the_front_end_may_listen),
		cmocka_unit_test(the_back_end_found_no_fault),
		cmocka_unit_test(ends_that_do_not_meet_are_refused),
	};
	const struct CMUnitTest backs[] = {
		cmocka_unit_test(back_main),
	};

	lab_huge_take(HUGE_MIB);
	snprintf(folder, sizeof(folder), "/tmp/spw_vhost_XXXXXX");
	assert_non_null(mkdtemp(folder));
	back_pid = fork();
	if (back_pid == 0) {
		lab_env_huge("spw_vhost_back");
		return cmocka_run_group_tests_name("back end", backs, NULL, NULL);
	}
	lab_env_huge("spw_vhost_front");
	return cmocka_run_group_tests(fronts, NULL, folder_remove);
}
