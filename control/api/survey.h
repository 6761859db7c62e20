/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* survey.h asks the workers for their connections, again and again while somebody wants to know,
 * and keeps what stands out: what limits them, and the fastest.
 *
 *      survey_want ─► a pass: ABI_PEERS of each worker in turn ─► what the last whole pass found
 *
 * Threads: one. Never blocks. Memory: SURVEY_FASTEST connections, however many there are.
 */
#ifndef SPILLWAY_CONTROL_API_SURVEY_H
#define SPILLWAY_CONTROL_API_SURVEY_H

#include "control/link/link.h"
#include "dataplane/abi.h"

#include <stdint.h>

enum survey_limit {
	SURVEY_FASTEST = 50,
	SURVEY_MS = 1000,       /* from the beginning of one pass to that of the next, at least */
	SURVEY_KEEP_MS = 10000, /* after the last survey_want */
};

/* What one pass found. */
struct survey_found {
	uint32_t peer_cnt;
	uint32_t limit_cnt[ABI_LIMITED_CNT];   /* peers that each limit holds now */
	uint64_t limit_us[ABI_LIMITED_CNT];    /* of all peers, since each connected */
	uint32_t fastest_cnt;
	struct abi_peer fastest[SURVEY_FASTEST]; /* by rate, the fastest first */
};

struct survey;

/* survey_create returns 0 or -ENOMEM; link is borrowed. */
int
survey_create(struct survey **survey, struct link *link);

/* survey_destroy frees everything; NULL is allowed. */
void
survey_destroy(struct survey *survey);

/* survey_want says that somebody wants to know. */
void
survey_want(struct survey *survey);

/* survey_run goes on with a pass, or begins one that is due. To be called in each turn. */
void
survey_run(struct survey *survey);

/* survey_timeout_ms returns when survey_run is due though nothing comes, -1 for never. */
int
survey_timeout_ms(const struct survey *survey);

/* survey_found returns what the last whole pass found, zeros before. */
const struct survey_found *
survey_found(const struct survey *survey);

#endif
