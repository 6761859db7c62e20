/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Peers of three torrents ask, hold, cancel and leave at random in memory far too small for them,
 * while torrents are removed and come back: every block that comes is right, everyone who goes on
 * asking is served, and every buffer is back at the end. */
#include "tests/unit/store_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	KIB = 1024,
	LABS = 3,
	ASKERS = 12,
	READY_MIN = 3000,
	ROUNDS_MAX = 2000000,
	BUFS = STORE_BUFFERS_MIN,
};

enum asker_state { IDLE, PENDING, HOLDING };

struct asker {
	enum asker_state state;
	struct store_req req;
	uint32_t lab;
};

struct crowd {
	struct lab labs[LABS];
	struct torrent *torrents[LABS];
	struct shop shop;
	struct asker askers[ASKERS];
	uint64_t ready_cnt, absent_cnt, busy_cnt, cancel_cnt;
};

static void
check_block(struct crowd *crowd, struct asker *asker)
{
	const struct lab *lab = &crowd->labs[asker->lab];
	uint64_t off = (uint64_t)asker->req.piece * lab->layout->piece_len + asker->req.begin;

	assert_true(spans_equal(&asker->req, lab->content + off));
}

static void
asker_over(struct crowd *crowd, struct asker *asker)
{
	asker->state = IDLE;
	if (asker->req.status == STORE_ABSENT) {
		crowd->absent_cnt++;
		return;
	}
	assert_int_equal(asker->req.status, STORE_READY);
	check_block(crowd, asker);
	crowd->ready_cnt++;
	asker->state = HOLDING;
}

static void
asker_ask(struct crowd *crowd, struct asker *asker)
{
	const struct lab *lab = &crowd->labs[asker->lab = (uint32_t)random() % LABS];
	struct torrent *torrent = crowd->torrents[asker->lab];
	uint32_t piece = (uint32_t)random() % lab->layout->piece_cnt;
	uint32_t piece_len = active_piece_len(torrent->active, piece);
	uint32_t begin = (uint32_t)random() % piece_len;
	uint32_t max = random() % 4 == 0 ? WIRE_REQUEST_LEN_MAX : 16 * KIB;

	asker->req = block_of(torrent, piece, begin, MIN(max, piece_len - begin));
	switch (store_read(crowd->shop.store, &asker->req)) {
	case STORE_PENDING:
		asker->state = PENDING;
		return;
	case STORE_BUSY:
	case STORE_SHARE:
		crowd->busy_cnt++;
		return;
	default:
		asker_over(crowd, asker);
	}
}

static void
asker_step(struct crowd *crowd, struct asker *asker)
{
	if (asker->state == IDLE) {
		asker_ask(crowd, asker);
	} else if (asker->state == HOLDING && random() % 3 == 0) {
		check_block(crowd, asker);
		spans_drop(&asker->req);
		asker->state = IDLE;
	} else if (asker->state == PENDING && random() % 50 == 0) {
		store_cancel(crowd->shop.store, &asker->req);
		memset(&asker->req, 0xa5, sizeof(asker->req));
		crowd->cancel_cnt++;
		asker->state = IDLE;
	}
}

static void
crowd_reap(struct crowd *crowd, uint32_t max)
{
	struct store_req *over[ASKERS];
	uint32_t cnt = shop_turn(&crowd->shop, over, max);

	for (uint32_t i = 0; i < cnt; i++) {
		struct asker *asker = CONTAINER_OF(over[i], struct asker, req);

		assert_int_equal(asker->state, PENDING);
		asker_over(crowd, asker);
	}
}

/* replace removes a torrent, whatever is asked of it, and adds it again. */
static void
replace(struct crowd *crowd, uint32_t which)
{
	struct store_event event;

	assert_int_equal(store_remove(crowd->shop.store, crowd->labs[which].id), ABI_OK);
	crowd->torrents[which] = lab_activate(&crowd->labs[which], crowd->shop.store);
	while (store_events(crowd->shop.store, &event, 1) > 0)
		assert_int_not_equal(event.type, STORE_EV_WITHDRAWN);
}

static void
crowd_open(struct crowd *crowd)
{
	static struct lab_file tiny[400];
	static const struct lab_file one = {.len = 2 << 20};
	static const struct lab_file some[] = {
		{100000, false}, {31072, true}, {33, false},
		{200001, false}, {16000, true}, {5, false},
	};
	const struct lab_config configs[LABS] = {
		{&one, 1, 256 * KIB, 64 * KIB, NULL, 0, false, 91, NULL},
		{some, ARRAY_CNT(some), 128 * KIB, 16 * KIB, NULL, 0, false, 92, NULL},
		{tiny, ARRAY_CNT(tiny), 64 * KIB, 32 * KIB, NULL, 0, false, 93, "/dev/shm"},
	};

	for (uint32_t i = 0; i < ARRAY_CNT(tiny); i++)
		tiny[i].len = 1 + (uint32_t)random() % 3000;
	shop_open(&crowd->shop, BUFS, LABS);
	for (uint32_t i = 0; i < LABS; i++) {
		lab_create(&crowd->labs[i], &configs[i]);
		crowd->torrents[i] = lab_activate(&crowd->labs[i], crowd->shop.store);
	}
}

static void
crowd_close(struct crowd *crowd)
{
	for (uint32_t turn = 0, pending = 1; pending > 0; turn++) {
		assert_in_range(turn, 0, 100000);
		pending = 0;
		for (uint32_t i = 0; i < ASKERS; i++) {
			struct asker *asker = &crowd->askers[i];

			if (asker->state == HOLDING)
				spans_drop(&asker->req);
			if (asker->state == HOLDING)
				asker->state = IDLE;
			pending += asker->state == PENDING;
		}
		crowd_reap(crowd, ASKERS);
		usleep(pending > 0 ? 50 : 0);
	}
	shop_close(&crowd->shop);
	for (uint32_t i = 0; i < LABS; i++)
		lab_destroy(&crowd->labs[i]);
}

static void
a_crowd_in_little_memory_is_served(void **state)
{
	const char *seed_text = getenv("SPW_SEED");
	unsigned int seed = seed_text != NULL ? (unsigned int)strtoul(seed_text, NULL, 0) : 1;
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	(void)state;
	srandom(seed);
	printf("SPW_SEED=%u\n", seed);
	crowd_open(crowd);
	for (uint32_t round = 0; crowd->ready_cnt < READY_MIN; round++) {
		assert_in_range(round, 0, ROUNDS_MAX);
		asker_step(crowd, &crowd->askers[random() % ASKERS]);
		if (random() % 3 == 0)
			crowd_reap(crowd, 1 + (uint32_t)random() % ASKERS);
		if (random() % 100 == 0)
			usleep(100); /* disks have their own time */
		if (random() % 500 == 0)
			replace(crowd, (uint32_t)random() % LABS);
	}
	crowd_close(crowd);
	printf("%lu ready, %lu absent, %lu busy, %lu cancelled\n", crowd->ready_cnt,
	       crowd->absent_cnt, crowd->busy_cnt, crowd->cancel_cnt);
	assert_true(crowd->busy_cnt > 0 && crowd->cancel_cnt > 0 && crowd->absent_cnt > 0);
	assert_int_equal(shop_count(&crowd->shop, CTR_pieces_withdrawn), 0);
	free(crowd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_in_little_memory_is_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
