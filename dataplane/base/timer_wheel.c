/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The hierarchical timer wheel. A timer at level n is placed by bits [8n, 8n+8) of its deadline
 * tick; when the clock enters a level-n slot, that slot's timers are placed anew one level down. */
#include "dataplane/base/timer_wheel.h"

static void
list_init(struct timer *head)
{
	head->next = head;
	head->prev = head;
}

static void
list_add(struct timer *head, struct timer *timer)
{
	timer->next = head;
	timer->prev = head->prev;
	head->prev->next = timer;
	head->prev = timer;
}

static void
list_del(struct timer *timer)
{
	timer->prev->next = timer->next;
	timer->next->prev = timer->prev;
	timer->next = NULL;
	timer->prev = NULL;
}

static uint64_t
tick_after(uint64_t time_us)
{
	return (time_us + TIMER_TICK_US - 1) >> TIMER_TICK_SHIFT;
}

/* place puts a timer where the clock will find it: due, or the lowest level that tells its tick
 * from now_tick. */
static void
place(struct timer_wheel *wheel, struct timer *timer)
{
	uint64_t tick = tick_after(timer->deadline_us);
	uint64_t reach = 1ull << (TIMER_SLOT_BITS * TIMER_LEVELS);
	uint32_t level = 0;
	uint32_t slot;

	if (tick <= wheel->now_tick) {
		list_add(&wheel->due, timer);
		return;
	}
	if (tick - wheel->now_tick >= reach)
		tick = wheel->now_tick + reach - 1;
	while (level < TIMER_LEVELS - 1 &&
	       (tick >> (TIMER_SLOT_BITS * (level + 1))) !=
	           (wheel->now_tick >> (TIMER_SLOT_BITS * (level + 1))))
		level++;
	slot = (tick >> (TIMER_SLOT_BITS * level)) & (TIMER_SLOTS - 1);
	list_add(&wheel->slot[level][slot], timer);
	wheel->used[level][slot / 64] |= 1ull << (slot % 64);
}

static void
spill(struct timer_wheel *wheel, uint32_t level, uint32_t slot)
{
	struct timer *head = &wheel->slot[level][slot];
	struct timer moved;

	wheel->used[level][slot / 64] &= ~(1ull << (slot % 64));
	if (head->next == head)
		return;
	moved = *head;
	moved.next->prev = &moved;
	moved.prev->next = &moved;
	list_init(head);
	while (moved.next != &moved) {
		struct timer *timer = moved.next;

		list_del(timer);
		place(wheel, timer);
	}
}

/* slot_next returns the first used slot of a level at or after from, or TIMER_SLOTS. */
static uint32_t
slot_next(const struct timer_wheel *wheel, uint32_t level, uint32_t from)
{
	for (uint32_t word = from / 64; word < TIMER_SLOTS / 64; word++) {
		uint64_t bits = wheel->used[level][word];

		if (word == from / 64)
			bits &= ~0ull << (from % 64);
		if (bits != 0)
			return word * 64 + (uint32_t)__builtin_ctzll(bits);
	}
	return TIMER_SLOTS;
}

/* tick_next returns the next tick at which a slot must be looked at. A lower level lies wholly
 * inside the present slot of the level above, so the first level with a used slot has it. */
static uint64_t
tick_next(const struct timer_wheel *wheel)
{
	for (uint32_t level = 0; level < TIMER_LEVELS; level++) {
		uint32_t shift = TIMER_SLOT_BITS * level;
		uint32_t from = ((wheel->now_tick >> shift) & (TIMER_SLOTS - 1)) + 1;
		uint32_t slot = from < TIMER_SLOTS ? slot_next(wheel, level, from) : TIMER_SLOTS;

		if (slot < TIMER_SLOTS)
			return (((wheel->now_tick >> shift) & ~(uint64_t)(TIMER_SLOTS - 1)) | slot)
			       << shift;
	}
	return ((wheel->now_tick >> (TIMER_SLOT_BITS * TIMER_LEVELS)) + 1)
	       << (TIMER_SLOT_BITS * TIMER_LEVELS);
}

static void
advance(struct timer_wheel *wheel, uint64_t now_tick)
{
	if (wheel->cnt == 0) {
		wheel->now_tick = MAX(wheel->now_tick, now_tick);
		return;
	}
	while (wheel->now_tick < now_tick) {
		wheel->now_tick = MIN(tick_next(wheel), now_tick);
		for (uint32_t level = TIMER_LEVELS - 1; level > 0; level--) {
			uint32_t shift = TIMER_SLOT_BITS * level;

			if ((wheel->now_tick & ((1ull << shift) - 1)) == 0)
				spill(wheel, level, (wheel->now_tick >> shift) & (TIMER_SLOTS - 1));
		}
		spill(wheel, 0, wheel->now_tick & (TIMER_SLOTS - 1));
	}
}

void
timer_wheel_init(struct timer_wheel *wheel, uint64_t now_us)
{
	wheel->now_tick = now_us >> TIMER_TICK_SHIFT;
	wheel->cnt = 0;
	list_init(&wheel->due);
	for (uint32_t level = 0; level < TIMER_LEVELS; level++) {
		for (uint32_t slot = 0; slot < TIMER_SLOTS; slot++)
			list_init(&wheel->slot[level][slot]);
		for (uint32_t word = 0; word < TIMER_SLOTS / 64; word++)
			wheel->used[level][word] = 0;
	}
}

void
timer_set(struct timer_wheel *wheel, struct timer *timer, uint64_t deadline_us)
{
	timer_cancel(wheel, timer);
	timer->deadline_us = deadline_us;
	place(wheel, timer);
	wheel->cnt++;
}

void
timer_cancel(struct timer_wheel *wheel, struct timer *timer)
{
	if (!timer_is_set(timer))
		return;
	list_del(timer);
	wheel->cnt--;
}

struct timer *
timer_wheel_expire(struct timer_wheel *wheel, uint64_t now_us)
{
	struct timer *timer;

	advance(wheel, now_us >> TIMER_TICK_SHIFT);
	timer = wheel->due.next;
	if (timer == &wheel->due)
		return NULL;
	list_del(timer);
	wheel->cnt--;
	dp_assert(timer->deadline_us <= now_us);
	return timer;
}

uint64_t
timer_wheel_next_us(const struct timer_wheel *wheel)
{
	if (wheel->cnt == 0)
		return UINT64_MAX;
	if (wheel->due.next != &wheel->due)
		return wheel->now_tick << TIMER_TICK_SHIFT;
	return tick_next(wheel) << TIMER_TICK_SHIFT;
}
