/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A queue of withdrawals in one array. */
#include "control/catalogue/withdrawals.h"

#include <errno.h>
#include <stdlib.h>

int
withdrawals_add(struct withdrawals *withdrawals, const struct abi_withdraw *withdrawn)
{
	if (withdrawals->head == withdrawals->cnt)
		withdrawals->head = withdrawals->cnt = 0;
	if (withdrawals->cnt == withdrawals->room) {
		uint32_t room = withdrawals->room ? 2 * withdrawals->room : 16;
		struct abi_withdraw *at = realloc(withdrawals->at, room * sizeof(*at));
		if (at == NULL)
			return -ENOMEM;
		withdrawals->at = at;
		withdrawals->room = room;
	}
	withdrawals->at[withdrawals->cnt++] = *withdrawn;
	return 0;
}

const struct abi_withdraw *
withdrawals_peek(const struct withdrawals *withdrawals)
{
	return withdrawals->head < withdrawals->cnt ? &withdrawals->at[withdrawals->head] : NULL;
}

bool
withdrawals_take(struct withdrawals *withdrawals, struct abi_withdraw *withdrawn)
{
	if (withdrawals->head == withdrawals->cnt)
		return false;
	*withdrawn = withdrawals->at[withdrawals->head++];
	return true;
}

void
withdrawals_free(struct withdrawals *withdrawals)
{
	free(withdrawals->at);
	*withdrawals = (struct withdrawals){0};
}
