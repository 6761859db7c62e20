/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The packet path of a port: bursts in, bursts out, and what waits in between. */
#include "dataplane/port/device.h"

#include <rte_ring.h>

#include <string.h>

enum { CACHE_LINE = 64 };

/* A frame in several buffers, which only chains sent through a ring are: made linear if it fits.
 * Returns false when it was dropped. */
static COLD bool
rx_linearize(struct port *port, struct rte_mbuf *mbuf)
{
	if (rte_pktmbuf_linearize(mbuf) == 0)
		return true;
	count(port->ctr, CTR_rx_multi_seg);
	rte_pktmbuf_free(mbuf);
	return false;
}

static inline bool
rx_fill(struct port *port, struct rte_mbuf *mbuf, struct pkt_in *pkt)
{
	if (UNLIKELY(mbuf->nb_segs > 1) && !rx_linearize(port, mbuf))
		return false;
	pkt->data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	pkt->len = mbuf->data_len;
	pkt->csum_good = port->rx_csum && (mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD) != 0;
	pkt->handle = mbuf;
	return true;
}

uint16_t
port_rx_burst(struct port *port, struct pkt_in *pkts, uint16_t max)
{
	uint16_t got;
	uint16_t cnt = 0;
	uint64_t bytes = 0;

	dp_assert(max <= BURST_MAX);
	got = rte_eth_rx_burst(port->id, port->queue, port->rx, max);
	if (UNLIKELY(port->armed) && got > 0)
		wait_end(port);
	for (uint16_t i = 0; i < got; i++) {
		bytes += port->rx[i]->pkt_len;
		cnt += rx_fill(port, port->rx[i], &pkts[cnt]);
	}
	count_add(port->ctr, CTR_rx_packets, got);
	count_add(port->ctr, CTR_rx_bytes, bytes);
	return cnt;
}

void
port_rx_free(struct port *port, struct pkt_in *pkts, uint16_t cnt)
{
	uint16_t used = 0;

	dp_assert(cnt <= BURST_MAX);
	for (uint16_t i = 0; i < cnt; i++) {
		if (pkts[i].handle != NULL)
			port->rx[used++] = pkts[i].handle;
		pkts[i].handle = NULL;
	}
	rte_pktmbuf_free_bulk(port->rx, used);
}

/* tx_push offers what is pending to the device, oldest first. */
static void
tx_push(struct port *port)
{
	uint64_t bytes = 0;
	uint64_t refused = 0;
	uint16_t sent;

	for (uint16_t i = 0; i < port->pending_cnt; i++)
		bytes += port->pending[i]->pkt_len;
	sent = rte_eth_tx_burst(port->id, port->queue, port->pending, port->pending_cnt);
	if (UNLIKELY(sent < port->pending_cnt)) {
		count(port->ctr, CTR_tx_ring_full);
		port->pending_cnt -= sent;
		memmove(port->pending, port->pending + sent,
		        port->pending_cnt * sizeof(port->pending[0]));
		for (uint16_t i = 0; i < port->pending_cnt; i++)
			refused += port->pending[i]->pkt_len;
	} else {
		port->pending_cnt = 0;
	}
	count_add(port->ctr, CTR_tx_packets, sent);
	count_add(port->ctr, CTR_tx_bytes, bytes - refused);
}

void
port_tx_reply(struct port *port, struct pkt_in *pkt, uint32_t len)
{
	struct rte_mbuf *mbuf = pkt->handle;

	dp_assert(mbuf != NULL && len <= mbuf->data_len);
	pkt->handle = NULL;
	if (UNLIKELY(port->pending_cnt == PENDING_MAX)) {
		count(port->ctr, CTR_tx_reply_dropped);
		rte_pktmbuf_free(mbuf);
		return;
	}
	mbuf->data_len = (uint16_t)len;
	mbuf->pkt_len = len;
	mbuf->ol_flags = 0;
	port->pending[port->pending_cnt++] = mbuf;
	tx_push(port);
}

/* returns_take drops the references of payload that its receiver, another worker, is done with. */
static inline void
returns_take(struct port *port)
{
	struct buf *bufs[BURST_MAX];
	unsigned int cnt;

	if (LIKELY(port->returns == NULL))
		return;
	do {
		cnt = rte_ring_sc_dequeue_burst(port->returns, (void **)bufs, BURST_MAX, NULL);
		for (unsigned int i = 0; i < cnt; i++)
			buf_put(bufs[i]);
	} while (cnt > 0);
}

uint16_t
port_tx_room(struct port *port)
{
	uint16_t missing = BURST_MAX - port->spare_cnt;
	uint16_t room = port->pending_cnt < BURST_MAX ? BURST_MAX - port->pending_cnt : 0;

	returns_take(port);
	if (missing > 0) {
		if (LIKELY(rte_pktmbuf_alloc_bulk(port->pool, port->spare + port->spare_cnt,
		                                  missing) == 0))
			port->spare_cnt = BURST_MAX;
		else
			count(port->ctr, CTR_tx_no_mbuf);
	}
	return MIN(room, port->spare_cnt);
}

/* payload_prefetch asks for a packet's bytes while the one before is copied: they came from the
 * disk, and each packet begins where the processor's own prefetcher does not expect it. */
static inline void
payload_prefetch(const struct pkt_out *pkt)
{
	for (uint16_t i = 0; i < pkt->span_cnt; i++)
		for (uint32_t off = 0; off < pkt->span[i].len; off += CACHE_LINE)
			__builtin_prefetch(pkt->span[i].data + off);
}

static inline void
length_check(const struct port *port, const struct pkt_out *pkt)
{
	if (pkt->tso_mss == 0)
		dp_assert(pkt->hdr_len + pkt->payload_len <= port->frame_max);
	else
		dp_assert(pkt->payload_len <= port->info.tso_max);
}

void
port_tx_burst(struct port *port, const struct pkt_out *pkts, uint16_t cnt)
{
	dp_assert(cnt <= port->spare_cnt && port->pending_cnt + cnt <= PENDING_MAX);
	for (uint16_t i = 0; i < cnt; i++) {
		struct rte_mbuf *mbuf = port->spare[--port->spare_cnt];

		length_check(port, &pkts[i]);
		if (i + 1 < cnt && !port->tx_csum)
			payload_prefetch(&pkts[i + 1]);
		if (!port->chain) {
			build_linear(mbuf, &pkts[i]);
		} else if (UNLIKELY(!build_chain(port, mbuf, &pkts[i]))) {
			count(port->ctr, CTR_tx_dropped);
			port->spare[port->spare_cnt++] = mbuf;
			continue;
		}
		port->pending[port->pending_cnt++] = mbuf;
	}
	if (port->pending_cnt > 0)
		tx_push(port);
}

/* nudge makes a lazy driver look for what was sent, by offering it a packet of more segments than
 * its ring has room for; it takes nothing. */
static void
nudge(struct port *port)
{
	uint16_t sent;

	port->nudge->nb_segs = INT16_MAX;
	sent = rte_eth_tx_burst(port->id, port->queue, &port->nudge, 1);
	port->nudge->nb_segs = 1;
	dp_assert(sent == 0);
}

uint16_t
port_tx_flush(struct port *port)
{
	returns_take(port);
	if (port->completes)
		rte_eth_tx_done_cleanup(port->id, port->queue, 0);
	if (port->lazy)
		nudge(port);
	if (port->pending_cnt > 0)
		tx_push(port);
	return port->pending_cnt;
}
