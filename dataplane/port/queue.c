/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A queue pair and its pools. */
#include "dataplane/port/device.h"

#include <rte_eal.h>
#include <rte_ring.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MBUF_CACHE = 256,
	ATTACH_MBUFS = 4096,
};

struct pool_wish {
	const char *name;
	uint32_t cnt;
	uint16_t priv_len;
	uint16_t room;
	bool shared; /* another worker gives buffers back too */
};

/* pool_fill gives a pool its mbufs, one right behind the other in one piece of memory: net_af_xdp
 * takes it for that, and would lose what lies elsewhere. */
static COLD bool
pool_fill(struct rte_mempool *pool, const struct pool_wish *wish)
{
	struct rte_pktmbuf_pool_private private = {
		.mbuf_priv_size = wish->priv_len,
		.mbuf_data_room_size = wish->room,
	};

	if (rte_mempool_set_ops_byname(pool, wish->shared ? "ring_mp_mc" : lifo_name, NULL) < 0)
		return false;
	rte_pktmbuf_pool_init(pool, &private);
	if (rte_mempool_populate_default(pool) < 0 || pool->nb_mem_chunks != 1)
		return false;
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return true;
}

static COLD struct rte_mempool *
pool_create(const struct port_device *device, const struct port *port,
            const struct pool_wish *wish)
{
	unsigned int len = sizeof(struct rte_mbuf) + wish->priv_len + wish->room;
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "port%u_%u_%s", device->seq, port->queue, wish->name);
	pool = rte_mempool_create_empty(name, wish->cnt, len, MBUF_CACHE,
	                                sizeof(struct rte_pktmbuf_pool_private), SOCKET_ID_ANY,
	                                RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	if (pool == NULL || pool_fill(pool, wish))
		return pool;
	rte_mempool_free(pool);
	return NULL;
}

static COLD int
pools_create(const struct port_device *device, const struct port_setup *setup, struct port *port)
{
	const struct pool_wish data = {
		.name = "data",
		.cnt = setup->mbufs,
		.room = (uint16_t)(setup->data_len + RTE_PKTMBUF_HEADROOM),
		.shared = device->crosses,
	};
	const struct pool_wish attach = {
		.name = "attach",
		.cnt = ATTACH_MBUFS,
		.priv_len = RTE_ALIGN(sizeof(struct attachment), RTE_MBUF_PRIV_ALIGN),
		.shared = device->crosses,
	};
	uint64_t need = (uint64_t)data.cnt * (data.room + sizeof(struct rte_mbuf) + 64);

	port->pool = pool_create(device, port, &data);
	if (setup->kind->attaches)
		port->attach_pool = pool_create(device, port, &attach);
	if (port->pool == NULL || (setup->kind->attaches && port->attach_pool == NULL))
		return port_fail(setup->error,
		                 "port %s: not enough %s: packet buffers need %u MiB a queue",
		                 setup->config->spec,
		                 rte_eal_has_hugepages() ? "free hugepages" : "memory",
		                 (unsigned int)((need >> 20) + 1));
	return 0;
}

/* returns_create makes the ring that has room for every reference that may come back. */
static COLD int
returns_create(const struct port_device *device, const struct port_setup *setup,
               struct port *port)
{
	char name[RTE_RING_NAMESIZE];

	if (!device->crosses)
		return 0;
	snprintf(name, sizeof(name), "port%u_%u_returns", device->seq, port->queue);
	port->returns = rte_ring_create(name, 2 * ATTACH_MBUFS, SOCKET_ID_ANY,
	                                RING_F_SC_DEQ); /* a chain given up is freed here */
	if (port->returns == NULL)
		return port_fail(setup->error, "port %s: out of memory", setup->config->spec);
	return 0;
}

struct port *
queue_create(const struct port_device *device, const struct port_setup *setup, uint16_t queue)
{
	struct port *port = aligned_alloc(64, (sizeof(*port) + 63) & ~(size_t)63);

	if (port == NULL) {
		port_fail(setup->error, "port %s: out of memory", setup->config->spec);
		return NULL;
	}
	memset(port, 0, sizeof(*port));
	port->queue = queue;
	port->wait_fd = -1;
	port->shares = device->shares;
	port->seen_len = device->shares ? 0 : UINTPTR_MAX;
	if (pools_create(device, setup, port) == 0 && returns_create(device, setup, port) == 0) {
		port->nudge = rte_pktmbuf_alloc(port->pool);
		return port;
	}
	queue_destroy(port);
	return NULL;
}

static COLD void
returns_free(struct port *port)
{
	void *buf = NULL;

	while (port->returns != NULL && rte_ring_dequeue(port->returns, &buf) == 0)
		buf_put(buf);
	rte_ring_free(port->returns);
}

void
queue_destroy(struct port *port)
{
	if (port == NULL)
		return;
	rte_pktmbuf_free_bulk(port->pending, port->pending_cnt);
	rte_pktmbuf_free_bulk(port->spare, port->spare_cnt);
	rte_pktmbuf_free(port->nudge);
	if (port->attach_cnt > 0)
		rte_mempool_put_bulk(port->attach_pool, (void **)port->attach, port->attach_cnt);
	returns_free(port);
	rte_mempool_free(port->pool);
	rte_mempool_free(port->attach_pool);
	free(port);
}
