/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What spillway doctor makes of a host: /sys and /proc are a folder of the test's. */
#include "control/cli/doctor.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static char root[64];
static struct options options;
static struct doctor doctor;

/* put writes a file below root, with the folders above it. */
static void
put(const char *path, const char *text)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *p = whole + strlen(root) + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(whole, 0755);
		*p = '/';
	}
	FILE *file = fopen(whole, "w");
	assert_non_null(file);
	fprintf(file, "%s\n", text);
	fclose(file);
}

static int
entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* A good host: a NIC of node 1 whose two CPUs are the workers'. */
static int
host_make(void **state)
{
	(void)state;
	strcpy(root, "/tmp/spillway-doctor-XXXXXX");
	assert_non_null(mkdtemp(root));
	options_default(&options);
	strcpy(options.port, "af_xdp:net0");
	strcpy(options.cpu, "2,3");
	options.workers = 2;
	snprintf(options.state_dir, sizeof(options.state_dir), "%s/state", root);
	put("/state/x", "");
	put(HUGE "nr_hugepages", "400");
	put(HUGE "free_hugepages", "300");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
	put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc");
	put("/sys/devices/system/cpu/isolated", "2-3");
	put("/sys/devices/system/cpu/nohz_full", "1-2,3");
	put("/sys/devices/system/cpu/online", "0-3");
	put("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "performance");
	put("/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2");
	put("/sys/devices/system/cpu/cpu2/node1/x", "");
	put("/sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "3");
	put("/sys/devices/system/cpu/cpu3/node1/x", "");
	put("/sys/devices/system/node/node1/cpulist", "2-3");
	put("/proc/sys/kernel/osrelease", "6.1.0-28-amd64");
	put("/proc/sys/kernel/io_uring_disabled", "0");
	put("/proc/sys/net/core/bpf_jit_enable", "1");
	put("/proc/sys/fs/nr_open", "1048576");
	put("/sys/class/net/net0/operstate", "up");
	put("/sys/class/net/net0/mtu", "1500");
	put("/sys/class/net/net0/speed", "100000");
	put("/sys/class/net/net0/queues/rx-0/x", "");
	put("/sys/class/net/net0/queues/rx-1/x", "");
	put("/sys/class/net/net0/queues/tx-0/x", "");
	put("/sys/class/net/net0/device/numa_node", "1");
	char link[128];
	snprintf(link, sizeof(link), "%s/sys/class/net/net0/device/driver", root);
	assert_int_equal(symlink("../../../../bus/pci/drivers/ice", link), 0);
	return 0;
}

static int
host_drop(void **state)
{
	(void)state;
	return nftw(root, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static const struct doctor_finding *
look(const char *subject)
{
	memset(&doctor, 0, sizeof(doctor));
	doctor.root = root;
	doctor.options = &options;
	doctor_run(&doctor);
	for (size_t i = 0; subject != NULL && i < doctor.cnt; i++)
		if (strcmp(doctor.finding[i].subject, subject) == 0)
			return &doctor.finding[i];
	return NULL;
}

static void
a_good_host_is_well(void **state)
{
	(void)state;
	look(NULL);
	for (size_t i = 0; i < doctor.cnt; i++) {
		const struct doctor_finding *f = &doctor.finding[i];

		/* No governor of CPU 3, no user, the test's own disk: not this host's. */
		if (f->verdict != DOCTOR_OK && strcmp(f->subject, "user") != 0 &&
		    strcmp(f->area, "disk") != 0)
			fail_msg("%s: %s", f->subject, f->text);
		assert_true(f->verdict == DOCTOR_OK ? f->fix[0] == '\0' : f->fix[0] != '\0');
	}
	assert_non_null(look("speed"));
	assert_int_equal(doctor.verdict_cnt[DOCTOR_OK] + doctor.verdict_cnt[DOCTOR_WARN] +
	                     doctor.verdict_cnt[DOCTOR_BAD],
	                 doctor.cnt);
}

/* One thing is wrong: the finding, and words of its fix. */
static const struct {
	const char *path, *text;
	const char *subject;
	enum doctor_verdict verdict;
	const char *fix;
} wrongs[] = {
	{HUGE "free_hugepages", "191", "hugepages", DOCTOR_WARN, "sysctl vm.nr_hugepages=401"},
	{HUGE "nr_hugepages", "300", "hugepages", DOCTOR_OK, ""},
	{"/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]",
	 "transparent hugepages", DOCTOR_WARN, "echo madvise"},
	{"/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet", "clock source",
	 DOCTOR_WARN, "echo tsc"},
	{"/sys/devices/system/cpu/isolated", "3", "isolation of CPU 2", DOCTOR_WARN, "isolcpus=2"},
	{"/sys/devices/system/cpu/nohz_full", "", "isolation of CPU 3", DOCTOR_WARN, "nohz_full=3"},
	{"/sys/devices/system/cpu/nohz_full", "(null)", "isolation of CPU 3", DOCTOR_WARN, "nohz"},
	{"/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "powersave", "governor of CPU 2",
	 DOCTOR_WARN, "echo performance > /sys/devices/system/cpu/cpu2/"},
	{"/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2-3", "cores", DOCTOR_WARN,
	 "option cpu"},
	{"/sys/class/net/net0/device/numa_node", "0", "node of CPU 2", DOCTOR_WARN, "node 0"},
	{"/proc/sys/kernel/osrelease", "5.19.0", "version", DOCTOR_WARN, "6.1"},
	{"/proc/sys/kernel/osrelease", "5.10.0-8", "version", DOCTOR_BAD, "6.1"},
	{"/proc/sys/kernel/io_uring_disabled", "1", "io_uring", DOCTOR_BAD, "io_uring_disabled=0"},
	{"/proc/sys/kernel/io_uring_disabled", "2", "io_uring", DOCTOR_BAD, "io_uring_disabled=0"},
	{"/proc/sys/net/core/bpf_jit_enable", "0", "BPF", DOCTOR_WARN, "bpf_jit_enable=1"},
	{"/proc/sys/fs/nr_open", "1024", "open files", DOCTOR_WARN, "fs.nr_open"},
	{"/sys/class/net/net0/operstate", "down", "link", DOCTOR_BAD, "ip link set net0 up"},
	{"/sys/class/net/net0/mtu", "1400", "mtu", DOCTOR_BAD, "ip link set net0 mtu 1500"},
	{"/sys/class/net/net0/queues/rx-2/x", "", "queues", DOCTOR_BAD, "ethtool -L net0 combined 2"},
};

static void
what_is_wrong_is_found(void **state)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		put(wrongs[i].path, wrongs[i].text);
		const struct doctor_finding *f = look(wrongs[i].subject);
		if (f == NULL)
			fail_msg("no finding: %s", wrongs[i].subject);
		if (f->verdict != wrongs[i].verdict || strstr(f->fix, wrongs[i].fix) == NULL)
			fail_msg("%s: %d %s / %s", f->subject, f->verdict, f->text, f->fix);
		host_drop(state);
		host_make(state);
	}
}

static void
too_few_hugepages_are_bad(void **state)
{
	(void)state;
	put(HUGE "nr_hugepages", "10");
	put(HUGE "free_hugepages", "10");
	const struct doctor_finding *f = look("hugepages");
	assert_int_equal(f->verdict, DOCTOR_BAD);
	assert_string_equal(f->fix, "sysctl vm.nr_hugepages=192"); /* 256 MiB and 64 for each of two */
	options.huge = 0;
	assert_int_equal(look("hugepages")->verdict, DOCTOR_WARN);
}

static void
configuration_matters(void **state)
{
	(void)state;
	strcpy(options.port, "af_xdp:net9");
	assert_int_equal(look("interface")->verdict, DOCTOR_BAD);
	strcpy(options.port, "af_xdp:../../../etc");
	assert_int_equal(look("interface")->verdict, DOCTOR_BAD);
	strcpy(options.port, "af_packet:net0");
	put("/proc/sys/net/netfilter/nf_conntrack_count", "17");
	assert_int_equal(look("firewall")->verdict, DOCTOR_WARN);
	assert_null(look("BPF"));
	strcpy(options.port, "af_xdp:net0");
	assert_int_equal(look("firewall")->verdict, DOCTOR_OK);
	options.mtu = 9000;
	assert_int_equal(look("mtu")->verdict, DOCTOR_BAD);
	strcpy(options.user, "no-such-user-here");
	assert_int_equal(look("user")->verdict, DOCTOR_BAD);
	strcpy(options.cpu, "-1");
	options.poll = OPTION_POLL_BUSY;
	assert_int_equal(look("workers")->verdict, DOCTOR_WARN);
	chmod(options.state_dir, 0777);
	assert_int_equal(look("state")->verdict, DOCTOR_BAD);
}

/* An empty root: nothing is known, and nothing breaks. */
static void
nothing_is_there(void **state)
{
	(void)state;
	strcat(root, "/none");
	look(NULL);
	assert_true(doctor.cnt > 0);
	root[strlen(root) - 5] = '\0';
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_host_is_well, host_make, host_drop),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_found, host_make, host_drop),
		cmocka_unit_test_setup_teardown(too_few_hugepages_are_bad, host_make, host_drop),
		cmocka_unit_test_setup_teardown(configuration_matters, host_make, host_drop),
		cmocka_unit_test_setup_teardown(nothing_is_there, host_make, host_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
