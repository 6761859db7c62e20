/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Ranges of one file over HTTP/1.1, as a connection speaks it. */
#include "perf/leech_http.h"

#include "perf/leech_request.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REQUEST_FIXED_BYTES = 128, /* of a request: all but path and host */
	HEAD_BYTES_FIRST = 512,    /* read for the first head ... */
	HEAD_BYTES_MORE = 64,      /* ... and when one is longer than the last was */
};

static uint32_t
http_request_bytes(const struct leech_context *context)
{
	return (uint32_t)(strlen(context->options->http_path) +
			  strlen(context->options->http_host) + REQUEST_FIXED_BYTES);
}

static uint64_t
block_offset(const struct leech_conn *conn, const struct leech_block *block)
{
	return (uint64_t)block->piece * conn->torrent->piece_len + block->begin;
}

static void
http_request(struct leech_context *context, struct leech_conn *conn,
	     const struct leech_block *block)
{
	uint64_t from = block_offset(conn, block);
	uint32_t room = conn->out_cap - conn->out_len;
	int len = snprintf((char *)conn->out + conn->out_len, room,
			   "GET %s HTTP/1.1\r\nHost: %s\r\nRange: bytes=%" PRIu64 "-%" PRIu64
			   "\r\n\r\n",
			   context->options->http_path, context->options->http_host, from,
			   from + block->len - 1);

	assert(len > 0 && (uint32_t)len < room);
	conn->out_len += (uint32_t)len;
}

static void
http_greet(struct leech_context *context, struct leech_conn *conn)
{
	free(conn->have); /* it has all */
	conn->have = NULL;
	conn->state = LEECH_CONN_OPEN;
	conn->in_want = HEAD_BYTES_FIRST;
	leech_requests_fill(context, conn);
}

/* ---- what comes */

/* head_take begins the body that a head announces, when it is the one that was asked for first. */
static int
head_take(struct leech_context *context, struct leech_conn *conn,
	  const struct leech_http_head *head)
{
	const struct leech_block *block = &leech_request_head(conn)->block;
	uint64_t from;

	if (context->tally->client[0] == '\0' && head->server != NULL)
		leech_tally_client(context->tally, (const uint8_t *)head->server,
				   head->server_len);
	if (conn->request_cnt == 0)
		return leech_conn_broken(context, "a response came that was not asked for");
	from = block_offset(conn, block);
	if (head->status == 200)
		return leech_conn_broken(context, "the server does not serve ranges");
	if (head->status != 206)
		return leech_conn_broken(context, "the server refuses");
	if (!head->has_len || !head->has_range || head->len != block->len ||
	    head->from != from || head->to != from + block->len - 1)
		return leech_conn_broken(context, "a range came that was not asked for");
	conn->again |= head->close;
	leech_request_begins(context, conn);
	return 0;
}

/* surplus_take gives the body what came behind the head. Returns how much that was. */
static uint32_t
surplus_take(struct leech_context *context, struct leech_conn *conn, const uint8_t *at,
	     uint32_t len)
{
	if (len > conn->body_left)
		len = conn->body_left;
	if (len == 0)
		return 0;
	if (conn->body_at != NULL)
		memcpy(conn->body_at, at, len);
	leech_conn_body(context, conn, len);
	return len;
}

/* want_head asks for as much as the last head had: what comes beyond is copied to be dropped. */
static void
want_head(struct leech_conn *conn)
{
	uint32_t want = conn->in_len + HEAD_BYTES_MORE;

	if (want < conn->head_len)
		want = conn->head_len;
	conn->in_want = want < LEECH_HTTP_HEAD_BYTES_MAX ? want : LEECH_HTTP_HEAD_BYTES_MAX;
}

static int
http_parse(struct leech_context *context, struct leech_conn *conn)
{
	struct leech_http_head head;
	uint32_t used = 0;
	int got = 1;

	while (used < conn->in_len && conn->body_left == 0) {
		got = leech_http_head_parse((char *)conn->in + used, conn->in_len - used, &head);
		if (got < 0)
			return leech_conn_broken(context, "a response is not HTTP/1.1");
		if (got == 0)
			break;
		if (head_take(context, conn, &head) != 0)
			return -1;
		used += head.head_len;
		conn->head_len = head.head_len;
		used += surplus_take(context, conn, conn->in + used, conn->in_len - used);
	}
	if (got == 0 && conn->in_len - used == LEECH_HTTP_HEAD_BYTES_MAX)
		return leech_conn_broken(context, "a response's head is too long");
	conn->in_len -= used;
	memmove(conn->in, conn->in + used, conn->in_len);
	want_head(conn);
	return 0;
}

static void
http_body_done(struct leech_context *context, struct leech_conn *conn)
{
	leech_request_ends(context, conn);
	if (!conn->again) /* else the server takes no more */
		leech_requests_fill(context, conn);
}

int
leech_http_check(const struct leech_torrent *torrent)
{
	if (torrent->single_file)
		return 0;
	fprintf(stderr, "spillway-leech: %s: a folder; HTTP serves one file\n", torrent->name);
	return -1;
}

const struct leech_language leech_http_language = {
	.greet = http_greet,
	.parse = http_parse,
	.body_done = http_body_done,
	.request = http_request,
	.request_bytes = http_request_bytes,
};
