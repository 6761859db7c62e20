/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* shares.h moves the workers' shares of limited rates after their use, for peers do not spread
 * evenly: every SHARES_MS the workers say what they used (ABI_USE), and are told new shares
 * (ABI_RATES). The shares of a rate are never more than it together.
 *
 * A worker that used nearly all of its share could use more: such have equal shares of what the
 * others leave. The others keep a quarter more than they used, so that they can grow.
 * With one worker there is nothing to do.
 *
 * Threads: one. Lifecycle: shares_create, shares_run in each turn of the loop, shares_destroy.
 */
#ifndef SPILLWAY_CONTROL_POLICY_SHARES_H
#define SPILLWAY_CONTROL_POLICY_SHARES_H

#include "control/link/link.h"
#include "control/policy/policy.h"
#include "control/link/tally.h"

enum shares_limit {
	SHARES_MS = 1000,
	SHARES_TORRENTS_MAX = ABI_RATES_MAX - 1, /* limited and active, whose shares are moved */
	SHARES_FLOOR = 64, /* a worker has 1 in so many of its even share at least */
};

struct shares;

/* shares_create returns 0 or -ENOMEM; all is borrowed. */
int
shares_create(struct shares **shares, struct link *link, struct policy *policy,
              struct tally *tally, struct registry *registry);

/* shares_destroy frees it; NULL is allowed. */
void
shares_destroy(struct shares *shares);

/* shares_run asks and tells what is due. */
void
shares_run(struct shares *shares);

/* shares_timeout_ms returns when shares_run is due, -1: never. */
int
shares_timeout_ms(const struct shares *shares);

/* shares_divide makes new shares of a rate.
 *
 * whole  > 0.
 * used   bytes a second of each worker; cnt [1, ABI_WORKERS_MAX].
 * part   in and out: the shares, > 0; together never more than whole, if that is cnt at least. */
void
shares_divide(uint64_t whole, const uint64_t *used, uint64_t *part, uint32_t cnt);

#endif
