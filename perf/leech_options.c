/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The command line of spillway-leech: one table row per option. */
#include "perf/leech_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
	"spillway-leech: loads a BitTorrent seeder over kernel sockets and measures what comes.\n"
	"\n"
	"  spillway-leech --connect ADDR:PORT --torrent FILE [OPTION VALUE]...\n"
	"\n"
	"  --connect ADDR:PORT   the seeder (IPv4)\n"
	"  --torrent FILE        metainfo with a v1 part\n"
	"  --connections N       peers to be, all of one address [1]\n"
	"  --outstanding M       requests kept in flight per connection [64]; the peer's reqq\n"
	"                        caps it; they are renewed M/8 at a time, in one send\n"
	"  --block BYTES         length of one request [16384]\n"
	"  --order ORDER         sequential: connection i of N starts at piece i*pieces/N, goes up\n"
	"                        and wraps [default]; random: each connection draws each next\n"
	"                        piece at random; same: every connection starts at piece 0 and\n"
	"                        goes up\n"
	"  --seconds S           stop after S seconds [10; with --bytes: 600]\n"
	"  --bytes B             stop after B bytes of payload over all connections\n"
	"  --verify WHAT         all, sample [default] or none: which pieces are assembled and\n"
	"                        their SHA-1 checked; sample takes one piece in 32 (more when\n"
	"                        there are few), by --seed; the payload of other pieces is\n"
	"                        dropped in the kernel, uncopied\n"
	"  --seed N              of the order, the sample and the peer ids [1]\n"
	"  --bind ADDR[/N]       local address; with N, connection i has ADDR + i mod N, for seeders\n"
	"                        that take one connection from an address\n"
	"  --json                one JSON object on stdout instead of the table\n"
	"  --help\n"
	"\n"
	"Goodput is piece payload from the first request to the last byte. Latency is from a\n"
	"request's send to the last byte of its block. A connection that ends is not opened again.\n"
	"Exit status: 0 done; 1 a hash failed, nothing was served, or --bytes was not reached;\n"
	"2 usage.\n";

static const char *const order_names[] = {"sequential", "random", "same", NULL};
static const char *const verify_names[] = {"none", "sample", "all", NULL};

struct option_row {
	const char *name;
	int (*read)(struct leech_options *options, const char *value);
};

static int
complain(const char *name, const char *value, const char *expected)
{
	fprintf(stderr, "spillway-leech: %s %s: expected %s\n", name, value, expected);
	return -1;
}

static int
number_read(const char *name, const char *value, uint64_t max, uint64_t *out)
{
	char expected[64];
	char *end;

	errno = 0;
	*out = strtoull(value, &end, 10);
	if (errno == 0 && end != value && *end == '\0' && value[0] != '-' && *out >= 1 && *out <= max)
		return 0;
	snprintf(expected, sizeof(expected), "a number from 1 to %" PRIu64, max);
	return complain(name, value, expected);
}

static int
number32_read(const char *name, const char *value, uint32_t max, uint32_t *out)
{
	uint64_t wide;

	if (number_read(name, value, max, &wide) != 0)
		return -1;
	*out = (uint32_t)wide;
	return 0;
}

static int
word_read(const char *name, const char *value, const char *const *words, const char *expected)
{
	int i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	return complain(name, value, expected);
}

static int
connect_read(struct leech_options *options, const char *value)
{
	const char *colon = strrchr(value, ':');
	char address[INET_ADDRSTRLEN];
	uint32_t port;
	size_t len = colon != NULL ? (size_t)(colon - value) : sizeof(address);

	if (len >= sizeof(address))
		return complain("--connect", value, "ADDR:PORT");
	memcpy(address, value, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, &options->peer.sin_addr) != 1)
		return complain("--connect", value, "an IPv4 address before the port");
	if (number32_read("--connect port", colon + 1, UINT16_MAX, &port) != 0)
		return -1;
	options->peer.sin_family = AF_INET;
	options->peer.sin_port = htons((uint16_t)port);
	return 0;
}

static int
bind_read(struct leech_options *options, const char *value)
{
	const char *slash = strchr(value, '/');
	char address[INET_ADDRSTRLEN];
	size_t len = slash != NULL ? (size_t)(slash - value) : strlen(value);

	if (len >= sizeof(address))
		return complain("--bind", value, "ADDR or ADDR/N");
	memcpy(address, value, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, &options->local.sin_addr) != 1)
		return complain("--bind", value, "an IPv4 address");
	if (slash == NULL)
		return 0;
	return number32_read("--bind addresses", slash + 1, LEECH_CONNECTIONS_MAX,
			     &options->local_cnt);
}

static int
torrent_read(struct leech_options *options, const char *value)
{
	options->torrent_path = value;
	return 0;
}

static int
connections_read(struct leech_options *options, const char *value)
{
	return number32_read("--connections", value, LEECH_CONNECTIONS_MAX, &options->connection_cnt);
}

static int
outstanding_read(struct leech_options *options, const char *value)
{
	return number32_read("--outstanding", value, LEECH_OUTSTANDING_MAX, &options->outstanding_cnt);
}

static int
block_read(struct leech_options *options, const char *value)
{
	return number32_read("--block", value, LEECH_BLOCK_BYTES_MAX, &options->block_bytes);
}

static int
seconds_read(struct leech_options *options, const char *value)
{
	return number32_read("--seconds", value, LEECH_SECONDS_MAX, &options->seconds);
}

static int
bytes_read(struct leech_options *options, const char *value)
{
	return number_read("--bytes", value, UINT64_MAX / 2, &options->bytes);
}

static int
seed_read(struct leech_options *options, const char *value)
{
	return number_read("--seed", value, UINT64_MAX, &options->seed);
}

static int
order_read(struct leech_options *options, const char *value)
{
	int word = word_read("--order", value, order_names, "sequential, random or same");

	if (word >= 0)
		options->order = (enum leech_order)word;
	return word < 0 ? -1 : 0;
}

static int
verify_read(struct leech_options *options, const char *value)
{
	int word = word_read("--verify", value, verify_names, "all, sample or none");

	if (word >= 0)
		options->verify = (enum leech_verify)word;
	return word < 0 ? -1 : 0;
}

static const struct option_row option_rows[] = {
	{"--connect", connect_read},         {"--torrent", torrent_read},
	{"--connections", connections_read}, {"--outstanding", outstanding_read},
	{"--block", block_read},             {"--order", order_read},
	{"--seconds", seconds_read},         {"--bytes", bytes_read},
	{"--verify", verify_read},           {"--seed", seed_read},
	{"--bind", bind_read},
};

static const struct option_row *
row_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++)
		if (strcmp(option_rows[i].name, name) == 0)
			return &option_rows[i];
	return NULL;
}

static void
defaults_set(struct leech_options *options)
{
	memset(options, 0, sizeof(*options));
	options->connection_cnt = 1;
	options->outstanding_cnt = 64;
	options->block_bytes = LEECH_BLOCK_BYTES_DEFAULT;
	options->seed = 1;
	options->order = LEECH_ORDER_SEQUENTIAL;
	options->verify = LEECH_VERIFY_SAMPLE;
	options->local.sin_family = AF_INET;
	options->local_cnt = 1;
}

static int
options_complete(struct leech_options *options)
{
	if (options->peer.sin_family != AF_INET) {
		fprintf(stderr, "spillway-leech: --connect ADDR:PORT is needed (see --help)\n");
		return -1;
	}
	if (options->torrent_path == NULL) {
		fprintf(stderr, "spillway-leech: --torrent FILE is needed (see --help)\n");
		return -1;
	}
	if (options->seconds == 0)
		options->seconds = options->bytes != 0 ? 600 : LEECH_SECONDS_DEFAULT;
	return 1;
}

int
leech_options_read(struct leech_options *options, int argc, char **argv)
{
	const struct option_row *row;
	int i;

	defaults_set(options);
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(help_text, stdout);
			return 0;
		}
		if (strcmp(argv[i], "--json") == 0) {
			options->json = true;
			continue;
		}
		row = row_find(argv[i]);
		if (row == NULL || i + 1 == argc) {
			fprintf(stderr, "spillway-leech: %s: %s (see --help)\n", argv[i],
				row == NULL ? "no such option" : "a value is needed");
			return -1;
		}
		if (row->read(options, argv[++i]) != 0)
			return -1;
	}
	return options_complete(options);
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
