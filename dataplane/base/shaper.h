/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* shaper.h shares limited rates out: who may send how much now, and whose turn is next.
 *
 *      root ─┬─ group ─┬─ node ─┬─ leaf        each of root, groups and nodes has a bucket;
 *            │         │        └─ leaf        a leaf may be of a class, which has one too
 *            │         └─ node ─── leaf
 *            └─ group 0: nodes without a group
 *
 * A leaf that wants to send asks (shaper_ask). Where nothing stands against it, it may send at
 * once, and nothing is kept. Where a bucket on its way is empty, or others wait there, it waits:
 * in the ring of its node, the node in its group's, the group in the root's; or, when its class
 * is what has none left, in the class's queue. shaper_next gives the turns, deficit round robin by
 * weight in each ring (one round gives SHAPER_QUANTUM bytes at the usual weight), as tokens come.
 * A ring whose bucket is empty is out of the way until its timer says that there are tokens again:
 * nobody who waits is looked at before. Who leaves a ring keeps what it had left, or owed, of its
 * turn, and is the first again when it comes back with something left.
 *
 * Threads. One worker. Time is the caller's. Memory: nodes_max nodes, taken by shaper_create;
 * leaves are in their owners.
 */
#ifndef SPILLWAY_DATAPLANE_BASE_SHAPER_H
#define SPILLWAY_DATAPLANE_BASE_SHAPER_H

#include "dataplane/base/bucket.h"
#include "dataplane/base/list.h"
#include "dataplane/base/pool.h"
#include "dataplane/base/timer_wheel.h"

enum { SHAPER_NO_CLASS = UINT8_MAX };

/* struct gate is a bucket with the timer that tells when it has tokens again. */
struct gate {
	struct bucket bucket;
	struct timer timer;   /* set: shut */
	bool is_class;
};

struct shape_node;

/* struct shape_place is where something stands among its like. */
struct shape_place {
	struct link link;           /* of the ring above, while it waits */
	struct shape_node *above;   /* NULL: the root's own */
	int64_t deficit_bytes;      /* left of its turn; below 0: owed */
	uint32_t quantum_bytes;
	bool is_leaf;
	bool waits;                 /* a leaf: in a ring or in its class's queue */
};

struct shape_node {
	struct shape_place place;
	struct link ring;           /* those below that wait */
	struct gate gate;
	struct link all;            /* shaper->nodes */
	void **owner;               /* where the node's address is kept */
	uint32_t leaf_cnt;          /* that have joined */
};

struct shape_class {
	struct gate gate;
	struct link queue;          /* leaves that wait for it */
	uint32_t weight;
};

struct shape_leaf {
	struct shape_place place;   /* above: NULL while it has not joined */
	uint8_t class_index;        /* or SHAPER_NO_CLASS */
};

/* shape_leaf_waits tells whether a leaf waits for its turn. */
static inline bool
shape_leaf_waits(const struct shape_leaf *leaf)
{
	return leaf->place.waits;
}

struct shaper {
	uint64_t now_us;
	uint32_t visits;            /* left in this turn */
	uint32_t group_cnt;
	struct shape_node root;
	struct shape_node groups[1 + SHAPER_GROUPS]; /* the first: of nodes without a group */
	uint32_t group_ids[1 + SHAPER_GROUPS];       /* ascending after the first */
	struct shape_class classes[SHAPER_CLASSES];
	struct link nodes;
	struct pool pool;
	struct timer_wheel wheel;
};

/* struct shape_terms is what holds for a leaf. */
struct shape_terms {
	void **owner;               /* the place that keeps its node, shared by the node's leaves */
	uint32_t group_id;          /* one that there is not: none */
	uint32_t weight;            /* of the node */
	uint64_t rate_bytes_per_s;  /* of the node; 0: not limited */
	uint8_t class_index;        /* or SHAPER_NO_CLASS */
};

/* shaper_create makes a shaper that limits nothing. Returns 0 or -ENOMEM. */
COLD int
shaper_create(struct shaper *shaper, uint32_t nodes_max);

/* shaper_destroy frees it. */
COLD void
shaper_destroy(struct shaper *shaper);

/* ---- limits; changed while no leaf has joined, but for the rates */

/* shaper_clear forgets groups, classes and all rates. No leaf may have joined (asserted). */
COLD void
shaper_clear(struct shaper *shaper, uint64_t now_us);

/* shaper_add_group adds a group; ids come ascending. At most SHAPER_GROUPS (asserted). */
COLD void
shaper_add_group(struct shaper *shaper, uint32_t id, uint32_t weight, uint64_t rate_bytes_per_s);

/* shaper_group returns a group by its id, NULL: there is none. */
COLD struct shape_node *
shaper_group(struct shaper *shaper, uint32_t id);

/* shaper_rate changes a rate that there is, also for those who wait for it; one that is 0 stays
 * so. */
COLD void
shaper_rate(struct shaper *shaper, struct gate *gate, uint64_t rate_bytes_per_s);

/* ---- leaves */

/* shaper_limits tells whether anything limits a leaf of those terms. */
COLD bool
shaper_limits(struct shaper *shaper, const struct shape_terms *terms);

/* shaper_join gives a leaf its place; the first of a node makes it. Returns false when no node is
 * left: the leaf is not limited. */
COLD bool
shaper_join(struct shaper *shaper, struct shape_leaf *leaf, const struct shape_terms *terms);

/* shaper_leave takes a leaf out; without effect on one that has not joined. */
COLD void
shaper_leave(struct shaper *shaper, struct shape_leaf *leaf);

/* shaper_ask tells how much a leaf that does not wait may send now, up to want_bytes. 0: it waits
 * from now on, and shaper_next will return it. */
uint32_t
shaper_ask(struct shaper *shaper, struct shape_leaf *leaf, uint32_t want_bytes);

/* shaper_gave tells what a leaf has sent after shaper_ask or shaper_next.
 *
 * more  it would have sent more, had it been allowed: it waits for its next turn. */
void
shaper_gave(struct shaper *shaper, struct shape_leaf *leaf, uint32_t bytes, bool more);

/* shaper_busy tells whether somebody waits. */
static inline bool
shaper_busy(const struct shaper *shaper)
{
	return shaper->wheel.cnt > 0 || list_first(&shaper->root.ring) != NULL;
}

/* shaper_begin begins a turn: buckets whose time has come are open. */
void
shaper_begin(struct shaper *shaper, uint64_t now_us);

/* shaper_next returns the leaf whose turn it is, and what it may send; NULL: nobody can now, or
 * SHAPER_VISITS are used up. shaper_gave is due before the next call. */
struct shape_leaf *
shaper_next(struct shaper *shaper, uint32_t *grant_bytes);

/* shaper_next_us returns a time before which nothing is to be done; UINT64_MAX: nobody waits. */
static inline uint64_t
shaper_next_us(const struct shaper *shaper)
{
	if (list_first(&shaper->root.ring) != NULL && !timer_is_set(&shaper->root.gate.timer))
		return 0; /* SHAPER_VISITS were used up */
	return timer_wheel_next_us(&shaper->wheel);
}

#endif
