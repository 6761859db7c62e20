/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The head of a response (RFC 9112 4, RFC 9110 14.4). */
#include "perf/leech_http.h"

#include <string.h>
#include <strings.h>

struct text {
	const char *at;
	const char *end;
};

static bool
skip(struct text *text, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(text->end - text->at) < len || strncasecmp(text->at, word, len) != 0)
		return false;
	text->at += len;
	return true;
}

static void
skip_blanks(struct text *text)
{
	while (text->at < text->end && (*text->at == ' ' || *text->at == '\t'))
		text->at++;
}

/* number takes digits, at most as many as fit 63 bits. */
static bool
number(struct text *text, uint64_t *value)
{
	const char *from = text->at;

	*value = 0;
	for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++) {
		if (*value > (uint64_t)INT64_MAX / 10 - 1)
			return false;
		*value = *value * 10 + (uint64_t)(*text->at - '0');
	}
	return text->at > from;
}

static bool
status_take(struct text line, struct leech_http_head *head)
{
	uint64_t status;

	if (!skip(&line, "HTTP/1.1 ") || !number(&line, &status) || status < 100 || status > 599)
		return false;
	head->status = (uint32_t)status;
	return true;
}

/* range_take reads "bytes FROM-TO/TOTAL". */
static bool
range_take(struct text value, struct leech_http_head *head)
{
	if (!skip(&value, "bytes ") || !number(&value, &head->from) || !skip(&value, "-") ||
	    !number(&value, &head->to) || !skip(&value, "/") || head->to < head->from)
		return false;
	if (!skip(&value, "*") && !number(&value, &head->total))
		return false;
	head->has_range = true;
	return true;
}

static bool
field_take(struct text line, struct leech_http_head *head)
{
	if (skip(&line, "Content-Length:")) {
		skip_blanks(&line);
		head->has_len = true;
		return number(&line, &head->len);
	}
	if (skip(&line, "Content-Range:")) {
		skip_blanks(&line);
		return range_take(line, head);
	}
	if (skip(&line, "Transfer-Encoding:"))
		return false;
	if (skip(&line, "Connection:")) {
		skip_blanks(&line);
		head->close = skip(&line, "close");
		return true;
	}
	if (skip(&line, "Server:")) {
		skip_blanks(&line);
		head->server = line.at;
		head->server_len = (uint32_t)(line.end - line.at);
	}
	return true;
}

int
leech_http_head_parse(const char *text, size_t len, struct leech_http_head *head)
{
	const char *end = memmem(text, len, "\r\n\r\n", 4);
	const char *at = text;
	bool first = true;

	memset(head, 0, sizeof(*head));
	if (end == NULL)
		return 0;
	head->head_len = (uint32_t)(end - text) + 4;
	for (; at < end + 2; first = false) {
		const char *stop = memmem(at, (size_t)(end + 2 - at), "\r\n", 2);
		struct text line = {at, stop};

		if (!(first ? status_take(line, head) : field_take(line, head)))
			return -1;
		at = stop + 2;
	}
	return 1;
}
