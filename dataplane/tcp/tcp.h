/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp.h is TCP for a server that sends: a table of connections, input, output and timers, driven
 * by a caller that owns the clock and the wire.
 *
 *        segments (struct ip_seg)            packets (struct pkt_out)
 *              │ tcp_burst_begin, _next               ▲ tcp_output
 *              ▼                                      │
 *        ┌──────────────────────── stack ────────────────────────┐
 *        │  table · state rules · reassembly · recovery · timers  │
 *        └────────────────────────────────────────────────────────┘
 *              │ events, tcp_read                     ▲ tcp_send (struct frag)
 *              ▼                                      │
 *                          the connection's owner
 *
 * Threads. A stack belongs to one worker. Time is the caller's, in microseconds, monotonic, > 0:
 * a virtual clock runs the same code.
 * Memory. Everything is taken by tcp_create; connections, queue entries and out-of-order buffers
 * come from bounded pools. Sent bytes are referenced, not copied, until they are acknowledged, or
 * until the owner, short of memory, has references given up: tcp_give_up. Bytes that are to be sent
 * once more then come back by tcp_missing and tcp_refill; what waits for them is that connection's
 * retransmission and nothing else. Its retransmission timer runs on, but while it waits a timeout
 * neither counts nor backs off: the peer cannot acknowledge what it was not sent.
 * Lifecycle of a connection. TCP_EV_OPEN hands a tcb to its owner, or tcp_connect does; tcp_send,
 * tcp_read; tcp_shutdown, tcp_close or TCP_EV_FIN; TCP_EV_CLOSED ends it: the tcb is good until
 * the next call into the stack other than tcp_read. tcp_abort ends it at once, without an event.
 * Clauses. RFC 9293; 7323 (window scale, timestamps, PAWS); 2018, 2883, 6675 (SACK); 8985
 * (RACK-TLP); 9937 (PRR); 3522, 4015, 5682 (what was spurious); 6298 (RTO); 5681, 9438, 9406, 3465,
 * 6582, 3042 (congestion, recovery); 6928 (IW10); 7661; 3168 (ECN); 5961; 6528 (ISN); 6056
 * (ports); 4987; 1337, 6191 (TIME-WAIT); 6429; 1122 (keepalive, R2); 5927, 5461, 6633 (ICMP);
 * 1191, 4821, 8899 (path MTU; IPv4 only, so not 8201). The clause stands beside the line that
 * does it.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_TCP_H
#define SPILLWAY_DATAPLANE_TCP_TCP_H

#include "dataplane/base/counters.h"
#include "dataplane/base/pkt.h"
#include "dataplane/base/span.h"
#include "dataplane/base/trace.h"
#include "dataplane/ip/ip.h"

struct tcp_stack;
struct tcb;

enum { TCP_TRACE_MAX = TRACE_EVENTS_MAX + 1 }; /* events that tcp_trace gives */

/* congestion control */
enum tcp_cc {
	TCP_CC_CUBIC,
	TCP_CC_BBR,
	TCP_CC_NEWRENO,
	TCP_CC_CNT
};

struct tcp_config {
	struct ip_local local;
	uint16_t listen_port;      /* host order; the first to listen on, 0: none yet */
	uint32_t connections_max;  /* [1, 2^20] */
	uint32_t source_max;       /* of them from one address; 0: connections_max */
	enum tcp_cc cc;            /* of new connections */
	bool hugepages;            /* take what is large from vm.nr_hugepages while there are some */
	bool unpaced;              /* windows alone say when to send */
	uint32_t rcv_wnd_bytes;    /* window offered, [TCP_RCV_WND_MIN, _MAX]; 0: TCP_RCV_WND */
	uint32_t tso_max;          /* payload bytes of one packet to be cut by the device; 0: none */
	bool ecn;                  /* agree to ECN when the peer offers it (RFC 3168) */
	uint64_t secret[2];        /* keys the ISN and the table (RFC 6528); random */
	struct counters *ctr;      /* outlives the stack */
};

/* struct tcp_gate is who may open a connection to us, beside what tcp_config says. */
struct tcp_gate {
	uint32_t connections_max;  /* open at once; 0: what tcp_config says, which holds anyway */
	bool shut;                 /* nobody: a SYN is answered with a reset */
	const struct ip_range *refused; /* sorted, none overlapping: a SYN of theirs is dropped */
	uint32_t refused_cnt;
};

/* struct tcp_remote is whom to connect to. */
struct tcp_remote {
	uint32_t addr_be;          /* IPv4 address of a host */
	uint16_t port;             /* host order, [1, 65535] */
	uint16_t local_port;       /* host order; 0: one is chosen */
	uint8_t mac[6];            /* of the next hop */
};

enum tcp_event {
	TCP_EV_OPEN = 1 << 0,   /* the handshake is done: a new connection, or tcp_connect's */
	TCP_EV_READ = 1 << 1,   /* tcp_read has bytes */
	TCP_EV_ROOM = 1 << 2,   /* sent bytes were acknowledged or the window grew: tcp_send_room */
	TCP_EV_FIN = 1 << 3,    /* the peer sends no more; what was queued still goes out */
	TCP_EV_CLOSED = 1 << 4, /* over: closed by both, reset or refused by the peer, or given up */
};

struct tcp_note {
	struct tcb *tcb;
	uint32_t events; /* enum tcp_event */
};

enum tcp_state {
	TCP_CLOSED,
	TCP_LISTEN,
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_TIME_WAIT,
	TCP_STATE_CNT
};

/* what limits a connection */
enum tcp_limit {
	TCP_LIMIT_REQUESTS,    /* its owner has nothing to send: nothing was asked */
	TCP_LIMIT_DISK,        /* its owner was asked, and does not have it yet */
	TCP_LIMIT_RWND,        /* the peer's window */
	TCP_LIMIT_CWND,        /* the congestion window */
	TCP_LIMIT_PACING,      /* pacing, or a rate limit */
	TCP_LIMIT_RECOVERY,    /* a loss is being repaired */
	TCP_LIMIT_SENDING,     /* none of these: segments leave as turns and the port allow */
	TCP_LIMIT_CNT
};

struct tcp_info {
	enum tcp_state state;
	uint32_t remote_be;        /* IPv4 address */
	uint16_t remote_port;      /* host order */
	uint16_t local_port;       /* host order */
	uint16_t mss;              /* payload bytes of a full segment */
	uint32_t cwnd_bytes;
	uint32_t ssthresh_bytes;
	uint32_t snd_wnd_bytes;    /* the peer's window */
	uint32_t srtt_us;
	uint32_t rto_us;
	uint32_t queued_bytes;     /* in the send queue: unsent and unacknowledged */
	uint32_t flight_bytes;     /* sent, unacknowledged */
	uint64_t acked_bytes;
	uint64_t retransmit_bytes;
	enum tcp_cc cc;
	enum tcp_limit limit;      /* what limits it now */
	uint64_t limit_us[TCP_LIMIT_CNT]; /* for how long each has: together the time it is open */
	bool ecn;                  /* agreed on */
	bool pins;                 /* bytes are queued whose references cannot be given up */
	uint32_t min_rtt_us;       /* of the last minutes; 0: no sample */
	uint64_t pacing_bytes_per_s;   /* 0: not paced */
	uint64_t delivery_bytes_per_s; /* what the path delivered last; 0: not measured */
};

/* tcp_create makes a stack that listens on config->listen_port, if that is a port. NULL when memory
 * is exhausted. */
COLD struct tcp_stack *
tcp_create(const struct tcp_config *config, uint64_t now_us);

/* tcp_destroy drops every connection without a word and frees all. NULL is allowed. */
COLD void
tcp_destroy(struct tcp_stack *stack);

/* tcp_listen lets connections come to one more port, from now on.
 *
 * port  [1, 65535], host order.
 * Returns 0; -EEXIST when it is listened on already, -ENOBUFS when TCP_LISTEN_PORTS_MAX are. */
COLD int
tcp_listen(struct tcp_stack *stack, uint16_t port);

/* tcp_set_gate changes who may open a connection, from now on; at first everybody may. What is
 * open stays so, and what we open is not looked at. The ranges must stay until the next call. */
COLD void
tcp_set_gate(struct tcp_stack *stack, const struct tcp_gate *gate);

/* tcp_connect opens a connection (RFC 9293 3.10.1): a SYN leaves with the next tcp_output.
 *
 * The local port is chosen so that nobody can foretell it (RFC 6056 3.3.3). The owner may set its
 * pointer at once; TCP_EV_OPEN tells when the connection is open, TCP_EV_CLOSED that it will not
 * be: refused (counted as a reset) or not answered after TCP_SYN_RETRIES_MAX more SYNs (counted as
 * a timeout).
 * Returns the connection, or NULL, counted: connections_max are open, or no local port is free
 * towards that remote, or the wanted one is taken. */
struct tcb *
tcp_connect(struct tcp_stack *stack, const struct tcp_remote *remote, uint64_t now_us);

/* tcp_burst_begin hands in the segments that arrived at once; tcp_burst_next takes them through
 * RFC 9293 3.10.7, connection by connection, and must be called until it returns NULL. A connection
 * sees its segments in order; acknowledgements among them that a later one makes superfluous are
 * taken as one (burst.h).
 *
 * segs    [0, cnt), as ip_input filled them; cnt [0, BURST_MAX]. They and their bytes must stay
 *         until the burst is over.
 * events  out: enum tcp_event bits for the returned connection, told before a later segment of it
 *         is looked at if there are any but TCP_EV_ROOM.
 * Until the burst is over the owner may read, send, shut down, close and abort connections and use
 * the accessors; nothing else. Malformed, unacceptable and unwanted segments are answered as the
 * RFCs say, and counted. */
void
tcp_burst_begin(struct tcp_stack *stack, const struct ip_seg *segs, uint32_t cnt, uint64_t now_us);
struct tcb *
tcp_burst_next(struct tcp_stack *stack, uint32_t *events);

/* tcp_input is a burst of one segment, over when it returns; its bytes must stay until the next
 * call into the stack other than tcp_read, tcp_send, tcp_send_room and the accessors. */
struct tcb *
tcp_input(struct tcp_stack *stack, const struct ip_seg *seg, uint64_t now_us, uint32_t *events);

/* tcp_icmp takes an ICMP error about a segment of ours (RFC 5927, 5461).
 *
 * err     as ip_input filled it: unverified, anybody may have sent it. It is dropped unless it
 *         quotes a segment that is in flight; TCP_ICMP_PER_S of a connection are acted on.
 * events  out, and what is returned: as tcp_input's.
 * "Fragmentation needed" lowers the path's MTU (RFC 1191). "Protocol" and "port unreachable" end a
 * connection that is not open yet, and no other. Source quench is ignored (RFC 6633), the rest is
 * outlived. Each is counted. */
struct tcb *
tcp_icmp(struct tcp_stack *stack, const struct ip_icmp *err, uint64_t now_us, uint32_t *events);

/* tcp_read takes the next bytes of a connection in order. Call until it returns 0, at once after
 * TCP_EV_READ: what is not taken before the next tcp_burst_next is lost to the owner (asserted).
 *
 * data  out: good until the next call of tcp_read or tcp_burst_next.
 * Returns the bytes at *data, 0 when there are none. */
uint32_t
tcp_read(struct tcp_stack *stack, struct tcb *tcb, const uint8_t **data);

/* tcp_send queues fragments in order and takes over their references.
 *
 * frags  [0, cnt), none empty; cnt [1, TCP_SEND_FRAGS_MAX]. Allowed in ESTABLISHED and CLOSE-WAIT,
 *        before tcp_close (asserted).
 * Returns 0; or -ENOBUFS with nothing taken, counted: queue entries are exhausted, or the
 * connection has more than TCP_SND_QUEUE_MAX bytes or TCP_SEND_ENTRIES_MAX fragments queued. Ask
 * tcp_send_room first. */
int
tcp_send(struct tcp_stack *stack, struct tcb *tcb, const struct frag *frags, uint32_t cnt);

/* tcp_send_room returns the bytes worth queueing now: enough to keep the connection busy until
 * the next acknowledgement at its present window, and no more, so that content is read just in
 * time. 0 when the queue is full enough, the peer's window is shut, queue entries are short, or
 * the connection is closing. */
uint32_t
tcp_send_room(const struct tcp_stack *stack, const struct tcb *tcb);

/* tcp_give_up gives up references of fragments that were sent whole, are not acknowledged and have
 * an origin: from connections that hold most, those sent last first, for they would be held
 * longest and are the least likely to be wanted again soon.
 *
 * max  references at most; TCP_GIVE_STEPS bounds the work.
 * Returns how many were given up. */
uint32_t
tcp_give_up(struct tcp_stack *stack, uint32_t max);

/* tcp_give_up_unsent gives up references of a connection's fragments with an origin of which
 * nothing was sent yet: its peer takes nothing. Returns how many. */
COLD uint32_t
tcp_give_up_unsent(struct tcp_stack *stack, struct tcb *tcb);

/* struct tcp_missing is bytes that a connection is to send and whose reference was given up. */
struct tcp_missing {
	struct tcb *tcb;
	uint32_t seq;          /* names them to tcp_refill */
	uint32_t len;          /* bytes */
	struct origin origin;
};

/* tcp_missing tells what is wanted back, one fragment of a connection at a time, each once. A later
 * one of a connection replaces the one before: that is not wanted any more.
 *
 * missing  out, [0, max). Returns how many; call again while it returns max. */
uint32_t
tcp_missing(struct tcp_stack *stack, struct tcp_missing *missing, uint32_t max);

/* tcp_refill puts the bytes that were missing back, and takes over the references.
 *
 * spans  [0, cnt), cnt [1, TCP_SEND_FRAGS_MAX]: missing.len bytes in all (asserted).
 * Returns 0; or with nothing taken -ENOENT, no longer asked for, or -ENOBUFS, queue entries are
 * exhausted: tcp_missing will ask again. */
int
tcp_refill(struct tcp_stack *stack, struct tcb *tcb, uint32_t seq, const struct span *spans,
           uint32_t cnt);

/* tcp_owner_waits tells why the owner has nothing to send, for the time when all that was queued is
 * sent: TCP_LIMIT_REQUESTS, TCP_LIMIT_DISK, or TCP_LIMIT_PACING (asserted), when it has and a rate
 * that it keeps does not allow it. It holds until the owner says otherwise;
 * REQUESTS at first. */
void
tcp_owner_waits(struct tcp_stack *stack, struct tcb *tcb, enum tcp_limit limit);

/* tcp_shutdown sends what is queued, then FIN (RFC 9293 3.10.4, 3.6.1), and goes on reading until
 * the peer's FIN, however long that takes while the peer answers keepalives. Allowed once the
 * connection was open (asserted); without effect when it is closing or closed. */
void
tcp_shutdown(struct tcp_stack *stack, struct tcb *tcb, uint64_t now_us);

/* tcp_close sends what is queued, then FIN (RFC 9293 3.10.4). The owner still gets TCP_EV_FIN and
 * TCP_EV_CLOSED; what arrives from now on, or was not read yet, is dropped and counted. After
 * tcp_shutdown it ends reading. Before TCP_EV_OPEN it is tcp_abort. Without effect on a connection
 * that was closed already, or is over. */
void
tcp_close(struct tcp_stack *stack, struct tcb *tcb, uint64_t now_us);

/* tcp_abort sends RST, drops what is queued and ends the connection, without an event
 * (RFC 9293 3.10.5). The tcb is gone. Without effect on one of which TCP_EV_CLOSED was told, as
 * long as that tcb is good. */
void
tcp_abort(struct tcp_stack *stack, struct tcb *tcb);

/* tcp_output makes the packets that may leave now: control answers first, then connections that
 * are ready, deficit round robin.
 *
 * pkts  out, [0, max); spans are references that hold until the next call into the stack.
 * Returns how many; 0 is normal. */
uint16_t
tcp_output(struct tcp_stack *stack, struct pkt_out *pkts, uint16_t max, uint64_t now_us);

/* tcp_timers runs what is due: retransmission, probes, delayed ACKs, keepalive, TIME-WAIT.
 *
 * notes  out, [0, max), max >= 1. Returns how many connections have events; call again while it
 *        returns max. */
uint32_t
tcp_timers(struct tcp_stack *stack, uint64_t now_us, struct tcp_note *notes, uint32_t max);

/* tcp_output_pending tells whether tcp_output has anything to send now. */
bool
tcp_output_pending(const struct tcp_stack *stack);

/* tcp_next_us returns a time before which no timer is due; UINT64_MAX when none is set. */
uint64_t
tcp_next_us(const struct tcp_stack *stack);

/* tcp_user and tcp_set_user keep the owner's pointer in a connection; NULL until it is set. */
void *
tcp_user(const struct tcb *tcb);
void
tcp_set_user(struct tcb *tcb, void *user);

/* tcp_state_name returns a state's name as RFC 9293 writes it. */
const char *
tcp_state_name(enum tcp_state state);

/* tcp_trace gives the last events of a connection, the oldest first.
 *
 * events  out, [0, TCP_TRACE_MAX).
 * Returns how many. */
COLD uint32_t
tcp_trace(const struct tcp_stack *stack, const struct tcb *tcb, struct trace_event *events);

/* tcp_find returns the open connection with a remote address and port, or NULL. */
COLD struct tcb *
tcp_find(const struct tcp_stack *stack, uint32_t remote_be, uint16_t remote_port);

/* tcp_cc_name returns the name of a congestion control, below TCP_CC_CNT. */
const char *
tcp_cc_name(enum tcp_cc which);

/* tcp_set_cc changes a connection's congestion control, at any time; the window stays. */
void
tcp_set_cc(struct tcp_stack *stack, struct tcb *tcb, enum tcp_cc which);

/* tcp_info fills what is known of a connection. */
void
tcp_info(const struct tcp_stack *stack, const struct tcb *tcb, struct tcp_info *info);

#endif
