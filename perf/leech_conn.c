/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A connection's lives, its memory, and where the bytes that arrive go. */
#include "perf/leech_conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SLOW_PARTS = 1000,
	UNANSWERED_US = 1000000, /* by then a SYN has been sent again */
	EARLY_US = 100000,       /* until one comes back that the seeder ended unanswered, ... */
	EARLY_LIVES_MAX = 20,    /* ... if that was not its last life */
};

uint64_t
leech_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* ---- a life */

static uint32_t
request_max_of(const struct leech_context *context, const struct leech_conn *conn)
{
	uint64_t block_cnt = conn->torrent->total_len / context->options->block_bytes;

	/* More would ask for a block while the same block is still on its way. */
	if (block_cnt == 0)
		return 1;
	return block_cnt < context->options->outstanding_cnt ? (uint32_t)block_cnt
							      : context->options->outstanding_cnt;
}

static int
memory_take(struct leech_context *context, struct leech_conn *conn)
{
	uint32_t have_bytes = (conn->torrent->piece_cnt + 7) / 8;
	uint32_t outstanding_cnt = context->options->outstanding_cnt;

	conn->in_cap = have_bytes + 5 > LEECH_IN_BYTES_MIN ? have_bytes + 5 : LEECH_IN_BYTES_MIN;
	conn->out_cap = LEECH_GREETING_BYTES_MAX +
			context->language->request_bytes(context) * outstanding_cnt;
	conn->in = malloc(conn->in_cap);
	conn->out = malloc(conn->out_cap);
	conn->have = calloc(1, have_bytes);
	conn->requests = calloc(outstanding_cnt, sizeof(*conn->requests));
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

/* jittered gives a value in [1/2, 3/2) of mean, another one for each life of each connection. */
static uint64_t
jittered(const struct leech_context *context, const struct leech_conn *conn, uint64_t mean)
{
	uint64_t random = leech_mix64(leech_mix64(context->options->seed + conn->index) +
				      conn->life_cnt);

	return mean / 2 + (uint64_t)((double)mean * (double)(random >> 11) * 0x1p-53);
}

/* is_slow spreads the slow readers evenly over the connections. */
static bool
is_slow(const struct leech_options *options, uint32_t index)
{
	uint64_t share = options->slow_permille;

	return (index + 1) * share / SLOW_PARTS > index * share / SLOW_PARTS;
}

static void
habits_set(const struct leech_context *context, struct leech_conn *conn)
{
	const struct leech_options *options = context->options;

	conn->wake_us = LEECH_NEVER;
	conn->leave_us = LEECH_NEVER;
	if (options->leave_us != 0)
		conn->leave_us = conn->opened_us + jittered(context, conn, options->leave_us);
	if (options->leave_bytes != 0)
		conn->leave_bytes = jittered(context, conn, options->leave_bytes) + 1;
	conn->slow = is_slow(options, conn->index);
	conn->rate.bytes_per_s = options->slow_bytes_per_s;
}

/* torrent_set gives each life the next torrent of the list, and its place among those that have
 * the same one. */
static void
torrent_set(const struct leech_context *context, struct leech_conn *conn)
{
	uint32_t connection_cnt = context->options->connection_cnt;
	uint32_t torrent_cnt = context->torrent_cnt;
	uint64_t turn = conn->index + (uint64_t)(conn->life_cnt - 1) * connection_cnt;
	struct leech_place place = {
		.index = conn->index,
		.nth = conn->index / torrent_cnt,
		.cnt = (connection_cnt + torrent_cnt - 1) / torrent_cnt,
	};

	conn->torrent = &context->torrents[turn % torrent_cnt];
	leech_cursor_init(&conn->cursor, conn->torrent, context->options, &place);
}

int
leech_conn_begin(struct leech_context *context, struct leech_conn *conn)
{
	size_t life = offsetof(struct leech_conn, fd);

	assert(conn->state == LEECH_CONN_IDLE);
	memset((uint8_t *)conn + life, 0, sizeof(*conn) - life);
	conn->fd = -1;
	conn->life_cnt++;
	conn->opened_us = leech_now_us();
	torrent_set(context, conn);
	if (memory_take(context, conn) != 0) {
		memory_free(conn);
		return -ENOMEM;
	}
	conn->state = LEECH_CONN_CONNECTING;
	conn->request_max = request_max_of(context, conn);
	habits_set(context, conn);
	leech_due_set(context->due, leech_conn_seat(context, conn), leech_conn_due_us(conn));
	context->live_cnt++;
	return 0;
}

void
leech_conn_connected(struct leech_context *context, struct leech_conn *conn)
{
	leech_hist_add(&context->tally->connect, leech_now_us() - conn->opened_us);
	context->tally->opened_cnt++;
	conn->state = LEECH_CONN_HANDSHAKE;
	context->language->greet(context, conn);
}

void
leech_conn_sleep(struct leech_context *context, struct leech_conn *conn, uint64_t until_us)
{
	conn->wake_us = until_us;
	leech_due_set(context->due, leech_conn_seat(context, conn), leech_conn_due_us(conn));
}

void
leech_conn_refused(struct leech_context *context, struct leech_conn *conn, int err)
{
	context->tally->connect_errno = err;
	conn->refused = true;
}

void
leech_conn_lost(struct leech_context *context, struct leech_conn *conn)
{
	conn->early = conn->state == LEECH_CONN_HANDSHAKE && conn->life_cnt < EARLY_LIVES_MAX;
	if (conn->again || conn->early)
		context->tally->renewed_cnt++;
	else
		context->tally->closed_cnt++;
}

int
leech_conn_broken(struct leech_context *context, const char *phrase)
{
	context->tally->protocol_error_cnt++;
	context->tally->protocol_error = phrase;
	return -1;
}

/* return_at_us tells when a connection that ended comes back. */
static uint64_t
return_at_us(const struct leech_conn *conn)
{
	if (conn->early)
		return leech_now_us() + EARLY_US;
	return conn->again ? 0 : LEECH_NEVER;
}

void
leech_conn_end(struct leech_context *context, struct leech_conn *conn)
{
	if (conn->state == LEECH_CONN_IDLE)
		return;
	if (conn->state == LEECH_CONN_CONNECTING &&
	    (conn->refused || leech_now_us() - conn->opened_us >= UNANSWERED_US))
		context->tally->connect_failed_cnt++;
	leech_assembly_drop_all(context->pool, &conn->assemblies);
	memory_free(conn);
	conn->state = LEECH_CONN_IDLE;
	leech_due_set(context->due, leech_conn_seat(context, conn), return_at_us(conn));
	context->live_cnt--;
}

/* ---- bytes */

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

/* leave_check lets a connection that has had enough leave: it is due at once. */
static void
leave_check(struct leech_context *context, struct leech_conn *conn)
{
	if (conn->leave_bytes == 0 || conn->life_bytes < conn->leave_bytes)
		return;
	conn->leave_bytes = 0;
	conn->leave_us = 0;
	leech_due_set(context->due, leech_conn_seat(context, conn), 0);
}

void
leech_conn_body(struct leech_context *context, struct leech_conn *conn, uint32_t len)
{
	assert(len <= conn->body_left);
	conn->body_left -= len;
	if (conn->body_at != NULL)
		conn->body_at += len;
	if (conn->body_is_block) {
		conn->payload_bytes += len;
		conn->life_bytes += len;
		context->tally->payload_bytes += len;
	}
	if (conn->body_left != 0)
		return;
	context->language->body_done(context, conn);
	leave_check(context, conn);
}

int
leech_conn_advance(struct leech_context *context, struct leech_conn *conn, uint32_t len)
{
	if (conn->body_left != 0) {
		leech_conn_body(context, conn, len);
		return 0;
	}
	conn->in_len += len;
	return context->language->parse(context, conn);
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
