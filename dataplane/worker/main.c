/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway-dp: the dataplane process. Started by spillwayd with two descriptors (abi.h); it has no
 * options of its own. */
#include "dataplane/worker/config.h"
#include "dataplane/worker/dataplane.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile bool stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = true;
}

static void
signals_init(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static int
fail(const char *text)
{
	fprintf(stderr, "spillway-dp: %s\n", text);
	return 1;
}

static int
usage(void)
{
	printf("spillway-dp " SPILLWAY_VERSION ": Spillway's dataplane.\n"
	       "It is started by spillwayd and takes no options; see spillwayd --help.\n");
	return 0;
}

int
main(int argc, char **argv)
{
	char why[DATAPLANE_ERROR_MAX] = "";
	struct abi_config config;
	const char *error;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
		return usage();
	if (argc > 1)
		return fail("takes no options; it is started by spillwayd");
	error = config_read(ABI_FD_CONFIG, &config);
	if (error != NULL)
		return fail(error);
	close(ABI_FD_CONFIG);
	signals_init();
	prctl(PR_SET_TIMERSLACK, 1000ul);
	return dataplane_run(&config, &stop, why) == 0 ? 0 : fail(why);
}
