/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The order of announces. A slot is both a moment of the period and a chain of the torrents whose
 * moment it is, by which they are found. */
#include "control/dht/dht_schedule.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	GAP_MS = DHT_PERIOD_MS / 16, /* a moment that follows the last announce sooner is left out */
};

static_assert((DHT_SLOTS & (DHT_SLOTS - 1)) == 0, "as many info_hashes in each slot");

enum entry_state {
	FREE,
	FRESH,
	DUE,
	BUSY,
	RESTING,
	RETRY,
	BARRED,
};

struct entry {
	uint8_t info_hash[DHT_ID_LEN];
	uint32_t tag;
	uint32_t next;   /* in the slot, or of the free ones; index + 1 */
	uint32_t q_next; /* in the queue of those DUE or in RETRY; index + 1 */
	uint8_t state;   /* enum entry_state */
	uint8_t stored_cnt;
	bool cleared;
	uint16_t failed_cnt;
	int64_t at_ms;   /* end of the last announce */
};

/* First in, first out. */
struct queue {
	uint32_t head; /* index + 1 */
	uint32_t tail;
};

struct dht_schedule {
	struct entry *entry;
	uint32_t cap;
	uint32_t free;       /* index + 1 */
	uint32_t cnt;
	uint32_t due_cnt;
	uint32_t retry_cnt;
	uint32_t barred_cnt;
	uint32_t fresh_cnt;
	uint32_t fresh_at;   /* slot at which the fresh ones go on */
	int64_t slot_no;     /* moments since the begin that have passed */
	int64_t begun_ms;
	bool fresh_turn;
	struct queue due;
	struct queue retry;  /* by time: all wait equally long */
	uint32_t slot[DHT_SLOTS]; /* index + 1 */
	uint32_t slot_fresh_cnt[DHT_SLOTS];
};

int
dht_schedule_create(struct dht_schedule **schedule, int64_t now_ms)
{
	*schedule = calloc(1, sizeof(**schedule));
	if (*schedule == NULL)
		return -ENOMEM;
	(*schedule)->begun_ms = now_ms;
	return 0;
}

void
dht_schedule_destroy(struct dht_schedule *schedule)
{
	if (schedule != NULL)
		free(schedule->entry);
	free(schedule);
}

static uint32_t
slot_of(const uint8_t *info_hash)
{
	return ((uint32_t)info_hash[18] << 8 | info_hash[19]) % DHT_SLOTS;
}

static uint32_t
entry_find(const struct dht_schedule *s, const uint8_t *info_hash)
{
	uint32_t at = s->slot[slot_of(info_hash)];

	while (at != 0 && memcmp(s->entry[at - 1].info_hash, info_hash, DHT_ID_LEN) != 0)
		at = s->entry[at - 1].next;
	return at;
}

static int
room_make(struct dht_schedule *s)
{
	uint32_t cap = s->cap != 0 ? 2 * s->cap : 64;
	struct entry *entry = realloc(s->entry, cap * sizeof(*entry));

	if (entry == NULL)
		return -ENOMEM;
	s->entry = entry;
	for (uint32_t at = cap; at > s->cap; at--) {
		entry[at - 1] = (struct entry){.next = s->free};
		s->free = at;
	}
	s->cap = cap;
	return 0;
}

/* fresh_count keeps the number of fresh ones. */
static void
fresh_count(struct dht_schedule *s, const struct entry *e, int change)
{
	s->fresh_cnt += (uint32_t)change;
	s->slot_fresh_cnt[slot_of(e->info_hash)] += (uint32_t)change;
}

int
dht_schedule_add(struct dht_schedule *schedule, const uint8_t *info_hash, uint32_t tag)
{
	uint32_t at = entry_find(schedule, info_hash);
	uint32_t *slot = &schedule->slot[slot_of(info_hash)];

	if (at != 0) {
		schedule->entry[at - 1].tag = tag;
		return 0;
	}
	if (schedule->free == 0 && room_make(schedule) != 0)
		return -ENOMEM;
	at = schedule->free;
	struct entry *e = &schedule->entry[at - 1];
	schedule->free = e->next;
	*e = (struct entry){.tag = tag, .next = *slot, .state = FRESH};
	memcpy(e->info_hash, info_hash, DHT_ID_LEN);
	*slot = at;
	schedule->cnt++;
	fresh_count(schedule, e, 1);
	return 0;
}

static void
queue_put(struct dht_schedule *s, struct queue *queue, uint32_t at)
{
	s->entry[at - 1].q_next = 0;
	if (queue->tail != 0)
		s->entry[queue->tail - 1].q_next = at;
	else
		queue->head = at;
	queue->tail = at;
}

static uint32_t
queue_take(struct dht_schedule *s, struct queue *queue)
{
	uint32_t at = queue->head;

	if (at == 0)
		return 0;
	queue->head = s->entry[at - 1].q_next;
	if (queue->head == 0)
		queue->tail = 0;
	return at;
}

static void
queue_drop(struct dht_schedule *s, struct queue *queue, uint32_t wanted)
{
	struct queue kept = {0};

	for (uint32_t at = queue_take(s, queue); at != 0; at = queue_take(s, queue))
		if (at != wanted)
			queue_put(s, &kept, at);
	*queue = kept;
}

void
dht_schedule_remove(struct dht_schedule *schedule, const uint8_t *info_hash)
{
	uint32_t at = entry_find(schedule, info_hash);
	uint32_t *link = &schedule->slot[slot_of(info_hash)];

	if (at == 0)
		return;
	struct entry *e = &schedule->entry[at - 1];
	if (e->state == FRESH)
		fresh_count(schedule, e, -1);
	if (e->state == DUE) {
		queue_drop(schedule, &schedule->due, at);
		schedule->due_cnt--;
	}
	if (e->state == RETRY) {
		queue_drop(schedule, &schedule->retry, at);
		schedule->retry_cnt--;
	}
	schedule->barred_cnt -= e->state == BARRED;
	while (*link != at)
		link = &schedule->entry[*link - 1].next;
	*link = e->next;
	*e = (struct entry){.next = schedule->free};
	schedule->free = at;
	schedule->cnt--;
}

void
dht_schedule_gone(struct dht_schedule *schedule, const uint8_t *info_hash)
{
	uint32_t at = entry_find(schedule, info_hash);
	uint8_t state = at != 0 ? schedule->entry[at - 1].state : FREE;

	if (state == FRESH || state == RESTING || state == BARRED)
		dht_schedule_remove(schedule, info_hash);
}

static void
due_put(struct dht_schedule *s, uint32_t at)
{
	s->entry[at - 1].state = DUE;
	queue_put(s, &s->due, at);
	s->due_cnt++;
}

/* time_pass makes due whose moment has come. */
static void
time_pass(struct dht_schedule *s, int64_t now_ms)
{
	int64_t slot_no = (now_ms - s->begun_ms) * DHT_SLOTS / DHT_PERIOD_MS;

	if (slot_no - s->slot_no > DHT_SLOTS)
		s->slot_no = slot_no - DHT_SLOTS;
	for (; s->slot_no < slot_no; s->slot_no++)
		for (uint32_t at = s->slot[s->slot_no % DHT_SLOTS]; at != 0; at = s->entry[at - 1].next) {
			const struct entry *e = &s->entry[at - 1];
			if (e->state == RESTING && now_ms - e->at_ms >= GAP_MS)
				due_put(s, at);
		}
	while (s->retry.head != 0 && now_ms - s->entry[s->retry.head - 1].at_ms >= DHT_RETRY_MS) {
		due_put(s, queue_take(s, &s->retry));
		s->retry_cnt--;
	}
}

static uint32_t
fresh_take(struct dht_schedule *s)
{
	if (s->fresh_cnt == 0)
		return 0;
	while (s->slot_fresh_cnt[s->fresh_at] == 0)
		s->fresh_at = (s->fresh_at + 1) % DHT_SLOTS;
	uint32_t at = s->slot[s->fresh_at];
	while (s->entry[at - 1].state != FRESH)
		at = s->entry[at - 1].next;
	fresh_count(s, &s->entry[at - 1], -1);
	return at;
}

static uint32_t
due_take(struct dht_schedule *s)
{
	uint32_t at = queue_take(s, &s->due);

	s->due_cnt -= at != 0;
	return at;
}

bool
dht_schedule_next(struct dht_schedule *schedule, int64_t now_ms, struct dht_due *due)
{
	time_pass(schedule, now_ms);
	bool fresh = schedule->due.head == 0 || (schedule->fresh_turn && schedule->fresh_cnt > 0);
	uint32_t at = fresh ? fresh_take(schedule) : due_take(schedule);
	schedule->fresh_turn = !fresh;
	if (at == 0)
		return false;
	struct entry *e = &schedule->entry[at - 1];
	e->state = BUSY;
	*due = (struct dht_due){.tag = e->tag, .cleared = e->cleared};
	memcpy(due->info_hash, e->info_hash, DHT_ID_LEN);
	return true;
}

void
dht_schedule_clear(struct dht_schedule *schedule, const uint8_t *info_hash)
{
	uint32_t at = entry_find(schedule, info_hash);

	if (at != 0)
		schedule->entry[at - 1].cleared = true;
}

void
dht_schedule_bar(struct dht_schedule *schedule, const uint8_t *info_hash)
{
	uint32_t at = entry_find(schedule, info_hash);

	if (at == 0 || schedule->entry[at - 1].state != BUSY)
		return;
	schedule->entry[at - 1].state = BARRED;
	schedule->barred_cnt++;
}

void
dht_schedule_done(struct dht_schedule *schedule, const uint8_t *info_hash, uint32_t stored_cnt,
                  int64_t now_ms)
{
	uint32_t at = entry_find(schedule, info_hash);

	if (at == 0 || schedule->entry[at - 1].state != BUSY)
		return;
	struct entry *e = &schedule->entry[at - 1];
	e->at_ms = now_ms;
	e->stored_cnt = (uint8_t)(stored_cnt < UINT8_MAX ? stored_cnt : UINT8_MAX);
	e->state = stored_cnt > 0 ? RESTING : RETRY;
	if (stored_cnt > 0) {
		e->failed_cnt = 0;
		return;
	}
	e->failed_cnt += e->failed_cnt < UINT16_MAX;
	queue_put(schedule, &schedule->retry, at);
	schedule->retry_cnt++;
}

bool
dht_schedule_last(const struct dht_schedule *schedule, const uint8_t *info_hash,
                  struct dht_last *last)
{
	uint32_t at = entry_find(schedule, info_hash);

	if (at == 0)
		return false;
	const struct entry *e = &schedule->entry[at - 1];
	*last = (struct dht_last){
		.at_ms = e->at_ms,
		.stored_cnt = e->stored_cnt,
		.failed_cnt = e->failed_cnt,
		.busy = e->state == BUSY,
		.barred = e->state == BARRED,
	};
	return true;
}

uint32_t
dht_schedule_cnt(const struct dht_schedule *schedule, uint32_t *waiting_cnt)
{
	*waiting_cnt = schedule->due_cnt + schedule->fresh_cnt + schedule->retry_cnt;
	return schedule->cnt - schedule->barred_cnt;
}
