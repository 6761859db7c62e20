/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Limits of the session: the rate and the connections of all torrents together, which are those of
 * policy.h, and the block list. Transmission keeps a limit that is switched off, so that it can be
 * switched on again: that number is kept in the catalogue's settings. */
#include "control/api/transmission_parts.h"

#include "control/policy/policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTING_RATE "transmission.speed_limit_up"

enum {
	KILO_PRESET = 100, /* kB/s: as Transmission's, switched off */
};

/* rate_kept returns the limit that is switched on again, in kB/s. */
static uint64_t
rate_kept(const struct transmission *t)
{
	struct fail ignored;
	char *text = NULL;

	if (catalogue_setting_get(t->env->registry->catalogue, SETTING_RATE, &text, &ignored) != 0)
		return KILO_PRESET;
	uint64_t kilo = strtoull(text, NULL, 10);
	free(text);
	return kilo;
}

void
tr_limits_tell(const struct transmission *t, json_t *json)
{
	const struct options *options = t->env->options;
	const struct limits *all = t->env->policy != NULL ? policy_all(t->env->policy) : &limits_none;
	uint64_t rate = all->rate_bytes_per_s;
	uint64_t kilo = rate > 0 ? (rate + TR_KILO - 1) / TR_KILO : rate_kept(t);
	json_int_t connections = all->connections_max > 0 ? (json_int_t)all->connections_max
	                                                  : options->connections_max;

	json_object_set_new(json, "speed-limit-up", json_integer((json_int_t)kilo));
	json_object_set_new(json, "speed-limit-up-enabled", json_boolean(rate > 0));
	json_object_set_new(json, "peer-limit-global", json_integer(connections));
	json_object_set_new(json, "peer-limit-per-torrent", json_integer(connections));
	json_object_set_new(json, "blocklist-enabled", json_boolean(options->blocklist[0] != '\0'));
	json_object_set_new(json, "blocklist-size",
	                    json_integer(t->env->policy != NULL ? policy_blocks(t->env->policy)->cnt
	                                                        : 0));
}

/* rate_set changes the rate as far as it is asked for. Returns 0 or -1 after tr_refuse. */
static int
rate_set(struct tr_call *call, struct limits *limits)
{
	json_int_t kilo = (json_int_t)rate_kept(call->t);
	bool enabled = limits->rate_bytes_per_s > 0;
	int has_kilo = tr_number(call, "speed-limit-up", &kilo);
	int has_enabled = has_kilo < 0 ? -1 : tr_bool(call, "speed-limit-up-enabled", &enabled);
	struct fail fail;
	char text[24];

	if (has_kilo < 0 || has_enabled < 0)
		return -1;
	if (kilo < 0 || kilo > INT32_MAX) {
		tr_refuse(call, "speed-limit-up: not in 0 to %d", INT32_MAX);
		return -1;
	}
	snprintf(text, sizeof(text), "%lld", (long long)kilo);
	if (has_kilo == 1 && catalogue_setting_set(call->t->env->registry->catalogue, SETTING_RATE,
	                                           text, &fail) != 0) {
		tr_refuse(call, "speed-limit-up: %s", fail.text);
		return -1;
	}
	if (has_kilo == 0 && has_enabled == 0)
		return 0;
	if (!enabled)
		limits->rate_bytes_per_s = 0;
	else if (has_kilo == 1 || limits->rate_bytes_per_s == 0)
		/* 0 is "nothing at all" there, "no limit" here. */
		limits->rate_bytes_per_s = kilo > 0 ? (uint64_t)kilo * TR_KILO : 1;
	return 0;
}

bool
tr_limits_set(struct tr_call *call)
{
	struct policy *policy = call->t->env->policy;
	json_int_t connections = 0;
	struct fail fail;

	if (policy == NULL)
		return true; /* what is asked for differs from what is told, and is refused then */
	struct limits limits = *policy_all(policy);
	int has_connections = tr_number(call, "peer-limit-global", &connections);
	if (has_connections < 0 || rate_set(call, &limits) != 0)
		return false;
	int64_t connections_max = call->t->env->options->connections_max;
	if (has_connections == 1 && (connections < 1 || connections > connections_max)) {
		tr_refuse(call, "peer-limit-global: not in 1 to %" PRId64 ", the option connections_max",
		          connections_max);
		return false;
	}
	if (has_connections == 1)
		limits.connections_max = connections == connections_max ? 0 : (uint32_t)connections;
	const struct limits *now = policy_all(policy);
	bool differs = limits.rate_bytes_per_s != now->rate_bytes_per_s ||
	               limits.connections_max != now->connections_max;
	if (differs && policy_set_all(policy, &limits, &fail) != 0)
		tr_refuse(call, "%s", fail.text);
	return !call->refused;
}

void
tr_blocklist_update(struct tr_call *call)
{
	struct policy *policy = call->t->env->policy;

	if (policy == NULL || call->t->env->options->blocklist[0] == '\0') {
		tr_refuse(call, "there is no block list: see the option blocklist");
		return;
	}
	policy_reconfigure(policy);
	json_object_set_new(call->out, "blocklist-size", json_integer(policy_blocks(policy)->cnt));
}
