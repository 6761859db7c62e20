/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* wire_lab.h is the other end of the wire for tests: peers that send what a test says, take what
 * wire gives, and read it back as messages.
 *
 * Time is virtual. A peer keeps every byte it was given; lab_next reads them message by message and
 * ends the test program when they are not well formed.
 */
#ifndef SPILLWAY_TESTS_UNIT_WIRE_LAB_H
#define SPILLWAY_TESTS_UNIT_WIRE_LAB_H

#include "dataplane/wire/wire.h"

enum {
	LAB_PEERS_MAX = 128,
	LAB_FAST = 1 << 0,     /* reserved bits of a handshake */
	LAB_EXTENDED = 1 << 1,
	LAB_DHT = 1 << 2,
	LAB_ROOM = 1 << 20,
};

struct lab_peer {
	struct wire_peer *peer; /* NULL once closed */
	bool closed;            /* wire gave WIRE_CLOSE */
	uint32_t note_cnt;      /* WIRE_OK notes so far */
	uint8_t *got;           /* bytes from wire */
	size_t got_len;
	size_t got_size;        /* bytes that got has place for */
	size_t read_len;        /* of which lab_next has read */
};

struct wire_lab {
	struct counters ctr;
	struct store *store;
	struct wire *wire;
	uint64_t now_us;
	uint16_t dht_port;      /* of the wire, set before lab_open_wire */
	bool pex_off;           /* likewise */
	struct lab_peer peer[LAB_PEERS_MAX];
	uint32_t peer_cnt;
	uint32_t close_cnt;     /* WIRE_CLOSE verdicts */
	struct frag *held;      /* fragments kept back as unacknowledged, see lab_hold */
	uint32_t held_cnt;
	bool hold;
};

struct lab_message {
	uint8_t id;            /* 0xff: keep-alive */
	const uint8_t *body;
	uint32_t len;          /* of the body */
};

/* lab_open_wire makes the wire over a store. */
void
lab_open_wire(struct wire_lab *lab, struct store *store, uint32_t peers_max);

/* lab_reset closes every peer, gives held fragments back, checks that every request and every close
 * was counted once, and starts anew with counters at 0. lab_close_wire destroys the wire then. */
void
lab_reset(struct wire_lab *lab);
void
lab_close_wire(struct wire_lab *lab);

/* lab_connect opens a peer. NULL: refused. lab_connect_from: from an address of its own. */
struct lab_peer *
lab_connect(struct wire_lab *lab);
struct lab_peer *
lab_connect_from(struct wire_lab *lab, uint32_t address_be);

/* lab_leave closes a peer as its caller would. */
void
lab_leave(struct wire_lab *lab, struct lab_peer *peer);

/* lab_forget takes the newest peer, which has left, out of the lab. */
void
lab_forget(struct wire_lab *lab);

/* lab_send gives bytes to wire. On WIRE_CLOSE the peer is closed. */
enum wire_verdict
lab_send(struct wire_lab *lab, struct lab_peer *peer, const void *data, size_t len);

/* lab_handshake writes a handshake; returns its 68 bytes' length. flags: LAB_FAST, LAB_EXTENDED,
 * LAB_DHT. */
size_t
lab_handshake(uint8_t out[68], const uint8_t info_hash[20], unsigned int flags);

/* lab_greet sends a handshake. */
enum wire_verdict
lab_greet(struct wire_lab *lab, struct lab_peer *peer, const uint8_t info_hash[20],
          unsigned int flags);

/* lab_message sends a message with a body. */
enum wire_verdict
lab_message(struct wire_lab *lab, struct lab_peer *peer, uint8_t id, const void *body,
            uint32_t len);

/* lab_block sends request (6) or cancel (8). */
enum wire_verdict
lab_block(struct wire_lab *lab, struct lab_peer *peer, uint8_t id, const uint32_t block[3]);

/* lab_pull takes output until wire has no more for the room. Returns the bytes. Fragments are
 * released at once, or kept while lab->hold. */
uint32_t
lab_pull(struct wire_lab *lab, struct lab_peer *peer, uint32_t room_bytes);

/* lab_acknowledge releases the fragments kept, oldest first, up to cnt. */
void
lab_acknowledge(struct wire_lab *lab, uint32_t cnt);

/* lab_reap takes notes; peers told to close are closed. Returns how many notes. */
uint32_t
lab_reap(struct wire_lab *lab);

/* lab_tick lets time pass in steps of 10 ms, with notes as lab_reap. */
void
lab_tick(struct wire_lab *lab, uint64_t us);

/* lab_hello reads the handshake that wire gave: 68 bytes. NULL: not there. */
const uint8_t *
lab_hello(struct lab_peer *peer);

/* lab_next reads the next message. false: no bytes left; a message must be whole. */
bool
lab_next(struct lab_peer *peer, struct lab_message *message);

/* lab_counter returns a counter. */
uint64_t
lab_counter(const struct wire_lab *lab, enum counter which);

/* lab_be32 reads a big-endian integer. */
uint32_t
lab_be32(const uint8_t *p);

#endif
