/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Connections as control sees them. */
#include "dataplane/worker/peers.h"

#include "dataplane/base/limits.h"
#include "dataplane/worker/worker.h"

#include <stdio.h>
#include <string.h>

static_assert(ABI_CONGESTION_CNT == (int)TCP_CC_CNT &&
	      ABI_CONGESTION_CUBIC == (int)TCP_CC_CUBIC &&
	      ABI_CONGESTION_BBR == (int)TCP_CC_BBR &&
	      ABI_CONGESTION_NEWRENO == (int)TCP_CC_NEWRENO, "one enumeration, told twice");
static_assert(ABI_LIMITED_CNT == (int)TCP_LIMIT_CNT &&
	      ABI_LIMITED_REQUESTS == (int)TCP_LIMIT_REQUESTS &&
	      ABI_LIMITED_DISK == (int)TCP_LIMIT_DISK &&
	      ABI_LIMITED_WINDOW == (int)TCP_LIMIT_RWND &&
	      ABI_LIMITED_CONGESTION == (int)TCP_LIMIT_CWND &&
	      ABI_LIMITED_PACING == (int)TCP_LIMIT_PACING &&
	      ABI_LIMITED_RECOVERY == (int)TCP_LIMIT_RECOVERY &&
	      ABI_LIMITED_SENDING == (int)TCP_LIMIT_SENDING, "one enumeration, told twice");
static_assert((int)TCP_TRACE_MAX <= (int)ABI_TRACE_MAX, "a whole trace fits");

static void
connection_fill(struct worker *worker, const struct session *session, struct abi_peer *peer)
{
	struct tcp_info info;

	tcp_info(worker->tcp, session->tcb, &info);
	for (uint32_t i = 0; i < TCP_LIMIT_CNT; i++) {
		peer->limit_us[i] = info.limit_us[i];
		peer->connected_us += info.limit_us[i];
	}
	peer->limit = info.limit;
	peer->congestion = info.cc;
	peer->acked_bytes = info.acked_bytes;
	peer->retransmit_bytes = info.retransmit_bytes;
	peer->rate_bytes_per_s = session_rate(worker, session, info.acked_bytes);
	peer->address_be = info.remote_be;
	peer->port = info.remote_port;
	peer->mss = info.mss;
	peer->rtt_us = info.srtt_us;
	peer->rtt_min_us = info.min_rtt_us;
	peer->rto_us = info.rto_us;
	peer->pacing_bytes_per_s = info.pacing_bytes_per_s;
	peer->delivery_bytes_per_s = info.delivery_bytes_per_s;
	peer->flags = info.ecn ? ABI_PEER_ECN : 0;
	peer->cwnd_bytes = info.cwnd_bytes;
	peer->ssthresh_bytes = info.ssthresh_bytes;
	peer->window_bytes = info.snd_wnd_bytes;
	peer->flight_bytes = info.flight_bytes;
	peer->queued_bytes = info.queued_bytes;
}

static void
peer_fill(struct worker *worker, const struct session *session, struct abi_peer *peer)
{
	const struct torrent *torrent = wire_torrent(session->peer);
	const uint8_t *peer_id = wire_peer_id(session->peer);

	memset(peer, 0, sizeof(*peer));
	connection_fill(worker, session, peer);
	peer->torrent_id = torrent != NULL ? torrent->id : 0;
	peer->flags |= wire_interested(session->peer) ? ABI_PEER_INTERESTED : 0;
	peer->flags |= wire_unchoked(session->peer) ? ABI_PEER_UNCHOKED : 0;
	peer->request_cnt = wire_request_cnt(session->peer);
	if (peer_id != NULL)
		memcpy(peer->peer_id, peer_id, sizeof(peer->peer_id));
}

static bool
is_wanted(const struct session *session, uint32_t torrent_id)
{
	const struct torrent *torrent;

	if (session->tcb == NULL)
		return false;
	torrent = wire_torrent(session->peer);
	return torrent_id == 0 || (torrent != NULL && torrent->id == torrent_id);
}

void
peers_fill(struct worker *worker, const struct abi_peers_ask *ask, struct abi_peers *out)
{
	uint32_t cnt = worker->sessions.cnt;
	uint32_t at = MIN(ask->cursor, cnt);
	uint32_t until = MIN((uint64_t)at + PEERS_LOOK_MAX, (uint64_t)cnt);

	memset(out, 0, offsetof(struct abi_peers, peer));
	for (; at < until && out->cnt < ABI_PEERS_MAX; at++) {
		const struct session *session = pool_at(&worker->sessions, at);

		if (is_wanted(session, ask->torrent_id))
			peer_fill(worker, session, &out->peer[out->cnt++]);
	}
	memset(&out->peer[out->cnt], 0, (ABI_PEERS_MAX - out->cnt) * sizeof(out->peer[0]));
	out->cursor = at;
	out->last = at == cnt;
}

static void
event_fill(const struct worker *worker, const struct trace_event *from, struct abi_trace_event *to)
{
	to->ago_us = worker->now_us > from->at_us ? worker->now_us - from->at_us : 0;
	to->value[0] = from->a;
	to->value[1] = from->b;
	snprintf(to->name, sizeof(to->name), "%s", trace_name(from->kind));
	for (uint32_t i = 0; i < 2; i++)
		snprintf(to->value_name[i], sizeof(to->value_name[i]), "%s",
		         trace_value_name(from->kind, i));
	if (from->kind == TRACE_state)
		snprintf(to->text, sizeof(to->text), "%s became %s",
		         tcp_state_name((enum tcp_state)from->a),
		         tcp_state_name((enum tcp_state)from->b));
	else
		trace_text(from, to->text, sizeof(to->text));
}

bool
peers_trace(struct worker *worker, const struct abi_trace_ask *ask, struct abi_traced *out)
{
	const struct tcb *tcb = tcp_find(worker->tcp, ask->address_be, ask->port);
	struct trace_event events[TCP_TRACE_MAX];

	if (tcb == NULL)
		return false;
	memset(out, 0, sizeof(*out));
	out->cnt = tcp_trace(worker->tcp, tcb, events);
	for (uint32_t i = 0; i < out->cnt; i++)
		event_fill(worker, &events[i], &out->event[i]);
	return true;
}
