/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The announcer's records of torrents, which follow the registry, and its parts. */
#include "control/announce/announce_state.h"

#include "control/base/clock.h"
#include "control/base/log.h"
#include "control/link/preflight.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

enum {
	SLOTS_MIN = 64,
	WALK_MAX = 4000,   /* torrents looked at in one run */
	TALLY_MS = 5000,   /* between fresh snapshots of what was uploaded */
};

int
announce_grow(void **array, uint32_t *cap, uint32_t cnt, size_t size)
{
	if (cnt <= *cap)
		return 0;
	uint32_t room = *cap + *cap / 4 + 16;
	if (room < cnt)
		room = cnt;
	void *grown = realloc(*array, room * size);
	if (grown == NULL)
		return -ENOMEM;
	*array = grown;
	*cap = room;
	return 0;
}

/* ---- Records by info_hash. */

static uint32_t
slot_of(const struct announce *a, const uint8_t info_hash[20])
{
	return (uint32_t)XXH3_64bits_withSeed(info_hash, 20, a->slot_seed) & (a->slot_cnt - 1);
}

uint32_t
record_find(const struct announce *a, const uint8_t info_hash[20])
{
	if (a->slot_cnt == 0)
		return ANNOUNCE_NONE;
	for (uint32_t i = slot_of(a, info_hash); a->slot[i] != 0; i = (i + 1) & (a->slot_cnt - 1))
		if (memcmp(a->record[a->slot[i] - 1].info_hash, info_hash, 20) == 0)
			return a->slot[i] - 1;
	return ANNOUNCE_NONE;
}

static void
slot_put(struct announce *a, uint32_t number)
{
	uint32_t i = slot_of(a, a->record[number].info_hash);

	while (a->slot[i] != 0)
		i = (i + 1) & (a->slot_cnt - 1);
	a->slot[i] = number + 1;
}

/* slot_take empties a record's slot, and moves what follows to where it is found. */
static void
slot_take(struct announce *a, uint32_t number)
{
	uint32_t mask = a->slot_cnt - 1, i = slot_of(a, a->record[number].info_hash);

	while (a->slot[i] != number + 1)
		i = (i + 1) & mask;
	a->slot[i] = 0;
	for (i = (i + 1) & mask; a->slot[i] != 0; i = (i + 1) & mask) {
		uint32_t moved = a->slot[i] - 1;
		a->slot[i] = 0;
		slot_put(a, moved);
	}
}

/* slots_grow keeps a third free. Returns false when out of memory. */
static bool
slots_grow(struct announce *a)
{
	uint32_t cnt = a->slot_cnt == 0 ? SLOTS_MIN : a->slot_cnt * 2;

	if (a->record_live_cnt + 1 < a->slot_cnt - a->slot_cnt / 3)
		return true;
	uint32_t *slot = calloc(cnt, sizeof(*slot));
	if (slot == NULL)
		return false;
	free(a->slot);
	a->slot = slot;
	a->slot_cnt = cnt;
	for (uint32_t i = 0; i < a->record_cnt; i++)
		if (a->record[i].flags & RECORD_USED)
			slot_put(a, i);
	return true;
}

static uint32_t
record_new(struct announce *a, const struct torrent *t)
{
	uint32_t number = a->record_free;

	if (!slots_grow(a))
		return ANNOUNCE_NONE;
	if (number != ANNOUNCE_NONE)
		a->record_free = a->record[number].next;
	else if (announce_grow((void **)&a->record, &a->record_cap, a->record_cnt + 1,
	                       sizeof(*a->record)) == 0)
		number = a->record_cnt++;
	else
		return ANNOUNCE_NONE;
	a->record[number] = (struct record){
		.id = t->id,
		.seat = ANNOUNCE_NONE,
		.next = ANNOUNCE_NONE,
		.flags = RECORD_USED,
		.base_bytes = torrents_whole(t).uploaded_bytes,
	};
	memcpy(a->record[number].info_hash, t->info_hash, sizeof(t->info_hash));
	slot_put(a, number);
	a->record_live_cnt++;
	return number;
}

void
record_settle(struct announce *a, uint32_t number)
{
	struct record *record = &a->record[number];
	uint32_t seat, next;

	if (record->flags & (RECORD_WANTED | RECORD_LOADING))
		return;
	for (seat = record->seat; seat != ANNOUNCE_NONE; seat = a->seat[seat].next)
		if (a->seat[seat].flags & SEAT_FLYING || a->seat_place[seat] != DUE_HEAP_OUT)
			return;
	for (seat = record->seat; seat != ANNOUNCE_NONE; seat = next) {
		next = a->seat[seat].next;
		seat_free(a, seat);
	}
	slot_take(a, number);
	a->record_live_cnt--;
	*record = (struct record){.next = a->record_free, .seat = ANNOUNCE_NONE};
	a->record_free = number;
}

/* ---- Following the registry. */

void
record_look(struct announce *a, uint32_t number)
{
	struct record *record = &a->record[number];
	const struct torrent *t = torrents_by_id(a->registry->torrents, record->id);

	if (t == NULL)
		return;
	uint64_t uploaded_bytes = torrents_whole(t).uploaded_bytes;
	record->uploaded_bytes =
		uploaded_bytes > record->base_bytes ? uploaded_bytes - record->base_bytes : 0;
	if (t->gone || t->state != TORRENT_SEEDING)
		return;
	uint64_t missing_cnt = t->piece_cnt - t->have_cnt;
	record->left_bytes = missing_cnt == 0 ? 0 : t->total_len / t->piece_cnt * missing_cnt + 1;
}

static void
record_want(struct announce *a, uint32_t number)
{
	struct record *record = &a->record[number];
	int64_t now_ms = clock_now_ms();

	record->flags |= RECORD_WANTED;
	a->wanted_cnt++;
	for (uint32_t seat = record->seat; seat != ANNOUNCE_NONE; seat = a->seat[seat].next) {
		const struct seat *s = &a->seat[seat];
		bool known = s->known_at == s->at && s->state == ANNOUNCE_WORKING;
		int64_t due_ms = a->begin_ms + (s->last_s + s->interval_s) * INT64_C(1000);
		if (!(s->flags & SEAT_FLYING))
			seat_queue(a, seat, known && due_ms > now_ms ? due_ms : now_ms);
	}
	if (record->flags & (RECORD_LOADED | RECORD_LOADING))
		return;
	record->flags |= RECORD_LOADING;
	record->next = ANNOUNCE_NONE;
	if (a->load_first == ANNOUNCE_NONE)
		a->load_first = number;
	else
		a->record[a->load_last].next = number;
	a->load_last = number;
}

/* record_unwant has the trackers told within grace_ms that a torrent is no longer there. */
static void
record_unwant(struct announce *a, uint32_t number, int64_t grace_ms)
{
	int64_t due_ms = clock_now_ms() + grace_ms;

	if (a->record[number].flags & RECORD_WANTED) {
		a->record[number].flags &= ~(uint32_t)RECORD_WANTED;
		a->wanted_cnt--;
	}
	for (uint32_t seat = a->record[number].seat; seat != ANNOUNCE_NONE; seat = a->seat[seat].next)
		seat_farewell(a, seat, due_ms);
	record_settle(a, number);
}

/* record_completed announces at once when pieces that were missing are there. */
static void
record_completed(struct announce *a, uint32_t number)
{
	for (uint32_t seat = a->record[number].seat; seat != ANNOUNCE_NONE; seat = a->seat[seat].next)
		if (a->seat[seat].flags & SEAT_PARTIAL && !(a->seat[seat].flags & SEAT_FLYING) &&
		    a->record[number].left_bytes == 0)
			seat_queue(a, seat, clock_now_ms());
}

/* torrent_look brings a torrent's record in line with it. */
static void
torrent_look(struct announce *a, const struct torrent *t)
{
	bool wanted = t->state == TORRENT_SEEDING && !t->gone && !t->settings.paused &&
	              t->have_cnt > 0 && !a->held;
	uint32_t number = record_find(a, t->info_hash);

	if (number == ANNOUNCE_NONE && !wanted)
		return;
	if (number == ANNOUNCE_NONE)
		number = record_new(a, t);
	if (number == ANNOUNCE_NONE) {
		log_error("out_of_memory", "id=%" PRIu32 " of=announce", t->id);
		return;
	}
	struct record *record = &a->record[number];
	if (record->id != t->id) { /* removed and added again */
		record->id = t->id;
		record->base_bytes = torrents_whole(t).uploaded_bytes;
	}
	record_look(a, number);
	if (wanted && !(record->flags & RECORD_WANTED))
		record_want(a, number);
	else if (!wanted && record->flags & RECORD_WANTED)
		record_unwant(a, number, t->state == TORRENT_VERIFYING ? ANNOUNCE_GRACE_MS : 0);
	if (wanted)
		record_completed(a, number);
}

/* removed_look has what was removed since a->serial told, as its last snapshot knew it. */
static void
removed_look(struct announce *a)
{
	const struct torrents *torrents = a->registry->torrents;
	const struct torrents_removed *removed;

	for (uint64_t serial = a->serial;
	     (removed = torrents_removed_after(torrents, serial)) != NULL; serial = removed->serial) {
		uint32_t number = record_find(a, removed->info_hash);
		if (number == ANNOUNCE_NONE || a->record[number].id != removed->id)
			continue;
		record_look(a, number);
		record_unwant(a, number, 0);
	}
}

/* walk_run looks at all torrents, some in each run. */
static void
walk_run(struct announce *a)
{
	const struct torrents *torrents = a->registry->torrents;
	const struct torrent *t;
	int left = WALK_MAX;

	if (a->walk_id == 0)
		a->serial = torrents_serial(torrents);
	while (left-- > 0 && (t = torrents_after(torrents, a->walk_id)) != NULL) {
		a->walk_id = t->id;
		torrent_look(a, t);
	}
	a->walked = torrents_after(torrents, a->walk_id) == NULL;
}

/* lost_look settles records whose torrents went unnoticed. */
static void
lost_look(struct announce *a)
{
	for (uint32_t i = 0; i < a->record_cnt; i++) {
		if (!(a->record[i].flags & RECORD_USED))
			continue;
		const struct torrent *t = torrents_by_id(a->registry->torrents, a->record[i].id);
		if (t == NULL || t->gone)
			record_unwant(a, i, 0);
	}
}

/* registry_follow takes note of what has changed. */
static void
registry_follow(struct announce *a)
{
	const struct torrents *torrents = a->registry->torrents;
	int left = WALK_MAX;

	if (a->walked && !torrents_serial_known(torrents, a->serial)) {
		a->walked = false;
		a->walk_id = 0;
		lost_look(a);
	}
	if (!a->walked) {
		walk_run(a);
		return;
	}
	if (a->serial == torrents_serial(torrents))
		return;
	removed_look(a);
	const struct torrent *t = torrents_changed_after(torrents, a->serial);
	for (; t != NULL && left > 0; t = t->changed_next, left--) {
		a->serial = t->changed_serial;
		torrent_look(a, t);
	}
	if (t == NULL)
		a->serial = torrents_serial(torrents);
}

void
announce_hold(struct announce *a, bool on)
{
	if (a->held == on)
		return;
	a->held = on;
	a->walked = false; /* every torrent is looked at again */
	a->walk_id = 0;
}

/* ---- Running. */

/* tally_freshen sees to it that what is told of uploads is not old. */
static void
tally_freshen(struct announce *a, int64_t now_ms)
{
	if (now_ms - a->tally_ms < TALLY_MS)
		return;
	a->tally_ms = now_ms;
	tally_stats(a->tally);
}

static void
result_take(struct announce *a, const struct tracker_result *result, int64_t now_ms)
{
	if (result->cookie >> 56 == COOKIE_SEAT)
		seat_result(a, (uint32_t)result->cookie, result);
	else if (result->cookie >> 56 == COOKIE_SCRAPE)
		scrape_result(a, result, now_ms);
	else
		host_answered(a, result, now_ms);
}

static void
results_take(struct announce *a, int64_t now_ms)
{
	static struct tracker_result result; /* a loop's thread is one */
	static struct tracker_addresses addresses;
	uint64_t cookie;

	while (tracker_dns_take(a->dns, &cookie, &addresses))
		host_resolved(a, cookie, &addresses, now_ms);
	tracker_udp_run(a->udp);
	while (tracker_udp_take(a->udp, &result))
		result_take(a, &result, now_ms);
	tracker_http_run(a->http);
	while (tracker_http_take(a->http, &result))
		result_take(a, &result, now_ms);
}

/* asking_run does all but following the registry. */
static void
asking_run(struct announce *a)
{
	int64_t now_ms = clock_now_ms();

	results_take(a, now_ms);
	if (a->due_hosts.cnt > 0 && a->due_hosts.slot[0].due_ms <= now_ms) {
		tally_freshen(a, now_ms);
		hosts_run(a, now_ms);
	}
}

void
announce_run(struct announce *a)
{
	if (!a->started)
		return;
	registry_follow(a);
	load_run(a, clock_now_ms());
	asking_run(a);
	scrapes_run(a, clock_now_ms());
}

int
announce_fd(const struct announce *a)
{
	return a->epoll_fd;
}

static int
sooner(int timeout_ms, int other_ms)
{
	return timeout_ms < 0 || (other_ms >= 0 && other_ms < timeout_ms) ? other_ms : timeout_ms;
}

static int
until(int64_t due_ms)
{
	int64_t left_ms = due_ms - clock_now_ms();

	return left_ms <= 0 ? 0 : left_ms < INT32_MAX ? (int)left_ms : INT32_MAX;
}

int
announce_timeout_ms(const struct announce *a)
{
	if (!a->started)
		return -1;
	if (!a->walked || a->serial != torrents_serial(a->registry->torrents))
		return 0;
	int timeout_ms = sooner(tracker_http_timeout_ms(a->http), tracker_udp_timeout_ms(a->udp));
	if (a->load_first != ANNOUNCE_NONE)
		timeout_ms = sooner(timeout_ms, until(a->load_ms));
	if (a->options->tracker_scrape != 0 && !a->stopping)
		timeout_ms = sooner(timeout_ms, until(a->scrape_ms));
	if (a->due_hosts.cnt > 0)
		timeout_ms = sooner(timeout_ms, until(a->due_hosts.slot[0].due_ms));
	return timeout_ms;
}

/* ---- Lifecycle. */

int
announce_create(struct announce **announce, const struct options *options,
                struct registry *registry, struct tally *tally, struct fail *fail)
{
	struct announce *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	*a = (struct announce){
		.options = options,
		.registry = registry,
		.tally = tally,
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
		.begin_ms = clock_now_ms(),
		.load_first = ANNOUNCE_NONE,
		.record_free = ANNOUNCE_NONE,
		.seat_free = ANNOUNCE_NONE,
	};
	while (getrandom(&a->slot_seed, sizeof(a->slot_seed), 0) != sizeof(a->slot_seed))
		continue;
	if (a->epoll_fd < 0) {
		int err = errno;
		free(a);
		return fail_set(fail, err, "epoll: %s", strerror(err));
	}
	*announce = a;
	return 0;
}

int
announce_start(struct announce *a, struct fail *fail)
{
	struct epoll_event event = {.events = EPOLLIN};
	uint32_t address_be;

	if (!a->options->announce || a->started)
		return 0;
	int err = preflight_address(a->options, &address_be, fail);
	if (err != 0)
		return err;
	self_make(a, address_be);
	err = tracker_dns_create(&a->dns, fail);
	if (err == 0)
		err = tracker_udp_create(&a->udp, &a->self, fail);
	if (err == 0)
		err = tracker_http_create(&a->http, &a->self, fail);
	if (err != 0)
		return err;
	if (epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, tracker_dns_fd(a->dns), &event) != 0 ||
	    epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, tracker_udp_fd(a->udp), &event) != 0 ||
	    epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, tracker_http_fd(a->http), &event) != 0)
		return fail_set(fail, errno, "epoll: %s", strerror(errno));
	a->started = true;
	return 0;
}

void
announce_stop(struct announce *a)
{
	int64_t end_ms = clock_now_ms() + ANNOUNCE_STOP_MS, now_ms;

	if (!a->started)
		return;
	a->stopping = true;
	a->tally_ms = 0;
	tally_freshen(a, clock_now_ms());
	for (uint32_t i = 0; i < a->record_cnt; i++)
		if (a->record[i].flags & RECORD_USED) {
			record_look(a, i);
			record_unwant(a, i, 0);
		}
	asking_run(a);
	while (a->known_cnt > 0 && (now_ms = clock_now_ms()) < end_ms) {
		struct pollfd fds = {.fd = a->epoll_fd, .events = POLLIN};
		int timeout_ms = announce_timeout_ms(a), left_ms = (int)(end_ms - now_ms);
		poll(&fds, 1, timeout_ms >= 0 && timeout_ms < left_ms ? timeout_ms : left_ms);
		asking_run(a);
	}
	a->started = false;
}

void
announce_destroy(struct announce *a)
{
	if (a == NULL)
		return;
	tracker_http_destroy(a->http);
	tracker_udp_destroy(a->udp);
	tracker_dns_destroy(a->dns);
	for (uint32_t i = 0; i < a->hosts.entry_cnt; i++) {
		due_heap_free(&a->host[i].queue);
		free(a->host[i].addresses);
	}
	due_heap_free(&a->due_hosts);
	intern_free(&a->texts);
	intern_free(&a->urls);
	intern_free(&a->tiers);
	intern_free(&a->hosts);
	free(a->url_host);
	free(a->host);
	free(a->host_place);
	free(a->seat);
	free(a->seat_place);
	free(a->record);
	free(a->slot);
	close(a->epoll_fd);
	free(a);
}
