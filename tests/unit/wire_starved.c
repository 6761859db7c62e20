/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Memory for reads is short: peers take turns, the longest waiting first. */
#include "tests/unit/wire_world.h"

enum {
	PEERS = 8,
	BUFS = 15, /* five blocks at once */
	ROUNDS = 400,
};

struct famine {
	struct wire_lab lab;
	struct store *store;
	struct lab_peer *peer[PEERS];
	uint64_t served[PEERS];
};

static int
famine_setup(void **state)
{
	static const struct double_torrent torrent = { 1 << 20, 64 << 20, 10, false, true };
	struct famine *famine = calloc(1, sizeof(*famine));

	famine->store = store_double_create(&famine->lab.ctr, &torrent, 1, BUFS, true);
	lab_open_wire(&famine->lab, famine->store, PEERS);
	famine->lab.hold = true;
	for (int i = 0; i < PEERS; i++) {
		famine->peer[i] = lab_connect(&famine->lab);
		lab_greet(&famine->lab, famine->peer[i],
		          store_double_torrent(famine->store, 0)->info_hash, LAB_FAST);
		lab_message(&famine->lab, famine->peer[i], INTERESTED, NULL, 0);
		lab_pull(&famine->lab, famine->peer[i], 0);
		for (uint32_t n = 0; n < WIRE_REQQ; n++)
			lab_block(&famine->lab, famine->peer[i], REQUEST,
			          (uint32_t[3]){ n % 64, n / 64 * BLOCK, BLOCK });
	}
	*state = famine;
	return 0;
}

static int
famine_teardown(void **state)
{
	struct famine *famine = *state;

	lab_close_wire(&famine->lab);
	store_double_destroy(famine->store);
	free(famine);
	return 0;
}

/* famine_serve runs rounds in which some buffers come back and whoever is noted is served.
 * pushy: a peer that is asked for output each round, noted or not; PEERS: none. */
static void
famine_serve(struct famine *famine, uint32_t rounds, uint32_t pushy)
{
	for (uint32_t round = 0; round < rounds; round++) {
		uint32_t before[PEERS];

		for (uint32_t i = 0; i < PEERS; i++)
			before[i] = famine->peer[i]->note_cnt;
		lab_acknowledge(&famine->lab, 4 + round % 9);
		lab_reap(&famine->lab);
		for (uint32_t i = 0; i < PEERS; i++)
			if (i == pushy || famine->peer[i]->note_cnt > before[i])
				famine->served[i] += lab_pull(&famine->lab, famine->peer[i],
				                              16 * BLOCK);
	}
}

/* famine_spread checks that all got something and none got twice as much as another. */
static void
famine_spread(const struct famine *famine)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (int i = 0; i < PEERS; i++) {
		least = MIN(least, famine->served[i]);
		most = MAX(most, famine->served[i]);
	}
	assert_true(least > 0);
	assert_true(most < 2 * least);
}

static void
all_get_their_share(void **state)
{
	struct famine *famine = *state;

	for (int i = 0; i < PEERS; i++)
		lab_pull(&famine->lab, famine->peer[i], 16 * BLOCK);
	famine_serve(famine, ROUNDS, PEERS);
	famine_spread(famine);
}

static void
pushing_gains_nothing(void **state)
{
	struct famine *famine = *state;

	for (int i = 0; i < PEERS; i++)
		lab_pull(&famine->lab, famine->peer[i], 16 * BLOCK);
	famine_serve(famine, ROUNDS, 3);
	famine_spread(famine);
}

static void
starved_peers_are_silent_until_noted(void **state)
{
	struct famine *famine = *state;
	uint32_t starved_cnt = 0;

	for (int i = 0; i < PEERS; i++)
		lab_pull(&famine->lab, famine->peer[i], 16 * BLOCK);
	for (int i = 0; i < PEERS; i++)
		starved_cnt += !wire_pending(famine->peer[i]->peer);
	assert_int_equal(starved_cnt, PEERS);
	lab_reap(&famine->lab); /* what is due from before */
	assert_int_equal(lab_reap(&famine->lab), 0);
	lab_acknowledge(&famine->lab, UINT32_MAX);
	assert_true(lab_reap(&famine->lab) > 0);
}

/* the first in the queue leaves; a cancel leaves another with nothing to read */
static void
the_queue_outlives_its_members(void **state)
{
	struct famine *famine = *state;

	for (int i = 0; i < PEERS; i++)
		lab_pull(&famine->lab, famine->peer[i], 16 * BLOCK);
	lab_leave(&famine->lab, famine->peer[0]);
	lab_leave(&famine->lab, famine->peer[4]);
	for (uint32_t n = 0; n < WIRE_REQQ; n++)
		lab_block(&famine->lab, famine->peer[1], CANCEL,
		          (uint32_t[3]){ n % 64, n / 64 * BLOCK, BLOCK });
	for (int round = 0; round < 100; round++) {
		lab_acknowledge(&famine->lab, 200); /* rejects among them */
		lab_reap(&famine->lab);
		for (int i = 0; i < PEERS; i++)
			if (famine->peer[i]->peer != NULL)
				famine->served[i] += lab_pull(&famine->lab, famine->peer[i],
				                              16 * BLOCK);
	}
	for (int i = 0; i < PEERS; i++)
		assert_int_equal(famine->served[i] > 0, famine->peer[i]->peer != NULL);
}

#define FAMINE_TEST(f) cmocka_unit_test_setup_teardown(f, famine_setup, famine_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAMINE_TEST(all_get_their_share),
		FAMINE_TEST(pushing_gains_nothing),
		FAMINE_TEST(starved_peers_are_silent_until_noted),
		FAMINE_TEST(the_queue_outlives_its_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
