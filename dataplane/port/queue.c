/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A queue pair and its pools. */
#include "dataplane/port/device.h"

#include <rte_eal.h>

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
};

/* pool_fill gives a pool its mbufs, one right behind the other in one piece of memory: net_af_xdp
 * takes it for that, and would lose what lies elsewhere. */
static COLD bool
pool_fill(struct rte_mempool *pool, uint16_t priv_len, uint16_t room)
{
	struct rte_pktmbuf_pool_private private = {
		.mbuf_priv_size = priv_len,
		.mbuf_data_room_size = room,
	};

	if (rte_mempool_set_ops_byname(pool, lifo_name, NULL) < 0)
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
	if (pool == NULL || pool_fill(pool, wish->priv_len, wish->room))
		return pool;
	rte_mempool_free(pool);
	return NULL;
}

static COLD int
pools_create(const struct port_device *device, const struct port_setup *setup, struct port *port)
{
	const struct pool_wish data = {
		.name = "data",
		.cnt = PORT_MBUFS,
		.room = (uint16_t)(setup->data_len + RTE_PKTMBUF_HEADROOM),
	};
	const struct pool_wish attach = {
		.name = "attach",
		.cnt = ATTACH_MBUFS,
		.priv_len = RTE_ALIGN(sizeof(struct attachment), RTE_MBUF_PRIV_ALIGN),
	};
	uint64_t need = (uint64_t)PORT_MBUFS * (data.room + sizeof(struct rte_mbuf) + 64);

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
	if (pools_create(device, setup, port) == 0)
		return port;
	queue_destroy(port);
	return NULL;
}

void
queue_destroy(struct port *port)
{
	if (port == NULL)
		return;
	rte_pktmbuf_free_bulk(port->pending, port->pending_cnt);
	rte_pktmbuf_free_bulk(port->spare, port->spare_cnt);
	rte_mempool_free(port->pool);
	rte_mempool_free(port->attach_pool);
	free(port);
}
