/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* source.h counts what each address holds: connections open, and connections half open, so that
 * one address cannot take the places of all others.
 *
 * Threads. One worker.
 * Memory. An open-addressed table under a keyed hash (SipHash-2-4: nobody outside can choose where
 * an address falls), taken at start, at most half full: an address is in it only while it holds
 * a connection, so there are never more of them than connections.
 * Cost. Constant for each call, whoever floods.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_SOURCE_H
#define SPILLWAY_DATAPLANE_TCP_SOURCE_H

#include "dataplane/base/common.h"

enum source_kind {
	SOURCE_OPEN,
	SOURCE_HALF_OPEN,
	SOURCE_KIND_CNT
};

struct source {
	uint32_t addr_be;
	uint32_t cnt[SOURCE_KIND_CNT]; /* both 0: the place is free */
};

struct sources {
	struct source *place;
	uint32_t mask;
	uint32_t used_cnt;
	uint64_t secret[2];
};

/* source_init takes memory for connections_max connections, [1, 2^22], of whatever addresses.
 * Returns 0 or -ENOMEM. End with source_fini. */
COLD int
source_init(struct sources *sources, uint32_t connections_max, const uint64_t secret[2]);

/* source_fini frees the memory. */
COLD void
source_fini(struct sources *sources);

/* source_cnt returns how many connections of a kind an address holds. */
uint32_t
source_cnt(const struct sources *sources, uint32_t addr_be, enum source_kind kind);

/* source_add notes one more. There must be no more than connections_max in all (asserted). */
void
source_add(struct sources *sources, uint32_t addr_be, enum source_kind kind);

/* source_remove notes one less; there must be one (asserted). */
void
source_remove(struct sources *sources, uint32_t addr_be, enum source_kind kind);

#endif
