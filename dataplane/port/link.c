/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Ports within one process: "ring" sends to itself, and two of "ring:NAME" to each other. What
 * passes is the sender's buffers themselves, so that the receiver frees them. */
#include "dataplane/port/device.h"

#include <rte_eth_ring.h>
#include <rte_ring.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING_LINKS_MAX = 16 };

/* struct link is a pair of ends; end i sends into rings[i]. */
struct link {
	bool used;
	char name[PORT_ARG_MAX]; /* "": the port sends to itself */
	uint16_t queue_cnt;
	bool open[2];
	struct rte_ring *rings[2][PORT_QUEUES_MAX];
};

static struct link links[RING_LINKS_MAX];

static COLD void
way_empty(struct rte_ring *ring)
{
	void *mbuf = NULL;

	while (ring != NULL && rte_ring_dequeue(ring, &mbuf) == 0)
		rte_pktmbuf_free(mbuf);
}

static COLD bool
rings_make(struct rte_ring **rings, unsigned int seq, int end, uint16_t cnt)
{
	char name[RTE_RING_NAMESIZE];

	for (uint16_t i = 0; i < cnt; i++) {
		snprintf(name, sizeof(name), "port%u_%d_%u", seq, end, i);
		rings[i] = rte_ring_create(name, PORT_RING_LEN, SOCKET_ID_ANY,
		                           RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (rings[i] == NULL)
			return false;
	}
	return true;
}

static COLD void
link_free(struct link *link)
{
	for (int end = 0; end < 2; end++) {
		for (uint16_t i = 0; i < PORT_QUEUES_MAX; i++) {
			way_empty(link->rings[end][i]);
			rte_ring_free(link->rings[end][i]);
		}
	}
	memset(link, 0, sizeof(*link));
}

/* link_find returns the link of a name, or a free one. */
static COLD struct link *
link_find(const char *name)
{
	struct link *free_link = NULL;

	for (int i = 0; i < RING_LINKS_MAX; i++) {
		if (links[i].used && name[0] != '\0' && strcmp(links[i].name, name) == 0)
			return &links[i];
		if (!links[i].used && free_link == NULL)
			free_link = &links[i];
	}
	return free_link;
}

static COLD int
link_make(struct link *link, struct port_setup *setup, unsigned int seq)
{
	uint16_t cnt = setup->config->queue_cnt;
	bool crosses = setup->arg[0] != '\0';

	link->used = true;
	snprintf(link->name, sizeof(link->name), "%s", setup->arg);
	link->queue_cnt = cnt;
	if (rings_make(link->rings[0], seq, 0, cnt) &&
	    (!crosses || rings_make(link->rings[1], seq, 1, cnt)))
		return 0;
	link_free(link);
	return port_fail(setup->error, "port %s: no memory for its rings", setup->config->spec);
}

int
link_create(struct port_device *device, struct port_setup *setup)
{
	struct link *link = link_find(setup->arg);
	uint16_t cnt = setup->config->queue_cnt;
	int end;
	int ret;

	if (link == NULL || (link->open[0] && link->open[1]))
		return port_fail(setup->error, "port %s: %s", setup->config->spec,
		                 link == NULL ? "too many rings" : "both ends are open already");
	if (!link->used && link_make(link, setup, device->seq) < 0)
		return -1;
	if (link->queue_cnt != cnt)
		return port_fail(setup->error, "port %s: the other end has %u queues, not %u",
		                 setup->config->spec, link->queue_cnt, cnt);
	end = link->open[0];
	snprintf(device->name, sizeof(device->name), "net_ring_port%u", device->seq);
	ret = rte_eth_from_rings(device->name + strlen("net_ring_"),
	                         link->rings[setup->arg[0] != '\0' ? !end : 0], cnt,
	                         link->rings[end], cnt, SOCKET_ID_ANY);
	device->link = link;
	device->link_side = end;
	link->open[end] = true;
	if (ret < 0)
		return port_fail(setup->error, "port %s: DPDK's net_ring refuses",
		                 setup->config->spec);
	device->id = (uint16_t)ret;
	return 0;
}

/* What is on its way is given back to those who sent it, while they are there. */
void
link_end(struct port_device *device)
{
	struct link *link = device->link;

	if (link == NULL)
		return;
	for (int end = 0; end < 2; end++)
		for (uint16_t i = 0; i < link->queue_cnt; i++)
			way_empty(link->rings[end][i]);
	link->open[device->link_side] = false;
	if (!link->open[0] && !link->open[1])
		link_free(link);
	device->link = NULL;
}
