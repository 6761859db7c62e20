/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Two ports of one process, each another worker's, send to each other: what the one sends arrives
 * at the other, on the same queue, and payload comes back to the worker that it belongs to. */
#include "dataplane/port/device.h"
#include "tests/unit/port_lab.h"

enum {
	PACKETS = 600,
	QUEUES = 2,
};

static struct lab_packet packets[PACKETS];
static struct counters their_ctr;

/* mirror is the other worker: it sends back what it receives, one byte changed. */
static int
mirror(void *arg)
{
	struct port *port = arg;

	for (unsigned done = 0; done < PACKETS; done++) {
		struct pkt_in pkt;

		if (!lab_rx(port, &pkt))
			return 1;
		pkt.data[0] ^= 0xff;
		port_tx_reply(port, &pkt, pkt.len);
		if (port_tx_flush(port) > 0)
			return 2;
	}
	return 0;
}

static void
expect_mirrored(struct port *port, struct lab_packet *packet)
{
	struct pkt_in pkt;

	assert_true(lab_rx(port, &pkt));
	assert_int_equal(pkt.len, packet->len);
	assert_int_equal(pkt.data[0], packet->frame[0] ^ 0xff);
	assert_memory_equal(pkt.data + 1, packet->frame + 1, packet->len - 1);
	port_rx_free(port, &pkt, 1);
}

static void
send_and_expect(struct port *port)
{
	for (unsigned i = 0; i < PACKETS; i++)
		lab_packet_make(&packets[i], i, 1514 - 96);
	lab_send(port, packets, PACKETS);
	for (unsigned i = 0; i < PACKETS; i++) {
		lab_packet_release(&packets[i]);
		expect_mirrored(port, &packets[i]);
	}
	assert_int_equal(port_tx_flush(port), 0);
	assert_int_equal(lab_references(), 0);
}

static void
workers_pass_packets_to_each_other(void **state)
{
	struct port_device *ours = lab_device("ring:pair", 1500, QUEUES);
	struct port_device *theirs = lab_device("ring:pair", 1500, QUEUES);
	struct pkt_in pkt;

	(void)state;
	for (uint16_t i = 0; i < QUEUES; i++) {
		struct port *port = port_queue(ours, i, &lab_ctr);

		assert_int_equal(port_env_run(1, mirror, port_queue(theirs, i, &their_ctr)), 0);
		send_and_expect(port);
		assert_int_equal(port_env_wait(1), 0);
		assert_int_equal(port_rx_burst(port_queue(ours, !i, &lab_ctr), &pkt, 1), 0);
	}
	assert_int_equal(their_ctr.value[CTR_rx_packets], QUEUES * PACKETS);
	port_close(ours);
	port_close(theirs);
}

/* What is on its way when an end closes is given back. */
static void
nothing_is_kept_on_the_way(void **state)
{
	struct port_device *ours = lab_device("ring:pair", 1500, 1);
	struct port_device *theirs = lab_device("ring:pair", 1500, 1);
	static struct lab_packet packet;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		lab_packet_make(&packet, i, 1400);
		lab_send(port_queue(ours, 0, &lab_ctr), &packet, 1);
		lab_packet_release(&packet);
	}
	assert_true(lab_references() > 0);
	port_close(ours);
	assert_int_equal(lab_references(), 0);
	port_close(theirs);
}

static void
ends_are_two_and_alike(void **state)
{
	struct port_device *ours = lab_device("ring:a", 1500, 2);
	struct port_device *theirs;

	(void)state;
	lab_queues_refused("ring:a", 1, "the other end has 2 queues, not 1");
	theirs = lab_device("ring:a", 1500, 2);
	lab_queues_refused("ring:a", 2, "both ends are open already");
	port_close(theirs);
	theirs = lab_device("ring:a", 1500, 2);
	port_close(ours);
	port_close(theirs);
	port_close(lab_device("ring:a", 1500, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_pass_packets_to_each_other),
		cmocka_unit_test(nothing_is_kept_on_the_way),
		cmocka_unit_test(ends_are_two_and_alike),
	};

	lab_env("spw_link");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
