/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_node.h is a node of the mainline DHT in one address family (BEP 5; two of them are BEP 32's
 * dual stack): it keeps a routing table, answers others, stores what they announce, and announces
 * what it is told to. It has neither socket nor clock: packets are handed in and taken out, and
 * time is a parameter, in milliseconds of any clock that never goes back.
 *
 *      dht_node_receive ──►┌──────────────────────────────────┐
 *                          │ table  cache  store  tokens      │──► dht_node_take
 *      dht_node_announce ─►│ calls  lookups: search, store    │──► dht_node_result
 *                          └──────────────────────────────────┘
 *
 * An announce is a lookup by get_peers and then announce_peer to the closest nodes that gave a
 * token and whose ids BEP 42 allows; a node that is one of the closest stores it itself, too.
 * Lookups share what answered in the cache, so that one whose target is near another's begins where
 * that ended.
 *
 * What others can cost is bounded: a packet costs one look at it and at most one answer, answers
 * have a rate for each host and one for all, and every table has a fixed size. Each packet that is
 * not used bumps a counter of DHT_COUNTERS.
 *
 * Threads: one. Memory: fixed from dht_node_create on; about 1 MiB, 4 KiB a lookup, and what store
 * and cache touch.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_NODE_H
#define SPILLWAY_CONTROL_DHT_DHT_NODE_H

#include "control/dht/dht_id.h"
#include "control/dht/dht_message.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_node_limit {
	DHT_LOOKUPS_MAX = 512,
	DHT_OUT_MAX = 512,       /* packets that wait to be taken */
	DHT_ASK_PER_S = 4,       /* questions to one host; libtorrent shuts out who sends above 5 */
	DHT_ASK_BURST = 8,
	DHT_ANSWER_PER_S = 16,   /* queries of one host that are answered */
	DHT_ANSWER_BURST = 64,
	DHT_BYTES_PER_PACKET = 256, /* of rate: as many bytes a packet on average */
	DHT_TICK_MS = 50,        /* dht_node_run is due so often while lookups are under way */
	DHT_IDLE_MS = 1000,      /* and so often always */
};

/* What is counted: X(name, text). */
#define DHT_COUNTERS(X)                                                                            \
	X(received, "packets read")                                                                    \
	X(queries, "queries of others")                                                                \
	X(replies, "replies to our queries")                                                           \
	X(errors, "errors in reply to our queries")                                                    \
	X(asked, "queries of ours")                                                                    \
	X(answered, "queries answered")                                                                \
	X(sent_bytes, "bytes of queries and answers")                                                  \
	X(received_bytes, "bytes of packets read")                                                     \
	X(timeouts, "queries of ours without a reply")                                                 \
	X(too_long, "packets longer than any message")                                                 \
	X(malformed, "packets that are no message")                                                    \
	X(unasked, "replies to no query of ours, or from elsewhere")                                   \
	X(own_id, "messages with our own id")                                                          \
	X(flooded, "queries beyond what one host may ask")                                             \
	X(answers_limited, "queries beyond the rate of answers")                                       \
	X(not_answered, "queries not answered while read-only")                                        \
	X(out_full, "packets for which there was no room")                                             \
	X(unsent, "packets that the kernel did not take")                                              \
	X(nodes_refused, "nodes named to us that are not to be asked")                                 \
	X(tokens_wrong, "announces of others with a wrong token")                                      \
	X(stores_refused, "announces of others for which there was no room")                           \
	X(stored, "announces of others stored")                                                        \
	X(lookups, "lookups ended")                                                                    \
	X(announces, "announces stored by some node")                                                  \
	X(announces_failed, "announces that no node stored")                                           \
	X(announce_stores, "nodes that stored an announce")                                            \
	X(id_changes, "changes of our id after our address")                                           \
	X(not_read, "packets that came faster than they may be read")

enum dht_counter {
#define DHT_COUNTER_ENUM(name, text) DHT_CTR_##name,
	DHT_COUNTERS(DHT_COUNTER_ENUM)
#undef DHT_COUNTER_ENUM
	DHT_CTR_CNT
};

/* What a node is made of. */
struct dht_node_env {
	uint8_t id[DHT_ID_LEN];      /* the last one; zeros: none */
	struct dht_address own;      /* where it is bound; its family is the node's */
	uint16_t peer_port;          /* announced */
	bool read_only;              /* always (BEP 43) */
	uint32_t rate;               /* queries a second, and answers; 0: no limit */
	uint32_t ask_per_s;          /* to one host; 0: no limit */
	uint32_t lookups_max;        /* at once, [1, DHT_LOOKUPS_MAX] */
	unsigned cache_bits;         /* as dht_cache_create */
	uint64_t seed;               /* of random numbers; 0: the system's */
};

/* How an announce ended. */
struct dht_result {
	uint32_t tag;
	uint8_t info_hash[DHT_ID_LEN];
	uint32_t stored_cnt; /* nodes that stored it; 0: failed */
};

struct dht_node_status {
	uint8_t id[DHT_ID_LEN];
	struct dht_address own;
	struct dht_address external; /* as others see it; ip_len 0: not known yet */
	bool read_only;
	uint32_t good_cnt;
	uint32_t dubious_cnt;
	uint32_t refused_cnt; /* of both, those that BEP 42 does not allow */
	uint32_t peer_cnt;    /* stored for others */
	uint32_t lookup_cnt;  /* under way */
	uint32_t call_cnt;    /* questions that wait */
	uint64_t counter[DHT_CTR_CNT];
};

/* Names and texts by enum dht_counter. */
extern const char *const dht_counter_names[DHT_CTR_CNT];
extern const char *const dht_counter_texts[DHT_CTR_CNT];

struct dht_node;

/* dht_node_create makes a node that knows nobody. Its id is the given one if BEP 42 allows it to
 * the address, else a new one. Returns 0 or -ENOMEM. */
int
dht_node_create(struct dht_node **node, const struct dht_node_env *env, int64_t now_ms);

/* dht_node_destroy frees it; NULL is allowed. */
void
dht_node_destroy(struct dht_node *node);

/* dht_node_pair lets two nodes of different families answer BEP 32's "want" for each other and tell
 * each other of nodes. other NULL parts them; it must be done before one is destroyed. */
void
dht_node_pair(struct dht_node *node, struct dht_node *other);

/* dht_node_receive takes a packet. */
void
dht_node_receive(struct dht_node *node, const struct dht_address *from, const void *bytes,
                 size_t len, int64_t now_ms);

/* dht_node_run does what is due. */
void
dht_node_run(struct dht_node *node, int64_t now_ms);

/* dht_node_timeout_ms returns in how many milliseconds dht_node_run is due, at most. */
int
dht_node_timeout_ms(const struct dht_node *node);

/* dht_node_take takes the oldest packet to be sent; false when there is none. */
bool
dht_node_take(struct dht_node *node, struct dht_packet *packet);

/* dht_node_hint asks whoever is at an address for nodes: a router, a peer that sent PORT (BEP 5), a
 * node of the last run. One of the other family, or that is not nameable by ourselves, is ignored.
 */
void
dht_node_hint(struct dht_node *node, const struct dht_address *address, int64_t now_ms);

/* dht_node_alone tells whether no node is known: hints are needed. */
bool
dht_node_alone(const struct dht_node *node, int64_t now_ms);

/* dht_node_ready tells whether an announce can begin now: our own place among the nodes was looked
 * for, a lookup is free, and neither the rate of all nor that of each host is spent on those that
 * are under way. */
bool
dht_node_ready(struct dht_node *node, int64_t now_ms);

/* dht_node_announce begins to announce that we have the torrent at peer_port; dht_node_ready must
 * be true.
 *
 * seed  we have all of it (BEP 33).
 * tag   comes back in the result. */
void
dht_node_announce(struct dht_node *node, const uint8_t *info_hash, bool seed, uint32_t tag,
                  int64_t now_ms);

/* dht_node_result takes an announce that has ended; false when there is none. */
bool
dht_node_result(struct dht_node *node, struct dht_result *result);

/* dht_node_good stores good nodes, as dht_table_good. */
uint32_t
dht_node_good(const struct dht_node *node, struct dht_contact *out, uint32_t max, int64_t now_ms);

/* dht_node_status tells how it is. */
void
dht_node_status(const struct dht_node *node, struct dht_node_status *status, int64_t now_ms);

/* dht_node_count adds to a counter what happened at the socket. */
void
dht_node_count(struct dht_node *node, enum dht_counter counter, uint64_t cnt);

#endif
