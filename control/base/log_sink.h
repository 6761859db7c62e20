/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* log_sink.h is the places of log.h that take an event in fields.
 *
 * Threads: any.
 */
#ifndef SPILLWAY_CONTROL_BASE_LOG_SINK_H
#define SPILLWAY_CONTROL_BASE_LOG_SINK_H

#include "control/base/log.h"

#include <stdbool.h>

/* struct log_entry is an event; all borrowed. */
struct log_entry {
	enum log_level level;
	const char *level_name;
	const char *time; /* RFC 3339, UTC, ms */
	const char *event;
	const char *pairs; /* "id=7 name=x", may be "" */
};

/* log_is_journal tells whether stderr leads to the journal (JOURNAL_STREAM, systemd.exec(5)). */
bool
log_is_journal(void);

/* log_to_journal returns false when the journal does not take it. */
bool
log_to_journal(const struct log_entry *entry);

/* log_json writes the event as one line of JSON with its newline. Returns its length, 0 when there
 * is no room or memory. */
size_t
log_json(const struct log_entry *entry, char *out, size_t out_len);

#endif
