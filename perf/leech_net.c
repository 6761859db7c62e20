/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* DPDK's environment and one device under a session. */
#include "perf/leech_net.h"

#include "perf/leech_stack.h"

#include "dataplane/port/port.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PREFIX_MAX = 32, TIMER_SLACK_NS = 1000 };

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

int
leech_net_run(struct leech_session *session)
{
	struct counters counters[LEECH_THREADS_MAX] = {0};
	struct port *ports[LEECH_THREADS_MAX];
	struct port_device *device = device_open(session->options);
	uint32_t i;
	int status;

	if (device == NULL)
		return -1;
	session->carrier = &leech_stack_carrier;
	session->holds_requests = true;
	session->lane_cnt = session->options->queue_cnt;
	for (i = 0; i < session->lane_cnt; i++)
		ports[i] = port_queue(device, (uint16_t)i, &counters[i]);
	session->ports = ports;
	status = leech_session_run(session);
	session->ports = NULL;
	port_close(device);
	for (i = 0; i < session->lane_cnt && session->lanes != NULL; i++)
		leech_stack_destroy(&session->lanes[i].context);
	return status;
}

void
leech_net_env_fini(void)
{
	port_env_fini();
}
