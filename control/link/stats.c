/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Snapshots of the counters memfd. */
#include "control/link/stats.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct stats {
	int fd;
	uint32_t len;
	struct abi_counters hdr; /* as checked in stats_open; later ones are not believed */
	uint8_t *bytes;
};

static bool
range_fits(const struct stats *stats, uint64_t off, uint64_t len)
{
	return off % 8 == 0 && off <= stats->len && len <= stats->len - off;
}

static bool
layout_fits(const struct stats *stats)
{
	const struct abi_counters *hdr = &stats->hdr;
	uint64_t value_len = 8 * (uint64_t)hdr->counter_cnt;
	uint64_t slots_len = hdr->slot_cnt * (uint64_t)sizeof(struct abi_torrent_stat);
	uint64_t histograms_len = hdr->histogram_cnt * (uint64_t)sizeof(struct abi_histogram);

	if (hdr->counter_cnt > STATS_COUNTERS_MAX || hdr->worker_cnt < 1 ||
	    hdr->worker_cnt > ABI_WORKERS_MAX || hdr->worker_stride % 8 != 0 ||
	    hdr->worker_stride < value_len || hdr->torrent_stride % 8 != 0 ||
	    hdr->torrent_stride < slots_len || hdr->torrent_stride > STATS_LEN_MAX ||
	    hdr->histogram_cnt > STATS_HISTOGRAMS_MAX || hdr->histogram_stride % 8 != 0 ||
	    hdr->histogram_stride < histograms_len)
		return false;
	return range_fits(stats, hdr->desc_off,
	                  hdr->counter_cnt * (uint64_t)sizeof(struct abi_counter_desc)) &&
	       range_fits(stats, hdr->value_off,
	                  (hdr->worker_cnt - 1) * (uint64_t)hdr->worker_stride + value_len) &&
	       range_fits(stats, hdr->torrent_off,
	                  (hdr->worker_cnt - 1) * hdr->torrent_stride + slots_len) &&
	       range_fits(stats, hdr->histogram_desc_off,
	                  hdr->histogram_cnt * (uint64_t)sizeof(struct abi_histogram_desc)) &&
	       range_fits(stats, hdr->histogram_off,
	                  (hdr->worker_cnt - 1) * (uint64_t)hdr->histogram_stride + histograms_len);
}

static bool
snapshot_read(struct stats *stats)
{
	size_t done = 0;

	while (done < stats->len) {
		ssize_t n = pread(stats->fd, stats->bytes + done, stats->len - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

int
stats_open(struct stats **stats, int fd, uint32_t len, struct fail *fail)
{
	struct stats *s = calloc(1, sizeof(*s));

	if (s != NULL && len >= sizeof(s->hdr) && len <= STATS_LEN_MAX)
		s->bytes = malloc(len);
	if (s == NULL || s->bytes == NULL) {
		free(s);
		close(fd);
		return fail_set(fail, EPROTO, "the dataplane's counters are %u bytes long", len);
	}
	s->fd = fd;
	s->len = len;
	if (snapshot_read(s)) {
		memcpy(&s->hdr, s->bytes, sizeof(s->hdr));
		if (s->hdr.magic == ABI_MAGIC && s->hdr.version == ABI_VERSION && layout_fits(s)) {
			*stats = s;
			return 0;
		}
	}
	stats_close(s);
	return fail_set(fail, EPROTO, "the dataplane's counters are inconsistent");
}

void
stats_close(struct stats *stats)
{
	if (stats == NULL)
		return;
	close(stats->fd);
	free(stats->bytes);
	free(stats);
}

void
stats_refresh(struct stats *stats)
{
	uint8_t *old = stats->bytes;

	stats->bytes = malloc(stats->len);
	if (stats->bytes != NULL && snapshot_read(stats)) {
		free(old);
		return;
	}
	free(stats->bytes);
	stats->bytes = old;
}

uint32_t
stats_counter_cnt(const struct stats *stats)
{
	return stats->hdr.counter_cnt;
}

uint32_t
stats_worker_cnt(const struct stats *stats)
{
	return stats->hdr.worker_cnt;
}

uint64_t
stats_counter_of(const struct stats *stats, uint32_t worker, uint32_t i)
{
	uint64_t value;

	memcpy(&value,
	       stats->bytes + stats->hdr.value_off +
	           worker * (uint64_t)stats->hdr.worker_stride + 8 * (uint64_t)i,
	       sizeof(value));
	return value;
}

/* value_whole returns a counter of all workers. */
static uint64_t
value_whole(const struct stats *stats, uint32_t i, uint32_t kind)
{
	uint64_t sum = 0, largest = 0;

	for (uint32_t w = 0; w < stats->hdr.worker_cnt; w++) {
		uint64_t value = stats_counter_of(stats, w, i);
		sum += value;
		largest = value > largest ? value : largest;
	}
	return kind == ABI_COMMON ? largest : sum;
}

static void
desc_read(const struct stats *stats, uint32_t i, struct abi_counter_desc *desc)
{
	memcpy(desc, stats->bytes + stats->hdr.desc_off + i * sizeof(*desc), sizeof(*desc));
	desc->name[sizeof(desc->name) - 1] = '\0';
	desc->text[sizeof(desc->text) - 1] = '\0';
}

uint64_t
stats_counter(const struct stats *stats, uint32_t i, struct abi_counter_desc *desc)
{
	desc_read(stats, i, desc);
	return value_whole(stats, i, desc->kind);
}

uint64_t
stats_counter_named(const struct stats *stats, const char *name)
{
	struct abi_counter_desc desc;

	for (uint32_t i = 0; i < stats->hdr.counter_cnt; i++) {
		desc_read(stats, i, &desc);
		if (strcmp(desc.name, name) == 0)
			return value_whole(stats, i, desc.kind);
	}
	return 0;
}

uint32_t
stats_histogram_cnt(const struct stats *stats)
{
	return stats->hdr.histogram_cnt;
}

/* histogram_desc_read reads a description, and mends bounds that do not ascend. */
static void
histogram_desc_read(const struct stats *stats, uint32_t i, struct abi_histogram_desc *desc)
{
	memcpy(desc, stats->bytes + stats->hdr.histogram_desc_off + i * sizeof(*desc),
	       sizeof(*desc));
	desc->name[sizeof(desc->name) - 1] = '\0';
	desc->unit[sizeof(desc->unit) - 1] = '\0';
	desc->text[sizeof(desc->text) - 1] = '\0';
	for (uint32_t k = 1; k < ABI_HISTOGRAM_BUCKETS; k++)
		if (desc->most[k] < desc->most[k - 1])
			desc->most[k] = desc->most[k - 1];
	desc->most[ABI_HISTOGRAM_BUCKETS - 1] = UINT64_MAX;
}

/* histogram_add adds a worker's. */
static void
histogram_add(const struct stats *stats, uint32_t worker, uint32_t i,
              struct stats_histogram *histogram)
{
	struct abi_histogram one;

	memcpy(&one,
	       stats->bytes + stats->hdr.histogram_off +
	           worker * (uint64_t)stats->hdr.histogram_stride + i * sizeof(one),
	       sizeof(one));
	histogram->sum += one.sum;
	for (uint32_t k = 0; k < ABI_HISTOGRAM_BUCKETS; k++) {
		histogram->bucket[k] += one.bucket[k];
		histogram->cnt += one.bucket[k];
	}
}

void
stats_histogram(const struct stats *stats, uint32_t i, struct stats_histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram_desc_read(stats, i, &histogram->desc);
	for (uint32_t w = 0; w < stats->hdr.worker_cnt; w++)
		histogram_add(stats, w, i, histogram);
}

void
stats_histogram_of(const struct stats *stats, uint32_t worker, uint32_t i,
                   struct stats_histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram_desc_read(stats, i, &histogram->desc);
	histogram_add(stats, worker, i, histogram);
}

uint64_t
stats_histogram_quantile(const struct stats_histogram *histogram, double share)
{
	uint64_t below = 0;

	if (histogram->cnt == 0)
		return 0;
	for (uint32_t k = 0; k < ABI_HISTOGRAM_BUCKETS; k++) {
		below += histogram->bucket[k];
		if ((double)below >= share * (double)histogram->cnt)
			return histogram->desc.most[k];
	}
	return UINT64_MAX;
}

uint32_t
stats_slot_cnt(const struct stats *stats)
{
	return stats->hdr.slot_cnt;
}

struct abi_torrent_stat
stats_slot(const struct stats *stats, uint32_t worker, uint32_t i)
{
	struct abi_torrent_stat stat;

	memcpy(&stat,
	       stats->bytes + stats->hdr.torrent_off + worker * stats->hdr.torrent_stride +
	           i * sizeof(stat),
	       sizeof(stat));
	return stat;
}

uint64_t
stats_cpu_ns_of(const struct stats *stats, uint32_t worker)
{
	struct abi_counters now;

	memcpy(&now, stats->bytes, sizeof(now));
	return now.worker_cpu_ns[worker];
}

uint64_t
stats_cpu_ns(const struct stats *stats)
{
	uint64_t sum = 0;

	for (uint32_t w = 0; w < stats->hdr.worker_cnt; w++)
		sum += stats_cpu_ns_of(stats, w);
	return sum;
}

uint64_t
stats_tsc_hz(const struct stats *stats)
{
	return stats->hdr.tsc_hz;
}
