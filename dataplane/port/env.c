/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* DPDK's environment: one lcore, nothing probed, nothing shared, nothing left behind. */
#include "dataplane/port/setup.h"

#include <rte_eal.h>
#include <rte_errno.h>

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	LCORES_TEXT_MAX = 1024,
	PREFIX_ARG_MAX = 128,
	ARGS_MAX = 16,
};

/* What --no-huge may map; only what is used is touched. The largest port, at MTU 9000, needs
 * about 140 MiB. */
#define NO_HUGE_MIB "512"

int
port_fail(struct port_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -1;
}

/* lcores_text writes "0@(CPU,CPU...)": lcore 0 on the CPUs that the process may use already, so
 * that EAL starts no other worker and binds to nothing else. Returns 0, or -1 when it does not
 * fit. */
static COLD int
lcores_text(char *text, size_t size, int cpu)
{
	cpu_set_t set;
	size_t len = (size_t)snprintf(text, size, "--lcores=0@(");
	const char *comma = "";

	CPU_ZERO(&set);
	if (cpu >= 0 && cpu < CPU_SETSIZE)
		CPU_SET(cpu, &set);
	else if (sched_getaffinity(0, sizeof(set), &set) < 0)
		CPU_SET(0, &set);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		len += (size_t)snprintf(text + len, size - len, "%s%d", comma, i);
		comma = ",";
		if (len >= size - 1)
			return -1;
	}
	text[len] = ')';
	text[len + 1] = '\0';
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
port_env_init(const char *prefix, bool no_huge, int cpu, struct port_error *error)
{
	char lcores[LCORES_TEXT_MAX];
	char file_prefix[PREFIX_ARG_MAX];
	char *argv[ARGS_MAX] = {
		(char *)"spillway-dp", (char *)"--no-pci", (char *)"--iova-mode=va",
		(char *)"--no-telemetry", (char *)"--log-level=warning",
		(char *)"--log-level=lib.eal:error",
		/* What these say as errors either is none or is said by port in better words. */
		(char *)"--log-level=pmd.net.af_xdp:critical",
		(char *)"--log-level=pmd.net.memif:critical",
		(char *)"--log-level=pmd.net.tap:critical", file_prefix, lcores,
	};
	int argc = 11;

	if (cpu >= CPU_SETSIZE || lcores_text(lcores, sizeof(lcores) - 2, cpu) < 0)
		return port_fail(error, "no such CPU, or too many: %d", cpu);
	if (snprintf(file_prefix, sizeof(file_prefix), "--file-prefix=%s", prefix) >=
	    (int)sizeof(file_prefix))
		return port_fail(error, "runtime name too long: %s", prefix);
	argv[argc++] = (char *)(no_huge ? "--no-shconf" : "--in-memory");
	if (no_huge) {
		argv[argc++] = (char *)"--no-huge";
		argv[argc++] = (char *)"-m";
		argv[argc++] = (char *)NO_HUGE_MIB;
	}
	return rte_eal_init(argc, argv) < 0 ? env_fail(error, no_huge) : 0;
}

void
port_env_fini(void)
{
	rte_eal_cleanup();
}
