/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The comings and goings of connections. */
#include "perf/leech_lane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { AGAIN_US = 200 }; /* the carrier takes no more connections: so much later */

int
leech_lane_init(struct leech_lane *lane, const struct leech_carrier *carrier, uint64_t start_us)
{
	struct leech_context *context = &lane->context;
	const struct leech_options *options = context->options;
	uint32_t i;

	lane->carrier = carrier;
	leech_assembly_pool_init(&lane->pool, options);
	context->pool = &lane->pool;
	context->tally = &lane->tally;
	context->due = &lane->due;
	context->epoll_fd = -1;
	if (leech_due_init(&lane->due, context->conn_cnt) != 0)
		return -ENOMEM;
	for (i = 0; i < context->conn_cnt; i++) {
		uint64_t after_us = 0;

		context->conns[i].index = context->first + i;
		if (options->ramp_per_s != 0)
			after_us = (context->first + i) * 1000000ull / options->ramp_per_s;
		leech_due_set(&lane->due, i, start_us + after_us);
	}
	return 0;
}

void
leech_lane_fini(struct leech_lane *lane)
{
	leech_due_fini(&lane->due);
	leech_assembly_pool_fini(&lane->pool);
}

static int
seat_open(struct leech_lane *lane, uint32_t seat, uint64_t now_us)
{
	struct leech_conn *conn = &lane->context.conns[seat];
	int err = lane->carrier->open(&lane->context, conn);

	if (err == -EAGAIN)
		leech_due_set(&lane->due, seat, now_us + AGAIN_US);
	if (err != -EMFILE && err != -ENFILE && err != -ENOMEM)
		return err;
	fprintf(stderr, "spillway-leech: connection %u: %s\n", conn->index, strerror(-err));
	return err;
}

static void
seat_leave(struct leech_lane *lane, uint32_t seat, uint64_t now_us)
{
	lane->carrier->close(&lane->context, &lane->context.conns[seat]);
	lane->tally.left_cnt++;
	leech_due_set(&lane->due, seat, now_us + lane->context.options->return_us);
}

static int
seat_due(struct leech_lane *lane, uint32_t seat, uint64_t now_us)
{
	struct leech_conn *conn = &lane->context.conns[seat];

	if (!leech_conn_is_live(conn))
		return seat_open(lane, seat, now_us);
	if (conn->leave_us <= now_us) {
		seat_leave(lane, seat, now_us);
		return 0;
	}
	conn->wake_us = LEECH_NEVER;
	leech_due_set(&lane->due, seat, leech_conn_due_us(conn));
	lane->carrier->wake(&lane->context, conn);
	return 0;
}

int
leech_lane_due(struct leech_lane *lane, uint64_t now_us)
{
	int err;

	while (leech_due_next_us(&lane->due) <= now_us) {
		err = seat_due(lane, leech_due_pop(&lane->due), now_us);
		if (err == -EAGAIN)
			return 0;
		if (err == -EMFILE || err == -ENFILE || err == -ENOMEM)
			return -1;
	}
	return 0;
}

void
leech_lane_restart(struct leech_lane *lane, uint64_t now_us)
{
	uint32_t i;

	leech_tally_restart(&lane->tally, now_us);
	for (i = 0; i < lane->context.conn_cnt; i++)
		lane->context.conns[i].payload_bytes = 0;
}

bool
leech_lane_is_over(const struct leech_lane *lane)
{
	return lane->context.live_cnt == 0 && leech_due_next_us(&lane->due) == LEECH_NEVER;
}
