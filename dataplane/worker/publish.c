/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The counters memfd. */
#include "dataplane/worker/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const struct {
	uint32_t kind;
	const char *name;
	const char *text;
} descs[CTR_CNT] = {
#define COUNTER ABI_COUNTER
#define GAUGE   ABI_GAUGE
#define COMMON  ABI_COMMON
#define X(name, kind, text) {kind, #name, text},
	COUNTERS_LIST(X)
#undef X
#undef COMMON
#undef GAUGE
#undef COUNTER
};

#define X(name, kind, text)                                                                        \
	static_assert(sizeof(#name) <= ABI_COUNTER_NAME_MAX, "a counter's name fits");             \
	static_assert(sizeof(text) <= ABI_COUNTER_TEXT_MAX, "a counter's text fits");
COUNTERS_LIST(X)
#undef X

static const struct {
	const char *name;
	const char *unit;
	const char *text;
} histogram_descs[HIST_CNT] = {
#define X(name, unit, text) {#name, unit, text},
	HISTOGRAMS_LIST(X)
#undef X
};

#define X(name, unit, text)                                                                        \
	static_assert(sizeof(#name) <= ABI_COUNTER_NAME_MAX, "a histogram's name fits");           \
	static_assert(sizeof(unit) <= ABI_UNIT_NAME_MAX, "its unit fits");                         \
	static_assert(sizeof(text) <= ABI_COUNTER_TEXT_MAX, "its text fits");
HISTOGRAMS_LIST(X)
#undef X
enum { HISTOGRAM_WORDS = sizeof(struct histogram) / sizeof(uint64_t) };
static_assert((int)HISTOGRAM_BUCKETS == (int)ABI_HISTOGRAM_BUCKETS &&
                  sizeof(struct histogram) == sizeof(struct abi_histogram),
              "a histogram is published as it is");

static uint32_t
line_up(size_t len)
{
	return (uint32_t)((len + 63) & ~(size_t)63);
}

/* tsc_hz_measure counts the time stamp counter's ticks over a few milliseconds of real time. */
static COLD uint64_t
tsc_hz_measure(void)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	struct timespec from, to;
	uint64_t from_tsc, ticks, ns;

	clock_gettime(CLOCK_MONOTONIC_RAW, &from);
	from_tsc = __builtin_ia32_rdtsc();
	nanosleep(&pause, NULL);
	clock_gettime(CLOCK_MONOTONIC_RAW, &to);
	ticks = __builtin_ia32_rdtsc() - from_tsc;
	ns = (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000u + (uint64_t)to.tv_nsec -
	     (uint64_t)from.tv_nsec;
	return ticks * 1000000000u / ns;
}

/* head_of lays the memfd out. */
static COLD struct abi_counters
head_of(uint32_t worker_cnt, uint32_t slot_cnt)
{
	struct abi_counters head = {
		.magic = ABI_MAGIC,
		.version = ABI_VERSION,
		.counter_cnt = CTR_CNT,
		.worker_cnt = worker_cnt,
		.slot_cnt = slot_cnt,
		.worker_stride = line_up(CTR_CNT * sizeof(uint64_t)),
		.desc_off = line_up(sizeof(head)),
		.torrent_stride = line_up(slot_cnt * sizeof(struct abi_torrent_stat)),
		.histogram_cnt = HIST_CNT,
		.histogram_stride = line_up(HIST_CNT * sizeof(struct abi_histogram)),
	};

	head.value_off = line_up(head.desc_off + CTR_CNT * sizeof(struct abi_counter_desc));
	head.torrent_off = head.value_off + worker_cnt * (uint64_t)head.worker_stride;
	head.histogram_desc_off = head.torrent_off + worker_cnt * head.torrent_stride;
	head.histogram_off = head.histogram_desc_off +
	                     line_up(HIST_CNT * sizeof(struct abi_histogram_desc));
	return head;
}

static COLD void
fill_histograms(struct abi_counters *head)
{
	struct abi_histogram_desc *desc;

	desc = (struct abi_histogram_desc *)((char *)head + head->histogram_desc_off);
	for (uint32_t i = 0; i < HIST_CNT; i++) {
		snprintf(desc[i].name, sizeof(desc[i].name), "%s", histogram_descs[i].name);
		snprintf(desc[i].unit, sizeof(desc[i].unit), "%s", histogram_descs[i].unit);
		snprintf(desc[i].text, sizeof(desc[i].text), "%s", histogram_descs[i].text);
		for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
			desc[i].most[bucket] = histogram_most(bucket);
	}
}

static COLD void
fill(struct publish *publish, const struct abi_counters *from)
{
	struct abi_counters *head = publish->head;
	struct abi_counter_desc *desc;

	*head = *from;
	head->tsc_hz = tsc_hz_measure();
	desc = (struct abi_counter_desc *)((char *)head + head->desc_off);
	for (uint32_t i = 0; i < CTR_CNT; i++) {
		desc[i].kind = descs[i].kind;
		snprintf(desc[i].name, sizeof(desc[i].name), "%s", descs[i].name);
		snprintf(desc[i].text, sizeof(desc[i].text), "%s", descs[i].text);
	}
	fill_histograms(head);
}

int
publish_init(struct publish *publish, uint32_t worker_cnt, uint32_t slot_cnt)
{
	struct abi_counters head = head_of(worker_cnt, slot_cnt);
	size_t len = head.histogram_off + worker_cnt * (uint64_t)head.histogram_stride;

	memset(publish, 0, sizeof(*publish));
	publish->len = (uint32_t)len;
	publish->fd = memfd_create("spillway-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (publish->fd < 0)
		return -errno;
	if (ftruncate(publish->fd, (off_t)len) < 0)
		goto err_close;
	publish->head = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, publish->fd, 0);
	if (publish->head == MAP_FAILED)
		goto err_close;
	if (fcntl(publish->fd, F_ADD_SEALS,
	          F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0)
		goto err_unmap;
	fill(publish, &head);
	return 0;
err_unmap:
	munmap(publish->head, len);
err_close:
	close(publish->fd);
	return -errno;
}

void
publish_fini(struct publish *publish)
{
	if (publish->head == NULL)
		return;
	munmap(publish->head, publish->len);
	close(publish->fd);
	publish->head = NULL;
}

struct abi_torrent_stat *
publish_stats(const struct publish *publish, uint32_t worker)
{
	const struct abi_counters *head = publish->head;

	return (struct abi_torrent_stat *)((char *)publish->head + head->torrent_off +
	                                   worker * head->torrent_stride);
}

/* words_publish copies what a worker counts, each word whole. */
static void
words_publish(const struct publish *publish, uint64_t off, const uint64_t *from, uint32_t cnt)
{
	uint64_t *to = (uint64_t *)((char *)publish->head + off);

	for (uint32_t i = 0; i < cnt; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

void
publish_counters(const struct publish *publish, uint32_t worker, const struct counters *ctr)
{
	const struct abi_counters *head = publish->head;
	struct timespec cpu;

	words_publish(publish, head->value_off + worker * (uint64_t)head->worker_stride, ctr->value,
	              CTR_CNT);
	words_publish(publish, head->histogram_off + worker * (uint64_t)head->histogram_stride,
	              (const uint64_t *)ctr->histogram, HIST_CNT * HISTOGRAM_WORDS);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	__atomic_store_n(&publish->head->worker_cpu_ns[worker],
	                 (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec,
	                 __ATOMIC_RELAXED);
}
