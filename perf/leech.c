/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway-leech: the load generator. Options in, one run, a summary out. */
#include "perf/leech_net.h"
#include "perf/leech_options.h"
#include "perf/leech_report.h"
#include "perf/leech_session.h"
#include "perf/leech_socket.h"
#include "perf/leech_stack.h"
#include "perf/leech_torrent.h"

#include <stdlib.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* net_close closes the port between the two ends of what stands on it. */
static void
net_close(struct leech_session *session, struct leech_net *net)
{
	uint32_t i;

	leech_net_close(net);
	for (i = 0; net != NULL && i < session->lane_cnt; i++)
		leech_stack_destroy(&session->lanes[i].context);
}

static int
run(const struct leech_options *options, const struct leech_torrent *torrent)
{
	struct leech_session session = {
		.options = options, .torrent = torrent, .carrier = &leech_socket_carrier,
	};
	struct leech_net *net = NULL;
	int status = STATUS_FAILED;

	if (options->port != NULL) {
		net = leech_net_open(options);
		if (net == NULL)
			return STATUS_FAILED;
		session.carrier = &leech_stack_carrier;
		session.port = leech_net_port(net);
	}
	if (leech_session_run(&session) == 0) {
		leech_report_print(&session);
		status = leech_report_status(&session);
	}
	net_close(&session, net);
	leech_session_fini(&session);
	return status;
}

int
main(int argc, char **argv)
{
	struct leech_options options;
	struct leech_torrent torrent;
	int go = argc > 0 ? leech_options_read(&options, argv) : -1;
	int status;

	if (go <= 0)
		return go == 0 ? EXIT_SUCCESS : STATUS_USAGE;
	if (leech_torrent_load(&torrent, options.torrent_path) != 0)
		return STATUS_FAILED;
	status = run(&options, &torrent);
	leech_torrent_unload(&torrent);
	return status;
}
