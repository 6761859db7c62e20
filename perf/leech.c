/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway-leech: the load generator. Options in, one run, a summary out. */
#include "perf/leech_options.h"
#include "perf/leech_report.h"
#include "perf/leech_session.h"
#include "perf/leech_torrent.h"

#include <stdlib.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

int
main(int argc, char **argv)
{
	struct leech_options options;
	struct leech_torrent torrent;
	struct leech_session session;
	int status = STATUS_FAILED;
	int go = leech_options_read(&options, argc, argv);

	if (go <= 0)
		return go == 0 ? EXIT_SUCCESS : STATUS_USAGE;
	if (leech_torrent_load(&torrent, options.torrent_path) != 0)
		return STATUS_FAILED;
	if (leech_session_run(&session, &options, &torrent) == 0) {
		leech_report_print(&session);
		status = leech_report_status(&session);
	}
	leech_session_fini(&session);
	leech_torrent_unload(&torrent);
	return status;
}
