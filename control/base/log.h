/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* log.h tells what happens, one event at a time, as a name and key=value pairs. Where to depends:
 *
 *      stderr is the journal's   PRIORITY=6, SPILLWAY_EVENT=torrent_added, SPILLWAY_TORRENT_ID=7,
 *                                SPILLWAY_NAME=a b, MESSAGE=torrent_added id=7 name="a b"
 *      text                      time=2026-08-01T12:00:00.123Z level=info event=torrent_added id=7
 *                                name="a b", all on one line
 *      json                      {"time":"2026-08-01T12:00:00.123Z","level":"info",
 *                                "event":"torrent_added","id":"7","name":"a b"}, on one line
 *
 * Fields of the journal are the keys in capitals after SPILLWAY_; id is a torrent's. Before
 * log_setup everything is told, as text or to the journal.
 * Threads: any; a line is one write(2), so lines never mix. Memory: none kept.
 */
#ifndef SPILLWAY_CONTROL_BASE_LOG_H
#define SPILLWAY_CONTROL_BASE_LOG_H

#include <stddef.h>

enum log_level {
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_CNT
};

enum log_format {
	LOG_FORMAT_AUTO, /* the journal if stderr is its, else text */
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,
	LOG_FORMAT_CNT
};

enum log_limit {
	LOG_LINE_MAX = 2048, /* bytes; a longer line is cut */
	LOG_VALUE_MAX = 512, /* bytes of one quoted value, with its NUL */
	LOG_KEY_MAX = 32,    /* bytes of a key, with its NUL */
	LOG_PAIRS_MAX = 24,  /* of one event; more are left out of fields and JSON */
};

/* log_setup chooses what is told from now on: events of at least that level, in that format. */
void
log_setup(enum log_level level, enum log_format format);

/* log_event tells one event. event is one word; fmt gives the pairs ("id=%u name=%s") and may be
 * "". Text that is not ours goes through LOG_QUOTE. */
void
log_event(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* log_quote writes value into out[LOG_VALUE_MAX] so that it is one: as it is when it is plain, else
 * in double quotes with ", \ and control characters escaped; cut when too long. NULL is "".
 * Returns out. */
const char *
log_quote(char *out, const char *value);

/* A pair taken apart. */
struct log_pair {
	char key[LOG_KEY_MAX];
	char value[LOG_LINE_MAX];
};

/* log_pair_next takes the pair at *at apart, undoing log_quote, and moves *at behind it.
 * Returns 1, or 0 at the end or where there is no pair. */
int
log_pair_next(const char **at, struct log_pair *pair);

/* LOG_QUOTE is log_quote into a buffer that lives to the end of the enclosing block. */
#define LOG_QUOTE(text) log_quote((char[LOG_VALUE_MAX]){0}, (text))

#define log_info(event, ...)  log_event(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  log_event(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event, __VA_ARGS__)

#endif
