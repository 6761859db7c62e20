/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ring_dp: a dataplane with the load generator in its own process, for spillwayd to start
 * (--dataplane PATH --port ring). RING_DP_SOCKET in the environment says where the bench listens:
 * see ring_bench.h. */
#include "dataplane/port/port.h"
#include "dataplane/worker/config.h"
#include "dataplane/worker/dataplane.h"

#include "perf/ring_bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

static int
fail(const char *text)
{
	fprintf(stderr, "ring_dp: %s\n", text);
	return 1;
}

/* run serves on the main lcore and those that follow; the bench has the last one. */
static int
run(const struct abi_config *config, const char *path)
{
	char why[DATAPLANE_ERROR_MAX] = "";
	struct ring_bench *bench = ring_bench_open(config, path, &stop);
	uint32_t lcore = config->worker_cnt;
	int err;

	if (bench == NULL)
		return fail("no bench");
	if (port_env_run(lcore, ring_bench_serve, bench) < 0)
		return fail("no lcore for the bench");
	err = dataplane_serve(config, &stop, why);
	stop = true;
	port_env_wait(lcore);
	ring_bench_close(bench);
	return err == 0 ? 0 : fail(why);
}

int
main(void)
{
	const char *path = getenv("RING_DP_SOCKET");
	struct port_error error = {{0}};
	int cpus[ABI_WORKERS_MAX + 1];
	struct abi_config config;
	const char *wrong;
	int status;

	wrong = config_read(ABI_FD_CONFIG, &config);
	if (wrong != NULL || path == NULL)
		return fail(wrong != NULL ? wrong : "RING_DP_SOCKET is not set");
	if (strcmp(config.port, "ring") != 0 || config.worker_cnt == ABI_WORKERS_MAX)
		return fail("the port must be ring, and a CPU be left for the bench");
	strcpy(config.port, "ring:dp");
	close(ABI_FD_CONFIG);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1000ul);
	memcpy(cpus, config.cpu, sizeof(config.cpu[0]) * config.worker_cnt);
	cpus[config.worker_cnt] = -1;
	config.flags |= ABI_CONFIG_SANDBOX_OFF; /* the bench is in this process */
	if (port_env_init(config.file_prefix, (config.flags & ABI_CONFIG_NO_HUGE) != 0, cpus,
	                  config.worker_cnt + 1, &error) < 0)
		return fail(error.text);
	status = run(&config, path);
	port_env_fini();
	return status;
}
