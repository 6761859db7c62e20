/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The commands that look at connections. */
#include "control/commands/commands_peers.h"

#include "control/commands/answer_peer.h"
#include "control/link/session_query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int
peers_trace_read(struct peers_watch *watch, const json_t *request, struct fail *fail)
{
	const char *text = json_string_value(json_object_get(request, "peer"));
	const char *colon = text != NULL ? strrchr(text, ':') : NULL;
	char host[INET_ADDRSTRLEN] = "", *end = NULL;
	struct in_addr in;
	unsigned long port = 0;

	if (colon != NULL && (size_t)(colon - text) < sizeof(host)) {
		memcpy(host, text, (size_t)(colon - text));
		if (colon[1] >= '0' && colon[1] <= '9')
			port = strtoul(colon + 1, &end, 10);
	}
	if (end == NULL || *end != '\0' || port < 1 || port > 65535 ||
	    inet_pton(AF_INET, host, &in) != 1)
		return fail_set(fail, EINVAL, "\"%.64s\" is not ADDRESS:PORT of a peer",
		                text != NULL ? text : "");
	*watch = (struct peers_watch){
		.is_trace = true,
		.trace = {.address_be = in.s_addr, .port = (uint16_t)port},
	};
	return 0;
}

static uint32_t
ask(const struct commands_env *env, const struct peers_watch *watch)
{
	struct session *session = link_session(env->link, watch->worker);

	if (watch->is_trace)
		return session_query_ask(session, ABI_TRACE, &watch->trace, sizeof(watch->trace));
	return session_query_ask(session, ABI_PEERS, &watch->peers, sizeof(watch->peers));
}

/* next_worker turns to the worker that is to be asked next. Returns false after the last. */
static bool
next_worker(const struct commands_env *env, struct peers_watch *watch)
{
	watch->peers.cursor = 0;
	return ++watch->worker < link_worker_cnt(env->link);
}

static bool
end(const struct commands_env *env, uint64_t client, json_t *line)
{
	rpc_send(env->rpc, client, line, true);
	return true;
}

static bool
end_error(const struct commands_env *env, uint64_t client, const char *text)
{
	rpc_send_error(env->rpc, client, text);
	return true;
}

/* on_traced sends a trace. Returns true when that is all; else the next worker may have it. */
static bool
on_traced(const struct commands_env *env, uint64_t client, struct peers_watch *watch,
          const struct abi_msg *answer)
{
	struct in_addr in = {.s_addr = watch->trace.address_be};
	char host[INET_ADDRSTRLEN], text[128];

	inet_ntop(AF_INET, &in, host, sizeof(host));
	if (answer->hdr.type == ABI_TRACED) {
		snprintf(text, sizeof(text), "%s:%u", host, watch->trace.port);
		return end(env, client, json_pack("{s:b, s:s, s:o}", "ok", 1, "address", text, "trace",
		                                  answer_trace(&answer->u.traced)));
	}
	if (next_worker(env, watch))
		return false;
	snprintf(text, sizeof(text), "no peer %s:%u is connected", host, watch->trace.port);
	return end_error(env, client, text);
}

/* on_peers sends a batch. Returns true when it was the last. */
static bool
on_peers(const struct commands_env *env, uint64_t client, struct peers_watch *watch,
         const struct abi_msg *answer)
{
	const struct abi_peers *peers = &answer->u.peers;

	if (answer->hdr.type != ABI_PEER || (!peers->last && peers->cursor <= watch->peers.cursor))
		return end_error(env, client, "the dataplane does not tell its peers");
	for (uint32_t i = 0; i < peers->cnt; i++)
		rpc_send(env->rpc, client,
		         json_pack("{s:o}", "peer",
		                   answer_peer(env->registry->torrents, &peers->peer[i])),
		         false);
	watch->sent_cnt += peers->cnt;
	watch->peers.cursor = peers->cursor;
	if (!peers->last || next_worker(env, watch))
		return false;
	return end(env, client,
	           json_pack("{s:b, s:I}", "ok", 1, "peers", (json_int_t)watch->sent_cnt));
}

bool
peers_watch_run(const struct commands_env *env, uint64_t client, struct peers_watch *watch)
{
	const struct abi_msg *answer;

	if (watch->ticket != 0) {
		int got = session_query_take(link_session(env->link, watch->worker), watch->ticket,
		                             &answer);
		if (got == 0)
			return false;
		watch->ticket = 0;
		if (got < 0)
			return end_error(env, client, "the dataplane went away meanwhile");
		if (watch->is_trace ? on_traced(env, client, watch, answer)
		                    : on_peers(env, client, watch, answer))
			return true;
	}
	if (!link_ready(env->link))
		return end_error(env, client, "the dataplane is not running");
	if (rpc_hungry(env->rpc, client))
		watch->ticket = ask(env, watch);
	return false;
}

void
peers_watch_drop(const struct commands_env *env, struct peers_watch *watch)
{
	if (watch->ticket != 0)
		session_query_drop(link_session(env->link, watch->worker), watch->ticket);
	watch->ticket = 0;
}
