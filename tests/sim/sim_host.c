/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Bytes of segments, both ways. */
#include "tests/sim/sim_host.h"

#include <arpa/inet.h>
#include <string.h>

enum { LOCAL_ADDR = 0x0a000001, FLAGS_OFF = 13 };

const uint8_t *
sim_pattern(uint64_t offset)
{
	static uint8_t pattern[SIM_PATTERN_LEN + SIM_BLOCK_LEN];
	static bool ready;
	struct net_rng rng = {.state = 1};

	for (uint32_t i = 0; !ready && i < SIM_PATTERN_LEN; i++)
		pattern[i] = (uint8_t)net_random(&rng, 256);
	if (!ready)
		memcpy(pattern + SIM_PATTERN_LEN, pattern, SIM_BLOCK_LEN);
	ready = true;
	return pattern + offset % SIM_PATTERN_LEN;
}

void
sim_seal(const struct sim_flow *flow, const struct tcp_seg *seg, struct net_packet *packet)
{
	uint8_t *hdr = packet->hdr;
	uint32_t len = TCP_HDR_LEN + tcp_options_build(hdr + TCP_HDR_LEN, &seg->opt);
	uint32_t dst_be = htonl(LOCAL_ADDR);
	uint16_t csum;

	tcp_put16(hdr, flow->port);
	tcp_put16(hdr + 2, LAB_PORT);
	tcp_put32(hdr + 4, seg->seq);
	tcp_put32(hdr + 8, seg->ack);
	hdr[12] = (uint8_t)(len / 4 << 4);
	hdr[FLAGS_OFF] = seg->flags;
	tcp_put16(hdr + 14, seg->wnd);
	tcp_put32(hdr + TCP_CSUM_OFF, 0);
	csum = (uint16_t)~ip_sum_fold(ip_sum(hdr, len,
		ip_sum(&flow->src_be, 4, ip_sum(&dst_be, 4, htons(6) + htons((uint16_t)len)))));
	memcpy(hdr + TCP_CSUM_OFF, &csum, 2);
	packet->hdr_len = (uint8_t)len;
	packet->payload_len = 0;
	packet->src_be = flow->src_be;
	packet->flow = (uint16_t)(flow - flow->sim->flows);
	packet->ecn = 0;
	packet->corrupt = false;
}

struct sim_flow *
sim_flow_of(struct sim *sim, const struct pkt_out *pkt)
{
	uint32_t index = tcp_get16(pkt->hdr + pkt->l4_off + 2) - sim->flows[0].port;

	dp_assert(index < sim->config.flow_cnt);
	return &sim->flows[index];
}

/* offset_of returns the offset of a number, nearest to what the receiver expects. */
static uint64_t
offset_of(const struct sim_flow *flow, uint32_t seq)
{
	uint32_t expected = flow->receiver.irs + 1 + (uint32_t)flow->receiver.got;

	return flow->receiver.got + (uint64_t)(int64_t)(int32_t)(seq - expected);
}

/* verify_content looks at each span: where a block lies tells what is in it. */
static void
verify_content(const struct pkt_out *pkt, uint64_t offset)
{
	uint32_t len = 0;

	for (uint16_t i = 0; i < pkt->span_cnt; i++) {
		const struct span *span = &pkt->span[i];

		dp_assert(span->len > 0 && (span->buf == NULL || span->buf->refcnt > 0));
		if (span->data != sim_pattern(offset + len))
			dp_assert(memcmp(span->data, sim_pattern(offset + len), span->len) == 0);
		len += span->len;
	}
	dp_assert(len == pkt->payload_len);
}

/* verify_sums does what a port and a receiver do: completes the checksum and reads the segment. */
static void
verify_sums(const struct pkt_out *pkt)
{
	uint8_t l4[LAB_PAYLOAD_MAX + NET_HDR_MAX];
	uint32_t len = pkt->hdr_len - pkt->l4_off;
	struct ip_seg ip = {.l4 = l4};
	struct counters ctr = {0};
	struct tcp_seg seg;
	uint16_t sum;

	memcpy(l4, pkt->hdr + pkt->l4_off, len);
	for (uint16_t i = 0; i < pkt->span_cnt; i++) {
		memcpy(l4 + len, pkt->span[i].data, pkt->span[i].len);
		len += pkt->span[i].len;
	}
	memcpy(&sum, pkt->hdr + pkt->csum_off, 2);
	memset(l4 + TCP_CSUM_OFF, 0, 2);
	sum = (uint16_t)~ip_sum_fold(ip_sum(l4, len, sum));
	memcpy(l4 + TCP_CSUM_OFF, &sum, 2);
	memcpy(&ip.src_be, pkt->hdr + ETH_HDR_LEN + 12, 4);
	memcpy(&ip.dst_be, pkt->hdr + ETH_HDR_LEN + 16, 4);
	ip.l4_len = len;
	dp_assert(tcp_seg_parse(&seg, &ip, &ctr) && seg.len == pkt->payload_len);
	dp_assert(ip_sum_fold(ip_sum(pkt->hdr + ETH_HDR_LEN, IPV4_HDR_LEN, 0)) == 0xffff);
}

void
sim_take_apart(struct sim *sim, struct sim_flow *flow, const struct pkt_out *pkt,
               struct net_packet *packet)
{
	uint32_t len = pkt->hdr_len - pkt->l4_off;
	uint32_t l4_len = len + pkt->payload_len;

	dp_assert(pkt->l4_off == IP_PATH_HDR_LEN && pkt->span_cnt <= PKT_SPANS_MAX);
	dp_assert(len >= TCP_HDR_LEN && len <= NET_HDR_MAX && IPV4_HDR_LEN + l4_len <= 1500);
	dp_assert(tcp_get16(pkt->hdr + ETH_HDR_LEN + 2) == IPV4_HDR_LEN + l4_len);
	memcpy(packet->hdr, pkt->hdr + pkt->l4_off, len);
	packet->hdr_len = (uint8_t)len;
	packet->payload_len = (uint16_t)pkt->payload_len;
	packet->flow = (uint16_t)(flow - sim->flows);
	packet->ecn = pkt->hdr[ETH_HDR_LEN + 1] & 3;
	packet->corrupt = false;
	packet->offset = offset_of(flow, tcp_get32(packet->hdr + 4));
	if (pkt->payload_len > 0) {
		dp_assert(packet->offset + pkt->payload_len <= flow->queued);
		flow->sent = MAX(flow->sent, packet->offset + pkt->payload_len);
		verify_content(pkt, packet->offset);
		sim->packet_cnt++;
	}
	if (sim->config.check || sim->packet_cnt % SIM_CHECK_EVERY == 0)
		verify_sums(pkt);
}

void
sim_parse(const struct sim_flow *flow, const struct net_packet *packet, struct receiver_seg *seg)
{
	struct tcp_options opt;

	(void)flow;
	dp_assert(tcp_options_parse(&opt, packet->hdr + TCP_HDR_LEN, packet->hdr_len - TCP_HDR_LEN));
	seg->offset = packet->offset;
	seg->len = packet->payload_len;
	seg->flags = packet->hdr[FLAGS_OFF];
	seg->ecn = packet->ecn;
	seg->has_ts = opt.has_ts;
	seg->tsval = opt.tsval;
}
