/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The worker's turn. Each step returns how much it found to do; a turn that found nothing is
 * followed by idle_wait. */
#include "dataplane/worker/relief.h"

#include <time.h>

static uint64_t
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

static uint32_t
run_timers(struct worker *worker)
{
	struct tcp_note notes[NOTES_MAX];
	uint32_t total = 0;
	uint32_t cnt;

	do {
		cnt = tcp_timers(worker->tcp, worker->now_us, notes, NOTES_MAX);
		for (uint32_t i = 0; i < cnt; i++)
			session_events(worker, notes[i].tcb, notes[i].events);
		total += cnt;
	} while (cnt == NOTES_MAX);
	return total;
}

/* take_packet looks at one frame. Returns whether *seg is a TCP segment, for later. */
static bool
take_packet(struct worker *worker, struct pkt_in *pkt, struct ip_seg *seg)
{
	struct tcb *tcb;
	uint32_t reply_len;
	uint32_t events;

	switch (ip_input(&worker->local, &worker->ctr, pkt, seg, &reply_len)) {
	case IP_TCP:
		return true;
	case IP_ICMP:
		tcb = tcp_icmp(worker->tcp, &seg->icmp, worker->now_us, &events);
		if (tcb != NULL)
			session_events(worker, tcb, events);
		break;
	case IP_REPLY:
		port_tx_reply(worker->port, pkt, reply_len);
		break;
	case IP_DROP:
		break;
	}
	return false;
}

static uint32_t
receive(struct worker *worker)
{
	struct pkt_in pkts[BURST_MAX];
	struct ip_seg segs[BURST_MAX];
	uint16_t cnt = port_rx_burst(worker->port, pkts, BURST_MAX);
	uint32_t seg_cnt = 0;
	struct tcb *tcb;
	uint32_t events;

	if (cnt == 0)
		return 0;
	for (uint16_t i = 0; i < cnt; i++)
		__builtin_prefetch(pkts[i].data);
	for (uint16_t i = 0; i < cnt; i++)
		seg_cnt += take_packet(worker, &pkts[i], &segs[seg_cnt]);
	tcp_burst_begin(worker->tcp, segs, seg_cnt, worker->now_us);
	while ((tcb = tcp_burst_next(worker->tcp, &events)) != NULL)
		session_events(worker, tcb, events);
	port_rx_free(worker->port, pkts, cnt);
	return cnt;
}

static uint32_t
reap(struct worker *worker)
{
	struct wire_note notes[NOTES_MAX];
	uint32_t total = 0;
	uint32_t cnt;

	do {
		cnt = wire_reap(worker->wire, worker->now_us, notes, NOTES_MAX);
		for (uint32_t i = 0; i < cnt; i++)
			session_note(worker, &notes[i]);
		total += cnt;
	} while (cnt == NOTES_MAX);
	return total;
}

static uint32_t
transmit(struct worker *worker)
{
	struct pkt_out pkts[BURST_MAX];
	uint16_t room = port_tx_room(worker->port);
	uint16_t cnt;

	if (room == 0 || !tcp_output_pending(worker->tcp)) {
		cnt = port_tx_flush(worker->port);
		/* To ask one that others empty again and again only takes its memory's time. */
		worker->blocked = cnt > 0 && port_info(worker->port)->drained;
		return worker->blocked ? 0 : cnt;
	}
	worker->blocked = false;
	cnt = tcp_output(worker->tcp, pkts, room, worker->now_us);
	port_tx_burst(worker->port, pkts, cnt);
	return cnt;
}

/* submit starts reads, several at once while there is other work: each start has its price in the
 * kernel and rings the device's bell. */
static void
submit(struct worker *worker, uint32_t work)
{
	if (work > 0 && ++worker->held_turns < SUBMIT_TURNS)
		return;
	worker->held_turns = 0;
	store_submit(worker->store);
}

static void
tick_peers(struct worker *worker)
{
	struct wire_note notes[NOTES_MAX];
	uint32_t cnt;

	cnt = wire_tick(worker->wire, worker->now_us, notes, NOTES_MAX);
	for (uint32_t i = 0; i < cnt; i++)
		session_note(worker, &notes[i]);
}

/* look_for_port gives up a port that was found without its other end twice. */
static void
look_for_port(struct worker *worker)
{
	bool away;

	if (worker->now_us - worker->port_seen_us < PORT_LOOK_US)
		return;
	worker->port_seen_us = worker->now_us;
	away = port_gone(worker->port);
	worker->port_gone = away && worker->port_away;
	worker->port_away = away;
}

static void
housekeeping(struct worker *worker)
{
	look_for_port(worker);
	control_turn(&worker->control);
	tick_peers(worker);
	store_tick(worker->store, worker->now_us);
	session_look(worker);
	publish_counters(worker->publish, worker->index, &worker->ctr);
	worker->turn_cnt = 0;
	worker->housekept_us = worker->now_us;
}

static uint32_t
turn(struct worker *worker)
{
	uint32_t work;

	worker->now_us = clock_us();
	work = run_timers(worker);
	work += receive(worker);
	work += reap(worker);
	work += relief_reap(worker);
	session_pump_all(worker);
	if (UNLIKELY(shaper_busy(&worker->shaper)))
		work += session_turns(worker);
	work += transmit(worker);
	work += relief_ask(worker);
	relief_turn(worker);
	submit(worker, work);
	return work;
}

uint32_t
worker_turn(struct worker *worker)
{
	uint32_t work = turn(worker);

	count(&worker->ctr, CTR_turns);
	if (++worker->turn_cnt >= HOUSEKEEPING_TURNS ||
	    worker->now_us - worker->housekept_us >= HOUSEKEEPING_US)
		housekeeping(worker);
	return work;
}

void
worker_run(struct worker *worker)
{
	while (!*worker->stop && !worker->control.shutdown && !worker->port_gone) {
		if (worker_turn(worker) > 0) {
			worker->idle_cnt = 0;
			continue;
		}
		worker->idle_cnt++;
		count(&worker->ctr, CTR_turns_idle);
		if (worker->turn_cnt > 0)      /* else housekeeping may have woken peers */
			idle_wait(worker);
	}
}
