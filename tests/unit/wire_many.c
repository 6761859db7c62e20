/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* More peers than the shared pool of requests has shares for: each can have its own all the same,
 * and all is given back. */
#include "tests/unit/wire_world.h"

enum { PEERS = 6000, REQUEST_LEN = 17 };

static_assert(PEERS * WIRE_REQUESTS_OWN > WIRE_REQUESTS, "more than what all share");

static void
drain(struct wire *wire, struct wire_peer *peer)
{
	struct frag frags[32];
	uint32_t cnt;

	do {
		cnt = wire_output(wire, peer, 0, frags, 32);
		for (uint32_t i = 0; i < cnt; i++)
			frag_release(&frags[i]);
	} while (cnt > 16);
}

/* request_make writes a request message. */
static void
request_make(uint8_t *to, uint32_t piece, uint32_t begin)
{
	const uint32_t words[4] = { 13, piece, begin, BLOCK };

	for (uint32_t i = 0, at = 0; i < 4; i++, at += 4) {
		for (uint32_t k = 0; k < 4; k++)
			to[at + k] = (uint8_t)(words[i] >> (24 - 8 * k));
		if (i == 0)
			to[at++ + 4] = REQUEST;
	}
}

/* arrive has a peer shake hands and ask for cnt blocks. */
static struct wire_peer *
arrive(struct wire *wire, const uint8_t *hash, uint32_t number, uint32_t cnt)
{
	static const uint8_t interested[5] = { 0, 0, 0, 1, INTERESTED };
	struct wire_peer *peer = wire_open(wire, number, 1, NULL, 1);
	uint8_t hello[68], request[REQUEST_LEN];

	assert_non_null(peer);
	assert_int_equal(wire_input(wire, peer, hello, (uint32_t)lab_handshake(hello, hash, 0), 1),
	                 WIRE_OK);
	assert_int_equal(wire_input(wire, peer, interested, sizeof(interested), 1), WIRE_OK);
	drain(wire, peer);
	for (uint32_t i = 0; i < cnt; i++) {
		request_make(request, i % 20, i / 20 % 3 * BLOCK);
		assert_int_equal(wire_input(wire, peer, request, sizeof(request), 1), WIRE_OK);
	}
	return peer;
}

static void
each_has_its_own_requests(void **state)
{
	static struct wire_peer *peers[PEERS];
	static struct counters ctr;
	struct store *store = store_double_create(&ctr, world_torrents, 1, 64, true);
	struct wire_config config = { .store = store, .peers_max = PEERS, .seed = 1, .ctr = &ctr };
	struct wire *wire = wire_create(&config);
	const uint8_t *hash = store_double_torrent(store, PLAIN)->info_hash;

	(void)state;
	assert_non_null(wire);
	for (uint32_t i = 0; i < PEERS; i++) /* the first take all that is not kept for the others */
		peers[i] = arrive(wire, hash, i, i < 100 ? WIRE_REQQ : WIRE_REQUESTS_OWN);
	assert_true(ctr.value[CTR_requests_waiting] >= (uint64_t)PEERS * WIRE_REQUESTS_OWN);
	assert_int_equal(ctr.value[CTR_requests_waiting] + ctr.value[CTR_requests_no_memory],
	                 100 * WIRE_REQQ + (PEERS - 100) * WIRE_REQUESTS_OWN);
	assert_null(wire_open(wire, PEERS, 1, NULL, 1));
	for (uint32_t i = 0; i < PEERS; i++) {
		assert_true(wire_request_cnt(peers[i]) >= WIRE_REQUESTS_OWN);
		wire_close(wire, peers[i], 2);
	}
	assert_int_equal(ctr.value[CTR_requests_waiting], 0);
	wire_destroy(wire);
	store_double_destroy(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_has_its_own_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
