/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* peer.h is what the files of wire share: the protocol's memory, a peer, a request.
 *
 * A peer's torrent side is enum wire_state; where its input stands is enum wire_stage; how far the
 * answer to its handshake has gone out is enum wire_greeting. peer_set_state is the only writer of
 * the first, messages.c and handshake.c of the second, output.c of the third.
 *
 *   HANDSHAKE ──info_hash known──► WAITING ──torrent active──► OPEN
 *       └──────────────┴──── peer_doom ────┴──► CLOSED ──wire_close──► FREE
 *
 * Memory. An idle peer takes sizeof(struct wire_peer) and nothing else; a request 64 bytes from a
 * shared pool, and while it is read one struct store_req.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_PEER_H
#define SPILLWAY_DATAPLANE_WIRE_PEER_H

#include "dataplane/base/limits.h"
#include "dataplane/base/pool.h"
#include "dataplane/base/list.h"
#include "dataplane/wire/wire.h"

#define WIRE_CLIENT_NAME    "Spillway 0.1" /* BEP 10 v */
#define WIRE_PEER_ID_PREFIX "-SW0100-"     /* BEP 20 */

enum {
	WIRE_FRAGS_MAX = 16,           /* fragments that one message, or one part of it, may need */
	WIRE_METADATA_PIECE_LEN = 16384, /* BEP 9 */
	WIRE_ID_METADATA = 1,          /* our BEP 10 message ids */
	WIRE_ID_DONTHAVE = 2,
	WIRE_ID_PEX = 3,
	WIRE_HEAD_LEN = 5,             /* length prefix and message id */
	WIRE_BODY_MAX = 12,            /* of the messages that are gathered in the peer */
	WIRE_INFO_HASH_END = 48,       /* handshake bytes up to the peer id */
};

enum wire_state {
	WIRE_FREE,
	WIRE_HANDSHAKE, /* the info_hash is not here yet */
	WIRE_WAITING,   /* joined a torrent that is not active yet */
	WIRE_OPEN,      /* the torrent is active */
	WIRE_CLOSED,    /* told, or about to be told, to the caller as WIRE_CLOSE */
	WIRE_STATE_CNT
};

enum wire_stage {
	STAGE_HANDSHAKE, /* the first 48 bytes */
	STAGE_PEER_ID,   /* the 20 after them */
	STAGE_HEAD,      /* length prefix and message id */
	STAGE_BODY,      /* of a short message, gathered in the peer */
	STAGE_EXTENDED,  /* of an extended message, gathered in a message buffer */
	STAGE_SKIP,      /* of a message that nobody wants */
	STAGE_CNT
};

enum wire_greeting {
	GREETING_HANDSHAKE,
	GREETING_PIECES,   /* have_all, have_none or the bitfield's head */
	GREETING_BITFIELD, /* the bitfield's bytes */
	GREETING_EXTENDED,
	GREETING_PORT,
	GREETING_DONE,
};

struct wire_block {
	uint32_t piece;
	uint32_t begin;
	uint32_t len;
};

enum request_kind {
	REQUEST_WAITING,  /* its read has not begun */
	REQUEST_READING,
	REQUEST_READY,    /* read, waiting for room */
	REQUEST_REJECT,   /* no longer a request: a reject (BEP 6) to send */
	REQUEST_METADATA, /* a metadata piece to send; block.len 0: to reject (BEP 9) */
	REQUEST_KIND_CNT
};

struct wire_request {
	struct link link;                   /* of peer->queue[kind] */
	struct wire_request *chain_next;    /* of the index by block: WAITING, READING, READY */
	struct wire_request **chain_prev;
	struct wire_peer *peer;
	struct store_req *read;             /* READING, READY; its owner is the request */
	struct wire_block block;
	uint32_t kind : 3;                  /* enum request_kind */
	uint32_t asked : 29;                /* when it came, wire_clock */
};
static_assert(sizeof(struct wire_request) == 64, "a request is one cache line");

struct wire_queue {
	struct link requests;
	uint32_t cnt;
	uint32_t bytes; /* sum of block.len */
};

struct wire_peer {
	/* line 0: read on every call */
	void *user;
	struct torrent *torrent;   /* joined, or NULL */
	uint8_t state;             /* enum wire_state */
	uint8_t stage;             /* enum wire_stage */
	uint8_t greeting;          /* enum wire_greeting */
	uint8_t in_len;            /* bytes gathered in in[] */
	bool fast;                 /* BEP 6 on both sides */
	bool extended;             /* BEP 10 on both sides */
	bool dht;                  /* BEP 5 on both sides */
	bool unchoked;
	bool unchoke_due;
	bool choke_due;            /* goes out before an unchoke */
	bool interested;
	bool holds;                /* a slot: in wire->holding, not in wire->queued */
	bool keepalive_due;
	bool pex_due;
	bool turn;                 /* memory is back: may start reads while others starve */
	uint8_t turn_left;         /* reads left of its turn */
	uint8_t metadata_id;       /* the peer's id of ut_metadata, 0: does not speak it */
	uint8_t donthave_id;       /* likewise lt_donthave */
	uint8_t pex_id;            /* likewise ut_pex */
	uint32_t left;             /* bytes of the message not seen yet */
	uint32_t entry_cnt;        /* entries of the request pool held */
	uint32_t bitfield_off;     /* bytes of the bitfield given */
	uint32_t withdrawn_seen;   /* active->withdrawn_cnt that the peer knows of */
	uint32_t donthave_next;    /* piece to go on from, UINT32_MAX: nothing to tell */
	struct wire_queue queue[REQUEST_KIND_CNT];
	uint64_t in_us;            /* last bytes from the peer */
	uint64_t sent_us;          /* last bytes to it */
	uint64_t progress_us;      /* last content to it */
	uint64_t given_bytes;      /* content, in all */
	uint64_t greeted_us;       /* its handshake, until its first block is given: then 0 */
	struct link note;          /* wire->notes */
	struct link starved;       /* wire->starved or wire->limited */
	uint64_t ticket;           /* place among the starved, while turn_left > 0 */
	struct reread *reread;     /* content read again for its connection, or NULL */
	struct buf *assembly;      /* of an extended message that came in parts */
	uint32_t assembly_len;
	uint8_t in[WIRE_INFO_HASH_END];
	/* cold */
	struct link waiting;       /* wire->waiting */
	struct link member;        /* swarm->members: it can be told of */
	struct swarm *swarm;       /* NULL: neither told nor told of */
	struct gossip *gossip;     /* what it was told, NULL: it is not */
	uint64_t pex_in_us;        /* when it last told something that was read */
	struct link slot;          /* wire->holding or wire->queued */
	uint64_t slot_us;          /* since when it holds it */
	uint64_t slot_bytes;       /* given_bytes when a slot's use was last looked at ... */
	uint64_t round_bytes;      /* ... and when the round began */
	uint32_t slow_s;           /* seconds in a row that it took little */
	struct buf *super;         /* what it has and was shown (super.h), or NULL */
	uint64_t opened_us;
	uint64_t since_us;         /* of the state */
	uint32_t member_seq;       /* of its becoming a member, 0: it is none */
	uint32_t address_be;
	uint16_t port;
	uint16_t listen_port;      /* where it says it can be reached (BEP 10 p), 0: it did not */
	bool seed;                 /* it says that it wants nothing (BEP 6, 21) */
	uint8_t id[20];
};
static_assert(sizeof(struct wire_peer) <= 512, "an idle peer is small");

/* struct super is a torrent that is super-seeded (super.h). */
struct super {
	const struct torrent *torrent; /* NULL: unused */
	uint8_t *seen;             /* room for WIRE_SUPER_PIECES_MAX: peers that have a piece, to 255 */
	uint8_t *told;             /* as seen: peers that were told that we have it */
	uint32_t piece_cnt;
	uint32_t peer_cnt;
	uint32_t next;             /* where to look for a piece to show */
	struct link peers;
};

struct wire {
	struct store *store;
	struct counters *ctr;
	uint64_t now_us;           /* of the latest call that told it */
	struct link notes;         /* peers to report */
	struct link starved;       /* peers that wait for memory of reads, by ticket */
	uint64_t ticket;
	struct link limited;       /* peers whose torrent has its share of reads, longest first */
	uint32_t ended_cnt;        /* reads that ended since those were looked at */
	struct pool reads;
	struct pool rereads;
	struct link rereads_waiting; /* for memory, the longest waiting first */
	struct link rereads_over;  /* to be reaped */
	struct pool requests;
	uint32_t reserved_cnt;     /* entries that peers, here or to come, have not used of their own */
	uint32_t index_mask;
	struct wire_request **index; /* by peer and block */
	uint64_t index_key;          /* secret: the peer id's seed is not */
	struct buf_pool *messages;
	struct pool peers;
	struct link waiting;       /* peers in WIRE_WAITING */
	struct pool swarms;
	struct pool gossips;
	uint32_t member_seq;       /* the last given */
	struct wire_choke choke;
	struct link holding;       /* peers with a slot, those that have it longest first */
	struct link queued;        /* peers that wait for one, the longest waiting first */
	uint32_t holding_cnt;
	uint32_t queued_cnt;
	uint64_t look_us;          /* when slots were last looked at, and when their round began */
	uint64_t round_us;
	bool draining;
	struct super supers[WIRE_SUPERS_MAX];
	uint8_t *super_memory;
	uint32_t tick_next;        /* peer to look at next */
	uint32_t tick_left;        /* peers left of this slice */
	uint64_t tick_us;          /* when the slice began */
	uint16_t listen_port;
	uint16_t dht_port;         /* 0: there is no DHT node */
	bool pex;
	uint8_t peer_id[20];
	uint8_t *message_memory;
};

/* peer_set_state moves a peer from state to state along the edges above (asserted). */
void
peer_set_state(struct wire *wire, struct wire_peer *peer, enum wire_state state);

/* peer_doom gives a peer up: counts why, once, and reports WIRE_CLOSE in a note. What it holds
 * goes with wire_close. A peer already CLOSED is left as it is. */
COLD void
peer_doom(struct wire *wire, struct wire_peer *peer, enum counter why);

/* peer_note makes wire_reap report the peer, once. */
void
peer_note(struct wire *wire, struct wire_peer *peer);

/* peer_activate opens a WAITING peer whose torrent is active. */
void
peer_activate(struct wire *wire, struct wire_peer *peer);

/* peer_is_private tells whether the peer's torrent is private (BEP 27): its info dictionary is only
 * for the tracker's members, as are its peers. peer: OPEN. */
static inline bool
peer_is_private(const struct wire_peer *peer)
{
	return peer->torrent->active->layout->private_flag != 0;
}

/* peer_offered returns the bitfield as it was at activation, without later withdrawals. */
static inline const uint8_t *
peer_offered(const struct wire_peer *peer)
{
	const struct abi_layout *layout = peer->torrent->active->layout;

	return (const uint8_t *)layout + layout->have_off;
}

/* peer_bitfield_len returns the bytes of the torrent's bitfield. */
static inline uint32_t
peer_bitfield_len(const struct wire_peer *peer)
{
	return (uint32_t)(((uint64_t)peer->torrent->active->layout->piece_cnt + 7) / 8);
}

/* load_be32 reads a big-endian 32-bit integer. */
static inline uint32_t
load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* wire_clock is the time in units of 4 us, as much of it as a request keeps: it begins anew every
 * 35 minutes. */
static inline uint32_t
wire_clock(const struct wire *wire)
{
	return (uint32_t)(wire->now_us >> 2) & ((1u << 29) - 1);
}

/* store_be32 writes one. */
static inline void
store_be32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 24);
	p[1] = (uint8_t)(value >> 16);
	p[2] = (uint8_t)(value >> 8);
	p[3] = (uint8_t)value;
}

#endif
