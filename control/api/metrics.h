/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* metrics.h is what Prometheus scrapes at /metrics: OpenMetrics 1.0 to those who accept it, the
 * text format 0.0.4 to others.
 *
 * What there is: every counter of the dataplane, with its text as help, summed over the workers;
 * CPU time of each worker; the latency histograms; what is in the catalogue by state; totals of
 * trackers and scrub; the METRICS_TOP torrents that are uploaded fastest now, and the labels that
 * most torrents have. The number of series has a bound whatever the catalogue holds:
 * METRICS_TOP torrents, METRICS_LABELS labels, and what this program declares.
 *
 * Threads: one. Time: grows with active_max; with the catalogue only when it has changed.
 */
#ifndef SPILLWAY_CONTROL_API_METRICS_H
#define SPILLWAY_CONTROL_API_METRICS_H

#include "control/commands/commands.h"
#include "control/api/http.h"
#include "control/api/metrics_text.h"
#include "control/api/rates.h"

enum metrics_limit {
	METRICS_TOP = 20,    /* torrents */
	METRICS_LABELS = 50, /* the others are left out */
	METRICS_CENSUS_MS = 5000, /* the catalogue is looked through no more often */
};

struct metrics;

/* metrics_create returns 0 or -ENOMEM; both are borrowed. */
int
metrics_create(struct metrics **metrics, const struct commands_env *env, struct rates *rates);

/* metrics_destroy frees everything; NULL is allowed. */
void
metrics_destroy(struct metrics *metrics);

/* metrics_write writes all. */
void
metrics_write(struct metrics *metrics, const struct metrics_text *text);

/* metrics_handle is the route's handler; its env is a struct api. */
void
metrics_handle(const struct http_request *request, struct http_response *response);

#endif
