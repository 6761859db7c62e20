/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* trace.h is the last notable events of one connection: a ring of small binary records, always on,
 * read when somebody asks.
 *
 *   oldest                                                        newest
 *   │ flow │ duplicate │ recovering │ flow │ resent │ recovered │ shut │
 *   └─ a group of runs ┘            └─ a group ─────┘
 *
 * What happens all the time is no event: how much was sent and acknowledged between two events is
 * one record, of the kind flow, made when the next event comes. Kinds that come in runs are summed
 * in one record a kind until an event of another sort ends the group.
 *
 * Threads. The connection's worker. Memory: the struct; a connection that has had no event has
 * none.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_TRACE_H
#define SPILLWAY_DATAPLANE_BASE_TRACE_H

#include "dataplane/base/common.h"

/* X(name, sort, a, b, text): sort RUN is summed, ONE is not; a and b name the two values, and text
 * says both to people */
#define TRACE_LIST(X)                                                                              \
	X(flow, RUN, "sent_bytes", "acked_bytes", "sent %u bytes, %u acknowledged")                \
	X(duplicate, RUN, "sacked_bytes", "acks", "%u bytes SACKed, by %u duplicate ACKs")         \
	X(resent, RUN, "bytes", "segments", "sent again %u bytes, in %u segments")                 \
	X(probe, RUN, "bytes", "probes", "window probed with %u bytes, in %u segments")            \
	X(open, ONE, "wscale", "sack", "connection open: window shift %u, SACK %u")                \
	X(state, ONE, "from", "to", "state %u became %u")                                          \
	X(recovering, ONE, "cwnd_bytes", "flight_bytes", "loss: window now %u, in flight %u")      \
	X(timeout, ONE, "rto_us", "flight_bytes", "no answer for %u us, in flight %u")             \
	X(recovered, ONE, "cwnd_bytes", "ssthresh_bytes", "repaired: window %u, threshold %u")     \
	X(undone, ONE, "cwnd_bytes", "ssthresh_bytes", "was no loss: window %u, threshold %u")     \
	X(tail, ONE, "flight_bytes", "again", "tail probed, in flight %u; sent again: %u")         \
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

enum { TRACE_EVENTS_MAX = 24 }; /* kept */

struct trace_event {
	uint64_t at_us;        /* when the first of a run was */
	uint32_t a;            /* at most UINT32_MAX, as b */
	uint32_t b;
	uint32_t kind;         /* enum trace_kind */
};

struct trace {
	uint32_t cnt;          /* records there are */
	uint32_t next;         /* where the next one goes, [0, TRACE_EVENTS_MAX) */
	uint32_t run_cnt;      /* of the newest records, those in the group that still grows */
	uint32_t traced_flight_bytes; /* the owner's: for the next flow */
	uint64_t traced_acked_bytes;
	struct trace_event event[TRACE_EVENTS_MAX];
};

/* trace_init empties a trace. */
COLD void
trace_init(struct trace *trace);

/* trace_add notes an event; a RUN adds to the record of its kind in the group that still grows. */
COLD void
trace_add(struct trace *trace, enum trace_kind kind, uint64_t now_us, uint64_t a, uint64_t b);

/* trace_read copies what is there, the oldest first.
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
