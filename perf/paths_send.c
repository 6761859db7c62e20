/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The sending role: one epoll, a page of zeros, TCP_INFO at the end. */
#include "perf/paths_flow.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK_BYTES = 256 << 10, EVENTS_MAX = 64, PAUSE_MS = 500 };

struct flow {
	int fd; /* -1: ended */
	bool finished;
	uint64_t written_bytes;
	struct tcp_info info;
};

struct sender {
	const struct paths_options *options;
	int listener, epoll;
	uint64_t flow_cnt, ended_cnt;
	struct flow flows[PATHS_FLOWS_MAX];
};

static const char zeros[CHUNK_BYTES];

static void
flow_watch(struct sender *sender, struct flow *flow, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = flow};

	epoll_ctl(sender->epoll, operation, flow->fd, &event);
}

static void
flow_end(struct sender *sender, struct flow *flow)
{
	socklen_t len = sizeof(flow->info);

	getsockopt(flow->fd, IPPROTO_TCP, TCP_INFO, &flow->info, &len);
	close(flow->fd);
	flow->fd = -1;
	sender->ended_cnt++;
}

static void
flow_accept(struct sender *sender)
{
	struct flow *flow = &sender->flows[sender->flow_cnt];
	int fd = accept4(sender->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (sender->flow_cnt == PATHS_FLOWS_MAX) {
		close(fd);
		return;
	}
	flow->fd = fd;
	sender->flow_cnt++;
	flow_watch(sender, flow, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static size_t
flow_left(const struct sender *sender, const struct flow *flow)
{
	uint64_t left = CHUNK_BYTES;

	if (sender->options->bytes != 0)
		left = sender->options->bytes - flow->written_bytes;
	return left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
}

static void
flow_write(struct sender *sender, struct flow *flow)
{
	ssize_t got;

	while (flow_left(sender, flow) > 0) {
		got = write(flow->fd, zeros, flow_left(sender, flow));
		if (got < 0 && errno != EAGAIN)
			flow_end(sender, flow);
		if (got < 0)
			return;
		flow->written_bytes += (uint64_t)got;
	}
	if (!flow->finished) {
		flow->finished = true;
		shutdown(flow->fd, SHUT_WR);
		flow_watch(sender, flow, EPOLL_CTL_MOD, EPOLLIN);
	}
}

/* The receiver says nothing: what is readable is its end. */
static void
flow_turn(struct sender *sender, struct flow *flow, uint32_t events)
{
	bool ended = false;
	ssize_t got;
	char byte;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		got = read(flow->fd, &byte, 1);
		ended = got == 0 || (got < 0 && errno != EAGAIN);
	}
	if (ended)
		flow_end(sender, flow);
	else if (events & EPOLLOUT)
		flow_write(sender, flow);
}

static enum paths_status
listener_open(struct sender *sender)
{
	const struct paths_options *o = sender->options;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	int one = 1;

	sender->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(sender->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (o->cc[0] != '\0' && setsockopt(sender->listener, IPPROTO_TCP, TCP_CONGESTION, o->cc,
					   (socklen_t)strlen(o->cc)) != 0) {
		fprintf(stderr, "spillway-kernelflow: %s: %s\n", o->cc, strerror(errno));
		return PATHS_NO_CC;
	}
	if (bind(sender->listener, (const struct sockaddr *)&o->address, sizeof(o->address)) != 0 ||
	    listen(sender->listener, PATHS_FLOWS_MAX) != 0) {
		fprintf(stderr, "spillway-kernelflow: listen: %s\n", strerror(errno));
		return PATHS_FAILED;
	}
	sender->epoll = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(sender->epoll, EPOLL_CTL_ADD, sender->listener, &event);
	return PATHS_DONE;
}

static void
flow_print(const struct flow *flow)
{
	const struct tcp_info *i = &flow->info;

	printf("{\"written_bytes\": %" PRIu64 ", \"acked_bytes\": %" PRIu64
	       ", \"segments\": %u, \"retransmits\": %u, \"retransmit_bytes\": %" PRIu64,
	       flow->written_bytes, (uint64_t)i->tcpi_bytes_acked, i->tcpi_segs_out,
	       i->tcpi_total_retrans, (uint64_t)i->tcpi_bytes_retrans);
	printf(", \"srtt_us\": %u, \"min_rtt_us\": %u, \"cwnd\": %u, \"mss\": %u"
	       ", \"reordering\": %u, \"delivered_ce\": %u, \"rwnd_limited_us\": %" PRIu64 "}",
	       i->tcpi_rtt, i->tcpi_min_rtt, i->tcpi_snd_cwnd, i->tcpi_snd_mss,
	       i->tcpi_reordering, i->tcpi_delivered_ce, (uint64_t)i->tcpi_rwnd_limited);
}

static void
sender_report(struct sender *sender)
{
	uint64_t i;

	printf("{\"cc\": \"%s\", \"flows\": [", sender->options->cc);
	for (i = 0; i < sender->flow_cnt; i++) {
		if (sender->flows[i].fd >= 0)
			flow_end(sender, &sender->flows[i]);
		fputs(i > 0 ? ", " : "", stdout);
		flow_print(&sender->flows[i]);
	}
	printf("]}\n");
	fflush(stdout);
}

static void
sender_run(struct sender *sender)
{
	struct epoll_event events[EVENTS_MAX];
	int i, cnt;

	while (!paths_stop_wanted() && sender->ended_cnt < sender->options->flow_cnt) {
		cnt = epoll_wait(sender->epoll, events, EVENTS_MAX, PAUSE_MS);
		for (i = 0; i < cnt; i++)
			if (events[i].data.ptr == NULL)
				flow_accept(sender);
			else
				flow_turn(sender, events[i].data.ptr, events[i].events);
	}
}

enum paths_status
paths_send(const struct paths_options *options)
{
	static struct sender sender;
	enum paths_status status;

	sender.options = options;
	status = listener_open(&sender);
	if (status != PATHS_DONE)
		return status;
	puts("ready");
	fflush(stdout);
	sender_run(&sender);
	sender_report(&sender);
	return PATHS_DONE;
}
