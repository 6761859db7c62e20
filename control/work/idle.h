/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* idle.h puts a thread behind all others, for the dataplane goes first: of CPU time it gets a
 * seventieth of what an ordinary thread beside it gets, and its reads wait for those of others
 * where the device's scheduler knows I/O priorities (bfq, mq-deadline).
 */
#ifndef SPILLWAY_CONTROL_WORK_IDLE_H
#define SPILLWAY_CONTROL_WORK_IDLE_H

enum idle_kind {
	IDLE_LAST,  /* reads come last */
	IDLE_UNTIL, /* reads wait until nobody else reads */
};

/* idle_thread does so to the calling thread. What is refused is left as it is. */
void
idle_thread(enum idle_kind kind);

#endif
