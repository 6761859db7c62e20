/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* worker.h is one lcore's share of the seeder, and the turn that sequences its layers:
 *
 *   timers → rx_burst → tcp input → wire → store (reap) → tcp output → tx_burst → store (submit)
 *          → every HOUSEKEEPING_TURNS or HOUSEKEEPING_US: counters, control, timeouts
 *
 * The two towers meet here: a session ties a TCP connection to a peer. tcp and wire know nothing
 * of each other; what one reports, the worker tells the other.
 *
 * Threads. A worker runs on the thread that made it and shares nothing that is written with the
 * others: what they have in common is the device, whose queues are apart, and the counters memfd,
 * where each has its own part. Memory: taken by worker_create.
 * Lifecycle. worker_create; worker_run until told to stop; worker_part; the device is closed;
 * worker_destroy.
 */
#ifndef SPILLWAY_DATAPLANE_WORKER_WORKER_H
#define SPILLWAY_DATAPLANE_WORKER_WORKER_H

#include "dataplane/base/pool.h"
#include "dataplane/base/shaper.h"
#include "dataplane/port/port.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/worker/config.h"
#include "dataplane/worker/control.h"
#include "dataplane/worker/policy.h"
#include "dataplane/worker/publish.h"

enum { WORKER_ERROR_MAX = 256 };

/* struct session ties a connection to its peer. */
struct session {
	struct session *next;     /* of the list of those to pump; free list */
	struct tcb *tcb;          /* NULL: over */
	struct wire_peer *peer;
	bool queued;              /* in the list of those to pump */
	bool named;               /* the peer has named its torrent */
	bool settled;             /* whether some rate limits it was looked at: it can get content */
	bool shaped;              /* one does: it has joined the shaper */
	uint8_t class_index;      /* of its address in the policy, or SHAPER_NO_CLASS */
	uint64_t seen_bytes;      /* acknowledged when progress was last seen, and the time */
	uint64_t seen_us;
	uint64_t span_bytes;      /* acknowledged when the span began that rates are measured over */
	uint64_t span_us;         /* its beginning */
	uint64_t rate_bytes_per_s; /* in the span before it */
	bool rated;               /* there was one */
	struct shape_leaf leaf;
};

struct worker {
	/* read and written every turn */
	uint64_t now_us;
	struct port *port;
	struct tcp_stack *tcp;
	struct wire *wire;
	struct store *store;
	struct session *pump_head;
	struct session **pump_tail;
	uint32_t turn_cnt;
	uint32_t held_turns;      /* since reads were last started */
	uint32_t idle_cnt;        /* empty turns in a row */
	uint64_t housekept_us;    /* when housekeeping was last done */
	bool busy_poll;
	bool blocked;             /* the device does not take what is to be sent */
	struct ip_local local;
	struct shaper shaper;
	struct counters ctr;
	bool port_gone;           /* the port's other end, and with it the worker's work */
	/* housekeeping and start */
	uint64_t port_seen_us;    /* when its other end was last looked for */
	bool port_away;           /* and was not there */
	uint32_t index;
	struct pool sessions;
	uint32_t look_cursor;
	void *arena;
	uint64_t arena_len;
	bool arena_is_ports;
	const struct publish *publish;
	struct control control;
	struct policy policy;
	uint32_t class_cnts[SHAPER_CLASSES]; /* sessions of each class */
	const volatile bool *stop;
};

/* struct worker_setup is what a worker is made of. */
struct worker_setup {
	const struct abi_config *config;
	uint32_t index;           /* [0, config->worker_cnt) */
	struct port *port;        /* its queue, which counts into worker->ctr */
	const struct publish *publish;
	uint64_t boot_id;
	const volatile bool *stop;
};

/* worker_create makes everything from the configuration: arena, store, wire, tcp; of what is for
 * the whole dataplane (arena_mib, connections_max, connections_per_source) it takes its part. Takes
 * over its listening socket, abi_fd_listen.
 *
 * worker  zeroed, but for port and ctr.
 * error   out, [0, WORKER_ERROR_MAX): one line for the operator, on failure.
 * Returns whether it could; if not, worker_part and worker_destroy are due all the same. */
COLD bool
worker_create(struct worker *worker, const struct worker_setup *setup, char *error);

/* worker_turn takes one turn, and does housekeeping when it is due. Returns how much it found to
 * do. */
uint32_t
worker_turn(struct worker *worker);

/* worker_run turns until *stop, control's ABI_SHUTDOWN, or port_gone. */
void
worker_run(struct worker *worker);

/* worker_part resets every connection; what the device has of the worker's blocks comes back when
 * it is closed. */
COLD void
worker_part(struct worker *worker);

/* worker_destroy ends the other layers, once the device is closed. */
COLD void
worker_destroy(struct worker *worker);

/* ---- session.c: what connections and peers tell each other */

/* session_events acts on a connection's events (enum tcp_event): opens, feeds, closes. */
void
session_events(struct worker *worker, struct tcb *tcb, uint32_t events);

/* session_note acts on what wire says of a peer. */
void
session_note(struct worker *worker, const struct wire_note *note);

/* session_mark has a session pumped. */
void
session_mark(struct worker *worker, struct session *session);

/* session_turns gives those who wait for limited rates what they may send now, in turn. Call after
 * session_pump_all while shaper_busy. Returns how many had a turn. */
uint32_t
session_turns(struct worker *worker);

/* session_pump_all gives every session that may have output what its connection has room for. */
void
session_pump_all(struct worker *worker);

/* session_abort resets a session's connection and forgets its peer. */
void
session_abort(struct worker *worker, struct session *session);

/* session_rate returns the bytes a second that were acknowledged, over the last span of about
 * RATE_SPAN_US, or over the time that there is yet. */
COLD uint64_t
session_rate(const struct worker *worker, const struct session *session, uint64_t acked_bytes);

/* session_look looks at some sessions: resets those stalled while memory is short, pumps those
 * that have output, and measures rates. Call in housekeeping. */
void
session_look(struct worker *worker);

/* ---- idle.c */

/* idle_wait follows an empty turn: at first returns at once, then sleeps, bounded by the next
 * timer and woken by the port, the ring or control. */
void
idle_wait(struct worker *worker);

#endif
