/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* trace.h is the last notable events of one connection: a ring of small binary records, always on,
 * read when somebody asks.
 *
 *   oldest                                                        newest
 *   │ state │ flow │ duplicate │ resent │ recovering │ flow │ recovered │
 *                 └──── one group of runs ────┘
 *
 * What happens all the time is no event: how much was sent and acknowledged between two events is
 * one record, of the kind flow, made when the next event comes. Kinds that come in runs are summed
 * in one record a kind until an event of another sort ends the group.
 * A time is kept as the distance from the record before it, and a value in 16 bits: exact below
 * 2048, above it rounded down to eleven significant bits. A distance is exact below 4 s.
 *
 * Threads. The connection's worker. Memory: the struct, in the connection.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_TRACE_H
#define SPILLWAY_DATAPLANE_BASE_TRACE_H

#include "dataplane/base/common.h"

#include <assert.h>

/* X(name, sort, a, b, text): sort RUN is summed, ONE is not; a and b name the two values, and text
 * says both to people */
#define TRACE_LIST(X)                                                                              \
	X(flow, RUN, "sent_bytes", "acked_bytes", "sent %u bytes, %u acknowledged")                \
	X(duplicate, RUN, "sacked_bytes", "acks", "%u bytes SACKed, by %u duplicate ACKs")         \
	X(resent, RUN, "bytes", "segments", "sent again %u bytes, in %u segments")                 \
	X(probe, RUN, "bytes", "probes", "window probed with %u bytes, in %u segments")            \
	X(state, ONE, "from", "to", "state %u became %u")                                          \
	X(recovering, ONE, "cwnd_bytes", "flight_bytes", "loss: window now %u, in flight %u")      \
	X(timeout, ONE, "rto_us", "flight_bytes", "no answer for %u us, in flight %u")             \
	X(recovered, ONE, "cwnd_bytes", "ssthresh_bytes", "repaired: window %u, threshold %u")     \
	X(restart, ONE, "idle_us", "cwnd_bytes", "idle for %u us: window now %u")                  \
	X(shut, ONE, "queued_bytes", "flight_bytes", "peer's window shut: %u queued, %u in flight")\
	X(opened, ONE, "window_bytes", "queued_bytes", "peer's window open: %u, %u queued")        \
	X(mss, ONE, "from", "to", "segments of %u bytes became %u")

enum trace_kind {
#define X(name, sort, a, b, text) TRACE_##name,
	TRACE_LIST(X)
#undef X
	TRACE_KIND_CNT
};

#define RUN 1
#define ONE 0
#define X(name, sort, a, b, text) +sort
enum {
	TRACE_EVENTS_MAX = 16, /* kept per connection; a power of two */
	TRACE_RUNS_MAX = 0 TRACE_LIST(X), /* records in a group of runs: one a kind */
	TRACE_TIME_BITS = 22,
	TRACE_VALUE_BITS = 11,
};
#undef X
#undef ONE
#undef RUN

struct trace_record {
	uint32_t kind : 5;     /* enum trace_kind */
	uint32_t shift : 5;    /* microseconds since the record before: after << shift */
	uint32_t after : TRACE_TIME_BITS;
	uint16_t a;            /* as trace_pack */
	uint16_t b;
};
static_assert(sizeof(struct trace_record) == 8, "a record is 8 bytes");
static_assert(TRACE_KIND_CNT <= 32, "a kind is 5 bits");

struct trace {
	uint64_t last_us;      /* time of the newest record; 0: there is none */
	uint32_t cnt;          /* records ever made */
	uint32_t run_cnt;      /* of the newest records, those in the group that still grows */
	uint32_t run[TRACE_RUNS_MAX][2]; /* their sums, not rounded */
	struct trace_record record[TRACE_EVENTS_MAX];
};

/* struct trace_event is a record, unpacked. */
struct trace_event {
	uint64_t at_us;
	enum trace_kind kind;
	uint64_t a;
	uint64_t b;
};

/* trace_add notes an event; a RUN adds to the record of its kind in the group that still grows. */
COLD void
trace_add(struct trace *trace, enum trace_kind kind, uint64_t now_us, uint64_t a, uint64_t b);

/* trace_read unpacks what is there, the oldest first.
 *
 * events  out, [0, TRACE_EVENTS_MAX).
 * Returns how many. */
COLD uint32_t
trace_read(const struct trace *trace, struct trace_event *events);

/* trace_text says an event to people, in at most len bytes with the NUL. */
COLD void
trace_text(const struct trace_event *event, char *out, uint32_t len);

/* trace_name returns the kind's name; trace_value_name that of its value 0 (a) or 1 (b). */
COLD const char *
trace_name(enum trace_kind kind);
COLD const char *
trace_value_name(enum trace_kind kind, uint32_t which);

#endif
