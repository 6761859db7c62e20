/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Structured log lines on stderr. */
#include "control/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[LOG_LEVEL_CNT] = {
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

static size_t
line_head(char *line, enum log_level level, const char *event)
{
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t len = strftime(line, LOG_LINE_MAX, "time=%Y-%m-%dT%H:%M:%S", &utc);
	int n = snprintf(line + len, LOG_LINE_MAX - len, ".%03ldZ level=%s event=%s",
	                 now.tv_nsec / 1000000, level_names[level], event);
	return len + (size_t)n;
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	char line[LOG_LINE_MAX + 1];
	size_t len = line_head(line, level, event);
	va_list args;

	if (fmt[0] != '\0')
		line[len++] = ' ';
	va_start(args, fmt);
	int n = vsnprintf(line + len, LOG_LINE_MAX - len, fmt, args);
	va_end(args);
	if (n > 0)
		len += (size_t)n;
	if (len >= LOG_LINE_MAX)
		len = LOG_LINE_MAX - 1;
	line[len++] = '\n';
	/* A log that cannot be written (stderr closed) must not stop the daemon. */
	ssize_t ignored = write(STDERR_FILENO, line, len);
	(void)ignored;
}

static bool
is_plain(const char *text)
{
	if (text[0] == '\0')
		return false;
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p <= ' ' || *p == '"' || *p == '\\' || *p == '=' || *p == 0x7f)
			return false;
	return true;
}

const char *
log_quote(char *out, const char *text)
{
	size_t len = 0;

	if (text == NULL)
		text = "";
	bool plain = is_plain(text);
	if (!plain)
		out[len++] = '"';
	/* 6: the longest escape, the closing quote and the NUL. */
	for (const unsigned char *p = (const unsigned char *)text; *p && len < LOG_VALUE_MAX - 6; p++) {
		if (*p == '"' || *p == '\\') {
			out[len++] = '\\';
			out[len++] = (char)*p;
		} else if (*p < ' ' || *p == 0x7f) {
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
