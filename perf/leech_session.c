/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The event loop of one run and its progress line. */
#include "perf/leech_session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, TICK_US = 1000000, DESCRIPTORS_SPARE = 16 };

static void
progress_print(const struct leech_session *session, uint64_t since_us, uint64_t bytes)
{
	const struct leech_options *options = session->options;
	uint32_t live_cnt = 0;
	uint32_t i;

	for (i = 0; i < options->connection_cnt; i++)
		live_cnt += leech_conn_is_live(&session->conns[i]);
	fprintf(stderr, "\r%5.0f s  %9.1f MiB/s  %u of %u connections  %" PRIu64 " pieces verified ",
		(double)since_us / 1e6, (double)bytes / (1 << 20), live_cnt,
		options->connection_cnt, session->pool.ok_cnt);
}

static bool
session_is_over(const struct leech_session *session, uint64_t now_us, uint64_t end_us)
{
	const struct leech_tally *tally = &session->tally;

	if (now_us >= end_us)
		return true;
	if (session->options->bytes != 0 && tally->payload_bytes >= session->options->bytes)
		return true;
	return tally->connect_failed_cnt + tally->closed_cnt + tally->protocol_error_cnt >=
	       session->options->connection_cnt;
}

static void
events_run(struct leech_session *session, struct leech_context *context)
{
	bool progress = isatty(STDERR_FILENO) && !session->options->json;
	uint64_t start_us = leech_now_us();
	uint64_t end_us = start_us + session->options->seconds * 1000000ull;
	uint64_t tick_us = start_us + TICK_US;
	uint64_t tick_bytes = 0;
	uint64_t now_us;
	struct epoll_event events[EVENTS_MAX];
	int i, event_cnt;

	while (now_us = leech_now_us(), !session_is_over(session, now_us, end_us)) {
		if (progress && now_us >= tick_us) {
			progress_print(session, now_us - start_us,
				       session->tally.payload_bytes - tick_bytes);
			tick_bytes = session->tally.payload_bytes;
			tick_us += TICK_US;
		}
		event_cnt = epoll_wait(context->epoll_fd, events, EVENTS_MAX, 100);
		for (i = 0; i < event_cnt; i++)
			leech_conn_event(context, events[i].data.ptr, events[i].events);
	}
	if (progress)
		fputc('\n', stderr);
}

static void
descriptors_allow(uint32_t connection_cnt)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= connection_cnt + DESCRIPTORS_SPARE)
		return;
	limit.rlim_cur = connection_cnt + DESCRIPTORS_SPARE;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	setrlimit(RLIMIT_NOFILE, &limit); /* what it could not raise, socket() tells */
}

static int
connections_open(struct leech_session *session, struct leech_context *context)
{
	uint32_t i;
	int err;

	for (i = 0; i < session->options->connection_cnt; i++) {
		err = leech_conn_open(context, &session->conns[i], i);
		if (err == -EMFILE || err == -ENFILE || err == -ENOMEM) {
			fprintf(stderr, "spillway-leech: connection %u: %s\n", i, strerror(-err));
			return -1;
		}
	}
	return 0;
}

int
leech_session_run(struct leech_session *session, const struct leech_options *options,
		  const struct leech_torrent *torrent)
{
	struct leech_context context = {.options = options, .torrent = torrent,
					.pool = &session->pool, .tally = &session->tally};
	uint32_t i;
	int err;

	memset(session, 0, sizeof(*session));
	session->options = options;
	session->torrent = torrent;
	leech_assembly_pool_init(&session->pool, torrent, options);
	descriptors_allow(options->connection_cnt);
	session->conns = calloc(options->connection_cnt, sizeof(*session->conns));
	context.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (session->conns == NULL || context.epoll_fd < 0) {
		fprintf(stderr, "spillway-leech: no memory for the connections\n");
		return -1;
	}
	err = connections_open(session, &context);
	if (err == 0)
		events_run(session, &context);
	for (i = 0; i < options->connection_cnt; i++)
		leech_conn_close(&context, &session->conns[i]);
	close(context.epoll_fd);
	return err;
}

void
leech_session_fini(struct leech_session *session)
{
	leech_assembly_pool_fini(&session->pool);
	free(session->conns);
	session->conns = NULL;
}
