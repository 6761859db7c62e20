/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The command line of spillway-kernelflow: one table row per number. */
#include "perf/paths_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_head[] =
	"spillway-kernelflow: bulk TCP flows by the kernel's own stack, to compare with.\n"
	"\n"
	"  spillway-kernelflow send --listen ADDR:PORT [--cc NAME] [OPTION VALUE]...\n"
	"  spillway-kernelflow recv --connect ADDR:PORT [OPTION VALUE]...\n"
	"\n"
	"send takes connections and sends zeros on each, until the other side closes or the bytes\n"
	"are sent. recv connects, reads and counts. Both print one line of JSON at the end, send\n"
	"also \"ready\" when it listens.\n"
	"\n"
	"  --cc NAME          send: congestion control, such as cubic or bbr\n";

static const char help_tail[] =
	"\n"
	"Goodput is counted from the first byte of the first flow, or from --skip-ms after it, to\n"
	"the end: --seconds later, or the last byte of --bytes.\n"
	"Exit status: 0 done; 1 a connection failed, a flow ended early, or a byte was not zero;\n"
	"2 usage; 3 the kernel has no such congestion control.\n";

struct row {
	const char *name;
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *help;
};

#define OPTION(field) offsetof(struct paths_options, field)
static const struct row rows[] = {
	{"--flows", OPTION(flow_cnt), 1, PATHS_FLOWS_MAX, "connections at once [1]"},
	{"--seconds", OPTION(seconds), 1, 86400, "recv: end so long after the first byte"},
	{"--bytes", OPTION(bytes), 1, UINT64_MAX / 2, "end after so many bytes of each flow"},
	{"--skip-ms", OPTION(skip_ms), 0, 86400000, "recv: start-up that goodput leaves out [0]"},
	{"--window-ms", OPTION(window_ms), 1, 86400000, "recv: report bytes for each so long"},
	{"--rcvbuf", OPTION(rcvbuf_bytes), 1, INT32_MAX, "recv: SO_RCVBUF in bytes [tuned]"},
	{"--check", OPTION(check), 0, 1, "recv: 1 looks at every byte [0: dropped uncopied]"},
};

enum { ROW_CNT = sizeof(rows) / sizeof(rows[0]) };

static void
help_print(void)
{
	size_t i;

	fputs(help_head, stdout);
	for (i = 0; i < ROW_CNT; i++)
		printf("  %-18s %s\n", rows[i].name, rows[i].help);
	fputs(help_tail, stdout);
}

static int
complain(const char *name, const char *value, const char *expected)
{
	fprintf(stderr, "spillway-kernelflow: %s %s: expected %s\n", name, value, expected);
	return -1;
}

static int
number_read(const struct row *row, const char *value, struct paths_options *options)
{
	char expected[80];
	char *end;
	uint64_t number;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno == 0 && end != value && *end == '\0' && value[0] != '-' && number >= row->min &&
	    number <= row->max) {
		memcpy((char *)options + row->offset, &number, sizeof(number));
		return 0;
	}
	snprintf(expected, sizeof(expected), "a number from %" PRIu64 " to %" PRIu64, row->min,
		 row->max);
	return complain(row->name, value, expected);
}

static int
address_read(struct paths_options *options, const char *name, const char *value)
{
	const char *colon = strrchr(value, ':');
	char text[INET_ADDRSTRLEN];
	size_t len = colon != NULL ? (size_t)(colon - value) : sizeof(text);
	long port = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;

	if (len >= sizeof(text) || port < 1 || port > UINT16_MAX)
		return complain(name, value, "ADDR:PORT");
	memcpy(text, value, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, &options->address.sin_addr) != 1)
		return complain(name, value, "an IPv4 address before the port");
	options->address.sin_family = AF_INET;
	options->address.sin_port = htons((uint16_t)port);
	return 0;
}

static int
option_read(struct paths_options *options, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < ROW_CNT; i++)
		if (strcmp(rows[i].name, name) == 0)
			return number_read(&rows[i], value, options);
	if (strcmp(name, options->role == PATHS_SEND ? "--listen" : "--connect") == 0)
		return address_read(options, name, value);
	if (strcmp(name, "--cc") == 0 && strlen(value) < sizeof(options->cc)) {
		strcpy(options->cc, value);
		return 0;
	}
	fprintf(stderr, "spillway-kernelflow: %s: no such option (see --help)\n", name);
	return -1;
}

static int
role_read(struct paths_options *options, const char *word)
{
	if (strcmp(word, "send") == 0)
		options->role = PATHS_SEND;
	else if (strcmp(word, "recv") == 0)
		options->role = PATHS_RECV;
	else
		return complain("first word", word, "send or recv");
	return 0;
}

int
paths_options_read(struct paths_options *options, int argc, char **argv)
{
	int i;

	memset(options, 0, sizeof(*options));
	options->flow_cnt = 1;
	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		help_print();
		return argc < 2 ? -1 : 0;
	}
	if (role_read(options, argv[1]) != 0)
		return -1;
	for (i = 2; i < argc; i += 2) {
		if (i + 1 == argc)
			return complain(argv[i], "", "a value");
		if (option_read(options, argv[i], argv[i + 1]) != 0)
			return -1;
	}
	if (options->address.sin_port == 0)
		return complain("address", "", "--listen or --connect ADDR:PORT");
	if (options->role == PATHS_RECV && options->seconds == 0 && options->bytes == 0)
		return complain("--seconds", "", "it or --bytes");
	return 1;
}
