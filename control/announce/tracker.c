/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Trackers' URLs, and results as such. */
#include "control/announce/tracker.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *prefix;
	uint16_t port; /* 0: must be given */
} schemes[TRACKER_SCHEME_CNT] = {
	[TRACKER_HTTP] = {"http://", 80},
	[TRACKER_HTTPS] = {"https://", 443},
	[TRACKER_UDP] = {"udp://", 0},
};

static int
scheme_parse(struct tracker_place *place, const char **url)
{
	for (int i = 0; i < TRACKER_SCHEME_CNT; i++) {
		size_t len = strlen(schemes[i].prefix);
		if (strncasecmp(*url, schemes[i].prefix, len) != 0)
			continue;
		place->scheme = (enum tracker_scheme)i;
		*url += len;
		return 0;
	}
	return strstr(*url, "://") != NULL ? -EPROTONOSUPPORT : -EINVAL;
}

/* host_copy takes the bytes [host, host + len). */
static int
host_copy(struct tracker_place *place, const char *host, size_t len)
{
	if (len == 0 || len >= sizeof(place->host))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (!isgraph((unsigned char)host[i]) || strchr("@/\\?#[]", host[i]) != NULL)
			return -EINVAL;
		place->host[i] = (char)tolower((unsigned char)host[i]);
	}
	place->host[len] = '\0';
	return 0;
}

static int
port_parse(struct tracker_place *place, const char *text, size_t len)
{
	unsigned long port = schemes[place->scheme].port;

	if (len > 0) {
		if (text[0] != ':' || len > 6)
			return -EINVAL;
		if (len > 1)
			port = 0;
		for (size_t i = 1; i < len; i++) {
			if (!isdigit((unsigned char)text[i]))
				return -EINVAL;
			port = port * 10 + (unsigned long)(text[i] - '0');
		}
	}
	if (port == 0 || port > UINT16_MAX)
		return -EINVAL;
	place->port = (uint16_t)port;
	return 0;
}

int
tracker_url_parse(struct tracker_place *place, const char *url)
{
	if (strlen(url) > TRACKER_URL_MAX)
		return -EINVAL;
	int err = scheme_parse(place, &url);
	if (err != 0)
		return err;
	size_t len = strcspn(url, "/?#");
	place->rest = url + len;
	const char *at = memrchr(url, '@', len); /* user and password stay in the URL only */
	if (at != NULL) {
		len -= (size_t)(at + 1 - url);
		url = at + 1;
	}
	size_t host_len = strcspn(url, ":/?#");
	if (url[0] == '[') {
		const char *close = memchr(url, ']', len);
		if (close == NULL)
			return -EINVAL;
		host_len = (size_t)(close - url) - 1;
		err = host_copy(place, url + 1, host_len);
		host_len += 2;
	} else {
		err = host_copy(place, url, host_len);
	}
	return err != 0 ? err : port_parse(place, url + host_len, len - host_len);
}

int
tracker_url_scrape(const char *url, char *out)
{
	static const char announce[] = "announce", scrape[] = "scrape";
	struct tracker_place place;

	if (tracker_url_parse(&place, url) != 0)
		return -ENOENT;
	size_t first = (size_t)(place.rest - url), last = first + strcspn(place.rest, "?#");
	while (last > first && url[last - 1] != '/')
		last--;
	if (last == first || strncmp(url + last, announce, strlen(announce)) != 0)
		return -ENOENT;
	snprintf(out, TRACKER_URL_MAX + 1, "%.*s%s%s", (int)last, url, scrape,
	         url + last + strlen(announce));
	return 0;
}

void
tracker_text(struct tracker_result *result, const void *why, size_t len)
{
	const unsigned char *bytes = why;

	if (len >= sizeof(result->text))
		len = sizeof(result->text) - 1;
	for (size_t i = 0; i < len; i++)
		result->text[i] = bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?';
	result->text[len] = '\0';
}

void
tracker_fail(struct tracker_result *result, enum tracker_outcome outcome, const char *fmt, ...)
{
	char text[2 * TRACKER_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	result->outcome = outcome;
	tracker_text(result, text, strlen(text));
}

void
tracker_result_begin(struct tracker_result *result, uint64_t cookie)
{
	static const struct tracker_counts unknown = {
		.seeders = TRACKER_UNKNOWN,
		.leechers = TRACKER_UNKNOWN,
		.downloaded = TRACKER_UNKNOWN,
	};

	result->cookie = cookie;
	result->outcome = TRACKER_OK;
	result->text[0] = result->tracker_id[0] = '\0';
	result->interval_s = result->interval_min_s = result->retry_s = 0;
	result->counts = unknown;
	result->hash_cnt = 0;
	for (int i = 0; i < TRACKER_SCRAPE_MAX; i++)
		result->scraped[i] = unknown;
}
