/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* answer_histograms.h tells of the times that the dataplane keeps as histograms. */
#ifndef SPILLWAY_CONTROL_COMMANDS_ANSWER_HISTOGRAMS_H
#define SPILLWAY_CONTROL_COMMANDS_ANSWER_HISTOGRAMS_H

#include "control/link/stats.h"

#include <jansson.h>

/* answer_histograms returns {name: {unit, text, count, sum, p50, p99, p99_9, buckets}} of all
 * workers together. buckets: [largest value, how many] each, null for the last's; a quantile is the
 * largest value of the bucket that it is in, null where there is none. stats: NULL for none. */
json_t *
answer_histograms(const struct stats *stats);

#endif
