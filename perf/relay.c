/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway-relay: the turn of the relay: take what arrived, send what is due, wait.
 *
 * The kernel's stamp says when a frame arrived, so a nap that is shorter than the path's delay
 * makes nothing late. Packets that are due within BATCH_NS leave together; the last SPIN_NS before
 * a departure are spun, as no sleep ends that precisely. */
#include "perf/relay_end.h"
#include "perf/relay_line.h"
#include "perf/relay_options.h"
#include "perf/relay_report.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };
enum { BATCH_NS = 40000, SPIN_NS = 15000, NAP_NS = 500000, NAP_MIN_NS = 60000 };
enum { BUSY_TURNS = 256 };
#define NS_PER_S 1000000000ull

struct relay {
	struct relay_end ends[2];
	struct relay_line lines[2]; /* line i leads from end i to the other */
	struct relay_pool pool;
	uint64_t delay_min_ns; /* of both lines */
	uint64_t end_ns;
	uint64_t busy_cnt; /* turns without a sleep */
	sigset_t waiting; /* the signals let in while it waits */
};

static volatile sig_atomic_t stop_wanted;
static volatile sig_atomic_t report_wanted;

static void
on_signal(int number)
{
	if (number == SIGUSR1)
		report_wanted = 1;
	else
		stop_wanted = 1;
}

/* Returns the number taken, or -1. */
static int
take(struct relay *relay, int side)
{
	struct relay_packet *packets[RELAY_BURST_MAX];
	uint32_t i, cnt = 0;
	int got;

	while (cnt < RELAY_BURST_MAX && (packets[cnt] = relay_pool_take(&relay->pool)) != NULL)
		cnt++;
	if (cnt == 0)
		return 0;
	got = relay_end_take(&relay->ends[side], packets, cnt);
	for (i = 0; i < cnt; i++)
		if (got > 0 && i < (uint32_t)got)
			relay_line_add(&relay->lines[side], packets[i]);
		else
			relay_pool_give(&relay->pool, packets[i]);
	return got;
}

static uint32_t
release(struct relay *relay, int side)
{
	struct relay_packet *packets[RELAY_BURST_MAX];
	struct relay_line *line = &relay->lines[side];
	uint32_t i, sent, cnt = relay_line_due(line, relay_now_ns(), packets, RELAY_BURST_MAX);

	if (cnt == 0)
		return 0;
	sent = relay_end_give(&relay->ends[!side], packets, cnt);
	line->tally.sent_cnt += sent;
	line->tally.not_sent_cnt += cnt - sent;
	for (i = 0; i < cnt; i++) {
		line->tally.sent_bytes += i < sent ? packets[i]->frame_bytes : 0;
		relay_pool_give(&relay->pool, packets[i]);
	}
	return cnt;
}

/* Sleeps until the time, or until a frame arrives when asked to look at the interfaces. */
static void
sleep_until(struct relay *relay, uint64_t until_ns, bool look)
{
	struct pollfd fds[2] = {{.fd = relay->ends[0].fd, .events = POLLIN},
				{.fd = relay->ends[1].fd, .events = POLLIN}};
	uint64_t now_ns = relay_now_ns();
	uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
	struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
				.tv_nsec = (long)(left_ns % NS_PER_S)};

	ppoll(fds, look ? 2 : 0, &left, &relay->waiting);
}

static void
wait_for_work(struct relay *relay)
{
	uint64_t now_ns = relay_now_ns();
	uint64_t forward_ns = relay_line_next_ns(&relay->lines[0]);
	uint64_t next_ns = relay_line_next_ns(&relay->lines[1]);
	bool napping;

	if (forward_ns < next_ns)
		next_ns = forward_ns;
	if (next_ns == UINT64_MAX) {
		sleep_until(relay, now_ns + NS_PER_S, true);
		return;
	}
	/* Without a delay to hide behind, arrivals end the sleep. */
	napping = relay->delay_min_ns >= NAP_MIN_NS;
	if (napping && next_ns > now_ns + NAP_NS)
		next_ns = now_ns + NAP_NS;
	if (napping && next_ns > now_ns + relay->delay_min_ns)
		next_ns = now_ns + relay->delay_min_ns;
	if (next_ns < now_ns + BATCH_NS)
		next_ns = now_ns + BATCH_NS;
	sleep_until(relay, next_ns - SPIN_NS, !napping);
	while (napping && relay_now_ns() < next_ns)
		__builtin_ia32_pause();
}

/* There is no time to sleep; a signal may still end it. */
static void
signals_let_in(struct relay *relay)
{
	if (++relay->busy_cnt % BUSY_TURNS == 0)
		sleep_until(relay, 0, false);
}

static int
relay_turn(struct relay *relay)
{
	int forward = take(relay, 0);
	int backward = take(relay, 1);
	uint32_t sent;

	if (forward < 0 || backward < 0)
		return -1;
	sent = release(relay, 0) + release(relay, 1);
	if (report_wanted) {
		report_wanted = 0;
		relay_report_print(relay->lines, relay->ends);
	}
	if (forward == RELAY_BURST_MAX || backward == RELAY_BURST_MAX || sent >= RELAY_BURST_MAX)
		signals_let_in(relay);
	else
		wait_for_work(relay);
	return 0;
}

static int
relay_open(struct relay *relay, const struct relay_options *options)
{
	uint64_t packets = options->memory_mib * (1 << 20) / sizeof(struct relay_packet);
	int i;

	relay->ends[0].fd = relay->ends[1].fd = -1;
	if (relay_pool_init(&relay->pool, (uint32_t)packets) != 0 ||
	    relay_line_init(&relay->lines[0], &relay->pool, &options->path[0],
			    2 * options->seed) != 0 ||
	    relay_line_init(&relay->lines[1], &relay->pool, &options->path[1],
			    2 * options->seed + 1) != 0) {
		fprintf(stderr, "spillway-relay: no memory for %u packets\n", (unsigned)packets);
		return -1;
	}
	relay->delay_min_ns = UINT64_MAX;
	for (i = 0; i < 2; i++) {
		uint64_t delay_ns = relay_path_delay_min_ns(&relay->lines[i].path);

		if (delay_ns < relay->delay_min_ns)
			relay->delay_min_ns = delay_ns;
		if (relay_end_open(&relay->ends[i], options->ifname[i]) != 0)
			return -1;
	}
	return 0;
}

static void
relay_close(struct relay *relay)
{
	int i;

	for (i = 0; i < 2; i++) {
		relay_end_close(&relay->ends[i]);
		relay_line_fini(&relay->lines[i]);
	}
	relay_pool_fini(&relay->pool);
}

/* The signals are let in only while the relay sleeps. */
static void
signals_prepare(struct relay *relay)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1};
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t held;
	size_t i;

	sigemptyset(&held);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], &action, NULL);
		sigaddset(&held, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &held, &relay->waiting);
}

static void
timing_prepare(const struct relay_options *options)
{
	struct sched_param param = {.sched_priority = (int)options->priority};

	prctl(PR_SET_TIMERSLACK, 1);
	if (options->priority != 0 && sched_setscheduler(0, SCHED_FIFO, &param) != 0)
		fprintf(stderr, "spillway-relay: --priority: %s; going on without\n",
			strerror(errno));
}

int
main(int argc, char **argv)
{
	static struct relay relay;
	struct relay_options options;
	int go = relay_options_read(&options, argc, argv);
	int status = STATUS_FAILED;

	if (go <= 0)
		return go == 0 ? EXIT_SUCCESS : STATUS_USAGE;
	signals_prepare(&relay);
	timing_prepare(&options);
	if (relay_open(&relay, &options) == 0) {
		status = EXIT_SUCCESS;
		relay.end_ns = options.seconds != 0 ? relay_now_ns() + options.seconds * NS_PER_S
						    : UINT64_MAX;
		puts("ready");
		fflush(stdout);
		while (!stop_wanted && status == EXIT_SUCCESS && relay_now_ns() < relay.end_ns)
			status = relay_turn(&relay) == 0 ? EXIT_SUCCESS : STATUS_FAILED;
		relay_report_print(relay.lines, relay.ends);
	}
	relay_close(&relay);
	return status;
}
