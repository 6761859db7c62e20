/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_conn.h: one connection of the load generator, whatever carries its bytes.
 *
 *   leech_socket (kernel) ┐  space/advance, push    ┌─────────────┐
 *                         ├────────────────────────►│ leech_conn  │──► leech_wire: what they mean,
 *   leech_stack (our TCP) ┘◄── out[0, out_len) ─────└─────────────┘    and what to ask next
 *
 * What arrives goes to one of three places: a message up to the end of its header, or a short
 * control message as a whole, to `in`; the body of a block to the assembly that wants it; or
 * nowhere. leech_conn_space tells which, so that a carrier may put it there itself or drop it
 * uncopied; leech_conn_push does it for a carrier that holds the bytes. What is to be sent waits
 * in `out`; the carrier takes it from there.
 * Single thread. Memory: `in`, `out`, `requests` and `have` are taken by leech_conn_begin and
 * freed by leech_conn_end. Counts outlive the connection.
 */
#ifndef SPILLWAY_PERF_LEECH_CONN_H
#define SPILLWAY_PERF_LEECH_CONN_H

#include "perf/leech_assembly.h"
#include "perf/leech_hist.h"
#include "perf/leech_options.h"
#include "perf/leech_torrent.h"

#include <stdbool.h>
#include <stdint.h>

enum leech_conn_state {
	LEECH_CONN_IDLE,       /* not opened, or closed */
	LEECH_CONN_CONNECTING, /* TCP's handshake is under way */
	LEECH_CONN_HANDSHAKE,  /* ours is sent, the peer's 68 bytes are awaited (BEP 3) */
	LEECH_CONN_CHOKED,     /* messages flow, no request may be sent */
	LEECH_CONN_OPEN,       /* unchoked */
};

enum leech_conn_limit {
	LEECH_IN_BYTES_MIN = 4096,        /* control messages longer than `in` are skipped */
	LEECH_MESSAGE_BYTES_MAX = 2 << 20, /* longer ones are a protocol error */
};

/* struct leech_tally is what all connections together saw. */
struct leech_tally {
	uint64_t payload_bytes;
	uint64_t block_cnt;
	uint64_t reject_cnt;
	uint64_t choke_cnt;
	uint64_t connect_failed_cnt;
	int connect_errno;           /* of the last that failed */
	uint64_t closed_cnt;         /* ended by the seeder after TCP's handshake */
	uint64_t protocol_error_cnt; /* ended by us */
	const char *protocol_error;  /* the last, one phrase */
	uint64_t first_request_us;   /* CLOCK_MONOTONIC; 0: none */
	uint64_t last_payload_us;
	uint32_t reqq;               /* the peer's (BEP 10), 0 when not told */
	char client[48];             /* the peer's "v" (BEP 10), printable */
	struct leech_hist latency;
};

struct leech_conn;
struct leech_stack;
struct port;

/* struct leech_context is what the connections share. */
struct leech_context {
	const struct leech_options *options;
	const struct leech_torrent *torrent;
	struct leech_assembly_pool *pool;
	struct leech_tally *tally;
	struct leech_conn *conns;  /* [0, conn_cnt): this thread's */
	uint32_t conn_cnt;
	int epoll_fd;              /* the kernel's sockets only */
	struct leech_stack *stack; /* our own TCP only */
	struct port *port;         /* and its port */
};

struct leech_request {
	struct leech_block block;
	uint64_t sent_us;
	struct leech_assembly *assembly; /* NULL: not verified */
};

struct tcb;

struct leech_conn {
	int fd;                    /* kernel sockets, else -1 */
	struct tcb *tcb;           /* our own TCP, else NULL */
	struct leech_conn *blocked_next; /* of those whose `out` our TCP had no room for */
	bool blocked;
	enum leech_conn_state state;
	uint32_t index;
	bool fast;                 /* both ends speak BEP 6 */
	bool extended;             /* both ends speak BEP 10 */
	bool out_armed;            /* EPOLLOUT is asked for */

	uint8_t *in;               /* [0, in_cap) */
	uint32_t in_len;           /* bytes held */
	uint32_t in_want;          /* bytes to hold before there is something to parse */
	uint32_t in_cap;

	uint32_t body_left;        /* bytes of a body that bypass `in` */
	uint8_t *body_at;          /* where they go; NULL: nowhere */
	bool body_is_block;        /* of requests[request_head] */

	uint8_t *out;              /* [0, out_cap), out_len bytes wait for the socket */
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
	uint64_t payload_bytes;
};

/* leech_conn_begin makes a connection that is about to connect.
 *
 * conn     zeroed, but for counts.
 * index    in [0, options->connection_cnt).
 * Returns 0, or -ENOMEM; then conn is as it was. */
int
leech_conn_begin(struct leech_context *context, struct leech_conn *conn, uint32_t index);

/* leech_conn_connected begins the peer wire's handshake: `out` has something to send. */
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

/* leech_conn_sent removes what the carrier took from the start of `out`. */
void
leech_conn_sent(struct leech_conn *conn, uint32_t len);

/* leech_conn_end frees everything; a connection that was still connecting counts as failed. */
void
leech_conn_end(struct leech_context *context, struct leech_conn *conn);

/* leech_conn_is_live tells whether the connection has begun and not ended. */
static inline bool
leech_conn_is_live(const struct leech_conn *conn)
{
	return conn->state != LEECH_CONN_IDLE;
}

/* leech_now_us gives CLOCK_MONOTONIC in microseconds. */
uint64_t
leech_now_us(void);

#endif
