/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* scoreboard.h remembers what is in flight: runs of sequence numbers that were sent together and
 * fared alike, in order and without gaps.
 *
 *   snd_una                                              snd_nxt
 *   ├──────────┬─────────┬──────────┬─────────┬────────────┤
 *   │ LOST RTX │  SACKED │   LOST   │  SACKED │            │
 *
 * A run is split where a SACK block, an acknowledgement or a retransmission ends inside it. Those
 * that may still be under way also stand in a second list, by the time they were sent last: loss
 * detection looks at its old end only (RFC 8985 6.2).
 *
 * Memory. Records from a pool shared by the stack's connections. When it is empty a run that
 * should be split is not: a SACK is ignored, a loss is repaired by the timer. Never wrong, slower.
 * Where a peer's SACK blocks end is the peer's choice: they make records within the bounds
 * TCP_SACK_SPLITS, which grow with what is in flight, and none of the last quarter of the pool. A
 * connection with TCP_SENT_RECORDS_COARSE records, or TCP_SENT_RECORDS_LOW when the pool runs low,
 * keeps coarse ones: runs sent at different times become one that remembers from when to when
 * (sent_us, span_us). As what arrived it is as old as its first part, as what may be lost as young
 * as its last: detection is later for it, never early; and it gives no round-trip time.
 * Clauses. RFC 2018 (reneging: 8), 6675 4 (pipe), 6298 3 (Karn), 8985 6.2.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_SCOREBOARD_H
#define SPILLWAY_DATAPLANE_TCP_SCOREBOARD_H

#include "dataplane/base/limits.h"
#include "dataplane/base/pool.h"
#include "dataplane/tcp/options.h"
#include "dataplane/tcp/rate.h"

enum {
	SENT_SACKED = 1 << 0,  /* the receiver has it */
	SENT_LOST = 1 << 1,    /* taken to be lost */
	SENT_RTX = 1 << 2,     /* LOST, and sent again since */
	SENT_AGAIN = 1 << 3,   /* was sent more than once: no RTT from it (Karn) */
};

struct sent {
	struct sent *next;     /* by sequence number */
	struct sent *prev;
	struct sent *later;    /* by time, of those neither SACKed nor waiting to be sent again */
	struct sent *earlier;
	uint64_t sent_us;      /* last time */
	uint32_t seq;
	uint32_t end;          /* [seq, end), never empty; FIN counts one */
	uint32_t span_us;      /* the last of it was sent so much later: a coarse run; else 0 */
	uint32_t delivered_bytes;      /* of its rate_mark, whose times are so long before ... */
	uint32_t delivered_ago : 24;   /* ... sent_us, in units of 4 us */
	uint32_t flags : 8;            /* SENT_ */
	uint32_t first_sent_ago : 24;
	uint32_t app_limited : 1;
	uint32_t sack_split : 1;       /* a SACK block cut it off the run before it */
};

static_assert(sizeof(struct sent) <= 64, "a record is a cache line");

struct scoreboard {
	struct sent *head;
	struct sent *tail;
	struct sent *oldest;   /* by time */
	struct sent *newest;
	struct sent *again;    /* before it nothing waits to be sent again; NULL: nothing does */
	struct sent *hint;     /* where the last SACK block was found; NULL: nowhere */
	uint32_t sacked_bytes;
	uint32_t lost_bytes;
	uint32_t rtx_bytes;    /* of the lost */
	uint16_t cnt;          /* records */
	uint16_t sack_split_cnt; /* [0, TCP_SACK_SPLITS_MAX] */
	uint32_t newly_lost_bytes; /* taken to be lost since steer_acked took them */
	struct rate rate;
};

enum { SENT_RUN_MAX = 1 << 16 };       /* bytes of a run, so that splitting stays local */

/* struct sent_mark is a moment of transmission; of two at one time the higher end is the later
 * (RFC 8985 6.2, RACK_sent_after). */
struct sent_mark {
	uint64_t us;           /* 0: never */
	uint32_t end;
};

/* struct delivered is what an acknowledgement tells of. */
struct delivered {
	uint64_t again_before_us; /* in: what was sent again later than this cannot have arrived yet */
	struct rate_pick pick;
	uint64_t sent_us;      /* when the latest of it was sent, if once only; 0: no RTT from it */
	struct sent_mark last; /* the latest transmission that arrived */
	uint64_t head_us;      /* of the first record that snd_una moved over: when sent last, ... */
	uint32_t bytes;        /* newly acknowledged or SACKed */
	uint32_t high_end;     /* where the highest of it ends, if bytes > 0 */
	uint32_t once_end;     /* where the lowest of it that was sent once ends, ... */
	bool once;             /* ... if there is any */
	uint8_t head_flags;    /* ... and its flags */
};

/* struct lost is what loss detection found. */
struct lost {
	uint32_t bytes;        /* newly marked */
	uint64_t again_us;     /* when the latest retransmission among them was sent; 0: none is */
	uint64_t wait_us;      /* when the next suspect was sent; 0: no suspect */
};

/* what became of the record of new data */
enum scoreboard_kept {
	SCOREBOARD_FULL,       /* no record is left: do not send it now */
	SCOREBOARD_KEPT,
	SCOREBOARD_COARSE,     /* joined to what was sent at another time */
};

/* scoreboard_fits tells whether new data up to end leaves the last run short enough to be one with
 * it. */
static inline bool
scoreboard_fits(const struct scoreboard *board, uint32_t end)
{
	return board->tail == NULL || end - board->tail->seq <= SENT_RUN_MAX;
}

/* scoreboard_sent enters new data that follows what is there; in the last run, if it was sent at
 * the same time and it fits. */
enum scoreboard_kept
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

/* scoreboard_lose_late marks as lost what was last sent before a mark, and not after due_us. It
 * looks at what it marks, at what was sent at the mark's very time, and at one more. */
void
scoreboard_lose_late(struct scoreboard *board, struct sent_mark mark, uint64_t due_us,
                     struct lost *lost);

/* scoreboard_lose_first marks the first segment, at most mss bytes, as lost and to be sent again,
 * also when it was sent again before. Returns false when it is SACKed or there is none. */
bool
scoreboard_lose_first(struct scoreboard *board, struct pool *pool, uint32_t mss);

/* scoreboard_lose_all marks the first record, and all that was not sent after due_us and is not
 * SACKed, as lost. It forgets the SACKs as well when the first byte has one: the receiver has
 * reneged (RFC 2018 8). */
void
scoreboard_lose_all(struct scoreboard *board, uint64_t due_us);

/* scoreboard_restore takes all marks of loss back: what waited to be sent again is under way. */
void
scoreboard_restore(struct scoreboard *board);

/* scoreboard_lose_longer marks as lost, and to be sent again, what is not SACKed and lies in runs
 * of more than len bytes. Returns whether there was any. */
bool
scoreboard_lose_longer(struct scoreboard *board, uint32_t len);

/* scoreboard_next_again returns the first run that waits to be sent again, or NULL. */
struct sent *
scoreboard_next_again(struct scoreboard *board);

/* scoreboard_resent notes that the first len bytes of a run were sent again. */
void
scoreboard_resent(struct scoreboard *board, struct pool *pool, struct sent *sent, uint32_t len,
                  uint64_t now_us);

/* scoreboard_probed notes that a range within the last run was sent again though nothing is known
 * to be lost. */
void
scoreboard_probed(struct scoreboard *board, struct pool *pool, struct tcp_range range,
                  uint64_t now_us);

/* scoreboard_clear forgets everything. */
void
scoreboard_clear(struct scoreboard *board, struct pool *pool);

/* sent_after tells whether transmission a was later than b. */
static inline bool
sent_after(struct sent_mark a, struct sent_mark b)
{
	return a.us > b.us || (a.us == b.us && (int32_t)(a.end - b.end) > 0);
}

#endif
