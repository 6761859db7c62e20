/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* http.h is the HTTP/1.1 server of the control API: libmicrohttpd (RFC 9110, 9112) on a loopback
 * address or a unix socket, driven by the daemon's loop, with a table of routes.
 *
 *      client ──► Host ─► Origin ─► route ─► token ─► rate ─► body ─► handler ─► answer
 *                 421     403       404 405  401 429  429     411 413  anything
 *
 * Everyone is a stranger: the token is asked for on a unix socket, too, whose mode (0660) only says
 * who may try. What a browser may be talked into is refused: other Hosts than ours (DNS
 * rebinding), and what another page sends (there is no CORS).
 *
 * Bounds, all in enum http_limit: connections, of which the one that has shown no token for longest
 * makes place for a new one; bytes of header and body; bytes of all bodies together; time for a
 * header, a body and an answer. A slow client costs its own connection only.
 *
 * Threads: one. Never blocks. Lifecycle: http_create; http_run when http_fd is readable or
 * http_timeout_ms have passed, and after the rest of the loop's turn has changed something that a
 * stream waits for; http_destroy.
 */
#ifndef SPILLWAY_CONTROL_API_HTTP_H
#define SPILLWAY_CONTROL_API_HTTP_H

#include "control/base/fail.h"

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum http_limit {
	HTTP_CONNECTIONS_MAX = 64,
	HTTP_MEMORY_MAX = 64 << 10,       /* bytes of a connection: a header, a part of an answer */
	HTTP_BODY_MAX = 1 << 20,          /* bytes of a body where a route does not say otherwise */
	HTTP_BODIES_MAX = 96 << 20,       /* bytes of all bodies together */
	HTTP_SWALLOW_MAX = 64 << 10,      /* bytes of a refused body that are read all the same */
	HTTP_HEADER_MS = 10000,           /* from the connection, or the answer before, to a header */
	HTTP_BODY_MS = 20000,             /* to the whole body, and HTTP_BODY_BYTES_PER_S */
	HTTP_BODY_BYTES_PER_S = 64 << 10,
	HTTP_IDLE_S = 30,                 /* without a byte moving */
	HTTP_ANSWER_MS = 600000,          /* from the body to the last byte of the answer */
	HTTP_RETRY_MS = 20,               /* a stream that had nothing is asked again */
	HTTP_FAILURES_PER_S = 1,          /* wrong tokens of an address answered 401, not 429 */
	HTTP_FAILURES_BURST = 20,
	HTTP_REQUESTS_PER_S = 1000,       /* of an address, with the token; as many without any */
	HTTP_REQUESTS_BURST = 2000,
	HTTP_HEADERS_MAX = 4,             /* of a handler's own */
};

enum http_method {
	HTTP_GET = 1u << 0, /* and HEAD */
	HTTP_POST = 1u << 1,
	HTTP_PUT = 1u << 2,
	HTTP_DELETE = 1u << 3,
};

enum http_access {
	HTTP_TOKEN,       /* Bearer or Basic; the 401 asks for Bearer: no dialog in browsers */
	HTTP_TOKEN_BASIC, /* the same, but the 401 asks for Basic, which tools wait for */
	HTTP_OPEN,        /* anyone may read it: nothing of the daemon's may be in it */
};

struct http_request {
	void *env;          /* of http_config */
	const char *method; /* as sent: "GET", "HEAD", ... */
	const char *path;   /* without query, unescaped */
	const char *body;   /* NUL-terminated behind body_len; never NULL; lasts as the call */
	size_t body_len;
	void *connection;   /* of libmicrohttpd; for http_request_header and http_request_query */
};

/* A body that is made piece by piece.
 *
 * next  writes up to max bytes to out. Returns how many, 0 when there is nothing yet (it is asked
 *       again after HTTP_RETRY_MS, or when something has happened), -1 at the end, -2 when it
 *       cannot go on: the connection is closed in the midst.
 * end   frees ctx, in any case and once. */
struct http_stream {
	ssize_t (*next)(void *ctx, char *out, size_t max);
	void (*end)(void *ctx);
	void *ctx;
};

struct http_response {
	unsigned status;         /* 200 when a handler does not set it */
	const char *type;        /* Content-Type, not copied; "application/json" when not set */
	char *body;              /* allocated with malloc and taken over; NULL for none */
	const char *fixed;       /* instead of body: not copied, lasts as the program */
	size_t body_len;         /* of body or fixed */
	struct http_stream stream; /* instead of both, when next is not NULL */
	struct {
		const char *name;
		const char *value; /* copied */
	} header[HTTP_HEADERS_MAX];
};

struct http_route {
	unsigned methods; /* enum http_method, or-ed */
	const char *path; /* the whole path */
	enum http_access access;
	size_t body_max; /* bytes; 0: HTTP_BODY_MAX */
	void (*handle)(const struct http_request *request, struct http_response *response);
};

struct http_config {
	const char *listen; /* as http_listen_check; not "off" */
	const char *token;  /* copied */
	const char *hosts;  /* as http_host_allowed; borrowed */
	const char *origins; /* as http_origin_allowed; borrowed */
	const struct http_route *routes; /* borrowed */
	size_t route_cnt;
	void *env;
};

struct http;

/* http_listen_check judges where to listen: "off", 127.x.y.z:PORT, [::1]:PORT or unix:PATH, an
 * absolute one. Returns 0 or -EINVAL with fail. */
int
http_listen_check(const char *listen, struct fail *fail);

/* http_create listens. A unix socket gets mode 0660; a stale one at the path is replaced.
 * Returns 0 or a negative errno with fail. */
int
http_create(struct http **http, const struct http_config *config, struct fail *fail);

/* http_destroy closes everything, in the midst of answers; NULL is allowed. */
void
http_destroy(struct http *http);

/* http_fd returns the descriptor to poll for POLLIN. */
int
http_fd(const struct http *http);

/* http_timeout_ms returns when http_run is due at the latest, -1 for never. */
int
http_timeout_ms(const struct http *http);

/* http_run moves bytes and calls handlers. */
void
http_run(struct http *http);

/* http_request_header returns the value of a header, NULL when there is none. */
const char *
http_request_header(const struct http_request *request, const char *name);

/* http_request_query returns the value of ?name=value, unescaped, NULL when there is none. */
const char *
http_request_query(const struct http_request *request, const char *name);

/* http_respond_json makes a response of json, which it takes over; NULL is 500. */
void
http_respond_json(struct http_response *response, unsigned status, json_t *json);

/* http_respond_error makes a response {"error": text}. */
void
http_respond_error(struct http_response *response, unsigned status, const char *text);

#endif
