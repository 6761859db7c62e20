/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The command line of spillway-flood: one table row per number, the rest by name. */
#include "perf/flood_options.h"

#include "perf/flood_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
	"spillway-flood: floods a TCP port, to see whom it harms. For namespaces of your own.\n"
	"\n"
	"  spillway-flood KIND --target ADDR:PORT --iface IFACE [OPTION VALUE]...\n"
	"\n"
	"  syn       SYNs from addresses that never answer\n"
	"  rst       resets at the live connections of this namespace, sequence numbers guessed\n"
	"  syn-live  SYNs at them\n"
	"  icmp      \"fragmentation needed\" with a tiny MTU about them\n"
	"  tiny      one byte a segment, on connections of its own\n"
	"  ooo       segments behind a hole that is never filled, on connections of its own\n"
	"  ack       acknowledgements of data never sent, on connections of its own\n"
	"\n"
	"  --iface IFACE       where answers arrive\n"
	"  --source ADDR       address of its first connection; must be nobody's, on the link\n"
	"  --connections N     of its own, each at the next address [8]\n"
	"  --hello HEX         what each sends first\n"
	"  --rate PPS          packets per second, 0 as fast as it can [10000]\n"
	"  --seconds S         0: until SIGTERM or SIGINT [0]\n"
	"  --seed N            of all that is random [1]\n"
	"\n"
	"At the end one line of JSON: how many packets, how fast, how many connections.\n"
	"Exit status: 0 done; 1 a socket failed; 2 usage.\n";

static const char *const kind_names[FLOOD_KIND_CNT] = {
	[FLOOD_SYN] = "syn",   [FLOOD_RST] = "rst", [FLOOD_SYN_LIVE] = "syn-live",
	[FLOOD_ICMP] = "icmp", [FLOOD_TINY] = "tiny", [FLOOD_OOO] = "ooo", [FLOOD_ACK] = "ack",
};

struct row {
	const char *name;
	size_t offset;
	uint64_t max;
};

#define OPTION(field) offsetof(struct flood_options, field)
static const struct row rows[] = {
	{"--connections", OPTION(connection_cnt), FLOOD_CONNECTIONS_MAX},
	{"--rate", OPTION(rate_pps), 100000000},
	{"--seconds", OPTION(seconds), 86400},
	{"--seed", OPTION(seed), UINT64_MAX},
};

static int
complain(const char *name, const char *value, const char *expected)
{
	fprintf(stderr, "spillway-flood: %s %s: expected %s\n", name, value, expected);
	return -1;
}

static int
number_read(const struct row *row, const char *value, struct flood_options *options)
{
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || value[0] == '-' || number > row->max)
		return complain(row->name, value, "a smaller number");
	memcpy((char *)options + row->offset, &number, sizeof(number));
	return 0;
}

static int
target_read(struct flood_options *options, const char *value)
{
	const char *colon = strrchr(value, ':');
	char text[INET_ADDRSTRLEN];
	size_t len = colon != NULL ? (size_t)(colon - value) : sizeof(text);
	long port = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;

	if (len >= sizeof(text) || port < 1 || port > UINT16_MAX)
		return complain("--target", value, "ADDR:PORT");
	memcpy(text, value, len);
	text[len] = '\0';
	options->target_port_be = htons((uint16_t)port);
	if (inet_pton(AF_INET, text, &options->target_be) != 1)
		return complain("--target", value, "an IPv4 address before the port");
	return 0;
}

static int
hello_read(struct flood_options *options, const char *value)
{
	size_t i, len = strlen(value);
	unsigned int byte;

	if (len % 2 != 0 || len / 2 > sizeof(options->hello))
		return complain("--hello", value, "up to 128 bytes in hexadecimal");
	for (i = 0; i < len / 2; i++) {
		if (sscanf(value + 2 * i, "%2x", &byte) != 1)
			return complain("--hello", value, "hexadecimal");
		options->hello[i] = (uint8_t)byte;
	}
	options->hello_bytes = (uint32_t)(len / 2);
	return 0;
}

static int
option_read(struct flood_options *options, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return number_read(&rows[i], value, options);
	if (strcmp(name, "--target") == 0)
		return target_read(options, value);
	if (strcmp(name, "--hello") == 0)
		return hello_read(options, value);
	if (strcmp(name, "--source") == 0)
		return inet_pton(AF_INET, value, &options->source_be) == 1
			       ? 0 : complain(name, value, "an IPv4 address");
	if (strcmp(name, "--iface") != 0)
		return complain(name, "", "an option of --help");
	options->ifname = value;
	return 0;
}

static int
kind_read(struct flood_options *options, const char *word)
{
	int i;

	for (i = 0; i < FLOOD_KIND_CNT; i++) {
		if (strcmp(kind_names[i], word) != 0)
			continue;
		options->kind = (enum flood_kind)i;
		return 0;
	}
	return complain("first word", word, "a kind of --help");
}

int
flood_options_read(struct flood_options *options, int argc, char **argv)
{
	int i;

	memset(options, 0, sizeof(*options));
	options->connection_cnt = 8;
	options->rate_pps = 10000;
	options->seed = 1;
	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		fputs(help_text, stdout);
		return argc < 2 ? -1 : 0;
	}
	if (kind_read(options, argv[1]) != 0)
		return -1;
	for (i = 2; i < argc; i += 2) {
		if (i + 1 == argc)
			return complain(argv[i], "", "a value");
		if (option_read(options, argv[i], argv[i + 1]) != 0)
			return -1;
	}
	if (options->target_port_be == 0 || options->ifname == NULL)
		return complain("command line", "", "--target and --iface");
	if (options->kind >= FLOOD_TINY && options->source_be == 0)
		return complain("command line", "", "--source");
	return 1;
}

const char *
flood_options_kind_name(enum flood_kind kind)
{
	return kind_names[kind];
}
