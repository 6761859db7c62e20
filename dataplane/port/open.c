/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Making, starting and ending the device of a port. */
#include "dataplane/port/device.h"

#include <rte_dev.h>
#include <rte_errno.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MBUF_CACHE = 256,
	ATTACH_MBUFS = 4096,
};

static unsigned int port_seq; /* names of devices and pools never repeat */

static COLD struct rte_mempool *
pool_create(const char *what, uint32_t cnt, uint16_t priv_len, uint16_t room)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "port%u_%s", port_seq, what);
	return rte_pktmbuf_pool_create(name, cnt, MBUF_CACHE, priv_len, room, SOCKET_ID_ANY);
}

static COLD int
pools_create(struct port *port, struct port_setup *setup)
{
	uint16_t room = (uint16_t)(setup->data_len + RTE_PKTMBUF_HEADROOM);
	uint64_t need = (uint64_t)PORT_MBUFS * (room + sizeof(struct rte_mbuf) + 64);

	port->pool = pool_create("data", PORT_MBUFS, 0, room);
	if (setup->kind->attaches)
		port->attach_pool = pool_create(
			"attach", ATTACH_MBUFS,
			RTE_ALIGN(sizeof(struct attachment), RTE_MBUF_PRIV_ALIGN), 0);
	if (port->pool == NULL || (setup->kind->attaches && port->attach_pool == NULL))
		return port_fail(setup->error,
		                 "port %s: not enough %s: packet buffers need %u MiB",
		                 setup->config->spec,
		                 rte_eal_has_hugepages() ? "free hugepages" : "memory",
		                 (unsigned int)((need >> 20) + 1));
	return 0;
}

static COLD int
driver_fail(struct port_setup *setup, const char *what, int ret)
{
	return port_fail(setup->error, "port %s: DPDK's %s %s: %s", setup->config->spec,
	                 setup->kind->driver, what, rte_strerror(-ret));
}

/* A driver's claims decide: chains need MULTI_SEGS and room for the longest one. Checksums to
 * send are never left to it: net_tap gets those of odd segments wrong. */
static COLD void
capabilities_take(struct port *port, const struct port_setup *setup,
                  const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint16_t segs_max = info->tx_desc_lim.nb_seg_max;

	port->chain = setup->kind->attaches &&
	              (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0 &&
	              (segs_max == 0 || segs_max > 2 * PKT_SPANS_MAX);
	if (port->chain)
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	port->rx_csum = (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0;
	if (port->rx_csum)
		conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
}

static COLD int
queues_start(struct port *port, struct port_setup *setup)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {0};
	uint16_t rx_len = PORT_RING_LEN;
	uint16_t tx_len = PORT_RING_LEN;
	int ret = rte_eth_dev_info_get(port->id, &info);

	if (ret < 0)
		return driver_fail(setup, "does not describe itself", ret);
	capabilities_take(port, setup, &info, &conf);
	ret = rte_eth_dev_configure(port->id, 1, 1, &conf);
	if (ret == 0)
		ret = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx_len, &tx_len);
	if (ret == 0)
		ret = rte_eth_rx_queue_setup(port->id, 0, rx_len, SOCKET_ID_ANY, NULL, port->pool);
	if (ret == 0)
		ret = rte_eth_tx_queue_setup(port->id, 0, tx_len, SOCKET_ID_ANY, NULL);
	if (ret == 0)
		ret = rte_eth_dev_start(port->id);
	if (ret < 0)
		return driver_fail(setup, "does not start", ret);
	port->started = true;
	port->completes = rte_eth_tx_done_cleanup(port->id, 0, 0) >= 0;
	return 0;
}

static COLD int
device_create(struct port *port, struct port_setup *setup)
{
	int ret;

	snprintf(port->name, sizeof(port->name), "%s%u", setup->kind->driver, port_seq);
	ret = rte_eal_hotplug_add("vdev", port->name, setup->devargs);
	if (ret < 0) {
		port->name[0] = '\0';
		return driver_fail(setup, "refuses", ret);
	}
	ret = rte_eth_dev_get_port_by_name(port->name, &port->id);
	return ret < 0 ? driver_fail(setup, "made no device", ret) : 0;
}

/* mac_take gives the port an address of its own where the kernel answers to the device's; and one
 * at all where the device has none. */
static COLD void
mac_take(struct port *port, const struct port_setup *setup)
{
	static const uint8_t none[6];
	struct rte_ether_addr mac = {{0}};
	uint8_t *byte = port->info.mac;

	rte_eth_macaddr_get(port->id, &mac);
	memcpy(byte, mac.addr_bytes, sizeof(port->info.mac));
	if (setup->kind->mac == PORT_MAC_DERIVED || memcmp(byte, none, sizeof(none)) == 0) {
		byte[0] = (uint8_t)((byte[0] & ~1u) | 2u);
		byte[5] ^= 1;
	}
}

static COLD void
info_fill(struct port *port, const struct port_setup *setup)
{
	mac_take(port, setup);
	port->info.mtu = setup->config->mtu;
	port->info.zero_copy = port->chain;
	port->frame_max = setup->config->mtu + (uint32_t)PORT_ETH_LEN;
	snprintf(port->info.text, sizeof(port->info.text), "%s, %s, MTU %u, payload %s",
	         setup->config->spec, setup->kind->driver, setup->config->mtu,
	         port->chain ? "attached" : "copied");
}

/* device_end undoes device_create and queues_start as far as they came. */
static COLD void
device_end(struct port *port)
{
	if (port->started)
		rte_eth_dev_stop(port->id);
	if (port->name[0] != '\0') {
		rte_eth_dev_close(port->id);
		rte_eal_hotplug_remove("vdev", port->name);
	}
	rte_mempool_free(port->pool);
	rte_mempool_free(port->attach_pool);
	port->started = false;
	port->name[0] = '\0';
	port->pool = NULL;
	port->attach_pool = NULL;
}

static COLD int
port_start(struct port *port, struct port_setup *setup)
{
	const struct port_kind *kind = setup->kind;

	if (kind->check != NULL && kind->check(setup) < 0)
		return -1;
	if (kind->devargs != NULL && kind->devargs(setup) < 0)
		return -1;
	if (pools_create(port, setup) < 0)
		return -1;
	if (device_create(port, setup) < 0 || queues_start(port, setup) < 0) {
		device_end(port);
		if (kind->diagnose != NULL)
			kind->diagnose(setup);
		return -1;
	}
	if (kind->started != NULL && kind->started(setup) < 0)
		return -1;
	info_fill(port, setup);
	return 0;
}

struct port *
port_open(const struct port_config *config, struct counters *ctr, struct port_error *error)
{
	struct port_setup setup = {.config = config, .error = error};
	struct port *port;
	int ret;

	if (port_kind_parse(&setup) < 0)
		return NULL;
	port = aligned_alloc(64, (sizeof(*port) + 63) & ~(size_t)63);
	if (port == NULL) {
		port_fail(error, "port %s: out of memory", config->spec);
		return NULL;
	}
	memset(port, 0, sizeof(*port));
	port->ctr = ctr;
	ret = port_start(port, &setup);
	port->lock_fd = setup.lock_fd;
	port->wait_fd = ret == 0 ? wait_fd_find(setup.kind->family, setup.lock_fd) : -1;
	port_seq++;
	if (ret == 0)
		return port;
	port_close(port);
	return NULL;
}

void
port_close(struct port *port)
{
	if (port == NULL)
		return;
	rte_pktmbuf_free_bulk(port->pending, port->pending_cnt);
	rte_pktmbuf_free_bulk(port->spare, port->spare_cnt);
	device_end(port);
	if (port->lock_fd >= 0)
		close(port->lock_fd);
	free(port);
}

const struct port_info *
port_info(const struct port *port)
{
	return &port->info;
}
