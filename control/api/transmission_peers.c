/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The peers of a torrent, asked of each worker in turn. */
#include "control/api/transmission_view.h"

#include "control/commands/client_name.h"
#include "control/link/link.h"
#include "control/link/session_query.h"

#include <arpa/inet.h>

/* is_uploaded is true of a peer that gets blocks. */
static bool
is_uploaded(const struct abi_peer *peer)
{
	return peer->rate_bytes_per_s > 0 || peer->request_cnt > 0;
}

/* flag_text writes what tools show in one word: "U", it gets blocks; "u", it wants to and is
 * choked; "?", it wants none; and "I", it came to us. */
static const char *
flag_text(const struct abi_peer *peer)
{
	bool unchoked = (peer->flags & ABI_PEER_UNCHOKED) != 0;
	bool interested = (peer->flags & ABI_PEER_INTERESTED) != 0;

	if (is_uploaded(peer))
		return "UI";
	return interested && !unchoked ? "uI" : "?I";
}

static json_t *
peer_json(const struct abi_peer *peer)
{
	struct in_addr in = {.s_addr = peer->address_be};
	char host[INET_ADDRSTRLEN], client[CLIENT_NAME_MAX];
	bool uploaded = is_uploaded(peer);
	bool interested = uploaded || (peer->flags & ABI_PEER_INTERESTED) != 0;
	bool choked = !uploaded && (peer->flags & ABI_PEER_UNCHOKED) == 0;

	inet_ntop(AF_INET, &in, host, sizeof(host));
	client_name(peer->peer_id, client);
	return json_pack("{s:s, s:s, s:b, s:b, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:i, s:f, s:i, "
	                 "s:I}",
	                 "address", host, "clientName", client, "clientIsChoked", 1,
	                 "clientIsInterested", 0, "flagStr", flag_text(peer), "isDownloadingFrom", 0,
	                 "isEncrypted", 0, "isIncoming", 1, "isUploadingTo", uploaded, "isUTP", 0,
	                 "peerIsChoked", choked, "peerIsInterested", interested, "port",
	                 (int)peer->port, "progress", 0.0, "rateToClient", 0, "rateToPeer",
	                 (json_int_t)peer->rate_bytes_per_s);
}

/* answer_take takes a batch. Returns true when the worker has no more. */
static bool
answer_take(struct tr_peers *peers, const struct abi_msg *answer)
{
	const struct abi_peers *batch = &answer->u.peers;

	if (answer->hdr.type != ABI_PEER || batch->cnt > ABI_PEERS_MAX ||
	    (!batch->last && batch->cursor <= peers->cursor))
		return true;
	for (uint32_t i = 0; i < batch->cnt; i++)
		json_array_append_new(peers->list, peer_json(&batch->peer[i]));
	peers->cursor = batch->cursor;
	return batch->last != 0;
}

static void
next_worker(struct tr_peers *peers)
{
	peers->worker++;
	peers->cursor = 0;
}

bool
tr_peers_ask(const struct transmission *t, uint32_t torrent_id, struct tr_peers *peers)
{
	struct link *link = t->env->link;
	const struct abi_msg *answer;

	if (peers->list == NULL)
		peers->list = json_array();
	if (link == NULL || peers->list == NULL)
		return true;
	if (peers->ticket != 0) {
		int got = session_query_take(link_session(link, peers->worker), peers->ticket, &answer);
		if (got == 0)
			return false;
		peers->ticket = 0;
		if (got < 0 || answer_take(peers, answer))
			next_worker(peers);
	}
	if (peers->worker >= link_worker_cnt(link) || !link_ready(link))
		return true;
	struct abi_peers_ask ask = {.cursor = peers->cursor, .torrent_id = torrent_id};
	peers->ticket = session_query_ask(link_session(link, peers->worker), ABI_PEERS, &ask,
	                                  sizeof(ask));
	return false;
}

void
tr_peers_drop(const struct transmission *t, struct tr_peers *peers)
{
	if (peers->ticket != 0)
		session_query_drop(link_session(t->env->link, peers->worker), peers->ticket);
	json_decref(peers->list);
	*peers = (struct tr_peers){0};
}
