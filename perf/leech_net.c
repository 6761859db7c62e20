/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* DPDK's environment and one device under a session. */
#include "perf/leech_net.h"

#include "perf/leech_stack.h"

#include "dataplane/port/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PREFIX_MAX = 32, TIMER_SLACK_NS = 1000, LATE_MAX = 256 };

struct leech_net {
	struct port_device *device;
	uint32_t queue_cnt;
	uint32_t late_cnt;
	struct leech_context late[LATE_MAX]; /* stacks of which the device holds buffers */
	struct port *ports[LEECH_THREADS_MAX];
	struct counters counters[LEECH_THREADS_MAX];
};

int
leech_net_env_init(const struct leech_options *options)
{
	struct port_error error = {{0}};
	int cpus[LEECH_THREADS_MAX];
	char prefix[PREFIX_MAX];
	uint32_t i;

	for (i = 0; i < options->thread_cnt; i++)
		cpus[i] = options->cpus.cpu[i % options->cpus.cnt];
	snprintf(prefix, sizeof(prefix), "spillway-leech-%d", (int)getpid());
	if (port_env_init(prefix, options->no_huge, cpus, options->thread_cnt, &error) < 0) {
		fprintf(stderr, "spillway-leech: %s\n", error.text);
		return -1;
	}
	prctl(PR_SET_TIMERSLACK, (unsigned long)TIMER_SLACK_NS);
	return 0;
}

static struct port_device *
device_open(const struct leech_options *options)
{
	struct port_config config = {
		.spec = options->port,
		.xdp_object = options->xdp_object,
		.address_be = options->local.first.s_addr,
		.mtu = (uint16_t)options->mtu,
		.queue_cnt = (uint16_t)options->queue_cnt,
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
	uint32_t i;

	if (net == NULL)
		return NULL;
	net->device = device_open(options);
	if (net->device == NULL) {
		free(net);
		return NULL;
	}
	net->queue_cnt = options->queue_cnt;
	for (i = 0; i < net->queue_cnt; i++)
		net->ports[i] = port_queue(net->device, (uint16_t)i, &net->counters[i]);
	return net;
}

/* stacks_end destroys the stacks of a run, but for those that must wait for the device's end. */
static void
stacks_end(struct leech_net *net, struct leech_session *session)
{
	uint32_t i;

	for (i = 0; i < session->lane_cnt && session->lanes != NULL; i++) {
		struct leech_context *context = &session->lanes[i].context;

		if (leech_stack_settle(context))
			leech_stack_destroy(context);
		else if (net->late_cnt < LATE_MAX)
			net->late[net->late_cnt++] = *context;
	}
}

int
leech_net_run(struct leech_net *net, struct leech_session *session)
{
	int status;

	session->carrier = &leech_stack_carrier;
	session->holds_requests = true;
	session->lane_cnt = session->options->queue_cnt;
	session->ports = net->ports;
	if (session->lane_cnt > net->queue_cnt) {
		fprintf(stderr, "spillway-leech: the port has %u queues\n", net->queue_cnt);
		session->lane_cnt = 0;
		return -1;
	}
	status = leech_session_run(session);
	stacks_end(net, session);
	return status;
}

void
leech_net_close(struct leech_net *net)
{
	if (net == NULL)
		return;
	port_close(net->device);
	while (net->late_cnt > 0)
		leech_stack_destroy(&net->late[--net->late_cnt]);
	free(net);
}

void
leech_net_env_fini(void)
{
	port_env_fini();
}
