/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Buckets and turns in virtual time: rates hold however long blocks are and however seldom anybody
 * looks, and weights hold where a limit binds. */
#include "dataplane/base/shaper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	LEAVES_MAX = 64,
	BLOCK = 16 * 1024,
	SECOND_US = 1000 * 1000,
};

/* struct lab is a shaper with leaves that always have something to send, or never. */
struct lab {
	struct shaper *shaper;
	struct shape_leaf leaf[LEAVES_MAX];
	void *node[LEAVES_MAX];        /* owners */
	uint64_t sent[LEAVES_MAX];
	bool reads[LEAVES_MAX];        /* every other turn it has nothing ready */
	bool ready[LEAVES_MAX];
	uint32_t cnt;
	uint32_t block;
	uint64_t now_us;
};

static void
lab_open(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	lab->shaper = malloc(sizeof(*lab->shaper));
	lab->block = BLOCK;
	lab->now_us = 1000;
	assert_int_equal(shaper_create(lab->shaper, LEAVES_MAX), 0);
	shaper_clear(lab->shaper, lab->now_us);
}

static void
lab_close(struct lab *lab)
{
	for (uint32_t i = 0; i < lab->cnt; i++)
		shaper_leave(lab->shaper, &lab->leaf[i]);
	assert_false(shaper_busy(lab->shaper) && lab->shaper->pool.free_cnt != LEAVES_MAX);
	assert_int_equal(lab->shaper->pool.free_cnt, LEAVES_MAX);
	shaper_clear(lab->shaper, lab->now_us);
	shaper_destroy(lab->shaper);
	free(lab->shaper);
}

static void
join(struct lab *lab, uint32_t owner, struct shape_terms terms)
{
	terms.owner = &lab->node[owner];
	assert_true(shaper_join(lab->shaper, &lab->leaf[lab->cnt++], &terms));
}

/* give sends whole blocks until the grant is reached, as wire does. */
static void
give(struct lab *lab, uint32_t i, uint32_t grant)
{
	uint32_t bytes = 0;

	if (lab->reads[i] && !lab->ready[i]) {
		lab->ready[i] = true;
		shaper_gave(lab->shaper, &lab->leaf[i], 0, true);
		return;
	}
	lab->ready[i] = false;
	while (bytes < grant)
		bytes += lab->block;
	lab->sent[i] += bytes;
	shaper_gave(lab->shaper, &lab->leaf[i], bytes, true);
}

/* run has all leaves send for some time, looked at every step_us. */
static void
run(struct lab *lab, uint64_t us, uint64_t step_us)
{
	struct shape_leaf *leaf;
	uint32_t grant;

	for (uint64_t end_us = lab->now_us + us; lab->now_us < end_us;) {
		lab->now_us += step_us;
		shaper_begin(lab->shaper, lab->now_us);
		for (uint32_t i = 0; i < lab->cnt; i++) {
			if (shape_leaf_waits(&lab->leaf[i]))
				continue;
			grant = shaper_ask(lab->shaper, &lab->leaf[i], 256 * 1024);
			if (grant > 0)
				give(lab, i, grant);
		}
		while ((leaf = shaper_next(lab->shaper, &grant)) != NULL)
			give(lab, (uint32_t)(leaf - lab->leaf), grant);
	}
}

static uint64_t
sum(const struct lab *lab, uint32_t from, uint32_t to)
{
	uint64_t bytes = 0;

	for (uint32_t i = from; i < to; i++)
		bytes += lab->sent[i];
	return bytes;
}

#define assert_near(value, want, percent)                                                          \
	assert_in_range((value), (want) / 100 * (100 - (percent)), (want) / 100 * (100 + (percent)))

static const struct shape_terms usual = {
	.weight = SHAPER_WEIGHT_USUAL, .class_index = SHAPER_NO_CLASS,
};

static void
a_rate_holds(void **state)
{
	static const uint64_t rates[] = {1 << 20, 10 << 20, 100 << 20, 1 << 30, UINT64_C(10) << 30};
	static const uint64_t steps[] = {1, 50, 997};

	(void)state;
	for (uint32_t r = 0; r < ARRAY_CNT(rates); r++) {
		for (uint32_t s = 0; s < ARRAY_CNT(steps); s++) {
			struct lab lab;

			lab_open(&lab);
			bucket_set_rate(&lab.shaper->root.gate.bucket, rates[r], lab.now_us);
			join(&lab, 0, usual);
			run(&lab, 2 * SECOND_US, steps[s]);
			assert_near(lab.sent[0], 2 * rates[r], 3);
			assert_true(lab.sent[0] <= 2 * rates[r] + rates[r] / 100 + 2 * BLOCK);
			lab_close(&lab);
		}
	}
}

/* Who waits for a rate that is raised waits no longer than it says now. */
static void
a_rate_is_raised_for_those_who_wait(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	bucket_set_rate(&lab.shaper->root.gate.bucket, 2048, lab.now_us);
	join(&lab, 0, usual);
	lab.block = 128 * 1024; /* a minute of it */
	run(&lab, SECOND_US, 1000);
	assert_true(lab.sent[0] <= lab.block);
	shaper_rate(lab.shaper, &lab.shaper->root.gate, 8 << 20);
	run(&lab, SECOND_US, 1000);
	assert_in_range(lab.sent[0], 7 << 20, 9 << 20);
	shaper_rate(lab.shaper, &lab.shaper->root.gate, 0); /* as it was */
	run(&lab, SECOND_US, 1000);
	assert_in_range(lab.sent[0], 15 << 20, 17 << 20);
	lab_close(&lab);
}

static void
nothing_is_kept_beyond_a_burst(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	bucket_set_rate(&lab.shaper->root.gate.bucket, 100 << 20, lab.now_us);
	join(&lab, 0, usual);
	lab.now_us += 3600 * UINT64_C(1000000);
	run(&lab, 1000, 100);
	assert_true(lab.sent[0] <= (100 << 20) / 1000 * 9 + 2 * BLOCK);
	lab_close(&lab);
}

static void
a_late_worker_makes_up_for_it(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	bucket_set_rate(&lab.shaper->root.gate.bucket, 100 << 20, lab.now_us);
	join(&lab, 0, usual);
	run(&lab, 2 * SECOND_US, 30 * 1000);
	assert_near(lab.sent[0], UINT64_C(200) << 20, 3);
	lab_close(&lab);
}

static void
long_blocks_are_a_debt(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab.block = 128 * 1024;
	bucket_set_rate(&lab.shaper->root.gate.bucket, 64 * 1024, lab.now_us);
	join(&lab, 0, usual);
	run(&lab, 60 * SECOND_US, 1000);
	assert_near(lab.sent[0], UINT64_C(60) * 64 * 1024, 5);
	lab_close(&lab);
}

static void
weights_share_a_rate(void **state)
{
	struct shape_terms light = usual, heavy = usual;

	(void)state;
	heavy.weight = 300;
	for (int reads = 0; reads < 2; reads++) {
		struct lab lab;

		lab_open(&lab);
		bucket_set_rate(&lab.shaper->root.gate.bucket, 20 << 20, lab.now_us);
		join(&lab, 0, light);
		join(&lab, 1, heavy);
		join(&lab, 1, heavy);
		lab.reads[1] = reads != 0;
		run(&lab, 5 * SECOND_US, 100);
		assert_near(sum(&lab, 0, 3), UINT64_C(100) << 20, 3);
		assert_near(sum(&lab, 1, 3), UINT64_C(75) << 20, 5);
		if (!reads) /* else the one gets what the other has nothing ready for */
			assert_near(lab.sent[2], lab.sent[1], 5);
		lab_close(&lab);
	}
}

static void
extreme_weights_hold(void **state)
{
	struct shape_terms light = usual, heavy = usual;
	struct lab lab;

	(void)state;
	light.weight = 1;
	heavy.weight = 1000;
	lab_open(&lab);
	bucket_set_rate(&lab.shaper->root.gate.bucket, 100 << 20, lab.now_us);
	join(&lab, 0, light);
	join(&lab, 1, heavy);
	run(&lab, 10 * SECOND_US, 100);
	assert_near(lab.sent[1] / 1000, lab.sent[0], 6);
	lab_close(&lab);
}

static void
groups_share_before_their_nodes(void **state)
{
	struct shape_terms one = usual, two = usual;
	struct lab lab;

	(void)state;
	one.group_id = 7;
	two.group_id = 9;
	lab_open(&lab);
	bucket_set_rate(&lab.shaper->root.gate.bucket, 40 << 20, lab.now_us);
	shaper_add_group(lab.shaper, 7, 100, 0);
	shaper_add_group(lab.shaper, 9, 200, 0);
	join(&lab, 0, one);
	for (uint32_t i = 1; i < 11; i++)
		join(&lab, i, two);
	join(&lab, 11, usual);
	run(&lab, 4 * SECOND_US, 100);
	assert_near(lab.sent[0], UINT64_C(40) << 20, 5);
	assert_near(sum(&lab, 1, 11), UINT64_C(80) << 20, 5);
	assert_near(lab.sent[11], UINT64_C(40) << 20, 5);
	lab_close(&lab);
}

static void
every_limit_holds_at_once(void **state)
{
	struct shape_terms terms = usual;
	struct lab lab;

	(void)state;
	lab_open(&lab);
	bucket_set_rate(&lab.shaper->root.gate.bucket, 40 << 20, lab.now_us);
	shaper_add_group(lab.shaper, 1, 100, 30 << 20);
	bucket_set_rate(&lab.shaper->classes[3].gate.bucket, 2 << 20, lab.now_us);
	terms.group_id = 1;
	terms.rate_bytes_per_s = 10 << 20;
	for (uint32_t i = 0; i < 8; i++) {             /* four nodes of two leaves in the group */
		terms.class_index = i < 2 ? 3 : SHAPER_NO_CLASS;
		join(&lab, i / 2, terms);
	}
	join(&lab, 8, usual);
	run(&lab, 4 * SECOND_US, 100);
	assert_near(sum(&lab, 0, 2), UINT64_C(8) << 20, 5);   /* the class's rate */
	assert_near(sum(&lab, 0, 8), UINT64_C(80) << 20, 5);  /* half each: the group has 30 to use */
	assert_near(lab.sent[8], UINT64_C(80) << 20, 5);
	for (uint32_t i = 2; i < 8; i += 2)
		assert_true(sum(&lab, i, i + 2) <= UINT64_C(42) << 20);
	lab_close(&lab);
}

static void
those_of_a_class_take_turns(void **state)
{
	struct shape_terms terms = usual;
	struct lab lab;

	(void)state;
	terms.class_index = 0;
	lab_open(&lab);
	bucket_set_rate(&lab.shaper->classes[0].gate.bucket, 16 << 20, lab.now_us);
	for (uint32_t i = 0; i < 32; i++)
		join(&lab, i % 4, terms);
	run(&lab, 4 * SECOND_US, 100);
	assert_near(sum(&lab, 0, 32), UINT64_C(64) << 20, 3);
	for (uint32_t i = 0; i < 32; i++)
		assert_near(lab.sent[i], UINT64_C(2) << 20, 15);
	lab_close(&lab);
}

static void
leaving_and_coming_changes_nothing_for_others(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	bucket_set_rate(&lab.shaper->root.gate.bucket, 16 << 20, lab.now_us);
	join(&lab, 0, usual);
	join(&lab, 1, usual);
	join(&lab, 2, usual);
	for (int i = 0; i < 100; i++) {
		run(&lab, 10 * 1000, 100);
		shaper_leave(lab.shaper, &lab.leaf[2]);
		lab.cnt--;
		run(&lab, 10 * 1000, 100);
		join(&lab, 2, usual);
	}
	assert_near(sum(&lab, 0, 3), UINT64_C(32) << 20, 5);
	assert_near(lab.sent[1], lab.sent[0], 5);
	lab_close(&lab);
}

static void
nobody_waits_in_vain(void **state)
{
	struct lab lab;

	(void)state;
	lab_open(&lab);
	bucket_set_rate(&lab.shaper->root.gate.bucket, 1 << 20, lab.now_us);
	for (uint32_t i = 0; i < LEAVES_MAX; i++)
		join(&lab, i, usual);
	run(&lab, 4 * SECOND_US, 500);
	for (uint32_t i = 0; i < LEAVES_MAX; i++)
		assert_true(lab.sent[i] >= 2 * BLOCK);
	assert_true(shaper_next_us(lab.shaper) > lab.now_us - 1000);
	assert_true(shaper_next_us(lab.shaper) < lab.now_us + 100 * 1000);
	lab_close(&lab);
}

/* Whose turn has not come for lack of visits is not kept waiting by another's timer. */
static void
a_timer_of_others_keeps_nobody(void **state)
{
	struct shape_terms slow = usual;
	uint32_t grant;
	struct lab lab;

	(void)state;
	lab_open(&lab);
	slow.rate_bytes_per_s = BUCKET_RATE_MIN;
	join(&lab, 0, slow);
	join(&lab, 1, usual);
	shaper_begin(lab.shaper, lab.now_us);
	assert_int_equal(shaper_ask(lab.shaper, &lab.leaf[0], BLOCK), 0);
	assert_null(shaper_next(lab.shaper, &grant));
	assert_true(shaper_next_us(lab.shaper) > lab.now_us);
	assert_int_equal(shaper_ask(lab.shaper, &lab.leaf[1], BLOCK), BLOCK);
	shaper_gave(lab.shaper, &lab.leaf[1], BLOCK, true);
	assert_true(shaper_next_us(lab.shaper) <= lab.now_us);
	assert_ptr_equal(shaper_next(lab.shaper, &grant), &lab.leaf[1]);
	lab_close(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_holds),
		cmocka_unit_test(a_rate_is_raised_for_those_who_wait),
		cmocka_unit_test(nothing_is_kept_beyond_a_burst),
		cmocka_unit_test(a_late_worker_makes_up_for_it),
		cmocka_unit_test(long_blocks_are_a_debt),
		cmocka_unit_test(weights_share_a_rate),
		cmocka_unit_test(extreme_weights_hold),
		cmocka_unit_test(groups_share_before_their_nodes),
		cmocka_unit_test(every_limit_holds_at_once),
		cmocka_unit_test(those_of_a_class_take_turns),
		cmocka_unit_test(leaving_and_coming_changes_nothing_for_others),
		cmocka_unit_test(nobody_waits_in_vain),
		cmocka_unit_test(a_timer_of_others_keeps_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
