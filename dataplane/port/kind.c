/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The kinds of port: which DPDK driver serves each, with which arguments, and what must hold. */
#include "dataplane/port/setup.h"

#include <rte_eal.h>

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DATA_LEN_MIN = 2048,
	XDP_HEADROOM = 256,           /* the kernel's, in each AF_XDP frame */
	XDP_MTU_MAX = 3498,           /* what a page holds, and what a veth's peer may have */
	TAP_MTU_MAX = 1500,           /* ethdev refuses net_tap more than its max_rx_pktlen */
	PACKET_FRAME_OVERHEAD = 128,  /* TPACKET_V2 header, address, alignment */
	PACKET_BLOCK_LEN = 1 << 16,
	PACKET_FRAMES = 1024,
	VHOST_QUEUES_MAX = 8,         /* net_virtio_user's */
};

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

static uint32_t
frame_len(const struct port_setup *setup)
{
	return setup->config->mtu + (uint32_t)PORT_ETH_LEN;
}

int
port_devargs(struct port_setup *setup, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(setup->devargs, sizeof(setup->devargs), format, args);
	va_end(args);
	if (len < 0 || len >= PORT_DEVARGS_MAX)
		return port_fail(setup->error, "port %s: arguments too long", setup->config->spec);
	return 0;
}

static COLD int
af_xdp_check(struct port_setup *setup)
{
	uint64_t caps = CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_SYS_ADMIN);
	const char *object = setup->config->xdp_object;
	uint16_t cnt = setup->config->queue_cnt;

	if (iface_check(setup) < 0 || caps_check(setup, caps) < 0)
		return -1;
	if (setup->config->mtu > XDP_MTU_MAX)
		return port_fail(setup->error, "af_xdp: an MTU of %u is more than the driver's %d",
		                 setup->config->mtu, XDP_MTU_MAX);
	if (object == NULL || access(object, R_OK) < 0)
		return port_fail(setup->error, "af_xdp: cannot read the XDP program %s",
		                 object != NULL ? object : "");
	if (strchr(object, ',') != NULL)
		return port_fail(setup->error, "af_xdp: no comma may be in %s", object);
	if (cnt > 1 && iface_combined(setup->arg) < cnt)
		return port_fail(setup->error,
		                 "af_xdp: %s has %u combined queues, of which net_af_xdp serves "
		                 "%u: ethtool -L, but a veth has none",
		                 setup->arg, iface_combined(setup->arg), cnt);
	if (iface_queues(setup->arg) != cnt)
		return port_fail(setup->error,
		                 "af_xdp: %s spreads packets over %u queues and %u are served: "
		                 "ethtool -L %s combined %u, or for a veth rx %u",
		                 setup->arg, iface_queues(setup->arg), cnt, setup->arg, cnt, cnt);
	return xdp_prepare(setup);
}

/* On ordinary pages a driver cannot send frames that cross them: the kernel copies. */
static COLD int
af_xdp_devargs(struct port_setup *setup)
{
	setup->data_len = MAX(frame_len(setup) + XDP_HEADROOM, (uint32_t)DATA_LEN_MIN);
	return port_devargs(setup,
	                    "iface=%s,xdp_prog=%s,queue_count=%u,busy_budget=0,force_copy=%d",
	                    setup->arg, setup->config->xdp_object, setup->config->queue_cnt,
	                    !rte_eal_has_hugepages());
}

static COLD int
af_packet_check(struct port_setup *setup)
{
	if (iface_check(setup) < 0 || caps_check(setup, CAP_BIT(CAP_NET_RAW)) < 0)
		return -1;
	setup->lock_fd = iface_promisc_hold(setup);
	return setup->lock_fd < 0 ? -1 : 0;
}

static COLD int
af_packet_devargs(struct port_setup *setup)
{
	uint32_t framesz = DATA_LEN_MIN;

	while (framesz < frame_len(setup) + PACKET_FRAME_OVERHEAD)
		framesz *= 2;
	setup->data_len = framesz;
	return port_devargs(setup, "iface=%s,blocksz=%d,framesz=%u,framecnt=%d,qpairs=%u",
	                    setup->arg, PACKET_BLOCK_LEN, framesz, PACKET_FRAMES,
	                    setup->config->queue_cnt);
}

static COLD int
tap_check(struct port_setup *setup)
{
	if (if_nametoindex(setup->arg) != 0)
		return port_fail(setup->error, "tap: an interface %s exists already", setup->arg);
	if (setup->config->mtu > TAP_MTU_MAX)
		return port_fail(setup->error, "tap: net_tap takes no MTU of %u: more than %d",
		                 setup->config->mtu, TAP_MTU_MAX);
	if (caps_check(setup, CAP_BIT(CAP_NET_ADMIN)) < 0)
		return -1;
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		return port_fail(setup->error, "tap: /dev/net/tun cannot be opened: %s",
		                 strerror(errno));
	return 0;
}

static COLD int
tap_devargs(struct port_setup *setup)
{
	return port_devargs(setup, "iface=%s", setup->arg);
}

/* Otherwise net_null delivers empty frames without end. */
static COLD int
null_devargs(struct port_setup *setup)
{
	return port_devargs(setup, "no-rx=1");
}

static const struct port_kind kinds[] = {
	{
		.name = "af_xdp", .driver = "net_af_xdp", .arg = PORT_ARG_IFACE, .family = AF_XDP,
		.check = af_xdp_check, .devargs = af_xdp_devargs, .started = xdp_steer,
		.queues_max = PORT_QUEUES_MAX, .diagnose = xdp_diagnose,
	}, {
		.name = "af_packet", .driver = "net_af_packet", .arg = PORT_ARG_IFACE,
		.attaches = true, .mac = PORT_MAC_DERIVED, .family = AF_PACKET,
		.queues_max = PORT_QUEUES_MAX,
		.check = af_packet_check, .devargs = af_packet_devargs,
	}, {
		.name = "tap", .driver = "net_tap", .arg = PORT_ARG_IFACE, .attaches = true,
		.mac = PORT_MAC_DERIVED, .check = tap_check, .devargs = tap_devargs,
		.interrupts = true, .started = iface_mtu_set,
	}, {
		.name = "memif", .driver = "net_memif", .arg = PORT_ARG_SOCKET, .attaches = true,
		.drained = true, .once = true, .queues_max = PORT_QUEUES_MAX,
		.check = socket_check, .devargs = memif_devargs,
	}, {
		.name = "vhost-user", .driver = "net_virtio_user", .arg = PORT_ARG_SOCKET,
		.attaches = true, .shares = true, .lazy = true, .offloads = true,
		.drained = true, .once = true,
		.interrupts = true, .queues_max = VHOST_QUEUES_MAX,
		.check = vhost_user_check, .devargs = vhost_user_devargs,
	}, {
		.name = "vhost-backend", .driver = "net_vhost", .arg = PORT_ARG_SOCKET,
		.serves = true, .attaches = true, .drained = true, .queues_max = VHOST_QUEUES_MAX,
		.check = socket_check, .devargs = vhost_backend_devargs,
	}, {
		.name = "ring", .driver = "net_ring", .arg = PORT_ARG_OPTIONAL, .attaches = true,
		.drained = true, .queues_max = PORT_QUEUES_MAX, .create = link_create,
	}, {
		.name = "null", .driver = "net_null", .attaches = true, .unsaid = true,
		.queues_max = PORT_QUEUES_MAX,
		.devargs = null_devargs,
	},
};

static COLD const struct port_kind *
kind_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_CNT(kinds); i++)
		if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, name, len) == 0)
			return &kinds[i];
	return NULL;
}

/* side_parse takes "server" or "client", for the kinds that find each other at a socket. */
static COLD int
side_parse(struct port_setup *setup, const char *side)
{
	setup->server = strcmp(side, "server") == 0;
	if (setup->kind->arg == PORT_ARG_SOCKET && (setup->server || strcmp(side, "client") == 0))
		return 0;
	return port_fail(setup->error, "port %s: unknown option %s", setup->config->spec, side);
}

static COLD int
arg_parse(struct port_setup *setup, const char *arg)
{
	size_t size = setup->kind->arg == PORT_ARG_SOCKET ? (size_t)PORT_ARG_MAX : (size_t)IFNAMSIZ;
	size_t len = strcspn(arg, ",");

	if (len == 0 || len >= size)
		return port_fail(setup->error, "port %s: name missing or too long",
		                 setup->config->spec);
	memcpy(setup->arg, arg, len);
	setup->arg[len] = '\0';
	return arg[len] == ',' ? side_parse(setup, arg + len + 1) : 0;
}

static COLD int
queues_check(struct port_setup *setup)
{
	uint16_t cnt = setup->config->queue_cnt;
	uint16_t max = MAX(setup->kind->queues_max, (uint16_t)1);

	if (cnt < 1 || cnt > PORT_QUEUES_MAX)
		return port_fail(setup->error, "port %s: %u queues, not in [1, %d]",
		                 setup->config->spec, cnt, PORT_QUEUES_MAX);
	if (cnt > max)
		return port_fail(setup->error, "port %s: %s has %u of the %u queues",
		                 setup->config->spec, setup->kind->driver, max, cnt);
	return 0;
}

int
port_kind_parse(struct port_setup *setup)
{
	const char *spec = setup->config->spec;
	const char *colon = strchr(spec, ':');
	size_t len = colon != NULL ? (size_t)(colon - spec) : strlen(spec);

	setup->kind = kind_find(spec, len);
	setup->data_len = MAX(frame_len(setup) + 4, (uint32_t)DATA_LEN_MIN);
	setup->mbufs = PORT_MBUFS;
	setup->lock_fd = -1;
	setup->xdp_fd = -1;
	if (setup->kind == NULL)
		return port_fail(setup->error,
		                 "unknown kind of port: %s (known: af_xdp:IFACE, af_packet:IFACE, "
		                 "tap:NAME, memif:SOCKET, vhost-user:SOCKET, "
		                 "vhost-backend:SOCKET, ring[:NAME], null)",
		                 spec);
	setup->server = setup->kind->serves;
	if (setup->config->mtu < MTU_MIN || setup->config->mtu > MTU_MAX)
		return port_fail(setup->error, "port %s: the MTU is %u, not in [%d, %d]", spec,
		                 setup->config->mtu, MTU_MIN, MTU_MAX);
	if (queues_check(setup) < 0)
		return -1;
	if (colon != NULL && setup->kind->arg == PORT_ARG_NONE)
		return port_fail(setup->error, "port %s: takes no argument", spec);
	if (colon == NULL && setup->kind->arg > PORT_ARG_OPTIONAL)
		return port_fail(setup->error, "port %s: needs an argument after ':'", spec);
	return colon != NULL ? arg_parse(setup, colon + 1) : 0;
}
