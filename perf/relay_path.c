/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The decisions of a path; carrying them out is relay_line.c's. */
#include "perf/relay_path.h"

#include <string.h>

enum { NS_PER_US = 1000, ETHERNET_HEADER_BYTES = 14 };
#define NS_PER_S 1000000000ull

/* What a draw is for: draws for different purposes do not depend on each other. */
enum purpose { DRAW_LOSS = 1, DRAW_STATE, DRAW_BURST, DRAW_JITTER, DRAW_REORDER, DRAW_DUPLICATE };

/* The finaliser of splitmix64: every bit of the input moves half of the output's. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* Uniform in [0, limit). */
static uint64_t
draw(const struct relay_path *path, enum purpose purpose, uint64_t limit)
{
	uint64_t random = mix(mix(path->seed + (uint64_t)purpose) + path->index);

	return (uint64_t)((unsigned __int128)random * limit >> 64);
}

static bool
chance(const struct relay_path *path, enum purpose purpose, uint64_t ppm)
{
	return ppm != 0 && draw(path, purpose, RELAY_PPM) < ppm;
}

static uint64_t
bytes_ns(const struct relay_path *path, uint64_t bytes)
{
	return path->options.rate_bps == 0 ? 0 : bytes * 8 * NS_PER_S / path->options.rate_bps;
}

static uint64_t
queued_bytes(const struct relay_path *path, uint64_t now_ns)
{
	if (path->wire_free_ns <= now_ns)
		return 0;
	return (uint64_t)((unsigned __int128)(path->wire_free_ns - now_ns) *
			  path->options.rate_bps / (8 * NS_PER_S));
}

/* The state changes with each packet that arrives, whatever becomes of it. */
static bool
burst_loses(struct relay_path *path)
{
	const struct relay_path_options *o = &path->options;

	if (o->burst_enter_ppm == 0)
		return false;
	if (chance(path, DRAW_STATE, path->bad ? o->burst_leave_ppm : o->burst_enter_ppm))
		path->bad = !path->bad;
	return path->bad && (o->burst_loss_ppm == 0 || chance(path, DRAW_BURST, o->burst_loss_ppm));
}

/* Takes the packet's time on the wire; false when the queue is full. */
static bool
wire_take(struct relay_path *path, uint64_t now_ns, uint32_t frame_bytes, struct relay_fate *fate)
{
	const struct relay_path_options *o = &path->options;
	uint64_t waiting = queued_bytes(path, now_ns);
	uint64_t start_ns = path->wire_free_ns > now_ns ? path->wire_free_ns : now_ns;

	if (o->queue_bytes != 0 && waiting + frame_bytes > o->queue_bytes)
		return false;
	fate->mark = o->ecn_bytes != 0 && waiting > o->ecn_bytes;
	if (waiting + frame_bytes > path->queue_peak_bytes)
		path->queue_peak_bytes = waiting + frame_bytes;
	path->wire_free_ns = start_ns + bytes_ns(path, frame_bytes);
	fate->due_ns = path->wire_free_ns + o->delay_us * NS_PER_US;
	return true;
}

static void
due_disturb(struct relay_path *path, struct relay_fate *fate)
{
	const struct relay_path_options *o = &path->options;

	if (o->jitter_us != 0)
		fate->due_ns += draw(path, DRAW_JITTER, o->jitter_us * NS_PER_US + 1);
	if (o->jitter_reorders == 0 && fate->due_ns < path->last_due_ns)
		fate->due_ns = path->last_due_ns;
	path->last_due_ns = fate->due_ns;
	fate->hold = o->reorder_packets != 0 && chance(path, DRAW_REORDER, o->reorder_ppm);
	fate->duplicate = chance(path, DRAW_DUPLICATE, o->duplicate_ppm);
}

void
relay_path_init(struct relay_path *path, const struct relay_path_options *options, uint64_t seed)
{
	memset(path, 0, sizeof(*path));
	path->options = *options;
	path->seed = mix(seed);
}

struct relay_fate
relay_path_decide(struct relay_path *path, uint64_t arrival_ns, uint32_t frame_bytes)
{
	const struct relay_path_options *o = &path->options;
	struct relay_fate fate = {.verdict = RELAY_PASS};
	bool burst = burst_loses(path);

	if (o->mtu_bytes != 0 && frame_bytes > o->mtu_bytes + ETHERNET_HEADER_BYTES)
		fate.verdict = RELAY_LOST_MTU;
	else if (!wire_take(path, arrival_ns, frame_bytes, &fate))
		fate.verdict = RELAY_LOST_QUEUE;
	else if (burst)
		fate.verdict = RELAY_LOST_BURST;
	else if (chance(path, DRAW_LOSS, o->loss_ppm))
		fate.verdict = RELAY_LOST_RANDOM;
	else
		due_disturb(path, &fate);
	path->index++;
	return fate;
}

uint64_t
relay_path_delay_min_ns(const struct relay_path *path)
{
	return path->options.delay_us * NS_PER_US;
}
