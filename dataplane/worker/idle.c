/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Adaptive polling: hot while there is work, asleep when there is none. A worker that sleeps is
 * woken by its port's descriptor, its ring's, or control's, so that a long sleep costs no peer
 * any time. A port without a descriptor is looked at every IDLE_BLIND_US, and after
 * a second without work every IDLE_DEEP_US. */
#include "dataplane/worker/worker.h"

#include <poll.h>
#include <time.h>

enum {
	IDLE_SPIN_TURNS = 64,      /* empty turns before the first sleep */
	IDLE_PEERS_US = 10000,     /* timeouts of peers are looked at this often */
	IDLE_ALONE_US = 100000,    /* nobody is connected */
	IDLE_BLIND_US = 200,
	IDLE_BLOCKED_US = 100,     /* a full device is offered more this often */
	IDLE_DEEP_TURNS = 5000,    /* a second without work */
	IDLE_DEEP_US = 10000,
};

static uint64_t
sleep_us(const struct worker *worker, bool blind)
{
	uint64_t next_us = MIN(tcp_next_us(worker->tcp), shaper_next_us(&worker->shaper));
	bool alone = worker->sessions.free_cnt == worker->sessions.cnt;
	uint64_t longest_us = alone ? IDLE_ALONE_US : IDLE_PEERS_US;

	if (blind)
		longest_us = worker->idle_cnt < IDLE_DEEP_TURNS ? IDLE_BLIND_US : IDLE_DEEP_US;
	if (next_us <= worker->now_us)
		return 0;
	return MIN(next_us - worker->now_us, longest_us);
}

void
idle_wait(struct worker *worker)
{
	struct pollfd fds[3];
	struct timespec timeout = {0};
	uint64_t wait_us;
	nfds_t cnt = 0;
	int port_fd;

	if (worker->blocked && !worker->busy_poll) {
		timeout.tv_nsec = IDLE_BLOCKED_US * 1000;
		count(&worker->ctr, CTR_sleeps);
		ppoll(NULL, 0, &timeout, NULL);
		return;
	}
	if (worker->busy_poll || worker->idle_cnt < IDLE_SPIN_TURNS) {
		__builtin_ia32_pause();
		return;
	}
	port_fd = port_wait_fd(worker->port);
	wait_us = sleep_us(worker, port_fd < 0);
	if (wait_us == 0)
		return;
	if (port_fd >= 0)
		fds[cnt++] = (struct pollfd){.fd = port_fd, .events = POLLIN};
	if (store_reading(worker->store) > 0)
		fds[cnt++] = (struct pollfd){.fd = store_wait_fd(worker->store), .events = POLLIN};
	fds[cnt++] = (struct pollfd){.fd = control_poll_fd(&worker->control), .events = POLLIN};
	timeout.tv_nsec = (long)wait_us * 1000;
	count(&worker->ctr, CTR_sleeps);
	if (ppoll(fds, cnt, &timeout, NULL) > 0 && fds[cnt - 1].revents != 0)
		worker->housekept_us = 0;
}
