/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One pass over all connections after the other. */
#include "control/api/survey.h"

#include "control/base/clock.h"
#include "control/link/session_query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct survey {
	struct link *link;
	int64_t wanted_ms; /* 0: never */
	int64_t begun_ms;  /* of the last pass */
	bool running;
	uint32_t worker; /* being asked */
	uint32_t ticket; /* 0: it is to be asked */
	uint32_t cursor;
	struct survey_found making;
	struct survey_found found;
};

int
survey_create(struct survey **survey, struct link *link)
{
	*survey = calloc(1, sizeof(**survey));
	if (*survey == NULL)
		return -ENOMEM;
	(*survey)->link = link;
	return 0;
}

/* ticket_drop forgets what was asked. */
static void
ticket_drop(struct survey *survey)
{
	if (survey->ticket != 0)
		session_query_drop(link_session(survey->link, survey->worker), survey->ticket);
	survey->ticket = 0;
}

void
survey_destroy(struct survey *survey)
{
	if (survey != NULL)
		ticket_drop(survey);
	free(survey);
}

void
survey_want(struct survey *survey)
{
	survey->wanted_ms = clock_now_ms();
}

const struct survey_found *
survey_found(const struct survey *survey)
{
	return &survey->found;
}

/* ---- One pass. */

/* fastest_add keeps a peer if it is among the fastest so far. */
static void
fastest_add(struct survey_found *found, const struct abi_peer *peer)
{
	uint32_t at = found->fastest_cnt;

	if (at == SURVEY_FASTEST &&
	    found->fastest[at - 1].rate_bytes_per_s >= peer->rate_bytes_per_s)
		return;
	if (at == SURVEY_FASTEST)
		at--;
	else
		found->fastest_cnt++;
	for (; at > 0 && found->fastest[at - 1].rate_bytes_per_s < peer->rate_bytes_per_s; at--)
		found->fastest[at] = found->fastest[at - 1];
	found->fastest[at] = *peer;
}

static void
peer_add(struct survey_found *found, const struct abi_peer *peer)
{
	found->peer_cnt++;
	found->limit_cnt[peer->limit]++; /* dpclient has looked at it */
	for (int i = 0; i < ABI_LIMITED_CNT; i++)
		found->limit_us[i] += peer->limit_us[i];
	fastest_add(found, peer);
}

/* answer_take takes a batch. Returns true when the worker has no more, or cannot tell. */
static bool
answer_take(struct survey *survey, const struct abi_msg *answer)
{
	const struct abi_peers *batch = &answer->u.peers;

	if (answer->hdr.type != ABI_PEER || (!batch->last && batch->cursor <= survey->cursor))
		return true;
	for (uint32_t i = 0; i < batch->cnt; i++)
		peer_add(&survey->making, &batch->peer[i]);
	survey->cursor = batch->cursor;
	return batch->last != 0;
}

/* worker_next turns to the next worker; after the last the pass is whole. */
static void
worker_next(struct survey *survey)
{
	survey->cursor = 0;
	if (++survey->worker < link_worker_cnt(survey->link))
		return;
	survey->running = false;
	survey->found = survey->making;
}

static void
ask(struct survey *survey)
{
	struct abi_peers_ask body = {.cursor = survey->cursor};

	survey->ticket = session_query_ask(link_session(survey->link, survey->worker), ABI_PEERS,
	                                   &body, sizeof(body));
}

static void
pass_run(struct survey *survey)
{
	const struct abi_msg *answer;

	if (survey->ticket == 0) {
		ask(survey);
		return;
	}
	int got = session_query_take(link_session(survey->link, survey->worker), survey->ticket,
	                             &answer);
	if (got == 0)
		return;
	survey->ticket = 0;
	if (got < 0 || answer_take(survey, answer))
		worker_next(survey);
	if (survey->running)
		ask(survey);
}

/* ---- When. */

static bool
is_wanted(const struct survey *survey, int64_t now_ms)
{
	return survey->wanted_ms != 0 && now_ms - survey->wanted_ms < SURVEY_KEEP_MS;
}

void
survey_run(struct survey *survey)
{
	int64_t now_ms = clock_now_ms();

	if (!link_ready(survey->link)) {
		ticket_drop(survey);
		survey->running = false;
		memset(&survey->found, 0, sizeof(survey->found));
		return;
	}
	if (!survey->running &&
	    is_wanted(survey, now_ms) && now_ms - survey->begun_ms >= SURVEY_MS) {
		memset(&survey->making, 0, sizeof(survey->making));
		survey->running = true;
		survey->begun_ms = now_ms;
		survey->worker = survey->cursor = 0;
	}
	if (survey->running)
		pass_run(survey);
}

int
survey_timeout_ms(const struct survey *survey)
{
	int64_t now_ms = clock_now_ms();

	if (survey->running || !is_wanted(survey, now_ms))
		return survey->running ? SURVEY_MS : -1;
	int64_t left_ms = survey->begun_ms + SURVEY_MS - now_ms;
	return left_ms > 0 ? (int)left_ms : 0;
}
