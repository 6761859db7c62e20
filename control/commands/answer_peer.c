/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Connections as JSON. */
#include "control/commands/answer_peer.h"

#include "control/commands/answer.h"
#include "control/base/classes.h"
#include "control/commands/client_name.h"

#include <arpa/inet.h>
#include <string.h>

const char *const answer_limit_names[ABI_LIMITED_CNT] = {
	[ABI_LIMITED_REQUESTS] = "requests",
	[ABI_LIMITED_DISK] = "disk",
	[ABI_LIMITED_WINDOW] = "window",
	[ABI_LIMITED_CONGESTION] = "congestion",
	[ABI_LIMITED_PACING] = "pacing",
	[ABI_LIMITED_RECOVERY] = "recovery",
	[ABI_LIMITED_SENDING] = "sending",
};

static json_int_t
number(uint64_t value)
{
	return (json_int_t)value;
}

static json_t *
address_text(const struct abi_peer *peer)
{
	struct in_addr in = {.s_addr = peer->address_be};
	char host[INET_ADDRSTRLEN], text[INET_ADDRSTRLEN + 8];

	inet_ntop(AF_INET, &in, host, sizeof(host));
	snprintf(text, sizeof(text), "%s:%u", host, peer->port);
	return json_string(text);
}

/* torrent_add says which torrent, if the peer has named one that we still know. */
static void
torrent_add(json_t *json, const struct torrents *torrents, const struct abi_peer *peer)
{
	const struct torrent *torrent = torrents_by_id(torrents, peer->torrent_id);

	json_object_set_new(json, "torrent", torrent ? answer_text(torrent->name) : json_null());
	json_object_set_new(json, "info_hash",
	                    torrent ? answer_hex(torrent->info_hash, 20) : json_null());
}

static json_t *
limits_answer(const struct abi_peer *peer)
{
	json_t *json = json_object();

	for (int i = 0; i < ABI_LIMITED_CNT; i++)
		json_object_set_new(json, answer_limit_names[i], json_integer(number(peer->limit_us[i])));
	return json;
}

json_t *
answer_peer(const struct torrents *torrents, const struct abi_peer *peer)
{
	char client[CLIENT_NAME_MAX];

	client_name(peer->peer_id, client);
	json_t *json = json_pack(
		"{s:o, s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}",
		"address", address_text(peer),
		"client", client,
		"congestion", congestion_names[peer->congestion],
		"ecn", (peer->flags & ABI_PEER_ECN) != 0,
		"interested", (peer->flags & ABI_PEER_INTERESTED) != 0,
		"unchoked", (peer->flags & ABI_PEER_UNCHOKED) != 0,
		"connected_us", number(peer->connected_us),
		"acked_bytes", number(peer->acked_bytes),
		"retransmit_bytes", number(peer->retransmit_bytes),
		"rate_bytes_per_s", number(peer->rate_bytes_per_s),
		"pacing_bytes_per_s", number(peer->pacing_bytes_per_s),
		"delivery_bytes_per_s", number(peer->delivery_bytes_per_s),
		"limit", answer_limit_names[peer->limit],
		"limit_us", limits_answer(peer));
	const struct {
		const char *name;
		uint32_t value;
	} numbers[] = {
		{"rtt_us", peer->rtt_us},             {"rtt_min_us", peer->rtt_min_us},
		{"rto_us", peer->rto_us},             {"cwnd_bytes", peer->cwnd_bytes},
		{"ssthresh_bytes", peer->ssthresh_bytes}, {"window_bytes", peer->window_bytes},
		{"flight_bytes", peer->flight_bytes}, {"queued_bytes", peer->queued_bytes},
		{"mss", peer->mss},                   {"requests", peer->request_cnt},
	};

	if (json == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_object_set_new(json, numbers[i].name, json_integer(numbers[i].value));
	torrent_add(json, torrents, peer);
	return json;
}

json_t *
answer_trace(const struct abi_traced *traced)
{
	json_t *events = json_array();

	for (uint32_t i = 0; i < traced->cnt; i++) {
		const struct abi_trace_event *event = &traced->event[i];
		json_t *json = json_pack("{s:I, s:o, s:o}", "ago_us", number(event->ago_us), "event",
		                         answer_text(event->name), "text", answer_text(event->text));
		for (int k = 0; json != NULL && k < 2; k++)
			json_object_set_new(json, event->value_name[k],
			                    json_integer(number(event->value[k])));
		json_array_append_new(events, json);
	}
	return events;
}
