/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* setup.h is what the files of port share while a port is being opened: the spec taken apart, the
 * kind of port it names, and what that kind wants of the device. Cold.
 *
 *   kind.c   the table of kinds: which driver, its arguments, what must hold before
 *   socket.c the kinds that meet another process at a socket
 *   link.c   the kind within a process
 *   iface.c  questions to the kernel about an interface
 *   xdp.c    the XDP program around net_af_xdp
 *   open.c   the device itself
 *   queue.c  its queue pairs and their pools
 */
#ifndef SPILLWAY_DATAPLANE_PORT_SETUP_H
#define SPILLWAY_DATAPLANE_PORT_SETUP_H

#include "dataplane/base/common.h"
#include "dataplane/port/port.h"

enum {
	PORT_ARG_MAX = 108,     /* a unix socket's path */
	PORT_DEVARGS_MAX = 512,
	PORT_ETH_LEN = 14,
	PORT_TSO_MAX = UINT16_MAX - 128 - PKT_HDR_MAX, /* a buffer's headroom, and its headers */
};

enum port_arg {
	PORT_ARG_NONE,
	PORT_ARG_OPTIONAL, /* a name */
	PORT_ARG_IFACE,
	PORT_ARG_SOCKET,   /* a path; ",server" or ",client" may follow */
};

enum port_mac {
	PORT_MAC_DEVICE,  /* the device's own */
	PORT_MAC_DERIVED, /* beside the device's own, which the kernel answers to */
};

struct port_setup;
struct port_device;

struct port_kind {
	const char *name;
	const char *driver;
	enum port_arg arg;
	bool serves;        /* it is the server if nothing else is said */
	bool attaches;      /* chains gain here, if the driver claims them */
	bool drained;       /* see port_info */
	bool once;          /* as a client it does not connect again */
	bool unsaid;        /* the driver takes them and does not claim it */
	bool shares;        /* the other end sees DPDK's memory, and no other */
	bool lazy;          /* completes what was sent when more is sent only, and its ring is full */
	bool offloads;      /* checksums and segmentation are right, if the driver claims them */
	uint16_t queues_max; /* queue pairs that can be had; 0: one */
	enum port_mac mac;
	int family;         /* of the driver's socket, to sleep on; 0: it has none */
	bool interrupts;    /* it has rx interrupts to sleep on */
	int (*check)(struct port_setup *setup);   /* before the device; may be NULL */
	int (*devargs)(struct port_setup *setup); /* fills devargs, data_len, mbufs; may be NULL */
	int (*create)(struct port_device *device, struct port_setup *setup); /* NULL: a vdev */
	int (*started)(struct port_setup *setup); /* after it; may be NULL */
	void (*diagnose)(struct port_setup *setup); /* when it did not start; may be NULL */
};

struct port_setup {
	const struct port_config *config;
	const struct port_kind *kind;
	struct port_error *error;
	char arg[PORT_ARG_MAX];        /* after "KIND:", without options */
	bool server;
	char devargs[PORT_DEVARGS_MAX];
	uint32_t data_len;             /* bytes that a packet buffer must hold */
	uint32_t mbufs;                /* packet buffers of a queue pair */
	int lock_fd;                   /* held while the port lives, or -1 */
	int xdp_fd;                    /* holds the XDP program to the interface, or -1 */
};

/* port_fail writes the operator's line. Returns -1. */
COLD int
port_fail(struct port_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* port_kind_parse takes config->spec apart. Returns 0, or -1 with error filled. */
COLD int
port_kind_parse(struct port_setup *setup);

/* port_devargs writes the driver's arguments. Returns 0, or -1 with error filled: too long. */
COLD int
port_devargs(struct port_setup *setup, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* socket_check makes sure that a server listens at the socket setup->arg, or, to be one, that none
 * does. Returns 0, or -1 with error filled. */
COLD int
socket_check(struct port_setup *setup);

/* The hooks of the kinds that meet at a socket; see struct port_kind. */
COLD int
memif_devargs(struct port_setup *setup);
COLD int
vhost_user_check(struct port_setup *setup);
COLD int
vhost_user_devargs(struct port_setup *setup);
COLD int
vhost_backend_devargs(struct port_setup *setup);

/* link_create makes the device of an end of a ring. Returns 0, or -1 with error filled. */
COLD int
link_create(struct port_device *device, struct port_setup *setup);

/* ring_end frees what is on its way and, with the second end, the rings; after the device, before
 * its queue pairs. Other devices' are left alone. */
COLD void
link_end(struct port_device *device);

enum iface_driver {
	IFACE_OTHER,
	IFACE_VETH,
};

/* iface_check makes sure that the interface setup->arg exists, is up and carries the MTU.
 * Returns 0, or -1 with error filled. */
COLD int
iface_check(struct port_setup *setup);

/* iface_mtu_set sets the interface's MTU to config->mtu. Returns 0, or -1 with error filled. */
COLD int
iface_mtu_set(struct port_setup *setup);

/* iface_promisc_hold makes the interface hear every address until the descriptor is closed.
 * Returns the descriptor, or -1 with error filled. */
COLD int
iface_promisc_hold(struct port_setup *setup);

/* iface_queues returns how many receive queues the interface has, at least 1. */
COLD uint32_t
iface_queues(const char *name);

/* iface_combined returns how many combined queues it has: those that both receive and send. */
COLD uint32_t
iface_combined(const char *name);

/* iface_driver tells which kernel driver the interface has. */
COLD enum iface_driver
iface_driver(const char *name);

/* caps_check makes sure that the process has the capabilities (CAP_NET_RAW...) of a bit mask.
 * Returns 0, or -1 with error filled. */
COLD int
caps_check(struct port_setup *setup, uint64_t caps);

/* xdp_prepare takes the interface for this process, and takes off it a program that a dead one
 * left behind. Fills setup->lock_fd. Returns 0, or -1 with error filled. */
COLD int
xdp_prepare(struct port_setup *setup);

/* xdp_steer writes config->listen_port into the program that net_af_xdp attached, and has the
 * program held by a descriptor, setup->xdp_fd: when that is closed, or the process ends however it
 * does, the program is off the interface, without a right to take it off being needed.
 * Returns 0, or -1 with error filled. */
COLD int
xdp_steer(struct port_setup *setup);

/* xdp_diagnose finds out why net_af_xdp could not start, step by step, and fills error with more
 * than the driver says. Takes away the program that the driver leaves attached then. */
COLD void
xdp_diagnose(struct port_setup *setup);

#endif
