/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* DPDK's environment and one port. */
#include "perf/leech_net.h"

#include "dataplane/port/port.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PREFIX_MAX = 32, TIMER_SLACK_NS = 1000 };

struct leech_net {
	struct port_device *device;
	struct port *port;
	struct counters ctr; /* of the port */
};

static struct port_device *
port_begin(const struct leech_options *options)
{
	struct port_config config = {
		.spec = options->port,
		.xdp_object = options->xdp_object,
		.address_be = options->local.first.s_addr,
		.mtu = (uint16_t)options->mtu,
		.queue_cnt = 1,
	};
	struct port_error error = {{0}};
	struct port_device *device = port_open(&config, &error);

	if (device == NULL)
		fprintf(stderr, "spillway-leech: %s\n", error.text);
	return device;
}

struct leech_net *
leech_net_open(const struct leech_options *options)
{
	struct leech_net *net = calloc(1, sizeof(*net));
	struct port_error error = {{0}};
	char prefix[PREFIX_MAX];

	if (net == NULL)
		return NULL;
	snprintf(prefix, sizeof(prefix), "spillway-leech-%d", (int)getpid());
	if (port_env_init(prefix, options->no_huge, &options->cpu, 1, &error) < 0) {
		fprintf(stderr, "spillway-leech: %s\n", error.text);
		free(net);
		return NULL;
	}
	prctl(PR_SET_TIMERSLACK, (unsigned long)TIMER_SLACK_NS);
	net->device = port_begin(options);
	if (net->device != NULL) {
		net->port = port_queue(net->device, 0, &net->ctr);
		return net;
	}
	leech_net_close(net);
	return NULL;
}

struct port *
leech_net_port(struct leech_net *net)
{
	return net->port;
}

void
leech_net_close(struct leech_net *net)
{
	if (net == NULL)
		return;
	port_close(net->device);
	port_env_fini();
	free(net);
}
