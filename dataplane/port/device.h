/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* device.h is a started ethdev and what its packet path needs.
 *
 *   struct pkt_out ──build_linear / build_chain──► mbuf ──► pending ──rte_eth_tx_burst──► device
 *
 * Memory. A queue pair has pools of its own. One of direct mbufs serves rx and tx (net_af_xdp sends
 * without a copy of its own only from its rx pool). Chains draw empty mbufs from a second pool;
 * each carries its own shared info, so that a block buffer may be attached any number of times. */
#ifndef SPILLWAY_DATAPLANE_PORT_DEVICE_H
#define SPILLWAY_DATAPLANE_PORT_DEVICE_H

#include "dataplane/port/setup.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum {
	PENDING_MAX = 2 * BURST_MAX, /* a burst, and replies beside it */
};

struct port {
	/* every burst */
	uint16_t id;              /* the ethdev's */
	uint16_t queue;
	bool chain;               /* attach payload rather than copy it */
	bool tx_csum;             /* the device makes TCP checksums; with chain only */
	bool armed;               /* the other end rings when packets have come */
	bool rx_csum;             /* the device checks TCP checksums */
	bool completes;           /* rte_eth_tx_done_cleanup does something */
	bool lazy;                /* see struct port_kind */
	uint16_t spare_cnt;
	uint16_t pending_cnt;
	uint16_t attach_cnt;
	uint32_t frame_max;       /* bytes of a frame to send that is not to be cut */
	uintptr_t seen_base;      /* payload here can be attached: the device sees it */
	uintptr_t seen_len;
	struct counters *ctr;
	struct rte_mempool *pool;
	struct rte_mempool *attach_pool; /* NULL unless chain */
	struct rte_mbuf *spare[BURST_MAX];     /* header buffers for the next burst */
	struct rte_mbuf *attach[BURST_MAX];    /* empty ones of attach_pool */
	struct rte_mbuf *pending[PENDING_MAX]; /* ready, not taken by the device; oldest first */
	struct rte_mbuf *rx[BURST_MAX];

	/* housekeeping, start and end */
	bool once;                /* the driver does not connect again */
	bool linked;              /* the other end has been there */
	bool shares;              /* the other end sees DPDK's memory, and no other */
	bool rings_bell;          /* wait_fd is an eventfd, and rung only when armed */
	int wait_fd;              /* polls readable when packets have come, or -1 */
	struct rte_mbuf *nudge;   /* of a lazy driver: see port_tx_flush */
	struct rte_ring *returns; /* buffers of ours that another worker is done with, or NULL */
	struct port_info info;
};

struct link;

struct port_device {
	uint16_t id;
	uint16_t queue_cnt;
	bool started;
	bool chain;               /* as in struct port, of which it is the pattern */
	bool tx_csum;
	bool rx_csum;
	int lock_fd;
	int xdp_fd;
	unsigned int seq;         /* names of devices and pools never repeat */
	char name[RTE_DEV_NAME_MAX_LEN];
	bool shares;
	bool crosses;             /* received buffers are another port's */
	struct link *link;
	int link_side;
	struct port_info info;
	struct port *queues[PORT_QUEUES_MAX];
};

/* lifo_name is the mempool handler of lifo.c: for pools whose buffers are taken and given back by
 * one thread only. */
extern const char lifo_name[];

/* queue_create makes a queue pair with its pools; the device need not exist yet.
 * Returns it, or NULL with setup->error filled. */
COLD struct port *
queue_create(const struct port_device *device, const struct port_setup *setup, uint16_t queue);

/* queue_destroy frees it and all its packets; the device is gone. NULL is allowed. */
COLD void
queue_destroy(struct port *port);

/* struct attachment lies in the private area of an attach_pool mbuf. */
struct attachment {
	struct rte_mbuf_ext_shared_info shinfo;
	struct buf *buf;
	struct rte_ring *returns; /* where to give buf back; NULL: at once */
};

/* wait_find finds what each queue pair can sleep on; the device has started. */
COLD void
wait_find(struct port_device *device, const struct port_setup *setup);

/* wait_end tells the other end not to ring: the worker looks by itself again. */
COLD void
wait_end(struct port *port);

/* build_linear writes headers and payload into one empty mbuf, with checksum. */
void
build_linear(struct rte_mbuf *mbuf, const struct pkt_out *pkt);

/* build_chain writes headers into an empty mbuf and attaches the payload behind it, with checksum
 * or telling the device to make it; spans without a buffer, or that the device does not see, are
 * copied, and so are those for which attach_pool has nothing left.
 *
 * Returns false, with an empty mbuf as before, when pool is exhausted and the packet is too long
 * for one buffer. */
bool
build_chain(struct port *port, struct rte_mbuf *mbuf, const struct pkt_out *pkt);

#endif
