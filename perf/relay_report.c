/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Every figure of the tallies, by one table for the verdicts and plain lines for the rest. */
#include "perf/relay_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

static const char *const verdict_names[RELAY_VERDICT_CNT] = {
	[RELAY_PASS] = "passed",           [RELAY_LOST_RANDOM] = "lost_random",
	[RELAY_LOST_BURST] = "lost_burst", [RELAY_LOST_QUEUE] = "lost_queue",
	[RELAY_LOST_MTU] = "lost_mtu",
};

static void
number(const char *name, uint64_t value)
{
	printf(", \"%s\": %" PRIu64, name, value);
}

static void
late_print(const struct relay_tally *tally)
{
	number("late", tally->late_cnt);
	number("late_p50_us", leech_hist_quantile(&tally->late, 0.50));
	number("late_p99_us", leech_hist_quantile(&tally->late, 0.99));
	number("late_p99_9_us", leech_hist_quantile(&tally->late, 0.999));
	number("late_max_us", tally->late.max_us);
}

static void
line_print(const struct relay_line *line, struct relay_end *in, const struct relay_end *out)
{
	const struct relay_tally *tally = &line->tally;
	int i;

	relay_end_count(in);
	printf("{\"packets\": %" PRIu64, tally->taken_cnt);
	number("bytes", tally->taken_bytes);
	number("sent", tally->sent_cnt);
	number("sent_bytes", tally->sent_bytes);
	for (i = 0; i < RELAY_VERDICT_CNT; i++)
		number(verdict_names[i], tally->verdict_cnt[i]);
	number("marked", tally->marked_cnt);
	number("duplicated", tally->duplicated_cnt);
	number("held", tally->held_cnt);
	number("not_held", tally->not_held_cnt);
	number("queue_peak_bytes", line->path.queue_peak_bytes);
	late_print(tally);
	number("no_memory", tally->no_memory_cnt);
	number("not_sent", tally->not_sent_cnt);
	number("truncated", in->truncated_cnt);
	number("socket_drops", in->socket_drop_cnt);
	number("device_drops", relay_end_device_drops(out));
	printf("}");
}

static double
cpu_s(void)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void
relay_report_print(const struct relay_line *lines, struct relay_end *ends)
{
	printf("{\"forward\": ");
	line_print(&lines[0], &ends[0], &ends[1]);
	printf(", \"backward\": ");
	line_print(&lines[1], &ends[1], &ends[0]);
	printf(", \"cpu_s\": %.3f}\n", cpu_s());
	fflush(stdout);
}
