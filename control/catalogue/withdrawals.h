/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* withdrawals.h is a queue of withdrawn pieces: added at the end, taken from the front.
 *
 * Threads: one. Memory: grows with what waits; a zeroed struct is an empty queue.
 */
#ifndef SPILLWAY_CONTROL_CATALOGUE_WITHDRAWALS_H
#define SPILLWAY_CONTROL_CATALOGUE_WITHDRAWALS_H

#include "dataplane/abi.h"

#include <stdbool.h>
#include <stdint.h>

struct withdrawals {
	struct abi_withdraw *at;
	uint32_t head; /* index of the next to take */
	uint32_t cnt;  /* index of the next to add */
	uint32_t room;
};

/* withdrawals_add appends. Returns 0 or -ENOMEM. */
int
withdrawals_add(struct withdrawals *withdrawals, const struct abi_withdraw *withdrawn);

/* withdrawals_peek returns the oldest, or NULL. */
const struct abi_withdraw *
withdrawals_peek(const struct withdrawals *withdrawals);

/* withdrawals_take takes the oldest; false when there is none. */
bool
withdrawals_take(struct withdrawals *withdrawals, struct abi_withdraw *withdrawn);

/* withdrawals_free empties the queue and frees its memory. */
void
withdrawals_free(struct withdrawals *withdrawals);

#endif
