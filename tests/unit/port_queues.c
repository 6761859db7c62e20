/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A device of several queues: every flow arrives on one of them, all of them get some, nothing is
 * lost; each can be slept on, and each sends. */
#include "dataplane/port/device.h"
#include "tests/unit/port_lab.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	QUEUES = 2,
	FLOWS = 64,
	ROUNDS = 4,
	FRAMES = 200,
	LISTEN_PORT = 6881,
};

static const uint8_t here_addr[4] = {10, 99, 0, 1};
static struct lab_packet packets[FRAMES];
static struct port *queues[QUEUES];

static void
flow_send(int fd, unsigned flow, unsigned round)
{
	uint8_t frame[128] = {0};
	uint32_t len = frame_ip(frame, 0, 6, 24);

	memcpy(frame, port_info(queues[0])->mac, 6);
	memcpy(frame + 30, here_addr, 4);
	put16(frame + 34, 40000 + flow * 7);
	put16(frame + 36, LISTEN_PORT);
	frame[54] = (uint8_t)round;
	assert_int_equal(send(fd, frame, len, 0), len);
}

/* receive_one waits for a packet on any queue, asleep. Returns the queue. */
static int
receive_one(struct pkt_in *pkt)
{
	struct pollfd wait[QUEUES];

	for (int i = 0; i < QUEUES; i++)
		wait[i] = (struct pollfd){.fd = port_wait_fd(queues[i]), .events = POLLIN};
	assert_true(wait[0].fd >= 0 && wait[1].fd >= 0);
	assert_int_equal(poll(wait, QUEUES, 2000), 1);
	for (int i = 0; i < QUEUES; i++) {
		if (wait[i].revents == 0)
			continue;
		assert_int_equal(port_rx_burst(queues[i], pkt, 1), 1);
		return i;
	}
	return -1;
}

static void
flows_spread(int fd)
{
	int queue_of[FLOWS];
	unsigned per_queue[QUEUES] = {0};

	memset(queue_of, 0xff, sizeof(queue_of));
	for (unsigned i = 0; i < ROUNDS * FLOWS; i++) {
		unsigned flow = i % FLOWS;
		struct pkt_in pkt;
		int queue;

		flow_send(fd, flow, i / FLOWS);
		queue = receive_one(&pkt);
		assert_int_equal(get16(pkt.data + 34), 40000 + flow * 7);
		assert_int_equal(pkt.data[54], i / FLOWS);
		port_rx_free(queues[queue], &pkt, 1);
		assert_true(queue_of[flow] < 0 || queue_of[flow] == queue);
		queue_of[flow] = queue;
		per_queue[queue]++;
	}
	assert_true(per_queue[0] >= FLOWS / 4 && per_queue[1] >= FLOWS / 4);
}

static void
each_sends(void)
{
	int fd;

	lab_there();
	fd = lab_raw("spwT1", LAB_ETH_TYPE);
	lab_here();
	for (int q = 0; q < QUEUES; q++) {
		for (unsigned i = 0; i < FRAMES; i++)
			lab_packet_make(&packets[i], (unsigned)q * FRAMES + i, 1514 - 96);
		lab_send(queues[q], packets, FRAMES);
		for (unsigned i = 0; i < FRAMES; i++)
			lab_packet_release(&packets[i]);
		lab_raw_expect(fd, queues[q], packets, FRAMES);
		assert_int_equal(lab_references(), 0);
	}
	close(fd);
}

static void
both_ways(const char *spec)
{
	struct port_device *device = lab_device(spec, 1500, QUEUES);
	int fd;

	for (uint16_t i = 0; i < QUEUES; i++)
		queues[i] = port_queue(device, i, &lab_ctr);
	lab_there();
	fd = lab_raw("spwT1", 0x0800);
	lab_here();
	flows_spread(fd);
	each_sends();
	close(fd);
	port_close(device);
}

static void
af_packet(void **state)
{
	(void)state;
	both_ways("af_packet:spwT0");
}

static void
join(struct port *a, struct port *b)
{
	static struct lab_packet packet;
	struct pkt_in pkt;

	lab_packet_make(&packet, 0, 1400);
	lab_send(a, &packet, 1);
	lab_packet_release(&packet);
	for (int tries = 0; tries < 2000 && port_rx_burst(b, &pkt, 1) == 0; tries++) {
		port_tx_flush(a);
		usleep(1000);
	}
	assert_memory_equal(pkt.data, packet.frame, packet.len);
	port_rx_free(b, &pkt, 1);
}

/* What one side sends on a queue arrives on the same queue of the other. */
static void
memif(void **state)
{
	struct port_device *server;
	struct port_device *client;
	struct pkt_in pkt;
	char spec[96];

	(void)state;
	snprintf(spec, sizeof(spec), "memif:/tmp/spw_queues_%d,server", getpid());
	server = lab_device(spec, 1500, QUEUES);
	snprintf(spec, sizeof(spec), "memif:/tmp/spw_queues_%d", getpid());
	client = lab_device(spec, 1500, QUEUES);
	for (uint16_t i = 0; i < QUEUES; i++) {
		join(port_queue(client, i, &lab_ctr), port_queue(server, i, &lab_ctr));
		join(port_queue(server, i, &lab_ctr), port_queue(client, i, &lab_ctr));
		assert_int_equal(port_rx_burst(port_queue(server, !i, &lab_ctr), &pkt, 1), 0);
	}
	port_close(client);
	usleep(200 * 1000);
	port_close(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memif),
		cmocka_unit_test_setup(af_packet, lab_veth_renew),
	};

	memcpy(&lab_address_be, here_addr, 4);
	lab_veth();
	lab_env("spw_queues");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
