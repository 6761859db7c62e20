/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* torrent-set and torrent-set-location. What would only matter to a downloader is passed over; what
 * would be a promise that is not kept is refused, before anything is changed. */
#include "control/api/transmission_parts.h"

#include "control/content/content.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- What is refused. */

/* is_asked is true when an argument is there and neither empty nor 0 nor false. */
static bool
is_asked(const json_t *json)
{
	if (json_is_array(json))
		return json_array_size(json) > 0;
	if (json_is_string(json))
		return json_string_length(json) > 0;
	return json_is_true(json) || (json_is_number(json) && json_number_value(json) != 0);
}

/* refusals_check returns 0, or -1 after tr_refuse. */
static int
refusals_check(struct tr_call *call)
{
	static const struct {
		const char *name, *why;
	} refused[] = {
		{"files-unwanted", "a torrent is seeded whole"},
		{"group", "there are no bandwidth groups: see labels"},
		{"trackerAdd", "trackers are those of the .torrent"},
		{"trackerList", "trackers are those of the .torrent"},
		{"trackerRemove", "trackers are those of the .torrent"},
		{"trackerReplace", "trackers are those of the .torrent"},
	};
	static const struct {
		const char *name;
	} modes[] = {{"seedRatioMode"}, {"seedIdleMode"}};
	bool honors = true;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (is_asked(json_object_get(call->args, refused[i].name))) {
			tr_refuse(call, "%s: %s", refused[i].name, refused[i].why);
			return -1;
		}
	}
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		json_int_t mode = 0;
		if (tr_number(call, modes[i].name, &mode) < 0)
			return -1;
		if (mode != 1) /* TR_RATIOLIMIT_SINGLE, TR_IDLELIMIT_SINGLE */
			continue;
		tr_refuse(call, "%s: Spillway seeds until it is told to stop", modes[i].name);
		return -1;
	}
	if (tr_bool(call, "honorsSessionLimits", &honors) < 0)
		return -1;
	if (!honors)
		tr_refuse(call, "honorsSessionLimits: the limit of all holds for every torrent");
	return honors ? 0 : -1;
}

/* ---- What is set. */

/* number_read reads a number in [0, max]. Returns as tr_number. */
static int
number_read(struct tr_call *call, const char *name, json_int_t max, json_int_t *value)
{
	int got = tr_number(call, name, value);

	if (got == 1 && (*value < 0 || *value > max)) {
		tr_refuse(call, "%s: not in 0 to %lld", name, (long long)max);
		return -1;
	}
	return got;
}

/* rate_read reads uploadLimit and uploadLimited: a number alone changes a limit that there is. */
static int
rate_read(struct tr_call *call, struct tr_act *act)
{
	json_int_t kilo = 0;
	bool limited = false;
	int has_kilo = number_read(call, "uploadLimit", INT32_MAX, &kilo);
	int has_limited = has_kilo < 0 ? -1 : tr_bool(call, "uploadLimited", &limited);

	if (has_kilo < 0 || has_limited < 0)
		return -1;
	if (has_kilo == 0 && limited) {
		/* Transmission keeps a limit that is not in force; here there is none to come back. */
		tr_refuse(call, "uploadLimited: needs uploadLimit with it");
		return -1;
	}
	act->sets_rate = has_kilo == 1 || has_limited == 1;
	act->keeps_rate_none = has_limited == 0;
	/* 0 is "nothing at all" there, "no limit" here. */
	if (has_kilo == 1 && (limited || has_limited == 0))
		act->rate_bytes_per_s = kilo > 0 ? (uint64_t)kilo * TR_KILO : 1;
	return 0;
}

static int
weight_read(struct tr_call *call, struct tr_act *act)
{
	json_int_t priority = 0;
	int got = tr_number(call, "bandwidthPriority", &priority);

	if (got < 0)
		return -1;
	act->sets_weight = got == 1;
	act->weight = priority < 0   ? TORRENT_WEIGHT_PRESET / 2
	              : priority > 0 ? TORRENT_WEIGHT_PRESET * 2
	                             : TORRENT_WEIGHT_PRESET;
	return 0;
}

int
tr_labels_read(struct tr_call *call, char labels[LABELS_TEXT_MAX])
{
	const json_t *list = json_object_get(call->args, "labels");
	struct fail fail;

	labels[0] = '\0';
	if (list == NULL)
		return 0;
	if (!json_is_array(list)) {
		tr_refuse(call, "labels: not a list of texts");
		return -1;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *label = json_string_value(json_array_get(list, i));
		if (label == NULL || labels_add(labels, label, &fail) != 0) {
			tr_refuse(call, "labels: %s", label != NULL ? fail.text : "not a list of texts");
			return -1;
		}
	}
	return 1;
}

/* location_read reads "location", the directory that content is in from now on. */
static int
location_read(struct tr_call *call, struct tr_act *act)
{
	const char *location = "";
	struct fail fail;
	int got = tr_text(call, "location", &location);

	if (got <= 0)
		return got;
	if (tr_dir_check(call->t, location, act->location, &fail) != 0) {
		tr_refuse(call, "location: %s", fail.text);
		return -1;
	}
	return 1;
}

int
tr_settings_read(struct tr_call *call, struct tr_act *act)
{
	json_int_t connections = 0;
	int got = number_read(call, "peer-limit", 1048576, &connections);

	act->sets_connections = got == 1;
	act->connections_max = (uint32_t)connections;
	if (got < 0 || rate_read(call, act) != 0 || weight_read(call, act) != 0)
		return -1;
	got = tr_labels_read(call, act->labels);
	act->sets_labels = got == 1;
	return got < 0 ? -1 : 0;
}

bool
tr_settings_apply(const struct tr_act *act, struct torrent_settings *settings)
{
	if (act->sets_rate && (!act->keeps_rate_none || settings->rate_bytes_per_s > 0))
		settings->rate_bytes_per_s = act->rate_bytes_per_s;
	if (act->sets_weight)
		settings->weight = act->weight;
	if (act->sets_connections)
		settings->connections_max = act->connections_max;
	return act->sets_rate || act->sets_weight || act->sets_connections;
}

static int
set_one(const struct tr_act *act, struct tr_item *item, struct fail *fail)
{
	if (act->location[0] != '\0') {
		int err = tr_verify_one(act, item, fail);
		if (err != 0)
			return err;
	}
	if (tr_settings_apply(act, &item->settings))
		item->change.settings = &item->settings;
	if (act->sets_labels)
		item->change.labels = act->labels;
	return 0;
}

void
tr_torrent_set(struct tr_call *call)
{
	struct tr_act act = {.do_one = set_one, .changes = true};

	if (refusals_check(call) != 0 || tr_settings_read(call, &act) != 0 ||
	    location_read(call, &act) < 0)
		return;
	tr_act_begin(call, &act);
}

void
tr_torrent_set_location(struct tr_call *call)
{
	struct tr_act act = {.do_one = tr_verify_one};
	bool moves = false;

	if (tr_bool(call, "move", &moves) < 0)
		return;
	if (moves) {
		tr_refuse(call, "move: Spillway does not change content: move it, then set-location");
		return;
	}
	int got = location_read(call, &act);
	if (got == 0)
		tr_refuse(call, "location: missing");
	if (got == 1)
		tr_act_begin(call, &act);
}
