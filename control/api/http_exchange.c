/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A request, from its header to its answer. It is judged when its header is there; when it is
 * refused and its body is short, that is read and dropped, so that the connection lives on. */
#include "control/api/http.h"

#include "control/base/clock.h"
#include "control/api/http_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is wrong with a request; status 0: nothing. */
struct refusal {
	unsigned status;
	const char *text;
};

struct exchange {
	struct http *http;
	struct conn *conn;
	const struct http_route *route;
	struct refusal refusal;
	unsigned allowed; /* methods of the path, for 405 and OPTIONS */
	enum http_access access;
	char *body;
	size_t body_len, body_cap, body_max;
	int64_t announced_len; /* -1: it is not */
	size_t dropped_len; /* bytes of body that were not kept */
	struct http_stream stream;
};

/* ---- Judging. */

static const char *
header_get(struct MHD_Connection *mhd, const char *name)
{
	return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

struct header_count {
	const char *name;
	unsigned cnt;
};

static enum MHD_Result
header_count(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct header_count *count = cls;

	(void)kind, (void)value;
	count->cnt += strcasecmp(name, count->name) == 0;
	return MHD_YES;
}

/* is_single is false when a header that must be there once at most is there twice: who reads the
 * first and who reads the last would differ. */
static bool
is_single(struct MHD_Connection *mhd, const char *name)
{
	struct header_count count = {.name = name};

	MHD_get_connection_values(mhd, MHD_HEADER_KIND, header_count, &count);
	return count.cnt <= 1;
}

static struct refusal
form_judge(struct MHD_Connection *mhd)
{
	static const char *const singles[] = {"Host", "Authorization", "Origin", "Content-Length",
	                                      "Transfer-Encoding"};

	for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++)
		if (!is_single(mhd, singles[i]))
			return (struct refusal){400, "a header that must be single is there twice"};
	if (header_get(mhd, "Content-Length") != NULL && header_get(mhd, "Transfer-Encoding") != NULL)
		return (struct refusal){400, "both Content-Length and Transfer-Encoding"};
	return (struct refusal){0, NULL};
}

static unsigned
method_bit(const char *method)
{
	static const struct {
		const char *name;
		unsigned bit;
	} methods[] = {{"GET", HTTP_GET},   {"HEAD", HTTP_GET},      {"POST", HTTP_POST},
	               {"PUT", HTTP_PUT},   {"DELETE", HTTP_DELETE}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(method, methods[i].name) == 0)
			return methods[i].bit;
	return 0;
}

/* origin_judge looks at where a page that sends this is from. */
static struct refusal
origin_judge(const struct exchange *x, struct MHD_Connection *mhd)
{
	const struct http_config *config = &x->http->config;
	const char *host = header_get(mhd, "Host"), *origin = header_get(mhd, "Origin");

	if (host == NULL)
		return (struct refusal){400, "a Host header is needed"};
	if (!http_host_allowed(host, config->hosts))
		return (struct refusal){421, "not the Host of this server; see the option api_hosts"};
	if (!http_origin_allowed(origin, host, config->origins))
		return (struct refusal){403, "not for pages of another origin; see the option api_origins"};
	return (struct refusal){0, NULL};
}

static struct refusal
route_find(struct exchange *x, const char *url, const char *method)
{
	const struct http_config *config = &x->http->config;

	for (size_t i = 0; i < config->route_cnt; i++) {
		const struct http_route *route = &config->routes[i];
		if (strcmp(route->path, url) != 0)
			continue;
		x->allowed |= route->methods;
		x->access = route->access;
		if ((route->methods & method_bit(method)) != 0)
			x->route = route;
	}
	if (x->allowed == 0)
		return (struct refusal){404, "no such path"};
	if (x->route == NULL)
		return (struct refusal){405, "not with this method"};
	x->body_max = x->route->body_max > 0 ? x->route->body_max : HTTP_BODY_MAX;
	return (struct refusal){0, NULL};
}

static struct refusal
token_judge(struct exchange *x, struct MHD_Connection *mhd)
{
	int64_t now_ms = clock_now_ms();
	struct http *http = x->http;

	if (x->access == HTTP_OPEN)
		return (struct refusal){0, NULL};
	const char *shown = header_get(mhd, "Authorization");
	if (!http_token_matches(shown, http->token)) {
		x->conn->trusted = false;
		/* Without any it is no guess: libcurl asks so first, each time. */
		if (!http_buckets_take(shown != NULL ? &http->failures : &http->strangers, x->conn->key,
		                       now_ms))
			return (struct refusal){429, "too many requests without the token"};
		return (struct refusal){401, "the token is needed: spillway api-token prints it"};
	}
	x->conn->trusted = true;
	if (!http_buckets_take(&http->requests, x->conn->key, now_ms))
		return (struct refusal){429, "too many requests"};
	return (struct refusal){0, NULL};
}

/* length_read returns the length of the body as announced, -1 when it is not. */
static int64_t
length_read(struct MHD_Connection *mhd)
{
	const char *text = header_get(mhd, "Content-Length");

	if (text == NULL)
		return header_get(mhd, "Transfer-Encoding") != NULL ? -1 : 0;
	return strlen(text) > 18 ? INT64_MAX : strtoll(text, NULL, 10); /* MHD has seen to its form */
}

static struct refusal
body_judge(const struct exchange *x, int64_t len)
{
	if (len > 0 && (size_t)len > x->body_max)
		return (struct refusal){413, "the body is too long"};
	if (len > HTTP_SWALLOW_MAX && x->http->bodies_len + (size_t)len > HTTP_BODIES_MAX)
		return (struct refusal){503, "too many long requests at once"};
	return (struct refusal){0, NULL};
}

static void
judge(struct exchange *x, struct MHD_Connection *mhd, const char *url, const char *method)
{
	x->refusal = form_judge(mhd);
	if (x->refusal.status == 0)
		x->refusal = origin_judge(x, mhd);
	if (x->refusal.status == 0)
		x->refusal = route_find(x, url, method);
	if (x->refusal.status == 405 && strcmp(method, "OPTIONS") == 0)
		x->refusal = (struct refusal){204, NULL};
	if (x->refusal.status == 0)
		x->refusal = token_judge(x, mhd);
	if (x->refusal.status == 0)
		x->refusal = body_judge(x, length_read(mhd));
}

/* ---- The body. */

static void
body_free(struct exchange *x)
{
	x->http->bodies_len -= x->body_cap;
	free(x->body);
	x->body = NULL;
	x->body_len = x->body_cap = 0;
}

static int
body_grow(struct exchange *x, size_t len)
{
	size_t cap = x->body_cap > 0 ? x->body_cap : 4096;

	while (cap < len + 1)
		cap *= 2;
	if (x->announced_len >= (int64_t)len && cap > (size_t)x->announced_len)
		cap = (size_t)x->announced_len + 1;
	if (cap == x->body_cap)
		return 0;
	/* Short ones are always taken: long ones do not keep them out. */
	if (cap > HTTP_SWALLOW_MAX && x->http->bodies_len - x->body_cap + cap > HTTP_BODIES_MAX)
		return -ENOSPC;
	char *body = realloc(x->body, cap);
	if (body == NULL)
		return -ENOMEM;
	x->http->bodies_len += cap - x->body_cap;
	x->body = body;
	x->body_cap = cap;
	return 0;
}

/* body_take keeps a part of the body, or drops it. Returns false when it is enough: the connection
 * is to be closed. */
static bool
body_take(struct exchange *x, const char *bytes, size_t len)
{
	if (x->refusal.status == 0 && x->body_len + len > x->body_max)
		x->refusal = (struct refusal){413, "the body is too long"};
	if (x->refusal.status == 0 && body_grow(x, x->body_len + len) != 0)
		x->refusal = (struct refusal){503, "too many long requests at once"};
	if (x->refusal.status != 0) {
		body_free(x);
		x->dropped_len += len;
		return x->dropped_len <= HTTP_SWALLOW_MAX;
	}
	memcpy(x->body + x->body_len, bytes, len);
	x->body_len += len;
	return true;
}

/* ---- The answer. */

static ssize_t
stream_read(void *cls, uint64_t pos, char *out, size_t max)
{
	struct exchange *x = cls;
	ssize_t n = x->stream.next(x->stream.ctx, out, max);

	(void)pos;
	if (n == 0) {
		x->conn->waiting = true;
		MHD_suspend_connection(x->conn->mhd);
	}
	if (n == -1)
		return MHD_CONTENT_READER_END_OF_STREAM;
	return n < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : n;
}

static struct MHD_Response *
mhd_response(struct exchange *x, const struct http_response *response)
{
	if (response->stream.next != NULL) {
		x->stream = response->stream;
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_MEMORY_MAX / 2, stream_read,
		                                         x, NULL);
	}
	if (response->fixed != NULL)
		return MHD_create_response_from_buffer(response->body_len,
		                                       (void *)(uintptr_t)response->fixed,
		                                       MHD_RESPMEM_PERSISTENT);
	return MHD_create_response_from_buffer_with_free_callback(response->body_len, response->body,
	                                                          free);
}

static void
headers_add(struct MHD_Response *mhd, const struct http_response *response)
{
	static const struct {
		const char *name, *value;
	} always[] = {
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Content-Security-Policy",
		 "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
		 "form-action 'none'; frame-ancestors 'none'"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cache-Control", "no-store"},
		{"Server", "Spillway"},
	};

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		MHD_add_response_header(mhd, always[i].name, always[i].value);
	MHD_add_response_header(mhd, "Content-Type",
	                        response->type != NULL ? response->type : "application/json");
	for (int i = 0; i < HTTP_HEADERS_MAX && response->header[i].name != NULL; i++)
		MHD_add_response_header(mhd, response->header[i].name, response->header[i].value);
}

/* send queues the answer, which it takes over. */
static enum MHD_Result
answer_send(struct exchange *x, struct http_response *response)
{
	struct MHD_Response *mhd = mhd_response(x, response);

	if (mhd == NULL) {
		free(response->body);
		return MHD_NO;
	}
	headers_add(mhd, response);
	http_phase(x->conn, CONN_ANSWER, HTTP_ANSWER_MS);
	enum MHD_Result queued =
		MHD_queue_response(x->conn->mhd, response->status > 0 ? response->status : 200, mhd);
	MHD_destroy_response(mhd);
	return queued;
}

static void
allow_text(unsigned methods, char text[64])
{
	snprintf(text, 64, "OPTIONS%s%s%s%s", methods & HTTP_GET ? ", GET, HEAD" : "",
	         methods & HTTP_POST ? ", POST" : "", methods & HTTP_PUT ? ", PUT" : "",
	         methods & HTTP_DELETE ? ", DELETE" : "");
}

static enum MHD_Result
refusal_send(struct exchange *x)
{
	struct http_response response = {0};
	char allow[64];

	if (x->refusal.text != NULL)
		http_respond_error(&response, x->refusal.status, x->refusal.text);
	response.status = x->refusal.status;
	allow_text(x->allowed, allow);
	switch (x->refusal.status) {
	case 204:
	case 405:
		response.header[0].name = "Allow";
		response.header[0].value = allow;
		break;
	case 401:
		response.header[0].name = "WWW-Authenticate";
		response.header[0].value = x->access == HTTP_TOKEN_BASIC
		                               ? "Basic realm=\"Spillway, the password is the token\""
		                               : "Bearer realm=\"Spillway\"";
		break;
	case 429:
		response.header[0].name = "Retry-After";
		response.header[0].value = "1";
		break;
	default:
		break;
	}
	return answer_send(x, &response);
}

static enum MHD_Result
answer(struct exchange *x, const char *url, const char *method)
{
	struct http_response response = {0};
	struct http_request request = {
		.env = x->http->config.env,
		.method = method,
		.path = url,
		.body = "",
		.body_len = x->body_len,
		.connection = x->conn->mhd,
	};

	if (x->refusal.status != 0)
		return refusal_send(x);
	if (x->body != NULL) {
		x->body[x->body_len] = '\0';
		request.body = x->body;
	}
	x->route->handle(&request, &response);
	body_free(x);
	return answer_send(x, &response);
}

/* ---- What libmicrohttpd calls. */

static struct conn *
conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static enum MHD_Result
begin(struct http *http, struct MHD_Connection *mhd, const char *url, const char *method,
      void **cookie)
{
	struct conn *conn = conn_of(mhd);
	struct exchange *x = conn != NULL ? calloc(1, sizeof(*x)) : NULL;

	if (x == NULL)
		return MHD_NO;
	*cookie = x;
	x->http = http;
	x->conn = conn;
	judge(x, mhd, url, method);
	int64_t len = x->announced_len = length_read(mhd);
	if (x->refusal.status != 0 && len > HTTP_SWALLOW_MAX)
		return refusal_send(x); /* and closed: the body is not read */
	int64_t slow_ms = 0;
	if (x->refusal.status == 0) /* len is within body_max then */
		slow_ms = (len < 0 ? (int64_t)x->body_max : len) * 1000 / HTTP_BODY_BYTES_PER_S;
	http_phase(conn, CONN_BODY, HTTP_BODY_MS + slow_ms);
	return MHD_YES;
}

enum MHD_Result
http_exchange_handle(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                     const char *version, const char *upload, size_t *upload_len, void **cookie)
{
	struct exchange *x = *cookie;

	(void)version;
	if (x == NULL)
		return begin(cls, mhd, url, method, cookie);
	if (*upload_len == 0)
		return answer(x, url, method);
	bool goes_on = body_take(x, upload, *upload_len);
	*upload_len = 0;
	return goes_on ? MHD_YES : MHD_NO;
}

void
http_exchange_ended(void *cls, struct MHD_Connection *mhd, void **cookie,
                    enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *cookie;

	(void)cls, (void)mhd, (void)why;
	if (x == NULL)
		return;
	if (x->stream.end != NULL)
		x->stream.end(x->stream.ctx);
	x->conn->waiting = false;
	http_phase(x->conn, CONN_HEADER, HTTP_HEADER_MS);
	body_free(x);
	free(x);
	*cookie = NULL;
}

/* ---- For handlers. */

const char *
http_request_header(const struct http_request *request, const char *name)
{
	return header_get(request->connection, name);
}

const char *
http_request_query(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

void
http_respond_json(struct http_response *response, unsigned status, json_t *json)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	response->status = text != NULL ? status : 500;
	response->body = text;
	response->body_len = text != NULL ? strlen(text) : 0;
}

void
http_respond_error(struct http_response *response, unsigned status, const char *text)
{
	http_respond_json(response, status, json_pack("{s:s}", "error", text));
}
