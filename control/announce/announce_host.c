/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A host's queue, rate and back-off, its address and its UDP connection. */
#include "control/announce/announce_state.h"

#include "control/base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	TURNS_MAX = 512,      /* hosts looked at in one run */
	FULL_MS = 100,        /* until a host is looked at again that found no room to ask */
	RESOLVE_MS = 600000,  /* an address is looked up again after */
	BURST_US = 50000,     /* of the rate that may be made up for */
	CONNECTION_MARGIN_MS = 1000,
};

int64_t
jitter_ms(int64_t ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return ms;
	return ms - (int64_t)(random % (uint32_t)(ms / 5 + 1));
}

/* ---- URLs, tiers and hosts. */

static int
hosts_grow(struct announce *a, uint32_t cnt)
{
	uint32_t cap = a->host_cap;

	if (announce_grow((void **)&a->host_place, &cap, cnt, sizeof(*a->host_place)) != 0 ||
	    announce_grow((void **)&a->host, &a->host_cap, cnt, sizeof(*a->host)) != 0 ||
	    due_heap_reserve(&a->due_hosts, cnt) != 0)
		return -ENOMEM;
	return 0;
}

static uint32_t
host_take(struct announce *a, const struct tracker_place *place)
{
	char key[TRACKER_HOST_MAX + 16];
	bool is_new;
	int len = snprintf(key, sizeof(key), "%d %s %u", place->scheme, place->host, place->port);
	uint32_t host = intern_take(&a->hosts, key, (size_t)len, &is_new);

	if (host == INTERN_NONE || !is_new)
		return host;
	if (hosts_grow(a, host + 1) != 0) {
		intern_drop(&a->hosts, host);
		return ANNOUNCE_NONE;
	}
	a->host_place[host] = DUE_HEAP_OUT;
	a->host[host] = (struct host){
		.flags = place->scheme == TRACKER_UDP ? HOST_UDP : 0,
		.serial = ++a->host_serial & 0xffffff,
		.text = ANNOUNCE_NONE,
	};
	return host;
}

static void
host_drop(struct announce *a, uint32_t host)
{
	struct host *h = &a->host[host];

	if (!intern_drop(&a->hosts, host))
		return;
	assert(h->queue.cnt == 0);
	due_heap_remove(&a->due_hosts, a->host_place, host);
	due_heap_free(&h->queue);
	text_set(a, &h->text, "");
	free(h->addresses);
	*h = (struct host){0};
}

uint32_t
url_take(struct announce *a, const char *url)
{
	struct tracker_place place;
	bool is_new;

	if (tracker_url_parse(&place, url) != 0)
		return ANNOUNCE_NONE;
	uint32_t number = intern_take(&a->urls, url, strlen(url), &is_new);
	if (number == INTERN_NONE || !is_new)
		return number;
	if (announce_grow((void **)&a->url_host, &a->url_cap, number + 1, sizeof(*a->url_host)) == 0)
		a->url_host[number] = host_take(a, &place);
	else
		number = ANNOUNCE_NONE;
	if (number != ANNOUNCE_NONE && a->url_host[number] != ANNOUNCE_NONE)
		return number;
	intern_drop(&a->urls, number);
	return ANNOUNCE_NONE;
}

void
url_drop(struct announce *a, uint32_t url)
{
	if (intern_drop(&a->urls, url))
		host_drop(a, a->url_host[url]);
}

uint32_t
tier_take(struct announce *a, const uint32_t *urls, uint32_t cnt)
{
	bool is_new;
	uint32_t tier = intern_take(&a->tiers, urls, cnt * sizeof(*urls), &is_new);

	/* A new one keeps the URLs. */
	for (uint32_t i = 0; (tier == INTERN_NONE || !is_new) && i < cnt; i++)
		url_drop(a, urls[i]);
	return tier;
}

void
tier_drop(struct announce *a, uint32_t tier)
{
	uint32_t urls[ANNOUNCE_TIERS_MAX * ANNOUNCE_TIER_MAX];
	uint32_t len = intern_len(&a->tiers, tier);

	assert(len <= sizeof(urls));
	memcpy(urls, intern_bytes(&a->tiers, tier), len);
	if (!intern_drop(&a->tiers, tier))
		return;
	for (uint32_t i = 0; i < len / sizeof(urls[0]); i++)
		url_drop(a, urls[i]);
}

/* ---- What answers mean to a host. */

void
host_good(struct announce *a, uint32_t host)
{
	struct host *h = &a->host[host];

	h->flags |= HOST_PROVEN;
	h->dead_cnt = h->bad_cnt = 0;
	h->back_ms = 0;
	text_set(a, &h->text, "");
}

void
host_dead(struct announce *a, uint32_t host, const char *text, int64_t now_ms)
{
	struct host *h = &a->host[host];
	int64_t wait_ms = ANNOUNCE_DEAD_MIN_MS;

	h->flags &= ~(uint32_t)HOST_PROVEN;
	h->connection.until_ms = 0;
	text_set(a, &h->text, text);
	if (h->back_ms > now_ms) /* of several questions at once: the others were counted */
		return;
	for (uint32_t i = 0; i < h->dead_cnt && wait_ms < ANNOUNCE_DEAD_MAX_MS; i++)
		wait_ms *= 2;
	h->dead_cnt++;
	if (wait_ms > ANNOUNCE_DEAD_MAX_MS)
		wait_ms = ANNOUNCE_DEAD_MAX_MS;
	h->back_ms = now_ms + jitter_ms(wait_ms);
	/* Another address may answer, or the name lead elsewhere by now. */
	if (h->addresses != NULL && ++h->address_at >= h->addresses->cnt)
		h->resolved_ms = 0;
}

void
host_bad(struct announce *a, uint32_t host, const char *text, int64_t now_ms)
{
	struct host *h = &a->host[host];

	if (++h->bad_cnt < ANNOUNCE_BAD_MAX)
		return;
	h->bad_cnt = 0;
	host_dead(a, host, text, now_ms);
}

/* ---- When a host is due. */

static bool
host_full(const struct host *h)
{
	uint32_t max = h->flags & HOST_UDP ? ANNOUNCE_UDP_MAX : ANNOUNCE_HTTP_MAX;

	return (h->flags & (HOST_RESOLVING | HOST_CONNECTING)) != 0 ||
	       h->flying_cnt >= (h->flags & HOST_PROVEN ? max : 1);
}

void
host_due(struct announce *a, uint32_t host, int64_t now_ms)
{
	struct host *h = &a->host[host];

	if (h->queue.cnt == 0 || host_full(h)) {
		due_heap_remove(&a->due_hosts, a->host_place, host);
		return;
	}
	int64_t due_ms = h->queue.slot[0].due_ms;
	if (!a->stopping && h->back_ms <= now_ms && due_ms < h->next_us / 1000)
		due_ms = h->next_us / 1000;
	due_heap_set(&a->due_hosts, a->host_place, host, due_ms);
}

/* rate_take counts a question against the rate. */
static void
rate_take(const struct announce *a, struct host *h, int64_t now_ms)
{
	int64_t now_us = now_ms * 1000;

	if (h->next_us < now_us - BURST_US)
		h->next_us = now_us - BURST_US;
	h->next_us += 1000000 / a->options->announce_rate;
}

/* ---- Asking. */

static uint64_t
host_cookie(const struct announce *a, uint32_t host)
{
	return (uint64_t)COOKIE_HOST << 56 | (uint64_t)a->host[host].serial << 32 | host;
}

uint32_t
host_of_cookie(const struct announce *a, uint64_t cookie)
{
	uint32_t host = (uint32_t)cookie;

	if (host >= a->hosts.entry_cnt || a->hosts.entry[host].hold_cnt == 0 ||
	    a->host[host].serial != (cookie >> 32 & 0xffffff))
		return ANNOUNCE_NONE;
	return host;
}

static void
resolve(struct announce *a, uint32_t host, int64_t now_ms)
{
	struct tracker_place place;
	struct host *h = &a->host[host];
	unsigned int port = 0;

	if (sscanf(intern_bytes(&a->hosts, host), "%*d %255s %u", place.host, &port) == 2 &&
	    tracker_dns_ask(a->dns, host_cookie(a, host), place.host, (uint16_t)port) == 0)
		h->flags |= HOST_RESOLVING;
	else
		host_dead(a, host, "out of memory or threads", now_ms);
}

void
host_resolved(struct announce *a, uint64_t cookie, const struct tracker_addresses *addresses,
              int64_t now_ms)
{
	uint32_t host = host_of_cookie(a, cookie);

	if (host == ANNOUNCE_NONE)
		return;
	struct host *h = &a->host[host];
	h->flags &= ~(uint32_t)HOST_RESOLVING;
	if (h->addresses == NULL)
		h->addresses = calloc(1, sizeof(*h->addresses));
	if (h->addresses != NULL && addresses->cnt > 0)
		*h->addresses = *addresses; /* otherwise those known before may still do */
	h->address_at = 0;
	if (h->addresses != NULL && h->addresses->cnt > 0)
		h->resolved_ms = now_ms;
	else
		host_dead(a, host, addresses->cnt == 0 ? addresses->text : "out of memory", now_ms);
	host_due(a, host, now_ms);
}

void
host_answered(struct announce *a, const struct tracker_result *result, int64_t now_ms)
{
	uint32_t host = host_of_cookie(a, result->cookie);

	if (host == ANNOUNCE_NONE)
		return;
	struct host *h = &a->host[host];
	h->flags &= ~(uint32_t)HOST_CONNECTING;
	if (result->outcome == TRACKER_OK) {
		h->connection = (struct tracker_connection){
			.id = result->connection,
			.until_ms = now_ms + TRACKER_UDP_CONNECTION_MS,
		};
		host_good(a, host);
	} else {
		host_dead(a, host, result->text, now_ms);
	}
	host_due(a, host, now_ms);
}

bool
host_ready(struct announce *a, uint32_t host, int64_t now_ms)
{
	struct host *h = &a->host[host];

	if (h->resolved_ms == 0 || now_ms - h->resolved_ms > RESOLVE_MS) {
		resolve(a, host, now_ms);
		return false;
	}
	if (!(h->flags & HOST_UDP) || h->connection.until_ms > now_ms + CONNECTION_MARGIN_MS)
		return true;
	if (tracker_udp_connect(a->udp, host_cookie(a, host), &h->addresses->address[h->address_at]) ==
	    0)
		h->flags |= HOST_CONNECTING;
	else
		host_dead(a, host, "out of memory", now_ms);
	return false;
}

/* seat_send asks for the seat that is due first. */
static void
seat_send(struct announce *a, uint32_t host, int64_t now_ms)
{
	struct host *h = &a->host[host];
	uint32_t seat = h->queue.slot[0].item;
	struct tracker_ask ask;

	seat_ask(a, seat, &ask);
	ask.address = h->addresses->address[h->address_at];
	int err = h->flags & HOST_UDP ? tracker_udp_send(a->udp, &ask, &h->connection)
	                              : tracker_http_send(a->http, &ask);
	rate_take(a, h, now_ms);
	if (err != 0) { /* out of memory: later */
		due_heap_set(&h->queue, a->seat_place, seat, now_ms + ANNOUNCE_REFUSED_MIN_MS);
		return;
	}
	a->sent_cnt++;
	h->flying_cnt++;
	due_heap_remove(&h->queue, a->seat_place, seat);
	a->seat[seat].flags |= SEAT_FLYING;
}

/* back_turn sends the seat that is due away from a host that is backing off. */
static void
back_turn(struct announce *a, uint32_t host, int64_t now_ms)
{
	const struct due_slot *first = &a->host[host].queue.slot[0];
	uint32_t seat = first->item, record = a->seat[seat].record;

	if (a->record[record].flags & RECORD_WANTED)
		seat_queue(a, seat, first->due_ms);
	else if (!seat_farewell(a, seat, now_ms))
		record_settle(a, record);
}

/* host_turn does one thing for a host that is due. */
static void
host_turn(struct announce *a, uint32_t host, int64_t now_ms)
{
	const struct host *h = &a->host[host];

	if (h->back_ms > now_ms) {
		back_turn(a, host, now_ms);
		return;
	}
	if (h->flags & HOST_UDP ? tracker_udp_full(a->udp) : tracker_http_full(a->http)) {
		due_heap_set(&a->due_hosts, a->host_place, host, now_ms + FULL_MS);
		return;
	}
	if (host_ready(a, host, now_ms))
		seat_send(a, host, now_ms);
	host_due(a, host, now_ms);
}

void
hosts_run(struct announce *a, int64_t now_ms)
{
	for (int i = 0; i < TURNS_MAX && a->due_hosts.cnt > 0; i++) {
		if (a->due_hosts.slot[0].due_ms > now_ms)
			return;
		host_turn(a, a->due_hosts.slot[0].item, now_ms);
	}
}
