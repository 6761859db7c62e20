/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Memory, CPUs, the kernel and limits. */
#include "control/cli/doctor.h"

#include "control/options/cpus.h"
#include "control/link/preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define HUGE "/sys/kernel/mm/hugepages/hugepages-2048kB/"

enum {
	NODES_MAX = 8,
	FILES_MIN = 65536,
};

/* ---- Memory. */

/* nodes_text writes the free hugepages of each NUMA node, "" where there is one node. */
static void
nodes_text(const struct doctor *doctor, char *out, size_t out_len)
{
	size_t len = 0;

	out[0] = '\0';
	if (doctor_number(doctor, -1,
	                  "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages") < 0)
		return;
	for (int node = 0; node < NODES_MAX && len < out_len; node++) {
		int64_t cnt = doctor_number(
			doctor, -1,
			"/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/free_hugepages", node);
		if (cnt >= 0)
			len += (size_t)snprintf(out + len, out_len - len, "%s%" PRId64 " on node %d",
			                        len > 0 ? ", " : ": ", cnt, node);
	}
}

static void
hugepages_look(struct doctor *doctor)
{
	const struct options *options = doctor->options;
	struct abi_config config = {
		.arena_mib = (uint32_t)options->arena_mib,
		.worker_cnt = options_worker_cnt(options),
	};
	int64_t all = doctor_number(doctor, -1, HUGE "nr_hugepages");
	int64_t unused = doctor_number(doctor, 0, HUGE "free_hugepages");
	char fix[DOCTOR_TEXT_MAX], nodes[96];

	if (!options->huge) {
		DOCTOR_SAY(doctor, DOCTOR_WARN, "hugepages", "huge: yes in the configuration",
		           "not asked for (huge: no): packets are copied more, and tables are slower");
		return;
	}
	if (all < 0) {
		DOCTOR_SAY(doctor, DOCTOR_BAD, "hugepages", "huge: no in the configuration",
		           "this kernel has none of 2 MiB");
		return;
	}
	uint64_t needed = preflight_hugepages_missing(&config, 0);
	uint64_t missing = preflight_hugepages_missing(&config, (uint64_t)unused);
	bool elsewhere = missing > 0 && (uint64_t)(all - unused) >= needed;
	nodes_text(doctor, nodes, sizeof(nodes));
	snprintf(fix, sizeof(fix), "sysctl vm.nr_hugepages=%" PRIu64, (uint64_t)all + missing);
	DOCTOR_SAY(doctor,
	           elsewhere     ? DOCTOR_WARN
	           : missing > 0 ? DOCTOR_BAD
	                         : DOCTOR_OK,
	           "hugepages", fix, "%" PRIu64 " of 2 MiB are needed, %" PRId64 " of %" PRId64
	           " are free%s%s", needed, unused, all, nodes,
	           elsewhere ? ": well if Spillway has the others" : "");
}

static void
transparent_look(struct doctor *doctor)
{
	char line[64];

	if (!doctor_read(doctor, line, sizeof(line), "/sys/kernel/mm/transparent_hugepage/enabled"))
		return;
	bool never = strstr(line, "[never]") != NULL;
	DOCTOR_SAY(doctor, never ? DOCTOR_WARN : DOCTOR_OK, "transparent hugepages",
	           "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
	           never ? "never: tables and --no-huge get small pages" : "%s", line);
}

static void
memlock_look(struct doctor *doctor)
{
	struct rlimit limit = {0};
	uint64_t need = (uint64_t)doctor->options->arena_mib << 20;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	bool low = limit.rlim_max != RLIM_INFINITY && limit.rlim_max < need && geteuid() != 0;
	if (limit.rlim_max == RLIM_INFINITY)
		DOCTOR_SAY(doctor, DOCTOR_OK, "locked memory", "", "unlimited");
	else
		DOCTOR_SAY(doctor, low ? DOCTOR_WARN : DOCTOR_OK, "locked memory",
		           "ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit",
		           "%" PRIu64 " KiB here%s", (uint64_t)limit.rlim_max / 1024,
		           low ? ", the arena cannot be pinned" : "; started as root it is lifted");
}

void
doctor_memory(struct doctor *doctor)
{
	hugepages_look(doctor);
	transparent_look(doctor);
	memlock_look(doctor);
}

/* ---- CPUs. */

static void
clock_look(struct doctor *doctor)
{
	char name[32];

	if (!doctor_read(doctor, name, sizeof(name),
	                 "/sys/devices/system/clocksource/clocksource0/current_clocksource"))
		return;
	bool tsc = strcmp(name, "tsc") == 0;
	bool fast = tsc || strcmp(name, "kvm-clock") == 0;
	DOCTOR_SAY(doctor, fast ? DOCTOR_OK : DOCTOR_WARN, "clock source",
	           "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource",
	           "%s%s", name, fast ? "" : ": each look at the time is a system call");
}

/* list_has tells whether a CPU is in a list as the kernel writes it: 1-3,5. */
static bool
list_has(const char *list, int cpu)
{
	char *end;

	while (*list != '\0') {
		long first = strtol(list, &end, 10);
		if (end == list)
			return false;
		long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
		if (cpu >= first && cpu <= last)
			return true;
		list = *end == ',' ? end + 1 : end;
		if (*end != ',')
			break;
	}
	return false;
}

static void
governor_look(struct doctor *doctor, int cpu)
{
	char name[32], subject[DOCTOR_SUBJECT_MAX], fix[DOCTOR_TEXT_MAX];

	if (!doctor_read(doctor, name, sizeof(name),
	                 "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu))
		return;
	bool fast = strcmp(name, "performance") == 0;
	snprintf(subject, sizeof(subject), "governor of CPU %d", cpu);
	snprintf(fix, sizeof(fix),
	         "echo performance > /sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
	DOCTOR_SAY(doctor, fast ? DOCTOR_OK : DOCTOR_WARN, subject, fix, "%s%s", name,
	           fast ? "" : ": the clock goes down between bursts");
}

/* pinned_look looks at the CPUs that workers are bound to. */
static void
pinned_look(struct doctor *doctor, const struct cpus *cpus)
{
	char isolated[128], tickless[128], subject[DOCTOR_SUBJECT_MAX], fix[DOCTOR_TEXT_MAX];

	doctor_read(doctor, isolated, sizeof(isolated), "/sys/devices/system/cpu/isolated");
	doctor_read(doctor, tickless, sizeof(tickless), "/sys/devices/system/cpu/nohz_full");
	for (uint32_t i = 0; i < cpus->cnt; i++) {
		int cpu = cpus->cpu[i];
		bool alone = list_has(isolated, cpu);
		bool still = list_has(tickless, cpu);

		snprintf(subject, sizeof(subject), "isolation of CPU %d", cpu);
		snprintf(fix, sizeof(fix), "boot with isolcpus=%d nohz_full=%d rcu_nocbs=%d", cpu, cpu,
		         cpu);
		DOCTOR_SAY(doctor, alone && still ? DOCTOR_OK : DOCTOR_WARN, subject, fix, "%s, %s",
		           alone ? "nothing else is scheduled there" : "other tasks run there too",
		           still ? "no ticks" : "the timer interrupts it");
		governor_look(doctor, cpu);
	}
}

static void
smt_look(struct doctor *doctor, const struct cpus *cpus)
{
	char siblings[64], fix[DOCTOR_TEXT_MAX];

	for (uint32_t i = 0; i < cpus->cnt; i++) {
		doctor_read(doctor, siblings, sizeof(siblings),
		            "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpus->cpu[i]);
		for (uint32_t k = i + 1; k < cpus->cnt; k++) {
			if (!list_has(siblings, cpus->cpu[k]))
				continue;
			snprintf(fix, sizeof(fix), "choose CPUs of different cores in option cpu");
			DOCTOR_SAY(doctor, DOCTOR_WARN, "cores", fix, "CPUs %d and %d are one core",
			           cpus->cpu[i], cpus->cpu[k]);
			return;
		}
	}
	if (cpus->cnt > 1)
		DOCTOR_SAY(doctor, DOCTOR_OK, "cores", "", "each worker has one of its own");
}

void
doctor_cpu(struct doctor *doctor)
{
	struct cpus cpus;
	struct fail ignored;
	char line[64];

	clock_look(doctor);
	if (cpus_parse(&cpus, doctor->options->cpu, &ignored) != 0)
		cpus.cnt = 0;
	if (cpus.cnt == 0) {
		bool busy = doctor->options->poll == OPTION_POLL_BUSY;

		DOCTOR_SAY(doctor, busy ? DOCTOR_WARN : DOCTOR_OK, "workers", "cpu: in the configuration",
		           "%" PRIu32 ", where the scheduler puts them%s",
		           options_worker_cnt(doctor->options),
		           busy ? ", though they poll without a pause" : "");
		governor_look(doctor, 0);
	}
	pinned_look(doctor, &cpus);
	smt_look(doctor, &cpus);
	if (doctor_read(doctor, line, sizeof(line), "/sys/devices/system/cpu/online"))
		DOCTOR_SAY(doctor, DOCTOR_OK, "online", "", "CPUs %s", line);
}

/* ---- The kernel. */

static void
version_look(struct doctor *doctor)
{
	char line[96];
	int major = 0, minor = 0;

	if (!doctor_read(doctor, line, sizeof(line), "/proc/sys/kernel/osrelease") ||
	    sscanf(line, "%d.%d", &major, &minor) != 2)
		return;
	int version = major * 100 + minor;
	enum doctor_verdict verdict =
		version >= 601 ? DOCTOR_OK : version >= 519 ? DOCTOR_WARN : DOCTOR_BAD;
	DOCTOR_SAY(doctor, verdict, "version", "install Linux 6.1 or later", "%s%s", line,
	           verdict == DOCTOR_OK     ? ""
	           : verdict == DOCTOR_WARN ? ": before 6.1 rings wake more often than they must"
	                                    : ": io_uring lacks what the dataplane needs");
}

static void
uring_look(struct doctor *doctor)
{
	int64_t off = doctor_number(doctor, 0, "/proc/sys/kernel/io_uring_disabled");

	DOCTOR_SAY(doctor, off == 0 ? DOCTOR_OK : DOCTOR_BAD, "io_uring",
	           "sysctl kernel.io_uring_disabled=0",
	           off == 0   ? "allowed"
	           : off == 1 ? "for privileged processes only, which the dataplane is not"
	                      : "disabled");
}

static void
xdp_look(struct doctor *doctor)
{
	int64_t jit = doctor_number(doctor, 1, "/proc/sys/net/core/bpf_jit_enable");

	DOCTOR_SAY(doctor, jit > 0 ? DOCTOR_OK : DOCTOR_WARN, "BPF",
	           "sysctl net.core.bpf_jit_enable=1", "%s",
	           jit > 0 ? "compiled" : "interpreted: every packet pays");
	if (doctor->root[0] != '\0')
		return;
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 || errno != EAFNOSUPPORT;
	if (fd >= 0)
		close(fd);
	DOCTOR_SAY(doctor, has ? DOCTOR_OK : DOCTOR_BAD, "AF_XDP",
	           "a kernel with CONFIG_XDP_SOCKETS, or another kind of port", "%s",
	           has ? "there" : "not in this kernel");
}

static void
files_look(struct doctor *doctor)
{
	int64_t most = doctor_number(doctor, FILES_MIN, "/proc/sys/fs/nr_open");

	DOCTOR_SAY(doctor, most >= FILES_MIN ? DOCTOR_OK : DOCTOR_WARN, "open files",
	           "sysctl fs.nr_open=1048576", "%" PRId64 " for a process%s", most,
	           most >= FILES_MIN ? "" : ": active torrents with many files need more");
}

static void
user_look(struct doctor *doctor)
{
	const char *user = doctor->options->user;

	if (user[0] == '\0') {
		DOCTOR_SAY(doctor, DOCTOR_WARN, "user",
		           "systemd-sysusers, and user: spillway in the configuration",
		           "the daemons stay root, with few rights (user is empty)");
		return;
	}
	bool there = getpwnam(user) != NULL;
	char fix[DOCTOR_TEXT_MAX];
	snprintf(fix, sizeof(fix), "useradd --system --shell /usr/sbin/nologin %s", user);
	DOCTOR_SAY(doctor, there ? DOCTOR_OK : DOCTOR_BAD, "user", fix, "%s%s", user,
	           there ? "" : " does not exist");
}

void
doctor_kernel(struct doctor *doctor)
{
	char kind[32];

	doctor_port(doctor, kind, sizeof(kind));
	version_look(doctor);
	uring_look(doctor);
	if (strcmp(kind, "af_xdp") == 0)
		xdp_look(doctor);
	files_look(doctor);
	user_look(doctor);
}
