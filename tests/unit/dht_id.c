/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Ids and addresses: BEP 42's vectors, distances, who may name whom, and our address by vote. */
#include "control/dht/dht_id.h"
#include "control/dht/dht_vote.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

static struct dht_random dice = {.seed = 1};

static struct dht_address
address_of(const char *text, uint16_t port)
{
	struct dht_address address = {.port = port};

	if (strchr(text, ':') != NULL) {
		address.ip_len = 16;
		assert_int_equal(inet_pton(AF_INET6, text, address.ip), 1);
	} else {
		address.ip_len = 4;
		assert_int_equal(inet_pton(AF_INET, text, address.ip), 1);
	}
	return address;
}

static void
crc32c_is_castagnoli(void **state)
{
	(void)state;
	assert_int_equal(dht_id_crc32c((const uint8_t *)"123456789", 9), 0xe3069283u);
	assert_int_equal(dht_id_crc32c((const uint8_t *)"", 0), 0);
}

static void
vectors_of_bep_42_are_allowed(void **state)
{
	static const struct {
		const char *address;
		uint8_t prefix[3];
		uint8_t last;
	} vectors[] = {
		{"124.31.75.21", {0x5f, 0xbf, 0xbf}, 1},  {"21.75.31.124", {0x5a, 0x3c, 0xe9}, 0x56},
		{"65.23.51.170", {0xa5, 0xd4, 0x32}, 0x16}, {"84.124.73.14", {0x1b, 0x03, 0x21}, 0x41},
		{"43.213.53.83", {0xe5, 0x6f, 0x6c}, 0x5a},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct dht_address address = address_of(vectors[i].address, 6881);
		uint8_t id[DHT_ID_LEN] = {0};

		memcpy(id, vectors[i].prefix, 3);
		id[19] = vectors[i].last;
		assert_true(dht_id_allowed(id, &address));
		id[2] ^= 7; /* the last three bits are free */
		assert_true(dht_id_allowed(id, &address));
		id[2] ^= 8;
		assert_false(dht_id_allowed(id, &address));
		id[2] ^= 8;
		id[19] ^= 1; /* another number, another prefix */
		assert_false(dht_id_allowed(id, &address));
	}
}

static void
made_ids_are_allowed(void **state)
{
	static const char *const addresses[] = {"8.8.8.8", "124.31.75.21", "2001:db8:1:2:3:4:5:6",
	                                        "2a00:1450::1"};
	uint8_t id[DHT_ID_LEN], other[DHT_ID_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct dht_address address = address_of(addresses[i], 1);
		struct dht_address near = address;

		dht_id_make(id, &address, &dice);
		assert_true(dht_id_allowed(id, &address));
		near.ip[address.ip_len == 4 ? 3 : 7] ^= 1;
		assert_false(dht_id_allowed(id, &near));
		dht_id_make(other, &address, &dice);
		assert_memory_not_equal(id + 3, other + 3, 16);
	}
}

static void
local_addresses_are_exempt(void **state)
{
	static const char *const exempt[] = {"10.1.2.3", "172.16.0.1", "172.31.255.1", "192.168.4.5",
	                                     "169.254.1.1", "127.0.0.1", "::1", "fe80::1", "fd12::1"};
	static const char *const not[] = {"172.32.0.1", "172.15.0.1", "192.169.0.1", "11.0.0.1",
	                                  "2001:db8::1"};
	uint8_t id[DHT_ID_LEN] = {1};

	(void)state;
	for (size_t i = 0; i < sizeof(exempt) / sizeof(exempt[0]); i++) {
		struct dht_address address = address_of(exempt[i], 1);
		assert_true(dht_id_allowed(id, &address));
	}
	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++) {
		struct dht_address address = address_of(not[i], 1);
		assert_int_equal(dht_address_scope(&address), DHT_SCOPE_GLOBAL);
		assert_false(dht_id_allowed(id, &address));
	}
}

static void
distance_is_xor(void **state)
{
	uint8_t target[DHT_ID_LEN] = {0x80}, a[DHT_ID_LEN] = {0x81}, b[DHT_ID_LEN] = {0x7f};

	(void)state;
	assert_true(dht_id_closer(target, a, b) < 0);
	assert_true(dht_id_closer(target, b, a) > 0);
	assert_int_equal(dht_id_closer(target, a, a), 0);
	assert_int_equal(dht_id_common(target, a), 7);
	assert_int_equal(dht_id_common(target, b), 0);
	assert_int_equal(dht_id_common(a, a), DHT_ID_BITS);
	for (unsigned bits = 0; bits < DHT_ID_BITS; bits++) {
		uint8_t id[DHT_ID_LEN];
		dht_id_share(id, target, bits, &dice);
		assert_int_equal(dht_id_common(id, target), bits);
	}
}

static void
nobody_out_there_names_our_neighbours(void **state)
{
	struct dht_address global = address_of("8.8.8.8", 1), local = address_of("10.0.0.1", 1);
	struct dht_address loop = address_of("127.0.0.1", 1), none = address_of("0.1.2.3", 1);
	struct dht_address multicast = address_of("224.0.0.1", 1), silent = address_of("8.8.4.4", 0);
	struct dht_address mapped = address_of("::ffff:10.0.0.1", 1), v6 = address_of("2a00::1", 1);

	(void)state;
	assert_false(dht_address_nameable(&local, &global));
	assert_false(dht_address_nameable(&loop, &global));
	assert_false(dht_address_nameable(&loop, &local));
	assert_false(dht_address_nameable(&none, &loop));
	assert_false(dht_address_nameable(&multicast, &loop));
	assert_false(dht_address_nameable(&mapped, &v6));
	assert_false(dht_address_nameable(&silent, &loop));
	assert_true(dht_address_nameable(&global, &global));
	assert_true(dht_address_nameable(&global, &loop));
	assert_true(dht_address_nameable(&local, &loop));
	assert_true(dht_address_nameable(&local, &local));
}

static void
hosts_are_told_apart(void **state)
{
	struct dht_address a = address_of("8.8.8.8", 1), b = address_of("8.8.8.8", 2);
	struct dht_address c = address_of("2a00::1", 1), d = address_of("2a00::ffff:1", 9);
	struct dht_address e = address_of("10.0.0.1", 1), f = address_of("10.0.0.1", 2);
	struct dht_address g = address_of("2a00:0:0:1::1", 1);

	(void)state;
	assert_true(dht_address_same_host(&a, &b));
	assert_true(dht_address_same_host(&c, &d)); /* one /64 */
	assert_false(dht_address_same_host(&c, &g));
	assert_false(dht_address_same_host(&e, &f));
	assert_false(dht_address_same_host(&a, &c));
	assert_false(dht_address_equal(&a, &b));
}

static void
the_majority_says_where_we_are(void **state)
{
	struct dht_address right = address_of("50.1.2.3", 9), wrong = address_of("50.9.9.9", 9);
	struct dht_address winner = {0};
	struct dht_vote vote;
	bool won = false;

	(void)state;
	dht_vote_begin(&vote, 0);
	for (uint8_t i = 0; i < DHT_VOTE_ENOUGH; i++) {
		struct dht_address voter = address_of("60.0.0.1", 1);
		voter.ip[1] = i;
		/* One host's second vote is none. */
		assert_false(won);
		won = dht_vote_take(&vote, &voter, i % 3 == 0 ? &wrong : &right, 5, &winner);
		assert_false(dht_vote_take(&vote, &voter, &wrong, 5, &winner));
	}
	assert_true(won);
	assert_memory_equal(winner.ip, right.ip, 4);
	assert_int_equal(winner.port, 0);
}

static void
without_a_majority_nothing_is_known(void **state)
{
	struct dht_address winner = {0}, said = address_of("50.0.0.1", 9);
	struct dht_vote vote;

	(void)state;
	dht_vote_begin(&vote, 0);
	for (uint8_t i = 0; i < 4 * DHT_VOTE_ENOUGH; i++) {
		struct dht_address voter = address_of("60.0.0.1", 1);
		voter.ip[1] = i;
		said.ip[3] = i % 2;
		assert_false(dht_vote_take(&vote, &voter, &said, 5, &winner));
	}
	/* Few votes are enough after a while, and what cannot be ours is none. */
	dht_vote_begin(&vote, 0);
	for (uint8_t i = 0; i < DHT_VOTE_LEAST; i++) {
		struct dht_address voter = address_of("60.0.0.1", 1), v6 = address_of("2a00::1", 1);
		struct dht_address local = address_of("10.0.0.1", 1);
		voter.ip[1] = i;
		said.ip[3] = 1;
		assert_false(dht_vote_take(&vote, &voter, &local, DHT_VOTE_ROUND_MS, &winner));
		assert_false(dht_vote_take(&vote, &voter, &v6, DHT_VOTE_ROUND_MS, &winner));
		bool won = dht_vote_take(&vote, &voter, &said, DHT_VOTE_ROUND_MS, &winner);
		assert_int_equal(won, i + 1 == DHT_VOTE_LEAST);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_is_castagnoli),
		cmocka_unit_test(vectors_of_bep_42_are_allowed),
		cmocka_unit_test(made_ids_are_allowed),
		cmocka_unit_test(local_addresses_are_exempt),
		cmocka_unit_test(distance_is_xor),
		cmocka_unit_test(nobody_out_there_names_our_neighbours),
		cmocka_unit_test(hosts_are_told_apart),
		cmocka_unit_test(the_majority_says_where_we_are),
		cmocka_unit_test(without_a_majority_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
