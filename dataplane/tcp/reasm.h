/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* reasm.h holds bytes that arrived before their turn, copied, sorted and disjoint.
 *
 * Memory. Buffers of TCP_OOO_BUF_LEN from a pool of TCP_OOO_BUFS for all; a connection holds at
 * most TCP_OOO_SEGS_MAX of them, and at most a sixteenth of what is free: the fewer there are, the
 * less each may add. When none is free, who holds nothing takes them from one that holds much:
 * nobody can keep a peer from its first one. Bytes that touch what is held go into its buffer: a
 * stream in crumbs takes no more than one in full segments.
 * What does not fit, or is taken away, is dropped: the peer sends it again (RFC 2018 8).
 * Cost. At most TCP_OOO_SEGS_MAX steps and one buffer moved for a segment.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_REASM_H
#define SPILLWAY_DATAPLANE_TCP_REASM_H

#include "dataplane/base/limits.h"
#include "dataplane/base/pool.h"
#include "dataplane/tcp/options.h"

struct ooo_seg {
	struct ooo_seg *next;
	struct reasm *owner;   /* NULL: it holds nothing that could be taken away */
	uint32_t seq;
	uint32_t len;
	uint8_t data[TCP_OOO_BUF_LEN];
};

struct reasm {
	struct ooo_seg *head;
	uint32_t recent;       /* the sequence number that arrived last: its block is told first */
	uint32_t cnt;          /* buffers, [0, TCP_OOO_SEGS_MAX] */
};

/* struct reasm_text is the bytes of one segment. */
struct reasm_text {
	uint32_t seq;
	uint32_t len;          /* > 0 */
	const uint8_t *data;
};

/* struct reasm_took says what became of them; kept, old and refused add up to len. */
struct reasm_took {
	uint32_t kept;
	uint32_t old;          /* held already */
	uint32_t refused;      /* no room */
	uint32_t taken;        /* bytes that another connection has lost for them */
};

/* reasm_insert copies what is new of a segment.
 *
 * hand  of the pool: where to look next for buffers to take away; begins at 0. */
struct reasm_took
reasm_insert(struct reasm *reasm, struct pool *pool, struct reasm_text text, uint32_t *hand);

/* reasm_reach returns how far the bytes are complete when they are complete up to seq. */
uint32_t
reasm_reach(const struct reasm *reasm, uint32_t seq);

/* reasm_pop takes out the first segment when it begins before limit, else returns NULL. The
 * caller gives it back to the pool. */
struct ooo_seg *
reasm_pop(struct reasm *reasm, uint32_t limit);

/* reasm_blocks lists held ranges for a SACK option, that of the latest arrival first
 * (RFC 2018 4). max in [1, TCP_SACK_BLOCKS_MAX]. Returns how many. */
uint8_t
reasm_blocks(const struct reasm *reasm, struct tcp_range *blocks, uint8_t max);

/* reasm_drop gives up the segments that lie wholly before seq. Returns the bytes held before
 * seq. */
uint32_t
reasm_drop(struct reasm *reasm, struct pool *pool, uint32_t seq);

/* reasm_clear gives up everything. */
void
reasm_clear(struct reasm *reasm, struct pool *pool);

#endif
