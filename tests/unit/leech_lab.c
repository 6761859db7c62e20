/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One connection and all that it needs. */
#include "tests/unit/leech_lab.h"

#include <assert.h>
#include <stdlib.h>

struct leech_lab *
leech_lab_new(const struct leech_torrent *torrent, const struct leech_language *language)
{
	struct leech_lab *lab = calloc(1, sizeof(*lab));
	int err;

	lab->options = (struct leech_options){.connection_cnt = 1, .outstanding_cnt = 8,
					      .block_bytes = 16384, .seed = 1,
					      .http_host = "host", .http_path = "/path"};
	leech_assembly_pool_init(&lab->pool, &lab->options);
	err = leech_due_init(&lab->due, 1);
	lab->context = (struct leech_context){
		.options = &lab->options, .torrents = torrent, .torrent_cnt = 1,
		.language = language, .pool = &lab->pool, .tally = &lab->tally, .due = &lab->due,
		.conns = &lab->conn, .conn_cnt = 1, .epoll_fd = -1,
	};
	if (err == 0)
		err = leech_conn_begin(&lab->context, &lab->conn);
	assert(err == 0);
	return lab;
}

void
leech_lab_free(struct leech_lab *lab)
{
	leech_conn_end(&lab->context, &lab->conn);
	leech_assembly_pool_fini(&lab->pool);
	leech_due_fini(&lab->due);
	free(lab);
}

int
leech_lab_feed(struct leech_lab *lab, const void *bytes, uint32_t len, uint32_t step)
{
	const uint8_t *at = bytes;
	uint32_t n;

	for (; len > 0; at += n, len -= n) {
		n = len < step ? len : step;
		if (leech_conn_push(&lab->context, &lab->conn, at, n) != 0)
			return -1;
	}
	return 0;
}
