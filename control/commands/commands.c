/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The operator's commands. What they answer with is made in answer.c. */
#include "control/commands/commands.h"

#include "control/commands/answer.h"
#include "control/base/clock.h"
#include "control/commands/commands_announce.h"
#include "control/commands/commands_active.h"
#include "control/commands/commands_add.h"
#include "control/api/commands_api.h"
#include "control/commands/commands_apply.h"
#include "control/commands/commands_change.h"
#include "control/commands/commands_dht.h"
#include "control/commands/commands_limit.h"
#include "control/commands/commands_list.h"
#include "control/commands/commands_parts.h"
#include "control/commands/commands_peers.h"
#include "control/commands/commands_reload.h"
#include "control/commands/commands_verify.h"
#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum watch_kind {
	WATCH_NONE,
	WATCH_ADD,  /* until verified and served */
	WATCH_LIST, /* until all are listed */
	WATCH_APPLY, /* until a manifest is applied */
	WATCH_PEERS, /* until the dataplane has told */
	WATCH_VERIFY, /* until all are verified */
};

/* A request that takes time. */
struct watch {
	enum watch_kind kind;
	uint64_t client;
	uint32_t id; /* the torrent */
	int64_t progress_ms; /* when the last progress line was sent */
	struct peers_watch peers;
	struct list_watch list;
	struct verify_watch verify;
	struct apply_watch apply;
};

struct commands {
	struct commands_env env;
	struct watch watches[RPC_CLIENTS_MAX]; /* one request at a time per client */
};

int
commands_create(struct commands **commands, const struct commands_env *env)
{
	*commands = calloc(1, sizeof(**commands));
	if (*commands == NULL)
		return -ENOMEM;
	(*commands)->env = *env;
	return 0;
}

void
commands_destroy(struct commands *commands)
{
	free(commands);
}

int
commands_timeout_ms(const struct commands *commands)
{
	int timeout_ms = -1;

	for (int i = 0; i < RPC_CLIENTS_MAX; i++) {
		const struct watch *w = &commands->watches[i];

		if (w->kind == WATCH_LIST && rpc_hungry(commands->env.rpc, w->client))
			return 0;
		if (w->kind != WATCH_NONE)
			timeout_ms = COMMANDS_PROGRESS_MS;
	}
	return timeout_ms;
}

/* watch_clear frees a place. */
static void
watch_clear(struct commands *commands, struct watch *w)
{
	peers_watch_drop(&commands->env, &w->peers);
	list_watch_drop(&w->list);
	verify_watch_drop(&w->verify);
	apply_watch_drop(&commands->env, &w->apply);
	*w = (struct watch){.kind = WATCH_NONE};
}

/* watch_begin returns the place of a request that takes time, or NULL: refused. */
static struct watch *
watch_begin(struct commands *commands, const struct rpc_request *request, enum watch_kind kind,
            uint32_t id)
{
	for (int i = 0; i < RPC_CLIENTS_MAX; i++) {
		struct watch *w = &commands->watches[i];
		if (w->kind != WATCH_NONE && rpc_alive(commands->env.rpc, w->client))
			continue;
		watch_clear(commands, w);
		*w = (struct watch){.kind = kind, .client = request->client, .id = id};
		return w;
	}
	rpc_send_error(commands->env.rpc, request->client, "too many requests");
	return NULL;
}

static void
refuse(struct commands *commands, const struct rpc_request *request, const char *text)
{
	commands_refuse(&commands->env, request->client, text);
}

static void
answer_one(struct commands *commands, uint64_t client, json_t *torrent)
{
	rpc_send(commands->env.rpc, client, json_pack("{s:b, s:o}", "ok", 1, "torrent", torrent), true);
}

/* ---- add */

static void
command_add(struct commands *commands, const struct rpc_request *request)
{
	struct torrent *torrent;
	struct fail fail;

	if (add_run(&commands->env, request, &torrent, &fail) != 0)
		refuse(commands, request, fail.text);
	else if (json_is_true(json_object_get(request->json, "detach")))
		answer_one(commands, request->client, answer_torrent(&commands->env, torrent));
	else
		watch_begin(commands, request, WATCH_ADD, torrent->id);
}

/* ---- The others. */

/* torrent_named finds what the request means, or refuses it. */
static struct torrent *
torrent_named(struct commands *commands, const struct rpc_request *request)
{
	const char *text = json_string_value(json_object_get(request->json, "torrent"));
	struct torrent *torrent = NULL;
	struct fail fail;

	if (commands_torrent(&commands->env, text, &torrent, &fail) == 0)
		return torrent;
	refuse(commands, request, fail.text);
	return NULL;
}

static void
command_list(struct commands *commands, const struct rpc_request *request)
{
	struct list_watch list;
	struct fail fail;

	if (list_watch_begin(&commands->env, &list, request->json, &fail) != 0) {
		refuse(commands, request, fail.text);
		return;
	}
	struct watch *w = watch_begin(commands, request, WATCH_LIST, 0);
	if (w != NULL)
		w->list = list;
	else
		list_watch_drop(&list);
}

static void
command_apply(struct commands *commands, const struct rpc_request *request)
{
	struct apply_watch apply;
	struct fail fail;

	if (apply_watch_begin(&commands->env, &apply, request, &fail) != 0) {
		refuse(commands, request, fail.text);
		return;
	}
	struct watch *w = watch_begin(commands, request, WATCH_APPLY, 0);
	if (w != NULL)
		w->apply = apply;
	else
		apply_watch_drop(&commands->env, &apply);
}

static void
command_show(struct commands *commands, const struct rpc_request *request)
{
	tally_stats(commands->env.tally);
	struct torrent *torrent = torrent_named(commands, request);

	if (torrent != NULL)
		answer_one(commands, request->client, answer_torrent_whole(&commands->env, torrent));
}

static void
command_stats(struct commands *commands, const struct rpc_request *request)
{
	rpc_send(commands->env.rpc, request->client, answer_stats(&commands->env), true);
}

static void
command_active(struct commands *commands, const struct rpc_request *request)
{
	rpc_send(commands->env.rpc, request->client,
	         json_pack("{s:b, s:o}", "ok", 1, "torrents", active_answer(&commands->env)), true);
}

static void
command_dht(struct commands *commands, const struct rpc_request *request)
{
	rpc_send(commands->env.rpc, request->client,
	         json_pack("{s:b, s:o, s:o}", "ok", 1, "dht", answer_dht(commands->env.dht),
	                   "counter_texts", answer_dht_texts()),
	         true);
}

static void
command_peers(struct commands *commands, const struct rpc_request *request)
{
	uint32_t torrent_id = 0;

	if (json_object_get(request->json, "torrent") != NULL) {
		const struct torrent *torrent = torrent_named(commands, request);
		if (torrent == NULL)
			return;
		torrent_id = torrent->id;
	}
	struct watch *w = watch_begin(commands, request, WATCH_PEERS, 0);
	if (w != NULL)
		w->peers.peers.torrent_id = torrent_id;
}

static void
command_trace(struct commands *commands, const struct rpc_request *request)
{
	struct peers_watch trace;
	struct fail fail;

	if (peers_trace_read(&trace, request->json, &fail) != 0) {
		refuse(commands, request, fail.text);
		return;
	}
	struct watch *w = watch_begin(commands, request, WATCH_PEERS, 0);
	if (w != NULL)
		w->peers = trace;
}

static void
command_verify(struct commands *commands, const struct rpc_request *request)
{
	struct verify_watch verify;
	struct fail fail;

	if (verify_watch_begin(&commands->env, &verify, request->json, &fail) != 0) {
		refuse(commands, request, fail.text);
		return;
	}
	if (json_is_true(json_object_get(request->json, "detach"))) {
		rpc_send(commands->env.rpc, request->client,
		         json_pack("{s:b, s:I}", "ok", 1, "asked", (json_int_t)verify.cnt), true);
		verify_watch_drop(&verify);
		return;
	}
	struct watch *w = watch_begin(commands, request, WATCH_VERIFY, 0);
	if (w != NULL)
		w->verify = verify;
	else
		verify_watch_drop(&verify);
}

static void
command_api_token(struct commands *commands, const struct rpc_request *request)
{
	struct fail fail;
	json_t *answer = api_answer(&commands->env, &fail);

	if (answer != NULL)
		rpc_send(commands->env.rpc, request->client, answer, true);
	else
		refuse(commands, request, fail.text);
}

static void
command_reload(struct commands *commands, const struct rpc_request *request)
{
	struct fail fail;
	json_t *answer = commands_reload(commands->env.reload, &fail);

	if (answer == NULL)
		refuse(commands, request, fail.text);
	else
		rpc_send(commands->env.rpc, request->client, answer, true);
}

static void
command_announce(struct commands *commands, const struct rpc_request *request)
{
	const struct torrent *torrent = NULL;
	struct fail fail;

	if (json_object_get(request->json, "torrent") != NULL &&
	    (torrent = torrent_named(commands, request)) == NULL)
		return;
	json_t *answer = commands_announce(&commands->env, torrent, &fail);
	if (answer == NULL)
		refuse(commands, request, fail.text);
	else
		rpc_send(commands->env.rpc, request->client, answer, true);
}

static const struct {
	const char *name;
	void (*run)(struct commands *commands, const struct rpc_request *request);
	void (*answer)(const struct commands_env *env, const struct rpc_request *request); /* or this */
} table[] = {
	{"add", command_add, NULL},
	{"list", command_list, NULL},
	{"apply", command_apply, NULL},
	{"show", command_show, NULL},
	{"stats", command_stats, NULL},
	{"peers", command_peers, NULL},
	{"trace", command_trace, NULL},
	{"active", command_active, NULL},
	{"api_token", command_api_token, NULL},
	{"reload", command_reload, NULL},
	{"dht", command_dht, NULL},
	{"announce", command_announce, NULL},
	{"verify", command_verify, NULL},
	{"remove", NULL, change_remove},
	{"set", NULL, change_set},
	{"label", NULL, change_label},
	{"limit", NULL, limit_answer},
	{"drain", NULL, drain_answer},
};

static void
request_run(struct commands *commands, const struct rpc_request *request)
{
	const char *name = json_string_value(json_object_get(request->json, "command"));

	for (size_t i = 0; name != NULL && i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(table[i].name, name) == 0) {
			if (table[i].run != NULL)
				table[i].run(commands, request);
			else
				table[i].answer(&commands->env, request);
			return;
		}
	}
	refuse(commands, request, "unknown command");
}

/* ---- What takes time. */

static void
progress_send(struct commands *commands, struct watch *w, const struct torrent *t)
{
	struct work_progress progress;
	int64_t now_ms = clock_now_ms();
	bool begun = work_progress(commands->env.work, t, &progress);

	if (now_ms - w->progress_ms < COMMANDS_PROGRESS_MS)
		return;
	w->progress_ms = now_ms;
	progress.total_bytes = t->total_len;
	rpc_send(commands->env.rpc, w->client,
	         json_pack("{s:o}", "progress",
	                   answer_progress(begun ? "verifying" : "waiting", &progress)),
	         false);
}

static void
watch_end(struct commands *commands, struct watch *w, const char *error)
{
	struct rpc_request request = {.client = w->client};

	w->kind = WATCH_NONE;
	refuse(commands, &request, error);
}

static void
watch_add(struct commands *commands, struct watch *w)
{
	const struct torrent *t = torrents_by_id(commands->env.registry->torrents, w->id);

	if (t == NULL || t->gone)
		watch_end(commands, w, "removed meanwhile");
	else if (t->state == TORRENT_CHANGED || t->state == TORRENT_ERROR)
		watch_end(commands, w, t->reason);
	else if (torrents_whole(t).refused)
		watch_end(commands, w, "the dataplane refused the torrent");
	else if (t->state == TORRENT_VERIFYING && rpc_hungry(commands->env.rpc, w->client))
		progress_send(commands, w, t);
	else if (t->state == TORRENT_SEEDING && (t->settings.paused || torrents_whole(t).held)) {
		w->kind = WATCH_NONE;
		answer_one(commands, w->client, answer_torrent(&commands->env, t));
	}
}

static void
watch_run(struct commands *commands, struct watch *w)
{
	if (!rpc_alive(commands->env.rpc, w->client))
		watch_clear(commands, w);
	else if (w->kind == WATCH_LIST)
		w->kind = list_watch_run(&commands->env, w->client, &w->list) ? WATCH_NONE : WATCH_LIST;
	else if (w->kind == WATCH_APPLY)
		w->kind = apply_watch_run(&commands->env, w->client, &w->apply) ? WATCH_NONE : WATCH_APPLY;
	else if (w->kind == WATCH_ADD)
		watch_add(commands, w);
	else if (w->kind == WATCH_VERIFY)
		w->kind = verify_watch_run(&commands->env, w->client, &w->verify) ? WATCH_NONE
		                                                                  : WATCH_VERIFY;
	else if (peers_watch_run(&commands->env, w->client, &w->peers))
		watch_clear(commands, w);
}

void
commands_run(struct commands *commands)
{
	struct rpc_request request;

	while (rpc_next(commands->env.rpc, &request)) {
		request_run(commands, &request);
		if (request.fd >= 0)
			close(request.fd);
	}
	for (int i = 0; i < RPC_CLIENTS_MAX; i++) {
		struct watch *w = &commands->watches[i];
		if (w->kind == WATCH_NONE)
			continue;
		watch_run(commands, w);
	}
}
