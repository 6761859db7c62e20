/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The options of spillway-leech, each once. */
#include "perf/leech_options.h"

#include "perf/leech_row.h"

#include <stdio.h>
#include <string.h>

#define US(seconds) ((uint64_t)(seconds) * 1000000u)
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define COUNT_OF(rows) (sizeof(rows) / sizeof((rows)[0]))
#define AT(field) .offset = offsetof(struct leech_options, field)
#define HEADING(text) {.kind = LEECH_ROW_HEADING, .help = text}

static const char help_text[] =
	"spillway-leech loads a BitTorrent seeder and measures what comes.\n"
	"\n"
	"  spillway-leech --connect ADDR:PORT --torrent FILE [OPTION VALUE]...\n"
	"  spillway-leech --port memif:SOCKET --local ADDR --connect ADDR:PORT --torrent FILE ...\n"
	"  spillway-leech --url http://ADDR[:PORT]/PATH ...\n"
	"\n"
	"It is many leechers at once. Each connection asks for blocks of a torrent, keeps so many\n"
	"requests in flight and counts what comes; nothing is written to disk. It uses the kernel's\n"
	"sockets, or with --port our own TCP on a port of DPDK. With --http or --url it asks an HTTP\n"
	"server for the same blocks, as ranges over connections that stay open.\n";

static const char help_end[] =
	"\n"
	"Sizes take K, M or G, powers of 1024; seconds may have a fraction. Goodput is payload of\n"
	"blocks, from the first request to the last byte. Latency is from the moment a request is\n"
	"sent to the first and to the last byte of its block: it contains the time that the\n"
	"requests before it take. A connection that the seeder ends stays ended.\n"
	"\n"
	"Exit status: 0 done; 1 a hash was wrong, nothing was served, or --bytes was not reached;\n"
	"2 usage.\n";

static const char *const order_names[] = {"sequential", "random", "same", "rarest", NULL};
static const char *const verify_names[] = {"none", "sample", "all", NULL};

static const struct leech_row rows[] = {
	HEADING("The seeder"),
	{"--connect", "ADDR:PORT", LEECH_ROW_ENDPOINT, AT(peer),
	 .help = "whom to load (IPv4)"},
	{"--peer", "ADDR:PORT", LEECH_ROW_ENDPOINT, AT(peer), .help = NULL},
	{"--torrent", "FILE", LEECH_ROW_TEXT, AT(torrent_path),
	 .help = "what to ask for: metainfo with a v1 part"},
	{"--torrents", "LIST", LEECH_ROW_TEXT, AT(list_path),
	 .help = "several: a file with the path of one on each line; connection i takes number i, "
		 "counted around, and another one each time it comes back"},
	{"--http", NULL, LEECH_ROW_FLAG, AT(http),
	 .help = "the seeder is an HTTP server that has the torrent's single file as /NAME"},
	{"--url", "URL", LEECH_ROW_TEXT, AT(url),
	 .help = "the same, at http://ADDR[:PORT]/PATH; --torrent is needed only to verify"},

	HEADING("The load"),
	{"--connections", "N", LEECH_ROW_NUMBER, AT(connection_cnt), "1", 1, LEECH_CONNECTIONS_MAX,
	 .help = "peers to be"},
	{"--outstanding", "M", LEECH_ROW_NUMBER, AT(outstanding_cnt), "64", 1,
	 LEECH_OUTSTANDING_MAX,
	 .help = "requests kept in flight per connection; the seeder's reqq caps it; they are "
		 "renewed M/8 at a time, in one send"},
	{"--block", "BYTES", LEECH_ROW_NUMBER, AT(block_bytes), "16384", 1, LEECH_BLOCK_BYTES_MAX,
	 .help = "length of one request; seeders refuse more than 131072, some more than 16384"},
	{"--order", "ORDER", LEECH_ROW_WORD, AT(order), "sequential", .words = order_names,
	 .help = "of the pieces. sequential: connection i of N starts at piece i*pieces/N, goes up "
		 "and wraps; random: each draws each next piece at random; same: all start at piece "
		 "0 and go up, a flash crowd; rarest: each takes every piece once, those rarest in "
		 "an imagined swarm first"},
	{"--seconds", "S", LEECH_ROW_SECONDS, AT(span_us), NULL, 1000, US(LEECH_SECONDS_MAX),
	 .help = "stop after S seconds [10; with --bytes 600]"},
	{"--settle", "S", LEECH_ROW_SECONDS, AT(settle_us), "0", 0, US(LEECH_SECONDS_MAX),
	 .help = "for S seconds before, and count nothing of what came in them"},
	{"--bytes", "B", LEECH_ROW_SIZE, AT(bytes), NULL, 1, UINT64_MAX / 2,
	 .help = "stop after B bytes of payload over all connections"},
	{"--ramp", "N", LEECH_ROW_NUMBER, AT(ramp_per_s), NULL, 1, 1000000,
	 .help = "open N connections each second [all at once]"},
	{"--leave-after", "S", LEECH_ROW_SECONDS, AT(leave_us), NULL, 1000, US(LEECH_SECONDS_MAX),
	 .help = "a connection leaves after S seconds, S/2 to 3S/2 by --seed [it stays]"},
	{"--leave-after-bytes", "B", LEECH_ROW_SIZE, AT(leave_bytes), NULL, 1, UINT64_MAX / 4,
	 .help = "it leaves after B bytes of payload, B/2 to 3B/2 by --seed [it stays]"},
	{"--return-after", "S", LEECH_ROW_SECONDS, AT(return_us), "0", 0, US(LEECH_SECONDS_MAX),
	 .help = "and comes back after S seconds"},
	{"--slow-share", "X", LEECH_ROW_PERMILLE, AT(slow_permille), "0",
	 .help = "of the connections read slowly, 0 to 1; with --port, whose TCP takes all that "
		 "arrives, they ask slowly"},
	{"--slow-rate", "BYTES", LEECH_ROW_SIZE, AT(slow_bytes_per_s), "64K", 1, 1ull << 40,
	 .help = "each second, a slow one"},

	HEADING("What is checked"),
	{"--verify", "WHAT", LEECH_ROW_WORD, AT(verify), "sample", .words = verify_names,
	 .help = "all, sample or none: which pieces are put together and their SHA-1 checked; "
		 "sample takes one piece in 32 (more when there are few), by --seed; the payload of "
		 "the others is dropped uncopied"},
	{"--seed", "N", LEECH_ROW_SIZE, AT(seed), "1", 1, UINT64_MAX,
	 .help = "of all that is drawn at random, and of the peer ids"},

	HEADING("This machine"),
	{"--threads", "N", LEECH_ROW_NUMBER, AT(thread_cnt), "1", 1, LEECH_THREADS_MAX,
	 .help = "the connections are divided over"},
	{"--cpus", "N,N...", LEECH_ROW_CPUS, AT(cpus), "-1", .max = 1023,
	 .help = "CPU of each thread, counted around; -1 is the scheduler's choice"},
	{"--cpu", "N", LEECH_ROW_CPUS, AT(cpus), .max = 1023, .help = NULL},
	{"--local", "ADDR[/N]", LEECH_ROW_ADDRESSES, AT(local), .min = 1,
	 .max = LEECH_CONNECTIONS_MAX,
	 .help = "local address; needed with --port, else the kernel's choice. With N, connection "
		 "i has ADDR + i mod N, for seeders that take one connection from an address"},
	{"--bind", "ADDR[/N]", LEECH_ROW_ADDRESSES, AT(local), .min = 1,
	 .max = LEECH_CONNECTIONS_MAX, .help = NULL},

	HEADING("Our own TCP"),
	{"--port", "KIND:ARG", LEECH_ROW_TEXT, AT(port),
	 .help = "send and receive on this port of DPDK, written as spillwayd's option port, e.g. "
		 "memif:/run/x.sock"},
	{"--queues", "N", LEECH_ROW_NUMBER, AT(queue_cnt), NULL, 1, LEECH_THREADS_MAX,
	 .help = "queue pairs of the port, each with connections of its own: where a wire keeps "
		 "queues apart, they choose the seeder's worker [one for each thread]"},
	{"--next-hop", "ADDR", LEECH_ROW_ADDRESS, AT(next_hop),
	 .help = "who on the link leads to the seeder [the seeder]"},
	{"--window", "BYTES", LEECH_ROW_SIZE, AT(window_bytes), "4M", 65536, 256 << 20,
	 .help = "receive window of a connection"},
	{"--mtu", "BYTES", LEECH_ROW_NUMBER, AT(mtu), "1500", 576, 9000,
	 .help = "of the port"},
	{"--no-huge", NULL, LEECH_ROW_FLAG, AT(no_huge),
	 .help = "take ordinary pages, not hugepages"},
	{"--xdp-object", "FILE", LEECH_ROW_TEXT, AT(xdp_object),
	 .help = "the XDP program, for a port af_xdp:IFACE"},

	HEADING("Output"),
	{"--json", NULL, LEECH_ROW_FLAG, AT(json),
	 .help = "one JSON object on stdout instead of the summary"},
	{"--help", NULL, LEECH_ROW_FLAG, AT(help), .help = "this"},
};

static int
complain(const char *text)
{
	fprintf(stderr, "spillway-leech: %s (see --help)\n", text);
	return -1;
}

static int
sources_check(const struct leech_options *options)
{
	bool http = options->http || options->url != NULL;

	if (options->peer.sin_family != AF_INET && options->url == NULL)
		return complain("--connect ADDR:PORT is needed");
	if (options->torrent_path != NULL && options->list_path != NULL)
		return complain("--torrent or --torrents, not both");
	if (http && options->list_path != NULL)
		return complain("HTTP serves one file: --torrent, not --torrents");
	if (options->torrent_path == NULL && options->list_path == NULL && options->url == NULL)
		return complain("--torrent FILE is needed");
	if (options->torrent_path == NULL && http && options->port != NULL)
		return complain("--url with --port needs --torrent FILE");
	if (!http && options->block_bytes > LEECH_WIRE_BLOCK_BYTES_MAX)
		return complain("--block above 131072 is for HTTP");
	return 0;
}

static int
port_check(const struct leech_options *options)
{
	if (options->port == NULL && options->queue_cnt != 0)
		return complain("--queues needs --port KIND:ARG");
	if (options->port == NULL)
		return 0;
	if (options->local.first.s_addr == INADDR_ANY)
		return complain("--port needs --local ADDR, an address of its own");
	if (options->local.cnt != 1)
		return complain("--port has one local address: --local ADDR");
	if (options->queue_cnt != 0 && options->queue_cnt < options->thread_cnt)
		return complain("--queues must not be fewer than --threads");
	return 0;
}

/* complete fills what depends on other options, and checks what must go together. */
static int
complete(struct leech_options *options)
{
	if (sources_check(options) != 0 || port_check(options) != 0)
		return -1;
	if (options->connection_cnt < MAX(options->thread_cnt, options->queue_cnt))
		return complain("--connections must not be fewer than --threads or --queues");
	options->http |= options->url != NULL;
	if (options->span_us == 0)
		options->span_us = options->bytes != 0 ? US(600) : US(10);
	if (options->queue_cnt == 0)
		options->queue_cnt = options->thread_cnt;
	return 1;
}

int
leech_options_read(struct leech_options *options, char **argv)
{
	memset(options, 0, sizeof(*options));
	leech_rows_default(rows, COUNT_OF(rows), options);
	if (leech_rows_read(rows, COUNT_OF(rows), options, argv + 1) != 0)
		return -1;
	if (!options->help)
		return complete(options);
	fputs(help_text, stdout);
	leech_rows_help(rows, COUNT_OF(rows));
	fputs(help_end, stdout);
	return 0;
}

const char *
leech_options_order_name(enum leech_order order)
{
	return order_names[order];
}

const char *
leech_options_verify_name(enum leech_verify verify)
{
	return verify_names[verify];
}
