/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* How long a peer that does not read is put up with. */
#include "dataplane/tcp/persist.h"

#include "dataplane/tcp/tcb.h"

void
persist_begin(struct tcb *tcb, uint64_t now_us)
{
	tcb->persist.since_us = now_us;
	tcb->persist.goal_bytes = tcb->acked_bytes +
	                          MIN(tcb_queued(tcb), (uint32_t)TCP_PERSIST_BYTES);
}

bool
persist_expired(struct tcb *tcb, uint64_t now_us)
{
	bool silent = now_us - tcb->last_rcv_us > TCP_RTO_MAX_US;

	if (tcb->acked_bytes < tcb->persist.goal_bytes)
		return now_us - tcb->persist.since_us >= TCP_PERSIST_MAX_US && !silent;
	persist_begin(tcb, now_us);
	return false;
}
