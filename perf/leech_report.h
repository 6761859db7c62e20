/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_report.h: the summary of a run, as a table for people or one JSON object.
 *
 * Single thread; reads a session after its run.
 */
#ifndef SPILLWAY_PERF_LEECH_REPORT_H
#define SPILLWAY_PERF_LEECH_REPORT_H

#include "perf/leech_session.h"

#include <stdio.h>

/* struct leech_spread is how payload was shared among connections. */
struct leech_spread {
	uint32_t cnt;              /* connections; 0: all else is 0 */
	double min_bytes_per_s;
	double median_bytes_per_s;
	double max_bytes_per_s;
	double min_share;          /* of the least, in parts of an equal share */
	double max_share;          /* of the most */
	double jain;               /* Jain's index: 1 all alike, 1/n one has all; 0 without payload */
};

/* leech_spread_of computes the spread of cnt connections' payload over seconds.
 *
 * payload_bytes  [0, cnt); sorted in place.
 * seconds        > 0. */
struct leech_spread
leech_spread_of(uint64_t *payload_bytes, uint32_t cnt, double seconds);

/* leech_hist_json writes a histogram as a JSON object: its figures in microseconds and under
 * "buckets" [largest value, count] of each bucket that has any. Histograms of several runs are
 * merged by adding the counts of equal buckets. */
void
leech_hist_json(FILE *out, const struct leech_hist *hist);

/* leech_report_print writes the summary to stdout: JSON when options->json. */
void
leech_report_print(const struct leech_session *session);

/* leech_report_status gives the exit status of the run: 0 or 1, and says on stderr why it is 1. */
int
leech_report_status(const struct leech_session *session);

#endif
