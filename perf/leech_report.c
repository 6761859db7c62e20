/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The summary of a run. */
#include "perf/leech_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* struct report is what both forms print. */
struct report {
	const struct leech_session *session;
	const struct leech_tally *tally;
	double seconds;
	double goodput_bytes_per_s;
	double cpu_user_s;
	double cpu_system_s;
	struct leech_spread all;
	struct leech_spread fast; /* of the connections that do not read slowly */
	struct leech_spread slow;
};

enum which { WHICH_ALL, WHICH_FAST, WHICH_SLOW };

static struct leech_spread
spread_take(const struct leech_session *session, enum which which, uint64_t *payload_bytes,
	    double seconds)
{
	uint32_t cnt = 0;
	uint32_t i;

	for (i = 0; i < session->options->connection_cnt; i++) {
		const struct leech_conn *conn = &session->conns[i];

		if (which == WHICH_ALL || conn->slow == (which == WHICH_SLOW))
			payload_bytes[cnt++] = conn->payload_bytes;
	}
	return leech_spread_of(payload_bytes, cnt, seconds);
}

static struct report
report_make(const struct leech_session *session)
{
	const struct leech_tally *tally = &session->tally;
	uint64_t *bytes = calloc(session->options->connection_cnt, sizeof(*bytes));
	struct report report = {.session = session, .tally = tally};

	report.cpu_user_s = (double)tally->cpu_user_us / 1e6;
	report.cpu_system_s = (double)tally->cpu_system_us / 1e6;
	if (tally->last_payload_us > tally->first_request_us)
		report.seconds = (double)(tally->last_payload_us - tally->first_request_us) / 1e6;
	if (report.seconds > 0)
		report.goodput_bytes_per_s = (double)tally->payload_bytes / report.seconds;
	if (bytes != NULL && report.seconds > 0) {
		report.all = spread_take(session, WHICH_ALL, bytes, report.seconds);
		report.fast = spread_take(session, WHICH_FAST, bytes, report.seconds);
		report.slow = spread_take(session, WHICH_SLOW, bytes, report.seconds);
	}
	free(bytes);
	return report;
}

/* struct named_count is a whole number of the summary. */
struct named_count {
	const char *name;
	uint64_t value;
};

/* ---- JSON */

static void
json_options_print(const struct report *report)
{
	const struct leech_options *options = report->session->options;

	printf("{\"connections\":%u,\"outstanding\":%u,\"block_bytes\":%u,\"order\":\"%s\","
	       "\"verify\":\"%s\",\"seed\":%" PRIu64 ",\"threads\":%u,\"torrents\":%u,"
	       "\"language\":\"%s\",\"carrier\":\"%s\",\"client\":\"%s\",\"reqq\":%u",
	       options->connection_cnt, options->outstanding_cnt, options->block_bytes,
	       leech_options_order_name(options->order),
	       leech_options_verify_name(options->verify), options->seed, options->thread_cnt,
	       report->session->torrent_cnt, options->http ? "http" : "bittorrent",
	       options->port != NULL ? "spillway" : "kernel", report->tally->client,
	       report->tally->reqq);
}

static void
json_counts_print(const struct report *report)
{
	const struct leech_session *session = report->session;
	const struct leech_tally *tally = report->tally;
	const struct named_count counts[] = {
		{"payload_bytes", tally->payload_bytes},
		{"block_cnt", tally->block_cnt},
		{"latency_p50_us", leech_hist_quantile(&tally->last, 0.50)},
		{"latency_p90_us", leech_hist_quantile(&tally->last, 0.90)},
		{"latency_p99_us", leech_hist_quantile(&tally->last, 0.99)},
		{"latency_p99_9_us", leech_hist_quantile(&tally->last, 0.999)},
		{"latency_max_us", tally->last.max_us},
		{"opened_cnt", tally->opened_cnt},
		{"left_cnt", tally->left_cnt},
		{"renewed_cnt", tally->renewed_cnt},
		{"connect_failed_cnt", tally->connect_failed_cnt},
		{"closed_cnt", tally->closed_cnt},
		{"protocol_error_cnt", tally->protocol_error_cnt},
		{"reject_cnt", tally->reject_cnt},
		{"choke_cnt", tally->choke_cnt},
		{"pieces_ok_cnt", session->pieces_ok_cnt},
		{"pieces_failed_cnt", session->pieces_failed_cnt},
		{"pieces_unverified_cnt", session->pieces_unverified_cnt},
	};
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		printf(",\"%s\":%" PRIu64, counts[i].name, counts[i].value);
}

static void
json_spread_print(const char *name, const struct leech_spread *spread)
{
	if (spread->cnt == 0)
		return;
	printf(",\"%s\":{\"connections\":%u,\"min_bytes_per_s\":%.0f,\"median_bytes_per_s\":%.0f,"
	       "\"max_bytes_per_s\":%.0f,\"min_share\":%.4f,\"max_share\":%.4f,\"jain\":%.6f}",
	       name, spread->cnt, spread->min_bytes_per_s, spread->median_bytes_per_s,
	       spread->max_bytes_per_s, spread->min_share, spread->max_share, spread->jain);
}

static void
json_hist_print(const char *name, const struct leech_hist *hist)
{
	printf(",\"%s\":", name);
	leech_hist_json(stdout, hist);
}

static void
json_print(const struct report *report)
{
	json_options_print(report);
	json_counts_print(report);
	printf(",\"seconds\":%.6f,\"goodput_bytes_per_s\":%.0f,"
	       "\"connection_min_bytes_per_s\":%.0f,\"connection_median_bytes_per_s\":%.0f,"
	       "\"connection_max_bytes_per_s\":%.0f,\"jain\":%.6f,"
	       "\"cpu_user_s\":%.6f,\"cpu_system_s\":%.6f",
	       report->seconds, report->goodput_bytes_per_s, report->all.min_bytes_per_s,
	       report->all.median_bytes_per_s, report->all.max_bytes_per_s, report->all.jain,
	       report->cpu_user_s, report->cpu_system_s);
	json_spread_print("fairness", &report->all);
	if (report->slow.cnt > 0) {
		json_spread_print("fairness_fast", &report->fast);
		json_spread_print("fairness_slow", &report->slow);
	}
	json_hist_print("connect", &report->tally->connect);
	json_hist_print("first_byte", &report->tally->first);
	json_hist_print("last_byte", &report->tally->last);
	puts("}");
}

/* ---- for people */

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
troubles_print(const struct report *report)
{
	const struct leech_session *session = report->session;
	const struct leech_tally *tally = report->tally;
	const struct named_count lives[] = {
		{"connections opened", tally->opened_cnt},
		{"left", tally->left_cnt},
		{"renewed", tally->renewed_cnt},
	};
	const struct named_count troubles[] = {
		{"connects failed", tally->connect_failed_cnt},
		{"closed by the seeder", tally->closed_cnt},
		{"protocol errors", tally->protocol_error_cnt},
		{"rejects", tally->reject_cnt},
		{"chokes", tally->choke_cnt},
	};
	const struct named_count pieces[] = {
		{"verified", session->pieces_ok_cnt},
		{"wrong", session->pieces_failed_cnt},
		{"chosen but unverified", session->pieces_unverified_cnt},
	};

	if (tally->left_cnt + tally->renewed_cnt > 0)
		counts_print("lives", lives, sizeof(lives) / sizeof(lives[0]));
	counts_print("troubles", troubles, sizeof(troubles) / sizeof(troubles[0]));
	counts_print("pieces", pieces, sizeof(pieces) / sizeof(pieces[0]));
}

static void
spread_print(const char *title, const struct leech_spread *spread)
{
	const double mib = 1 << 20;

	if (spread->cnt == 0)
		return;
	printf("%-11s min %.2f  median %.2f  max %.2f MiB/s   shares %.2f to %.2f   Jain %.4f\n",
	       title, spread->min_bytes_per_s / mib, spread->median_bytes_per_s / mib,
	       spread->max_bytes_per_s / mib, spread->min_share, spread->max_share, spread->jain);
}

static void
hist_print(const char *title, const struct leech_hist *hist)
{
	printf("%-11s p50 %.3f  p90 %.3f  p99 %.3f  p99.9 %.3f  max %.3f ms\n", title,
	       (double)leech_hist_quantile(hist, 0.50) / 1e3,
	       (double)leech_hist_quantile(hist, 0.90) / 1e3,
	       (double)leech_hist_quantile(hist, 0.99) / 1e3,
	       (double)leech_hist_quantile(hist, 0.999) / 1e3, (double)hist->max_us / 1e3);
}

static void
table_print(const struct report *report)
{
	const struct leech_tally *tally = report->tally;
	const double mib = 1 << 20;
	double cpu_s = report->cpu_user_s + report->cpu_system_s;

	printf("seeder      %s, reqq %u\n",
	       tally->client[0] != '\0' ? tally->client : "(unnamed)", tally->reqq);
	printf("goodput     %.1f MiB/s   %.3f Gb/s   %.1f MiB, %" PRIu64 " blocks in %.2f s\n",
	       report->goodput_bytes_per_s / mib, report->goodput_bytes_per_s * 8 / 1e9,
	       (double)tally->payload_bytes / mib, tally->block_cnt, report->seconds);
	spread_print("connection", &report->all);
	if (report->slow.cnt > 0) {
		spread_print("  fast", &report->fast);
		spread_print("  slow", &report->slow);
	}
	hist_print("connect", &tally->connect);
	hist_print("first byte", &tally->first);
	hist_print("last byte", &tally->last);
	troubles_print(report);
	printf("own CPU     %.2f s (%.2f user, %.2f system)   %.3f s per GB\n", cpu_s,
	       report->cpu_user_s, report->cpu_system_s,
	       tally->payload_bytes > 0 ? cpu_s * 1e9 / (double)tally->payload_bytes : 0.0);
}

void
leech_report_print(const struct leech_session *session)
{
	struct report report = report_make(session);

	if (session->options->json)
		json_print(&report);
	else
		table_print(&report);
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
	if (session->pieces_failed_cnt != 0) {
		fprintf(stderr, "spillway-leech: %" PRIu64 " wrong pieces, the last is %u\n",
			session->pieces_failed_cnt, session->failed_piece);
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
