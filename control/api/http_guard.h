/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* http_guard.h judges an HTTP request by what it says of itself: which host it wants (a page that
 * had its own name resolve to 127.0.0.1 still sends that name: DNS rebinding), which page sent it
 * (RFC 6454), and whether it knows the token (RFC 6750, RFC 7617). And how often one address may
 * ask.
 *
 * Threads: none of its own. Memory: struct http_buckets, fixed.
 */
#ifndef SPILLWAY_CONTROL_API_HTTP_GUARD_H
#define SPILLWAY_CONTROL_API_HTTP_GUARD_H

#include "control/base/fail.h"

#include <stdbool.h>
#include <stdint.h>

enum http_guard_limit {
	HTTP_NAME_MAX = 256,      /* bytes of a host name with its port */
	HTTP_BUCKETS_MAX = 64,    /* addresses kept in mind; the one longest unseen is forgotten */
	HTTP_TOKEN_LEN_MIN = 32,  /* bytes of a token: shorter ones can be guessed */
	HTTP_TOKEN_LEN_MAX = 256,
};

/* http_names_check judges a list of names, separated by commas: host names or addresses without
 * port, or, with origin, http://NAME[:PORT] and https://NAME[:PORT]. "" is allowed.
 * Returns 0 or -EINVAL with fail. */
int
http_names_check(const char *list, bool origin, struct fail *fail);

/* http_host_allowed is true when a Host header (RFC 9110, section 7.2) names a loopback address,
 * "localhost", or one of hosts, a list as of http_names_check; the port is not looked at, for it is
 * another one behind a tunnel.
 *
 * host  the header's value; NULL is refused. */
bool
http_host_allowed(const char *host, const char *hosts);

/* http_origin_allowed is true when an Origin header is the page of this server itself, that is
 * http:// or https:// and the value of host, or one of origins.
 *
 * origin  the header's value; NULL is allowed: no page sent the request. */
bool
http_origin_allowed(const char *origin, const char *host, const char *origins);

/* http_token_matches is true when an Authorization header bears the token: "Bearer TOKEN", or
 * "Basic", with any user name and the token as password. Its time does not depend on where the two
 * differ.
 *
 * authorization  the header's value; NULL is refused. */
bool
http_token_matches(const char *authorization, const char *token);

/* A token bucket each for addresses. */
struct http_buckets {
	uint32_t rate_per_s;
	uint32_t burst;
	struct {
		uint8_t key[16]; /* IPv6, or IPv4 mapped; zeros for a unix socket */
		bool used;
		int64_t seen_ms;
		int64_t level_milli; /* thousandths of what may still be taken */
	} bucket[HTTP_BUCKETS_MAX];
};

/* http_buckets_take takes one of what an address may have. Returns false when there is none left.
 */
bool
http_buckets_take(struct http_buckets *buckets, const uint8_t key[16], int64_t now_ms);

#endif
