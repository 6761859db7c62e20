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
#define X(name, kind, text) {kind, #name, text},
	COUNTERS_LIST(X)
#undef X
#undef GAUGE
#undef COUNTER
};

#define X(name, kind, text)                                                                        \
	static_assert(sizeof(#name) <= ABI_COUNTER_NAME_MAX, "a counter's name fits");             \
	static_assert(sizeof(text) <= ABI_COUNTER_TEXT_MAX, "a counter's text fits");
COUNTERS_LIST(X)
#undef X

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

static void
fill(struct publish *publish, uint32_t slot_cnt)
{
	struct abi_counters *head = publish->head;
	struct abi_counter_desc *desc;

	head->magic = ABI_MAGIC;
	head->version = ABI_VERSION;
	head->counter_cnt = CTR_CNT;
	head->worker_cnt = 1;
	head->slot_cnt = slot_cnt;
	head->worker_stride = line_up(CTR_CNT * sizeof(uint64_t));
	head->tsc_hz = tsc_hz_measure();
	head->desc_off = line_up(sizeof(*head));
	head->value_off = line_up(head->desc_off + CTR_CNT * sizeof(struct abi_counter_desc));
	head->torrent_off = head->value_off + head->worker_stride;
	desc = (struct abi_counter_desc *)((char *)head + head->desc_off);
	for (uint32_t i = 0; i < CTR_CNT; i++) {
		desc[i].kind = descs[i].kind;
		snprintf(desc[i].name, sizeof(desc[i].name), "%s", descs[i].name);
		snprintf(desc[i].text, sizeof(desc[i].text), "%s", descs[i].text);
	}
	publish->values = (uint64_t *)((char *)head + head->value_off);
	publish->stats = (struct abi_torrent_stat *)((char *)head + head->torrent_off);
}

int
publish_init(struct publish *publish, uint32_t slot_cnt)
{
	size_t len = line_up(sizeof(struct abi_counters)) +
	             line_up(CTR_CNT * sizeof(struct abi_counter_desc)) +
	             line_up(CTR_CNT * sizeof(uint64_t)) + 64 +
	             slot_cnt * sizeof(struct abi_torrent_stat);

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
	fill(publish, slot_cnt);
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

void
publish_counters(struct publish *publish, const struct counters *ctr)
{
	struct timespec cpu;

	for (uint32_t i = 0; i < CTR_CNT; i++)
		__atomic_store_n(&publish->values[i], ctr->value[i], __ATOMIC_RELAXED);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	__atomic_store_n(&publish->head->worker_cpu_ns[0],
	                 (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec,
	                 __ATOMIC_RELAXED);
}
