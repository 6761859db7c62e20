/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What goes out is what came in, with its checksum, whatever its shape: payload copied, payload
 * attached, and attached with buffers running out; and every reference comes back. */
#include "dataplane/port/device.h"
#include "tests/unit/port_lab.h"

enum {
	SHAPES = 3000,
	RING_PACKETS = 1000, /* fit into the ring */
	ATTACH_MAX = 4096,   /* spans attached at once */
};

static void
expect(struct port *port, const struct lab_packet *packet)
{
	struct pkt_in pkt;

	assert_true(lab_rx(port, &pkt));
	assert_int_equal(pkt.len, packet->len);
	assert_memory_equal(pkt.data, packet->frame, packet->len);
	assert_false(pkt.csum_good);
	port_rx_free(port, &pkt, 1);
}

static void
echo_one(struct port *port, unsigned seed, uint32_t payload_max)
{
	static struct lab_packet packet;

	lab_packet_make(&packet, seed, payload_max);
	lab_send(port, &packet, 1);
	lab_packet_release(&packet);
	expect(port, &packet);
	assert_int_equal(lab_references(), 0);
}

static void
attached_payload_is_whole(void **state)
{
	struct port *port = lab_port("ring", 1500);

	(void)state;
	assert_true(port_info(port)->zero_copy);
	for (unsigned seed = 0; seed < SHAPES; seed++)
		echo_one(port, seed, 1514 - 96);
	lab_close(port);
}

static void
copied_payload_is_whole(void **state)
{
	struct port *port = lab_port("ring", 1500);

	(void)state;
	port->chain = false;
	for (unsigned seed = 0; seed < SHAPES; seed++)
		echo_one(port, seed, 1514 - 96);
	lab_close(port);
}

/* More spans wait in the ring than can be attached: the rest is copied, none is lost. */
static void
attaching_falls_back_to_copying(void **state)
{
	static struct lab_packet packets[RING_PACKETS];
	struct port *port = lab_port("ring", 1500);
	uint32_t held_max = 0;

	(void)state;
	for (unsigned i = 0; i < RING_PACKETS; i++) {
		lab_packet_make(&packets[i], i * (PKT_SPANS_MAX + 1) + PKT_SPANS_MAX, 1400);
		lab_send(port, &packets[i], 1);
		lab_packet_release(&packets[i]);
		held_max = MAX(held_max, lab_references());
	}
	assert_int_equal(held_max, ATTACH_MAX);
	for (unsigned i = 0; i < RING_PACKETS; i++)
		expect(port, &packets[i]);
	assert_int_equal(lab_references(), 0);
	lab_close(port);
}

static void
jumbo_packets_are_whole(void **state)
{
	struct port *port = lab_port("ring", 9000);

	(void)state;
	for (unsigned seed = 0; seed < 300; seed++)
		echo_one(port, seed, 9014 - 96);
	port->chain = false;
	for (unsigned seed = 0; seed < 300; seed++)
		echo_one(port, seed, 9014 - 96);
	lab_close(port);
}

/* Nobody takes packets out: the ring fills, packets wait in the port, room shrinks to nothing;
 * then all come out in order, once. */
static void
waiting_packets_keep_their_order(void **state)
{
	struct port *port = lab_port("ring", 1500);
	static struct pkt_out out[BURST_MAX];
	uint64_t before = lab_ctr.value[CTR_tx_packets];
	uint32_t sent = 0;
	uint32_t got = 0;

	(void)state;
	for (uint16_t room; (room = port_tx_room(port)) > 0; sent += room) {
		for (uint16_t i = 0; i < room; i++) {
			uint32_t number = sent + i;

			memset(&out[i], 0, sizeof(out[i]));
			out[i].hdr_len = 60;
			memcpy(out[i].hdr + 20, &number, 4);
		}
		port_tx_burst(port, out, room);
	}
	assert_int_equal(lab_ctr.value[CTR_tx_packets] - before, 1023);
	assert_int_equal(port_tx_flush(port), BURST_MAX);
	assert_int_equal(sent, 1023 + BURST_MAX);
	assert_true(lab_ctr.value[CTR_tx_ring_full] > 0);
	while (got < sent) {
		struct pkt_in pkt[BURST_MAX];
		uint16_t cnt = port_rx_burst(port, pkt, got % BURST_MAX + 1);

		for (uint16_t i = 0; i < cnt; i++, got++)
			assert_memory_equal(pkt[i].data + 20, &got, 4);
		port_rx_free(port, pkt, cnt);
		port_tx_flush(port);
		assert_true(cnt > 0);
	}
	assert_int_equal(port_tx_room(port), BURST_MAX);
	assert_int_equal(lab_ctr.value[CTR_tx_packets] - before, sent);
	lab_close(port);
}

/* Packets that were received and not given back hold their buffers. */
static void
no_buffer_means_no_room(void **state)
{
	static struct pkt_in held[PORT_MBUFS];
	static struct pkt_out out[BURST_MAX];
	struct port *port = lab_port("ring", 1500);
	uint32_t held_cnt = 0;

	(void)state;
	for (uint16_t i = 0; i < BURST_MAX; i++)
		out[i].hdr_len = 60;
	assert_int_equal(lab_ctr.value[CTR_tx_no_mbuf], 0);
	for (uint16_t room; (room = port_tx_room(port)) > 0;) {
		port_tx_burst(port, out, room);
		held_cnt += port_rx_burst(port, held + held_cnt, room);
	}
	assert_true(held_cnt > PORT_MBUFS - 2 * BURST_MAX && held_cnt <= PORT_MBUFS);
	assert_int_equal(lab_ctr.value[CTR_tx_no_mbuf], 1);
	for (uint32_t i = 0; i < held_cnt; i += BURST_MAX)
		port_rx_free(port, held + i, (uint16_t)MIN(held_cnt - i, (uint32_t)BURST_MAX));
	assert_int_equal(port_tx_room(port), BURST_MAX);
	lab_close(port);
}

static void
a_reply_goes_out_shortened(void **state)
{
	struct port *port = lab_port("ring", 1500);
	static struct lab_packet packet;
	struct pkt_in pkt;

	(void)state;
	lab_packet_make(&packet, 16, 700);
	lab_send(port, &packet, 1);
	lab_packet_release(&packet);
	assert_true(lab_rx(port, &pkt));
	pkt.data[0] ^= 0xff;
	port_tx_reply(port, &pkt, 333);
	assert_null(pkt.handle);
	port_rx_free(port, &pkt, 1);
	assert_true(lab_rx(port, &pkt));
	assert_int_equal(pkt.len, 333);
	assert_int_equal(pkt.data[0], packet.frame[0] ^ 0xff);
	assert_memory_equal(pkt.data + 1, packet.frame + 1, 332);
	port_rx_free(port, &pkt, 1);
	lab_close(port);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attached_payload_is_whole),
		cmocka_unit_test(copied_payload_is_whole),
		cmocka_unit_test(attaching_falls_back_to_copying),
		cmocka_unit_test(jumbo_packets_are_whole),
		cmocka_unit_test(waiting_packets_keep_their_order),
		cmocka_unit_test(no_buffer_means_no_room),
		cmocka_unit_test(a_reply_goes_out_shortened),
	};

	lab_env("spw_ring");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
