/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The loop of one run and its progress line. */
#include "perf/leech_session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	TICK_US = 1000000,       /* of the progress line */
	LOOK_US = 100000,        /* the end of the run is looked for this often, when all is quiet */
	AGAIN_US = 200,          /* the carrier takes no more connections: so much later */
	DESCRIPTORS_SPARE = 16,
};

/* ---- what all lanes together have seen */

static uint64_t
payload_bytes(const struct leech_session *session)
{
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < session->lane_cnt; i++)
		bytes += __atomic_load_n(&session->lanes[i].tally.payload_bytes, __ATOMIC_RELAXED);
	return bytes;
}

static void
tally_add(struct leech_tally *sum, const struct leech_tally *tally)
{
	sum->payload_bytes += tally->payload_bytes;
	sum->block_cnt += tally->block_cnt;
	sum->reject_cnt += tally->reject_cnt;
	sum->choke_cnt += tally->choke_cnt;
	sum->connect_failed_cnt += tally->connect_failed_cnt;
	sum->closed_cnt += tally->closed_cnt;
	sum->protocol_error_cnt += tally->protocol_error_cnt;
	if (tally->connect_errno != 0)
		sum->connect_errno = tally->connect_errno;
	if (tally->protocol_error != NULL)
		sum->protocol_error = tally->protocol_error;
	if (tally->first_request_us != 0 &&
	    (sum->first_request_us == 0 || tally->first_request_us < sum->first_request_us))
		sum->first_request_us = tally->first_request_us;
	if (tally->last_payload_us > sum->last_payload_us)
		sum->last_payload_us = tally->last_payload_us;
	if (tally->reqq != 0)
		sum->reqq = tally->reqq;
	if (tally->client[0] != '\0')
		memcpy(sum->client, tally->client, sizeof(sum->client));
	leech_hist_merge(&sum->latency, &tally->latency);
}

static void
lanes_sum(struct leech_session *session)
{
	uint32_t i;

	for (i = 0; i < session->lane_cnt; i++) {
		const struct leech_assembly_pool *pool = &session->lanes[i].pool;

		tally_add(&session->tally, &session->lanes[i].tally);
		session->pool.ok_cnt += pool->ok_cnt;
		session->pool.failed_cnt += pool->failed_cnt;
		session->pool.unverified_cnt += pool->unverified_cnt;
		if (pool->failed_cnt != 0)
			session->pool.failed_piece = pool->failed_piece;
	}
}

/* ---- progress */

struct progress {
	bool wanted;
	uint64_t tick_us;
	uint64_t bytes;
};

static void
progress_print(const struct leech_session *session, struct progress *progress, uint64_t now_us)
{
	uint64_t bytes = payload_bytes(session);
	uint32_t live_cnt = 0;
	uint32_t i;

	if (!progress->wanted || now_us < progress->tick_us)
		return;
	for (i = 0; i < session->options->connection_cnt; i++)
		live_cnt += leech_conn_is_live(&session->conns[i]);
	fprintf(stderr, "\r%5.0f s  %9.1f MiB/s  %u of %u connections ",
		(double)(now_us - session->start_us) / 1e6,
		(double)(bytes - progress->bytes) / (1 << 20), live_cnt,
		session->options->connection_cnt);
	progress->bytes = bytes;
	progress->tick_us += TICK_US;
}

/* ---- a lane */

static bool
lane_is_over(const struct leech_lane *lane, uint64_t now_us)
{
	const struct leech_session *session = lane->session;
	const struct leech_tally *tally = &lane->tally;

	if (now_us >= session->start_us + session->options->span_us)
		return true;
	if (session->options->bytes != 0 && payload_bytes(session) >= session->options->bytes)
		return true;
	return tally->connect_failed_cnt + tally->closed_cnt + tally->protocol_error_cnt >=
	       lane->context.conn_cnt;
}

/* lane_open opens what is not opened yet. Returns 0, -EAGAIN: more later, or another -errno that
 * ends the run. */
static int
lane_open(struct leech_lane *lane)
{
	struct leech_context *context = &lane->context;
	int err;

	for (; lane->opened_cnt < context->conn_cnt; lane->opened_cnt++) {
		err = lane->session->carrier->open(context, &context->conns[lane->opened_cnt],
						   lane->first + lane->opened_cnt);
		if (err == -EMFILE || err == -ENFILE || err == -ENOMEM)
			fprintf(stderr, "spillway-leech: connection %u: %s\n",
				lane->first + lane->opened_cnt, strerror(-err));
		if (err == -EAGAIN || err == -EMFILE || err == -ENFILE || err == -ENOMEM)
			return err;
	}
	return 0;
}

static int
lane_run(struct leech_lane *lane)
{
	struct leech_session *session = lane->session;
	struct progress progress = {
		.wanted = lane->first == 0 && isatty(STDERR_FILENO) && !session->options->json,
		.tick_us = session->start_us + TICK_US,
	};
	uint64_t now_us;
	int err = 0;

	while (now_us = leech_now_us(), !lane_is_over(lane, now_us)) {
		progress_print(session, &progress, now_us);
		err = lane_open(lane);
		if (err != 0 && err != -EAGAIN)
			return -1;
		session->carrier->turn(&lane->context,
				       now_us + (err == -EAGAIN ? AGAIN_US : LOOK_US));
	}
	if (progress.wanted)
		fputc('\n', stderr);
	return 0;
}

/* ---- the run */

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

static void
lane_init(struct leech_session *session, uint32_t nth)
{
	struct leech_lane *lane = &session->lanes[nth];

	lane->session = session;
	lane->first = 0;
	lane->context = (struct leech_context){
		.options = session->options, .torrent = session->torrent, .pool = &lane->pool,
		.tally = &lane->tally, .conns = session->conns,
		.conn_cnt = session->options->connection_cnt, .port = session->port,
	};
	leech_assembly_pool_init(&lane->pool, session->torrent, session->options);
}

int
leech_session_run(struct leech_session *session)
{
	struct leech_context *context;
	int err;

	session->lane_cnt = 1;
	session->lanes = calloc(session->lane_cnt, sizeof(*session->lanes));
	session->conns = calloc(session->options->connection_cnt, sizeof(*session->conns));
	if (session->conns == NULL || session->lanes == NULL) {
		fprintf(stderr, "spillway-leech: no memory for the connections\n");
		return -1;
	}
	descriptors_allow(session->options->connection_cnt);
	lane_init(session, 0);
	context = &session->lanes[0].context;
	if (session->carrier->begin(context) != 0)
		return -1;
	session->start_us = leech_now_us();
	err = lane_run(&session->lanes[0]);
	session->carrier->end(context);
	lanes_sum(session);
	return err;
}

void
leech_session_fini(struct leech_session *session)
{
	uint32_t i;

	for (i = 0; i < session->lane_cnt && session->lanes != NULL; i++)
		leech_assembly_pool_fini(&session->lanes[i].pool);
	free(session->lanes);
	free(session->conns);
	session->lanes = NULL;
	session->conns = NULL;
}
