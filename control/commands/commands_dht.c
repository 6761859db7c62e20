/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The DHT as JSON. */
#include "control/commands/commands_dht.h"

#include "control/commands/answer.h"

#include <string.h>

static json_t *
address_answer(const struct dht_address *address)
{
	char text[DHT_ADDRESS_TEXT_MAX];

	return json_string(address->ip_len != 0 ? dht_address_text(address, text) : "");
}

static json_t *
external_answer(const struct dht_address *address)
{
	char text[DHT_ADDRESS_TEXT_MAX];

	if (address->ip_len == 0)
		return json_string("");
	dht_address_text(address, text);
	*strrchr(text, ':') = '\0'; /* it has no port */
	return json_string(text);
}

static json_t *
node_answer(const struct dht_node_status *status)
{
	json_t *counters = json_object();

	for (int i = 0; i < DHT_CTR_CNT; i++)
		json_object_set_new(counters, dht_counter_names[i],
		                    json_integer((json_int_t)status->counter[i]));
	return json_pack(
		"{s:s, s:o, s:o, s:o, s:b, s:i, s:i, s:i, s:i, s:i, s:i, s:o}",
		"family", status->own.ip_len == 4 ? "ipv4" : "ipv6",
		"address", address_answer(&status->own),
		"external", external_answer(&status->external),
		"id", answer_hex(status->id, DHT_ID_LEN),
		"read_only", status->read_only,
		"nodes_good", (int)status->good_cnt,
		"nodes_dubious", (int)status->dubious_cnt,
		"nodes_refused", (int)status->refused_cnt,
		"peers_stored", (int)status->peer_cnt,
		"lookups", (int)status->lookup_cnt,
		"waiting_replies", (int)status->call_cnt,
		"counters", counters);
}

json_t *
answer_dht(const struct dht *dht)
{
	static struct dht_status status;
	json_t *nodes = json_array();

	dht_status(dht, &status);
	for (int i = 0; i < DHT_FAMILIES; i++)
		if (status.there[i])
			json_array_append_new(nodes, node_answer(&status.node[i]));
	return json_pack("{s:b, s:o, s:i, s:i, s:o}", "on", status.on,
	                 "reason", answer_text(status.reason),
	                 "torrents", (int)status.torrent_cnt,
	                 "waiting", (int)status.waiting_cnt,
	                 "nodes", nodes);
}

json_t *
answer_dht_texts(void)
{
	json_t *texts = json_object();

	for (int i = 0; i < DHT_CTR_CNT; i++)
		json_object_set_new(texts, dht_counter_names[i], json_string(dht_counter_texts[i]));
	return texts;
}

static const char *
torrent_state(const struct dht_torrent *t)
{
	if (t->is_private)
		return "private";
	if (t->busy)
		return "announcing";
	if (t->at_s == 0)
		return "waiting";
	return t->stored_cnt > 0 ? "announced" : "failed";
}

json_t *
answer_dht_torrent(const struct dht *dht, const struct torrent *torrent)
{
	struct dht_torrent t = {0};
	bool there = dht_torrent(dht, torrent, &t);

	return json_pack("{s:s, s:I, s:i}", "state", there ? torrent_state(&t) : "off",
	                 "announced_at", (json_int_t)t.at_s,
	                 "stored_by", (int)t.stored_cnt);
}
