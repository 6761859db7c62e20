/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The options of spillway-leech, each once. */
#include "perf/leech_options.h"

#include "perf/leech_row.h"

#include <stdio.h>
#include <string.h>

#define US(seconds) ((uint64_t)(seconds) * 1000000u)
#define COUNT_OF(rows) (sizeof(rows) / sizeof((rows)[0]))
#define AT(field) .offset = offsetof(struct leech_options, field)
#define HEADING(text) {.kind = LEECH_ROW_HEADING, .help = text}

static const char help_text[] =
	"spillway-leech loads a BitTorrent seeder and measures what comes.\n"
	"\n"
	"  spillway-leech --connect ADDR:PORT --torrent FILE [OPTION VALUE]...\n"
	"  spillway-leech --port memif:SOCKET --local ADDR --connect ADDR:PORT --torrent FILE ...\n"
	"\n"
	"It is many leechers at once. Each connection asks for blocks of the torrent, keeps so many\n"
	"requests in flight and counts what comes; nothing is written to disk. Without --port it\n"
	"uses the kernel's sockets, with it our own TCP on a port of DPDK.\n";

static const char help_end[] =
	"\n"
	"Goodput is payload of blocks, from the first request to the last byte. Latency is from a\n"
	"request's send to its block's last byte. A connection that the seeder ends stays ended.\n"
	"\n"
	"Exit status: 0 done; 1 a hash was wrong, nothing was served, or --bytes was not reached;\n"
	"2 usage.\n";

static const char *const order_names[] = {"sequential", "random", "same", NULL};
static const char *const verify_names[] = {"none", "sample", "all", NULL};

static const struct leech_row rows[] = {
	HEADING("The seeder"),
	{"--connect", "ADDR:PORT", LEECH_ROW_ENDPOINT, AT(peer),
	 .help = "whom to load (IPv4)"},
	{"--peer", "ADDR:PORT", LEECH_ROW_ENDPOINT, AT(peer), .help = NULL},
	{"--torrent", "FILE", LEECH_ROW_TEXT, AT(torrent_path),
	 .help = "what to ask for: metainfo with a v1 part"},

	HEADING("The load"),
	{"--connections", "N", LEECH_ROW_NUMBER, AT(connection_cnt), "1", 1, LEECH_CONNECTIONS_MAX,
	 .help = "peers to be, all of one address"},
	{"--outstanding", "M", LEECH_ROW_NUMBER, AT(outstanding_cnt), "64", 1,
	 LEECH_OUTSTANDING_MAX,
	 .help = "requests kept in flight per connection; the seeder's reqq caps it; they are "
		 "renewed M/8 at a time, in one send"},
	{"--block", "BYTES", LEECH_ROW_NUMBER, AT(block_bytes), "16384", 1, LEECH_BLOCK_BYTES_MAX,
	 .help = "length of one request"},
	{"--order", "ORDER", LEECH_ROW_WORD, AT(order), "sequential", .words = order_names,
	 .help = "sequential: connection i of N starts at piece i*pieces/N, goes up and wraps; "
		 "random: each draws each next piece at random; same: all start at piece 0 and go "
		 "up"},
	{"--seconds", "S", LEECH_ROW_SECONDS, AT(span_us), NULL, 1000, US(LEECH_SECONDS_MAX),
	 .help = "stop after S seconds [10; with --bytes 600]"},
	{"--bytes", "B", LEECH_ROW_SIZE, AT(bytes), NULL, 1, UINT64_MAX / 2,
	 .help = "stop after B bytes of payload over all connections; K, M and G are powers of "
		 "1024"},

	HEADING("What is checked"),
	{"--verify", "WHAT", LEECH_ROW_WORD, AT(verify), "sample", .words = verify_names,
	 .help = "all, sample or none: which pieces are put together and their SHA-1 checked; "
		 "sample takes one piece in 32 (more when there are few), by --seed; the payload of "
		 "the others is dropped uncopied"},
	{"--seed", "N", LEECH_ROW_SIZE, AT(seed), "1", 1, UINT64_MAX,
	 .help = "of the order, the sample and the peer ids"},

	HEADING("Addresses, and our own TCP"),
	{"--local", "ADDR[/N]", LEECH_ROW_ADDRESSES, AT(local), .min = 1,
	 .max = LEECH_CONNECTIONS_MAX,
	 .help = "local address; needed with --port, else the kernel's choice. With N, connection "
		 "i has ADDR + i mod N, for seeders that take one connection from an address"},
	{"--bind", "ADDR[/N]", LEECH_ROW_ADDRESSES, AT(local), .min = 1,
	 .max = LEECH_CONNECTIONS_MAX, .help = NULL},
	{"--port", "KIND:ARG", LEECH_ROW_TEXT, AT(port),
	 .help = "send and receive by our own TCP on this port of DPDK, written as spillwayd's "
		 "option port, e.g. memif:/run/x.sock"},
	{"--next-hop", "ADDR", LEECH_ROW_ADDRESS, AT(next_hop),
	 .help = "who on the link leads to the seeder [the seeder]"},
	{"--window", "BYTES", LEECH_ROW_SIZE, AT(window_bytes), "4M", 65536, 256 << 20,
	 .help = "receive window of a connection"},
	{"--mtu", "BYTES", LEECH_ROW_NUMBER, AT(mtu), "1500", 576, 9000,
	 .help = "of the port"},
	{"--cpu", "N", LEECH_ROW_CPU, AT(cpu), "-1", .max = 1023,
	 .help = "CPU to be bound to; -1 is the scheduler's choice"},
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

/* complete fills what depends on other options, and checks what must go together. */
static int
complete(struct leech_options *options)
{
	if (options->peer.sin_family != AF_INET)
		return complain("--connect ADDR:PORT is needed");
	if (options->torrent_path == NULL)
		return complain("--torrent FILE is needed");
	if (options->port != NULL && options->local.first.s_addr == INADDR_ANY)
		return complain("--port needs --local ADDR, an address of its own");
	if (options->port != NULL && options->local.cnt != 1)
		return complain("--port has one local address: --local ADDR");
	if (options->span_us == 0)
		options->span_us = options->bytes != 0 ? US(600) : US(10);
	if (options->next_hop.s_addr == INADDR_ANY)
		options->next_hop = options->peer.sin_addr;
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
