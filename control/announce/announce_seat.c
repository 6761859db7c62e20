/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* When and where a torrent asks, and what answers mean to it. */
#include "control/announce/announce_state.h"

#include "control/base/clock.h"
#include "control/base/log.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* ---- Small things. */

void
text_set(struct announce *a, uint32_t *number, const char *text)
{
	bool is_new;

	if (strcmp(text_of(a, *number), text) == 0)
		return;
	uint32_t before = *number;
	*number = text[0] != '\0' ? intern_take(&a->texts, text, strlen(text), &is_new)
	                          : ANNOUNCE_NONE;
	if (before != ANNOUNCE_NONE)
		intern_drop(&a->texts, before);
}

const char *
text_of(const struct announce *a, uint32_t number)
{
	return number != ANNOUNCE_NONE ? intern_bytes(&a->texts, number) : "";
}

const uint32_t *
seat_trackers(const struct announce *a, const struct seat *seat, uint32_t *cnt)
{
	*cnt = intern_len(&a->tiers, seat->tier) / (uint32_t)sizeof(uint32_t);
	return intern_bytes(&a->tiers, seat->tier);
}

/* tracker_host returns the host of a seat's n-th tracker. */
static uint32_t
tracker_host(const struct announce *a, const struct seat *seat, uint32_t n)
{
	uint32_t cnt;
	const uint32_t *urls = seat_trackers(a, seat, &cnt);

	assert(n < cnt);
	return a->url_host[urls[n]];
}

static void
seat_set_state(struct announce *a, struct seat *seat, enum announce_state state)
{
	a->state_cnt[seat->state]--;
	seat->state = (uint8_t)state;
	a->state_cnt[state]++;
}

static void
seat_set_known(struct announce *a, struct seat *seat, uint8_t known_at)
{
	a->known_cnt += known_at != SEAT_UNKNOWN;
	a->known_cnt -= seat->known_at != SEAT_UNKNOWN;
	seat->known_at = known_at;
}

/* ---- Lifecycle. */

uint32_t
seat_new(struct announce *a, uint32_t record, uint32_t tier)
{
	uint32_t number = a->seat_free, cap = a->seat_cap;

	if (number != ANNOUNCE_NONE) {
		a->seat_free = a->seat[number].next;
	} else {
		if (announce_grow((void **)&a->seat_place, &cap, a->seat_cnt + 1,
		                  sizeof(*a->seat_place)) != 0 ||
		    announce_grow((void **)&a->seat, &a->seat_cap, a->seat_cnt + 1,
		                  sizeof(*a->seat)) != 0)
			return ANNOUNCE_NONE;
		number = a->seat_cnt++;
	}
	a->seat_place[number] = DUE_HEAP_OUT;
	a->seat[number] = (struct seat){
		.record = record,
		.tier = tier,
		.host = ANNOUNCE_NONE,
		.next = ANNOUNCE_NONE,
		.text = ANNOUNCE_NONE,
		.tracker_id = ANNOUNCE_NONE,
		.counts = {TRACKER_UNKNOWN, TRACKER_UNKNOWN, TRACKER_UNKNOWN},
		.known_at = SEAT_UNKNOWN,
		.state = ANNOUNCE_WAITING,
	};
	a->state_cnt[ANNOUNCE_WAITING]++;
	return number;
}

/* seat_unqueue takes a seat out of the queue it is in. */
static void
seat_unqueue(struct announce *a, uint32_t number)
{
	struct seat *seat = &a->seat[number];

	if (a->seat_place[number] == DUE_HEAP_OUT)
		return;
	due_heap_remove(&a->host[seat->host].queue, a->seat_place, number);
	host_due(a, seat->host, clock_now_ms());
	seat->host = ANNOUNCE_NONE;
}

void
seat_free(struct announce *a, uint32_t number)
{
	struct seat *seat = &a->seat[number];

	assert(!(seat->flags & SEAT_FLYING));
	seat_unqueue(a, number);
	seat_set_known(a, seat, SEAT_UNKNOWN);
	text_set(a, &seat->text, "");
	text_set(a, &seat->tracker_id, "");
	tier_drop(a, seat->tier);
	a->state_cnt[seat->state]--;
	*seat = (struct seat){.record = ANNOUNCE_NONE, .next = a->seat_free};
	a->seat_free = number;
}

/* ---- Queueing. */

/* seat_put puts a seat into the queue of its tracker's host. */
static void
seat_put(struct announce *a, uint32_t number, int64_t due_ms)
{
	struct seat *seat = &a->seat[number];
	uint32_t host = tracker_host(a, seat, seat->at);
	struct due_heap *queue = &a->host[host].queue;

	assert(!(seat->flags & SEAT_FLYING));
	if (seat->host != host)
		seat_unqueue(a, number);
	if (due_heap_reserve(queue, queue->cnt + 1) != 0) {
		log_error("out_of_memory", "id=%" PRIu32 " of=announce", a->record[seat->record].id);
		return;
	}
	seat->host = host;
	due_heap_set(queue, a->seat_place, number, due_ms);
	host_due(a, host, clock_now_ms());
}

/* seat_choose moves a seat to the first tracker from its own on whose host is not backing off.
 * Returns when the first of them may be asked if all are, else 0. */
static int64_t
seat_choose(const struct announce *a, struct seat *seat)
{
	int64_t now_ms = clock_now_ms(), first_ms = INT64_MAX;
	uint32_t cnt, first = seat->at;
	const uint32_t *urls = seat_trackers(a, seat, &cnt);

	for (uint32_t i = 0; i < cnt; i++) {
		uint32_t n = (seat->at + i) % cnt;
		int64_t back_ms = a->host[a->url_host[urls[n]]].back_ms;
		if (back_ms <= now_ms) {
			seat->at = (uint8_t)n;
			return 0;
		}
		if (back_ms < first_ms) {
			first_ms = back_ms;
			first = n;
		}
	}
	seat->at = (uint8_t)first;
	return first_ms;
}

void
seat_queue(struct announce *a, uint32_t number, int64_t due_ms)
{
	int64_t back_ms = seat_choose(a, &a->seat[number]);

	seat_put(a, number, due_ms > back_ms ? due_ms : back_ms);
}

bool
seat_farewell(struct announce *a, uint32_t number, int64_t due_ms)
{
	struct seat *seat = &a->seat[number];

	if (seat->flags & SEAT_FLYING)
		return true;
	if (seat->known_at == SEAT_UNKNOWN ||
	    a->host[tracker_host(a, seat, seat->known_at)].back_ms > clock_now_ms()) {
		seat_set_known(a, seat, SEAT_UNKNOWN);
		seat_unqueue(a, number);
		return false;
	}
	seat->at = seat->known_at;
	seat_put(a, number, due_ms);
	return a->seat_place[number] != DUE_HEAP_OUT;
}

/* ---- Asking. */

static enum tracker_event
seat_event(const struct announce *a, const struct seat *seat)
{
	const struct record *record = &a->record[seat->record];
	bool first = seat->known_at != seat->at;

	if (!(record->flags & RECORD_WANTED))
		return TRACKER_EVENT_STOPPED;
	if (record->left_bytes > 0 && !(first && a->host[seat->host].flags & HOST_UDP))
		return TRACKER_EVENT_PAUSED;
	if (first)
		return TRACKER_EVENT_STARTED;
	return seat->flags & SEAT_PARTIAL ? TRACKER_EVENT_COMPLETED : TRACKER_EVENT_NONE;
}

void
seat_ask(struct announce *a, uint32_t number, struct tracker_ask *ask)
{
	struct seat *seat = &a->seat[number];
	uint32_t cnt;
	const uint32_t *urls = seat_trackers(a, seat, &cnt);

	record_look(a, seat->record);
	const struct record *record = &a->record[seat->record];
	*ask = (struct tracker_ask){
		.cookie = (uint64_t)COOKIE_SEAT << 56 | number,
		.url = intern_bytes(&a->urls, urls[seat->at]),
		.hash_cnt = 1,
		.hash = &record->info_hash,
		.event = seat_event(a, seat),
		.uploaded_bytes = record->uploaded_bytes,
		.left_bytes = record->left_bytes,
		.tracker_id = seat->known_at == seat->at ? text_of(a, seat->tracker_id) : "",
	};
	seat->flags &= (uint8_t)~(SEAT_SAID_PARTIAL | SEAT_SAID_STOPPED);
	if (record->left_bytes > 0)
		seat->flags |= SEAT_SAID_PARTIAL;
	if (ask->event == TRACKER_EVENT_STOPPED)
		seat->flags |= SEAT_SAID_STOPPED;
}

/* ---- Answers. */

/* bounded returns seconds within [min, max], otherwise for 0. */
static uint32_t
bounded(uint32_t seconds, uint32_t min, uint32_t max, uint32_t otherwise)
{
	if (seconds == 0)
		return otherwise;
	return seconds < min ? min : seconds > max ? max : seconds;
}

/* seat_worked takes a good answer. Returns when to ask again. */
static int64_t
seat_worked(struct announce *a, struct seat *seat, const struct tracker_result *result,
            int64_t now_ms)
{
	seat->interval_s = bounded(result->interval_s, ANNOUNCE_INTERVAL_MIN_S,
	                           ANNOUNCE_INTERVAL_MAX_S, ANNOUNCE_INTERVAL_S);
	seat->again_s = bounded(result->interval_min_s, 1, ANNOUNCE_INTERVAL_MAX_S, ANNOUNCE_AGAIN_S);
	if (result->interval_min_s == 0 && seat->again_s > seat->interval_s)
		seat->again_s = seat->interval_s;
	if (seat->interval_s < seat->again_s)
		seat->interval_s = seat->again_s;
	seat->try_cnt = seat->fail_cnt = 0;
	seat->counts = result->counts;
	text_set(a, &seat->text, result->text);
	if (result->tracker_id[0] != '\0')
		text_set(a, &seat->tracker_id, result->tracker_id);
	else if (seat->known_at != seat->at)
		text_set(a, &seat->tracker_id, "");
	seat_set_known(a, seat, seat->at);
	seat->flags &= (uint8_t)~SEAT_PARTIAL;
	if (seat->flags & SEAT_SAID_PARTIAL)
		seat->flags |= SEAT_PARTIAL;
	seat_set_state(a, seat, ANNOUNCE_WORKING);
	if (seat->flags & SEAT_PARTIAL && a->record[seat->record].left_bytes == 0)
		return now_ms; /* completed meanwhile */
	return now_ms + seat->interval_s * INT64_C(1000);
}

/* seat_refused takes a refusal or a useless answer. Returns when to ask again, the next tracker. */
static int64_t
seat_refused(struct announce *a, struct seat *seat, const struct tracker_result *result,
             int64_t now_ms)
{
	int64_t wait_ms = ANNOUNCE_REFUSED_MIN_MS, retry_ms = result->retry_s * INT64_C(1000);
	uint32_t cnt;

	seat_trackers(a, seat, &cnt);
	text_set(a, &seat->text, result->text);
	seat_set_state(a, seat, ANNOUNCE_FAILING);
	seat->at = (uint8_t)((seat->at + 1u) % cnt);
	if (++seat->try_cnt < cnt)
		return now_ms;
	for (int i = 0; i < seat->fail_cnt && wait_ms < ANNOUNCE_REFUSED_MAX_MS; i++)
		wait_ms *= 2;
	if (wait_ms > ANNOUNCE_REFUSED_MAX_MS)
		wait_ms = ANNOUNCE_REFUSED_MAX_MS;
	seat->try_cnt = 0;
	seat->fail_cnt += seat->fail_cnt < UINT8_MAX;
	if (retry_ms > ANNOUNCE_INTERVAL_MAX_S * INT64_C(1000))
		retry_ms = ANNOUNCE_INTERVAL_MAX_S * INT64_C(1000);
	return now_ms + (retry_ms > wait_ms ? retry_ms : jitter_ms(wait_ms));
}

/* seat_next decides when a seat asks again after a result. */
static int64_t
seat_next(struct announce *a, struct seat *seat, const struct tracker_result *result,
          int64_t now_ms)
{
	switch (result->outcome) {
	case TRACKER_OK:
		return seat_worked(a, seat, result, now_ms);
	case TRACKER_REFUSED:
	case TRACKER_BAD:
		return seat_refused(a, seat, result, now_ms);
	case TRACKER_DEAD:
		text_set(a, &seat->text, result->text);
		seat_set_state(a, seat, ANNOUNCE_FAILING);
		return now_ms;
	default:
		return now_ms;
	}
}

/* host_told has the host take note of a result. */
static void
host_told(struct announce *a, uint32_t host, const struct tracker_result *result, int64_t now_ms)
{
	if (result->outcome == TRACKER_OK || result->outcome == TRACKER_REFUSED)
		host_good(a, host);
	else if (result->outcome == TRACKER_BAD)
		host_bad(a, host, result->text, now_ms);
	else if (result->outcome == TRACKER_DEAD)
		host_dead(a, host, result->text, now_ms);
	/* An UDP tracker that has forgotten the connection, or was never told of it. */
	if (result->outcome == TRACKER_REFUSED && strcasestr(result->text, "connection id") != NULL)
		a->host[host].connection.until_ms = 0;
}

void
seat_result(struct announce *a, uint32_t number, const struct tracker_result *result)
{
	struct seat *seat = &a->seat[number];
	uint32_t record = seat->record, host = seat->host;
	int64_t now_ms = clock_now_ms(), due_ms = now_ms;

	assert(seat->flags & SEAT_FLYING && a->host[host].flying_cnt > 0);
	seat->flags &= (uint8_t)~SEAT_FLYING;
	seat->host = ANNOUNCE_NONE;
	a->host[host].flying_cnt--;
	a->ok_cnt += result->outcome == TRACKER_OK;
	a->failed_cnt += result->outcome != TRACKER_OK && result->outcome != TRACKER_AGAIN;
	host_told(a, host, result, now_ms);
	if (result->outcome != TRACKER_AGAIN)
		seat->last_s = (uint32_t)((now_ms - a->begin_ms) / 1000) + 1;
	if (!(seat->flags & SEAT_SAID_STOPPED))
		due_ms = seat_next(a, seat, result, now_ms);
	else if (result->outcome != TRACKER_AGAIN)
		seat_set_known(a, seat, SEAT_UNKNOWN); /* told once, heard or not */
	host_due(a, host, now_ms);
	if (a->record[record].flags & RECORD_WANTED)
		seat_queue(a, number, due_ms);
	else if (!seat_farewell(a, number, now_ms))
		record_settle(a, record);
}
