/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_conn.h: one connection of the load generator, whatever carries its bytes and whatever
 * they mean.
 *
 *   leech_socket (kernel) ┐  space/advance, push    ┌────────────┐ parse  ┌ leech_wire (BitTorrent)
 *                         ├────────────────────────►│ leech_conn │───────►┤
 *   leech_stack (our TCP) ┘◄── out[0, out_len) ─────└────────────┘        └ leech_http
 *
 * A connection is a seat; who sits on it may leave and come back, which begins another life.
 * What arrives goes to one of three places: what has to be understood to `in`; the body of a block
 * to the assembly that wants it; or nowhere. leech_conn_space tells which, so that a carrier may
 * put it there itself or drop it uncopied; leech_conn_push does it for a carrier that holds the
 * bytes. What is to be sent waits in `out`; the carrier takes it from there.
 * Single thread. Memory: `in`, `out`, `requests` and `have` are taken by leech_conn_begin and
 * freed by leech_conn_end.
 */
#ifndef SPILLWAY_PERF_LEECH_CONN_H
#define SPILLWAY_PERF_LEECH_CONN_H

#include "perf/leech_assembly.h"
#include "perf/leech_due.h"
#include "perf/leech_options.h"
#include "perf/leech_rate.h"
#include "perf/leech_tally.h"
#include "perf/leech_torrent.h"

#include <stdbool.h>
#include <stdint.h>

enum leech_conn_state {
	LEECH_CONN_IDLE,       /* not opened, or closed */
	LEECH_CONN_CONNECTING, /* TCP's handshake is under way */
	LEECH_CONN_HANDSHAKE,  /* ours is sent, the peer's 68 bytes are awaited (BEP 3) */
	LEECH_CONN_CHOKED,     /* messages flow, no request may be sent */
	LEECH_CONN_OPEN,       /* requests may be sent */
};

enum leech_conn_limit {
	LEECH_IN_BYTES_MIN = 4096,      /* longer messages are skipped */
	LEECH_GREETING_BYTES_MAX = 256, /* what is said before the first request */
};

struct leech_conn;
struct leech_context;
struct leech_stack;
struct port;
struct tcb;

/* struct leech_language is what the bytes mean. */
struct leech_language {
	/* greet begins to speak, and sets in_want. */
	void (*greet)(struct leech_context *context, struct leech_conn *conn);

	/* parse consumes what is whole in `in`; afterwards either in_want is more than in_len, or
	 * body_left bytes are to be read past `in`. May append requests.
	 * Returns 0, or -1: the peer broke the protocol, counted; the connection is to be closed. */
	int (*parse)(struct leech_context *context, struct leech_conn *conn);

	/* body_done settles a body whose last byte has come. May append requests. */
	void (*body_done)(struct leech_context *context, struct leech_conn *conn);

	/* request appends one request to `out`, of at most request_bytes. */
	void (*request)(struct leech_context *context, struct leech_conn *conn,
			const struct leech_block *block);

	/* request_bytes gives what the longest request takes. */
	uint32_t (*request_bytes)(const struct leech_context *context);
};

/* struct leech_context is what connections of one thread share. */
struct leech_context {
	const struct leech_options *options;
	const struct leech_torrent *torrents; /* [0, torrent_cnt), > 0 */
	uint32_t torrent_cnt;
	const struct leech_language *language;
	struct leech_assembly_pool *pool;
	struct leech_tally *tally;
	struct leech_due *due;     /* of conns */
	struct leech_conn *conns;  /* [0, conn_cnt): this thread's */
	uint32_t conn_cnt;
	uint32_t first;            /* index of conns[0] among all */
	uint32_t live_cnt;
	bool holds_requests;       /* the carrier takes all that arrives: slow readers ask slowly */
	int epoll_fd;              /* the kernel's sockets only */
	struct leech_stack *stack; /* our own TCP only */
	struct port *port;         /* and its port */
};

struct leech_request {
	struct leech_block block;
	uint64_t sent_us;
	struct leech_assembly *assembly; /* NULL: not verified */
};

struct leech_conn {
	/* the seat */
	uint32_t index;            /* among all */
	uint32_t life_cnt;
	uint64_t payload_bytes;    /* of all lives */
	uint64_t leave_us;         /* when to leave; LEECH_NEVER */
	uint64_t wake_us;          /* when a slow reader goes on; LEECH_NEVER */
	struct leech_conn *blocked_next; /* of those whose `out` our TCP had no room for */
	bool blocked;

	/* a life: zeroed by leech_conn_begin */
	int fd;                    /* kernel sockets, else -1 */
	enum leech_conn_state state;
	struct tcb *tcb;           /* our own TCP, else NULL */
	const struct leech_torrent *torrent;
	bool fast;                 /* both ends speak BEP 6 */
	bool extended;             /* both ends speak BEP 10 */
	bool out_armed;            /* EPOLLOUT is asked for */
	bool in_paused;            /* EPOLLIN is not */
	bool again;                /* it is opened again when the peer ends it */
	bool early;                /* the peer ended it unanswered: it may not know its torrents yet */
	bool slow;
	bool refused;

	uint8_t *in;               /* [0, in_cap) */
	uint32_t in_len;           /* bytes held */
	uint32_t in_want;          /* bytes to hold before there is something to parse, <= in_cap */
	uint32_t in_cap;
	uint32_t head_len;         /* of the last response (HTTP) */

	uint32_t body_left;        /* bytes of a body that bypass `in` */
	uint8_t *body_at;          /* where they go; NULL: nowhere */
	bool body_is_block;        /* of requests[request_head] */

	uint8_t *out;              /* [0, out_cap), out_len bytes wait for the carrier */
	uint32_t out_len;
	uint32_t out_cap;

	struct leech_request *requests; /* ring of options->outstanding_cnt, in order of sending */
	uint32_t request_head;
	uint32_t request_cnt;
	uint32_t request_max;      /* by option, by the peer's reqq, by the torrent's blocks */

	struct leech_cursor cursor;
	struct leech_assembly *assemblies;
	struct leech_assembly *assembly; /* of the piece that the cursor is in */
	uint8_t *have;             /* the peer's bitfield; NULL: it has all */
	struct leech_rate rate;    /* of a slow reader */
	uint64_t opened_us;
	uint64_t life_bytes;       /* of payload */
	uint64_t leave_bytes;      /* after which it leaves; 0: no such end */
};

/* leech_conn_begin makes a connection that is about to connect.
 *
 * conn     one of context->conns, idle.
 * Returns 0, or -ENOMEM; then conn is idle. */
int
leech_conn_begin(struct leech_context *context, struct leech_conn *conn);

/* leech_conn_connected says what is said first: `out` has something to send. */
void
leech_conn_connected(struct leech_context *context, struct leech_conn *conn);

/* leech_conn_space tells how many of the next bytes go to one place, > 0.
 *
 * at  out: the place; NULL: they are not wanted. */
uint32_t
leech_conn_space(struct leech_conn *conn, uint8_t **at);

/* leech_conn_advance takes note that len bytes arrived where leech_conn_space said.
 *
 * len      [1, what leech_conn_space returned].
 * Returns 0, or -1: the peer broke the protocol, counted, and the connection is to be closed. */
int
leech_conn_advance(struct leech_context *context, struct leech_conn *conn, uint32_t len);

/* leech_conn_push takes bytes that arrived elsewhere. Returns as leech_conn_advance. */
int
leech_conn_push(struct leech_context *context, struct leech_conn *conn, const uint8_t *data,
		uint32_t len);

/* leech_conn_body takes note that len bytes, [1, body_left], of the body are where they belong. */
void
leech_conn_body(struct leech_context *context, struct leech_conn *conn, uint32_t len);

/* leech_conn_sent removes what the carrier took from the start of `out`. */
void
leech_conn_sent(struct leech_conn *conn, uint32_t len);

/* leech_conn_sleep lets a slow reader rest: the carrier's wake is called at until_us. */
void
leech_conn_sleep(struct leech_context *context, struct leech_conn *conn, uint64_t until_us);

/* leech_conn_refused notes that it will not be connected, by errno err; it is to be closed. */
void
leech_conn_refused(struct leech_context *context, struct leech_conn *conn, int err);

/* leech_conn_lost counts that the peer ended the connection, which is to be closed. */
void
leech_conn_lost(struct leech_context *context, struct leech_conn *conn);

/* leech_conn_broken counts that the peer broke the protocol. phrase lives as long as the run.
 * Returns -1. */
int
leech_conn_broken(struct leech_context *context, const char *phrase);

/* leech_conn_end frees everything; a connection that was refused, or had no answer for a second,
 * counts as failed. */
void
leech_conn_end(struct leech_context *context, struct leech_conn *conn);

/* leech_conn_is_live tells whether the connection has begun and not ended. */
static inline bool
leech_conn_is_live(const struct leech_conn *conn)
{
	return conn->state != LEECH_CONN_IDLE;
}

/* leech_conn_seat gives the connection's place in context->conns. */
static inline uint32_t
leech_conn_seat(const struct leech_context *context, const struct leech_conn *conn)
{
	return (uint32_t)(conn - context->conns);
}

/* leech_conn_due_us gives when something is next due for the connection. */
static inline uint64_t
leech_conn_due_us(const struct leech_conn *conn)
{
	return conn->leave_us < conn->wake_us ? conn->leave_us : conn->wake_us;
}

/* leech_now_us gives CLOCK_MONOTONIC in microseconds. */
uint64_t
leech_now_us(void);

#endif
