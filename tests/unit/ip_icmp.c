/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ICMP errors on their way to TCP: RFC 792, 1122 3.2.2, 1191 4. What they quote is a stranger's
 * word: every length of it is checked, and nothing is believed that we cannot have sent. */
#include "dataplane/ip/ip.h"
#include "tests/unit/ip_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	QUOTE_LEN = 28,        /* IPv4 header and eight bytes */
	MTU = 1280,
};

static const uint8_t router_addr[4] = {10, 0, 0, 254};
static uint8_t frame[2048];
static struct counters ctr;
static struct ip_local local;
static struct ip_seg seg;
/* in the frame made last */
static uint8_t *icmp;
static uint8_t *quote;

static int
setup(void **state)
{
	(void)state;
	memset(&ctr, 0, sizeof(ctr));
	memcpy(local.mac, us_mac, 6);
	memcpy(&local.addr_be, us_addr, 4);
	local.mtu = 1500;
	return 0;
}

static enum ip_verdict
input(uint32_t len)
{
	static uint8_t *exact;
	struct pkt_in pkt;
	uint32_t reply_len;

	free(exact);
	exact = malloc(len);
	memcpy(exact, frame, len);
	pkt = (struct pkt_in){.data = exact, .len = len};
	memset(&seg, 0xee, sizeof(seg));
	return ip_input(&local, &ctr, &pkt, &seg, &reply_len);
}

/* seal makes the ICMP checksum right. */
static void
seal(uint32_t len)
{
	uint32_t icmp_len = len - (uint32_t)(icmp - frame);

	put16(icmp + 2, 0);
	put16(icmp + 2, ~sum16(icmp, icmp_len, 0) & 0xffff);
}

/* error makes "fragmentation needed" from a router about a segment of 1500 bytes. Returns the
 * frame's length. */
static uint32_t
error(unsigned opt_len, unsigned quote_len)
{
	uint32_t len = frame_ip(frame, opt_len, 1, 8 + quote_len);

	memcpy(frame + 26, router_addr, 4);
	frame_ip_seal(frame);
	icmp = frame + 34 + opt_len;
	quote = icmp + 8;
	memset(icmp, 0, 8 + quote_len);
	icmp[0] = 3;
	icmp[1] = 4;
	put16(icmp + 6, MTU);
	quote[0] = 0x45;
	put16(quote + 2, 1500);
	put16(quote + 6, 0x4000);
	quote[8] = 57;
	quote[9] = 6;
	memcpy(quote + 12, us_addr, 4);
	memcpy(quote + 16, peer_addr, 4);
	put16(quote + 20, 6881);
	put16(quote + 22, 40000);
	put16(quote + 24, 0xdead);
	put16(quote + 26, 0xbeef);
	seal(len);
	return len;
}

static void
drops(uint32_t len, enum counter why)
{
	uint64_t sum = 0;

	memset(&ctr, 0, sizeof(ctr));
	assert_int_equal(input(len), IP_DROP);
	for (int i = 0; i < CTR_CNT; i++)
		sum += ctr.value[i];
	assert_int_equal(ctr.value[why], 1);
	assert_int_equal(sum, 1);
}

static void
error_about_our_segment_is_taken_apart(void **state)
{
	static const unsigned opt_lens[] = {0, 4, 40};

	(void)state;
	for (size_t i = 0; i < ARRAY_CNT(opt_lens); i++) {
		uint32_t len = error(opt_lens[i], QUOTE_LEN);

		assert_int_equal(input(len), IP_ICMP);
		assert_memory_equal(&seg.icmp.local_be, us_addr, 4);
		assert_memory_equal(&seg.icmp.remote_be, peer_addr, 4);
		assert_int_equal(seg.icmp.local_port, 6881);
		assert_int_equal(seg.icmp.remote_port, 40000);
		assert_int_equal(seg.icmp.seq, 0xdeadbeef);
		assert_int_equal(seg.icmp.quoted_len, 1500);
		assert_int_equal(seg.icmp.mtu, MTU);
		assert_int_equal(seg.icmp.type, 3);
		assert_int_equal(seg.icmp.code, 4);
	}
	assert_int_equal(ctr.value[CTR_icmp_errors], ARRAY_CNT(opt_lens));
}

static void
quotes_of_any_length_will_do(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 1400; more += 37) {
		uint32_t len = error(0, QUOTE_LEN + more);

		assert_int_equal(input(MAX(len, 80u)), IP_ICMP);
	}
}

static void
kinds_are_told_apart(void **state)
{
	static const uint8_t errors[] = {3, 4, 11, 12};
	uint32_t len;

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		bool is_error = memchr(errors, (int)type, sizeof(errors)) != NULL;

		len = error(0, QUOTE_LEN);
		icmp[0] = (uint8_t)type;
		seal(len);
		if (!is_error)         /* an echo request has code 0 */
			drops(len, CTR_icmp_ignored);
		else
			assert_int_equal(input(len), IP_ICMP);
	}
	len = error(0, QUOTE_LEN);
	icmp[1] = 3;
	seal(len);
	assert_int_equal(input(len), IP_ICMP);
	assert_int_equal(seg.icmp.mtu, 0);     /* only "fragmentation needed" has one */
}

static void
every_truncation_is_dropped(void **state)
{
	(void)state;
	for (unsigned quote_len = 0; quote_len < QUOTE_LEN; quote_len++) {
		uint32_t len = frame_ip(frame, 0, 1, 8 + quote_len);

		icmp = frame + 34;
		seal(len);
		icmp[0] = 3;
		seal(len);
		drops(len, CTR_icmp_ignored);
	}
	drops(frame_ip(frame, 0, 1, 0), CTR_icmp_ignored);
	frame[34] = 3;
	drops(frame_ip(frame, 0, 1, 1), CTR_icmp_ignored);
}

static void
every_flipped_bit_is_seen(void **state)
{
	uint32_t len = error(0, QUOTE_LEN);

	(void)state;
	for (uint32_t bit = 0; bit < (len - 34) * 8; bit++) {
		error(0, QUOTE_LEN);
		frame[34 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		drops(len, CTR_icmp_ignored);
	}
}

/* what is at an offset of the quote, and why we cannot have sent it */
static const struct {
	uint8_t at;
	uint8_t value;
} foreign[] = {
	{0, 0x65}, {0, 0x44}, {0, 0x46},   /* version, a short header, options */
	{9, 17},                           /* not TCP */
	{12, 11}, {15, 2},                 /* from another address */
	{16, 0}, {16, 127}, {16, 224},     /* to no host */
	{7, 1}, {6, 0x3f},                 /* a later fragment: no ports in it */
};

static void
what_we_cannot_have_sent_is_dropped(void **state)
{
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_CNT(foreign); i++) {
		len = error(0, QUOTE_LEN + 20);
		quote[foreign[i].at] = foreign[i].value;
		seal(len);
		drops(len, CTR_icmp_bad_quote);
	}
	len = error(0, QUOTE_LEN);
	put16(quote + 2, QUOTE_LEN - 1);
	seal(len);
	drops(len, CTR_icmp_bad_quote);
	len = error(0, QUOTE_LEN);
	memcpy(quote + 16, us_addr, 4);
	seal(len);
	drops(len, CTR_icmp_bad_quote);
	len = error(0, QUOTE_LEN);
	put16(quote + 6, 0x2000);      /* the first fragment has them */
	seal(len);
	assert_int_equal(input(len), IP_ICMP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(error_about_our_segment_is_taken_apart, setup),
		cmocka_unit_test_setup(quotes_of_any_length_will_do, setup),
		cmocka_unit_test_setup(kinds_are_told_apart, setup),
		cmocka_unit_test_setup(every_truncation_is_dropped, setup),
		cmocka_unit_test_setup(every_flipped_bit_is_seen, setup),
		cmocka_unit_test_setup(what_we_cannot_have_sent_is_dropped, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
