/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* aside.h does on a thread of its own what may never end: a call on a file system whose server is
 * gone blocks, and cannot be called off. Whoever waits for it stops waiting; the thread stays
 * behind until the call returns.
 *
 *      aside_begin ── aside_done: has it run? ──► aside_end: what arg points at was read
 *                                              └► aside_end before: drop(arg) when it has run
 *
 * Threads: one a call; aside_* are for whoever began it.
 */
#ifndef SPILLWAY_CONTROL_BASE_ASIDE_H
#define SPILLWAY_CONTROL_BASE_ASIDE_H

#include <stdbool.h>

struct aside;

/* aside_begin has run(arg) done.
 *
 * drop  frees arg, when both the thread and aside_end are through with it.
 * Returns NULL, and arg is still the caller's, when there is no thread to be had. */
struct aside *
aside_begin(void (*run)(void *arg), void (*drop)(void *arg), void *arg);

/* aside_done returns whether it has run, which it waits wait_ms for at most; from then on arg may
 * be read, until aside_end. */
bool
aside_done(struct aside *aside, int wait_ms);

/* aside_end lets go of it, whether it has run or not. NULL is allowed. */
void
aside_end(struct aside *aside);

#endif
