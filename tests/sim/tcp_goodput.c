/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The table of goodput: loss by round-trip time by rate, for each congestion control.
 *
 * usage: sim_tcp_goodput TABLE [--update | --quick] [cc=NAME] [loss=PPM] [rtt=US] [rate=MBPS]
 *        [seed=FIRST] [tso=all]
 *
 * Measures each cell and fails when one is lower than TABLE has it by more than a hundredth. The
 * same code gives the same numbers on every machine. The hundredth is for changes that only move
 * packets in time: they meet other losses of the seed, and a cell whose mean over all the seeds
 * moves by less has not changed. (Other seeds altogether, seed=1000, move cells with loss by one to
 * three hundredths.) A cell that is better is printed, not an error: --update, which
 * tests/sim/update gives, writes what was measured into TABLE. --quick measures the first seed for
 * a short time and compares nothing, for sanitizers.
 * A few cells are measured with a device that cuts packets too: with it a cell may not be lower by
 * more than two hundredths than without.
 * A cell begins with the connection's first byte: slow start is part of it. It ends when
 * MEASURE_BYTES have arrived, no earlier than measure_min_us and no later than MEASURE_MAX_US.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	LOSSES = 5,
	RTTS = 4,
	RATES = 3,
	CELLS = LOSSES * RTTS * RATES,
	SEEDS = 8,
	STEP_US = 1000 * 1000,
	MEASURE_BYTES = 64 << 20,
	QUICK_US = 2 * 1000 * 1000,
	WINDOW_BYTES = 64 << 20,
	TSO_MAX = 65535,
};

static const uint32_t losses_ppm[LOSSES] = {0, 1000, 10000, 30000, 100000};
static const uint32_t rtts_us[RTTS] = {1000, 20000, 100000, 300000};
static const uint32_t rates_mbps[RATES] = {10, 100, 1000};
static const char *const ccs[] = {"cubic", "bbr", "newreno"};

#define MEASURE_MAX_US (3600ull * 1000 * 1000)

struct cell {
	const char *cc;
	uint32_t loss_ppm;
	uint32_t rtt_us;
	uint32_t rate_mbps;
	uint64_t kbps;             /* measured */
	uint64_t tso_kbps;         /* measured with a device that cuts; 0: not */
	uint64_t kept_kbps;        /* as the table has it; 0: not there */
	uint64_t packets;
	double cpu_s;
};

struct options {
	const char *path;
	const char *cc;
	int64_t loss_ppm;          /* -1: all; so are the next two */
	int64_t rtt_us;
	int64_t rate_mbps;
	uint64_t seed;             /* the first */
	bool update;
	bool quick;
	bool tso_all;              /* every cell with a device that cuts */
};

/* the cells measured with a device that cuts, of each congestion control */
static const struct {
	uint32_t loss_ppm;
	uint32_t rtt_us;
	uint32_t rate_mbps;
} tso_cells[] = {
	{0, 1000, 1000}, {0, 20000, 100}, {0, 100000, 1000}, {1000, 20000, 100}, {10000, 1000, 100},
	{10000, 20000, 1000}, {30000, 100000, 10},
};

static double
cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* measure_min_us returns the shortest time a cell runs: long enough for its window to open. */
static uint64_t
measure_min_us(const struct cell *cell)
{
	return MAX(5u * 1000 * 1000, 50ull * cell->rtt_us);
}

/* measure runs one cell with one seed. Returns its goodput in kb/s. */
static uint64_t
measure(struct cell *cell, uint64_t seed, bool quick, uint32_t tso_max)
{
	struct sim_config config = {
		.seed = seed, .flow_cnt = 1, .cc = cell->cc, .wrap = seed & 1, .tso_max = tso_max,
		.flow.receiver.buffer_bytes = WINDOW_BYTES,
	};
	uint64_t min_us = quick ? QUICK_US : measure_min_us(cell);
	uint64_t max_us = quick ? QUICK_US : MEASURE_MAX_US;
	uint64_t us = STEP_US;
	uint64_t kbps;
	struct sim sim;

	sim_link(&config, cell->rate_mbps, cell->rtt_us);
	config.down.loss_ppm = cell->loss_ppm;
	sim_init(&sim, &config);
	for (; us <= max_us; us += STEP_US) {
		sim_run(&sim, us);
		if (us >= min_us && sim.flows[0].receiver.got >= MEASURE_BYTES)
			break;
	}
	kbps = sim.flows[0].receiver.got * 8000 / (sim.lab.now_us - sim.flows[0].open_us);
	cell->packets += sim.packet_cnt;
	dp_assert((tso_max > 0) == (sim.tso_cnt > 0));
	sim_fini(&sim);
	return kbps;
}

/* mean returns the mean goodput over the seeds. */
static uint64_t
mean(struct cell *cell, const struct options *options, uint32_t tso_max)
{
	uint64_t seeds = options->quick || cell->loss_ppm == 0 ? 1 : SEEDS;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < seeds; i++)
		sum += measure(cell, options->seed + i, options->quick, tso_max);
	return sum / seeds;
}

static bool
with_tso(const struct cell *cell, const struct options *options)
{
	for (uint32_t i = 0; i < ARRAY_CNT(tso_cells); i++) {
		if (tso_cells[i].loss_ppm == cell->loss_ppm &&
		    tso_cells[i].rtt_us == cell->rtt_us &&
		    tso_cells[i].rate_mbps == cell->rate_mbps)
			return true;
	}
	return options->tso_all;
}

static void
measure_cell(struct cell *cell, const struct options *options)
{
	double begin_s = cpu_s();

	cell->kbps = mean(cell, options, 0);
	if (with_tso(cell, options))
		cell->tso_kbps = mean(cell, options, TSO_MAX);
	cell->cpu_s = cpu_s() - begin_s;
}

/* ---- the table: cc, loss, RTT, rate, goodput, with tabs between */

static uint32_t
table_make(struct cell *cells)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < ARRAY_CNT(ccs) * CELLS; i++) {
		cells[cnt++] = (struct cell){
			.cc = ccs[i / CELLS],
			.loss_ppm = losses_ppm[i / (RTTS * RATES) % LOSSES],
			.rtt_us = rtts_us[i / RATES % RTTS],
			.rate_mbps = rates_mbps[i % RATES],
		};
	}
	return cnt;
}

static void
table_line(struct cell *cells, uint32_t cnt, const char *line)
{
	uint32_t loss, rtt, rate;
	uint64_t kbps;
	char cc[32];

	if (line[0] == '#')
		return;
	if (sscanf(line, "%31s %u %u %u %lu", cc, &loss, &rtt, &rate, &kbps) != 5) {
		fprintf(stderr, "not a line of the table: %s", line);
		exit(2);
	}
	for (uint32_t i = 0; i < cnt; i++) {
		if (strcmp(cells[i].cc, cc) == 0 && cells[i].loss_ppm == loss &&
		    cells[i].rtt_us == rtt && cells[i].rate_mbps == rate)
			cells[i].kept_kbps = kbps;
	}
}

static void
table_read(struct cell *cells, uint32_t cnt, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256];

	if (f == NULL) {
		perror(path);
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL)
		table_line(cells, cnt, line);
	fclose(f);
}

static bool
table_write(const struct cell *cells, uint32_t cnt, const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		perror(path);
		return false;
	}
	fprintf(f, "# Goodput of one connection; written by tests/sim/update.\n");
	fprintf(f, "#cc\tloss_ppm\trtt_us\trate_mbps\tgoodput_kbps\n");
	for (uint32_t i = 0; i < cnt; i++)
		fprintf(f, "%s\t%u\t%u\t%u\t%lu\n", cells[i].cc, cells[i].loss_ppm, cells[i].rtt_us,
		        cells[i].rate_mbps, cells[i].kbps != 0 ? cells[i].kbps : cells[i].kept_kbps);
	return fclose(f) == 0;
}

/* ---- the verdict */

static bool
wanted(const struct cell *cell, const struct options *options)
{
	return (options->cc == NULL || strcmp(options->cc, cell->cc) == 0) &&
	       (options->loss_ppm < 0 || options->loss_ppm == cell->loss_ppm) &&
	       (options->rtt_us < 0 || options->rtt_us == cell->rtt_us) &&
	       (options->rate_mbps < 0 || options->rate_mbps == cell->rate_mbps);
}

/* judge prints a cell and what is to be said of it. Returns whether it is good enough. */
static bool
judge(const struct cell *cell, const struct options *options)
{
	bool possible = cell->kbps > 0 && cell->kbps <= cell->rate_mbps * 1000ull;
	bool compared = !options->update && !options->quick;
	bool lower = compared && cell->kbps * 100 < cell->kept_kbps * 99;
	bool unknown = compared && cell->kept_kbps == 0;
	bool tso_lower = !options->quick && cell->tso_kbps != 0 &&
	                 cell->tso_kbps * 100 < cell->kbps * 98;
	const char *says = "";

	if (!possible)
		says = "IMPOSSIBLE";
	else if (lower)
		says = "LOWER";
	else if (unknown)
		says = "NOT IN THE TABLE";
	else if (tso_lower)
		says = "LOWER WITH TSO";
	else if (cell->kept_kbps != 0 && cell->kbps * 100 > cell->kept_kbps * 101)
		says = "better";
	printf("%-8s %5.1f %% %4u ms %5u Mb/s  was %8.3f now %8.3f Mb/s  %9lu segments %5.2f s  %s\n",
	       cell->cc, cell->loss_ppm / 1e4, cell->rtt_us / 1000, cell->rate_mbps,
	       (double)cell->kept_kbps / 1000, (double)cell->kbps / 1000, cell->packets, cell->cpu_s,
	       says);
	if (cell->tso_kbps != 0)
		printf("%44s with TSO %8.3f Mb/s\n", "", (double)cell->tso_kbps / 1000);
	fflush(stdout);
	return possible && !lower && !unknown && !tso_lower;
}

static struct options
options_parse(int argc, char **argv)
{
	struct options options = {.loss_ppm = -1, .rtt_us = -1, .rate_mbps = -1, .seed = 1};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--update") == 0)
			options.update = true;
		else if (strcmp(argv[i], "--quick") == 0)
			options.quick = true;
		else if (strncmp(argv[i], "cc=", 3) == 0)
			options.cc = argv[i] + 3;
		else if (strncmp(argv[i], "loss=", 5) == 0)
			options.loss_ppm = atoll(argv[i] + 5);
		else if (strncmp(argv[i], "rtt=", 4) == 0)
			options.rtt_us = atoll(argv[i] + 4);
		else if (strncmp(argv[i], "rate=", 5) == 0)
			options.rate_mbps = atoll(argv[i] + 5);
		else if (strcmp(argv[i], "tso=all") == 0)
			options.tso_all = true;
		else if (strncmp(argv[i], "seed=", 5) == 0)
			options.seed = strtoull(argv[i] + 5, NULL, 10);
		else
			options.path = argv[i];
	}
	if (options.path == NULL) {
		fprintf(stderr, "usage: %s TABLE [--update | --quick] [cc=NAME] [loss=PPM] [rtt=US] "
		        "[rate=MBPS] [seed=FIRST] [tso=all]\n", argv[0]);
		exit(2);
	}
	return options;
}

int
main(int argc, char **argv)
{
	static struct cell cells[ARRAY_CNT(ccs) * CELLS];
	struct options options = options_parse(argc, argv);
	uint32_t cnt = table_make(cells);
	bool good = true;

	table_read(cells, cnt, options.path);
	for (uint32_t i = 0; i < cnt; i++) {
		if (!wanted(&cells[i], &options))
			continue;
		measure_cell(&cells[i], &options);
		good &= judge(&cells[i], &options);
	}
	if (options.update && !table_write(cells, cnt, options.path))
		return 2;
	if (!good)
		printf("goodput fell; if that is meant: tests/sim/update goodput\n");
	return good ? 0 : 1;
}
