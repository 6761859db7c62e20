/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_options.h: what the operator asked of spillway-leech.
 *
 * Read once at start, constant afterwards.
 */
#ifndef SPILLWAY_PERF_LEECH_OPTIONS_H
#define SPILLWAY_PERF_LEECH_OPTIONS_H

#include "perf/leech_row.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum leech_order {
	LEECH_ORDER_SEQUENTIAL, /* connection i of n starts at piece i * pieces / n */
	LEECH_ORDER_RANDOM,     /* each connection draws its next piece at random */
	LEECH_ORDER_SAME,       /* every connection starts at piece 0 */
	LEECH_ORDER_RAREST,     /* as rarest-first: see leech_perm.h */
};

enum leech_verify {
	LEECH_VERIFY_NONE,
	LEECH_VERIFY_SAMPLE,
	LEECH_VERIFY_ALL,
};

enum leech_option_limit {
	LEECH_CONNECTIONS_MAX = 65536,
	LEECH_OUTSTANDING_MAX = 4096,
	LEECH_BLOCK_BYTES_MAX = 16 << 20,
	LEECH_WIRE_BLOCK_BYTES_MAX = 128 << 10,
	LEECH_SECONDS_MAX = 86400,
	LEECH_THREADS_MAX = 16,
};

struct leech_options {
	struct sockaddr_in peer;
	struct leech_addresses local; /* taken in turn; first INADDR_ANY: the kernel's choice */
	const char *torrent_path;
	const char *list_path;    /* of several torrents, instead */
	const char *url;
	bool http;                /* with url: set as well */
	char http_host[288];      /* of the requests, from leech_url.h */
	char http_path[1024];
	uint32_t connection_cnt;  /* [1, LEECH_CONNECTIONS_MAX] */
	uint32_t outstanding_cnt; /* requests in flight per connection, [1, LEECH_OUTSTANDING_MAX] */
	uint32_t block_bytes;     /* [1, LEECH_BLOCK_BYTES_MAX] */
	uint64_t span_us;         /* of the run, > 0 */
	uint64_t settle_us;       /* before it, when nothing is counted */
	uint64_t bytes;           /* stop after so much payload; 0: no such end */
	uint64_t seed;
	enum leech_order order;
	enum leech_verify verify;
	uint32_t ramp_per_s;      /* connections opened each second; 0: all at once */
	uint64_t leave_us;        /* mean time after which one leaves; 0: it stays */
	uint64_t leave_bytes;     /* mean payload after which one leaves; 0: it stays */
	uint64_t return_us;       /* until it comes back */
	uint32_t slow_permille;   /* of the connections that read slowly */
	uint64_t slow_bytes_per_s;
	uint32_t thread_cnt;      /* [1, LEECH_THREADS_MAX] */
	struct leech_cpus cpus;   /* of the threads, in turn */
	bool json;
	bool help;

	/* our own TCP */
	const char *port;         /* NULL: the kernel's sockets */
	const char *xdp_object;
	struct in_addr next_hop;  /* of the peer */
	uint32_t queue_cnt;       /* [thread_cnt, LEECH_THREADS_MAX] */
	uint64_t window_bytes;    /* receive window of a connection */
	uint32_t mtu;
	bool no_huge;
};

/* leech_options_read fills options from the command line.
 *
 * argv     as main's, with the program's name; options point into it.
 * Returns 1: go on; 0: --help was printed, leave with success; -1: one clear line was written to
 * stderr, leave with the usage status. */
int
leech_options_read(struct leech_options *options, char **argv);

/* leech_options_order_name gives the word of an order, as on the command line. */
const char *
leech_options_order_name(enum leech_order order);

/* leech_options_verify_name gives the word of a kind of verification, as on the command line. */
const char *
leech_options_verify_name(enum leech_verify verify);

#endif
