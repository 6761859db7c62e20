/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* wire.h is the peer wire protocol of a seeder: bytes from a peer in, requests to the store,
 * fragments of the answer out. It knows no connection below it: bytes, room and time come from
 * the caller, and what is to be done with a peer goes back as notes.
 *
 *   bytes ──wire_input──► handshake, messages ──► requests ──wire_output──► store_read
 *   frags ◄──────────────────────────── wire_output ◄── blocks ready ◄── wire_reap
 *
 * Threads. One worker. Memory: peers (an idle one takes 512 bytes), requests (64 bytes each,
 * WIRE_REQUESTS for all and WIRE_REQUESTS_OWN for each peer) and message buffers from bounded pools
 * taken at wire_create. Lifecycle of a peer: wire_open; wire_input, wire_output; wire_close, always
 * by the caller, also after WIRE_CLOSE.
 * Clauses. BEP 3 (wire), 5 (port), 6 (fast), 9 (ut_metadata), 10 (extensions, reqq, p), 11
 * (ut_pex), 16 (super-seeding), 20 (peer id), 21 (upload_only), 27 (private), 54 (lt_donthave).
 *
 * What a peer can count on: the answer to its handshake once the info_hash is known; have_all to
 * those who speak BEP 6 when everything is had, else a bitfield; unchoke at once on interested, and
 * for good, unless the operator has set slots (choke.h); requests served in the order asked, save
 * for the disk's; every request of a BEP 6 peer answered by piece or reject, also one cancelled or
 * asked twice. To others a request that can never be served closes the peer; one too early or too
 * many is dropped. Messages that come before the torrent is active are taken as ever: interested
 * and the extended handshake are remembered, requests are refused as choked.
 * A torrent that is super-seeded shows its pieces one by one (super.h).
 * Peers hear of each other (pex.h) and of our DHT node, those of private torrents of neither; nor
 * is the metadata of these given, as other clients do not give it (BEP 27).
 * A piece withdrawn is taken back by lt_donthave where the peer speaks it; else its requests are
 * rejected (BEP 6) or close the peer.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_WIRE_H
#define SPILLWAY_DATAPLANE_WIRE_WIRE_H

#include "dataplane/base/counters.h"
#include "dataplane/base/span.h"
#include "dataplane/store/store.h"

struct wire;
struct wire_peer;

struct wire_config {
	struct store *store;
	uint32_t peers_max;
	uint64_t seed;             /* random: peer id (BEP 20 "-SW....-" + random) */
	uint16_t listen_port;      /* told in the extended handshake */
	uint16_t dht_port;         /* UDP, of the DHT node at our address; 0: there is none */
	bool pex;                  /* peers are told of each other */
	struct counters *ctr;
};

/* struct wire_choke is how many peers are unchoked at once, and which (choke.h). */
struct wire_choke {
	uint32_t slots;            /* 0: all who are interested, at once and for good */
	bool fastest;              /* who takes most keeps its slot; else they go round */
	uint32_t slow_bytes_per_s; /* who takes less, slow_s in a row, yields; 0: nobody does */
	uint32_t slow_s;
};

enum wire_verdict {
	WIRE_OK,
	WIRE_CLOSE, /* counted by its reason: the caller ends the connection and calls wire_close */
};

struct wire_note {
	struct wire_peer *peer;
	enum wire_verdict verdict; /* WIRE_OK: it has output now, or could start more reads */
};

/* wire_create makes the protocol's memory. NULL when the heap is exhausted. */
COLD struct wire *
wire_create(const struct wire_config *config);

/* wire_destroy frees it. Every peer must be closed (asserted). */
COLD void
wire_destroy(struct wire *wire);

/* wire_set_choke changes who is unchoked. Nobody is closed: who is one too many is choked. */
COLD void
wire_set_choke(struct wire *wire, const struct wire_choke *choke, uint64_t now_us);

/* wire_set_drain says whether peers that want nothing are closed, so that none are left some day.
 * A peer has WIRE_DRAIN_IDLE_US to ask for something, and WIRE_IDLE_TIMEOUT_US to take some of it;
 * one that waits for a slot wants something. */
COLD void
wire_set_drain(struct wire *wire, bool on);

/* wire_open makes a peer for a new incoming connection.
 *
 * address_be, port  for the extended handshake's yourip, and for people.
 * user              the caller's, returned by wire_user.
 * Returns NULL when peers_max is reached (counted). */
struct wire_peer *
wire_open(struct wire *wire, uint32_t address_be, uint16_t port, void *user, uint64_t now_us);

/* wire_user returns the pointer given to wire_open. */
void *
wire_user(const struct wire_peer *peer);

/* wire_close forgets a peer: its requests are dropped, its reads cancelled. */
void
wire_close(struct wire *wire, struct wire_peer *peer, uint64_t now_us);

/* wire_input takes the next bytes of the peer's stream; all of them, always.
 *
 * data  [0, len), any split of the stream; not kept.
 * Returns WIRE_OK, or WIRE_CLOSE when the peer broke the protocol or cannot be served; no note
 * follows that. */
enum wire_verdict
wire_input(struct wire *wire, struct wire_peer *peer, const uint8_t *data, uint32_t len,
           uint64_t now_us);

/* wire_output gives the next fragments for a peer and starts reads for those after them.
 *
 * room_bytes  what the connection wants to have queued now. Blocks, metadata, rejects, pieces
 *             shown or withdrawn, other peers and chokes are given while it is not reached, so the
 *             last one may pass it; reads are started likewise. What a peer cannot multiply (our
 *             handshake, bitfield, an unchoke, keep-alive) goes out even with no room.
 * frags       out, [0, max), max >= 16; references pass to the caller.
 * Returns how many; call again while it returns more than max - 16 or so many that room is left.
 * A peer that waits for buffers of the store gets a note from wire_reap when they are back. */
uint32_t
wire_output(struct wire *wire, struct wire_peer *peer, uint32_t room_bytes, struct frag *frags,
            uint32_t max);

/* wire_pending tells whether wire_output has anything to give or start, given room. */
bool
wire_pending(const struct wire_peer *peer);

/* wire_holding tells whether blocks are being read for a peer, or are read and wait for room. */
bool
wire_holding(const struct wire_peer *peer);

/* wire_wants tells whether the peer waits for content: blocks asked for and not given, or its
 * torrent is being made active. */
bool
wire_wants(const struct wire_peer *peer);

/* wire_torrent returns the torrent that the peer has named, or NULL. */
const struct torrent *
wire_torrent(const struct wire_peer *peer);

/* wire_peer_id returns the 20 bytes of the peer's id (BEP 20), or NULL before it told it. */
const uint8_t *
wire_peer_id(const struct wire_peer *peer);

/* wire_request_cnt returns the blocks that the peer asked for and was not given yet. */
uint32_t
wire_request_cnt(const struct wire_peer *peer);

/* wire_interested and wire_unchoked tell how the peer stands (BEP 3). */
bool
wire_interested(const struct wire_peer *peer);
bool
wire_unchoked(const struct wire_peer *peer);

/* wire_prepare starts reads of what a peer has asked for, so that up to ahead_bytes are there when
 * wire_output may give them. */
void
wire_prepare(struct wire *wire, struct wire_peer *peer, uint32_t ahead_bytes);

/* wire_reap takes finished reads from the store and returns the peers that they, an activation or
 * memory now free concern, each at most once a call. Wire and store are told the time by it: call
 * it before wire_output. notes: [0, max). Returns how many; call again while it returns max. */
uint32_t
wire_reap(struct wire *wire, uint64_t now_us, struct wire_note *notes, uint32_t max);

/* struct wire_reread is what is asked for again. */
struct wire_reread {
	struct origin origin;   /* of a fragment that wire_output gave for the peer */
	uint32_t len;           /* bytes, [1, the fragment's] */
	uint32_t tag;           /* the caller's */
};

/* struct wire_again is what came of it. */
struct wire_again {
	struct wire_peer *peer;
	uint32_t tag;
	uint32_t span_cnt;      /* 0: there is no such content any more, withdrawn or removed */
	struct span spans[STORE_SPANS_MAX]; /* the caller's to release */
};

/* wire_reread has bytes read again that the peer was given before, checked as at first. One at a
 * time for a peer: another takes the place of the one before. Waits for memory if need be. */
void
wire_reread(struct wire *wire, struct wire_peer *peer, const struct wire_reread *ask);

/* wire_reread_reap returns what was read again, [0, max). Call after wire_reap; call again while it
 * returns max. Nothing comes for a peer that was closed. */
uint32_t
wire_reread_reap(struct wire *wire, struct wire_again *again, uint32_t max);

/* wire_relinquish gives the memory back of blocks that were read for a peer that takes nothing:
 * they are read again when it does. */
void
wire_relinquish(struct wire *wire, struct wire_peer *peer);

/* wire_torrent_changed follows a change that control made: the torrent became active, was refused
 * (its state is cold again) or is about to be removed (gone). The peers concerned come as notes
 * from the next wire_reap calls; for gone = true every peer of the torrent comes with WIRE_CLOSE
 * and has left it (store_leave) when this returns. */
COLD void
wire_torrent_changed(struct wire *wire, struct torrent *torrent, bool gone);

/* wire_tick looks at some peers: handshake, activation and idle timeouts, keep-alives due, pieces
 * withdrawn. Call in housekeeping; every peer is seen at least once a second when called at least
 * every 10 ms. notes as wire_reap. */
uint32_t
wire_tick(struct wire *wire, uint64_t now_us, struct wire_note *notes, uint32_t max);

#endif
