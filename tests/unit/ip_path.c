/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The way back to a sender: headers, sums, and the transport checksum over any bytes. */
#include "dataplane/base/csum.h"
#include "dataplane/ip/ip.h"
#include "tests/unit/ip_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ip_seg
seg_from_peer(const uint8_t *l4, uint32_t l4_len)
{
	struct ip_seg seg = {.l4 = l4, .l4_len = l4_len};

	memcpy(&seg.src_be, peer_addr, 4);
	memcpy(&seg.dst_be, us_addr, 4);
	memcpy(seg.src_mac, peer_mac, 6);
	memcpy(seg.dst_mac, us_mac, 6);
	return seg;
}

static void
headers_lead_back(void **state)
{
	struct ip_seg seg = seg_from_peer(NULL, 0);
	struct ip_path path;
	struct pkt_out pkt;

	(void)state;
	ip_path_init(&path, &seg);
	for (unsigned l4_len = 20; l4_len <= 65515; l4_len += l4_len < 1600 ? 1 : 977) {
		unsigned pseudo = l4_sum(us_addr, peer_addr, NULL, 0) + l4_len;
		uint8_t bytes[2];
		uint16_t sum;

		memset(&pkt, 0xa5, sizeof(pkt));
		sum = ip_path_write(&path, &pkt, (uint16_t)l4_len, l4_len % 4);
		assert_int_equal(pkt.l4_off, 34);
		assert_memory_equal(pkt.hdr, peer_mac, 6);
		assert_memory_equal(pkt.hdr + 6, us_mac, 6);
		assert_int_equal(get16(pkt.hdr + 12), 0x0800);
		assert_int_equal(pkt.hdr[14], 0x45);
		assert_int_equal(pkt.hdr[15], l4_len % 4);
		assert_int_equal(get16(pkt.hdr + 16), 20 + l4_len);
		assert_int_equal(get16(pkt.hdr + 20), 0x4000);
		assert_int_equal(pkt.hdr[22], 64);
		assert_int_equal(pkt.hdr[23], 6);
		assert_int_equal(sum16(pkt.hdr + 14, 20, 0), 0xffff);
		assert_memory_equal(pkt.hdr + 26, us_addr, 4);
		assert_memory_equal(pkt.hdr + 30, peer_addr, 4);
		assert_int_equal(pkt.hdr[34], 0xa5);
		memcpy(bytes, &sum, 2);
		assert_int_equal(get16(bytes), sum16(NULL, 0, pseudo));
	}
}

static void
checksum_is_verified(void **state)
{
	(void)state;
	for (uint32_t len = 20; len < 1500; len += len < 100 ? 1 : 53) {
		uint8_t *l4 = malloc(len);
		struct ip_seg seg = seg_from_peer(l4, len);

		for (uint32_t i = 0; i < len; i++)
			l4[i] = (uint8_t)(i * 31 + len);
		put16(l4 + 16, 0);
		put16(l4 + 16, ~l4_sum(peer_addr, us_addr, l4, len) & 0xffff);
		assert_true(ip_seg_csum_ok(&seg));
		for (uint32_t i = 0; i < len; i++) {
			l4[i] ^= (uint8_t)(1u << i % 8);
			assert_false(ip_seg_csum_ok(&seg));
			l4[i] ^= (uint8_t)(1u << i % 8);
		}
		free(l4);
	}
}

static void
sum_takes_any_length_and_address(void **state)
{
	uint8_t *bytes = malloc(65536);

	(void)state;
	memset(bytes, 0xff, 65536);
	assert_int_equal(ip_sum_fold(ip_sum(bytes, 65535, 0)),
	                 csum_fold(csum_add(bytes, 65535, 0)));
	assert_int_equal(ip_sum_fold(ip_sum(bytes, 65534, 0xffffffff)), 0xffff);
	for (unsigned i = 0; i < 4096; i++)
		bytes[i] = (uint8_t)(i * i + i / 251);
	for (unsigned off = 0; off < 9; off++) {
		for (unsigned len = 0; len < 80; len++) {
			uint16_t sum = ip_sum_fold(ip_sum(bytes + off, len, 0x1234));
			uint8_t got[2];
			uint8_t start[2];
			uint16_t word = 0x1234;

			memcpy(got, &sum, 2);
			memcpy(start, &word, 2);
			assert_int_equal(get16(got), sum16(bytes + off, len, get16(start)));
		}
	}
	free(bytes);
}

static void
a_sum_at_an_odd_position_is_swapped(void **state)
{
	uint8_t bytes[64];

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		bytes[i] = (uint8_t)(i * 57 + 200);
	for (uint32_t cut = 1; cut < 64; cut += 2) {
		uint64_t sum = csum_add(bytes, cut, 0) +
		               csum_swap(csum_add(bytes + cut, 64 - cut, 0));

		assert_int_equal(csum_fold(sum), csum_fold(csum_add(bytes, 64, 0)));
	}
}

static void
a_copy_is_whole_and_summed(void **state)
{
	uint8_t from[400];
	uint8_t to[420];

	(void)state;
	for (unsigned i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 91 + i / 7);
	for (uint32_t len = 0; len < 380; len++) {
		unsigned in = len % 9;
		unsigned out = len % 11;

		memset(to, 0xee, sizeof(to));
		assert_int_equal(csum_fold(csum_copy(to + out, from + in, len)),
		                 csum_fold(csum_add(from + in, len, 0)));
		assert_memory_equal(to + out, from + in, len);
		assert_int_equal(to[out + len], 0xee);
		assert_int_equal(out > 0 ? to[out - 1] : 0xee, 0xee);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_lead_back),
		cmocka_unit_test(checksum_is_verified),
		cmocka_unit_test(sum_takes_any_length_and_address),
		cmocka_unit_test(a_copy_is_whole_and_summed),
		cmocka_unit_test(a_sum_at_an_odd_position_is_swapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
