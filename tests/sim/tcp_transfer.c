/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A download over networks good and bad: the stack sends, a model receives. Every byte arrives,
 * in bounded virtual time, and nothing is left behind. Prints a line for each network; the same
 * seeds give the same lines. SIM_SEED=N runs one seed only. */
#include "tests/sim/net.h"
#include "tests/sim/tcp_receiver.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 4, QUEUE_FRAG = 13, QUEUE_BLOCK = 16384 };

struct scenario {
	const char *name;
	struct net_config net;     /* both ways, the way back without queue limit */
	uint32_t bytes;
	uint32_t buffer_bytes;     /* the receiver's */
	uint32_t read_rate;        /* bytes the reader takes a millisecond; 0: all at once */
	bool no_sack;
	uint32_t ms_max;           /* of virtual time, for the worst seed */
};

#define LINK(rtt_ms, loss, dup, reorder)                                                           \
	{.delay_us = (rtt_ms) * 500, .byte_ns = 80, .queue_bytes = 1 << 20, .loss_ppm = loss,      \
	 .dup_ppm = dup, .reorder_ppm = reorder}

static const struct scenario scenarios[] = {
	{"rtt 1 ms, loss 0", LINK(1, 0, 0, 0), 4 << 20, 512 << 10, 0, false, 420},
	{"rtt 1 ms, loss 1 %", LINK(1, 10000, 0, 0), 4 << 20, 512 << 10, 0, false, 8000},
	{"rtt 1 ms, loss 5 %", LINK(1, 50000, 0, 0), 4 << 20, 512 << 10, 0, false, 60000},
	{"rtt 50 ms, loss 0", LINK(50, 0, 0, 0), 4 << 20, 512 << 10, 0, false, 1200},
	{"rtt 50 ms, loss 1 %", LINK(50, 10000, 0, 0), 4 << 20, 512 << 10, 0, false, 30000},
	{"rtt 50 ms, loss 5 %", LINK(50, 50000, 0, 0), 2 << 20, 512 << 10, 0, false, 90000},
	{"rtt 50 ms, loss 1 %, no SACK", LINK(50, 10000, 0, 0), 2 << 20, 512 << 10, 0, true, 60000},
	{"rtt 50 ms, loss 5 %, no SACK", LINK(50, 50000, 0, 0), 1 << 20, 512 << 10, 0, true, 120000},
	{"rtt 20 ms, duplicates 5 %", LINK(20, 0, 50000, 0), 2 << 20, 512 << 10, 0, false, 3000},
	{"rtt 20 ms, reordering 2 %", LINK(20, 0, 0, 20000), 2 << 20, 512 << 10, 0, false, 20000},
	{"rtt 20 ms, all at once", LINK(20, 10000, 10000, 10000), 2 << 20, 512 << 10, 0, false, 30000},
	{"rtt 20 ms, slow reader", LINK(20, 0, 0, 0), 1 << 20, 64 << 10, 200, false, 9000},
	{"rtt 20 ms, slow reader, loss 1 %", LINK(20, 10000, 0, 0), 1 << 20, 64 << 10, 200, false,
	 20000},
	{"rtt 100 ms, queue of 32 KiB", {.delay_us = 50000, .byte_ns = 800, .queue_bytes = 32 << 10},
	 2 << 20, 4 << 20, 0, false, 60000},
	{"rtt 2 s, loss 1 %", LINK(2000, 10000, 0, 0), 512 << 10, 512 << 10, 0, false, 200000},
};

struct sim {
	const struct scenario *scenario;
	struct lab lab;
	struct lab_peer peer;
	struct receiver receiver;
	struct net_rng rng;
	struct net down;
	struct net up;
	uint64_t start_us;
	uint64_t read_us;          /* when the slow reader last read */
	uint64_t again_us;         /* when the receiver repeats its FIN */
	bool fin_sent;
};

static struct sim sim;

static void
sim_start(const struct scenario *scenario, uint64_t seed)
{
	sim = (struct sim){.scenario = scenario, .rng = {.state = seed}};
	lab_init(&sim.lab, seed & 1 ? &lab_wrap : &lab_plain, 2);
	lab_peer_init(&sim.lab, &sim.peer, 40000);
	sim.peer.syn.sack_permitted = !scenario->no_sack;
	sim.peer.tsval = (uint32_t)(sim.lab.now_us >> 10);
	lab_connect(&sim.peer);
	receiver_init(&sim.receiver, &sim.peer, scenario->buffer_bytes, !scenario->no_sack);
	sim.receiver.ts_recent = tcp_ts_now(sim.lab.stack) + sim.peer.tcb->ts_offset;
	sim.down.config = scenario->net;
	sim.up.config = scenario->net;
	sim.up.config.queue_bytes = 1 << 20;
	sim.down.rng = &sim.rng;
	sim.up.rng = &sim.rng;
	sim.start_us = sim.lab.now_us;
	sim.read_us = sim.lab.now_us;
	sim.again_us = UINT64_MAX;
}

/* feed queues content as the owner of a connection would: message header, block, and so on. */
static void
feed(void)
{
	while (sim.peer.tcb != NULL && sim.peer.queued < sim.scenario->bytes &&
	       tcp_send_room(sim.lab.stack, sim.peer.tcb) > 0) {
		uint32_t left = sim.scenario->bytes - (uint32_t)sim.peer.queued;
		uint32_t len = MIN(left, sim.peer.queued % 3 == 0 ? QUEUE_FRAG : QUEUE_BLOCK);

		lab_queue(&sim.peer, len, QUEUE_BLOCK);
		if (sim.peer.queued == sim.scenario->bytes)
			tcp_close(sim.lab.stack, sim.peer.tcb, sim.lab.now_us);
	}
}

static void
answer(void)
{
	struct lab_seg ack;

	receiver_ack(&sim.receiver, &ack, sim.peer.nxt, sim.lab.now_us);
	net_send(&sim.up, &ack, sim.lab.now_us);
}

/* finish sends the receiver's own FIN, and again while it is not acknowledged. */
static void
finish(void)
{
	struct lab_seg fin;

	if (!sim.receiver.fin || sim.peer.tcb == NULL)
		return;
	if (sim.fin_sent && sim.lab.now_us < sim.again_us)
		return;
	receiver_ack(&sim.receiver, &fin, sim.peer.nxt, sim.lab.now_us);
	fin.flags |= TCP_FIN;
	net_send(&sim.up, &fin, sim.lab.now_us);
	sim.fin_sent = true;
	sim.again_us = sim.lab.now_us + 500000;
}

static void
slow_read(void)
{
	uint64_t ms = (sim.lab.now_us - sim.read_us) / 1000;

	if (sim.scenario->read_rate == 0) {
		receiver_read(&sim.receiver, UINT64_MAX);
		return;
	}
	sim.read_us += ms * 1000;
	if (receiver_read(&sim.receiver, ms * sim.scenario->read_rate))
		answer();
}

/* arrivals hands over everything that has arrived by now, both ways. */
static void
arrivals(void)
{
	struct net_packet *packet;

	while ((packet = net_receive(&sim.up, sim.lab.now_us)) != NULL) {
		lab_input(&sim.peer, &packet->seg);
		free(packet);
	}
	while ((packet = net_receive(&sim.down, sim.lab.now_us)) != NULL) {
		bool due = receiver_take(&sim.receiver, &packet->seg, sim.lab.now_us);

		free(packet);
		slow_read();
		if (due)
			answer();
	}
	if (sim.receiver.ack_due_us <= sim.lab.now_us)
		answer();
	slow_read();
}

static void
departures(void)
{
	uint32_t cnt;

	feed();
	cnt = lab_flush(&sim.lab);
	for (uint32_t i = 0; i < cnt; i++)
		net_send(&sim.down, &sim.lab.out[i].seg, sim.lab.now_us);
	finish();
}

static uint64_t
next_us(void)
{
	uint64_t next = MIN(net_next_us(&sim.up), net_next_us(&sim.down));

	next = MIN(next, MIN(sim.receiver.ack_due_us, sim.again_us));
	if (sim.scenario->read_rate > 0)
		next = MIN(next, sim.read_us + 1000);
	return next;
}

/* step moves to the next thing that happens; the stack's timers run on the way. */
static void
step(void)
{
	uint64_t until_us = MIN(next_us(), sim.lab.now_us + 1000000);

	if (tcp_next_us(sim.lab.stack) <= until_us)
		until_us = MAX(tcp_next_us(sim.lab.stack), sim.lab.now_us + 1);
	if (until_us > sim.lab.now_us) {
		uint32_t cnt = lab_wait(&sim.lab, until_us - sim.lab.now_us);

		for (uint32_t i = 0; i < cnt; i++)
			net_send(&sim.down, &sim.lab.out[i].seg, sim.lab.now_us);
	}
	arrivals();
	departures();
}

struct result {
	uint64_t ms;
	uint64_t retransmits;
	uint64_t rtos;
	uint64_t lost;
};

static bool
run(const struct scenario *scenario, uint64_t seed, struct result *result)
{
	uint64_t end_us;
	bool done;

	sim_start(scenario, seed);
	end_us = sim.start_us + (uint64_t)scenario->ms_max * 1000;
	departures();
	while (sim.peer.tcb != NULL && sim.lab.now_us < end_us)
		step();
	done = sim.peer.tcb == NULL && sim.receiver.got == scenario->bytes && sim.receiver.fin;
	result->ms = MAX(result->ms, (sim.lab.now_us - sim.start_us) / 1000);
	result->retransmits += sim.lab.ctr.value[CTR_tcp_retransmits];
	result->rtos += sim.lab.ctr.value[CTR_tcp_rtos];
	result->lost += sim.down.lost_cnt;
	net_clear(&sim.down);
	net_clear(&sim.up);
	lab_fini(&sim.lab);
	return done;
}

int
main(void)
{
	const char *only = getenv("SIM_SEED");
	uint64_t first = only != NULL ? strtoull(only, NULL, 10) : 1;
	uint64_t last = only != NULL ? first : SEEDS;
	int failed = 0;

	printf("%-34s %8s %8s %6s %6s\n", "network", "worst ms", "resent", "lost", "RTOs");
	for (uint32_t i = 0; i < ARRAY_CNT(scenarios); i++) {
		struct result result = {0};

		for (uint64_t seed = first; seed <= last; seed++) {
			if (run(&scenarios[i], seed, &result))
				continue;
			printf("FAILED: %s, seed %llu\n", scenarios[i].name,
			       (unsigned long long)seed);
			failed = 1;
		}
		printf("%-34s %8llu %8llu %6llu %6llu\n", scenarios[i].name,
		       (unsigned long long)result.ms, (unsigned long long)result.retransmits,
		       (unsigned long long)result.lost, (unsigned long long)result.rtos);
	}
	return failed;
}
