/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Events on stderr or in the journal. */
#include "control/base/log.h"

#include "control/base/log_sink.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[LOG_LEVEL_CNT] = {
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

enum { JSON_LINE_MAX = 4 * LOG_LINE_MAX };

static _Atomic int least_level = LOG_LEVEL_INFO;
static _Atomic int chosen_format = LOG_FORMAT_AUTO;

void
log_setup(enum log_level level, enum log_format format)
{
	atomic_store(&least_level, (int)level);
	atomic_store(&chosen_format, (int)format);
}

static void
time_text(char *out, size_t out_len)
{
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t len = strftime(out, out_len, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + len, out_len - len, ".%03ldZ", now.tv_nsec / 1000000);
}

/* line_write: a log that cannot be written (stderr closed) must not stop the daemon. */
static void
line_write(const char *line, size_t len)
{
	ssize_t ignored = write(STDERR_FILENO, line, len);

	(void)ignored;
}

static void
text_write(const struct log_entry *entry)
{
	char line[LOG_LINE_MAX + 1];
	int n = snprintf(line, LOG_LINE_MAX, "time=%s level=%s event=%s%s%s", entry->time,
	                 entry->level_name, entry->event, entry->pairs[0] != '\0' ? " " : "",
	                 entry->pairs);
	size_t len = n < LOG_LINE_MAX ? (size_t)n : LOG_LINE_MAX - 1;

	line[len++] = '\n';
	line_write(line, len);
}

static void
json_write(const struct log_entry *entry)
{
	char line[JSON_LINE_MAX];
	size_t len = log_json(entry, line, sizeof(line));

	if (len > 0)
		line_write(line, len);
	else
		text_write(entry);
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	int format = atomic_load(&chosen_format);
	char pairs[LOG_LINE_MAX], now[64];
	va_list args;

	if ((int)level < atomic_load(&least_level))
		return;
	va_start(args, fmt);
	vsnprintf(pairs, sizeof(pairs), fmt, args);
	va_end(args);
	time_text(now, sizeof(now));
	struct log_entry entry = {
		.level = level,
		.level_name = level_names[level],
		.time = now,
		.event = event,
		.pairs = pairs,
	};
	if (format == LOG_FORMAT_JSON)
		json_write(&entry);
	else if (format == LOG_FORMAT_TEXT || !log_is_journal() || !log_to_journal(&entry))
		text_write(&entry);
}

/* ---- Values. */

static bool
is_c1(const unsigned char *p)
{
	return *p >= 0x80 && *p < 0xa0;
}

/* is_control: of U+0080 to U+009F, which are two bytes, both are. */
static bool
is_control(const unsigned char *text, const unsigned char *p)
{
	return *p < ' ' || *p == 0x7f || (*p == 0xc2 && is_c1(p + 1)) ||
	       (p > text && p[-1] == 0xc2 && is_c1(p));
}

static bool
is_plain(const unsigned char *text)
{
	if (text[0] == '\0')
		return false;
	for (const unsigned char *p = text; *p != '\0'; p++)
		if (is_control(text, p) || *p == ' ' || *p == '"' || *p == '\\' || *p == '=')
			return false;
	return true;
}

const char *
log_quote(char *out, const char *value)
{
	const unsigned char *text = (const unsigned char *)(value != NULL ? value : "");
	bool plain = is_plain(text);
	size_t len = 0;

	if (!plain)
		out[len++] = '"';
	/* 6: the longest escape, the closing quote and the NUL. */
	for (const unsigned char *p = text; *p != '\0' && len < LOG_VALUE_MAX - 6; p++) {
		if (*p == '"' || *p == '\\') {
			out[len++] = '\\';
			out[len++] = (char)*p;
		} else if (is_control(text, p)) {
			len += (size_t)snprintf(out + len, 5, "\\x%02x", *p);
		} else {
			out[len++] = (char)*p;
		}
	}
	if (!plain)
		out[len++] = '"';
	out[len] = '\0';
	return out;
}

/* escape_read reads what follows a backslash, and moves *at behind it. */
static char
escape_read(const char **at)
{
	const char *p = *at;

	if (p[0] == 'x' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
		const char digits[3] = {p[1], p[2], '\0'};

		*at += 3;
		return (char)strtol(digits, NULL, 16);
	}
	if (p[0] != '\0')
		(*at)++;
	return p[0];
}

static void
value_read(const char **at, char *out)
{
	const char *p = *at;
	bool quoted = *p == '"';
	size_t len = 0;

	p += quoted;
	while (*p != '\0' && *p != (quoted ? '"' : ' ') && len < LOG_LINE_MAX - 1) {
		char byte = *p++;

		out[len++] = quoted && byte == '\\' ? escape_read(&p) : byte;
	}
	p += quoted && *p == '"';
	out[len] = '\0';
	*at = p;
}

int
log_pair_next(const char **at, struct log_pair *pair)
{
	const char *p = *at + strspn(*at, " ");
	size_t len = strcspn(p, "= ");

	if (len == 0 || p[len] != '=')
		return 0;
	size_t kept = len < LOG_KEY_MAX ? len : LOG_KEY_MAX - 1;
	memcpy(pair->key, p, kept);
	pair->key[kept] = '\0';
	p += len + 1;
	value_read(&p, pair->value);
	*at = p;
	return 1;
}
