/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Methods about the session, which is spillwayd as a whole. */
#include "control/api/transmission_parts.h"

#include "control/commands/answer.h"
#include "control/base/clock.h"
#include "control/content/mount.h"
#include "control/link/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RPC_VERSION = 17, /* of Transmission 4.0 */
	RPC_VERSION_MINIMUM = 14,
};
#define RPC_VERSION_SEMVER "5.3.0"

#define SETTING_DOWNLOAD_DIR "transmission.download_dir"
#define SETTING_START_ADDED "transmission.start_added"

const char *
tr_download_dir(const struct transmission *t, char dir[PATH_MAX])
{
	struct fail ignored;
	char *stored = NULL;

	if (catalogue_setting_get(t->env->registry->catalogue, SETTING_DOWNLOAD_DIR, &stored,
	                          &ignored) == 0)
		snprintf(dir, PATH_MAX, "%s", stored);
	else
		snprintf(dir, PATH_MAX, "%s", t->env->options->api_data_dir);
	free(stored);
	return dir;
}

bool
tr_start_added(const struct transmission *t)
{
	struct fail ignored;
	char *stored = NULL;
	bool starts = catalogue_setting_get(t->env->registry->catalogue, SETTING_START_ADDED, &stored,
	                                    &ignored) != 0 ||
	              strcmp(stored, "no") != 0;

	free(stored);
	return starts;
}

/* ---- session-get */

static json_t *
units_json(void)
{
	return json_pack("{s:[s,s,s,s], s:i, s:[s,s,s,s], s:i, s:[s,s,s,s], s:i}",
	                 "speed-units", "kB/s", "MB/s", "GB/s", "TB/s", "speed-bytes", TR_KILO,
	                 "size-units", "kB", "MB", "GB", "TB", "size-bytes", 1000,
	                 "memory-units", "KiB", "MiB", "GiB", "TiB", "memory-bytes", 1024);
}

/* zeros_add tells that there is none of what only a downloader has, or Spillway has not. */
static void
zeros_add(json_t *json)
{
	static const char *const zeros[] = {
		"alt-speed-down", "alt-speed-up", "alt-speed-time-begin", "alt-speed-time-end",
		"alt-speed-time-day", "cache-size-mb", "download-queue-size",
		"idle-seeding-limit", "queue-stalled-minutes", "seed-queue-size", "speed-limit-down",
	};
	static const char *const falses[] = {
		"alt-speed-enabled", "alt-speed-time-enabled",
		"download-queue-enabled", "idle-seeding-limit-enabled", "incomplete-dir-enabled",
		"lpd-enabled", "peer-port-random-on-start", "port-forwarding-enabled",
		"queue-stalled-enabled", "rename-partial-files", "script-torrent-added-enabled",
		"script-torrent-done-enabled", "script-torrent-done-seeding-enabled",
		"seed-queue-enabled", "seedRatioLimited", "speed-limit-down-enabled",
		"trash-original-torrent-files", "utp-enabled",
	};
	static const char *const empties[] = {
		"blocklist-url", "default-trackers", "script-torrent-added-filename",
		"script-torrent-done-filename", "script-torrent-done-seeding-filename",
	};

	for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++)
		json_object_set_new(json, zeros[i], json_integer(0));
	for (size_t i = 0; i < sizeof(falses) / sizeof(falses[0]); i++)
		json_object_set_new(json, falses[i], json_false());
	for (size_t i = 0; i < sizeof(empties) / sizeof(empties[0]); i++)
		json_object_set_new(json, empties[i], json_string(""));
}

static json_int_t
free_bytes(const char *dir)
{
	struct statvfs st;
	struct fail ignored;

	return mount_ask(dir, &st, &ignored) == 0 ? (json_int_t)(st.f_bavail * st.f_frsize) : -1;
}

static json_t *
session_json(const struct transmission *t)
{
	const struct options *options = t->env->options;
	char dir[PATH_MAX];
	json_t *json = json_pack(
		"{s:s, s:i, s:i, s:s, s:s, s:o, s:o}",
		"version", "4.0.0 (Spillway " SPILLWAY_VERSION ")",
		"rpc-version", RPC_VERSION, "rpc-version-minimum", RPC_VERSION_MINIMUM,
		"rpc-version-semver", RPC_VERSION_SEMVER, "session-id", t->session, "units", units_json(),
		"config-dir", answer_text(options->state_dir));

	tr_download_dir(t, dir);
	json_object_set_new(json, "download-dir", answer_text(dir));
	json_object_set_new(json, "download-dir-free-space", json_integer(free_bytes(dir)));
	json_object_set_new(json, "incomplete-dir", answer_text(dir));
	json_object_set_new(json, "encryption", json_string("tolerated"));
	json_object_set_new(json, "peer-port", json_integer(options->listen_port));
	json_object_set_new(json, "seedRatioLimit", json_real(0));
	json_object_set_new(json, "start-added-torrents", json_boolean(tr_start_added(t)));
	json_object_set_new(json, "dht-enabled", json_boolean(options->dht != OPTION_DHT_NO));
	json_object_set_new(json, "pex-enabled", json_boolean(options->pex != 0));
	zeros_add(json);
	tr_limits_tell(t, json);
	return json;
}

void
tr_session_get(struct tr_call *call)
{
	const json_t *fields = json_object_get(call->args, "fields");
	json_t *all = session_json(call->t);

	for (size_t i = 0; i < json_array_size(fields); i++) {
		const char *name = json_string_value(json_array_get(fields, i));
		json_t *value = name != NULL ? json_object_get(all, name) : NULL;
		if (value != NULL)
			json_object_set(call->out, name, value);
	}
	if (json_array_size(fields) == 0)
		json_object_update(call->out, all);
	json_decref(all);
}

/* ---- session-set */

static void
download_dir_set(struct tr_call *call, const json_t *value)
{
	const char *dir = json_string_value(value);
	char real[PATH_MAX];
	struct fail fail;

	if (dir == NULL)
		tr_refuse(call, "download-dir: not a text");
	else if (tr_dir_check(call->t, dir, real, &fail) != 0 ||
	         catalogue_setting_set(call->t->env->registry->catalogue, SETTING_DOWNLOAD_DIR, real,
	                               &fail) != 0)
		tr_refuse(call, "download-dir: %s", fail.text);
}

/* is_same is true when a value is what is told anyway: 2 and 2.0, 0 and false are. */
static bool
is_same(const json_t *now, const json_t *wanted)
{
	if (json_is_string(now) || json_is_string(wanted))
		return json_equal(now, wanted);
	double a = json_is_number(now) ? json_number_value(now) : json_is_true(now);
	double b = json_is_number(wanted) ? json_number_value(wanted) : json_is_true(wanted);
	return a == b;
}

static void
start_added_set(struct tr_call *call, const json_t *value)
{
	struct fail fail;

	if (!json_is_boolean(value))
		tr_refuse(call, "start-added-torrents: neither true nor false");
	else if (catalogue_setting_set(call->t->env->registry->catalogue, SETTING_START_ADDED,
	                               json_is_true(value) ? "yes" : "no", &fail) != 0)
		tr_refuse(call, "start-added-torrents: %s", fail.text);
}

/* why_fixed tells why a setting cannot be changed here, by the beginning of its name. */
static const char *
why_fixed(const char *name)
{
	static const struct {
		const char *begin, *why;
	} reasons[] = {
		{"alt-speed", "there is one limit, speed-limit-up; see spillway limit"},
		{"cache-size", "see option arena_mib of spillwayd"},
		{"dht-enabled", "see option dht of spillwayd"},
		{"download-queue", "Spillway does not download"},
		{"encryption", "Spillway has none"},
		{"idle-seeding", "Spillway seeds until it is told to stop"},
		{"incomplete-dir", "Spillway does not download"},
		{"lpd-enabled", "Spillway has none"},
		{"peer-port", "see option listen_port of spillwayd"},
		{"pex-enabled", "see option pex of spillwayd"},
		{"port-forwarding", "Spillway has none; see option announce_address of spillwayd"},
		{"seedRatio", "Spillway seeds until it is told to stop"},
		{"speed-limit-down", "Spillway does not download"},
		{"utp-enabled", "Spillway has none"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strncmp(name, reasons[i].begin, strlen(reasons[i].begin)) == 0)
			return reasons[i].why;
	return "not to be changed here; see the options of spillwayd";
}

void
tr_session_set(struct tr_call *call)
{
	if (!tr_limits_set(call))
		return;
	json_t *now = session_json(call->t), *value;
	const char *name;
	void *iter;

	for (iter = json_object_iter((json_t *)(uintptr_t)call->args); iter != NULL;
	     iter = json_object_iter_next((json_t *)(uintptr_t)call->args, iter)) {
		name = json_object_iter_key(iter);
		value = json_object_iter_value(iter);
		const json_t *current = json_object_get(now, name);
		if (current == NULL || is_same(current, value))
			continue; /* not known to us, or so already */
		if (strcmp(name, "download-dir") == 0)
			download_dir_set(call, value);
		else if (strcmp(name, "start-added-torrents") == 0)
			start_added_set(call, value);
		else
			tr_refuse(call, "%s: %s", name, why_fixed(name));
	}
	json_decref(now);
}

/* ---- session-stats */

static json_t *
stats_json(uint64_t uploaded_bytes, uint32_t torrent_cnt, int64_t seconds)
{
	return json_pack("{s:I, s:i, s:I, s:i, s:I}", "uploadedBytes", (json_int_t)uploaded_bytes,
	                 "downloadedBytes", 0, "filesAdded", (json_int_t)torrent_cnt, "sessionCount", 1,
	                 "secondsActive", (json_int_t)seconds);
}

void
tr_session_stats(struct tr_call *call)
{
	struct transmission *t = call->t;
	struct torrents *torrents = t->env->registry->torrents;
	const struct stats *stats = tally_stats(t->env->tally);
	uint64_t uploaded_bytes = 0;
	uint32_t torrent_cnt = 0, paused_cnt = 0;

	rates_want(t->rates);
	for (const struct torrent *each = torrents_after(torrents, 0); each != NULL;
	     each = torrents_after(torrents, each->id)) {
		torrent_cnt += !each->gone;
		paused_cnt += !each->gone && !torrent_offered(each);
		uploaded_bytes += torrents_whole(each).uploaded_bytes;
	}
	int64_t seconds = (clock_now_ms() - t->began_ms) / 1000;
	uint64_t payload_bytes = stats != NULL ? stats_counter_named(stats, "payload_bytes") : 0;
	json_t *json = json_pack(
		"{s:I, s:i, s:I, s:I, s:I, s:o, s:o}",
		"activeTorrentCount", (json_int_t)(torrent_cnt - paused_cnt), "downloadSpeed", 0,
		"pausedTorrentCount", (json_int_t)paused_cnt, "torrentCount", (json_int_t)torrent_cnt,
		"uploadSpeed", (json_int_t)rates_total(t->rates),
		"cumulative-stats", stats_json(uploaded_bytes, torrent_cnt, seconds),
		"current-stats", stats_json(payload_bytes, torrent_cnt, seconds));

	json_object_update(call->out, json);
	json_decref(json);
}

/* ---- free-space */

void
tr_free_space(struct tr_call *call)
{
	const char *path = "";
	struct statvfs st;
	struct fail fail;

	if (tr_text(call, "path", &path) < 0)
		return;
	if (path[0] != '/') {
		tr_refuse(call, "path: not an absolute path");
		return;
	}
	int err = mount_ask(path, &st, &fail);
	if (err != 0)
		tr_refuse(call, "%s", fail.text);
	json_object_set_new(call->out, "path", answer_text(path));
	json_object_set_new(call->out, "size-bytes",
	                    json_integer(err != 0 ? -1
	                                          : (json_int_t)(st.f_bavail * st.f_frsize)));
	json_object_set_new(call->out, "total_size",
	                    json_integer(err != 0 ? -1 : (json_int_t)(st.f_blocks * st.f_frsize)));
}
