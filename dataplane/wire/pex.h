/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* pex.h is BEP 11, peer exchange: the peers of a torrent at this worker hear of each other.
 *
 *   extended handshake: p, m.ut_pex ──pex_join──► swarm of the torrent ──pex_tick──► due
 *                                                       └──pex_give──► ut_pex: added, dropped
 *
 * A contact is a peer's address and the port that it says it listens on (BEP 10 p); one that does
 * not say is told to nobody, for the port it connects from is none where it can be reached. Of
 * their flags only seed is known: to a seeder all connections are incoming. Seeds do not hear of
 * seeds. What was told to a peer is remembered, WIRE_PEX_TOLD_MAX contacts that are still connected
 * at most, one an address; what left is told as dropped, what is newest here takes its place. So a
 * message costs what it tells, and nothing is done while nobody of the torrent comes or goes.
 * What peers tell is checked for its form and ignored: a seeder connects to nobody.
 * Never for private torrents (BEP 27): they are not offered ut_pex.
 *
 * Memory. A swarm for each torrent with members, one struct gossip for each peer that is told, both
 * from pools; a message is one message buffer.
 */
#ifndef SPILLWAY_DATAPLANE_WIRE_PEX_H
#define SPILLWAY_DATAPLANE_WIRE_PEX_H

#include "dataplane/wire/bdecode.h"
#include "dataplane/wire/compose.h"

/* struct swarm is those peers of a torrent that can be told of. */
struct swarm {
	struct active *active;
	struct link members;   /* by peer->member, the longest here first */
	uint32_t member_cnt;
	uint32_t ref_cnt;      /* peers whose swarm it is, members or not */
	uint32_t version;      /* changes with the members */
};

/* struct contact is one that a peer was told of. */
struct contact {
	uint32_t address_be;
	uint32_t peer;         /* its place in the pool of peers */
	uint32_t seq;          /* its member_seq while it is the same that was told */
	uint16_t port;
	uint16_t reserved;
};

/* struct gossip is what a peer was told. */
struct gossip {
	uint64_t next_us;      /* nothing is told before */
	uint32_t version;      /* of the swarm when it was last told */
	uint32_t told_cnt;
	struct contact told[WIRE_PEX_TOLD_MAX];
};

/* pex_create makes the pools; pex_destroy frees them, which must be full. */
COLD bool
pex_create(struct wire *wire, uint32_t peers_max);
COLD void
pex_destroy(struct wire *wire);

/* pex_offered tells whether a peer is offered ut_pex. peer: any state. */
COLD bool
pex_offered(const struct wire *wire, const struct wire_peer *peer);

/* pex_join makes a peer, whose handshake has said so, one that is told of others, or one that
 * others are told of, or both; what it is already stays. peer: OPEN, else nothing happens. */
COLD void
pex_join(struct wire *wire, struct wire_peer *peer);

/* pex_leave undoes it: those who were told of the peer will hear that it left. */
void
pex_leave(struct wire *wire, struct wire_peer *peer);

/* pex_in takes a ut_pex message. */
COLD void
pex_in(struct wire *wire, struct wire_peer *peer, struct bcursor cursor);

/* pex_tick looks whether there is something to tell a peer, and time to: sets pex_due. */
void
pex_tick(struct wire_peer *peer, uint64_t now_us);

/* pex_give gives a message if pex_due says so and there is anything to tell. */
COLD void
pex_give(struct wire *wire, struct wire_peer *peer, struct compose *out);

#endif
