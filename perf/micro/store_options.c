/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The command line of store_bench: one table row per option. */
#include "perf/micro/store_bench.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"store_bench: reads blocks of one file through the dataplane's store and tells how fast and\n"
	"for how many cycles.\n"
	"\n"
	"  store_bench --file FILE [OPTION VALUE]...\n"
	"\n"
	"  --file FILE        what is read, with O_DIRECT where the file system has it\n"
	"  --block BYTES      length of a request [16384]\n"
	"  --unit BYTES       length of a read, a power of two [65536]\n"
	"  --run BYTES        asked for in order before a jump to a place drawn at random; 0 is the\n"
	"                     whole file in order; equal to --block, every request is at random\n"
	"                     [1048576]\n"
	"  --peers N          such walks beside each other [32]\n"
	"  --window N         requests in flight of each [8]\n"
	"  --seconds S        [5]\n"
	"  --integrity WHAT   always [default], sampled or off\n"
	"  --arena-mib N      memory for blocks [64]\n"
	"  --huge no|yes      arena of reserved hugepages [no: transparent ones if there are any]\n"
	"  --wait sleep|spin  when nothing has ended [sleep]\n"
	"  --polled no|yes    poll for reads, as far as the file system has it; then nothing sleeps\n"
	"                     [no]\n"
	"  --seed N           of the places [1]\n"
	"  --help\n"
	"\n"
	"Prints one JSON object: mib_per_s is payload; read_mib_per_s what came from the file;\n"
	"read_amplification their ratio; cycles_per_byte the thread's CPU time times the rate of the\n"
	"time stamp counter by bytes of payload, the kernel's part (kernel_cycles_per_byte) in it;\n"
	"fio the command line whose bandwidth is to be compared: the same file, reads of --unit and\n"
	"as many in flight as there were on average here (depth). Spans are given back at once.\n"
	"absent are requests for what the device or the check withdrew.\n"
	"Exit status: 0; 1 a block could not be had; 2 usage.\n";

enum row_kind { ROW_NUMBER, ROW_CHOICE };

struct row {
	const char *name;
	enum row_kind kind;
	size_t offset;
	uint64_t preset;
	uint64_t min;
	uint64_t max;
	const char *const *choices;
};

static const char *const integrity_names[] = {"always", "sampled", "off", NULL};
static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const waits[] = {"sleep", "spin", NULL};

#define NUMBER(name, field, preset, min, max)                                                      \
	{name, ROW_NUMBER, offsetof(struct bench_options, field), preset, min, max, NULL}
#define CHOICE(name, choices) {name, ROW_CHOICE, 0, 0, 0, 0, choices}

static const struct row rows[] = {
	NUMBER("--block", block, 16384, 1, WIRE_REQUEST_LEN_MAX),
	NUMBER("--unit", unit, 65536, ABI_UNIT_MIN, ABI_UNIT_MAX),
	NUMBER("--run", run, 1 << 20, 0, 1 << 30),
	NUMBER("--peers", peers, 32, 1, 65536),
	NUMBER("--window", window, 8, 1, 1024),
	NUMBER("--seconds", seconds, 5, 1, 3600),
	NUMBER("--arena-mib", arena_mib, 64, 1, 1048576),
	NUMBER("--seed", seed, 1, 0, UINT32_MAX),
	CHOICE("--integrity", integrity_names),
	CHOICE("--huge", no_yes),
	CHOICE("--wait", waits),
	CHOICE("--polled", no_yes),
};

static int
complain(const char *name, const char *value)
{
	fprintf(stderr, "store_bench: %s %s: not understood; see --help\n", name, value);
	return -1;
}

static int
set_number(struct bench_options *options, const struct row *row, const char *value)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || number < row->min || number > row->max)
		return complain(row->name, value);
	*(uint64_t *)(void *)((char *)options + row->offset) = number;
	return 0;
}

static int
set_choice(struct bench_options *options, const struct row *row, const char *value)
{
	uint32_t which = 0;

	while (row->choices[which] != NULL && strcmp(row->choices[which], value) != 0)
		which++;
	if (row->choices[which] == NULL)
		return complain(row->name, value);
	if (row->choices == integrity_names)
		options->integrity = (enum store_integrity)which;
	else if (strcmp(row->name, "--huge") == 0)
		options->huge = which == 1;
	else if (strcmp(row->name, "--polled") == 0)
		options->polled = which == 1;
	else
		options->spin = which == 1;
	return 0;
}

static int
set(struct bench_options *options, const char *name, const char *value)
{
	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		return rows[i].kind == ROW_NUMBER ? set_number(options, &rows[i], value)
		                                  : set_choice(options, &rows[i], value);
	}
	if (strcmp(name, "--file") != 0)
		return complain(name, value);
	options->file = value;
	return 0;
}

/* check sees to what no row can tell by itself. */
static int
check(const struct bench_options *options)
{
	if (options->file == NULL)
		return complain("--file", "(none)");
	if ((options->unit & (options->unit - 1)) != 0)
		return complain("--unit", "(no power of two)");
	if (options->run % options->block != 0)
		return complain("--run", "(not whole blocks)");
	return 0;
}

int
bench_options_parse(struct bench_options *options, int argc, char **argv)
{
	*options = (struct bench_options){0};
	for (uint32_t i = 0; i < ARRAY_CNT(rows); i++)
		if (rows[i].kind == ROW_NUMBER)
			*(uint64_t *)(void *)((char *)options + rows[i].offset) = rows[i].preset;
	for (int i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "--help") == 0) {
			options->help = true;
			return 0;
		}
		if (set(options, argv[i], i + 1 < argc ? argv[i + 1] : "") != 0)
			return -1;
	}
	return check(options);
}

void
bench_options_usage(void)
{
	fputs(usage, stdout);
}

const char *
bench_integrity_name(enum store_integrity integrity)
{
	return integrity_names[integrity];
}
