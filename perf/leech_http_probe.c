/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One blocking question to an HTTP server: how long is the file? */
#include "perf/leech_http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PIECE_BYTES_MIN = 1 << 18, ANSWER_S = 10, QUESTION_BYTES_MAX = 2048 };

static int
server_connect(const struct leech_options *options)
{
	struct timeval limit = {.tv_sec = ANSWER_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&options->peer, sizeof(options->peer)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
question_send(int fd, const struct leech_options *options)
{
	char text[QUESTION_BYTES_MAX];
	int len = snprintf(text, sizeof(text),
			   "GET %s HTTP/1.1\r\nHost: %s\r\nRange: bytes=0-0\r\n"
			   "Connection: close\r\n\r\n",
			   options->http_path, options->http_host);

	return len < (int)sizeof(text) && send(fd, text, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -1;
}

/* answer_take reads until the head is complete. Returns the file's length, 0: not told. */
static uint64_t
answer_take(int fd)
{
	char text[LEECH_HTTP_HEAD_BYTES_MAX];
	struct leech_http_head head;
	size_t held = 0;
	ssize_t n;
	int got = 0;

	while (got == 0 && held < sizeof(text)) {
		n = recv(fd, text + held, sizeof(text) - held, 0);
		if (n <= 0)
			return 0;
		held += (size_t)n;
		got = leech_http_head_parse(text, held, &head);
	}
	return got > 0 && head.status == 206 ? head.total : 0;
}

int
leech_http_probe(const struct leech_options *options, struct leech_torrent *torrent)
{
	int fd = server_connect(options);
	uint32_t piece_bytes = PIECE_BYTES_MIN;
	uint64_t total = 0;

	if (options->block_bytes > piece_bytes)
		piece_bytes = options->block_bytes;
	if (fd < 0) {
		fprintf(stderr, "spillway-leech: http://%s: %s\n", options->http_host,
			strerror(errno));
		return -1;
	}
	if (question_send(fd, options) == 0)
		total = answer_take(fd);
	close(fd);
	if (total == 0 || (total + piece_bytes - 1) / piece_bytes > UINT32_MAX) {
		fprintf(stderr, "spillway-leech: http://%s%s: no range of it is served\n",
			options->http_host, options->http_path);
		return -1;
	}
	*torrent = (struct leech_torrent){
		.total_len = total, .piece_len = piece_bytes,
		.piece_cnt = (uint32_t)((total + piece_bytes - 1) / piece_bytes),
	};
	return 0;
}
