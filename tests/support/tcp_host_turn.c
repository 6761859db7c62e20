/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The turn of the test host: as the worker's, without a store, and asleep when there is nothing to
 * do: it shares its processors with what it is measured by. */
#include "tests/support/tcp_host.h"

#include <time.h>

enum {
	SPIN_TURNS = 8,                    /* empty turns before it sleeps */
	CLIENTS_US = 500,                  /* clients are looked at this often while it is busy */
	SLEEP_US = 100 * 1000,
	BLIND_US = 200,                    /* the longest sleep when the port has no descriptor */
};

static uint64_t
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static uint32_t
run_timers(struct host *host)
{
	struct tcp_note notes[NOTES_MAX];
	uint32_t total = 0;
	uint32_t cnt;

	do {
		cnt = tcp_timers(host->tcp, host->now_us, notes, NOTES_MAX);
		for (uint32_t i = 0; i < cnt; i++)
			host_events(host, notes[i].tcb, notes[i].events, HOST_TIMED_OUT);
		total += cnt;
	} while (cnt == NOTES_MAX);
	return total;
}

static void
take_segment(struct host *host, const struct ip_seg *seg)
{
	uint64_t resets = host->ctr.value[CTR_tcp_resets_in];
	uint32_t events;
	struct tcb *tcb = tcp_input(host->tcp, seg, host->now_us, &events);

	if (tcb == NULL)
		return;
	host_events(host, tcb, events,
	            host->ctr.value[CTR_tcp_resets_in] > resets ? HOST_RESET : HOST_CLOSED);
}

static void
take_error(struct host *host, const struct ip_icmp *err)
{
	uint32_t events;
	struct tcb *tcb = tcp_icmp(host->tcp, err, host->now_us, &events);

	if (tcb != NULL)
		host_events(host, tcb, events, HOST_CLOSED);
}

static uint32_t
receive(struct host *host)
{
	struct pkt_in pkts[BURST_MAX];
	uint16_t cnt = port_rx_burst(host->port, pkts, BURST_MAX);
	struct ip_seg seg;
	uint32_t reply_len;

	for (uint16_t i = 0; i < cnt; i++) {
		if (neighbour_input(&host->neighbours, &pkts[i], host->now_us))
			continue;
		switch (ip_input(&host->local, &host->ctr, &pkts[i], &seg, &reply_len)) {
		case IP_TCP:
			take_segment(host, &seg);
			break;
		case IP_ICMP:
			take_error(host, &seg.icmp);
			break;
		case IP_REPLY:
			port_tx_reply(host->port, &pkts[i], reply_len);
			break;
		case IP_DROP:
			break;
		}
	}
	if (cnt > 0)
		port_rx_free(host->port, pkts, cnt);
	return cnt;
}

static uint32_t
transmit(struct host *host)
{
	struct pkt_out pkts[BURST_MAX];
	uint16_t room = port_tx_room(host->port);
	uint16_t cnt;

	cnt = neighbour_output(&host->neighbours, pkts, room, host->now_us);
	if (room > cnt && tcp_output_pending(host->tcp))
		cnt += tcp_output(host->tcp, pkts + cnt, room - cnt, host->now_us);
	if (cnt == 0)
		return port_tx_flush(host->port);
	port_tx_burst(host->port, pkts, cnt);
	return cnt;
}

static void
idle(struct host *host)
{
	uint64_t next_us = MIN(tcp_next_us(host->tcp), neighbour_next_us(&host->neighbours));
	uint64_t longest_us = port_wait_fd(host->port) < 0 ? BLIND_US : SLEEP_US;

	if (host->idle_cnt++ < SPIN_TURNS)
		__builtin_ia32_pause();
	else if (next_us > host->now_us)
		host_clients_poll(host, MIN(next_us - host->now_us, longest_us));
}

static uint32_t
turn(struct host *host)
{
	uint32_t work;

	host->now_us = clock_us();
	work = run_timers(host);
	work += receive(host);
	host_pump(host);
	work += transmit(host);
	host_clients_wake(host);
	return work;
}

void
host_run(struct host *host)
{
	while (!*host->stop) {
		uint32_t work = turn(host);

		if (work == 0)
			idle(host);
		else
			host->idle_cnt = 0;
		if (host->now_us - host->polled_us >= CLIENTS_US)
			host_clients_poll(host, 0);
	}
}

void
host_goodbye(struct host *host)
{
	for (uint32_t i = 0; i < HOST_CONNS_MAX; i++) {
		if (host->conns[i].tcb != NULL)
			host_abort(host, &host->conns[i]);
	}
	for (uint32_t i = 0; i < HOST_CONNECTIONS_MAX && tcp_output_pending(host->tcp); i++)
		transmit(host);
	port_tx_flush(host->port);
}
