/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cli_announce.h prints what spillwayd tells of trackers. */
#ifndef SPILLWAY_CONTROL_CLI_CLI_ANNOUNCE_H
#define SPILLWAY_CONTROL_CLI_CLI_ANNOUNCE_H

#include <jansson.h>

/* cli_tracker_print prints one tracker of a torrent, as in "announce" of the command show. */
void
cli_tracker_print(const json_t *tracker);

/* cli_announce_print prints "announce" of the command stats; NULL is allowed. */
void
cli_announce_print(const json_t *totals);

#endif
