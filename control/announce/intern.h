/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* intern.h keeps byte strings once each, however often they are used: a string is an index, which
 * its user may use for an array beside the table, and lives while it is held.
 *
 * Threads: one. Memory: the bytes, and about 40 more, for each different string.
 */
#ifndef SPILLWAY_CONTROL_ANNOUNCE_INTERN_H
#define SPILLWAY_CONTROL_ANNOUNCE_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERN_NONE UINT32_MAX

struct intern_entry {
	uint8_t *bytes; /* with a NUL after them; NULL of a free entry */
	uint32_t len;
	uint32_t hold_cnt;
	uint32_t hash;
	uint32_t next; /* in its bucket, or of the free ones */
};

/* A table of zeros is empty. */
struct intern {
	struct intern_entry *entry;
	uint32_t entry_cnt; /* with free ones: every index is below */
	uint32_t entry_cap;
	uint32_t live_cnt;
	uint32_t free; /* index + 1, 0 for none */
	uint32_t *bucket; /* index + 1 of its first */
	uint32_t bucket_cnt; /* a power of two, or 0 */
};

/* intern_free frees everything and leaves the table empty. */
void
intern_free(struct intern *table);

/* intern_take returns the index of a string and holds it once more; INTERN_NONE when out of memory.
 * is_new  out: the index was free before. */
uint32_t
intern_take(struct intern *table, const void *bytes, size_t len, bool *is_new);

/* intern_hold holds a live index once more. */
void
intern_hold(struct intern *table, uint32_t index);

/* intern_drop lets go of it once. Returns true when nobody holds it any more: it is free. */
bool
intern_drop(struct intern *table, uint32_t index);

/* intern_bytes returns a live string, NUL-terminated, for as long as it is held. */
const void *
intern_bytes(const struct intern *table, uint32_t index);

/* intern_len returns its length. */
uint32_t
intern_len(const struct intern *table, uint32_t index);

#endif
