/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is measured. How it is written is in metrics_text.c. */
#include "control/api/metrics.h"

#include "control/commands/answer.h"
#include "control/api/api.h"
#include "control/api/census.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct metrics {
	const struct commands_env *env;
	struct rates *rates;
	struct census census;
};

int
metrics_create(struct metrics **metrics, const struct commands_env *env, struct rates *rates)
{
	*metrics = calloc(1, sizeof(**metrics));
	if (*metrics == NULL)
		return -ENOMEM;
	(*metrics)->env = env;
	(*metrics)->rates = rates;
	return 0;
}

void
metrics_destroy(struct metrics *metrics)
{
	free(metrics);
}

/* label_clean writes a label whose text may be no UTF-8. */
static void
label_clean(const struct metrics_text *text, bool is_first, const char *name, const char *value)
{
	json_t *clean = answer_text(value);

	metrics_label(text, is_first, name, clean != NULL ? json_string_value(clean) : "");
	json_decref(clean);
}

/* ---- The dataplane. */

static void
counters_write(const struct metrics_text *text, const struct stats *stats)
{
	for (uint32_t i = 0; i < stats_counter_cnt(stats); i++) {
		struct abi_counter_desc desc;
		uint64_t value = stats_counter(stats, i, &desc);
		char name[ABI_COUNTER_NAME_MAX + 16];

		snprintf(name, sizeof(name), "dataplane_%s", desc.name);
		metrics_plain(text, name,
		              desc.kind == ABI_COUNTER ? METRICS_COUNTER : METRICS_GAUGE, desc.text,
		              (double)value);
	}
}

static void
workers_write(const struct metrics_text *text, const struct stats *stats)
{
	metrics_family(text, "worker_cpu_seconds", METRICS_COUNTER, "CPU time of a worker's thread");
	for (uint32_t w = 0; w < stats_worker_cnt(stats); w++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", w);
		metrics_begin(text, "worker_cpu_seconds", "_total");
		metrics_label(text, true, "worker", name);
		metrics_value(text, true, (double)stats_cpu_ns_of(stats, w) / 1e9);
	}
}

/* buckets_write writes a histogram of microseconds in seconds. */
static void
buckets_write(const struct metrics_text *text, const char *name,
              const struct stats_histogram *histogram)
{
	uint64_t below = 0;

	for (uint32_t i = 0; i + 1 < ABI_HISTOGRAM_BUCKETS; i++) {
		char edge[32];

		below += histogram->bucket[i];
		snprintf(edge, sizeof(edge), "%.9g", (double)histogram->desc.most[i] / 1e6);
		metrics_begin(text, name, "_bucket");
		metrics_label(text, true, "le", edge);
		metrics_value(text, true, (double)below);
	}
	metrics_begin(text, name, "_bucket");
	metrics_label(text, true, "le", "+Inf");
	metrics_value(text, true, (double)histogram->cnt);
	metrics_begin(text, name, "_sum");
	metrics_value(text, false, (double)histogram->sum / 1e6);
	metrics_begin(text, name, "_count");
	metrics_value(text, false, (double)histogram->cnt);
}

static void
histograms_write(const struct metrics_text *text, const struct stats *stats)
{
	for (uint32_t i = 0; i < stats_histogram_cnt(stats); i++) {
		struct stats_histogram histogram;
		char name[ABI_COUNTER_NAME_MAX + 32];

		stats_histogram(stats, i, &histogram);
		snprintf(name, sizeof(name), "dataplane_%s_seconds", histogram.desc.name);
		metrics_family(text, name, METRICS_HISTOGRAM, histogram.desc.text);
		buckets_write(text, name, &histogram);
	}
}

static void
dataplane_write(const struct metrics *metrics, const struct metrics_text *text,
                const struct stats *stats)
{
	struct link *link = metrics->env->link;

	metrics_plain(text, "dataplane_up", METRICS_GAUGE, "1 while the dataplane serves",
	              link_ready(link));
	metrics_plain(text, "dataplane_restarts", METRICS_COUNTER,
	              "how often the dataplane was started again", link_restart_cnt(link));
	if (stats == NULL)
		return;
	workers_write(text, stats);
	counters_write(text, stats);
	histograms_write(text, stats);
}

/* ---- The catalogue. */

static void
group_sample(const struct metrics_text *text, const char *family, const char *suffix,
             const char *label, const char *value)
{
	metrics_begin(text, family, suffix);
	label_clean(text, true, label, value);
}

static void
states_write(const struct census *census, const struct metrics_text *text)
{
	metrics_family(text, "torrents", METRICS_GAUGE, "torrents in the catalogue, by state");
	for (uint32_t i = 0; i < census->state_cnt; i++) {
		group_sample(text, "torrents", "", "state", census->state[i].state);
		metrics_value(text, true, census->state[i].group.torrent_cnt);
	}
	metrics_family(text, "content_bytes", METRICS_GAUGE,
	               "bytes of content in the catalogue, by the torrent's state");
	for (uint32_t i = 0; i < census->state_cnt; i++) {
		group_sample(text, "content_bytes", "", "state", census->state[i].state);
		metrics_value(text, true, (double)census->state[i].group.total_bytes);
	}
	metrics_plain(text, "pieces_missing", METRICS_GAUGE,
	              "pieces that torrents which are seeded do not have",
	              (double)census->piece_missing_cnt);
	metrics_plain(text, "pieces_withdrawn_now", METRICS_GAUGE,
	              "pieces taken back since they were verified", (double)census->withdrawn_cnt);
}

static void
labels_write(const struct census *census, const struct metrics_text *text)
{
	uint32_t cnt = census->label_cnt < METRICS_LABELS ? census->label_cnt : METRICS_LABELS;

	metrics_family(text, "label_torrents", METRICS_GAUGE, "torrents that have a label");
	for (uint32_t i = 0; i < cnt; i++) {
		group_sample(text, "label_torrents", "", "label", census->label[i].label);
		metrics_value(text, true, census->label[i].group.torrent_cnt);
	}
	metrics_family(text, "label_uploaded_bytes", METRICS_GAUGE,
	               "bytes that the torrents with a label have uploaded, as stored");
	for (uint32_t i = 0; i < cnt; i++) {
		group_sample(text, "label_uploaded_bytes", "", "label", census->label[i].label);
		metrics_value(text, true, (double)census->label[i].group.uploaded_bytes);
	}
}

/* ---- The fastest. */

static void
torrent_sample(const struct metrics_text *text, const struct torrent *torrent, const char *family,
               const char *suffix)
{
	char hex[41];

	for (int i = 0; i < 20; i++)
		snprintf(hex + 2 * i, 3, "%02x", torrent->info_hash[i]);
	metrics_begin(text, family, suffix);
	metrics_label(text, true, "info_hash", hex);
	label_clean(text, false, "name", torrent->name);
}

static void
fastest_write(const struct metrics *metrics, const struct metrics_text *text,
              const struct rate *rates, size_t cnt)
{
	const struct torrents *torrents = metrics->env->registry->torrents;

	metrics_family(text, "torrent_upload_bytes_per_second", METRICS_GAUGE,
	               "of the torrents that are uploaded fastest now");
	for (size_t i = 0; i < cnt; i++) {
		const struct torrent *t = torrents_by_id(torrents, rates[i].id);
		if (t == NULL || t->gone)
			continue;
		torrent_sample(text, t, "torrent_upload_bytes_per_second", "");
		metrics_value(text, true, (double)rates[i].bytes_per_s);
	}
	metrics_family(text, "torrent_peers", METRICS_GAUGE,
	               "peers of the torrents that are uploaded fastest now");
	for (size_t i = 0; i < cnt; i++) {
		const struct torrent *t = torrents_by_id(torrents, rates[i].id);
		if (t == NULL || t->gone)
			continue;
		torrent_sample(text, t, "torrent_peers", "");
		metrics_value(text, true, (double)torrents_whole(t).peer_cnt);
	}
}

static void
rates_write(const struct metrics *metrics, const struct metrics_text *text)
{
	struct rate fastest[METRICS_TOP];
	size_t cnt = rates_fastest(metrics->rates, fastest, METRICS_TOP);

	metrics_plain(text, "upload_bytes_per_second", METRICS_GAUGE,
	              "payload of all torrents, over the last second",
	              (double)rates_total(metrics->rates));
	fastest_write(metrics, text, fastest, cnt);
}

/* ---- Control. */

static void
announce_write(const struct announce *announce, const struct metrics_text *text)
{
	struct announce_totals totals = announce_totals(announce);
	const struct {
		const char *state;
		uint32_t cnt;
	} states[] = {
		{"waiting", totals.waiting}, {"working", totals.working}, {"failing", totals.failing},
	};

	metrics_plain(text, "announces_sent", METRICS_COUNTER, "questions to trackers",
	              (double)totals.sent);
	metrics_plain(text, "announces_ok", METRICS_COUNTER, "answers of trackers that were well",
	              (double)totals.ok);
	metrics_plain(text, "announces_failed", METRICS_COUNTER,
	              "questions to trackers without such an answer", (double)totals.failed);
	metrics_family(text, "announcements", METRICS_GAUGE, "torrents at trackers, by how it stands");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		metrics_begin(text, "announcements", "");
		metrics_label(text, true, "state", states[i].state);
		metrics_value(text, true, states[i].cnt);
	}
	metrics_plain(text, "tracker_hosts_backing_off", METRICS_GAUGE,
	              "hosts of trackers that do not answer", totals.hosts_backing_off);
}

static void
scrub_write(struct scrub *scrub, const struct metrics_text *text)
{
	struct scrub_stats stats;

	scrub_stats_get(scrub, &stats);
	metrics_plain(text, "scrubbed_bytes", METRICS_COUNTER, "content read again by the scrub",
	              (double)stats.scrubbed_bytes);
	metrics_plain(text, "scrub_rotten_pieces", METRICS_COUNTER,
	              "pieces that the scrub found changed", (double)stats.rotten_pieces);
}

static void
process_write(const struct metrics_text *text)
{
	struct rusage usage;
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file != NULL) {
		if (fscanf(file, "%*d %ld", &pages) != 1)
			pages = 0;
		fclose(file);
	}
	getrusage(RUSAGE_SELF, &usage);
	double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	metrics_plain(text, "control_cpu_seconds", METRICS_COUNTER, "CPU time of spillwayd", cpu_s);
	metrics_plain(text, "control_resident_bytes", METRICS_GAUGE, "memory of spillwayd",
	              (double)pages * (double)sysconf(_SC_PAGESIZE));
}

void
metrics_write(struct metrics *metrics, const struct metrics_text *text)
{
	const struct commands_env *env = metrics->env;
	const struct stats *stats = tally_stats(env->tally);
	struct tally_totals totals = tally_totals(env->tally);

	rates_want(metrics->rates);
	census_take(&metrics->census, env->registry->torrents, METRICS_CENSUS_MS);
	metrics_family(text, "build", METRICS_INFO, "which Spillway this is");
	metrics_begin(text, "build", "_info");
	metrics_label(text, true, "version", SPILLWAY_VERSION);
	metrics_value(text, true, 1);
	metrics_plain(text, "uploaded_bytes", METRICS_GAUGE,
	              "payload ever uploaded by the torrents that are in the catalogue",
	              (double)totals.uploaded_bytes);
	rates_write(metrics, text);
	states_write(&metrics->census, text);
	labels_write(&metrics->census, text);
	announce_write(env->announce, text);
	scrub_write(env->scrub, text);
	process_write(text);
	dataplane_write(metrics, text, stats);
	metrics_end(text);
}

/* ---- HTTP. */

void
metrics_handle(const struct http_request *request, struct http_response *response)
{
	struct api *api = request->env;
	const char *accept = http_request_header(request, "Accept");
	struct metrics_text text = {
		.open = accept != NULL && strstr(accept, "application/openmetrics-text") != NULL,
	};

	text.out = open_memstream(&response->body, &response->body_len);
	if (text.out == NULL) {
		http_respond_error(response, 500, "out of memory");
		return;
	}
	metrics_write(api->metrics, &text);
	fclose(text.out);
	response->type = text.open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
	                           : "text/plain; version=0.0.4; charset=utf-8";
}
