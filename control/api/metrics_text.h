/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* metrics_text.h writes the two forms in which Prometheus takes metrics: OpenMetrics 1.0, and the
 * older text format (version 0.0.4), in which a counter's family has the name of its sample and
 * nothing says the end.
 *
 * Threads: any, each its own text.
 */
#ifndef SPILLWAY_CONTROL_API_METRICS_TEXT_H
#define SPILLWAY_CONTROL_API_METRICS_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct metrics_text {
	FILE *out;
	bool open; /* OpenMetrics */
};

enum metrics_kind {
	METRICS_COUNTER,
	METRICS_GAUGE,
	METRICS_HISTOGRAM,
	METRICS_INFO,
};

/* metrics_family begins a family: all its samples follow.
 *
 * name  without "spillway_" in front and "_total" behind. */
void
metrics_family(const struct metrics_text *text, const char *name, enum metrics_kind kind,
               const char *help);

/* metrics_begin writes a sample's name; suffix is "", "_total", "_bucket", ... */
void
metrics_begin(const struct metrics_text *text, const char *name, const char *suffix);

/* metrics_label writes a label of the sample begun; is_first for the first of its labels. The value
 * is any UTF-8. */
void
metrics_label(const struct metrics_text *text, bool is_first, const char *name, const char *value);

/* metrics_value ends the sample begun. has_labels: some were written. */
void
metrics_value(const struct metrics_text *text, bool has_labels, double value);

/* metrics_plain writes a family of one sample without labels. */
void
metrics_plain(const struct metrics_text *text, const char *name, enum metrics_kind kind,
              const char *help, double value);

/* metrics_end writes the end. */
void
metrics_end(const struct metrics_text *text);

#endif
