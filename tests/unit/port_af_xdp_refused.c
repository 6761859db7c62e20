/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What af_xdp cannot be opened on, and that the operator learns why; and that a program which a
 * killed process left on the interface is replaced. */
#include "tests/unit/port_lab.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <linux/capability.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
there_mtu(unsigned mtu)
{
	lab_there();
	lab_run("ip link set spwT1 mtu %u", mtu);
	lab_here();
}

static void
unfit_interfaces(void **state)
{
	(void)state;
	lab_refused("af_xdp:spw-none", 1500, "no such interface: spw-none");
	lab_refused("af_xdp:spwT0", 1501, "MTU of 1501 is more than the 1500 of spwT0");
	lab_run("ip link set spwT0 down");
	lab_refused("af_xdp:spwT0", 1500, "spwT0 is down");
	lab_run("ip link set spwT0 up");
	there_mtu(9000);
	lab_refused("af_xdp:spwT0", 1500, "needs an MTU of 3498 or less");
	there_mtu(1500);
	lab_run("ip link set spwT0 mtu 9000");
	lab_refused("af_xdp:spwT0", 9000, "more than the driver's 3498");
	lab_run("ip link set spwT0 mtu 1500");
	lab_close(lab_port("af_xdp:spwT0", 1500));
}

static void
more_queues_than_one(void **state)
{
	(void)state;
	lab_run("ip link add spwT4 numrxqueues 2 numtxqueues 2 type veth peer name spwT5 "
	        "numrxqueues 2 numtxqueues 2");
	lab_run("ip link set spwT4 up && ethtool -L spwT4 rx 2 tx 2");
	lab_refused("af_xdp:spwT4", 1500, "over 2 queues and 1 are served");
	lab_queues_refused("af_xdp:spwT4", 2, "has 0 combined queues");
	lab_run("ip link del spwT4");
}

static void
bad_programs(void **state)
{
	char *object = strdup(getenv("SPILLWAY_XDP_OBJECT"));

	(void)state;
	setenv("SPILLWAY_XDP_OBJECT", "/nowhere/spillway_xdp.o", 1);
	lab_refused("af_xdp:spwT0", 1500, "cannot read the XDP program /nowhere");
	setenv("SPILLWAY_XDP_OBJECT", "/etc/passwd", 1);
	lab_refused("af_xdp:spwT0", 1500, "no BPF object");
	unsetenv("SPILLWAY_XDP_OBJECT");
	lab_refused("af_xdp:spwT0", 1500, "cannot read the XDP program");
	setenv("SPILLWAY_XDP_OBJECT", object, 1);
	lab_close(lab_port("af_xdp:spwT0", 1500));
	free(object);
}

static void
an_interface_that_is_served(void **state)
{
	struct port *port = lab_port("af_xdp:spwT0", 1500);

	(void)state;
	lab_refused("af_xdp:spwT0", 1500, "another spillway-dp serves spwT0");
	lab_close(port);
}

static void
a_program_left_behind_is_replaced(void **state)
{
	struct bpf_object *object = bpf_object__open_file(getenv("SPILLWAY_XDP_OBJECT"), NULL);
	int fd;

	(void)state;
	assert_int_equal(bpf_object__load(object), 0);
	fd = bpf_program__fd(bpf_object__next_program(object, NULL));
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("spwT0"), fd, 0, NULL), 0);
	bpf_object__close(object);
	lab_close(lab_port("af_xdp:spwT0", 1500));
}

static void
another_program_is_left_alone(void **state)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int ifindex = (int)if_nametoindex("spwT0");
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", pass, 2, NULL);
	uint32_t id = 0;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(bpf_xdp_attach(ifindex, fd, 0, NULL), 0);
	lab_refused("af_xdp:spwT0", 1500, "another XDP program is attached to spwT0");
	assert_int_equal(bpf_xdp_query_id(ifindex, 0, &id), 0);
	assert_int_not_equal(id, 0);
	bpf_xdp_detach(ifindex, 0, NULL);
	close(fd);
}

static void
missing_capabilities(void **state)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct all[2];
	struct __user_cap_data_struct less[2];

	(void)state;
	assert_int_equal(syscall(SYS_capget, &hdr, all), 0);
	memcpy(less, all, sizeof(less));
	less[0].effective &= ~(1u << CAP_NET_RAW);
	assert_int_equal(syscall(SYS_capset, &hdr, less), 0);
	lab_refused("af_xdp:spwT0", 1500, "not permitted: run as root");
	lab_refused("af_packet:spwT0", 1500, "not permitted: run as root");
	assert_int_equal(syscall(SYS_capset, &hdr, all), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(unfit_interfaces, lab_veth_renew),
		cmocka_unit_test_setup(more_queues_than_one, lab_veth_renew),
		cmocka_unit_test_setup(bad_programs, lab_veth_renew),
		cmocka_unit_test_setup(an_interface_that_is_served, lab_veth_renew),
		cmocka_unit_test_setup(a_program_left_behind_is_replaced, lab_veth_renew),
		cmocka_unit_test_setup(another_program_is_left_alone, lab_veth_renew),
		cmocka_unit_test_setup(missing_capabilities, lab_veth_renew),
	};

	lab_veth();
	lab_env("spw_xdp_no");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
