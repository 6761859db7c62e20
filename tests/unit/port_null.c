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
	assert_false(port_info(port)->zero_copy);
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
	port_close(port);
}

static void
the_port_has_an_address(void **state)
{
	struct port *port = lab_port("null", 1500);
	const uint8_t *mac = port_info(port)->mac;

	(void)state;
	assert_true(mac[0] != 0 && (mac[0] & 1) == 0);
	assert_int_equal(port_wait_fd(port), -1);
	port_close(port);
	port_close(NULL);
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
	lab_refused("ring:", 1500, "takes no argument");
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
		cmocka_unit_test(specs_without_sense_are_refused),
		cmocka_unit_test(interfaces_that_cannot_serve_are_refused),
	};

	lab_env("spw_null");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
