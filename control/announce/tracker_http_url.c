/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The parameters of an announce and of a scrape. */
#include "control/announce/tracker_http_url.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const event_names[] = {
	[TRACKER_EVENT_NONE] = NULL,
	[TRACKER_EVENT_COMPLETED] = "completed",
	[TRACKER_EVENT_STARTED] = "started",
	[TRACKER_EVENT_STOPPED] = "stopped",
	[TRACKER_EVENT_PAUSED] = "paused",
};

/* put_escaped appends bytes, all but unreserved ones as %XX (RFC 3986, section 2.3). */
static void
put_escaped(FILE *out, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		bool plain = (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z') ||
		             (p[i] >= '0' && p[i] <= '9') || (p[i] != '\0' && strchr("-._~", p[i]));
		fprintf(out, plain ? "%c" : "%%%02X", p[i]);
	}
}

static void
put_addresses(FILE *out, const struct tracker_self *self)
{
	static const struct in6_addr none;
	char text[INET6_ADDRSTRLEN];

	if (self->ip_be != 0)
		fprintf(out, "&ip=%s", inet_ntop(AF_INET, &self->ip_be, text, sizeof(text)));
	if (memcmp(&self->ip6, &none, sizeof(none)) == 0)
		return;
	inet_ntop(AF_INET6, &self->ip6, text, sizeof(text));
	fputs("&ipv6=", out);
	put_escaped(out, text, strlen(text));
}

static void
put_announce(FILE *out, const struct tracker_ask *ask, const struct tracker_self *self)
{
	fputs("info_hash=", out);
	put_escaped(out, ask->hash[0], 20);
	fputs("&peer_id=", out);
	put_escaped(out, self->peer_id, sizeof(self->peer_id));
	/* Nothing is downloaded, and no peers are wanted: they come to a seeder. */
	fprintf(out,
	        "&port=%u&uploaded=%" PRIu64 "&downloaded=0&left=%" PRIu64
	        "&compact=1&no_peer_id=1&numwant=0&key=%08" PRIX32,
	        self->port, ask->uploaded_bytes, ask->left_bytes, self->key);
	if (event_names[ask->event] != NULL)
		fprintf(out, "&event=%s", event_names[ask->event]);
	if (ask->tracker_id[0] != '\0') {
		fputs("&trackerid=", out);
		put_escaped(out, ask->tracker_id, strlen(ask->tracker_id));
	}
	put_addresses(out, self);
}

static void
put_scrape(FILE *out, const struct tracker_ask *ask)
{
	for (uint32_t i = 0; i < ask->hash_cnt; i++) {
		fputs(i == 0 ? "info_hash=" : "&info_hash=", out);
		put_escaped(out, ask->hash[i], 20);
	}
}

char *
tracker_http_url(const struct tracker_ask *ask, const struct tracker_self *self)
{
	char scrape[TRACKER_URL_MAX + 1], *text = NULL;
	const char *base = ask->url;
	size_t len = 0;

	if (ask->is_scrape) {
		if (tracker_url_scrape(ask->url, scrape) != 0)
			return NULL;
		base = scrape;
	}
	FILE *out = open_memstream(&text, &len);
	if (out == NULL)
		return NULL;
	size_t base_len = strcspn(base, "#");
	fprintf(out, "%.*s%c", (int)base_len, base, memchr(base, '?', base_len) != NULL ? '&' : '?');
	if (ask->is_scrape)
		put_scrape(out, ask);
	else
		put_announce(out, ask, self);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
