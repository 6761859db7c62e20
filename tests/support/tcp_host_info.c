/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the test host tells of a connection. */
#include "tests/support/tcp_host.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const counter_names[CTR_CNT] = {
#define X(name, kind, text) #name,
	COUNTERS_LIST(X)
#undef X
};

static const char *const limit_names[TCP_LIMIT_CNT] = {
	[TCP_LIMIT_REQUESTS] = "requests",
	[TCP_LIMIT_DISK] = "disk",
	[TCP_LIMIT_RWND] = "rwnd",
	[TCP_LIMIT_CWND] = "cwnd",
	[TCP_LIMIT_PACING] = "pacing",
	[TCP_LIMIT_RECOVERY] = "recovery",
	[TCP_LIMIT_SENDING] = "sending",
};

static const char *const end_names[] = {
	[HOST_OPEN] = "",
	[HOST_CLOSED] = "closed",
	[HOST_RESET] = "reset",
	[HOST_TIMED_OUT] = "timed out",
	[HOST_ABORTED] = "aborted",
};

struct text {
	char *at;
	size_t room;
};

static void __attribute__((format(printf, 2, 3)))
add(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->at, text->room, format, args);
	va_end(args);
	dp_assert(len >= 0 && (size_t)len < text->room);
	text->at += len;
	text->room -= (size_t)len;
}

const char *
host_state_name(const struct host *host, const struct host_conn *conn)
{
	struct tcp_info info;

	if (conn->tcb == NULL)
		return tcp_state_name(conn->time_wait_us > host->now_us ? TCP_TIME_WAIT
		                                                         : TCP_CLOSED);
	tcp_info(host->tcp, conn->tcb, &info);
	return tcp_state_name(info.state);
}

static void
add_window(struct text *text, const struct tcp_info *info)
{
	add(text, ", \"cwnd\": %u, \"ssthresh\": %u, \"srtt\": %u", info->cwnd_bytes,
	    info->ssthresh_bytes, info->srtt_us);
	add(text, ", \"cwnd_bytes\": %u, \"ssthresh_bytes\": %u, \"srtt_us\": %u", info->cwnd_bytes,
	    info->ssthresh_bytes, info->srtt_us);
	add(text, ", \"rto_us\": %u, \"flight_bytes\": %u, \"queued_bytes\": %u", info->rto_us,
	    info->flight_bytes, info->queued_bytes);
	add(text, ", \"acked_bytes\": %" PRIu64 ", \"retransmit_bytes\": %" PRIu64,
	    info->acked_bytes, info->retransmit_bytes);
	add(text, ", \"snd_wnd_bytes\": %u, \"mss\": %u", info->snd_wnd_bytes, info->mss);
}

static void
add_limits(struct text *text, const struct tcp_info *info)
{
	add(text, ", \"limit\": \"%s\", \"limit_us\": {", limit_names[info->limit]);
	for (uint32_t i = 0; i < TCP_LIMIT_CNT; i++)
		add(text, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", limit_names[i],
		    info->limit_us[i]);
	add(text, "}");
}

static void
add_counters(struct text *text, const struct counters *ctr)
{
	add(text, ", \"counters\": {");
	for (uint32_t i = 0; i < CTR_CNT; i++)
		add(text, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", counter_names[i],
		    ctr->value[i]);
	add(text, "}");
}

void
host_info(struct host *host, const struct host_conn *conn, char *to, size_t size)
{
	struct text text = {to, size};
	struct tcp_info info = conn->last;
	char addr[INET_ADDRSTRLEN];

	if (conn->tcb != NULL)
		tcp_info(host->tcp, conn->tcb, &info);
	inet_ntop(AF_INET, &info.remote_be, addr, sizeof(addr));
	add(&text, "{\"connection\": %u, \"state\": \"%s\", \"end\": \"%s\"", conn->number,
	    host_state_name(host, conn), end_names[conn->end]);
	add(&text, ", \"remote_address\": \"%s\", \"remote_port\": %u, \"local_port\": %u", addr,
	    info.remote_port, info.local_port);
	add_window(&text, &info);
	add(&text, ", \"cc\": \"%s\"", tcp_cc_name(info.cc));
	add(&text, ", \"ecn\": %s", info.ecn ? "true" : "false");
	add_limits(&text, &info);
	add(&text, ", \"written_bytes\": %" PRIu64 ", \"to_write_bytes\": %" PRIu64,
	    conn->written_bytes, conn->to_write_bytes);
	add(&text, ", \"read_bytes\": %" PRIu64 ", \"unread_bytes\": %" PRIu64, conn->read_bytes,
	    conn->unread_bytes);
	add_counters(&text, &host->ctr);
	add(&text, "}");
}
