/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The commands "limit" and "drain". */
#include "control/commands/commands_limit.h"

#include "control/commands/answer.h"
#include "control/commands/commands_parts.h"
#include "control/policy/policy.h"
#include "control/catalogue/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- what there is */

static json_t *
limits_json(const char *key, const char *name, const struct limits *limits)
{
	json_t *json = json_pack("{s:I, s:I, s:I}", "rate_bytes_per_s",
	                         (json_int_t)limits->rate_bytes_per_s, "weight",
	                         (json_int_t)limits->weight, "connections_max",
	                         (json_int_t)limits->connections_max);

	if (key != NULL)
		json_object_set_new(json, key, json_string(name));
	return json;
}

static json_t *
limits_all(const struct commands_env *env)
{
	const struct label_limits *labels = policy_labels(env->policy);
	const struct peer_classes *classes = policy_classes(env->policy);
	const struct options *options = env->options;
	json_t *label_rows = json_array(), *class_rows = json_array();

	for (uint32_t i = 0; i < labels->cnt; i++)
		json_array_append_new(label_rows, limits_json("label", labels->row[i].label,
		                                              &labels->row[i].limits));
	for (uint32_t i = 0; i < classes->cnt; i++)
		json_array_append_new(class_rows, limits_json("class", classes->row[i].name,
		                                              &classes->row[i].limits));
	return json_pack("{s:o, s:o, s:o, s:I, s:s, s:s, s:s, s:I, s:b}", "global",
	                 limits_json(NULL, NULL, policy_all(env->policy)), "labels", label_rows,
	                 "classes", class_rows, "upload_slots", (json_int_t)options->upload_slots,
	                 "choke", options->choke == ABI_CHOKE_FASTEST ? "fastest" : "round_robin",
	                 "slow_peer", options->slow_peer, "blocklist", options->blocklist,
	                 "blocked_ranges", (json_int_t)policy_blocks(env->policy)->cnt, "drain",
	                 policy_drains(env->policy));
}

/* ---- changing */

/* limits_read reads what a request changes over what there is. */
static int
limits_read(struct limits *limits, const json_t *request, struct fail *fail)
{
	struct torrent_settings settings = {
		.rate_bytes_per_s = limits->rate_bytes_per_s,
		.weight = limits->weight,
		.connections_max = limits->connections_max,
	};
	int err = settings_read(&settings, request, fail);

	*limits = (struct limits){
		.rate_bytes_per_s = settings.rate_bytes_per_s,
		.weight = settings.weight,
		.connections_max = settings.connections_max,
	};
	return err;
}

static bool
changes(const json_t *request)
{
	return json_object_get(request, "rate_bytes_per_s") != NULL ||
	       json_object_get(request, "weight") != NULL ||
	       json_object_get(request, "connections_max") != NULL;
}

static int
global_set(const struct commands_env *env, const json_t *request, struct fail *fail)
{
	struct limits limits = *policy_all(env->policy);
	int err = limits_read(&limits, request, fail);

	if (err == 0 && json_object_get(request, "weight") != NULL)
		err = fail_set(fail, EINVAL, "the limit of all has no weight: it shares with nothing");
	if (err == 0 && limits.connections_max > (uint64_t)env->options->connections_max)
		err = fail_set(fail, EINVAL, "more connections than option connections_max, %" PRId64,
		               env->options->connections_max);
	return err != 0 ? err : policy_set_all(env->policy, &limits, fail);
}

static int
label_set(const struct commands_env *env, const json_t *request, const char *label,
          struct fail *fail)
{
	const struct label_limit *row =
		label_limits_find((struct label_limits *)policy_labels(env->policy), label);
	struct limits limits = row != NULL ? row->limits : limits_none;
	int err = limits_read(&limits, request, fail);

	return err != 0 ? err : policy_set_label(env->policy, label, &limits, fail);
}

static int
class_set(const struct commands_env *env, const json_t *request, const char *name,
          struct fail *fail)
{
	const struct peer_class *class =
		peer_classes_find((struct peer_classes *)policy_classes(env->policy), name);
	struct limits limits = class != NULL ? class->limits : limits_none;
	int err = limits_read(&limits, request, fail);

	return err != 0 ? err : policy_set_class(env->policy, name, &limits, fail);
}

/* policy_change does what a request changes. */
static int
policy_change(const struct commands_env *env, const json_t *request, struct fail *fail)
{
	const char *of = json_string_value(json_object_get(request, "of"));
	const char *name = json_string_value(json_object_get(request, "name"));

	if (json_is_true(json_object_get(request, "reset")))
		return policy_forget(env->policy, fail);
	if (of == NULL && !changes(request))
		return 0;
	if (of != NULL && strcmp(of, "global") == 0)
		return changes(request) ? global_set(env, request, fail) : 0;
	if (of == NULL || name == NULL || !changes(request))
		return fail_set(fail, EINVAL, "say what is to change: a rate, a weight or connections");
	if (strcmp(of, "label") == 0)
		return label_set(env, request, name, fail);
	if (strcmp(of, "class") == 0)
		return class_set(env, request, name, fail);
	return fail_set(fail, EINVAL, "\"of\" is not global, label, class or torrent");
}

static void
torrent_limit(const struct commands_env *env, const struct rpc_request *request)
{
	const char *name = json_string_value(json_object_get(request->json, "name"));
	struct torrent *torrent = NULL;
	struct torrent_settings settings;
	struct fail fail;
	int err = commands_torrent(env, name, &torrent, &fail);

	if (err == 0) {
		settings = torrent->settings;
		err = settings_read(&settings, request->json, &fail);
	}
	if (err == 0 && changes(request->json))
		err = registry_set_settings(env->registry, torrent, &settings, &fail);
	if (err != 0) {
		commands_refuse(env, request->client, fail.text);
		return;
	}
	tally_stats(env->tally);
	rpc_send(env->rpc, request->client,
	         json_pack("{s:b, s:o}", "ok", 1, "torrent", answer_torrent(env, torrent)), true);
}

void
limit_answer(const struct commands_env *env, const struct rpc_request *request)
{
	const char *of = json_string_value(json_object_get(request->json, "of"));
	struct fail fail;

	if (of != NULL && strcmp(of, "torrent") == 0)
		torrent_limit(env, request);
	else if (policy_change(env, request->json, &fail) != 0)
		commands_refuse(env, request->client, fail.text);
	else
		rpc_send(env->rpc, request->client,
		         json_pack("{s:b, s:o}", "ok", 1, "limits", limits_all(env)), true);
}

/* ---- drain */

void
drain_answer(const struct commands_env *env, const struct rpc_request *request)
{
	const json_t *on = json_object_get(request->json, "on");
	const struct stats *stats = tally_stats(env->tally);
	struct fail fail;
	uint64_t peers = 0;

	if (on != NULL && policy_set_drain(env->policy, json_is_true(on), &fail) != 0) {
		commands_refuse(env, request->client, fail.text);
		return;
	}
	if (stats != NULL)
		peers = stats_counter_named(stats, "tcp_connections");
	rpc_send(env->rpc, request->client,
	         json_pack("{s:b, s:b, s:I}", "ok", 1, "drain", policy_drains(env->policy), "peers",
	                   (json_int_t)peers),
	         true);
}
