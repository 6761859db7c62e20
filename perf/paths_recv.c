/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The receiving role: one epoll, bytes counted by flow and by window of time. */
#include "perf/paths_flow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 20, EVENTS_MAX = 64, PAUSE_MS = 20 };
#define CONNECT_US 60000000ull /* the first byte has come by then, or never will */

struct flow {
	int fd; /* -1: ended */
	bool open;
	bool early; /* ended before it had all */
	uint64_t open_us, first_us, last_us;
	uint64_t bytes;
	uint64_t skipped_bytes; /* of them, before options->skip_ms */
	uint64_t wrong_bytes;   /* not zero */
	uint64_t *windows;
};

struct receiver {
	const struct paths_options *options;
	int epoll;
	uint64_t start_us;
	uint64_t first_us; /* of any flow; 0: none yet */
	uint64_t last_us;
	uint64_t now_us;
	uint64_t open_cnt; /* flows that have not ended */
	char *buffer;
	struct flow flows[PATHS_FLOWS_MAX];
};

static int
flow_open(struct receiver *receiver, struct flow *flow)
{
	const struct paths_options *o = receiver->options;
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = flow};
	int value = (int)o->rcvbuf_bytes;

	if (o->window_ms != 0)
		flow->windows = calloc(PATHS_WINDOWS_MAX, sizeof(*flow->windows));
	flow->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (value != 0)
		setsockopt(flow->fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof(value));
	if (connect(flow->fd, (const struct sockaddr *)&o->address, sizeof(o->address)) != 0 &&
	    errno != EINPROGRESS) {
		fprintf(stderr, "spillway-kernelflow: connect: %s\n", strerror(errno));
		return -1;
	}
	epoll_ctl(receiver->epoll, EPOLL_CTL_ADD, flow->fd, &event);
	receiver->open_cnt++;
	return 0;
}

static void
flow_end(struct receiver *receiver, struct flow *flow)
{
	close(flow->fd);
	flow->fd = -1;
	flow->early = receiver->options->bytes == 0 || flow->bytes < receiver->options->bytes;
	receiver->open_cnt--;
}

static uint64_t
wrong_count(const char *bytes, size_t len)
{
	uint64_t wrong = 0;
	size_t i;

	for (i = 0; i < len; i++)
		wrong += bytes[i] != 0;
	return wrong;
}

static void
flow_note(struct receiver *receiver, struct flow *flow, uint64_t len)
{
	const struct paths_options *o = receiver->options;
	uint64_t window;

	if (receiver->first_us == 0)
		receiver->first_us = receiver->now_us;
	if (flow->bytes == 0)
		flow->first_us = receiver->now_us;
	flow->last_us = receiver->last_us = receiver->now_us;
	flow->bytes += len;
	if (receiver->now_us - receiver->first_us < o->skip_ms * 1000)
		flow->skipped_bytes += len;
	if (flow->windows == NULL)
		return;
	window = (receiver->now_us - receiver->first_us) / (o->window_ms * 1000);
	if (window < PATHS_WINDOWS_MAX)
		flow->windows[window] += len;
}

/* Unchecked bytes are dropped in the kernel, uncopied (tcp(7): MSG_TRUNC). */
static void
flow_read(struct receiver *receiver, struct flow *flow)
{
	bool check = receiver->options->check != 0;
	ssize_t got = recv(flow->fd, receiver->buffer, CHUNK_BYTES, check ? 0 : MSG_TRUNC);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		flow_end(receiver, flow);
		return;
	}
	if (check)
		flow->wrong_bytes += wrong_count(receiver->buffer, (size_t)got);
	flow_note(receiver, flow, (uint64_t)got);
	if (receiver->options->bytes != 0 && flow->bytes >= receiver->options->bytes)
		flow_end(receiver, flow);
}

static void
flow_turn(struct receiver *receiver, struct flow *flow, uint32_t events)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = flow};

	if (!flow->open && (events & EPOLLOUT)) {
		flow->open = true;
		flow->open_us = receiver->now_us;
		epoll_ctl(receiver->epoll, EPOLL_CTL_MOD, flow->fd, &event);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		flow_read(receiver, flow);
}

static bool
receiver_goes_on(const struct receiver *receiver)
{
	const struct paths_options *o = receiver->options;
	uint64_t now_us = paths_now_us();

	if (paths_stop_wanted() || receiver->open_cnt == 0)
		return false;
	if (receiver->first_us == 0)
		return now_us - receiver->start_us < CONNECT_US;
	return o->seconds == 0 || now_us - receiver->first_us < o->seconds * 1000000;
}

static void
receiver_run(struct receiver *receiver)
{
	struct epoll_event events[EVENTS_MAX];
	int i, cnt;

	while (receiver_goes_on(receiver)) {
		cnt = epoll_wait(receiver->epoll, events, EVENTS_MAX, PAUSE_MS);
		receiver->now_us = paths_now_us();
		for (i = 0; i < cnt; i++)
			flow_turn(receiver, events[i].data.ptr, events[i].events);
	}
}

/* The time that goodput is counted over. */
static double
receiver_seconds(const struct receiver *receiver)
{
	const struct paths_options *o = receiver->options;
	uint64_t begin_us = receiver->first_us + o->skip_ms * 1000;
	uint64_t end_us = receiver->last_us;

	if (o->seconds != 0 && receiver->open_cnt != 0)
		end_us = receiver->first_us + o->seconds * 1000000;
	return receiver->first_us == 0 || end_us <= begin_us ? 0 : (double)(end_us - begin_us) / 1e6;
}

static void
windows_print(const struct receiver *receiver, const struct flow *flow)
{
	uint64_t i, cnt = 0;

	if (flow->windows == NULL)
		return;
	if (receiver->first_us != 0)
		cnt = (receiver->last_us - receiver->first_us) /
			      (receiver->options->window_ms * 1000) + 1;
	if (cnt > PATHS_WINDOWS_MAX)
		cnt = PATHS_WINDOWS_MAX;
	printf(", \"windows\": [");
	for (i = 0; i < cnt; i++)
		printf("%s%" PRIu64, i > 0 ? ", " : "", flow->windows[i]);
	printf("]");
}

static double
ms_since_start(const struct receiver *receiver, uint64_t us)
{
	return us == 0 ? -1 : (double)(us - receiver->start_us) / 1e3;
}

static double
flow_print(const struct receiver *receiver, const struct flow *flow, double seconds)
{
	double goodput = 0;

	if (seconds > 0)
		goodput = (double)(flow->bytes - flow->skipped_bytes) / seconds;
	printf("{\"bytes\": %" PRIu64 ", \"goodput_bytes_per_s\": %.0f, \"open_ms\": %.3f"
	       ", \"first_ms\": %.3f, \"last_ms\": %.3f, \"wrong_bytes\": %" PRIu64
	       ", \"early\": %s", flow->bytes, goodput, ms_since_start(receiver, flow->open_us),
	       ms_since_start(receiver, flow->first_us), ms_since_start(receiver, flow->last_us),
	       flow->wrong_bytes, flow->early ? "true" : "false");
	windows_print(receiver, flow);
	printf("}");
	return goodput;
}

static enum paths_status
receiver_report(const struct receiver *receiver)
{
	const struct paths_options *o = receiver->options;
	double goodput, sum = 0, squares = 0, seconds = receiver_seconds(receiver);
	bool good = seconds > 0;
	uint64_t i, bytes = 0;

	printf("{\"flows\": [");
	for (i = 0; i < o->flow_cnt; i++) {
		const struct flow *flow = &receiver->flows[i];

		fputs(i > 0 ? ", " : "", stdout);
		goodput = flow_print(receiver, flow, seconds);
		sum += goodput;
		squares += goodput * goodput;
		bytes += flow->bytes;
		good = good && !flow->early && flow->wrong_bytes == 0 && flow->bytes >= o->bytes;
	}
	printf("], \"bytes\": %" PRIu64 ", \"seconds\": %.6f, \"goodput_bytes_per_s\": %.0f"
	       ", \"jain\": %.6f}\n", bytes, seconds, sum,
	       squares > 0 ? sum * sum / ((double)o->flow_cnt * squares) : 0);
	fflush(stdout);
	return good ? PATHS_DONE : PATHS_FAILED;
}

enum paths_status
paths_recv(const struct paths_options *options)
{
	static struct receiver receiver;
	uint64_t i;

	receiver.options = options;
	receiver.epoll = epoll_create1(EPOLL_CLOEXEC);
	receiver.buffer = malloc(CHUNK_BYTES);
	receiver.start_us = paths_now_us();
	if (receiver.buffer == NULL)
		return PATHS_FAILED;
	for (i = 0; i < options->flow_cnt; i++)
		if (flow_open(&receiver, &receiver.flows[i]) != 0)
			return PATHS_FAILED;
	receiver_run(&receiver);
	return receiver_report(&receiver);
}
