/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_http.h: HTTP/1.1 as a language of connections: the blocks of one file as ranges, pipelined
 * over connections that stay open (RFC 9110 14, RFC 9112 9.3). It is what the kernel serves best,
 * by sendfile, under the same load and accounting as the peer wire.
 *
 * Every length that the server sends is checked before use. Single thread.
 */
#ifndef SPILLWAY_PERF_LEECH_HTTP_H
#define SPILLWAY_PERF_LEECH_HTTP_H

#include "perf/leech_conn.h"

#include <stddef.h>

enum leech_http_limit {
	LEECH_HTTP_HEAD_BYTES_MAX = 2048, /* of a response, up to its body */
};

/* struct leech_http_head is what matters of a response's head. */
struct leech_http_head {
	uint32_t head_len;     /* bytes, with the empty line */
	uint32_t status;
	bool close;            /* "Connection: close" */
	bool has_len;
	uint64_t len;          /* of the body */
	bool has_range;
	uint64_t from;         /* first byte of the range */
	uint64_t to;           /* last byte of the range, >= from */
	uint64_t total;        /* bytes of the file; 0: not told */
	const char *server;    /* into the text; NULL: not told */
	uint32_t server_len;
};

extern const struct leech_language leech_http_language;

/* leech_http_head_parse takes a response's head apart.
 *
 * text  [0, len): what has come of it, and perhaps of what follows.
 * Returns 1; 0: it is not complete; -1: it is no HTTP/1.1 response. */
int
leech_http_head_parse(const char *text, size_t len, struct leech_http_head *head);

/* leech_http_check makes sure that a torrent is one file, as HTTP serves it. Returns 0, or -1 after
 * one clear line on stderr. */
int
leech_http_check(const struct leech_torrent *torrent);

/* leech_http_probe asks the server for the file's length and makes a torrent without hashes of it.
 *
 * options  http_path and peer are set.
 * Returns 0, or -1 after one clear line on stderr. */
int
leech_http_probe(const struct leech_options *options, struct leech_torrent *torrent);

#endif
