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
	struct port *port;
	struct counters ctr; /* of the port */
};

static struct port *
port_begin(struct leech_net *net, const struct leech_options *options)
{
	struct port_config config = {
		.spec = options->port,
		.xdp_object = options->xdp_object,
		.address_be = options->local.first.s_addr,
		.mtu = (uint16_t)options->mtu,
	};
	struct port_error error = {{0}};
	struct port *port = port_open(&config, &net->ctr, &error);

	if (port == NULL)
		fprintf(stderr, "spillway-leech: %s\n", error.text);
	return port;
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
	if (port_env_init(prefix, options->no_huge, options->cpu, &error) < 0) {
		fprintf(stderr, "spillway-leech: %s\n", error.text);
		free(net);
		return NULL;
	}
	prctl(PR_SET_TIMERSLACK, (unsigned long)TIMER_SLACK_NS);
	net->port = port_begin(net, options);
	if (net->port != NULL)
		return net;
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
	port_close(net->port);
	port_env_fini();
	free(net);
}
