/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Buckets, rings and turns. */
#include "dataplane/base/shaper.h"

#include <string.h>

void
bucket_set_rate(struct bucket *bucket, uint64_t rate_bytes_per_s, uint64_t now_us)
{
	uint64_t rate = rate_bytes_per_s;

	if (bucket->rate_bytes_per_s != 0)
		bucket_refill(bucket, now_us);
	bucket->at_us = now_us;
	if (rate == 0) {
		bucket->rate_bytes_per_s = 0;
		bucket->tokens_q = 0;
		return;
	}
	rate = MIN(MAX(rate, BUCKET_RATE_MIN), BUCKET_RATE_MAX);
	bucket->rate_bytes_per_s = rate;
	bucket->per_us_q = (rate << BUCKET_SHIFT) / 1000000;
	bucket->us_per_byte_q = (UINT64_C(1000000) << BUCKET_WAIT_SHIFT) / rate;
	bucket->span_us = MIN((UINT64_C(1) << 60) / bucket->per_us_q, (uint64_t)BUCKET_SPAN_US);
	bucket->burst_q = (int64_t)(bucket->per_us_q * BUCKET_BURST_US);
	bucket->burst_q = MAX(bucket->burst_q, (int64_t)BUCKET_BURST_MIN << BUCKET_SHIFT);
	bucket->wake_q = (int64_t)(bucket->per_us_q * BUCKET_WAKE_US);
	bucket->tokens_q = MIN(bucket->tokens_q, bucket->burst_q);
}

/* quantum_of returns the bytes of a round. */
static uint32_t
quantum_of(uint32_t weight)
{
	return weight * (SHAPER_QUANTUM / SHAPER_WEIGHT_USUAL);
}

static void
gate_init(struct gate *gate, bool is_class)
{
	memset(gate, 0, sizeof(*gate));
	timer_init(&gate->timer);
	gate->is_class = is_class;
}

static COLD void
node_init(struct shape_node *node, struct shape_node *above, uint32_t weight)
{
	memset(node, 0, sizeof(*node));
	list_init(&node->ring);
	gate_init(&node->gate, false);
	node->place.above = above;
	node->place.quantum_bytes = quantum_of(weight);
}

int
shaper_create(struct shaper *shaper, uint32_t nodes_max)
{
	memset(shaper, 0, sizeof(*shaper));
	timer_wheel_init(&shaper->wheel, 0);
	list_init(&shaper->nodes);
	node_init(&shaper->root, NULL, SHAPER_WEIGHT_USUAL);
	for (uint32_t i = 0; i < SHAPER_CLASSES; i++)
		gate_init(&shaper->classes[i].gate, true);
	shaper_clear(shaper, 0);
	return pool_init(&shaper->pool, sizeof(struct shape_node), nodes_max);
}

void
shaper_destroy(struct shaper *shaper)
{
	pool_fini(&shaper->pool);
}

/* ---- limits */

void
shaper_clear(struct shaper *shaper, uint64_t now_us)
{
	dp_assert(list_first(&shaper->nodes) == NULL);
	shaper->now_us = now_us;
	timer_cancel(&shaper->wheel, &shaper->root.gate.timer);
	for (uint32_t i = 0; i <= shaper->group_cnt; i++)
		timer_cancel(&shaper->wheel, &shaper->groups[i].gate.timer);
	for (uint32_t i = 0; i < SHAPER_CLASSES; i++) {
		struct shape_class *class = &shaper->classes[i];

		timer_cancel(&shaper->wheel, &class->gate.timer);
		gate_init(&class->gate, true);
		list_init(&class->queue);
		class->weight = SHAPER_WEIGHT_USUAL;
	}
	bucket_set_rate(&shaper->root.gate.bucket, 0, now_us);
	node_init(&shaper->groups[0], &shaper->root, SHAPER_WEIGHT_USUAL);
	shaper->group_cnt = 0;
}

void
shaper_add_group(struct shaper *shaper, uint32_t id, uint32_t weight, uint64_t rate_bytes_per_s)
{
	uint32_t at = ++shaper->group_cnt;

	dp_assert(at <= SHAPER_GROUPS && id > shaper->group_ids[at - 1]);
	shaper->group_ids[at] = id;
	node_init(&shaper->groups[at], &shaper->root, weight);
	bucket_set_rate(&shaper->groups[at].gate.bucket, rate_bytes_per_s, shaper->now_us);
}

struct shape_node *
shaper_group(struct shaper *shaper, uint32_t id)
{
	for (uint32_t i = 1; i <= shaper->group_cnt; i++)
		if (shaper->group_ids[i] == id)
			return &shaper->groups[i];
	return NULL;
}

/* ---- waiting */

static bool
is_shut(const struct gate *gate)
{
	return timer_is_set(&gate->timer);
}

static void
shut(struct shaper *shaper, struct gate *gate)
{
	if (!is_shut(gate))
		timer_set(&shaper->wheel, &gate->timer,
		          bucket_wake_us(&gate->bucket, shaper->now_us));
}

void
shaper_rate(struct shaper *shaper, struct gate *gate, uint64_t rate_bytes_per_s)
{
	if (gate->bucket.rate_bytes_per_s == 0 || rate_bytes_per_s == 0)
		return;
	bucket_set_rate(&gate->bucket, rate_bytes_per_s, shaper->now_us);
	if (is_shut(gate)) /* until when it would have had tokens at the old rate */
		timer_set(&shaper->wheel, &gate->timer,
		          bucket_wake_us(&gate->bucket, shaper->now_us));
}

/* is_empty tells whether a bucket that limits has nothing now. */
static inline bool
is_empty(struct shaper *shaper, struct bucket *bucket)
{
	if (bucket->rate_bytes_per_s == 0)
		return false;
	bucket_refill(bucket, shaper->now_us);
	return bucket->tokens_q <= 0;
}

/* enter puts a place into the ring above it, and those above that which were out of theirs. */
static void
enter(struct shape_place *place)
{
	for (;;) {
		struct shape_node *above = place->above;
		bool alone = list_first(&above->ring) == NULL;
		struct link *before = place->deficit_bytes > 0 ? above->ring.next : &above->ring;

		link_insert(before, &place->link);
		if (!alone || above->place.above == NULL || is_shut(&above->gate))
			return;
		place = &above->place;
	}
}

/* leave takes a place out of the ring above it, and what is above when nobody waits there. */
static void
leave(struct shape_place *place)
{
	while (link_is_set(&place->link)) {
		struct shape_node *above = place->above;

		link_remove(&place->link);
		if (list_first(&above->ring) != NULL || above->place.above == NULL)
			return;
		place = &above->place;
	}
}

/* wait_turn has a leaf wait: for its class, or in the ring of its node. */
static void
wait_turn(struct shaper *shaper, struct shape_leaf *leaf)
{
	leaf->place.waits = true;
	if (leaf->class_index != SHAPER_NO_CLASS) {
		struct shape_class *class = &shaper->classes[leaf->class_index];

		if (list_first(&class->queue) != NULL || is_empty(shaper, &class->gate.bucket)) {
			link_insert(&class->queue, &leaf->place.link);
			shut(shaper, &class->gate);
			return;
		}
	}
	enter(&leaf->place);
}

/* wait_end takes a leaf out of where it waits. */
static void
wait_end(struct shape_leaf *leaf)
{
	struct shape_node *node = leaf->place.above;

	if (!leaf->place.waits)
		return;
	leaf->place.waits = false;
	link_remove(&leaf->place.link); /* of a ring, or of its class's queue */
	if (list_first(&node->ring) == NULL)
		leave(&node->place);
}

/* ---- leaves */

bool
shaper_limits(struct shaper *shaper, const struct shape_terms *terms)
{
	const struct shape_node *group = shaper_group(shaper, terms->group_id);

	if (shaper->root.gate.bucket.rate_bytes_per_s != 0 || terms->rate_bytes_per_s != 0)
		return true;
	if (group != NULL && group->gate.bucket.rate_bytes_per_s != 0)
		return true;
	return terms->class_index != SHAPER_NO_CLASS &&
	       shaper->classes[terms->class_index].gate.bucket.rate_bytes_per_s != 0;
}

static COLD struct shape_node *
node_make(struct shaper *shaper, const struct shape_terms *terms)
{
	struct shape_node *group = shaper_group(shaper, terms->group_id);
	struct shape_node *node = pool_get(&shaper->pool);

	if (node == NULL)
		return NULL;
	node_init(node, group != NULL ? group : &shaper->groups[0], terms->weight);
	bucket_set_rate(&node->gate.bucket, terms->rate_bytes_per_s, shaper->now_us);
	link_insert(&shaper->nodes, &node->all);
	node->owner = terms->owner;
	*terms->owner = node;
	return node;
}

bool
shaper_join(struct shaper *shaper, struct shape_leaf *leaf, const struct shape_terms *terms)
{
	struct shape_node *node = *terms->owner;
	uint32_t weight = SHAPER_WEIGHT_USUAL;

	if (node == NULL)
		node = node_make(shaper, terms);
	if (node == NULL)
		return false;
	if (terms->class_index != SHAPER_NO_CLASS)
		weight = shaper->classes[terms->class_index].weight;
	memset(leaf, 0, sizeof(*leaf));
	leaf->place.above = node;
	leaf->place.is_leaf = true;
	leaf->place.quantum_bytes = quantum_of(weight);
	leaf->class_index = terms->class_index;
	node->leaf_cnt++;
	return true;
}

void
shaper_leave(struct shaper *shaper, struct shape_leaf *leaf)
{
	struct shape_node *node = leaf->place.above;

	if (node == NULL)
		return;
	wait_end(leaf);
	leaf->place.above = NULL;
	if (--node->leaf_cnt > 0)
		return;
	dp_assert(!link_is_set(&node->place.link));
	timer_cancel(&shaper->wheel, &node->gate.timer);
	if (*node->owner == node)      /* else its memory is another's by now */
		*node->owner = NULL;
	link_remove(&node->all);
	pool_put(&shaper->pool, node);
}

/* node_room lowers *room to what a node has. False: nothing, or others wait there. */
static inline bool
node_room(struct shaper *shaper, struct shape_node *node, uint64_t *room)
{
	struct bucket *bucket = &node->gate.bucket;

	if (UNLIKELY(list_first(&node->ring) != NULL))
		return false;
	if (bucket->rate_bytes_per_s == 0)
		return true;
	if (UNLIKELY(is_shut(&node->gate) || is_empty(shaper, bucket)))
		return false;
	*room = MIN(*room, bucket_bytes(bucket));
	return true;
}

/* class_room is node_room of a leaf's class. */
static inline bool
class_room(struct shaper *shaper, const struct shape_leaf *leaf, uint64_t *room)
{
	struct shape_class *class;

	if (leaf->class_index == SHAPER_NO_CLASS)
		return true;
	class = &shaper->classes[leaf->class_index];
	if (class->gate.bucket.rate_bytes_per_s == 0)
		return true;
	if (UNLIKELY(is_shut(&class->gate) || is_empty(shaper, &class->gate.bucket)))
		return false;
	*room = MIN(*room, bucket_bytes(&class->gate.bucket));
	return true;
}

uint32_t
shaper_ask(struct shaper *shaper, struct shape_leaf *leaf, uint32_t want_bytes)
{
	uint64_t room = want_bytes;
	bool free_way = class_room(shaper, leaf, &room);

	dp_assert(leaf->place.above != NULL && !leaf->place.waits);
	for (struct shape_node *node = leaf->place.above; free_way && node != NULL;
	     node = node->place.above)
		free_way = node_room(shaper, node, &room);
	if (LIKELY(free_way))
		return (uint32_t)room;
	wait_turn(shaper, leaf);
	return 0;
}

/* owe takes what was sent from what is left of a place's turn. Who is alone owes no more than some
 * rounds: those who were away for a moment come back to their share, and who is new to no more. */
static void
owe(struct shape_place *place, uint32_t bytes)
{
	const struct link *ring = &place->above->ring;
	int64_t least = -(int64_t)place->quantum_bytes * SHAPER_OWED_ROUNDS;

	place->deficit_bytes -= bytes;
	if (place->link.next == ring && place->link.prev == ring)
		place->deficit_bytes = MAX(place->deficit_bytes, least);
}

void
shaper_gave(struct shaper *shaper, struct shape_leaf *leaf, uint32_t bytes, bool more)
{
	bool waited = leaf->place.waits;

	if (waited)
		owe(&leaf->place, bytes);
	for (struct shape_node *node = leaf->place.above; node != NULL; node = node->place.above) {
		bucket_take(&node->gate.bucket, bytes);
		if (waited && node->place.above != NULL)
			owe(&node->place, bytes);
	}
	if (leaf->class_index != SHAPER_NO_CLASS)
		bucket_take(&shaper->classes[leaf->class_index].gate.bucket, bytes);
	if (waited && (!more || bytes == 0))
		wait_end(leaf);
	else if (UNLIKELY(!waited && more && bytes > 0))
		wait_turn(shaper, leaf);
}

/* ---- turns */

/* class_open lets some of those who wait for a class into their rings; the rest a moment later. */
static void
class_open(struct shaper *shaper, struct shape_class *class)
{
	struct link *link = NULL;
	uint64_t cnt;

	bucket_refill_late(&class->gate.bucket, shaper->now_us);
	cnt = bucket_bytes(&class->gate.bucket) / SHAPER_QUANTUM + 1;
	for (; cnt > 0 && (link = list_first(&class->queue)) != NULL; cnt--) {
		link_remove(link);
		enter(CONTAINER_OF(link, struct shape_place, link));
	}
	if (list_first(&class->queue) != NULL)
		timer_set(&shaper->wheel, &class->gate.timer,
		          MAX(bucket_wake_us(&class->gate.bucket, shaper->now_us),
		              shaper->now_us + BUCKET_WAKE_US));
}

static void
gate_open(struct shaper *shaper, struct gate *gate)
{
	struct shape_node *node;

	if (gate->is_class) {
		class_open(shaper, CONTAINER_OF(gate, struct shape_class, gate));
		return;
	}
	node = CONTAINER_OF(gate, struct shape_node, gate);
	if (list_first(&node->ring) != NULL)
		bucket_refill_late(&gate->bucket, shaper->now_us);
	if (node->place.above != NULL && list_first(&node->ring) != NULL)
		enter(&node->place);
}

void
shaper_begin(struct shaper *shaper, uint64_t now_us)
{
	struct timer *timer;

	shaper->now_us = now_us;
	shaper->visits = SHAPER_VISITS;
	while ((timer = timer_wheel_expire(&shaper->wheel, now_us)) != NULL)
		gate_open(shaper, CONTAINER_OF(timer, struct gate, timer));
}

/* node_shut has those of an empty bucket out of the way until it has tokens. */
static void
node_shut(struct shaper *shaper, struct shape_node *node)
{
	shut(shaper, &node->gate);
	if (node->place.above != NULL)
		leave(&node->place);
}

/* class_wait moves a leaf whose class has nothing left to its queue; else lowers *room to what it
 * has. Returns whether it waits. */
static bool
class_wait(struct shaper *shaper, struct shape_leaf *leaf, uint64_t *room)
{
	struct shape_class *class;

	if (leaf->class_index == SHAPER_NO_CLASS)
		return false;
	class = &shaper->classes[leaf->class_index];
	if (class->gate.bucket.rate_bytes_per_s == 0)
		return false;
	if (!is_empty(shaper, &class->gate.bucket)) {
		*room = MIN(*room, bucket_bytes(&class->gate.bucket));
		return false;
	}
	leave(&leaf->place);
	link_insert(&class->queue, &leaf->place.link);
	shut(shaper, &class->gate);
	return true;
}

/* first_of returns the place whose turn it is in a ring and lowers *room to what is left of it;
 * NULL: the turn has passed to the next. */
static struct shape_place *
first_of(struct shape_node *node, uint64_t *room)
{
	struct link *link = list_first(&node->ring);
	struct shape_place *place = CONTAINER_OF(link, struct shape_place, link);

	if (list_next(&node->ring, link) == NULL)
		return place;
	if (place->deficit_bytes > 0) {
		*room = MIN(*room, (uint64_t)place->deficit_bytes);
		return place;
	}
	place->deficit_bytes += place->quantum_bytes;
	link_remove(link);
	link_insert(&node->ring, link);
	return NULL;
}

/* descend goes from the root to the leaf whose turn it is. NULL: something was moved on the way. */
static struct shape_leaf *
descend(struct shaper *shaper, uint64_t *room)
{
	struct shape_node *node = &shaper->root;
	struct shape_place *place;
	struct shape_leaf *leaf;

	for (;;) {
		if (is_empty(shaper, &node->gate.bucket)) {
			node_shut(shaper, node);
			return NULL;
		}
		if (node->gate.bucket.rate_bytes_per_s != 0)
			*room = MIN(*room, bucket_bytes(&node->gate.bucket));
		place = first_of(node, room);
		if (place == NULL)
			return NULL;
		if (place->is_leaf)
			break;
		node = CONTAINER_OF(place, struct shape_node, place);
	}
	leaf = CONTAINER_OF(place, struct shape_leaf, place);
	return class_wait(shaper, leaf, room) ? NULL : leaf;
}

struct shape_leaf *
shaper_next(struct shaper *shaper, uint32_t *grant_bytes)
{
	while (shaper->visits > 0 && list_first(&shaper->root.ring) != NULL &&
	       !is_shut(&shaper->root.gate)) {
		uint64_t room = SHAPER_GRANT_MAX;
		struct shape_leaf *leaf = descend(shaper, &room);

		shaper->visits--;
		if (leaf == NULL)
			continue;
		*grant_bytes = (uint32_t)room;
		return leaf;
	}
	return NULL;
}
