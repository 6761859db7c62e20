/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The null port takes everything and gives nothing; and specs that name no port are refused with
 * one line that says why. */
#include "tests/unit/port_lab.h"

static void
all_is_taken_and_counted(void **state)
{
	struct port *port = lab_port("null", 1500);
	static struct lab_packet packet[200];
	struct pkt_in pkt[BURST_MAX];
	uint64_t bytes = 0;

	(void)state;
	assert_true(port_info(port)->zero_copy);
	for (unsigned i = 0; i < 200; i++) {
		lab_packet_make(&packet[i], i % 2 ? 5 : i, 1400);
		bytes += packet[i].len;
		lab_send(port, &packet[i], 1);
		lab_packet_release(&packet[i]);
	}
	assert_int_equal(lab_ctr.value[CTR_tx_packets], 200);
	assert_int_equal(lab_ctr.value[CTR_tx_bytes], bytes);
	assert_int_equal(port_tx_flush(port), 0);
	assert_int_equal(lab_references(), 0);
	assert_int_equal(port_rx_burst(port, pkt, BURST_MAX), 0);
	lab_close(port);
}

static void
the_port_has_an_address(void **state)
{
	struct port *port = lab_port("null", 1500);
	const uint8_t *mac = port_info(port)->mac;

	(void)state;
	assert_true(mac[0] != 0 && (mac[0] & 1) == 0);
	assert_int_equal(port_wait_fd(port), -1);
	lab_close(port);
	port_close(NULL);
}

static struct lab_packet their_packets[100];

static int
send_theirs(void *port)
{
	lab_send(port, their_packets, ARRAY_CNT(their_packets));
	return port_tx_flush(port);
}

/* A queue pair of a worker on another lcore counts for itself. */
static void
workers_send_apart(void **state)
{
	struct port_device *device = lab_device("null", 1500, 2);
	struct counters theirs = {.value = {0}};
	struct counters ours = {.value = {0}};
	static struct lab_packet packet;

	(void)state;
	for (unsigned i = 0; i < ARRAY_CNT(their_packets); i++)
		lab_packet_make(&their_packets[i], i, 1400);
	assert_int_equal(port_env_run(1, send_theirs, port_queue(device, 1, &theirs)), 0);
	lab_packet_make(&packet, 5, 1400);
	lab_send(port_queue(device, 0, &ours), &packet, 1);
	assert_int_equal(port_env_wait(1), 0);
	assert_int_equal(theirs.value[CTR_tx_packets], ARRAY_CNT(their_packets));
	assert_int_equal(ours.value[CTR_tx_packets], 1);
	assert_int_equal(ours.value[CTR_tx_bytes], packet.len);
	for (unsigned i = 0; i < ARRAY_CNT(their_packets); i++)
		lab_packet_release(&their_packets[i]);
	lab_packet_release(&packet);
	port_close(device);
	assert_int_equal(lab_references(), 0);
}

static int
nothing(void *arg)
{
	return arg == NULL ? 7 : 8;
}

static void
lcores_run_what_they_are_given(void **state)
{
	(void)state;
	assert_int_equal(port_env_run(0, nothing, NULL), -1);
	assert_int_equal(port_env_run(2, nothing, NULL), -1);
	assert_int_equal(port_env_run(1, nothing, NULL), 0);
	assert_int_equal(port_env_wait(1), 7);
	assert_int_equal(port_env_run(1, nothing, &lab_ctr), 0);
	assert_int_equal(port_env_wait(1), 8);
}

static void
queues_that_there_are_not_are_refused(void **state)
{
	(void)state;
	lab_queues_refused("null", 0, "0 queues, not in [1, 16]");
	lab_queues_refused("null", PORT_QUEUES_MAX + 1, "17 queues, not in [1, 16]");
	lab_queues_refused("tap:spwT2", 2, "net_tap has 1 of the 2 queues");
}

static void
specs_without_sense_are_refused(void **state)
{
	(void)state;
	lab_refused("", 1500, "unknown kind");
	lab_refused("nul", 1500, "unknown kind");
	lab_refused("nulls", 1500, "unknown kind");
	lab_refused("pci:0000:00:01.0", 1500, "unknown kind");
	lab_refused("null:x", 1500, "takes no argument");
	lab_refused("ring:", 1500, "name missing");
	lab_refused("af_packet", 1500, "needs an argument");
	lab_refused("af_xdp:", 1500, "name missing");
	lab_refused("tap:a_name_that_is_too_long", 1500, "too long");
	lab_refused("af_packet:lo,framesz=1", 1500, "unknown option framesz=1");
	lab_refused("memif:/x,master", 1500, "unknown option master");
	lab_refused("null", 575, "not in [576, 9000]");
	lab_refused("null", 9001, "not in [576, 9000]");
}

static void
interfaces_that_cannot_serve_are_refused(void **state)
{
	(void)state;
	lab_refused("af_xdp:spw-none", 1500, "no such interface: spw-none");
	lab_refused("af_packet:spw-none", 1500, "no such interface: spw-none");
	lab_refused("tap:lo", 1500, "lo exists already");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_taken_and_counted),
		cmocka_unit_test(the_port_has_an_address),
		cmocka_unit_test(workers_send_apart),
		cmocka_unit_test(lcores_run_what_they_are_given),
		cmocka_unit_test(queues_that_there_are_not_are_refused),
		cmocka_unit_test(specs_without_sense_are_refused),
		cmocka_unit_test(interfaces_that_cannot_serve_are_refused),
	};

	lab_env("spw_null");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
