/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tracker.h is what is said to a tracker and what it answers, whatever the transport: HTTP and
 * HTTPS (BEP 3, tracker_http.h) or UDP (BEP 15, tracker_udp.h). When what is said is decided in
 * announce.h.
 *
 * Threads: plain data and functions without state.
 */
#ifndef SPILLWAY_CONTROL_ANNOUNCE_TRACKER_H
#define SPILLWAY_CONTROL_ANNOUNCE_TRACKER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tracker_limit {
	TRACKER_URL_MAX = 1024,      /* bytes, without a NUL */
	TRACKER_HOST_MAX = 256,      /* bytes, with the NUL: of a name (RFC 1035) or an address */
	TRACKER_TEXT_MAX = 160,      /* bytes of a result's text, with the NUL */
	TRACKER_ID_MAX = 128,        /* bytes of a tracker id, with the NUL; a longer one is ignored */
	TRACKER_SCRAPE_MAX = 40,     /* torrents in one scrape: an URL, a datagram have room for them */
	TRACKER_REPLY_MAX = 1 << 20, /* bytes of an answer; more ends it */
};

#define TRACKER_UNKNOWN UINT32_MAX /* a number that the tracker did not give */

enum tracker_scheme {
	TRACKER_HTTP,
	TRACKER_HTTPS,
	TRACKER_UDP,
	TRACKER_SCHEME_CNT
};

/* An address and port, IPv4 or IPv6. */
union tracker_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* Where an URL leads. */
struct tracker_place {
	enum tracker_scheme scheme;
	uint16_t port;
	char host[TRACKER_HOST_MAX]; /* in lower case; an IPv6 address without brackets */
	const char *rest;            /* path and query, within the URL; may be "" */
};

/* Who announces: constant while spillwayd runs. */
struct tracker_self {
	uint8_t peer_id[20];     /* BEP 20 */
	uint32_t key;            /* BEP 7 */
	uint16_t port;           /* where peers reach us */
	uint32_t bind_be;        /* our source address toward IPv4 trackers; 0: the kernel's choice */
	uint32_t ip_be;          /* the IPv4 address to be told; 0: the source address is the one */
	struct in6_addr ip6;     /* the IPv6 address to be told; all zeros: none */
	uint32_t timeout_ms;     /* for an answer */
};

/* The numbers are those of BEP 15; paused is BEP 21's, and is none over UDP. */
enum tracker_event {
	TRACKER_EVENT_NONE = 0,
	TRACKER_EVENT_COMPLETED = 1,
	TRACKER_EVENT_STARTED = 2,
	TRACKER_EVENT_STOPPED = 3,
	TRACKER_EVENT_PAUSED = 4,
};

/* A question. What is pointed to is borrowed until the call that takes it returns, but the URL,
 * which must live until the result was taken. */
struct tracker_ask {
	uint64_t cookie;                 /* given back with the result */
	const char *url;
	union tracker_address address;   /* where it is sent */
	bool is_scrape;
	uint32_t hash_cnt;               /* 1, of a scrape up to TRACKER_SCRAPE_MAX */
	const uint8_t (*hash)[20];
	enum tracker_event event;        /* the rest: of an announce */
	uint64_t uploaded_bytes;
	uint64_t left_bytes;
	const char *tracker_id;          /* "" for none */
};

enum tracker_outcome {
	TRACKER_OK,
	TRACKER_REFUSED, /* the tracker works and does not want this */
	TRACKER_BAD,     /* something answered, but not as a tracker does */
	TRACKER_DEAD,    /* nothing answered */
	TRACKER_AGAIN,   /* not asked: the UDP connection has expired; nothing is wrong */
};

struct tracker_counts {
	uint32_t seeders; /* each may be TRACKER_UNKNOWN */
	uint32_t leechers;
	uint32_t downloaded;
};

struct tracker_result {
	uint64_t cookie;
	enum tracker_outcome outcome;
	char text[TRACKER_TEXT_MAX];     /* why not, or the tracker's warning; printable, may be "" */
	uint32_t interval_s;             /* 0: not given. As it came: the caller bounds it */
	uint32_t interval_min_s;         /* 0: not given */
	uint32_t retry_s;                /* REFUSED, BAD: not before (BEP 31, Retry-After); 0: not
	                                    given; TRACKER_UNKNOWN: never */
	struct tracker_counts counts;    /* of an announce */
	char tracker_id[TRACKER_ID_MAX]; /* "" when not given */
	uint64_t connection;             /* of a connect (tracker_udp.h) */
	uint32_t hash_cnt;               /* of a scrape: as asked */
	uint8_t hash[TRACKER_SCRAPE_MAX][20];
	struct tracker_counts scraped[TRACKER_SCRAPE_MAX];
};

/* tracker_url_parse takes a tracker's URL apart.
 *
 * url  up to TRACKER_URL_MAX printable bytes; place borrows it.
 * Returns 0; -EPROTONOSUPPORT for a scheme that is not in enum tracker_scheme; -EINVAL for what is
 * no URL, has no host, or is a UDP one without port. */
int
tracker_url_parse(struct tracker_place *place, const char *url);

/* tracker_url_scrape writes the URL to scrape at (BEP 48): "announce" at the beginning of the
 * path's last part becomes "scrape".
 *
 * out  at least TRACKER_URL_MAX + 1 bytes.
 * Returns 0, or -ENOENT when the tracker has none. */
int
tracker_url_scrape(const char *url, char *out);

/* tracker_text writes why into result->text, what is not printable ASCII as '?', cut to fit. */
void
tracker_text(struct tracker_result *result, const void *why, size_t len);

/* tracker_fail sets outcome and text of a result. */
void
tracker_fail(struct tracker_result *result, enum tracker_outcome outcome, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* tracker_result_begin empties a result: OK, every number unknown. */
void
tracker_result_begin(struct tracker_result *result, uint64_t cookie);

/* ---- tracker_reply.c: what trackers answer. Any bytes are taken. */

/* tracker_reply_http reads the bencoded answer to an announce (BEP 3, 23, 7, 31). Peers are not
 * looked at, for a seeder waits for them. result was begun; the outcome is OK, REFUSED or BAD. */
void
tracker_reply_http(struct tracker_result *result, const void *bytes, size_t len);

/* tracker_reply_scrape reads the bencoded answer to a scrape (BEP 48) of the hashes that result
 * has. */
void
tracker_reply_scrape(struct tracker_result *result, const void *bytes, size_t len);

enum tracker_action {
	TRACKER_CONNECT = 0,
	TRACKER_ANNOUNCE = 1,
	TRACKER_SCRAPE = 2,
	TRACKER_ERROR = 3,
};

/* tracker_reply_transaction returns the transaction id of a datagram; false when it is too short
 * for any. */
bool
tracker_reply_transaction(const void *bytes, size_t len, uint32_t *transaction);

/* tracker_reply_connect reads the answer to a connect (BEP 15): result->connection on OK. */
void
tracker_reply_connect(struct tracker_result *result, const void *bytes, size_t len);

/* tracker_reply_udp reads the answer to an announce, or of a scrape, whose result has the hashes.
 */
void
tracker_reply_udp(struct tracker_result *result, const void *bytes, size_t len, bool is_scrape);

#endif
