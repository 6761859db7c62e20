/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What others ask of the announcer. */
#include "control/announce/announce_state.h"

#include "control/base/clock.h"

#include <string.h>
#include <time.h>

enum {
	PROBE_MS = 10000, /* between back-offs that announce_now cuts short */
};

const char *const announce_state_names[ANNOUNCE_STATE_CNT] = {
	[ANNOUNCE_WAITING] = "waiting",
	[ANNOUNCE_ASKING] = "asking",
	[ANNOUNCE_WORKING] = "working",
	[ANNOUNCE_FAILING] = "failing",
	[ANNOUNCE_STANDBY] = "standby",
};

/* unix_at returns the seconds since 1970 of a moment of clock_now_ms. */
static int64_t
unix_at(int64_t ms)
{
	return (int64_t)time(NULL) + (ms - clock_now_ms()) / 1000;
}

/* host_next_ms returns when a seat that is due at due_ms will be asked at the earliest. */
static int64_t
host_next_ms(const struct host *h, int64_t due_ms)
{
	int64_t next_ms = h->next_us / 1000;

	if (next_ms < h->back_ms)
		next_ms = h->back_ms;
	return due_ms > next_ms ? due_ms : next_ms;
}

/* row_used fills the rest of the row of the tracker that is a seat's turn. */
static void
row_used(const struct announce *a, uint32_t number, const struct host *h, struct announce_row *row)
{
	const struct seat *seat = &a->seat[number];
	bool backing_off = h->back_ms > clock_now_ms();

	row->state = seat->flags & SEAT_FLYING ? ANNOUNCE_ASKING
	             : backing_off             ? ANNOUNCE_FAILING
	                                       : (enum announce_state)seat->state;
	row->text = text_of(a, backing_off ? h->text : seat->text);
	if (seat->last_s > 0)
		row->last_at = unix_at(a->begin_ms + seat->last_s * INT64_C(1000));
	if (a->seat_place[number] != DUE_HEAP_OUT)
		row->next_at = unix_at(host_next_ms(h, h->queue.slot[a->seat_place[number]].due_ms));
	row->interval_s = seat->interval_s;
	row->seeders = seat->counts.seeders;
	row->leechers = seat->counts.leechers;
	row->downloaded = seat->counts.downloaded;
}

static void
row_fill(const struct announce *a, uint32_t number, uint32_t n, struct announce_row *row)
{
	uint32_t cnt;
	const struct seat *seat = &a->seat[number];
	const uint32_t *urls = seat_trackers(a, seat, &cnt);
	const struct host *h = &a->host[a->url_host[urls[n]]];

	*row = (struct announce_row){
		.url = intern_bytes(&a->urls, urls[n]),
		.text = "",
		.tier = row->tier,
		.state = ANNOUNCE_STANDBY,
		.seeders = TRACKER_UNKNOWN,
		.leechers = TRACKER_UNKNOWN,
		.downloaded = TRACKER_UNKNOWN,
	};
	if (n == seat->at)
		row_used(a, number, h, row);
	else if (h->back_ms > clock_now_ms())
		row->text = text_of(a, h->text);
}

uint32_t
announce_status(const struct announce *a, const struct torrent *torrent, struct announce_row *rows,
                uint32_t max)
{
	uint32_t number = record_find(a, torrent->info_hash), cnt, row_cnt = 0, tier = 0;

	if (number == ANNOUNCE_NONE || !(a->record[number].flags & RECORD_WANTED))
		return 0;
	for (uint32_t seat = a->record[number].seat; seat != ANNOUNCE_NONE;
	     seat = a->seat[seat].next, tier++) {
		seat_trackers(a, &a->seat[seat], &cnt);
		for (uint32_t i = 0; i < cnt; i++, row_cnt++) {
			if (row_cnt >= max)
				continue;
			rows[row_cnt].tier = tier;
			row_fill(a, seat, (a->seat[seat].at + i) % cnt, &rows[row_cnt]);
		}
	}
	return row_cnt;
}

/* host_probe cuts a back-off short, not too often. */
static void
host_probe(struct announce *a, uint32_t host, int64_t now_ms)
{
	struct host *h = &a->host[host];

	if (h->back_ms <= now_ms || (h->probed_ms != 0 && now_ms - h->probed_ms < PROBE_MS))
		return;
	h->probed_ms = now_ms;
	h->back_ms = 0;
	host_due(a, host, now_ms);
}

/* seat_now has a seat ask at once if it may. Returns how many seconds it has to wait. */
static uint32_t
seat_now(struct announce *a, uint32_t number, int64_t now_ms)
{
	struct seat *seat = &a->seat[number];
	int64_t may_ms = a->begin_ms + (seat->last_s + seat->again_s) * INT64_C(1000);
	uint32_t cnt;
	const uint32_t *urls = seat_trackers(a, seat, &cnt);

	if (seat->flags & SEAT_FLYING)
		return 0;
	if (seat->state == ANNOUNCE_WORKING && may_ms > now_ms)
		return (uint32_t)((may_ms - now_ms + 999) / 1000);
	host_probe(a, a->url_host[urls[seat->at]], now_ms);
	seat->try_cnt = seat->fail_cnt = 0;
	seat_queue(a, number, now_ms);
	return 0;
}

uint32_t
announce_now(struct announce *a, const struct torrent *torrent, uint32_t *wait_s)
{
	uint32_t number = record_find(a, torrent->info_hash), asked_cnt = 0;
	int64_t now_ms = clock_now_ms();

	*wait_s = 0;
	if (number == ANNOUNCE_NONE || !(a->record[number].flags & RECORD_WANTED))
		return 0;
	for (uint32_t seat = a->record[number].seat; seat != ANNOUNCE_NONE;
	     seat = a->seat[seat].next) {
		uint32_t left_s = seat_now(a, seat, now_ms);
		asked_cnt += left_s == 0;
		*wait_s = left_s > *wait_s ? left_s : *wait_s;
	}
	return asked_cnt;
}

struct announce_totals
announce_totals(const struct announce *a)
{
	struct announce_totals totals = {
		.sent = a->sent_cnt,
		.ok = a->ok_cnt,
		.failed = a->failed_cnt,
		.torrents = a->wanted_cnt,
		.waiting = a->state_cnt[ANNOUNCE_WAITING],
		.working = a->state_cnt[ANNOUNCE_WORKING],
		.failing = a->state_cnt[ANNOUNCE_FAILING],
	};
	int64_t now_ms = clock_now_ms();

	for (uint32_t i = 0; i < a->hosts.entry_cnt; i++) {
		if (a->hosts.entry[i].hold_cnt == 0)
			continue;
		totals.hosts++;
		totals.hosts_backing_off += a->host[i].back_ms > now_ms;
	}
	return totals;
}
