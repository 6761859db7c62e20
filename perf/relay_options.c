/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One table for the program's options, one for the keys of a direction. */
#include "perf/relay_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES_MAX = 32, TEXT_BYTES_MAX = 512 };
#define HOUR_US 3600000000ull
#define TERABIT 1000000000000ull

struct row {
	const char *name;
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *help;
};

#define PATH(field) #field, offsetof(struct relay_path_options, field)
static const struct row path_rows[] = {
	{PATH(delay_us), 0, HOUR_US, "added to every packet, from the end of its serialisation"},
	{PATH(jitter_us), 0, HOUR_US, "on top of it, uniform from 0 to this"},
	{PATH(jitter_reorders), 0, 1, "1: packets overtake each other by jitter; 0: they do not"},
	{PATH(loss_ppm), 0, RELAY_PPM, "lost at random, in packets per million"},
	{PATH(burst_enter_ppm), 0, RELAY_PPM, "Gilbert-Elliott: a packet turns the path bad"},
	{PATH(burst_leave_ppm), 0, RELAY_PPM, "a packet turns it good again"},
	{PATH(burst_loss_ppm), 0, RELAY_PPM, "lost while it is bad; 0 means all"},
	{PATH(reorder_ppm), 0, RELAY_PPM, "held back"},
	{PATH(reorder_packets), 0, RELAY_REORDER_PACKETS_MAX, "until so many later ones passed"},
	{PATH(duplicate_ppm), 0, RELAY_PPM, "arrive twice"},
	{PATH(rate_bps), 0, TERABIT, "bits of Ethernet frames per second; 0: no limit"},
	{PATH(queue_bytes), 0, TERABIT, "queue in front of the rate, tail drop; 0: no limit"},
	{PATH(ecn_bytes), 0, TERABIT, "ECN-capable packets are marked when more is queued"},
	{PATH(mtu_bytes), 0, 65535, "longer IP packets vanish; 0: none does"},
};

#define OPTION(field) offsetof(struct relay_options, field)
static const struct row number_rows[] = {
	{"--seed", OPTION(seed), 0, UINT64_MAX, "of all luck; the same seed, the same fates [1]"},
	{"--memory-mib", OPTION(memory_mib), 1, RELAY_MEMORY_MIB_MAX, "for packets on the way [128]"},
	{"--priority", OPTION(priority), 0, RELAY_PRIORITY_MAX, "SCHED_FIFO priority, 0 none [0]"},
	{"--seconds", OPTION(seconds), 0, UINT32_MAX, "end by itself; 0: only by a signal [0]"},
};

enum { PATH_ROW_CNT = sizeof(path_rows) / sizeof(path_rows[0]),
       NUMBER_ROW_CNT = sizeof(number_rows) / sizeof(number_rows[0]) };

static const char help_head[] =
	"spillway-relay: an impaired path between two interfaces, decided by a seed.\n"
	"\n"
	"  spillway-relay --from IFACE --to IFACE [OPTION VALUE]...\n"
	"\n"
	"Frames are carried between two interfaces of the network namespace it runs in, such as\n"
	"one end each of two veth pairs whose checksum and segmentation offloads are off at all\n"
	"four ends (ethtool -K IFACE tx off tso off gso off gro off).\n"
	"\n"
	"  --from IFACE, --to IFACE   forward is what arrives at the first\n"
	"  --forward KEY=VALUE,...    what befalls packets from the first to the second\n"
	"  --backward KEY=VALUE,...   and the other way; a direction not named is perfect\n";

static const char help_tail[] =
	"\n"
	"The k-th IP packet of a direction meets the same fate in every run of the same seed.\n"
	"Losses strike behind the queue: what is lost has used the wire. Other frames than IP\n"
	"(ARP) take the delay and nothing else. Prints \"ready\" when packets pass; on SIGUSR1 and\n"
	"at the end (SIGTERM, SIGINT) one line of JSON: what befell the packets, how late they\n"
	"left (late_*), and what the relay itself lost (no_memory, not_sent, socket_drops,\n"
	"device_drops, truncated), which is zero when the machine keeps up.\n"
	"Exit status: 0 done; 1 an interface failed; 2 usage.\n";

static void
rows_print(const char *title, const struct row *rows, size_t cnt, int width)
{
	size_t i;

	fputs(title, stdout);
	for (i = 0; i < cnt; i++)
		printf("  %-*s %s\n", width, rows[i].name, rows[i].help);
}

static void
help_print(void)
{
	fputs(help_head, stdout);
	rows_print("", number_rows, NUMBER_ROW_CNT, 26);
	rows_print("\nKeys of a direction:\n", path_rows, PATH_ROW_CNT, 18);
	fputs(help_tail, stdout);
}

static int
number_read(const struct row *row, const char *value, void *base)
{
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || value[0] == '-' || number < row->min ||
	    number > row->max) {
		fprintf(stderr, "spillway-relay: %s %s: expected a number from %" PRIu64
			" to %" PRIu64 "\n", row->name, value, row->min, row->max);
		return -1;
	}
	memcpy((char *)base + row->offset, &number, sizeof(number));
	return 0;
}

static const struct row *
row_find(const struct row *rows, size_t cnt, const char *name)
{
	size_t i;

	for (i = 0; i < cnt; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static int
path_key_read(struct relay_path_options *path, char *word)
{
	char *value = strchr(word, '=');
	const struct row *row;

	if (value != NULL)
		*value++ = '\0';
	row = row_find(path_rows, PATH_ROW_CNT, word);
	if (row == NULL || value == NULL) {
		fprintf(stderr, "spillway-relay: %s: %s (see --help)\n", word,
			row == NULL ? "no such key" : "=VALUE is needed");
		return -1;
	}
	return number_read(row, value, path);
}

int
relay_options_path_read(struct relay_path_options *path, const char *text)
{
	char copy[TEXT_BYTES_MAX];
	char *word, *rest = copy;

	if (strlen(text) >= sizeof(copy)) {
		fprintf(stderr, "spillway-relay: %.40s...: too long\n", text);
		return -1;
	}
	memcpy(copy, text, strlen(text) + 1);
	while ((word = strsep(&rest, ",")) != NULL)
		if (*word != '\0' && path_key_read(path, word) != 0)
			return -1;
	return 0;
}

static int
option_read(struct relay_options *options, const char *name, const char *value)
{
	const struct row *row = row_find(number_rows, NUMBER_ROW_CNT, name);

	if (row != NULL)
		return number_read(row, value, options);
	if (strcmp(name, "--forward") == 0)
		return relay_options_path_read(&options->path[0], value);
	if (strcmp(name, "--backward") == 0)
		return relay_options_path_read(&options->path[1], value);
	if (strcmp(name, "--from") == 0)
		options->ifname[0] = value;
	else if (strcmp(name, "--to") == 0)
		options->ifname[1] = value;
	else
		return fprintf(stderr, "spillway-relay: %s: no such option (see --help)\n", name), -1;
	return 0;
}

int
relay_options_read(struct relay_options *options, int argc, char **argv)
{
	int i;

	memset(options, 0, sizeof(*options));
	options->seed = 1;
	options->memory_mib = RELAY_MEMORY_MIB_DEFAULT;
	for (i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "--help") == 0) {
			help_print();
			return 0;
		}
		if (i + 1 == argc) {
			fprintf(stderr, "spillway-relay: %s: a value is needed (see --help)\n", argv[i]);
			return -1;
		}
		if (option_read(options, argv[i], argv[i + 1]) != 0)
			return -1;
	}
	if (options->ifname[0] == NULL || options->ifname[1] == NULL) {
		fprintf(stderr, "spillway-relay: --from and --to are needed (see --help)\n");
		return -1;
	}
	return 1;
}
