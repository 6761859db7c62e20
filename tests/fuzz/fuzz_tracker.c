/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Attack surface: any bytes that a tracker answers with, over HTTP or in a datagram, and any URL
 * that a .torrent names. The first byte chooses. Whatever comes, the texts end, are printable, and
 * an URL that is taken has a host and a port. */
#include "control/announce/tracker.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(bool right)
{
	if (!right)
		abort();
}

static void
result_check(const struct tracker_result *result)
{
	size_t len = strnlen(result->text, sizeof(result->text));

	check(len < sizeof(result->text));
	for (size_t i = 0; i < len; i++)
		check(result->text[i] >= ' ' && result->text[i] < 0x7f);
	check(strnlen(result->tracker_id, sizeof(result->tracker_id)) < sizeof(result->tracker_id));
	check(result->outcome == TRACKER_OK || len > 0);
	check(result->outcome <= TRACKER_BAD);
	check(result->cookie == 1);
}

static void
url_check(const uint8_t *data, size_t len)
{
	char url[TRACKER_URL_MAX + 32], scrape[TRACKER_URL_MAX + 1];
	struct tracker_place place;

	if (len >= sizeof(url))
		len = sizeof(url) - 1;
	memcpy(url, data, len);
	url[len] = '\0';
	if (tracker_url_parse(&place, url) != 0)
		return;
	check(place.port != 0 && place.host[0] != '\0');
	check(place.rest >= url && place.rest <= url + strlen(url));
	if (tracker_url_scrape(url, scrape) == 0)
		check(strlen(scrape) < strlen(url));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct tracker_result result;
	uint32_t transaction;
	char kind = len > 0 ? (char)data[0] : 0;

	if (len == 0)
		return 0;
	tracker_result_begin(&result, 1);
	data++;
	len--;
	if (kind == 's' || kind == 'u') {
		result.hash_cnt = 3;
		memset(result.hash, 'h', sizeof(result.hash));
	}
	if (kind == 'h')
		tracker_reply_http(&result, data, len);
	else if (kind == 's')
		tracker_reply_scrape(&result, data, len);
	else if (kind == 'c')
		tracker_reply_connect(&result, data, len);
	else if (kind == 'a' || kind == 'u')
		tracker_reply_udp(&result, data, len, kind == 'u');
	else
		url_check(data, len);
	check(tracker_reply_transaction(data, len, &transaction) == (len >= 8));
	result_check(&result);
	return 0;
}
