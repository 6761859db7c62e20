/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Scrapes (BEP 48, BEP 15): a host's torrents in turn, as many as go into one question, every
 * tracker_scrape seconds anew. What a tracker says of itself in its answers to announces stands
 * until then. */
#include "control/announce/announce_state.h"

#include "control/base/clock.h"

#include <string.h>

enum {
	TICK_MS = 200,    /* a host is asked once in */
	WALK_MAX = 20000, /* seats looked at for one question */
};

/* A question being made. */
struct batch {
	uint32_t url;
	uint32_t cnt;
	uint8_t hash[TRACKER_SCRAPE_MAX][20];
};

/* known_url returns the URL at which a seat is known, if it is a host's, or ANNOUNCE_NONE. */
static uint32_t
known_url(const struct announce *a, uint32_t host, const struct seat *seat)
{
	uint32_t cnt;

	if (seat->record == ANNOUNCE_NONE || seat->known_at == SEAT_UNKNOWN)
		return ANNOUNCE_NONE;
	uint32_t url = seat_trackers(a, seat, &cnt)[seat->known_at];
	return a->url_host[url] == host ? url : ANNOUNCE_NONE;
}

/* url_scrapes tells whether there is something to scrape at. */
static bool
url_scrapes(const struct announce *a, uint32_t host, uint32_t url)
{
	char scrape[TRACKER_URL_MAX + 1];

	return a->host[host].flags & HOST_UDP ||
	       tracker_url_scrape(intern_bytes(&a->urls, url), scrape) == 0;
}

/* batch_fill takes a host's seats that come next and have one URL. */
static void
batch_fill(const struct announce *a, uint32_t host, struct batch *batch)
{
	struct host *h = &a->host[host];

	batch->cnt = 0;
	for (int left = WALK_MAX; left > 0 && h->scrape_at < a->seat_cnt; left--, h->scrape_at++) {
		const struct seat *seat = &a->seat[h->scrape_at];
		uint32_t url = known_url(a, host, seat);
		if (url == ANNOUNCE_NONE || !url_scrapes(a, host, url))
			continue;
		if (batch->cnt == TRACKER_SCRAPE_MAX || (batch->cnt > 0 && url != batch->url))
			return;
		batch->url = url;
		memcpy(batch->hash[batch->cnt++], a->record[seat->record].info_hash, 20);
	}
}

/* batch_send asks. Returns 0 or -ENOMEM. */
static int
batch_send(struct announce *a, uint32_t host, const struct batch *batch)
{
	struct host *h = &a->host[host];
	struct tracker_ask ask = {
		.cookie = (uint64_t)COOKIE_SCRAPE << 56 | (uint64_t)h->serial << 32 | host,
		.url = intern_bytes(&a->urls, batch->url),
		.address = h->addresses->address[h->address_at],
		.is_scrape = true,
		.hash_cnt = batch->cnt,
		.hash = batch->hash,
		.tracker_id = "",
	};

	return h->flags & HOST_UDP ? tracker_udp_send(a->udp, &ask, &h->connection)
	                           : tracker_http_send(a->http, &ask);
}

/* host_scrape asks a host for its next torrents, when it may be asked. */
static void
host_scrape(struct announce *a, uint32_t host, int64_t now_ms)
{
	struct host *h = &a->host[host];
	struct batch batch;
	bool full = h->flags & HOST_UDP ? tracker_udp_full(a->udp) : tracker_http_full(a->http);

	if (full || h->back_ms > now_ms || h->scrape_ms > now_ms || h->next_us / 1000 > now_ms ||
	    !(h->flags & HOST_PROVEN) ||
	    h->flags & (HOST_SCRAPING | HOST_RESOLVING | HOST_CONNECTING) ||
	    !host_ready(a, host, now_ms))
		return;
	batch_fill(a, host, &batch);
	if (batch.cnt > 0 && batch_send(a, host, &batch) == 0) {
		h->flags |= HOST_SCRAPING;
		a->sent_cnt++;
	}
	if (h->scrape_at < a->seat_cnt)
		return;
	h->scrape_at = 0;
	h->scrape_ms = now_ms + jitter_ms(a->options->tracker_scrape * INT64_C(1000));
}

void
scrapes_run(struct announce *a, int64_t now_ms)
{
	if (a->options->tracker_scrape == 0 || now_ms < a->scrape_ms)
		return;
	a->scrape_ms = now_ms + TICK_MS;
	for (uint32_t i = 0; i < a->hosts.entry_cnt; i++)
		if (a->hosts.entry[i].hold_cnt > 0)
			host_scrape(a, i, now_ms);
}

/* counts_set gives a torrent's seat at a host what was scraped. */
static void
counts_set(struct announce *a, uint32_t host, const uint8_t info_hash[20],
           const struct tracker_counts *counts)
{
	uint32_t record = record_find(a, info_hash);

	if (record == ANNOUNCE_NONE || counts->seeders == TRACKER_UNKNOWN)
		return;
	for (uint32_t seat = a->record[record].seat; seat != ANNOUNCE_NONE; seat = a->seat[seat].next)
		if (known_url(a, host, &a->seat[seat]) != ANNOUNCE_NONE)
			a->seat[seat].counts = *counts;
}

void
scrape_result(struct announce *a, const struct tracker_result *result, int64_t now_ms)
{
	uint32_t host = host_of_cookie(a, result->cookie);

	if (host == ANNOUNCE_NONE)
		return;
	a->host[host].flags &= ~(uint32_t)HOST_SCRAPING;
	a->ok_cnt += result->outcome == TRACKER_OK;
	a->failed_cnt += result->outcome != TRACKER_OK && result->outcome != TRACKER_AGAIN;
	for (uint32_t i = 0; result->outcome == TRACKER_OK && i < result->hash_cnt; i++)
		counts_set(a, host, result->hash[i], &result->scraped[i]);
	if (result->outcome == TRACKER_DEAD)
		host_dead(a, host, result->text, now_ms);
	/* One that does not scrape is left alone until the next round. */
	if (result->outcome == TRACKER_BAD || result->outcome == TRACKER_REFUSED) {
		a->host[host].scrape_at = 0;
		a->host[host].scrape_ms = now_ms + a->options->tracker_scrape * INT64_C(1000);
	}
}
