/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Which frames get through to TCP, and why the others do not. */
#include "dataplane/ip/ip.h"
#include "tests/unit/ip_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t frame[2048];
static struct counters ctr;
static struct ip_local local;
static struct ip_seg seg;
static uint32_t reply_len;

static int
setup(void **state)
{
	(void)state;
	memset(&ctr, 0, sizeof(ctr));
	memset(&seg, 0, sizeof(seg));
	memcpy(local.mac, us_mac, 6);
	memcpy(&local.addr_be, us_addr, 4);
	local.mtu = 1500;
	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 7);
	return 0;
}

/* input gives the frame in memory of exactly its length, so that a sanitizer sees a read beyond. */
static enum ip_verdict
input(uint32_t len)
{
	static uint8_t *exact;
	struct pkt_in pkt;
	enum ip_verdict verdict;

	free(exact);
	exact = malloc(len > 0 ? len : 1);
	memcpy(exact, frame, len);
	pkt = (struct pkt_in){.data = exact, .len = len};
	verdict = ip_input(&local, &ctr, &pkt, &seg, &reply_len);
	if (verdict == IP_REPLY)
		memcpy(frame, exact, len);
	return verdict;
}

static void
drops(uint32_t len, enum counter why)
{
	uint64_t before = ctr.value[why];
	uint64_t sum = 0;

	assert_int_equal(input(len), IP_DROP);
	assert_int_equal(ctr.value[why], before + 1);
	for (int i = 0; i < CTR_CNT; i++)
		sum += ctr.value[i];
	setup(NULL);
	ctr.value[why] = before;
	assert_int_equal(sum, before + 1);
}

static void
tcp_is_let_through(void **state)
{
	uint32_t len = frame_ip(frame, 0, 6, 20);

	(void)state;
	assert_int_equal(input(len), IP_TCP);
	assert_int_equal(seg.l4_len, 20);
	assert_memory_equal(seg.l4, frame + 34, 20);
	assert_memory_equal(&seg.src_be, peer_addr, 4);
	assert_memory_equal(&seg.dst_be, us_addr, 4);
	assert_memory_equal(seg.src_mac, peer_mac, 6);
	assert_memory_equal(seg.dst_mac, us_mac, 6);
	assert_int_equal(seg.ecn, 2);
	assert_false(seg.csum_good);
}

static void
options_are_skipped_and_padding_is_cut(void **state)
{
	uint32_t len = frame_ip(frame, 40, 6, 21);

	(void)state;
	assert_int_equal(input(len + 13), IP_TCP);
	assert_int_equal(seg.l4_len, 21);
	assert_memory_equal(seg.l4, frame + 74, 21);
	len = frame_ip(frame, 0, 6, 0);
	assert_int_equal(input(MAX(len, 60u)), IP_TCP);
	assert_int_equal(seg.l4_len, 0);
}

static void
every_truncation_is_dropped(void **state)
{
	uint32_t len = frame_ip(frame, 8, 6, 33);

	(void)state;
	for (uint32_t cut = 0; cut < len; cut++)
		assert_int_equal(input(cut), IP_DROP);
	assert_int_equal(ctr.value[CTR_eth_short], 14);
	assert_int_equal(ctr.value[CTR_ip_bad_header], len - 14);
	assert_int_equal(input(len), IP_TCP);
}

static void
other_stations_and_types_are_dropped(void **state)
{
	uint32_t len = frame_ip(frame, 0, 6, 20);

	(void)state;
	frame[5] ^= 1;
	drops(len, CTR_eth_not_ours);
	frame_ip(frame, 0, 6, 20);
	memset(frame, 0xff, 6);
	drops(len, CTR_eth_not_ours);
	frame_ip(frame, 0, 6, 20);
	frame[6] |= 1;
	drops(len, CTR_eth_not_ours);
	frame_ip(frame, 0, 6, 20);
	put16(frame + 12, 0x8100);
	drops(len, CTR_eth_type);
}

static void
malformed_headers_are_dropped(void **state)
{
	static const uint8_t version_ihl[] = {0x44, 0x40, 0x65, 0x55, 0x4f};
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(version_ihl); i++) {
		len = frame_ip(frame, 0, 6, 20);
		frame[14] = version_ihl[i];
		frame_ip_seal(frame);
		drops(len, CTR_ip_bad_header);
	}
	len = frame_ip(frame, 0, 6, 20);
	put16(frame + 16, 19);
	frame_ip_seal(frame);
	drops(len, CTR_ip_bad_header);
	len = frame_ip(frame, 0, 6, 20);
	put16(frame + 16, 41);
	frame_ip_seal(frame);
	drops(len, CTR_ip_bad_header);
}

static void
every_flipped_header_bit_is_seen(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 24 * 8; bit++) {
		uint32_t len = frame_ip(frame, 4, 6, 20);

		frame[14 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(input(len), IP_DROP);
	}
	assert_int_equal(ctr.value[CTR_ip_bad_checksum] + ctr.value[CTR_ip_bad_header], 24 * 8);
	assert_true(ctr.value[CTR_ip_bad_checksum] > 150);
}

static void
fragments_are_dropped(void **state)
{
	static const unsigned frag[] = {0x2000, 0x0001, 0x1fff, 0x2001, 0x6000};
	uint32_t len = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_CNT(frag); i++) {
		len = frame_ip(frame, 0, 6, 20);
		put16(frame + 20, frag[i]);
		frame_ip_seal(frame);
		drops(len, CTR_ip_fragment);
	}
	frame_ip(frame, 0, 6, 20);
	put16(frame + 20, 0x4000);
	frame_ip_seal(frame);
	assert_int_equal(input(len), IP_TCP);
}

static void
addresses_are_checked(void **state)
{
	static const uint8_t bad_src[][4] = {
		{0, 0, 0, 0}, {0, 1, 2, 3}, {127, 0, 0, 1}, {224, 0, 0, 1}, {239, 1, 1, 1},
		{240, 0, 0, 1}, {255, 255, 255, 255}, {10, 0, 0, 1},
	};
	static const uint8_t bad_dst[][4] = {
		{10, 0, 0, 2}, {255, 255, 255, 255}, {224, 0, 0, 1}, {10, 0, 0, 255},
	};
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_CNT(bad_src); i++) {
		len = frame_ip(frame, 0, 6, 20);
		memcpy(frame + 26, bad_src[i], 4);
		frame_ip_seal(frame);
		drops(len, CTR_ip_bad_source);
	}
	for (size_t i = 0; i < ARRAY_CNT(bad_dst); i++) {
		len = frame_ip(frame, 0, 6, 20);
		memcpy(frame + 30, bad_dst[i], 4);
		frame_ip_seal(frame);
		drops(len, CTR_ip_not_ours);
	}
	len = frame_ip(frame, 0, 17, 20);
	drops(len, CTR_ip_protocol);
}

static uint32_t
arp_request(unsigned op, const uint8_t *target)
{
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};

	frame_eth(frame, broadcast, peer_mac, 0x0806);
	put16(frame + 14, 1);
	put16(frame + 16, 0x0800);
	frame[18] = 6;
	frame[19] = 4;
	put16(frame + 20, op);
	memcpy(frame + 22, peer_mac, 6);
	memcpy(frame + 28, peer_addr, 4);
	memset(frame + 32, 0, 6);
	memcpy(frame + 38, target, 4);
	return 42;
}

static void
arp_for_us_is_answered(void **state)
{
	uint32_t len = arp_request(1, us_addr);

	(void)state;
	assert_int_equal(input(len + 18), IP_REPLY);
	assert_int_equal(reply_len, 42);
	assert_memory_equal(frame, peer_mac, 6);
	assert_memory_equal(frame + 6, us_mac, 6);
	assert_int_equal(get16(frame + 20), 2);
	assert_memory_equal(frame + 22, us_mac, 6);
	assert_memory_equal(frame + 28, us_addr, 4);
	assert_memory_equal(frame + 32, peer_mac, 6);
	assert_memory_equal(frame + 38, peer_addr, 4);
	assert_int_equal(ctr.value[CTR_arp_replies], 1);
	len = arp_request(1, us_addr);
	memcpy(frame, us_mac, 6);
	memset(frame + 28, 0, 4); /* RFC 5227 probe */
	assert_int_equal(input(len), IP_REPLY);
}

static void
other_arp_is_dropped(void **state)
{
	static const unsigned spoilt[] = {15, 17, 18, 19, 21};
	uint32_t len = arp_request(1, us_addr);

	(void)state;
	drops(len - 1, CTR_arp_bad);
	for (size_t i = 0; i < ARRAY_CNT(spoilt); i++) {
		arp_request(1, us_addr);
		frame[spoilt[i]] ^= 4;
		drops(len, CTR_arp_bad);
	}
	arp_request(2, us_addr);
	drops(len, CTR_arp_bad);
	arp_request(1, peer_addr);
	drops(len, CTR_arp_bad);
	arp_request(1, us_addr);
	memcpy(frame + 28, us_addr, 4);
	drops(len, CTR_arp_bad);
	arp_request(1, us_addr);
	frame[22] |= 1;
	drops(len, CTR_arp_bad);
	arp_request(1, us_addr);
	frame[5] = 0;
	drops(len, CTR_eth_not_ours);
}

static uint32_t
echo_request(unsigned data_len)
{
	uint32_t len = frame_ip(frame, 0, 1, 8 + data_len);

	frame[34] = 8;
	frame[35] = 0;
	put16(frame + 36, 0);
	put16(frame + 36, ~sum16(frame + 34, 8 + data_len, 0) & 0xffff);
	return len;
}

static void
echo_is_answered(void **state)
{
	uint8_t sent[2048];

	(void)state;
	for (unsigned data_len = 0; data_len < 70; data_len++) {
		uint32_t len = echo_request(data_len);

		memcpy(sent, frame, len);
		assert_int_equal(input(MAX(len, 60u)), IP_REPLY);
		assert_int_equal(reply_len, len);
		assert_memory_equal(frame, peer_mac, 6);
		assert_memory_equal(frame + 6, us_mac, 6);
		assert_memory_equal(frame + 26, us_addr, 4);
		assert_memory_equal(frame + 30, peer_addr, 4);
		assert_int_equal(sum16(frame + 14, 20, 0), 0xffff);
		assert_int_equal(frame[22], 64);
		assert_int_equal(frame[34], 0);
		assert_int_equal(sum16(frame + 34, 8 + data_len, 0), 0xffff);
		assert_memory_equal(frame + 38, sent + 38, 4 + data_len);
	}
	assert_int_equal(ctr.value[CTR_icmp_replies], 70);
}

static void
other_icmp_is_ignored(void **state)
{
	uint32_t len = echo_request(9);

	(void)state;
	frame[40] ^= 1;
	drops(len, CTR_icmp_ignored);
	for (unsigned type = 0; type < 20; type++) {
		echo_request(9);       /* errors are too short to quote anything */
		put16(frame + 36, get16(frame + 36) - ((type - 8) << 8));
		frame[34] = (uint8_t)type;
		if (type != 8)
			drops(len, CTR_icmp_ignored);
	}
	len = frame_ip(frame, 0, 1, 7);
	drops(len, CTR_icmp_ignored);
	len = frame_ip(frame, 4, 1, 8);
	drops(len, CTR_icmp_ignored);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tcp_is_let_through, setup),
		cmocka_unit_test_setup(options_are_skipped_and_padding_is_cut, setup),
		cmocka_unit_test_setup(every_truncation_is_dropped, setup),
		cmocka_unit_test_setup(other_stations_and_types_are_dropped, setup),
		cmocka_unit_test_setup(malformed_headers_are_dropped, setup),
		cmocka_unit_test_setup(every_flipped_header_bit_is_seen, setup),
		cmocka_unit_test_setup(fragments_are_dropped, setup),
		cmocka_unit_test_setup(addresses_are_checked, setup),
		cmocka_unit_test_setup(arp_for_us_is_answered, setup),
		cmocka_unit_test_setup(other_arp_is_dropped, setup),
		cmocka_unit_test_setup(echo_is_answered, setup),
		cmocka_unit_test_setup(other_icmp_is_ignored, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
