/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway-flood: packets in batches, at a rate, until told to stop. */
#include "perf/flood_conn.h"
#include "perf/flood_live.h"
#include "perf/flood_options.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };
enum { BATCH_MAX = 64, PAUSE_US = 1000, LEAVE_TURNS = 3, LEAVE_US = 30000 };

struct flood {
	struct flood_options options;
	int raw;
	uint64_t begin_us;
	uint64_t made_cnt;   /* counts against the rate */
	uint64_t sent_cnt;
	uint64_t refused_cnt; /* by our own kernel */
	struct flood_conns conns;
	struct flood_live live;
	struct flood_packet packets[BATCH_MAX];
};

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	(void)number;
	stop = 1;
}

static uint64_t
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000ull + (uint64_t)ts.tv_nsec / 1000;
}

/* How many packets the rate lets go now. What could not go in time is not made up for beyond a
 * batch. */
static uint32_t
flood_allowance(struct flood *flood, uint64_t now_us)
{
	uint64_t due_cnt;

	if (flood->options.rate_pps == 0)
		return BATCH_MAX;
	due_cnt = (now_us - flood->begin_us) * flood->options.rate_pps / 1000000;
	if (due_cnt <= flood->made_cnt)
		return 0;
	if (due_cnt - flood->made_cnt > flood->options.rate_pps / 100 + BATCH_MAX)
		flood->made_cnt = due_cnt - BATCH_MAX;
	return due_cnt - flood->made_cnt < BATCH_MAX ? (uint32_t)(due_cnt - flood->made_cnt)
						     : BATCH_MAX;
}

static uint32_t
flood_make(struct flood *flood, uint32_t max, uint64_t now_us)
{
	bool own = flood->options.kind >= FLOOD_TINY;
	uint32_t cnt = 0;

	while (cnt < max && (own ? flood_conns_next(&flood->conns, now_us, &flood->packets[cnt])
				 : flood_live_next(&flood->live, now_us, &flood->packets[cnt])))
		cnt++;
	return cnt;
}

static void
flood_send(struct flood *flood, uint32_t cnt)
{
	struct mmsghdr messages[BATCH_MAX];
	struct iovec vectors[BATCH_MAX];
	uint32_t i;
	int sent;

	memset(messages, 0, cnt * sizeof(*messages));
	for (i = 0; i < cnt; i++) {
		vectors[i].iov_base = flood->packets[i].data;
		vectors[i].iov_len = flood->packets[i].bytes;
		messages[i].msg_hdr.msg_name = &flood->packets[i].to;
		messages[i].msg_hdr.msg_namelen = sizeof(flood->packets[i].to);
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(flood->raw, messages, cnt, 0);
	flood->made_cnt += cnt;
	flood->sent_cnt += sent > 0 ? (uint64_t)sent : 0;
	flood->refused_cnt += cnt - (sent > 0 ? (uint64_t)sent : 0);
}

static void
flood_turn(struct flood *flood)
{
	uint64_t now_us = clock_us();
	uint32_t cnt = flood_allowance(flood, now_us);

	flood_conns_take(&flood->conns);
	if (cnt > 0)
		cnt = flood_make(flood, cnt, now_us);
	if (cnt > 0)
		flood_send(flood, cnt);
	else
		usleep(PAUSE_US);
}

/* Several times, as each answer tells better what number the target expects. */
static void
flood_leave(struct flood *flood)
{
	uint32_t i, cnt;
	int turn;

	for (turn = 0; turn < LEAVE_TURNS; turn++) {
		usleep(LEAVE_US);
		flood_conns_take(&flood->conns);
		for (i = 0, cnt = 0; i < flood->options.connection_cnt && cnt < BATCH_MAX; i++)
			cnt += flood_conns_leave(&flood->conns, i, &flood->packets[cnt]);
		if (cnt > 0)
			flood_send(flood, cnt);
	}
}

static void
flood_report(const struct flood *flood)
{
	double seconds = (double)(clock_us() - flood->begin_us) / 1e6;

	printf("{\"flood\": \"%s\", \"sent\": %" PRIu64 ", \"seconds\": %.3f, \"rate_pps\": %.0f"
	       ", \"refused\": %" PRIu64 ", \"answers\": %" PRIu64 ", \"opened\": %" PRIu64
	       ", \"reset\": %" PRIu64 ", \"live_peak\": %u}\n",
	       flood_options_kind_name(flood->options.kind), flood->sent_cnt, seconds,
	       (double)flood->sent_cnt / seconds, flood->refused_cnt, flood->conns.answer_cnt,
	       flood->conns.opened_cnt, flood->conns.reset_cnt, flood->live.peak_cnt);
	fflush(stdout);
}

static int
flood_run(struct flood *flood)
{
	uint64_t seconds = flood->options.seconds;

	flood->raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (flood->raw < 0) {
		fprintf(stderr, "spillway-flood: raw socket: %s\n", strerror(errno));
		return STATUS_FAILED;
	}
	if (flood_conns_init(&flood->conns, &flood->options) != 0)
		return STATUS_FAILED;
	flood_live_init(&flood->live, &flood->options);
	flood->begin_us = clock_us();
	while (!stop && (seconds == 0 || clock_us() - flood->begin_us < seconds * 1000000))
		flood_turn(flood);
	flood_report(flood);
	flood_leave(flood);
	flood_conns_fini(&flood->conns);
	close(flood->raw);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	static struct flood flood;
	struct sigaction action = {.sa_handler = on_signal};
	int go = flood_options_read(&flood.options, argc, argv);

	if (go <= 0)
		return go == 0 ? EXIT_SUCCESS : STATUS_USAGE;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	return flood_run(&flood);
}
