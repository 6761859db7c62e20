/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Torrents and counters as JSON. */
#include "control/commands/answer.h"

#include "control/commands/answer_histograms.h"
#include "control/commands/commands_announce.h"
#include "control/commands/commands_dht.h"
#include "control/base/json_text.h"
#include "control/base/labels.h"
#include "control/content/read_unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

json_t *
answer_text(const char *text)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char *clean = malloc(3 * strlen(text) + 1);
	size_t len = 0;

	if (clean == NULL)
		return NULL;
	for (const char *p = text; *p != '\0';) {
		size_t n = utf8_len(p);
		memcpy(clean + len, n > 0 ? p : replacement, n > 0 ? n : 3);
		len += n > 0 ? n : 3;
		p += n > 0 ? n : 1;
	}
	json_t *json = json_stringn(clean, len);
	free(clean);
	return json;
}

json_t *
answer_hex(const uint8_t *bytes, size_t len)
{
	char text[65];

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_int_t
number(uint64_t value)
{
	return (json_int_t)value;
}

json_t *
answer_labels(const struct torrent *torrent)
{
	json_t *labels = json_array();
	char label[LABEL_MAX];

	for (const char *p = torrent->labels; (p = labels_next(p, label)) != NULL;)
		json_array_append_new(labels, answer_text(label));
	return labels;
}

json_t *
answer_progress(const char *phase, const struct work_progress *progress)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:o}", "phase", phase,
	                 "done_bytes", number(progress->done_bytes),
	                 "total_bytes", number(progress->total_bytes),
	                 "rate_bytes_per_s", number(progress->rate_bytes_per_s),
	                 "left_s", progress->left_s < 0 ? json_null() : json_integer(progress->left_s));
}

/* ---- What the metainfo knows. */

/* uri_escape appends text, all but unreserved bytes as %XX (RFC 3986, section 2.3). */
static void
uri_escape(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		             (*p >= '0' && *p <= '9') || strchr("-._~", *p) != NULL;
		fprintf(out, plain ? "%c" : "%%%02X", *p);
	}
}

json_t *
answer_magnet(const struct metainfo *meta)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	fputs("magnet:?xt=urn:btih:", out); /* BEP 9 */
	for (int i = 0; i < 20; i++)
		fprintf(out, "%02x", meta->info_hash[i]);
	fputs("&dn=", out);
	uri_escape(out, meta->name);
	for (uint32_t i = 0; i < meta->tracker_cnt; i++) {
		fputs("&tr=", out);
		uri_escape(out, meta->tracker[i].url);
	}
	fclose(out);
	json_t *json = json_string(text);
	free(text);
	return json;
}

static void
whole_add(json_t *json, const struct metainfo *meta, const char *data_dir)
{
	json_t *trackers = json_array();

	for (uint32_t i = 0; i < meta->tracker_cnt; i++)
		json_array_append_new(trackers, answer_text(meta->tracker[i].url));
	json_object_set_new(json, "data", answer_text(data_dir));
	json_object_set_new(json, "piece_length", json_integer(meta->piece_len));
	json_object_set_new(json, "private", json_boolean(meta->private_flag));
	json_object_set_new(json, "trackers", trackers);
	json_object_set_new(json, "magnet", answer_magnet(meta));
	if (meta->has_v2)
		json_object_set_new(json, "info_hash_v2", answer_hex(meta->info_hash_v2, 32));
}

json_t *
answer_torrent_whole(const struct commands_env *env, const struct torrent *torrent)
{
	json_t *json = answer_torrent(env, torrent);
	struct metainfo *meta;
	char *data_dir = NULL;
	struct fail ignored;

	if (json != NULL)
		json_object_set_new(json, "dht", answer_dht_torrent(env->dht, torrent));
	if (json != NULL &&
	    registry_metainfo(env->registry, torrent->id, &meta, &data_dir, &ignored) == 0) {
		whole_add(json, meta, data_dir);
		json_object_set_new(json, "announce", announce_answer(env->announce, torrent));
		metainfo_free(meta);
		free(data_dir);
	}
	return json;
}

/* ---- Statistics. */

json_t *
answer_dataplane(const struct commands_env *env)
{
	const struct abi_welcome *welcome = session_welcome(link_session(env->link, 0));
	char boot[17];

	snprintf(boot, sizeof(boot), "%016" PRIx64, welcome->boot_id);
	return json_pack("{s:b, s:i, s:s, s:I, s:I, s:o}", "running", link_ready(env->link),
	                 "pid", link_ready(env->link) ? (int)welcome->pid : 0,
	                 "boot", boot,
	                 "workers", number(welcome->worker_cnt),
	                 "restarts", number(link_restart_cnt(env->link)),
	                 "port", answer_text(welcome->port_text));
}

static json_t *
ratio(double above, double below)
{
	return below > 0 ? json_real(above / below) : json_null();
}

json_t *
answer_totals(const struct commands_env *env, const struct stats *stats)
{
	struct tally_totals sums = tally_totals(env->tally);
	uint64_t payload_bytes = stats ? stats_counter_named(stats, "payload_bytes") : 0;
	uint64_t disk_bytes = stats ? stats_counter_named(stats, "disk_bytes") : 0;
	double cpu_s = stats ? (double)stats_cpu_ns(stats) / 1e9 : 0;
	double cycles = stats ? cpu_s * (double)stats_tsc_hz(stats) : 0;
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:f, s:o}",
		"torrents", number(sums.torrent_cnt),
		"torrents_active", number(sums.active_cnt),
		"peers", number(stats ? stats_counter_named(stats, "peers") : 0),
		"uploaded_bytes", number(sums.uploaded_bytes),
		"payload_bytes", number(payload_bytes),
		"disk_bytes", number(disk_bytes),
		"read_amplification", ratio((double)disk_bytes, (double)payload_bytes),
		"dataplane_cpu_seconds", cpu_s,
		"cycles_per_byte", ratio(cycles, (double)payload_bytes));
}

/* worker_answer tells what one worker has counted. */
static json_t *
worker_answer(const struct stats *stats, uint32_t worker)
{
	json_t *counters = json_object();

	for (uint32_t i = 0; i < stats_counter_cnt(stats); i++) {
		struct abi_counter_desc desc;
		stats_counter(stats, i, &desc);
		json_object_set_new(counters, desc.name,
		                    json_integer(number(stats_counter_of(stats, worker, i))));
	}
	return json_pack("{s:I, s:f, s:o}", "worker", number(worker), "cpu_seconds",
	                 (double)stats_cpu_ns_of(stats, worker) / 1e9, "counters", counters);
}

static json_t *
workers_answer(const struct stats *stats)
{
	json_t *workers = json_array();

	for (uint32_t w = 0; stats != NULL && w < stats_worker_cnt(stats); w++)
		json_array_append_new(workers, worker_answer(stats, w));
	return workers;
}

static json_t *
scrub_answer(struct scrub *scrub)
{
	struct scrub_stats stats;

	scrub_stats_get(scrub, &stats);
	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "running", stats.running,
	                 "begun_at", (json_int_t)stats.begun_at,
	                 "ended_at", (json_int_t)stats.ended_at,
	                 "next_at", (json_int_t)stats.next_at,
	                 "pass_bytes", number(stats.pass_bytes),
	                 "scrubbed_bytes", number(stats.scrubbed_bytes),
	                 "rotten_pieces", number(stats.rotten_pieces));
}

json_t *
answer_stats(const struct commands_env *env)
{
	const struct stats *stats = tally_stats(env->tally);
	json_t *counters = json_object();
	json_t *texts = json_object();

	for (uint32_t i = 0; stats != NULL && i < stats_counter_cnt(stats); i++) {
		struct abi_counter_desc desc;
		uint64_t value = stats_counter(stats, i, &desc);
		json_object_set_new(counters, desc.name, json_integer(number(value)));
		json_object_set_new(texts, desc.name, answer_text(desc.text));
	}
	json_t *answer = json_pack("{s:b}", "ok", 1);
	json_object_set_new(answer, "dataplane", answer_dataplane(env));
	json_object_set_new(answer, "read_unit_max",
	                    json_integer(read_unit_arena(env->options->arena_mib,
	                                                 env->options->connections_max)));
	json_object_set_new(answer, "scrub", scrub_answer(env->scrub));
	json_object_set_new(answer, "announce", announce_totals_answer(env->announce));
	json_object_set_new(answer, "dht", answer_dht(env->dht));
	json_object_set_new(answer, "totals", answer_totals(env, stats));
	json_object_set_new(answer, "counters", counters);
	json_object_set_new(answer, "histograms", answer_histograms(stats));
	json_object_set_new(answer, "workers", workers_answer(stats));
	json_object_set_new(answer, "counter_texts", texts);
	return answer;
}
