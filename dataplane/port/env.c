/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* DPDK's environment: an lcore for each worker, nothing probed, nothing shared, nothing left
 * behind. */
#include "dataplane/port/setup.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	LCORES_TEXT_MAX = 16384,
	PREFIX_ARG_MAX = 128,
	ARGS_MAX = 16,
	WAIT_LOOK_US = 1000,
};

/* What --no-huge may map for each lcore; only what is used is touched. The largest queue, at MTU
 * 9000, needs about 140 MiB. */
enum { NO_HUGE_MIB = 512 };

int
port_fail(struct port_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -1;
}

struct lcores_text {
	char text[LCORES_TEXT_MAX];
	size_t len;
};

static COLD void __attribute__((format(printf, 2, 3)))
text_add(struct lcores_text *out, const char *format, ...)
{
	size_t room = sizeof(out->text) - out->len;
	va_list args;

	va_start(args, format);
	out->len += (size_t)vsnprintf(out->text + out->len, room, format, args);
	va_end(args);
	out->len = MIN(out->len, sizeof(out->text) - 1);
}

/* lcore_add writes "LCORE@(CPU,CPU...)". An lcore that is not bound may use the CPUs that the
 * process may use already, so that EAL binds to nothing else. */
static COLD void
lcore_add(struct lcores_text *out, uint32_t lcore, int cpu)
{
	const char *comma = "";
	cpu_set_t set;

	CPU_ZERO(&set);
	if (cpu >= 0)
		CPU_SET(cpu, &set);
	else if (sched_getaffinity(0, sizeof(set), &set) < 0)
		CPU_SET(0, &set);
	text_add(out, "%s%u@(", lcore > 0 ? "," : "", lcore);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		text_add(out, "%s%d", comma, i);
		comma = ",";
	}
	text_add(out, ")");
}

static COLD int
lcores_fill(struct lcores_text *out, const int *cpus, uint32_t cpu_cnt, struct port_error *error)
{
	if (cpu_cnt < 1 || cpu_cnt > PORT_QUEUES_MAX)
		return port_fail(error, "%u workers, not in [1, %d]", cpu_cnt, PORT_QUEUES_MAX);
	text_add(out, "--lcores=");
	for (uint32_t i = 0; i < cpu_cnt; i++) {
		if (cpus[i] >= CPU_SETSIZE)
			return port_fail(error, "no such CPU: %d", cpus[i]);
		lcore_add(out, i, cpus[i]);
	}
	if (out->len == sizeof(out->text) - 1)
		return port_fail(error, "too many CPUs for %u workers", cpu_cnt);
	return 0;
}

static COLD int
env_fail(struct port_error *error, bool no_huge)
{
	if (!no_huge && (rte_errno == EACCES || rte_errno == ENOMEM))
		return port_fail(error, "DPDK found no free hugepages: reserve some "
		                        "(sysctl vm.nr_hugepages=...) or use --no-huge");
	return port_fail(error, "DPDK's environment did not start: %s", rte_strerror(rte_errno));
}

int
port_env_init(const char *prefix, bool no_huge, const int *cpus, uint32_t cpu_cnt,
              struct port_error *error)
{
	struct lcores_text lcores = {.len = 0};
	char file_prefix[PREFIX_ARG_MAX];
	char memory[16];
	char *argv[ARGS_MAX] = {
		(char *)"spillway-dp", (char *)"--no-pci", (char *)"--iova-mode=va",
		(char *)"--no-telemetry", (char *)"--log-level=warning",
		(char *)"--log-level=lib.eal:error",
		/* What these say as errors either is none or is said by port in better words. */
		(char *)"--log-level=pmd.net.af_xdp:critical",
		(char *)"--log-level=pmd.net.memif:critical",
		(char *)"--log-level=pmd.net.tap:critical",
		(char *)"--log-level=pmd.net.virtio.*:critical", file_prefix,
		lcores.text,
	};
	int argc = 12;

	if (lcores_fill(&lcores, cpus, cpu_cnt, error) < 0)
		return -1;
	if (snprintf(file_prefix, sizeof(file_prefix), "--file-prefix=%s", prefix) >=
	    (int)sizeof(file_prefix))
		return port_fail(error, "runtime name too long: %s", prefix);
	argv[argc++] = (char *)(no_huge ? "--no-shconf" : "--in-memory");
	/* A vhost-user back end maps eight files at most. */
	argv[argc++] = (char *)(no_huge ? "--no-huge" : "--single-file-segments");
	if (no_huge) {
		argv[argc++] = (char *)"-m";
		snprintf(memory, sizeof(memory), "%u", NO_HUGE_MIB * cpu_cnt);
		argv[argc++] = memory;
	}
	if (rte_eal_init(argc, argv) < 0)
		return env_fail(error, no_huge);
	/* DPDK's own stream also goes to syslog, which reads the time zone's file at first. */
	rte_openlog_stream(stderr);
	return 0;
}

void
port_env_fini(void)
{
	rte_eal_cleanup();
}

int
port_env_run(uint32_t lcore, int (*fn)(void *), void *arg)
{
	if (lcore == rte_get_main_lcore() || !rte_lcore_is_enabled(lcore))
		return -1;
	return rte_eal_remote_launch(fn, arg, lcore) < 0 ? -1 : 0;
}

/* EAL's own waiting spins, which would take time from what is waited for. */
int
port_env_wait(uint32_t lcore)
{
	while (rte_eal_get_lcore_state(lcore) == RUNNING)
		usleep(WAIT_LOOK_US);
	return rte_eal_wait_lcore(lcore);
}
