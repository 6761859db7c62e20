/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* http_parts.h is what the files of http.h share: http.c has the connections and their time,
 * http_exchange.c a request and its answer. */
#ifndef SPILLWAY_CONTROL_API_HTTP_PARTS_H
#define SPILLWAY_CONTROL_API_HTTP_PARTS_H

#include "control/api/http.h"
#include "control/api/http_guard.h"

#include <microhttpd.h>
#include <sys/un.h>

/* Where a connection stands; what it may take is in http.c. */
enum conn_phase {
	CONN_HEADER, /* nothing of a request has come, or a part of its header */
	CONN_BODY,
	CONN_ANSWER,
};

struct conn {
	struct conn *prev, *next;
	struct MHD_Connection *mhd;
	enum conn_phase phase;
	int64_t until_ms; /* the end of the phase */
	bool trusted;     /* it has shown the token */
	bool waiting;     /* suspended: its stream has nothing yet */
	bool cut;         /* shut down by us; MHD will notice */
	uint8_t key[16];  /* as struct http_buckets */
};

struct http {
	struct http_config config;
	char token[HTTP_TOKEN_LEN_MAX + 1];
	struct MHD_Daemon *mhd;
	int epoll_fd;
	char unix_path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "" for TCP */
	struct conn conns; /* head of a ring, the oldest first */
	unsigned conn_cnt;
	size_t bodies_len; /* of all requests */
	struct http_buckets failures;  /* wrong tokens */
	struct http_buckets strangers; /* requests without any */
	struct http_buckets requests;
};

/* http_phase begins a phase of a connection that may take so long. */
void
http_phase(struct conn *conn, enum conn_phase phase, int64_t ms);

/* http_exchange_handle is libmicrohttpd's handler of requests. */
enum MHD_Result
http_exchange_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                     const char *version, const char *upload, size_t *upload_len, void **cookie);

/* http_exchange_ended is told when an answer is sent, or never will be. */
void
http_exchange_ended(void *cls, struct MHD_Connection *mhd, void **cookie,
                    enum MHD_RequestTerminationCode why);

#endif
