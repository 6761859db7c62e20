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

enum { LAZY_UNUSED = 8 }; /* net_virtio_user needs a few descriptors more than its threshold */

static unsigned int port_seq;

static COLD int
driver_fail(struct port_setup *setup, const char *what, int ret)
{
	return port_fail(setup->error, "port %s: DPDK's %s %s: %s", setup->config->spec,
	                 setup->kind->driver, what, rte_strerror(-ret));
}

/* A driver's claims decide: chains need MULTI_SEGS and room for the longest one. Checksums to
 * send are left only to those that get them right: net_tap and net_vhost do not, of odd
 * segments. */
static COLD void
capabilities_take(struct port_device *device, const struct port_setup *setup,
                  const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint16_t segs_max = info->tx_desc_lim.nb_seg_max;

	bool claims = (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;

	device->chain = setup->kind->attaches && (claims || setup->kind->unsaid) &&
	                (segs_max == 0 || segs_max > 2 * PKT_SPANS_MAX);
	if (device->chain && claims)
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	device->tx_csum = device->chain && setup->kind->offloads &&
	                  (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
	if (device->tx_csum)
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
	if (device->tx_csum && (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0) {
		conf->txmode.offloads |= RTE_ETH_TX_OFFLOAD_TCP_TSO;
		device->info.tso_max = PORT_TSO_MAX;
	}
	device->rx_csum = (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0;
	if (device->rx_csum)
		conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
}

/* rings_setup sets up each queue pair's rings on the device. A lazy one is told to look for what
 * was sent whenever it sends. */
static COLD int
rings_setup(struct port_device *device, const struct port_setup *setup,
            const struct rte_eth_dev_info *info)
{
	struct rte_eth_txconf tx_conf = info->default_txconf;
	uint16_t rx_len = PORT_RING_LEN;
	uint16_t tx_len = PORT_RING_LEN;
	int ret = rte_eth_dev_adjust_nb_rx_tx_desc(device->id, &rx_len, &tx_len);

	if (setup->kind->lazy)
		tx_conf.tx_free_thresh = tx_len - LAZY_UNUSED;
	for (uint16_t i = 0; i < device->queue_cnt && ret == 0; i++) {
		ret = rte_eth_rx_queue_setup(device->id, i, rx_len, SOCKET_ID_ANY, NULL,
		                             device->queues[i]->pool);
		if (ret == 0)
			ret = rte_eth_tx_queue_setup(device->id, i, tx_len, SOCKET_ID_ANY, &tx_conf);
	}
	return ret;
}

static COLD int
device_start(struct port_device *device, struct port_setup *setup)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {0};
	int ret = rte_eth_dev_info_get(device->id, &info);

	if (ret < 0)
		return driver_fail(setup, "does not describe itself", ret);
	if (MIN(info.max_rx_queues, info.max_tx_queues) < device->queue_cnt)
		return port_fail(setup->error, "port %s: the other end has %u of the %u queues",
		                 setup->config->spec, MIN(info.max_rx_queues, info.max_tx_queues),
		                 device->queue_cnt);
	capabilities_take(device, setup, &info, &conf);
	conf.intr_conf.rxq = setup->kind->interrupts;
	ret = rte_eth_dev_configure(device->id, device->queue_cnt, device->queue_cnt, &conf);
	if (ret == 0)
		ret = rings_setup(device, setup, &info);
	if (ret == 0)
		ret = rte_eth_dev_start(device->id);
	if (ret < 0)
		return driver_fail(setup, "does not start", ret);
	device->started = true;
	return 0;
}

static COLD int
device_create(struct port_device *device, struct port_setup *setup)
{
	int ret;

	if (setup->kind->create != NULL)
		return setup->kind->create(device, setup);
	snprintf(device->name, sizeof(device->name), "%s%u", setup->kind->driver, device->seq);
	ret = rte_eal_hotplug_add("vdev", device->name, setup->devargs);
	if (ret < 0) {
		device->name[0] = '\0';
		return driver_fail(setup, "refuses", ret);
	}
	ret = rte_eth_dev_get_port_by_name(device->name, &device->id);
	return ret < 0 ? driver_fail(setup, "made no device", ret) : 0;
}

/* mac_take gives the port an address of its own where the kernel answers to the device's; and one
 * at all where the device has none. */
static COLD void
mac_take(struct port_device *device, const struct port_setup *setup)
{
	static const uint8_t none[6];
	struct rte_ether_addr mac = {{0}};
	uint8_t *byte = device->info.mac;

	rte_eth_macaddr_get(device->id, &mac);
	memcpy(byte, mac.addr_bytes, sizeof(device->info.mac));
	if (setup->kind->mac == PORT_MAC_DERIVED || memcmp(byte, none, sizeof(none)) == 0) {
		byte[0] = (uint8_t)((byte[0] & ~1u) | 2u);
		byte[5] ^= 1;
	}
}

static COLD void
info_fill(struct port_device *device, const struct port_setup *setup)
{
	struct port_info *info = &device->info;

	mac_take(device, setup);
	info->mtu = setup->config->mtu;
	info->zero_copy = device->chain;
	info->drained = setup->kind->drained;
	snprintf(info->text, sizeof(info->text), "%.56s, %.15s, MTU %u, payload %s%s%s",
	         setup->config->spec, setup->kind->driver, info->mtu,
	         device->chain ? "attached" : "copied", device->tx_csum ? ", checksums" : "",
	         info->tso_max > 0 ? ", TSO" : "");
}

/* queues_ready tells the queue pairs what the device turned out to be. */
static COLD void
queues_ready(struct port_device *device, const struct port_setup *setup)
{
	for (uint16_t i = 0; i < device->queue_cnt; i++) {
		struct port *port = device->queues[i];

		port->id = device->id;
		port->chain = device->chain;
		port->tx_csum = device->tx_csum;
		port->rx_csum = device->rx_csum;
		port->lazy = setup->kind->lazy;
		port->once = setup->kind->once && !setup->server;
		port->completes = rte_eth_tx_done_cleanup(device->id, i, 0) >= 0;
		port->frame_max = device->info.mtu + (uint32_t)PORT_ETH_LEN;
		port->info = device->info;
	}
	wait_find(device, setup);
}

/* device_end undoes device_create and device_start as far as they came. */
static COLD void
device_end(struct port_device *device)
{
	if (device->started)
		rte_eth_dev_stop(device->id);
	if (device->name[0] != '\0') {
		if (rte_eth_dev_is_valid_port(device->id))
			rte_eth_dev_close(device->id);
		rte_eal_hotplug_remove("vdev", device->name);
	}
	link_end(device);
	for (uint16_t i = 0; i < device->queue_cnt; i++)
		queue_destroy(device->queues[i]);
	device->started = false;
	device->name[0] = '\0';
	device->queue_cnt = 0;
}

static COLD int
queues_create(struct port_device *device, struct port_setup *setup)
{
	for (uint16_t i = 0; i < setup->config->queue_cnt; i++) {
		device->queues[i] = queue_create(device, setup, i);
		if (device->queues[i] == NULL)
			return -1;
		device->queue_cnt++;
	}
	return 0;
}

static COLD int
port_start(struct port_device *device, struct port_setup *setup)
{
	const struct port_kind *kind = setup->kind;

	if (kind->check != NULL && kind->check(setup) < 0)
		return -1;
	if (kind->devargs != NULL && kind->devargs(setup) < 0)
		return -1;
	device->shares = kind->shares;
	device->crosses = kind->create == link_create && setup->arg[0] != '\0';
	if (queues_create(device, setup) < 0)
		return -1;
	if (device_create(device, setup) < 0 || device_start(device, setup) < 0) {
		device_end(device);
		if (kind->diagnose != NULL)
			kind->diagnose(setup);
		return -1;
	}
	if (kind->started != NULL && kind->started(setup) < 0)
		return -1;
	info_fill(device, setup);
	queues_ready(device, setup);
	return 0;
}

struct port_device *
port_open(const struct port_config *config, struct port_error *error)
{
	struct port_setup setup = {.config = config, .error = error};
	struct port_device *device;
	int ret;

	if (port_kind_parse(&setup) < 0)
		return NULL;
	device = calloc(1, sizeof(*device));
	if (device == NULL) {
		port_fail(error, "port %s: out of memory", config->spec);
		return NULL;
	}
	device->id = RTE_MAX_ETHPORTS;
	device->seq = port_seq++;
	ret = port_start(device, &setup);
	device->lock_fd = setup.lock_fd;
	device->xdp_fd = setup.xdp_fd;
	if (ret == 0)
		return device;
	port_close(device);
	return NULL;
}

struct port *
port_queue(struct port_device *device, uint16_t queue, struct counters *ctr)
{
	dp_assert(queue < device->queue_cnt);
	device->queues[queue]->ctr = ctr;
	return device->queues[queue];
}

void
port_close(struct port_device *device)
{
	if (device == NULL)
		return;
	device_end(device);
	if (device->xdp_fd >= 0)
		close(device->xdp_fd);
	if (device->lock_fd >= 0)
		close(device->lock_fd);
	free(device);
}

bool
port_gone(struct port *port)
{
	struct rte_eth_link link;

	if (!port->once || rte_eth_link_get_nowait(port->id, &link) != 0)
		return false;
	if (link.link_status == RTE_ETH_LINK_UP)
		port->linked = true;
	return port->linked && link.link_status != RTE_ETH_LINK_UP;
}

const struct port_info *
port_info(const struct port *port)
{
	return &port->info;
}
