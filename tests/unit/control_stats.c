/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Reading a counters memfd, also one that lies or shrinks. */
#include "control/link/stats.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	COUNTER_CNT = 3,
	WORKER_CNT = 2,
	SLOT_CNT = 4,
	HISTOGRAM_CNT = 2,
};

struct image {
	struct abi_counters hdr;
	struct abi_counter_desc desc[COUNTER_CNT];
	uint64_t values[WORKER_CNT][8];
	struct abi_torrent_stat slots[WORKER_CNT][SLOT_CNT];
	struct abi_histogram_desc histogram_desc[HISTOGRAM_CNT];
	struct abi_histogram histograms[WORKER_CNT][HISTOGRAM_CNT];
};

static struct image
good(void)
{
	struct image image = {
		.hdr = {
			.magic = ABI_MAGIC,
			.version = ABI_VERSION,
			.counter_cnt = COUNTER_CNT,
			.worker_cnt = WORKER_CNT,
			.slot_cnt = SLOT_CNT,
			.worker_stride = 64,
			.desc_off = offsetof(struct image, desc),
			.value_off = offsetof(struct image, values),
			.torrent_off = offsetof(struct image, slots),
			.torrent_stride = SLOT_CNT * sizeof(struct abi_torrent_stat),
			.tsc_hz = 1000,
			.worker_cpu_ns = {30, 12},
			.histogram_cnt = HISTOGRAM_CNT,
			.histogram_stride = HISTOGRAM_CNT * sizeof(struct abi_histogram),
			.histogram_desc_off = offsetof(struct image, histogram_desc),
			.histogram_off = offsetof(struct image, histograms),
		},
		.values = {{1, 2, 3}, {10, 20, UINT64_C(1) << 40}},
		.slots[0][2] = {.id = 9, .peer_cnt = 4, .uploaded_bytes = 77},
		.slots[1][0] = {.id = 9, .peer_cnt = 1, .uploaded_bytes = 5},
		.histograms[0][1] = {.sum = 100, .bucket = {[3] = 90, [98] = 9}},
		.histograms[1][1] = {.sum = 10, .bucket = {[3] = 900, [99] = 1}},
	};

	for (int i = 0; i < COUNTER_CNT; i++)
		snprintf(image.desc[i].name, sizeof(image.desc[i].name), "counter_%d", i);
	memset(image.desc[1].text, 'x', sizeof(image.desc[1].text)); /* not ended by a NUL */
	for (int i = 0; i < HISTOGRAM_CNT; i++) {
		snprintf(image.histogram_desc[i].name, sizeof(image.histogram_desc[i].name),
		         "histogram_%d", i);
		memset(image.histogram_desc[i].unit, 'x', sizeof(image.histogram_desc[i].unit));
		for (uint64_t k = 0; k < ABI_HISTOGRAM_BUCKETS; k++)
			image.histogram_desc[i].most[k] = 10 * k;
	}
	return image;
}

static int
image_fd(const struct image *image)
{
	int fd = memfd_create("image", 0);

	assert_int_equal(write(fd, image, sizeof(*image)), sizeof(*image));
	return fd;
}

static void
values_are_summed(void **state)
{
	struct image image = good();
	struct abi_counter_desc desc;
	struct stats *stats;
	struct fail fail;

	(void)state;
	assert_int_equal(stats_open(&stats, image_fd(&image), sizeof(image), &fail), 0);
	assert_int_equal(stats_counter_cnt(stats), COUNTER_CNT);
	assert_int_equal(stats_counter(stats, 0, &desc), 11);
	assert_string_equal(desc.name, "counter_0");
	assert_int_equal(stats_counter(stats, 1, &desc), 22);
	assert_int_equal(strlen(desc.text), sizeof(desc.text) - 1);
	assert_int_equal(stats_counter_named(stats, "counter_2"), (UINT64_C(1) << 40) + 3);
	assert_int_equal(stats_counter_named(stats, "none"), 0);
	assert_int_equal(stats_worker_cnt(stats), WORKER_CNT);
	assert_int_equal(stats_counter_of(stats, 0, 1), 2);
	assert_int_equal(stats_counter_of(stats, 1, 1), 20);
	assert_int_equal(stats_slot_cnt(stats), SLOT_CNT);
	assert_int_equal(stats_slot(stats, 0, 2).id, 9);
	assert_int_equal(stats_slot(stats, 0, 2).uploaded_bytes, 77);
	assert_int_equal(stats_slot(stats, 1, 0).uploaded_bytes, 5);
	assert_int_equal(stats_slot(stats, 1, 2).id, 0);
	assert_int_equal(stats_cpu_ns(stats), 42);
	assert_int_equal(stats_cpu_ns_of(stats, 1), 12);
	assert_int_equal(stats_tsc_hz(stats), 1000);
	stats_close(stats);
}

static void
histograms_are_summed(void **state)
{
	struct image image = good();
	struct stats_histogram histogram;
	struct stats *stats;
	struct fail fail;

	(void)state;
	image.histogram_desc[1].most[50] = 7; /* does not ascend */
	assert_int_equal(stats_open(&stats, image_fd(&image), sizeof(image), &fail), 0);
	assert_int_equal(stats_histogram_cnt(stats), HISTOGRAM_CNT);
	stats_histogram(stats, 0, &histogram);
	assert_string_equal(histogram.desc.name, "histogram_0");
	assert_int_equal(strlen(histogram.desc.unit), ABI_UNIT_NAME_MAX - 1);
	assert_int_equal(histogram.cnt, 0);
	assert_int_equal(stats_histogram_quantile(&histogram, 0.5), 0);

	stats_histogram(stats, 1, &histogram);
	assert_int_equal(histogram.cnt, 1000);
	assert_int_equal(histogram.sum, 110);
	assert_int_equal(histogram.bucket[3], 990);
	assert_int_equal(histogram.desc.most[50], 490);
	assert_int_equal(stats_histogram_quantile(&histogram, 0.001), 30);
	assert_int_equal(stats_histogram_quantile(&histogram, 0.99), 30);
	assert_int_equal(stats_histogram_quantile(&histogram, 0.991), 980);
	assert_int_equal(stats_histogram_quantile(&histogram, 0.999), 980);
	assert_true(stats_histogram_quantile(&histogram, 1) == UINT64_MAX);

	stats_histogram_of(stats, 0, 1, &histogram);
	assert_int_equal(histogram.cnt, 99);
	assert_int_equal(histogram.sum, 100);
	stats_close(stats);
}

static void
what_is_common_is_not_summed(void **state)
{
	struct image image = good();
	struct abi_counter_desc desc;
	struct stats *stats;
	struct fail fail;

	(void)state;
	image.desc[0].kind = ABI_COMMON;
	image.desc[1].kind = ABI_GAUGE;
	assert_int_equal(stats_open(&stats, image_fd(&image), sizeof(image), &fail), 0);
	assert_int_equal(stats_counter(stats, 0, &desc), 10);
	assert_int_equal(stats_counter_named(stats, "counter_0"), 10);
	assert_int_equal(stats_counter(stats, 1, &desc), 22);
	stats_close(stats);
}

static void
later_values_are_seen(void **state)
{
	struct image image = good();
	struct stats *stats;
	struct fail fail;
	uint64_t more = 100;
	int fd = image_fd(&image);

	(void)state;
	assert_int_equal(stats_open(&stats, dup(fd), sizeof(image), &fail), 0);
	pwrite(fd, &more, sizeof(more), offsetof(struct image, values));
	assert_int_equal(stats_counter_named(stats, "counter_0"), 11);
	stats_refresh(stats);
	assert_int_equal(stats_counter_named(stats, "counter_0"), 110);
	/* A header that changes later is not believed. */
	image.hdr.counter_cnt = UINT32_MAX;
	image.hdr.value_off = UINT64_MAX - 7;
	pwrite(fd, &image.hdr, sizeof(image.hdr), 0);
	stats_refresh(stats);
	assert_int_equal(stats_counter_named(stats, "counter_0"), 110);
	assert_int_equal(stats_counter_cnt(stats), COUNTER_CNT);
	/* A memfd that shrinks leaves the old snapshot. */
	assert_int_equal(ftruncate(fd, 100), 0);
	stats_refresh(stats);
	assert_int_equal(stats_counter_named(stats, "counter_0"), 110);
	stats_close(stats);
	close(fd);
}

static void
refused(const struct image *image, uint32_t len)
{
	struct stats *stats;
	struct fail fail;

	assert_true(stats_open(&stats, image_fd(image), len, &fail) < 0);
}

#define REFUSED(field, value)                                                                      \
	do {                                                                                       \
		struct image image = good();                                                       \
		image.hdr.field = value;                                                           \
		refused(&image, sizeof(image));                                                    \
	} while (0)

static void
lies_are_refused(void **state)
{
	struct image whole = good();

	(void)state;
	refused(&whole, sizeof(whole) - 1);
	refused(&whole, sizeof(whole) + 1);
	refused(&whole, 0);
	refused(&whole, UINT32_MAX);
	REFUSED(magic, 0);
	REFUSED(version, ABI_VERSION + 1);
	REFUSED(counter_cnt, 9);
	REFUSED(counter_cnt, UINT32_MAX);
	REFUSED(worker_cnt, 0);
	REFUSED(worker_cnt, 9);
	REFUSED(worker_cnt, 5);
	REFUSED(slot_cnt, SLOT_CNT + 1);
	REFUSED(slot_cnt, UINT32_MAX);
	REFUSED(worker_stride, 4);
	REFUSED(worker_stride, UINT32_MAX - 7);
	REFUSED(desc_off, UINT64_MAX - 7);
	REFUSED(value_off, sizeof(struct image));
	REFUSED(value_off, offsetof(struct image, values) + 1);
	REFUSED(torrent_off, UINT64_MAX - 7);
	REFUSED(torrent_stride, 8);
	REFUSED(torrent_stride, sizeof(struct image));
	REFUSED(torrent_stride, SLOT_CNT * sizeof(struct abi_torrent_stat) - 1);
	REFUSED(torrent_stride, UINT64_MAX - 7);
	REFUSED(torrent_stride, UINT64_C(1) << 63);
	REFUSED(histogram_cnt, HISTOGRAM_CNT + 1);
	REFUSED(histogram_cnt, UINT32_MAX);
	REFUSED(histogram_stride, HISTOGRAM_CNT * sizeof(struct abi_histogram) + 8);
	REFUSED(histogram_stride, HISTOGRAM_CNT * sizeof(struct abi_histogram) - 8);
	REFUSED(histogram_stride, UINT32_MAX - 7);
	REFUSED(histogram_desc_off, UINT64_MAX - 7);
	REFUSED(histogram_desc_off, offsetof(struct image, histogram_desc) + 1);
	REFUSED(histogram_desc_off, sizeof(struct image) - 8);
	REFUSED(histogram_off, offsetof(struct image, histograms) + 8);
	REFUSED(histogram_off, UINT64_MAX - 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_summed),
		cmocka_unit_test(histograms_are_summed),
		cmocka_unit_test(what_is_common_is_not_summed),
		cmocka_unit_test(later_values_are_seen),
		cmocka_unit_test(lies_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
