/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway-dp: the dataplane process. Started by spillwayd with two descriptors (abi.h); it has no
 * options of its own. */
#include "dataplane/worker/worker.h"

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
run(const struct abi_config *config)
{
	bool no_huge = (config->flags & ABI_CONFIG_NO_HUGE) != 0;
	char error[WORKER_ERROR_MAX] = "";
	struct port_error why = {{0}};
	struct worker *worker;
	int cpu = config->cpu;

	if (port_env_init(config->file_prefix, no_huge, &cpu, 1, &why) < 0)
		return fail(why.text);
	worker = worker_create(config, ABI_FD_LISTEN, &stop, error);
	if (worker == NULL) {
		port_env_fini();
		return fail(error);
	}
	worker_run(worker);
	worker_destroy(worker);
	port_env_fini();
	return 0;
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
	struct abi_config config;
	const char *error;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
		return usage();
	if (argc > 1)
		return fail("takes no options; it is started by spillwayd");
	if (geteuid() != 0)
		return fail("needs root");
	error = config_read(ABI_FD_CONFIG, &config);
	if (error != NULL)
		return fail(error);
	close(ABI_FD_CONFIG);
	signals_init();
	prctl(PR_SET_TIMERSLACK, 1000ul);
	return run(&config);
}
