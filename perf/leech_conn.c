/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A connection's memory, and where the bytes that arrive go. */
#include "perf/leech_conn.h"

#include "perf/leech_wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t
leech_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static uint32_t
request_max_of(const struct leech_context *context)
{
	uint64_t block_cnt = context->torrent->total_len / context->options->block_bytes;

	/* More would ask for a block while the same block is still on its way. */
	if (block_cnt == 0)
		return 1;
	return block_cnt < context->options->outstanding_cnt ? (uint32_t)block_cnt
							      : context->options->outstanding_cnt;
}

static int
memory_take(struct leech_context *context, struct leech_conn *conn)
{
	uint32_t have_bytes = (context->torrent->piece_cnt + 7) / 8;

	conn->in_cap = have_bytes + 5 > LEECH_IN_BYTES_MIN ? have_bytes + 5 : LEECH_IN_BYTES_MIN;
	conn->out_cap = LEECH_GREETING_BYTES_MAX +
			LEECH_REQUEST_BYTES * context->options->outstanding_cnt;
	conn->in = malloc(conn->in_cap);
	conn->out = malloc(conn->out_cap);
	conn->have = calloc(1, have_bytes);
	conn->requests = calloc(context->options->outstanding_cnt, sizeof(*conn->requests));
	if (conn->in == NULL || conn->out == NULL || conn->have == NULL || conn->requests == NULL)
		return -ENOMEM;
	return 0;
}

static void
memory_free(struct leech_conn *conn)
{
	free(conn->in);
	free(conn->out);
	free(conn->have);
	free(conn->requests);
	conn->in = conn->out = conn->have = NULL;
	conn->requests = NULL;
}

int
leech_conn_begin(struct leech_context *context, struct leech_conn *conn, uint32_t index)
{
	conn->fd = -1;
	conn->index = index;
	if (memory_take(context, conn) != 0) {
		memory_free(conn);
		return -ENOMEM;
	}
	conn->state = LEECH_CONN_CONNECTING;
	conn->request_max = request_max_of(context);
	leech_cursor_init(&conn->cursor, context->torrent, context->options, index);
	return 0;
}

void
leech_conn_connected(struct leech_context *context, struct leech_conn *conn)
{
	conn->state = LEECH_CONN_HANDSHAKE;
	leech_wire_greet(context, conn);
}

uint32_t
leech_conn_space(struct leech_conn *conn, uint8_t **at)
{
	if (conn->body_left != 0) {
		*at = conn->body_at;
		return conn->body_left;
	}
	assert(conn->in_want > conn->in_len && conn->in_want <= conn->in_cap);
	*at = conn->in + conn->in_len;
	return conn->in_want - conn->in_len;
}

static void
body_advance(struct leech_context *context, struct leech_conn *conn, uint32_t len)
{
	conn->body_left -= len;
	if (conn->body_at != NULL)
		conn->body_at += len;
	if (conn->body_is_block) {
		conn->payload_bytes += len;
		context->tally->payload_bytes += len;
	}
	if (conn->body_left == 0)
		leech_wire_body_done(context, conn);
}

int
leech_conn_advance(struct leech_context *context, struct leech_conn *conn, uint32_t len)
{
	if (conn->body_left != 0) {
		body_advance(context, conn, len);
		return 0;
	}
	conn->in_len += len;
	return conn->in_len == conn->in_want ||
	       (conn->state != LEECH_CONN_HANDSHAKE && conn->in_len >= 4)
		       ? leech_wire_parse(context, conn) : 0;
}

int
leech_conn_push(struct leech_context *context, struct leech_conn *conn, const uint8_t *data,
		uint32_t len)
{
	uint32_t n;
	uint8_t *at;

	for (; len > 0; data += n, len -= n) {
		n = leech_conn_space(conn, &at);
		if (n > len)
			n = len;
		if (at != NULL)
			memcpy(at, data, n);
		if (leech_conn_advance(context, conn, n) != 0)
			return -1;
	}
	return 0;
}

void
leech_conn_sent(struct leech_conn *conn, uint32_t len)
{
	assert(len <= conn->out_len);
	conn->out_len -= len;
	if (conn->out_len != 0)
		memmove(conn->out, conn->out + len, conn->out_len);
}

void
leech_conn_end(struct leech_context *context, struct leech_conn *conn)
{
	if (conn->state == LEECH_CONN_IDLE)
		return;
	if (conn->state == LEECH_CONN_CONNECTING)
		context->tally->connect_failed_cnt++;
	leech_assembly_drop_all(context->pool, &conn->assemblies);
	memory_free(conn);
	conn->state = LEECH_CONN_IDLE;
}
