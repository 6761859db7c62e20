/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The relay's path: the same seed means the same fates, what is asked for comes in the measure
 * asked for, and the queue, the rate and the order are exact. */
#include "perf/relay_line.h"
#include "perf/relay_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FRAME_BYTES = 1500, PACKETS = 200000, POOL = 512, US = 1000 };
#define START_NS 5000000000ull

static struct relay_path
path_of(const char *text, uint64_t seed)
{
	struct relay_path_options options = {0};
	struct relay_path path;

	assert_int_equal(relay_options_path_read(&options, text), 0);
	relay_path_init(&path, &options, seed);
	return path;
}

/* How many of PACKETS meet the verdict; the packets come 1 ms apart. */
static uint64_t
verdicts(const char *text, uint64_t seed, enum relay_verdict verdict)
{
	struct relay_path path = path_of(text, seed);
	uint64_t i, cnt = 0;

	for (i = 0; i < PACKETS; i++)
		cnt += relay_path_decide(&path, START_NS + i * 1000 * US, FRAME_BYTES).verdict ==
		       verdict;
	return cnt;
}

static void
a_perfect_path_changes_nothing(void **state)
{
	struct relay_path path = path_of("", 1);
	struct relay_fate fate = relay_path_decide(&path, START_NS, FRAME_BYTES);

	(void)state;
	assert_int_equal(fate.verdict, RELAY_PASS);
	assert_int_equal(fate.due_ns, START_NS);
	assert_false(fate.duplicate || fate.hold || fate.mark);
}

static void
the_seed_decides(void **state)
{
	static const char text[] = "loss_ppm=100000,jitter_us=500,duplicate_ppm=9000,delay_us=3";
	struct relay_path a = path_of(text, 7), b = path_of(text, 7), c = path_of(text, 8);
	int i, differ = 0;

	(void)state;
	for (i = 0; i < 2000; i++) {
		struct relay_fate of_a = relay_path_decide(&a, START_NS, FRAME_BYTES);
		struct relay_fate of_b = relay_path_decide(&b, START_NS, FRAME_BYTES);
		struct relay_fate of_c = relay_path_decide(&c, START_NS, FRAME_BYTES);

		assert_int_equal(of_a.verdict, of_b.verdict);
		assert_int_equal(of_a.due_ns, of_b.due_ns);
		assert_int_equal(of_a.duplicate, of_b.duplicate);
		differ += of_a.verdict != of_c.verdict;
	}
	assert_true(differ > 100);
}

static void
random_loss_has_the_measure_asked_for(void **state)
{
	(void)state;
	assert_in_range(verdicts("loss_ppm=10000", 1, RELAY_LOST_RANDOM), 1850, 2150);
	assert_in_range(verdicts("loss_ppm=1000", 2, RELAY_LOST_RANDOM), 150, 250);
	assert_int_equal(verdicts("loss_ppm=1000000", 3, RELAY_LOST_RANDOM), PACKETS);
}

/* Bursts of 4 on average (leaves at 1/4), begun once in 1000: 0.4 % are lost, nearly all of them
 * next to another loss. */
static void
burst_loss_comes_in_bursts(void **state)
{
	struct relay_path path = path_of("burst_enter_ppm=1000,burst_leave_ppm=250000", 1);
	uint64_t i, lost = 0, adjacent = 0;
	bool before = false;

	(void)state;
	for (i = 0; i < PACKETS; i++) {
		bool now = relay_path_decide(&path, START_NS, FRAME_BYTES).verdict ==
			   RELAY_LOST_BURST;

		lost += now;
		adjacent += now && before;
		before = now;
	}
	assert_in_range(lost, 600, 1000);
	assert_in_range(adjacent * 100 / lost, 65, 85);
}

static void
the_rate_spaces_packets_exactly(void **state)
{
	struct relay_path path = path_of("rate_bps=10000000,delay_us=1000", 1);
	uint64_t i;

	(void)state;
	for (i = 1; i <= 100; i++)
		assert_int_equal(relay_path_decide(&path, START_NS, FRAME_BYTES).due_ns,
				 START_NS + i * 1200 * US + 1000 * US);
}

static void
the_queue_drops_its_tail(void **state)
{
	struct relay_path path = path_of("rate_bps=10000000,queue_bytes=15000", 1);
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_int_equal(relay_path_decide(&path, START_NS, FRAME_BYTES).verdict,
				 RELAY_PASS);
	assert_int_equal(relay_path_decide(&path, START_NS, FRAME_BYTES).verdict,
			 RELAY_LOST_QUEUE);
	/* One packet's time later there is room for one. */
	assert_int_equal(relay_path_decide(&path, START_NS + 1200 * US, FRAME_BYTES).verdict,
			 RELAY_PASS);
	assert_int_equal(relay_path_decide(&path, START_NS + 1200 * US, FRAME_BYTES).verdict,
			 RELAY_LOST_QUEUE);
	assert_int_equal(path.queue_peak_bytes, 15000);
}

static void
long_packets_vanish(void **state)
{
	struct relay_path path = path_of("mtu_bytes=1400", 1);

	(void)state;
	assert_int_equal(relay_path_decide(&path, START_NS, 1414).verdict, RELAY_PASS);
	assert_int_equal(relay_path_decide(&path, START_NS, 1415).verdict, RELAY_LOST_MTU);
}

static void
jitter_keeps_order_unless_told(void **state)
{
	struct relay_path kept = path_of("delay_us=1000,jitter_us=5000", 1);
	struct relay_path free_ = path_of("delay_us=1000,jitter_us=5000,jitter_reorders=1", 1);
	uint64_t i, due_ns, before_ns = 0, overtaken = 0, free_before_ns = 0;

	(void)state;
	for (i = 0; i < 1000; i++) {
		due_ns = relay_path_decide(&kept, START_NS + i * US, FRAME_BYTES).due_ns;
		assert_true(due_ns >= before_ns);
		before_ns = due_ns;
		due_ns = relay_path_decide(&free_, START_NS + i * US, FRAME_BYTES).due_ns;
		assert_in_range(due_ns - START_NS - i * US, 1000 * US, 6000 * US);
		overtaken += due_ns < free_before_ns;
		free_before_ns = due_ns;
	}
	assert_true(overtaken > 300);
}

/* A line over its own pool, fed with numbered IPv4 frames. */
struct bench {
	struct relay_pool pool;
	struct relay_line *line;
};

static void
bench_begin(struct bench *b, const char *text)
{
	struct relay_path_options options = {0};

	assert_int_equal(relay_options_path_read(&options, text), 0);
	assert_int_equal(relay_pool_init(&b->pool, POOL), 0);
	b->line = malloc(sizeof(*b->line));
	assert_int_equal(relay_line_init(b->line, &b->pool, &options, 1), 0);
}

static void
bench_end(struct bench *b)
{
	relay_line_fini(b->line);
	free(b->line);
	relay_pool_fini(&b->pool);
}

static uint16_t
header_sum(const uint8_t *header)
{
	uint32_t i, sum = 0;

	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void
bench_add(struct bench *b, uint64_t at_ns, uint8_t tos, uint8_t number)
{
	struct relay_packet *packet = relay_pool_take(&b->pool);
	uint8_t *ip = packet->frame + 14;
	uint16_t sum;

	memset(packet->frame, 0, 64);
	packet->arrival_ns = at_ns;
	packet->frame_bytes = 64;
	packet->frame[12] = 0x08;
	ip[0] = 0x45;
	ip[1] = tos;
	ip[8] = 64;
	ip[15] = number;
	sum = (uint16_t)~header_sum(ip);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	relay_line_add(b->line, packet);
}

/* The numbers of the packets due by then, in order. */
static uint32_t
bench_due(struct bench *b, uint64_t now_ns, uint8_t *numbers)
{
	struct relay_packet *packets[POOL];
	uint32_t i, cnt = relay_line_due(b->line, now_ns, packets, POOL);

	for (i = 0; i < cnt; i++) {
		assert_int_equal(header_sum(packets[i]->frame + 14), 0xffff);
		numbers[i] = packets[i]->frame[29];
		relay_pool_give(&b->pool, packets[i]);
	}
	return cnt;
}

static void
a_held_packet_is_passed_by_so_many(void **state)
{
	uint8_t numbers[POOL];
	struct bench b;
	uint8_t i;

	(void)state;
	bench_begin(&b, "reorder_ppm=1000000,reorder_packets=3,delay_us=10");
	bench_add(&b, START_NS, 0, 0);
	b.line->path.options.reorder_ppm = 0;
	for (i = 1; i <= 4; i++)
		bench_add(&b, START_NS + i * US, 0, i);
	assert_int_equal(bench_due(&b, START_NS + 14 * US, numbers), 5);
	assert_memory_equal(numbers, ((uint8_t[]){1, 2, 3, 0, 4}), 5);
	bench_end(&b);
}

static void
a_held_packet_that_nothing_follows_goes_in_the_end(void **state)
{
	uint64_t until_ns = START_NS + 10 * US + RELAY_HOLD_MS * 1000000ull;
	uint8_t numbers[POOL];
	struct bench b;

	(void)state;
	bench_begin(&b, "reorder_ppm=1000000,reorder_packets=3,delay_us=10");
	bench_add(&b, START_NS, 0, 9);
	assert_int_equal(relay_line_next_ns(b.line), until_ns);
	assert_int_equal(bench_due(&b, until_ns - 1, numbers), 0);
	assert_int_equal(bench_due(&b, until_ns, numbers), 1);
	assert_int_equal(numbers[0], 9);
	assert_int_equal(relay_line_next_ns(b.line), UINT64_MAX);
	bench_end(&b);
}

static void
duplicates_follow_their_original(void **state)
{
	uint8_t numbers[POOL];
	struct bench b;

	(void)state;
	bench_begin(&b, "duplicate_ppm=1000000");
	bench_add(&b, START_NS, 0, 1);
	bench_add(&b, START_NS, 0, 2);
	assert_int_equal(bench_due(&b, START_NS, numbers), 4);
	assert_memory_equal(numbers, ((uint8_t[]){1, 1, 2, 2}), 4);
	assert_int_equal(b.pool.free_cnt, POOL);
	bench_end(&b);
}

/* RFC 3168 5: ECT(0) and ECT(1) become CE, Not-ECT stays; the header's checksum stays right
 * (bench_due looks at it). */
static void
a_long_queue_marks_what_can_be_marked(void **state)
{
	struct relay_packet *packet;
	uint8_t tos;
	struct bench b;

	(void)state;
	bench_begin(&b, "rate_bps=8000,ecn_bytes=1");
	bench_add(&b, START_NS, 0, 0);
	for (tos = 0; tos < 3; tos++)
		bench_add(&b, START_NS, (uint8_t)(0xb8 | tos), tos);
	assert_int_equal(relay_line_due(b.line, UINT64_MAX / 2, &packet, 1), 1);
	assert_int_equal(b.line->tally.marked_cnt, 2);
	for (tos = 0; tos < 3; tos++) {
		assert_int_equal(relay_line_due(b.line, UINT64_MAX / 2, &packet, 1), 1);
		assert_int_equal(packet->frame[15], tos == 0 ? 0xb8 : 0xbb);
		assert_int_equal(header_sum(packet->frame + 14), 0xffff);
	}
	bench_end(&b);
}

static void
packets_return_to_the_pool(void **state)
{
	uint8_t numbers[POOL];
	struct bench b;
	int i;

	(void)state;
	bench_begin(&b, "loss_ppm=300000,duplicate_ppm=200000,reorder_ppm=200000,"
			"reorder_packets=5,jitter_us=50,jitter_reorders=1");
	for (i = 0; i < 20000; i++) {
		bench_add(&b, START_NS + (uint64_t)i * US, 0, 1);
		bench_due(&b, START_NS + (uint64_t)i * US, numbers);
	}
	bench_due(&b, START_NS * 2, numbers);
	assert_int_equal(b.pool.free_cnt, POOL);
	assert_int_equal(b.line->tally.no_memory_cnt, 0);
	bench_end(&b);
}

static void
bad_keys_are_refused(void **state)
{
	static const char *const bad[] = {"delay_us", "delay_us=", "delay_us=-1", "delay=5",
					  "loss_ppm=1000001", "delay_us=5x", "rate_bps=1e6"};
	struct relay_path_options options = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(relay_options_path_read(&options, bad[i]), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_perfect_path_changes_nothing),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(random_loss_has_the_measure_asked_for),
		cmocka_unit_test(burst_loss_comes_in_bursts),
		cmocka_unit_test(the_rate_spaces_packets_exactly),
		cmocka_unit_test(the_queue_drops_its_tail),
		cmocka_unit_test(long_packets_vanish),
		cmocka_unit_test(jitter_keeps_order_unless_told),
		cmocka_unit_test(a_held_packet_is_passed_by_so_many),
		cmocka_unit_test(a_held_packet_that_nothing_follows_goes_in_the_end),
		cmocka_unit_test(duplicates_follow_their_original),
		cmocka_unit_test(a_long_queue_marks_what_can_be_marked),
		cmocka_unit_test(packets_return_to_the_pool),
		cmocka_unit_test(bad_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
