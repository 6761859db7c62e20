/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The sliding maximum. */
#include "dataplane/tcp/winmax.h"

enum { KEPT = 3 };

static uint16_t
age(const struct winmax *winmax, uint32_t i, uint16_t at)
{
	return (uint16_t)(at - winmax->at[i]);
}

/* set_from puts a value in place of the i-th best and of all after it. */
static void
set_from(struct winmax *winmax, uint32_t i, uint16_t at, uint32_t value)
{
	for (; i < KEPT; i++) {
		winmax->at[i] = at;
		winmax->value[i] = value;
	}
}

void
winmax_reset(struct winmax *winmax, uint16_t at, uint32_t value)
{
	set_from(winmax, 0, at, value);
}

/* expire lets the next best take the place of one that is too old, twice at most. */
static void
expire(struct winmax *winmax, uint16_t window, uint16_t at, uint32_t value)
{
	for (uint32_t i = 0; i < KEPT - 1 && age(winmax, 0, at) > window; i++) {
		for (uint32_t j = 0; j < KEPT - 1; j++) {
			winmax->at[j] = winmax->at[j + 1];
			winmax->value[j] = winmax->value[j + 1];
		}
		set_from(winmax, KEPT - 1, at, value);
	}
}

/* renew sees to it that the younger ones are of later parts of the window. */
static void
renew(struct winmax *winmax, uint16_t window, uint16_t at, uint32_t value)
{
	if (winmax->at[1] == winmax->at[0] && age(winmax, 0, at) > window / 4)
		set_from(winmax, 1, at, value);
	else if (winmax->at[2] == winmax->at[1] && age(winmax, 0, at) > window / 2)
		set_from(winmax, 2, at, value);
}

void
winmax_add(struct winmax *winmax, uint16_t window, uint16_t at, uint32_t value)
{
	if (value >= winmax->value[0] || age(winmax, 2, at) > window) {
		winmax_reset(winmax, at, value);
		return;
	}
	if (value >= winmax->value[1])
		set_from(winmax, 1, at, value);
	else if (value >= winmax->value[2])
		set_from(winmax, 2, at, value);
	if (age(winmax, 0, at) > window)
		expire(winmax, window, at, value);
	else
		renew(winmax, window, at, value);
}
