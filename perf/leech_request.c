/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The ring of requests, and what is measured of them. */
#include "perf/leech_request.h"

#include <string.h>

static struct leech_request *
request_at(const struct leech_context *context, const struct leech_conn *conn, uint32_t nth)
{
	uint32_t slot = conn->request_head + nth;

	if (slot >= context->options->outstanding_cnt)
		slot -= context->options->outstanding_cnt;
	return &conn->requests[slot];
}

struct leech_request *
leech_request_head(const struct leech_conn *conn)
{
	return &conn->requests[conn->request_head];
}

struct leech_request *
leech_request_find(const struct leech_context *context, struct leech_conn *conn,
		   const struct leech_block *block)
{
	struct leech_request found;
	uint32_t nth;

	for (nth = 0; nth < conn->request_cnt; nth++)
		if (memcmp(&request_at(context, conn, nth)->block, block, sizeof(*block)) == 0)
			break;
	if (nth == conn->request_cnt)
		return NULL;
	if (nth == 0)
		return leech_request_head(conn);
	found = *request_at(context, conn, nth);
	for (; nth > 0; nth--)
		*request_at(context, conn, nth) = *request_at(context, conn, nth - 1);
	*leech_request_head(conn) = found;
	return leech_request_head(conn);
}

void
leech_request_begins(struct leech_context *context, struct leech_conn *conn)
{
	struct leech_request *request = leech_request_head(conn);

	leech_hist_add(&context->tally->first, leech_now_us() - request->sent_us);
	conn->body_left = request->block.len;
	conn->body_at = NULL;
	if (request->assembly != NULL)
		conn->body_at = request->assembly->bytes + request->block.begin;
	conn->body_is_block = true;
}

void
leech_request_ends(struct leech_context *context, struct leech_conn *conn)
{
	uint64_t now_us = leech_now_us();

	leech_hist_add(&context->tally->last, now_us - leech_request_head(conn)->sent_us);
	context->tally->block_cnt++;
	context->tally->last_payload_us = now_us;
	leech_request_settle(context, conn, true);
}

void
leech_request_settle(struct leech_context *context, struct leech_conn *conn, bool received)
{
	struct leech_request *request = leech_request_head(conn);
	bool is_last = request->assembly != NULL &&
		       request->assembly->unsettled_bytes == request->block.len;

	if (is_last && conn->assembly == request->assembly)
		conn->assembly = NULL;
	if (request->assembly != NULL)
		leech_assembly_settle(context->pool, &conn->assemblies, request->assembly,
				      request->block.len, received);
	conn->request_head++;
	if (conn->request_head == context->options->outstanding_cnt)
		conn->request_head = 0;
	conn->request_cnt--;
}

static void
request_append(struct leech_context *context, struct leech_conn *conn,
	       const struct leech_block *block, uint64_t now_us)
{
	struct leech_request *request = request_at(context, conn, conn->request_cnt);

	if (block->begin == 0)
		conn->assembly = leech_assembly_begin(context->pool, &conn->assemblies,
						      conn->torrent, block->piece);
	request->block = *block;
	request->sent_us = now_us;
	request->assembly = conn->assembly;
	conn->request_cnt++;
	context->language->request(context, conn, block);
}

/* is_held tells whether a slow reader must wait before it asks for more. */
static bool
is_held(struct leech_context *context, struct leech_conn *conn, uint64_t now_us)
{
	if (!conn->slow || !context->holds_requests || conn->rate.free_us <= now_us)
		return false;
	leech_conn_sleep(context, conn, conn->rate.free_us);
	return true;
}

void
leech_requests_fill(struct leech_context *context, struct leech_conn *conn)
{
	uint32_t free_cnt = conn->request_max - conn->request_cnt;
	uint32_t request_bytes = context->language->request_bytes(context);
	struct leech_block block;
	uint64_t now_us;

	if (conn->state != LEECH_CONN_OPEN || conn->request_cnt >= conn->request_max ||
	    free_cnt < conn->request_max / 8)
		return;
	now_us = leech_now_us();
	while (conn->request_cnt < conn->request_max &&
	       conn->out_cap - conn->out_len >= request_bytes && !is_held(context, conn, now_us)) {
		if (!leech_cursor_next(&conn->cursor, conn->torrent, context->options, conn->have,
				       &block))
			return;
		if (conn->slow && context->holds_requests)
			leech_rate_take(&conn->rate, block.len, now_us);
		request_append(context, conn, &block, now_us);
	}
	if (context->tally->first_request_us == 0)
		context->tally->first_request_us = now_us;
}
