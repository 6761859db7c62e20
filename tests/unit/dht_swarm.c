/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Many DHT nodes: they find each other, what one announces is found by another, the dead are left
 * out, ids follow addresses, and a read-only one is in nobody's table. */
#include "tests/unit/dht_lab.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

enum {
	SWARM = 48,
};

static struct lab lab;
static const uint8_t asker_id[DHT_ID_LEN] = "an asker, no node...";

static void
hash_fill(uint8_t *info_hash, uint32_t n)
{
	struct dht_random random = {.seed = 1000 + n};

	dht_random_fill(&random, info_hash, DHT_ID_LEN);
}

static void
swarm_begin(uint32_t cnt, bool global)
{
	lab_begin(&lab);
	for (uint32_t i = 0; i < cnt; i++)
		lab_add(&lab, global);
	lab_meet(&lab);
}

/* peers_asked asks every node for the peers of an info_hash, without seeds or with them; returns
 * how many name that one. */
static uint32_t
peers_asked(const uint8_t *info_hash, const struct dht_address *peer, bool noseed)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < lab.cnt; i++) {
		struct dht_address from = lab_address(5000, false);
		uint8_t query[256], item[2 + DHT_COMPACT_V6] = "6:";
		size_t len;

		int n = snprintf((char *)query, sizeof(query), "d1:ad2:id20:%.20s9:info_hash20:",
		                 (const char *)asker_id);
		memcpy(query + n, info_hash, DHT_ID_LEN);
		n += DHT_ID_LEN;
		n += snprintf((char *)query + n, sizeof(query) - (size_t)n,
		              "%se1:q9:get_peers2:roi1e1:t2:aa1:y1:qe", noseed ? "6:noseedi1e" : "");
		const uint8_t *answer =
			lab_send(&lab, i, &from, (struct dht_span){query, (size_t)n}, &len);
		dht_address_write(peer, item + 2);
		cnt += memmem(answer, len, item, 2 + DHT_COMPACT_V4) != NULL;
	}
	return cnt;
}

static uint32_t
peers_stored(const uint8_t *info_hash, const struct dht_address *peer)
{
	return peers_asked(info_hash, peer, false);
}

static void
nodes_find_each_other(void **state)
{
	(void)state;
	swarm_begin(SWARM, false);
	for (uint32_t i = 0; i < SWARM; i++) {
		struct dht_node_status status = lab_status(&lab, i);
		if (status.good_cnt < 12)
			fail_msg("node %u knows only %u", i, status.good_cnt);
		assert_int_equal(status.counter[DHT_CTR_malformed], 0);
		assert_int_equal(status.counter[DHT_CTR_unasked], 0);
		assert_int_equal(status.counter[DHT_CTR_timeouts], 0);
		assert_int_equal(status.lookup_cnt, 0);
		assert_int_equal(status.call_cnt, 0);
	}
	lab_end(&lab);
}

static void
what_is_announced_is_found(void **state)
{
	(void)state;
	swarm_begin(SWARM, false);
	for (uint32_t k = 0; k < 10; k++) {
		struct dht_address peer = lab.address[3];
		uint8_t info_hash[DHT_ID_LEN];

		hash_fill(info_hash, k);
		peer.port = 7003;
		assert_int_equal(lab_announce(&lab, 3, info_hash), 8);
		assert_in_range(peers_stored(info_hash, &peer), 8, 9); /* and itself, if it is close */
		peer.port = 6881; /* not that of the DHT: implied_port is 0 */
		assert_int_equal(peers_stored(info_hash, &peer), 0);
	}
	assert_int_equal(lab_status(&lab, 3).counter[DHT_CTR_announces], 10);
	assert_int_equal(lab_status(&lab, 3).counter[DHT_CTR_announces_failed], 0);
	lab_end(&lab);
}

/* Who wants no seeds (BEP 33) is told of a partial seed, not of a whole one. */
static void
a_partial_seed_is_no_seed(void **state)
{
	struct dht_address peer = lab_address(3, false);
	uint8_t info_hash[DHT_ID_LEN];

	(void)state;
	peer.port = 7003;
	swarm_begin(16, false);
	hash_fill(info_hash, 9);
	assert_int_equal(lab_announce_as(&lab, 3, info_hash, false), 8);
	assert_in_range(peers_asked(info_hash, &peer, true), 8, 9);
	assert_int_equal(lab_announce_as(&lab, 3, info_hash, true), 8);
	assert_int_equal(peers_asked(info_hash, &peer, true), 0);
	assert_in_range(peers_stored(info_hash, &peer), 8, 9);
	lab_end(&lab);
}

/* The closest of all nodes have it, not just some. */
static void
the_closest_store(void **state)
{
	uint8_t info_hash[DHT_ID_LEN];
	uint32_t closer = 0;
	uint8_t ids[SWARM][DHT_ID_LEN];

	(void)state;
	swarm_begin(SWARM, false);
	hash_fill(info_hash, 99);
	assert_int_equal(lab_announce(&lab, 5, info_hash), 8);
	for (uint32_t i = 0; i < SWARM; i++)
		memcpy(ids[i], lab_status(&lab, i).id, DHT_ID_LEN);
	for (uint32_t i = 0; i < SWARM; i++) {
		uint32_t before = 0;
		for (uint32_t k = 0; k < SWARM; k++)
			before += k != 5 && k != i && dht_id_closer(info_hash, ids[k], ids[i]) < 0;
		closer += i != 5 && before < 8 && lab_status(&lab, i).peer_cnt == 1;
	}
	assert_in_range(closer, 7, 8);
	lab_end(&lab);
}

static void
the_dead_are_left_out(void **state)
{
	uint8_t info_hash[DHT_ID_LEN];

	(void)state;
	swarm_begin(SWARM, false);
	for (uint32_t i = 1; i < SWARM; i += 2)
		lab.dead[i] = true;
	hash_fill(info_hash, 7);
	assert_int_equal(lab_announce(&lab, 4, info_hash), 8);
	lab_run(&lab, 40 * 60 * 1000);
	struct dht_node_status status = lab_status(&lab, 4);
	assert_in_range(status.good_cnt, 12, SWARM / 2 - 1);
	assert_true(status.counter[DHT_CTR_timeouts] > 0);
	assert_int_equal(lab_announce(&lab, 4, info_hash), 8);
	lab_end(&lab);
}

static void
what_is_not_announced_again_is_forgotten(void **state)
{
	struct dht_address peer = lab_address(3, false);
	uint8_t info_hash[DHT_ID_LEN];

	(void)state;
	peer.port = 7003;
	swarm_begin(16, false);
	hash_fill(info_hash, 8);
	assert_int_equal(lab_announce(&lab, 3, info_hash), 8);
	assert_in_range(peers_stored(info_hash, &peer), 8, 9);
	lab_run(&lab, 34 * 60 * 1000);
	assert_int_equal(peers_stored(info_hash, &peer), 0);
	lab_end(&lab);
}

/* BEP 42: nodes with global addresses take ids that go with them, by what others say. */
static void
ids_follow_addresses(void **state)
{
	(void)state;
	swarm_begin(SWARM, true);
	for (uint32_t i = 0; i < SWARM; i++) {
		struct dht_node_status status = lab_status(&lab, i);
		assert_true(dht_id_allowed(status.id, &lab.address[i]));
		assert_int_equal(status.refused_cnt, 0);
	}
	lab_end(&lab);
}

/* A node behind a translation of addresses: it is bound to one that is not global. */
static void
an_id_is_found_behind_a_translation(void **state)
{
	struct dht_address seen = lab_address(SWARM, true);

	(void)state;
	lab_begin(&lab);
	for (uint32_t i = 0; i < SWARM; i++)
		lab_add(&lab, true);
	lab_meet(&lab);
	uint32_t n = lab_add(&lab, false);
	assert_false(dht_id_allowed(lab_status(&lab, n).id, &seen));
	lab.address[n] = seen;
	dht_node_hint(lab.node[n], &lab.address[0], lab.now_ms);
	lab_run(&lab, 120000);
	struct dht_node_status status = lab_status(&lab, n);
	assert_int_equal(status.counter[DHT_CTR_id_changes], 1);
	assert_true(dht_id_allowed(status.id, &seen));
	assert_memory_equal(status.external.ip, seen.ip, 4);
	assert_true(status.good_cnt >= 16);
	lab_end(&lab);
}

/* BEP 42: nodes whose ids do not go with their addresses get no announce, though they are closest
 * and hand out tokens. */
static void
nodes_with_wrong_ids_store_nothing(void **state)
{
	uint8_t info_hash[DHT_ID_LEN];
	uint32_t stored = 0;

	(void)state;
	lab_begin(&lab);
	for (uint32_t i = 0; i < 24; i++)
		lab_add(&lab, true);
	/* These think that they are at home, and keep the ids of that. */
	for (uint32_t i = 24; i < 40; i++) {
		lab_add(&lab, false);
		lab.address[i] = lab_address(i, true);
	}
	for (uint32_t i = 1; i < lab.cnt; i++)
		dht_node_hint(lab.node[i], &lab.address[0], lab.now_ms);
	lab_run(&lab, 3000); /* too short for a vote */
	for (uint32_t k = 0; k < 8; k++) {
		hash_fill(info_hash, k);
		lab_announce(&lab, 2, info_hash);
	}
	for (uint32_t i = 24; i < 40; i++)
		if (!dht_id_allowed(lab_status(&lab, i).id, &lab.address[i]))
			stored += lab_status(&lab, i).peer_cnt;
	assert_int_equal(stored, 0);
	assert_int_equal(lab_status(&lab, 2).counter[DHT_CTR_announces], 8);
	lab_end(&lab);
}

static void
a_read_only_node_announces_and_is_in_no_table(void **state)
{
	uint8_t info_hash[DHT_ID_LEN];
	struct dht_address peer;

	(void)state;
	lab_begin(&lab);
	for (uint32_t i = 0; i < 24; i++)
		lab_add(&lab, false);
	lab.read_only = true;
	uint32_t n = lab_add(&lab, false);
	lab_meet(&lab);
	hash_fill(info_hash, 1);
	assert_int_equal(lab_announce(&lab, n, info_hash), 8);
	peer = lab.address[n];
	peer.port = (uint16_t)(7000 + n);
	assert_in_range(peers_stored(info_hash, &peer), 8, 9);
	struct dht_node_status status = lab_status(&lab, n);
	assert_true(status.read_only);
	assert_true(status.good_cnt >= 12);
	assert_int_equal(status.counter[DHT_CTR_answered], 0);
	/* Nobody has asked it but our own look around. */
	assert_int_equal(status.counter[DHT_CTR_queries], 1);
	lab_end(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_find_each_other),
		cmocka_unit_test(what_is_announced_is_found),
		cmocka_unit_test(a_partial_seed_is_no_seed),
		cmocka_unit_test(the_closest_store),
		cmocka_unit_test(the_dead_are_left_out),
		cmocka_unit_test(what_is_not_announced_again_is_forgotten),
		cmocka_unit_test(ids_follow_addresses),
		cmocka_unit_test(an_id_is_found_behind_a_translation),
		cmocka_unit_test(nodes_with_wrong_ids_store_nothing),
		cmocka_unit_test(a_read_only_node_announces_and_is_in_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
