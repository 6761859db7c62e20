/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_tally.h: what connections saw, all together.
 *
 * Written by one thread; payload_bytes may be read by others meanwhile.
 */
#ifndef SPILLWAY_PERF_LEECH_TALLY_H
#define SPILLWAY_PERF_LEECH_TALLY_H

#include "perf/leech_hist.h"

#include <stdint.h>

struct leech_tally {
	uint64_t payload_bytes;
	uint64_t block_cnt;
	uint64_t opened_cnt;         /* TCP's handshake was done */
	uint64_t left_cnt;           /* ended by us, to come back */
	uint64_t renewed_cnt;        /* ended by a server that had announced it, or unanswered */
	uint64_t reject_cnt;
	uint64_t choke_cnt;
	uint64_t connect_failed_cnt;
	int connect_errno;           /* of the last that failed */
	uint64_t closed_cnt;         /* ended by the seeder after TCP's handshake */
	uint64_t protocol_error_cnt; /* ended by us */
	const char *protocol_error;  /* the last, one phrase */
	uint64_t first_request_us;   /* CLOCK_MONOTONIC; 0: none */
	uint64_t last_payload_us;
	uint32_t reqq;               /* the peer's (BEP 10), 0 when not told */
	char client[48];             /* the peer's "v" (BEP 10) or "Server", printable */
	uint64_t cpu_user_us;        /* of the thread, in the run */
	uint64_t cpu_system_us;
	struct leech_hist connect;   /* TCP's handshake */
	struct leech_hist first;     /* request to the first byte of its answer */
	struct leech_hist last;      /* request to the last */
};

/* leech_tally_restart forgets payload, blocks and their latencies: they are counted from now_us on.
 * What happened to connections is kept. */
void
leech_tally_restart(struct leech_tally *tally, uint64_t now_us);

/* leech_tally_add adds what another saw. */
void
leech_tally_add(struct leech_tally *sum, const struct leech_tally *tally);

/* leech_tally_client notes what the seeder calls itself: text of len bytes, whatever they are. */
void
leech_tally_client(struct leech_tally *tally, const uint8_t *text, uint32_t len);

#endif
