/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* scoreboard.h remembers what is in flight: runs of sequence numbers that were sent together and
 * fared alike, in order and without gaps.
 *
 *   snd_una                                              snd_nxt
 *   ├──────────┬─────────┬──────────┬─────────┬────────────┤
 *   │ LOST RTX │  SACKED │   LOST   │  SACKED │            │
 *
 * A run is split where a SACK block, an acknowledgement or a retransmission ends inside it.
 *
 * Memory. Records from a pool shared by the stack's connections. When it is empty a run that
 * should be split is not: a SACK is ignored, a loss is repaired by the timer. Never wrong, slower.
 * Where a peer's SACK blocks end is the peer's choice: they make at most TCP_SACK_SPLITS_MAX
 * records of a connection, and none of the last quarter of the pool.
 * Clauses. RFC 2018 (reneging: 8), 2883 (D-SACK names what is acknowledged already and finds
 * nothing here), 6675 2, 4 (pipe, IsLost by bytes), 6298 3 (Karn).
 */
#ifndef SPILLWAY_DATAPLANE_TCP_SCOREBOARD_H
#define SPILLWAY_DATAPLANE_TCP_SCOREBOARD_H

#include "dataplane/base/pool.h"
#include "dataplane/tcp/options.h"

enum {
	SENT_SACKED = 1 << 0,  /* the receiver has it */
	SENT_LOST = 1 << 1,    /* taken to be lost */
	SENT_RTX = 1 << 2,     /* LOST, and sent again since */
	SENT_AGAIN = 1 << 3,   /* was sent more than once: no RTT from it (Karn) */
};

struct sent {
	struct sent *next;
	struct sent *prev;
	uint64_t sent_us;      /* last time */
	uint32_t seq;
	uint32_t end;          /* [seq, end), never empty; FIN counts one */
	uint8_t flags;         /* SENT_ */
	bool sack_split;       /* a SACK block cut it off the run before it */
};

struct scoreboard {
	struct sent *head;
	struct sent *tail;
	struct sent *again;    /* before it nothing waits to be sent again; NULL: nothing does */
	uint32_t sacked_bytes;
	uint32_t lost_bytes;
	uint32_t rtx_bytes;    /* of the lost */
	uint32_t sack_split_cnt; /* [0, TCP_SACK_SPLITS_MAX] */
};

/* struct delivered is what an acknowledgement tells of. */
struct delivered {
	uint32_t bytes;        /* newly acknowledged or SACKed */
	uint64_t sent_us;      /* when the latest of it was sent, if once only; 0: no RTT from it */
};

/* scoreboard_sent enters new data that follows what is there.
 *
 * Returns false when no record is left: do not send it now. */
bool
scoreboard_sent(struct scoreboard *board, struct pool *pool, struct tcp_range range,
                uint64_t now_us);

/* scoreboard_acked drops all before una and adds to *delivered. */
void
scoreboard_acked(struct scoreboard *board, struct pool *pool, uint32_t una,
                 struct delivered *delivered);

/* scoreboard_sacked marks a range that the receiver has and adds to *delivered. Parts that are
 * not in flight are ignored, and so is a part of a run that may not be split. */
void
scoreboard_sacked(struct scoreboard *board, struct pool *pool, struct tcp_range range,
                  struct delivered *delivered);

/* scoreboard_lose_below_sacks marks as lost what has more than (3 - 1) * mss SACKed bytes above
 * it (RFC 6675 4, IsLost). Returns the bytes newly marked. */
uint32_t
scoreboard_lose_below_sacks(struct scoreboard *board, uint32_t mss);

/* scoreboard_lose_first marks the first segment, at most mss bytes, as lost and to be sent again,
 * also when it was sent again before. Returns false when it is SACKed or there is none. */
bool
scoreboard_lose_first(struct scoreboard *board, struct pool *pool, uint32_t mss);

/* scoreboard_lose_all marks everything that is not SACKed as lost, and forgets the SACKs as well
 * when the first byte has one: the receiver has reneged (RFC 2018 8). */
void
scoreboard_lose_all(struct scoreboard *board);

/* scoreboard_next_again returns the first run that waits to be sent again, or NULL. */
struct sent *
scoreboard_next_again(struct scoreboard *board);

/* scoreboard_resent notes that the first len bytes of a run were sent again. */
void
scoreboard_resent(struct scoreboard *board, struct pool *pool, struct sent *sent, uint32_t len,
                  uint64_t now_us);

/* scoreboard_clear forgets everything. */
void
scoreboard_clear(struct scoreboard *board, struct pool *pool);

#endif
