/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* From struct pkt_out to mbufs, with the transport checksum (RFC 9293 3.1, RFC 1071). */
#include "dataplane/base/csum.h"
#include "dataplane/port/device.h"

#include <string.h>

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
pkt_check(const struct rte_mbuf *mbuf, const struct pkt_out *pkt)
{
	dp_assert(pkt->span_cnt <= PKT_SPANS_MAX && pkt->l4_off <= pkt->hdr_len);
	dp_assert(pkt->hdr_len <= PKT_HDR_MAX && pkt->csum_off + 2u <= PKT_HDR_MAX);
	dp_assert(pkt->payload_len <= UINT16_MAX &&
	          pkt->hdr_len + pkt->payload_len <= rte_pktmbuf_tailroom(mbuf));
}

void
build_linear(struct rte_mbuf *mbuf, const struct pkt_out *pkt)
{
	uint8_t *hdr = rte_pktmbuf_mtod(mbuf, uint8_t *);
	uint8_t *at = hdr + pkt->hdr_len;
	struct csum_run run;

	pkt_check(mbuf, pkt);
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

/* The driver is done with an attached span. */
static void
attachment_free(void *addr, void *opaque)
{
	(void)addr;
	buf_put(opaque);
}

/* span_attach makes an mbuf out of a span's bytes. NULL when there is none left. */
static inline struct rte_mbuf *
span_attach(struct port *port, const struct span *span)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(port->attach_pool);
	struct attachment *attachment;

	if (UNLIKELY(mbuf == NULL))
		return NULL;
	attachment = rte_mbuf_to_priv(mbuf);
	attachment->shinfo.free_cb = attachment_free;
	attachment->shinfo.fcb_opaque = buf_ref(span->buf);
	rte_mbuf_ext_refcnt_set(&attachment->shinfo, 1);
	/* The drivers that take chains here read virtual addresses. */
	rte_pktmbuf_attach_extbuf(mbuf, (void *)(uintptr_t)span->data, RTE_BAD_IOVA,
	                          (uint16_t)span->len, &attachment->shinfo);
	mbuf->data_len = (uint16_t)span->len;
	mbuf->pkt_len = mbuf->data_len;
	return mbuf;
}

/* chain_tail returns the buffer that a copied span of the chain goes to: the last one when it is
 * ours to write, else a new one, linked. NULL when there is none left. */
static inline struct rte_mbuf *
chain_tail(struct port *port, struct rte_mbuf *last)
{
	if (!RTE_MBUF_HAS_EXTBUF(last))
		return last;
	last->next = rte_pktmbuf_alloc(port->pool);
	return last->next;
}

/* span_link puts one span behind the chain's last buffer. Returns the new last one, or NULL when
 * buffers are exhausted. */
static inline struct rte_mbuf *
span_link(struct port *port, struct rte_mbuf *last, const struct span *span, struct csum_run *run)
{
	uint64_t sum;

	if (span->buf == NULL) {
		last = chain_tail(port, last);
		if (UNLIKELY(last == NULL))
			return NULL;
		sum = csum_copy(rte_pktmbuf_mtod_offset(last, void *, last->data_len), span->data,
		                span->len);
		last->data_len = (uint16_t)(last->data_len + span->len);
	} else {
		last->next = span_attach(port, span);
		last = last->next;
		if (UNLIKELY(last == NULL))
			return NULL;
		sum = csum_add(span->data, span->len, 0);
	}
	csum_run_add(run, sum, span->len);
	return last;
}

/* Buffers are exhausted: the packet becomes a linear one. */
static COLD void
chain_give_up(struct rte_mbuf *mbuf, const struct pkt_out *pkt)
{
	if (mbuf->next != NULL)
		rte_pktmbuf_free(mbuf->next);
	mbuf->next = NULL;
	mbuf->data_len = 0;
	build_linear(mbuf, pkt);
}

void
build_chain(struct port *port, struct rte_mbuf *mbuf, const struct pkt_out *pkt)
{
	struct rte_mbuf *last = mbuf;
	struct csum_run run;
	uint16_t segs = 1;

	pkt_check(mbuf, pkt);
	run = hdr_write(rte_pktmbuf_mtod(mbuf, uint8_t *), pkt);
	mbuf->data_len = pkt->hdr_len;
	for (uint16_t i = 0; i < pkt->span_cnt; i++) {
		struct rte_mbuf *before = last;

		last = span_link(port, last, &pkt->span[i], &run);
		if (UNLIKELY(last == NULL)) {
			chain_give_up(mbuf, pkt);
			return;
		}
		segs += last != before;
	}
	csum_write(rte_pktmbuf_mtod(mbuf, uint8_t *), pkt, &run);
	mbuf->nb_segs = segs;
	mbuf->pkt_len = pkt->hdr_len + pkt->payload_len;
}
