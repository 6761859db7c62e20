/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The XDP program's care: net_af_xdp loads and attaches it, but neither tells it the listen port,
 * nor takes away one that a killed process left, nor says why it failed. */
#include "dataplane/port/setup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PROG_MAPS_MAX = 8,
	KERNEL_TEXT_MAX = 128,
};

static const char prog_name[] = "spillway_xdp";
static const char target_map_name[] = "spillway_target";

/* struct xdp_target is the map's value, as in xdp/spillway_xdp.c. */
struct xdp_target {
	uint32_t address_be;
	uint16_t port_be;
	uint16_t reserved;
};

/* lock_take binds an abstract unix address that means "this interface is served". It belongs to
 * the network namespace, as the interface does, and goes with the process. */
static COLD int
lock_take(struct port_setup *setup, uint32_t ifindex)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "spillway-xdp-%u",
	                   ifindex);
	socklen_t addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, addr_len) == 0)
		return fd;
	if (errno == EADDRINUSE)
		port_fail(setup->error, "af_xdp: another spillway-dp serves %s", setup->arg);
	else
		port_fail(setup->error, "af_xdp: cannot lock %s: %s", setup->arg, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* prog_open opens the program on the interface and reads what it is.
 *
 * info, map_ids  out; map_ids [0, PROG_MAPS_MAX).
 * Returns a descriptor, -ENOENT when there is none, or another -errno. */
static COLD int
prog_open(uint32_t ifindex, struct bpf_prog_info *info, uint32_t *map_ids)
{
	uint32_t id = 0;
	uint32_t info_len = sizeof(*info);
	int fd;
	int ret = bpf_xdp_query_id((int)ifindex, 0, &id);

	if (ret < 0)
		return ret;
	if (id == 0)
		return -ENOENT;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return fd;
	memset(info, 0, sizeof(*info));
	info->nr_map_ids = PROG_MAPS_MAX;
	info->map_ids = (uintptr_t)map_ids;
	ret = bpf_obj_get_info_by_fd(fd, info, &info_len);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}

/* stale_detach takes our program off the interface; nobody serves it any more. */
static COLD int
stale_detach(struct port_setup *setup, uint32_t ifindex)
{
	struct bpf_prog_info info;
	uint32_t map_ids[PROG_MAPS_MAX];
	int fd = prog_open(ifindex, &info, map_ids);

	if (fd == -ENOENT)
		return 0;
	if (fd >= 0)
		close(fd);
	if (fd < 0 || strcmp(info.name, prog_name) != 0)
		return port_fail(setup->error,
		                 "af_xdp: another XDP program is attached to %s: "
		                 "ip link set %s xdp off",
		                 setup->arg, setup->arg);
	if (bpf_xdp_detach((int)ifindex, 0, NULL) < 0)
		return port_fail(setup->error, "af_xdp: cannot detach the old XDP program from %s",
		                 setup->arg);
	return 0;
}

static COLD int
print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int
xdp_prepare(struct port_setup *setup)
{
	uint32_t ifindex = if_nametoindex(setup->arg);

	libbpf_set_print(print_nothing);
	setup->lock_fd = lock_take(setup, ifindex);
	if (setup->lock_fd < 0)
		return -1;
	return stale_detach(setup, ifindex);
}

/* map_find opens the program's map of a name. Returns a descriptor, or -ENOENT. */
static COLD int
map_find(const struct bpf_prog_info *info, const uint32_t *map_ids, const char *name)
{
	for (uint32_t i = 0; i < MIN(info->nr_map_ids, (uint32_t)PROG_MAPS_MAX); i++) {
		struct bpf_map_info map = {0};
		uint32_t map_len = sizeof(map);
		int fd = bpf_map_get_fd_by_id(map_ids[i]);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &map, &map_len) == 0 && strcmp(map.name, name) == 0)
			return fd;
		close(fd);
	}
	return -ENOENT;
}

/* prog_hold attaches the program once more, by a descriptor; the driver's attachment would outlive
 * a process that is killed, or that has given up the right to take it off. */
static COLD int
prog_hold(struct port_setup *setup, uint32_t ifindex, int prog_fd)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);

	if (bpf_xdp_query((int)ifindex, 0, &query) == 0 && query.attach_mode == XDP_ATTACHED_SKB)
		opts.flags = XDP_FLAGS_SKB_MODE;
	bpf_xdp_detach((int)ifindex, 0, NULL);
	setup->xdp_fd = bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &opts);
	if (setup->xdp_fd >= 0)
		return 0;
	return port_fail(setup->error, "af_xdp: the kernel has no link of an XDP program to %s: %s",
	                 setup->arg, strerror(-setup->xdp_fd));
}

int
xdp_steer(struct port_setup *setup)
{
	uint32_t ifindex = if_nametoindex(setup->arg);
	struct bpf_prog_info info;
	uint32_t map_ids[PROG_MAPS_MAX];
	uint32_t key = 0;
	struct xdp_target target = {
		.address_be = setup->config->address_be,
		.port_be = htons(setup->config->listen_port),
	};
	int prog_fd = prog_open(ifindex, &info, map_ids);
	int map_fd = -ENOENT;
	int ret = -1;

	if (prog_fd >= 0)
		map_fd = map_find(&info, map_ids, target_map_name);
	if (map_fd >= 0)
		ret = bpf_map_update_elem(map_fd, &key, &target, BPF_ANY);
	if (map_fd >= 0)
		close(map_fd);
	if (ret != 0)
		port_fail(setup->error, "af_xdp: %s is not Spillway's XDP program",
		          setup->config->xdp_object);
	else
		ret = prog_hold(setup, ifindex, prog_fd);
	if (prog_fd >= 0)
		close(prog_fd);
	return ret;
}

/* The kernel's own words about the last refusal, which libbpf hands to its log only. */
static char kernel_text[KERNEL_TEXT_MAX];

static COLD int
print_keep(enum libbpf_print_level level, const char *format, va_list args)
{
	static const char mark[] = "Kernel error message: ";
	char line[256];
	char *at;

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	at = strstr(line, mark);
	if (at == NULL)
		return 0;
	at[strcspn(at, "\n")] = '\0';
	snprintf(kernel_text, sizeof(kernel_text), "%.100s", at + sizeof(mark) - 1);
	return 0;
}

static COLD void
attach_fail(struct port_setup *setup, int error)
{
	const char *hint = "";

	if (iface_driver(setup->arg) == IFACE_VETH && error == ERANGE)
		hint = ": the other end of a veth needs an MTU of 3498 or less";
	port_fail(setup->error, "af_xdp: the kernel does not attach an XDP program to %s: %s%s",
	          setup->arg, kernel_text[0] != '\0' ? kernel_text : strerror(error), hint);
}

/* Loads, attaches and detaches the program as the driver would have. */
static COLD void
try_attach(struct port_setup *setup, struct bpf_object *object)
{
	struct bpf_program *prog = bpf_object__next_program(object, NULL);
	int ifindex = (int)if_nametoindex(setup->arg);
	int ret = bpf_object__load(object);

	if (ret < 0) {
		port_fail(setup->error, "af_xdp: the kernel does not load %s: %s",
		          setup->config->xdp_object, strerror(-ret));
		return;
	}
	ret = bpf_xdp_attach(ifindex, bpf_program__fd(prog), XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	if (ret < 0) {
		attach_fail(setup, -ret);
		return;
	}
	bpf_xdp_detach(ifindex, 0, NULL);
	port_fail(setup->error, "af_xdp: queue 0 of %s is held by another AF_XDP socket, or the "
	                        "kernel has no AF_XDP or no memory left",
	          setup->arg);
}

void
xdp_diagnose(struct port_setup *setup)
{
	libbpf_print_fn_t before = libbpf_set_print(print_keep);
	struct bpf_object *object = bpf_object__open_file(setup->config->xdp_object, NULL);

	kernel_text[0] = '\0';
	if (object == NULL)
		port_fail(setup->error, "af_xdp: %s is no BPF object", setup->config->xdp_object);
	else if (stale_detach(setup, if_nametoindex(setup->arg)) == 0)
		try_attach(setup, object);
	bpf_object__close(object);
	libbpf_set_print(before);
}
