/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Adding up what several threads saw. */
#include "perf/leech_tally.h"

#include <string.h>

static void
counts_add(struct leech_tally *sum, const struct leech_tally *tally)
{
	sum->payload_bytes += tally->payload_bytes;
	sum->block_cnt += tally->block_cnt;
	sum->opened_cnt += tally->opened_cnt;
	sum->left_cnt += tally->left_cnt;
	sum->renewed_cnt += tally->renewed_cnt;
	sum->reject_cnt += tally->reject_cnt;
	sum->choke_cnt += tally->choke_cnt;
	sum->connect_failed_cnt += tally->connect_failed_cnt;
	sum->closed_cnt += tally->closed_cnt;
	sum->protocol_error_cnt += tally->protocol_error_cnt;
	sum->cpu_user_us += tally->cpu_user_us;
	sum->cpu_system_us += tally->cpu_system_us;
}

void
leech_tally_restart(struct leech_tally *tally, uint64_t now_us)
{
	__atomic_store_n(&tally->payload_bytes, 0, __ATOMIC_RELAXED);
	tally->block_cnt = 0;
	tally->first_request_us = now_us;
	tally->last_payload_us = 0;
	memset(&tally->first, 0, sizeof(tally->first));
	memset(&tally->last, 0, sizeof(tally->last));
}

void
leech_tally_add(struct leech_tally *sum, const struct leech_tally *tally)
{
	counts_add(sum, tally);
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
	leech_hist_merge(&sum->connect, &tally->connect);
	leech_hist_merge(&sum->first, &tally->first);
	leech_hist_merge(&sum->last, &tally->last);
}

void
leech_tally_client(struct leech_tally *tally, const uint8_t *text, uint32_t len)
{
	uint32_t i;

	if (len >= sizeof(tally->client))
		len = sizeof(tally->client) - 1;
	for (i = 0; i < len; i++)
		tally->client[i] = text[i] >= 0x20 && text[i] < 0x7f && text[i] != '"' &&
				   text[i] != '\\' ? (char)text[i] : '?';
	tally->client[len] = '\0';
}
