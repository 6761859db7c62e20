/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* relay_report.h: what the relay did, as one line of JSON. */
#ifndef SPILLWAY_PERF_RELAY_REPORT_H
#define SPILLWAY_PERF_RELAY_REPORT_H

#include "perf/relay_end.h"
#include "perf/relay_line.h"

/* relay_report_print writes {"forward": {...}, "backward": {...}, "cpu_s": S} to stdout and
 * flushes it. lines and ends are the two directions; line i leads from end i to the other. */
void
relay_report_print(const struct relay_line *lines, struct relay_end *ends);

#endif
