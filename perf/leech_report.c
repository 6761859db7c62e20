/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The summary of a run. */
#include "perf/leech_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>


/* struct report is what both forms print. */
struct report {
	double seconds;
	double goodput_bytes_per_s;
	double cpu_user_s;
	double cpu_system_s;
	struct leech_spread spread;
	uint64_t p50_us;
	uint64_t p99_us;
	uint64_t p999_us;
};

static int
bytes_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

struct leech_spread
leech_spread_of(uint64_t *payload_bytes, uint32_t cnt, double seconds)
{
	struct leech_spread spread;
	double sum = 0, sum_of_squares = 0;
	uint32_t i;

	qsort(payload_bytes, cnt, sizeof(*payload_bytes), bytes_compare);
	for (i = 0; i < cnt; i++) {
		sum += (double)payload_bytes[i];
		sum_of_squares += (double)payload_bytes[i] * (double)payload_bytes[i];
	}
	spread.min_bytes_per_s = (double)payload_bytes[0] / seconds;
	spread.max_bytes_per_s = (double)payload_bytes[cnt - 1] / seconds;
	spread.median_bytes_per_s = ((double)payload_bytes[(cnt - 1) / 2] +
				     (double)payload_bytes[cnt / 2]) / 2 / seconds;
	spread.jain = sum > 0 ? sum * sum / (cnt * sum_of_squares) : 0;
	return spread;
}

static double
timeval_s(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

static struct report
report_make(const struct leech_session *session)
{
	const struct leech_tally *tally = &session->tally;
	uint32_t i, cnt = session->options->connection_cnt;
	uint64_t *payload_bytes = calloc(cnt, sizeof(*payload_bytes));
	struct rusage usage = {0};
	struct report report = {0};

	getrusage(RUSAGE_SELF, &usage);
	report.cpu_user_s = timeval_s(usage.ru_utime);
	report.cpu_system_s = timeval_s(usage.ru_stime);
	if (tally->last_payload_us > tally->first_request_us)
		report.seconds = (double)(tally->last_payload_us - tally->first_request_us) / 1e6;
	if (report.seconds > 0)
		report.goodput_bytes_per_s = (double)tally->payload_bytes / report.seconds;
	report.p50_us = leech_hist_quantile(&tally->latency, 0.50);
	report.p99_us = leech_hist_quantile(&tally->latency, 0.99);
	report.p999_us = leech_hist_quantile(&tally->latency, 0.999);
	for (i = 0; payload_bytes != NULL && i < cnt; i++)
		payload_bytes[i] = session->conns[i].payload_bytes;
	if (payload_bytes != NULL && report.seconds > 0)
		report.spread = leech_spread_of(payload_bytes, cnt, report.seconds);
	free(payload_bytes);
	return report;
}

/* struct named_count is a whole number of the summary; its name is the JSON key. */
struct named_count {
	const char *name;
	uint64_t value;
};

static void
json_counts_print(const struct leech_session *session, const struct report *report)
{
	const struct leech_tally *tally = &session->tally;
	const struct named_count counts[] = {
		{"payload_bytes", tally->payload_bytes},
		{"block_cnt", tally->block_cnt},
		{"latency_p50_us", report->p50_us},
		{"latency_p99_us", report->p99_us},
		{"latency_p99_9_us", report->p999_us},
		{"latency_max_us", tally->latency.max_us},
		{"connect_failed_cnt", tally->connect_failed_cnt},
		{"closed_cnt", tally->closed_cnt},
		{"protocol_error_cnt", tally->protocol_error_cnt},
		{"reject_cnt", tally->reject_cnt},
		{"choke_cnt", tally->choke_cnt},
		{"pieces_ok_cnt", session->pool.ok_cnt},
		{"pieces_failed_cnt", session->pool.failed_cnt},
		{"pieces_unverified_cnt", session->pool.unverified_cnt},
	};
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		printf(",\"%s\":%" PRIu64, counts[i].name, counts[i].value);
}

static void
json_print(const struct leech_session *session, const struct report *report)
{
	const struct leech_options *options = session->options;

	printf("{\"connections\":%u,\"outstanding\":%u,\"block_bytes\":%u,\"order\":\"%s\","
	       "\"verify\":\"%s\",\"seed\":%" PRIu64 ",\"client\":\"%s\",\"reqq\":%u",
	       options->connection_cnt, options->outstanding_cnt, options->block_bytes,
	       leech_options_order_name(options->order),
	       leech_options_verify_name(options->verify), options->seed,
	       session->tally.client, session->tally.reqq);
	json_counts_print(session, report);
	printf(",\"seconds\":%.6f,\"goodput_bytes_per_s\":%.0f,"
	       "\"connection_min_bytes_per_s\":%.0f,\"connection_median_bytes_per_s\":%.0f,"
	       "\"connection_max_bytes_per_s\":%.0f,\"jain\":%.6f,"
	       "\"cpu_user_s\":%.6f,\"cpu_system_s\":%.6f}\n",
	       report->seconds, report->goodput_bytes_per_s, report->spread.min_bytes_per_s,
	       report->spread.median_bytes_per_s, report->spread.max_bytes_per_s,
	       report->spread.jain, report->cpu_user_s, report->cpu_system_s);
}

static void
counts_print(const char *title, const struct named_count *counts, size_t cnt)
{
	size_t i;

	printf("%-11s", title);
	for (i = 0; i < cnt; i++)
		printf("%s %" PRIu64 " %s", i == 0 ? "" : ",", counts[i].value, counts[i].name);
	putchar('\n');
}

static void
troubles_print(const struct leech_session *session)
{
	const struct leech_tally *tally = &session->tally;
	const struct named_count troubles[] = {
		{"connects failed", tally->connect_failed_cnt},
		{"closed by the seeder", tally->closed_cnt},
		{"protocol errors", tally->protocol_error_cnt},
		{"rejects", tally->reject_cnt},
		{"chokes", tally->choke_cnt},
	};
	const struct named_count pieces[] = {
		{"verified", session->pool.ok_cnt},
		{"wrong", session->pool.failed_cnt},
		{"chosen but unverified", session->pool.unverified_cnt},
	};

	counts_print("troubles", troubles, sizeof(troubles) / sizeof(troubles[0]));
	counts_print("pieces", pieces, sizeof(pieces) / sizeof(pieces[0]));
}

static void
table_print(const struct leech_session *session, const struct report *report)
{
	const struct leech_tally *tally = &session->tally;
	const double mib = 1 << 20;

	printf("seeder      %s, reqq %u\n",
	       tally->client[0] != '\0' ? tally->client : "(unnamed)", tally->reqq);
	printf("goodput     %.1f MiB/s   %.3f Gb/s   %.1f MiB in %.2f s\n",
	       report->goodput_bytes_per_s / mib, report->goodput_bytes_per_s * 8 / 1e9,
	       (double)tally->payload_bytes / mib, report->seconds);
	printf("connection  min %.2f  median %.2f  max %.2f MiB/s   Jain %.4f\n",
	       report->spread.min_bytes_per_s / mib, report->spread.median_bytes_per_s / mib,
	       report->spread.max_bytes_per_s / mib, report->spread.jain);
	printf("latency     p50 %.3f  p99 %.3f  p99.9 %.3f  max %.3f ms   %" PRIu64 " blocks\n",
	       (double)report->p50_us / 1e3, (double)report->p99_us / 1e3,
	       (double)report->p999_us / 1e3, (double)tally->latency.max_us / 1e3,
	       tally->block_cnt);
	troubles_print(session);
	printf("own CPU     %.2f s (%.2f user, %.2f system)\n",
	       report->cpu_user_s + report->cpu_system_s, report->cpu_user_s,
	       report->cpu_system_s);
}

void
leech_report_print(const struct leech_session *session)
{
	struct report report = report_make(session);

	if (session->options->json)
		json_print(session, &report);
	else
		table_print(session, &report);
}

int
leech_report_status(const struct leech_session *session)
{
	const struct leech_tally *tally = &session->tally;
	int status = 0;

	if (tally->connect_failed_cnt != 0)
		fprintf(stderr, "spillway-leech: %" PRIu64 " connects failed: %s\n",
			tally->connect_failed_cnt,
			tally->connect_errno != 0 ? strerror(tally->connect_errno) : "no answer");
	if (tally->protocol_error_cnt != 0)
		fprintf(stderr, "spillway-leech: protocol error: %s\n", tally->protocol_error);
	if (session->pool.failed_cnt != 0) {
		fprintf(stderr, "spillway-leech: %" PRIu64 " wrong pieces, the last is %u\n",
			session->pool.failed_cnt, session->pool.failed_piece);
		status = 1;
	}
	if (tally->payload_bytes == 0) {
		fprintf(stderr, "spillway-leech: the seeder served nothing\n");
		status = 1;
	} else if (tally->payload_bytes < session->options->bytes) {
		fprintf(stderr, "spillway-leech: only %" PRIu64 " of %" PRIu64 " bytes came\n",
			tally->payload_bytes, session->options->bytes);
		status = 1;
	}
	return status;
}
