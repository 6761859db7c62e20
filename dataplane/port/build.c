/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* From struct pkt_out to mbufs, with the transport checksum (RFC 9293 3.1, RFC 1071). */
#include "dataplane/base/csum.h"
#include "dataplane/port/device.h"

#include <rte_ring.h>

#include <string.h>

enum {
		TCP_CSUM_OFF = 16, /* of the checksum field in a TCP header (RFC 9293 3.1) */
};

/* struct csum_run is a sum over ranges that follow each other, whatever their lengths. */
struct csum_run {
	uint64_t sum;
	uint32_t pos; /* bytes summed */
};

static inline void
csum_run_add(struct csum_run *run, uint64_t sum, uint32_t len)
{
	run->sum += run->pos & 1 ? csum_swap(sum) : sum;
	run->pos += len;
}

/* hdr_write copies the headers and starts the sum with the transport header, whose checksum field
 * holds the pseudo header's. */
static inline struct csum_run
hdr_write(uint8_t *to, const struct pkt_out *pkt)
{
	struct csum_run run = {0, 0};
	uint32_t l4_len = pkt->hdr_len - pkt->l4_off;

	memcpy(to, pkt->hdr, pkt->hdr_len);
	csum_run_add(&run, csum_add(pkt->hdr + pkt->l4_off, l4_len, 0), l4_len);
	return run;
}

static inline void
csum_write(uint8_t *hdr, const struct pkt_out *pkt, const struct csum_run *run)
{
	uint16_t csum = (uint16_t)~csum_fold(run->sum);

	if (pkt->l4_off > 0)
		memcpy(hdr + pkt->csum_off, &csum, sizeof(csum));
}

static inline void
pkt_check(const struct pkt_out *pkt)
{
	dp_assert(pkt->span_cnt <= PKT_SPANS_MAX && pkt->l4_off <= pkt->hdr_len);
	dp_assert(pkt->hdr_len <= PKT_HDR_MAX && pkt->csum_off + 2u <= PKT_HDR_MAX);
	dp_assert(pkt->hdr_len + pkt->payload_len <= UINT16_MAX);
}

void
build_linear(struct rte_mbuf *mbuf, const struct pkt_out *pkt)
{
	uint8_t *hdr = rte_pktmbuf_mtod(mbuf, uint8_t *);
	uint8_t *at = hdr + pkt->hdr_len;
	struct csum_run run;

	pkt_check(pkt);
	dp_assert(pkt->hdr_len + pkt->payload_len <= rte_pktmbuf_tailroom(mbuf));
	run = hdr_write(hdr, pkt);
	for (uint16_t i = 0; i < pkt->span_cnt; i++) {
		const struct span *span = &pkt->span[i];

		dp_assert(span->len <= hdr + pkt->hdr_len + pkt->payload_len - at);
		csum_run_add(&run, csum_copy(at, span->data, span->len), span->len);
		at += span->len;
	}
	dp_assert(at == hdr + pkt->hdr_len + pkt->payload_len);
	csum_write(hdr, pkt, &run);
	mbuf->data_len = (uint16_t)(pkt->hdr_len + pkt->payload_len);
	mbuf->pkt_len = mbuf->data_len;
}

/* struct chain is a packet while it is put together. */
struct chain {
	struct rte_mbuf *last;
	uint16_t segs;
	bool sums;           /* the checksum is ours to make */
	struct csum_run run;
};

static inline void
chain_link(struct chain *chain, struct rte_mbuf *mbuf)
{
	chain->last->next = mbuf;
	chain->last = mbuf;
	chain->segs++;
}

/* The driver is done with an attached span. */
static void
attachment_free(void *addr, void *opaque)
{
	struct attachment *attachment = opaque;

	(void)addr;
	if (LIKELY(attachment->returns == NULL))
		buf_put(attachment->buf);
	else
		rte_ring_mp_enqueue(attachment->returns, attachment->buf);
}

/* attach_take returns an empty mbuf to attach to, or NULL. They are taken many at once. */
static inline struct rte_mbuf *
attach_take(struct port *port)
{
	if (UNLIKELY(port->attach_cnt == 0)) {
		if (rte_mempool_get_bulk(port->attach_pool, (void **)port->attach, BURST_MAX) < 0)
			return NULL;
		port->attach_cnt = BURST_MAX;
	}
	return port->attach[--port->attach_cnt];
}

/* span_attach puts a span's bytes behind the chain without copying them. Returns false when there
 * is no mbuf left to attach to. */
static inline bool
span_attach(struct port *port, struct chain *chain, const struct span *span)
{
	struct rte_mbuf *mbuf = attach_take(port);
	struct attachment *attachment;

	if (UNLIKELY(mbuf == NULL))
		return false;
	attachment = rte_mbuf_to_priv(mbuf);
	attachment->shinfo.free_cb = attachment_free;
	attachment->shinfo.fcb_opaque = attachment;
	attachment->buf = buf_ref(span->buf);
	attachment->returns = port->returns;
	rte_mbuf_ext_refcnt_set(&attachment->shinfo, 1);
	/* The drivers that take chains here read virtual addresses. */
	rte_pktmbuf_attach_extbuf(mbuf, (void *)(uintptr_t)span->data, RTE_BAD_IOVA,
	                          (uint16_t)span->len, &attachment->shinfo);
	mbuf->data_len = (uint16_t)span->len;
	chain_link(chain, mbuf);
	if (chain->sums)
		csum_run_add(&chain->run, csum_add(span->data, span->len, 0), span->len);
	return true;
}

/* copy_room returns the chain's last buffer with room to copy to, after linking a new one where
 * the last is full or not ours to write. NULL when there is none left. */
static inline struct rte_mbuf *
copy_room(struct port *port, struct chain *chain)
{
	struct rte_mbuf *mbuf = chain->last;

	if (!RTE_MBUF_HAS_EXTBUF(mbuf) && rte_pktmbuf_tailroom(mbuf) > 0)
		return mbuf;
	mbuf = rte_pktmbuf_alloc(port->pool);
	if (LIKELY(mbuf != NULL))
		chain_link(chain, mbuf);
	return mbuf;
}

/* span_copy copies a span's bytes behind the chain. Returns false when buffers are exhausted. */
static inline bool
span_copy(struct port *port, struct chain *chain, const struct span *span)
{
	for (uint32_t done = 0; done < span->len;) {
		struct rte_mbuf *mbuf = copy_room(port, chain);
		uint32_t len;
		uint8_t *to;

		if (UNLIKELY(mbuf == NULL))
			return false;
		len = MIN(span->len - done, (uint32_t)rte_pktmbuf_tailroom(mbuf));
		to = rte_pktmbuf_mtod_offset(mbuf, uint8_t *, mbuf->data_len);
		if (chain->sums)
			csum_run_add(&chain->run, csum_copy(to, span->data + done, len), len);
		else
			memcpy(to, span->data + done, len);
		mbuf->data_len = (uint16_t)(mbuf->data_len + len);
		done += len;
	}
	return true;
}

/* span_link puts a span behind the chain: attached where the device can read it, else copied. */
static inline bool
span_link(struct port *port, struct chain *chain, const struct span *span)
{
	if (span->buf != NULL && (uintptr_t)span->data - port->seen_base < port->seen_len &&
	    LIKELY(span_attach(port, chain, span)))
		return true;
	return span_copy(port, chain, span);
}

/* Buffers are exhausted: the packet becomes a linear one, if it can. */
static COLD bool
chain_give_up(struct rte_mbuf *mbuf, const struct pkt_out *pkt)
{
	if (mbuf->next != NULL)
		rte_pktmbuf_free(mbuf->next);
	mbuf->next = NULL;
	mbuf->nb_segs = 1;
	mbuf->data_len = 0;
	mbuf->ol_flags = 0;
	if (pkt->hdr_len + pkt->payload_len > rte_pktmbuf_tailroom(mbuf) || pkt->tso_mss > 0)
		return false;
	build_linear(mbuf, pkt);
	return true;
}

/* offload_set tells the device what it has to do; the checksum field holds the pseudo header's sum
 * with the length already, as it wants it. */
static inline void
offload_set(struct rte_mbuf *mbuf, const struct pkt_out *pkt)
{
	bool ipv6 = pkt->hdr[PORT_ETH_LEN] >> 4 == 6;

	mbuf->l2_len = PORT_ETH_LEN;
	mbuf->l3_len = (uint64_t)pkt->l4_off - PORT_ETH_LEN;
	mbuf->l4_len = (uint64_t)pkt->hdr_len - pkt->l4_off;
	mbuf->tso_segsz = pkt->tso_mss;
	mbuf->ol_flags |= (ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4) |
	                  RTE_MBUF_F_TX_TCP_CKSUM;
	if (pkt->tso_mss > 0)
		mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
}

bool
build_chain(struct port *port, struct rte_mbuf *mbuf, const struct pkt_out *pkt)
{
	bool offload = port->tx_csum && pkt->l4_off > 0 &&
	               pkt->csum_off == pkt->l4_off + TCP_CSUM_OFF;
	struct chain chain = {.last = mbuf, .segs = 1, .sums = !offload};
	uint8_t *hdr = rte_pktmbuf_mtod(mbuf, uint8_t *);

	pkt_check(pkt);
	dp_assert(offload || pkt->tso_mss == 0);
	if (offload)
		memcpy(hdr, pkt->hdr, pkt->hdr_len);
	else
		chain.run = hdr_write(hdr, pkt);
	mbuf->data_len = pkt->hdr_len;
	for (uint16_t i = 0; i < pkt->span_cnt; i++)
		if (UNLIKELY(!span_link(port, &chain, &pkt->span[i])))
			return chain_give_up(mbuf, pkt);
	if (offload)
		offload_set(mbuf, pkt);
	else
		csum_write(hdr, pkt, &chain.run);
	mbuf->nb_segs = chain.segs;
	mbuf->pkt_len = pkt->hdr_len + pkt->payload_len;
	return true;
}
