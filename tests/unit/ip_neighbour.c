/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Asking for next hops by ARP: RFC 826, 1122 2.3.2.1. */
#include "dataplane/ip/headers.h"
#include "dataplane/ip/neighbour.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t theirs[6] = {2, 0, 0, 0, 0, 9};

static struct ip_local local = {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500};
static struct counters ctr;
static struct neighbours table;
static uint64_t now_us;
static uint8_t mac[6];
static uint8_t frame[64];

static uint32_t
addr(uint8_t last)
{
	return htonl(0x0a000000u + last);
}

static int
setup(void **state)
{
	(void)state;
	local.addr_be = addr(1);
	memset(&ctr, 0, sizeof(ctr));
	now_us = 5;
	neighbours_init(&table, &local, &ctr);
	return 0;
}

static enum neighbour_state
find(uint8_t last)
{
	memset(mac, 0, sizeof(mac));
	return neighbour_find(&table, addr(last), now_us, mac);
}

static uint16_t
requests(void)
{
	static struct pkt_out pkts[NEIGHBOURS_MAX + 1];

	return neighbour_output(&table, pkts, ARRAY_CNT(pkts), now_us);
}

/* reply_make fills frame with a reply of 10.0.0.last. */
static struct arp_hdr *
reply_make(uint8_t last)
{
	struct eth_hdr *eth = (void *)frame;
	struct arp_hdr *arp = (void *)(frame + ETH_HDR_LEN);

	memcpy(eth->dst, local.mac, 6);
	memcpy(eth->src, theirs, 6);
	eth->type_be = htons(ETH_TYPE_ARP);
	*arp = (struct arp_hdr){
		.hrd_be = htons(1), .pro_be = htons(0x0800), .hln = 6, .pln = 4, .op_be = htons(2),
		.spa_be = addr(last), .tpa_be = local.addr_be,
	};
	memcpy(arp->sha, theirs, 6);
	memcpy(arp->tha, local.mac, 6);
	return arp;
}

static bool
input(uint32_t len)
{
	struct pkt_in pkt = {.data = frame, .len = len};

	return neighbour_input(&table, &pkt, now_us);
}

static void
a_request_is_well_formed(void **state)
{
	struct pkt_out pkt;
	const struct eth_hdr *eth = (const void *)pkt.hdr;
	const struct arp_hdr *arp = (const void *)(pkt.hdr + ETH_HDR_LEN);

	(void)state;
	assert_int_equal(find(2), NEIGHBOUR_ASKED);
	assert_int_equal(neighbour_next_us(&table), now_us);
	assert_int_equal(neighbour_output(&table, &pkt, 1, now_us), 1);
	assert_int_equal(pkt.hdr_len, 42);
	assert_int_equal(pkt.l4_off + pkt.span_cnt + pkt.payload_len, 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(eth->dst[i], 0xff);
	assert_memory_equal(eth->src, local.mac, 6);
	assert_int_equal(ntohs(eth->type_be), 0x0806);
	assert_int_equal(ntohs(arp->op_be), 1);
	assert_memory_equal(arp->sha, local.mac, 6);
	assert_int_equal(arp->spa_be, local.addr_be);
	assert_int_equal(arp->tpa_be, addr(2));
	assert_int_equal(neighbour_next_us(&table), now_us + NEIGHBOUR_RETRY_US);
}

static void
an_answer_is_learnt(void **state)
{
	(void)state;
	find(2);
	requests();
	reply_make(2);
	assert_true(input(42));
	assert_int_equal(find(2), NEIGHBOUR_KNOWN);
	assert_memory_equal(mac, theirs, 6);
	assert_int_equal(ctr.value[CTR_arp_learnt], 1);
	assert_int_equal(neighbour_next_us(&table), UINT64_MAX);
	assert_int_equal(requests(), 0);
}

static void
what_was_not_asked_is_not_believed(void **state)
{
	(void)state;
	reply_make(2);
	assert_false(input(42));               /* nothing was asked */
	find(3);
	reply_make(3);
	assert_false(input(42));               /* the request has not left yet */
	requests();
	reply_make(2);
	assert_false(input(42));               /* another was asked */
	reply_make(3);
	assert_true(input(42));
	((uint8_t *)reply_make(3))[13] ^= 1;   /* sha: another station, later */
	assert_false(input(42));
	assert_int_equal(find(3), NEIGHBOUR_KNOWN);
	assert_memory_equal(mac, theirs, 6);
}

/* each row spoils one byte of a good answer */
static void
malformed_answers_are_not_taken(void **state)
{
	static const uint8_t offsets[] = {0, 12, 14, 16, 18, 19, 21, 31, 38};

	(void)state;
	find(2);
	requests();
	for (uint32_t i = 0; i < ARRAY_CNT(offsets); i++) {
		reply_make(2);
		frame[offsets[i]] ^= 0x40;
		assert_false(input(42));
	}
	reply_make(2)->sha[0] |= 1;            /* a group */
	assert_false(input(42));
	reply_make(2)->op_be = htons(1);
	assert_false(input(42));
	reply_make(2);
	for (uint32_t len = 0; len < 42; len++)
		assert_false(input(len));
	assert_true(input(42));
}

static void
an_unanswered_question_ends(void **state)
{
	(void)state;
	find(2);
	for (uint32_t i = 0; i < NEIGHBOUR_TRIES; i++) {
		assert_int_equal(requests(), 1);
		assert_int_equal(requests(), 0);
		now_us += NEIGHBOUR_RETRY_US - 1;
		assert_int_equal(requests(), 0);
		assert_int_equal(find(2), NEIGHBOUR_ASKED);
		now_us++;
	}
	assert_int_equal(requests(), 0);
	assert_int_equal(find(2), NEIGHBOUR_NONE);
	assert_int_equal(ctr.value[CTR_arp_requests], NEIGHBOUR_TRIES);
	assert_int_equal(ctr.value[CTR_arp_unanswered], 1);
	assert_int_equal(neighbour_next_us(&table), UINT64_MAX);
	assert_int_equal(find(2), NEIGHBOUR_ASKED);            /* a new caller, a new question */
	assert_int_equal(requests(), 1);
}

static void
old_news_is_asked_for_again(void **state)
{
	(void)state;
	find(2);
	requests();
	reply_make(2);
	input(42);
	now_us += NEIGHBOUR_VALID_US - 1;
	assert_int_equal(find(2), NEIGHBOUR_KNOWN);
	now_us++;
	assert_int_equal(find(2), NEIGHBOUR_ASKED);
	assert_int_equal(requests(), 1);
}

static void
the_table_is_bounded(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < NEIGHBOURS_MAX; i++)
		assert_int_equal(find((uint8_t)(10 + i)), NEIGHBOUR_ASKED);
	assert_int_equal(find(100), NEIGHBOUR_NONE);
	assert_int_equal(ctr.value[CTR_arp_full], 1);
	assert_int_equal(requests(), NEIGHBOURS_MAX);
	for (uint8_t i = 0; i < NEIGHBOURS_MAX; i++) {
		reply_make((uint8_t)(10 + i));
		assert_true(input(42));
		now_us++;
	}
	assert_int_equal(find(100), NEIGHBOUR_ASKED);          /* in the oldest's place */
	assert_int_equal(find(11), NEIGHBOUR_KNOWN);
	assert_int_equal(find(10), NEIGHBOUR_ASKED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_request_is_well_formed, setup),
		cmocka_unit_test_setup(an_answer_is_learnt, setup),
		cmocka_unit_test_setup(what_was_not_asked_is_not_believed, setup),
		cmocka_unit_test_setup(malformed_answers_are_not_taken, setup),
		cmocka_unit_test_setup(an_unanswered_question_ends, setup),
		cmocka_unit_test_setup(old_news_is_asked_for_again, setup),
		cmocka_unit_test_setup(the_table_is_bounded, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
