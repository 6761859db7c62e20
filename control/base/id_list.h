/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* id_list.h is a queue of torrent ids: added at the end, taken from the front.
 *
 * Threads: one. Memory: grows with what waits; a zeroed struct is an empty list.
 */
#ifndef SPILLWAY_CONTROL_BASE_ID_LIST_H
#define SPILLWAY_CONTROL_BASE_ID_LIST_H

#include <stdbool.h>
#include <stdint.h>

struct id_list {
	uint32_t *ids;
	uint32_t head; /* index of the next to take */
	uint32_t cnt;  /* index of the next to add */
	uint32_t room;
};

/* id_list_add appends. Returns 0 or -ENOMEM. */
int
id_list_add(struct id_list *list, uint32_t id);

/* id_list_take takes the oldest into *id; false when there is none. */
bool
id_list_take(struct id_list *list, uint32_t *id);

/* id_list_clear empties the list and keeps its memory. */
void
id_list_clear(struct id_list *list);

/* id_list_free empties the list and frees its memory. */
void
id_list_free(struct id_list *list);

#endif
