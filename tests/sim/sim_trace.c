/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Lines for packets. */
#include "tests/sim/sim_trace.h"

#include "tests/sim/sim.h"

enum { FLAGS_OFF = 13 };

static bool
wanted(const struct sim *sim, const struct sim_flow *flow)
{
	return sim->config.trace != NULL && flow == sim->flows;
}

static void
time_write(const struct sim *sim, uint64_t us)
{
	fprintf(sim->config.trace, "%6lu.%03lu ", us / 1000, us % 1000);
}

static void
flags_write(FILE *f, uint8_t flags)
{
	fprintf(f, "%s%s%s%s", flags & TCP_FIN ? " FIN" : "", flags & TCP_RST ? " RST" : "",
	        flags & RECEIVER_ECE ? " ECE" : "", flags & RECEIVER_CWR ? " CWR" : "");
}

static void
windows_of(const struct sim *sim, const struct sim_flow *flow, struct tcp_info *info)
{
	*info = (struct tcp_info){0};
	if (flow->tcb != NULL)
		tcp_info(sim->lab.stack, flow->tcb, info);
}

void
sim_trace_flush(struct sim *sim)
{
	struct sim_run *run = &sim->run;
	FILE *f = sim->config.trace;

	if (f == NULL || run->cnt == 0)
		return;
	time_write(sim, run->at_us);
	fprintf(f, "> %u:%u", run->first, run->end);
	if (run->cnt > 1)
		fprintf(f, " (%u)", run->cnt);
	flags_write(f, run->flags);
	fprintf(f, "  cwnd %u flight %u\n", run->cwnd_bytes, run->flight_bytes);
	run->cnt = 0;
}

void
sim_trace_out(struct sim *sim, const struct sim_flow *flow, const struct net_packet *packet)
{
	uint32_t first = tcp_get32(packet->hdr + 4) - flow->receiver.irs;
	uint8_t flags = packet->hdr[FLAGS_OFF] & (TCP_FIN | TCP_RST | RECEIVER_ECE | RECEIVER_CWR);
	struct sim_run *run = &sim->run;
	struct tcp_info info;

	if (!wanted(sim, flow))
		return;
	if (run->cnt > 0 && (run->at_us != sim_us(sim) || run->end != first ||
	                     run->flags != flags || packet->payload_len == 0))
		sim_trace_flush(sim);
	windows_of(sim, flow, &info);
	if (run->cnt++ == 0)
		run->first = first;
	run->at_us = sim_us(sim);
	run->end = first + packet->payload_len;
	run->flags = flags;
	run->cwnd_bytes = info.cwnd_bytes;
	run->flight_bytes = info.flight_bytes;
}

void
sim_trace_in(struct sim *sim, const struct sim_flow *flow, const struct net_packet *packet)
{
	FILE *f = sim->config.trace;
	uint32_t irs = flow->receiver.irs;
	struct tcp_options opt;
	struct tcp_info info;

	if (!wanted(sim, flow) || flow->open_us == 0)
		return;
	sim_trace_flush(sim);
	windows_of(sim, flow, &info);
	dp_assert(tcp_options_parse(&opt, packet->hdr + TCP_HDR_LEN, packet->hdr_len - TCP_HDR_LEN));
	time_write(sim, sim_us(sim));
	fprintf(f, "< ack %u wnd %u", tcp_get32(packet->hdr + 8) - irs,
	        (uint32_t)tcp_get16(packet->hdr + 14) << flow->receiver.wscale);
	for (uint32_t i = 0; i < opt.sack_cnt; i++)
		fprintf(f, " sack %u:%u", opt.sack[i].start - irs, opt.sack[i].end - irs);
	flags_write(f, packet->hdr[FLAGS_OFF]);
	fprintf(f, "  cwnd %u flight %u\n", info.cwnd_bytes, info.flight_bytes);
}
