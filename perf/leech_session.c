/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The threads of one run, and its progress line. */
#include "perf/leech_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	TICK_US = 1000000,     /* of the progress line */
	LOOK_US = 100000,      /* the end of the run is looked for this often, when all is quiet */
	DESCRIPTORS_SPARE = 64,
};

static uint64_t
payload_bytes(const struct leech_session *session)
{
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < session->lane_cnt; i++)
		bytes += __atomic_load_n(&session->lanes[i].tally.payload_bytes, __ATOMIC_RELAXED);
	return bytes;
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
	uint64_t bytes;
	uint32_t live_cnt = 0;
	uint32_t i;

	if (!progress->wanted || now_us < progress->tick_us)
		return;
	bytes = payload_bytes(session);
	for (i = 0; i < session->lane_cnt; i++)
		live_cnt += __atomic_load_n(&session->lanes[i].context.live_cnt, __ATOMIC_RELAXED);
	fprintf(stderr, "\r%5.0f s  %9.1f MiB/s  %u of %u connections ",
		(double)(now_us - session->start_us) / 1e6,
		(double)(bytes - progress->bytes) / (1 << 20), live_cnt,
		session->options->connection_cnt);
	progress->bytes = bytes;
	progress->tick_us += TICK_US;
}

/* ---- a thread */

static bool
run_is_over(const struct leech_session *session, const struct leech_thread *thread,
	    uint64_t now_us)
{
	uint32_t i;

	if (now_us >= session->start_us + session->options->settle_us + session->options->span_us)
		return true;
	if (session->stop != NULL && *session->stop)
		return true;
	if (session->options->bytes != 0 && payload_bytes(session) >= session->options->bytes)
		return true;
	for (i = thread->nth; i < session->lane_cnt; i += session->options->thread_cnt)
		if (!leech_lane_is_over(&session->lanes[i]))
			return false;
	return true;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* lanes_turn gives each lane of a thread its turn; only a thread with one lane may wait in it.
 * Returns -1 when the run cannot go on. */
static int
lanes_turn(struct leech_session *session, const struct leech_thread *thread, uint64_t now_us)
{
	bool alone = thread->nth + session->options->thread_cnt >= session->lane_cnt;
	uint64_t until_us = now_us + LOOK_US;
	uint32_t i;

	for (i = thread->nth; i < session->lane_cnt; i += session->options->thread_cnt) {
		struct leech_lane *lane = &session->lanes[i];

		if (leech_due_next_us(&lane->due) <= now_us && leech_lane_due(lane, now_us) != 0)
			return -1;
		session->carrier->turn(&lane->context,
				       alone ? earlier(until_us, leech_due_next_us(&lane->due))
					     : 0);
	}
	return 0;
}

static void
cpu_note(struct leech_tally *tally, const struct rusage *from)
{
	struct rusage to;

	getrusage(RUSAGE_THREAD, &to);
	tally->cpu_user_us = (uint64_t)(to.ru_utime.tv_sec - from->ru_utime.tv_sec) * 1000000u +
			     (uint64_t)to.ru_utime.tv_usec - (uint64_t)from->ru_utime.tv_usec;
	tally->cpu_system_us = (uint64_t)(to.ru_stime.tv_sec - from->ru_stime.tv_sec) * 1000000u +
			       (uint64_t)to.ru_stime.tv_usec - (uint64_t)from->ru_stime.tv_usec;
}

/* thread_settle begins to count when it is time. */
static void
thread_settle(struct leech_thread *thread, struct rusage *from, uint64_t now_us)
{
	struct leech_session *session = thread->session;
	uint32_t i;

	if (thread->settled || now_us < session->start_us + session->options->settle_us)
		return;
	thread->settled = true;
	getrusage(RUSAGE_THREAD, from);
	if (session->options->settle_us == 0)
		return;
	for (i = thread->nth; i < session->lane_cnt; i += session->options->thread_cnt)
		leech_lane_restart(&session->lanes[i], now_us);
}

static void *
thread_run(void *arg)
{
	struct leech_thread *thread = arg;
	struct leech_session *session = thread->session;
	struct progress progress = {
		.wanted = thread->nth == 0 && isatty(STDERR_FILENO) && !session->options->json,
		.tick_us = session->start_us + TICK_US,
	};
	struct rusage from;
	uint64_t now_us;

	getrusage(RUSAGE_THREAD, &from);
	while (now_us = leech_now_us(), !run_is_over(session, thread, now_us)) {
		progress_print(session, &progress, now_us);
		thread_settle(thread, &from, now_us);
		thread->status = lanes_turn(session, thread, now_us);
		if (thread->status != 0)
			break;
	}
	cpu_note(&session->lanes[thread->nth].tally, &from);
	if (progress.wanted)
		fputc('\n', stderr);
	return NULL;
}

static int
threads_run(struct leech_session *session)
{
	const struct leech_cpus *cpus = &session->options->cpus;
	struct leech_thread threads[LEECH_THREADS_MAX];
	uint32_t cnt = session->options->thread_cnt;
	uint32_t i, spawned;
	int status = 0;

	for (i = 0; i < cnt; i++)
		threads[i] = (struct leech_thread){
			.run = thread_run, .session = session, .nth = i,
			.lcore = session->first_lcore + i,
			.cpu = cpus->cpu[i % cpus->cnt],
		};
	for (spawned = 1; spawned < cnt && status == 0; spawned += status == 0)
		status = session->carrier->spawn(&threads[spawned]);
	if (status == 0)
		thread_run(&threads[0]);
	else
		fprintf(stderr, "spillway-leech: no thread: %s\n", strerror(-status));
	status |= threads[0].status;
	for (i = 1; i < spawned; i++) {
		session->carrier->join(&threads[i]);
		status |= threads[i].status;
	}
	return status != 0 ? -1 : 0;
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

static int
lane_make(struct leech_session *session, uint32_t nth)
{
	struct leech_lane *lane = &session->lanes[nth];
	uint64_t connection_cnt = session->options->connection_cnt;
	uint32_t first = (uint32_t)(nth * connection_cnt / session->lane_cnt);
	uint32_t next = (uint32_t)((nth + 1) * connection_cnt / session->lane_cnt);

	lane->context = (struct leech_context){
		.options = session->options, .torrents = session->torrents,
		.torrent_cnt = session->torrent_cnt, .language = session->language,
		.conns = session->conns + first, .conn_cnt = next - first, .first = first,
		.holds_requests = session->holds_requests,
		.port = session->ports != NULL ? session->ports[nth] : NULL,
	};
	return leech_lane_init(lane, session->carrier, session->start_us);
}

static int
lanes_make(struct leech_session *session)
{
	uint32_t i;
	int err = 0;

	session->lanes = calloc(session->lane_cnt, sizeof(*session->lanes));
	session->conns = calloc(session->options->connection_cnt, sizeof(*session->conns));
	if (session->conns == NULL || session->lanes == NULL)
		err = -ENOMEM;
	for (i = 0; i < session->lane_cnt && err == 0; i++)
		err = lane_make(session, i);
	if (err != 0)
		fprintf(stderr, "spillway-leech: no memory for the connections\n");
	return err;
}

static void
lanes_sum(struct leech_session *session)
{
	uint32_t i;

	for (i = 0; i < session->lane_cnt; i++) {
		const struct leech_assembly_pool *pool = &session->lanes[i].pool;

		leech_tally_add(&session->tally, &session->lanes[i].tally);
		session->pieces_ok_cnt += pool->ok_cnt;
		session->pieces_failed_cnt += pool->failed_cnt;
		session->pieces_unverified_cnt += pool->unverified_cnt;
		if (pool->failed_cnt != 0)
			session->failed_piece = pool->failed_piece;
	}
}

int
leech_session_run(struct leech_session *session)
{
	uint32_t i;
	int status = 0;

	session->start_us = leech_now_us();
	if (lanes_make(session) != 0)
		return -1;
	descriptors_allow(session->options->connection_cnt);
	for (i = 0; i < session->lane_cnt && status == 0; i++)
		status = session->carrier->begin(&session->lanes[i].context);
	if (status == 0)
		status = threads_run(session);
	for (i = 0; i < session->lane_cnt; i++)
		session->carrier->end(&session->lanes[i].context);
	lanes_sum(session);
	return status;
}

void
leech_session_fini(struct leech_session *session)
{
	uint32_t i;

	for (i = 0; i < session->lane_cnt && session->lanes != NULL; i++)
		leech_lane_fini(&session->lanes[i]);
	free(session->lanes);
	free(session->conns);
	session->lanes = NULL;
	session->conns = NULL;
}
