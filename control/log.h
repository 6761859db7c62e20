/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* log.h writes one line per event to stderr, as key=value pairs:
 *
 *      time=2026-08-01T12:00:00.123Z level=info event=torrent_added id=7 name="a b"
 *
 * Threads: any; a line is one write(2), so lines never mix. Memory: none kept.
 */
#ifndef SPILLWAY_CONTROL_LOG_H
#define SPILLWAY_CONTROL_LOG_H

#include <stddef.h>

enum log_level {
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_CNT
};

enum log_limit {
	LOG_LINE_MAX = 2048, /* bytes; a longer line is cut */
	LOG_VALUE_MAX = 512, /* bytes of one quoted value, with its NUL */
};

/* log_event writes one line. event is one word; fmt gives the pairs ("id=%u name=%s") and may be
 * "". Text that is not ours goes through LOG_QUOTE. */
void
log_event(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* log_quote writes text into out[LOG_VALUE_MAX] so that it is one value: as it is when it is plain,
 * else in double quotes with ", \ and control bytes escaped; cut when too long. text NULL is "".
 * Returns out. */
const char *
log_quote(char *out, const char *text);

/* LOG_QUOTE is log_quote into a buffer that lives to the end of the enclosing block. */
#define LOG_QUOTE(text) log_quote((char[LOG_VALUE_MAX]){0}, (text))

#define log_info(event, ...)  log_event(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_event(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__)

#endif
