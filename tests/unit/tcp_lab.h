/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tcp_lab.h is a bench for a TCP stack: peers made of hand, a virtual clock, and a look inside
 * after every step. It serves the unit tests, the simulator and the fuzzer.
 *
 * A step is lab_input, lab_flush, lab_wait or one of their short forms. After each the invariants
 * of the stack are checked (lab_check); every packet that leaves has its lengths and checksum
 * verified. What does not hold aborts.
 * Content: the byte at offset i of a stream is lab_byte(i), in either direction.
 */
#ifndef SPILLWAY_TESTS_UNIT_TCP_LAB_H
#define SPILLWAY_TESTS_UNIT_TCP_LAB_H

#include "dataplane/tcp/segment.h"
#include "dataplane/tcp/stack.h"

enum {
	LAB_OUT_MAX = 4096,
	LAB_PAYLOAD_MAX = 2048,
	LAB_BUF_LEN = 16384,
	LAB_BUFS = 2048,
	LAB_PORT = 6881,
};

/* struct lab_variant says where sequence numbers begin, and who cuts packets into segments. */
struct lab_variant {
	uint32_t ours;         /* our ISN */
	uint32_t theirs;       /* the peer's ISN */
	uint32_t tso_max;
};

/* numbers that do not wrap in a test, and numbers that do; the device cuts what it can */
extern const struct lab_variant lab_plain;
extern const struct lab_variant lab_wrap;
extern const struct lab_variant lab_tso;

/* LAB_TEST makes three tests of a function, whose *state is a struct lab_variant; LAB_TEST_PACKETS
 * two, of one that looks at the stack's packets rather than at segments. */
#define LAB_TEST_PACKETS(f)                                                                        \
	{#f, f, NULL, NULL, (void *)(uintptr_t)&lab_plain},                                        \
	{#f "_wrap", f, NULL, NULL, (void *)(uintptr_t)&lab_wrap}
#define LAB_TEST(f)                                                                                \
	LAB_TEST_PACKETS(f),                                                                       \
	{#f "_tso", f, NULL, NULL, (void *)(uintptr_t)&lab_tso}

/* struct lab_seg is a segment, either way. */
struct lab_seg {
	uint8_t flags;
	uint32_t seq;
	uint32_t ack;
	uint16_t wnd;          /* as it stands in the header */
	struct tcp_options opt;
	uint32_t len;          /* payload bytes */
	const uint8_t *data;
	uint16_t dst_port;     /* 0: LAB_PORT */
	uint8_t ecn;           /* of the IP header, either way */
};

/* struct lab_out is a segment that left, unpacked. A packet of several was cut by tso_lab.h. */
struct lab_out {
	struct lab_seg seg;
	uint16_t remote_port;
	uint16_t span_cnt;
	uint32_t packet_len;   /* payload bytes of its packet */
	uint8_t data[LAB_PAYLOAD_MAX];
};

struct lab_peer;

struct lab {
	uint64_t now_us;
	struct counters ctr;
	struct tcp_stack *stack;
	struct lab_variant variant;
	struct buf_pool *bufs;
	struct lab_peer *peers;    /* all that have connected */
	struct lab_out *out;       /* [0, out_cnt): what the last lab_flush or lab_wait sent */
	uint32_t out_cnt;
	uint32_t packet_cnt;       /* that they left in */
	bool keep;                 /* lab_flush adds to out instead of starting anew */
	void (*hold)(struct lab_peer *peer, const struct ip_seg *ip);  /* takes segments instead ... */
	                           /* ... of the stack, until they are a burst: tcp_lab_burst.h */
};

struct lab_peer {
	struct lab *lab;
	struct lab_peer *next;
	uint16_t port;
	uint32_t addr_be;          /* 0: 10.0.0.2 */
	struct tcb *tcb;           /* from TCP_EV_OPEN until TCP_EV_CLOSED */
	uint32_t events;           /* all seen since lab_events */
	uint32_t iss;              /* the peer's */
	uint32_t nxt;              /* the peer's SND.NXT */
	uint32_t irs;              /* the stack's ISN, from its SYN-ACK */
	uint32_t rcv;              /* what the peer acknowledges */
	uint16_t wnd;              /* what it offers, unscaled */
	bool ts;
	uint32_t tsval;
	uint64_t queued;           /* bytes handed to tcp_send */
	uint64_t read;             /* bytes that tcp_read gave */
	bool known;                /* in lab->peers */
	bool any_content;          /* what it sends is not lab_byte's */
	bool lazy;                 /* its owner leaves bytes unread */
	struct tcp_options syn;    /* of the stack's SYN-ACK */
};

/* lab_init makes a stack for connections_max. lab_fini ends it: every buffer is back then. The
 * memory of buffers and packets is kept for the next lab; one lab at a time. */
void
lab_init(struct lab *lab, const struct lab_variant *variant, uint32_t connections_max);
void
lab_fini(struct lab *lab);

/* lab_empty ends all connections and waits until everything that the stack handed out is back, as
 * it then must be. lab_begin turns clock and counters of an empty lab back to the start: as good as
 * a new lab, and quicker. */
void
lab_empty(struct lab *lab);
void
lab_begin(struct lab *lab, const struct lab_variant *variant);

/* lab_check looks at every invariant of the stack. */
void
lab_check(const struct lab *lab);

/* lab_byte returns the content at an offset. */
uint8_t
lab_byte(uint64_t offset);

/* lab_peer_init makes a peer that offers window scale 7, SACK, timestamps and MSS 1460; change
 * peer->syn before lab_connect for another. */
void
lab_peer_init(struct lab *lab, struct lab_peer *peer, uint16_t port);

/* lab_connect does the handshake and fills the peer. */
void
lab_connect(struct lab_peer *peer);

/* lab_input gives the stack one segment of a peer. Ports, and timestamps when the peer has them,
 * are filled in. Reads what there is to read, checking content. Returns the events. */
uint32_t
lab_input(struct lab_peer *peer, const struct lab_seg *seg);

/* lab_deliver gives the stack a segment that is ready, from the peer's port. */
uint32_t
lab_deliver(struct lab_peer *peer, const struct ip_seg *ip);

/* lab_note takes what the stack told of a peer's connection, and reads what there is to read. */
void
lab_note(struct lab_peer *peer, struct tcb *tcb, uint32_t events);

/* lab_ack sends a bare ACK of ack with the peer's window, and SACK blocks. Returns the events. */
uint32_t
lab_ack(struct lab_peer *peer, uint32_t ack, const struct tcp_range *sacks, uint8_t cnt);

/* lab_data sends the next len bytes of the peer's stream with flags beside ACK. */
uint32_t
lab_data(struct lab_peer *peer, uint32_t len, uint8_t flags);

/* lab_queue hands len bytes of content to tcp_send, in fragments of at most frag_len bytes; those
 * of up to FRAG_INLINE_MAX are inline. */
void
lab_queue(struct lab_peer *peer, uint32_t len, uint32_t frag_len);

/* lab_flush takes what tcp_output sends until it sends no more. Returns how many packets. */
uint32_t
lab_flush(struct lab *lab);

/* lab_wait lets time pass, stopping at each timer; packets are kept in lab->out. Returns how
 * many. */
uint32_t
lab_wait(struct lab *lab, uint64_t us);

/* lab_events returns the events of a peer since the last call. */
uint32_t
lab_events(struct lab_peer *peer);

/* lab_only returns the one packet that left; there must be exactly one. */
const struct lab_seg *
lab_only(const struct lab *lab);

#endif
