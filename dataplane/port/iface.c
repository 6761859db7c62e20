/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the kernel knows of an interface, and of our right to use it. */
#include "dataplane/port/setup.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static COLD int
iface_ioctl(const char *name, unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	ret = ioctl(fd, request, ifr) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

int
iface_check(struct port_setup *setup)
{
	const char *kind = setup->kind->name;
	struct ifreq ifr = {0};

	if (iface_ioctl(setup->arg, SIOCGIFFLAGS, &ifr) < 0)
		return port_fail(setup->error, "%s: no such interface: %s", kind, setup->arg);
	if ((ifr.ifr_flags & IFF_UP) == 0)
		return port_fail(setup->error, "%s: interface %s is down: ip link set %s up", kind,
		                 setup->arg, setup->arg);
	if (iface_ioctl(setup->arg, SIOCGIFMTU, &ifr) < 0)
		return port_fail(setup->error, "%s: cannot read the MTU of %s", kind, setup->arg);
	if (ifr.ifr_mtu < setup->config->mtu)
		return port_fail(setup->error, "%s: an MTU of %u is more than the %d of %s", kind,
		                 setup->config->mtu, ifr.ifr_mtu, setup->arg);
	return 0;
}

int
iface_mtu_set(struct port_setup *setup)
{
	struct ifreq ifr = {.ifr_mtu = setup->config->mtu};
	int ret = iface_ioctl(setup->arg, SIOCSIFMTU, &ifr);

	if (ret < 0)
		return port_fail(setup->error, "%s: cannot set the MTU of %s to %u: %s",
		                 setup->kind->name, setup->arg, setup->config->mtu, strerror(-ret));
	return 0;
}

/* A membership, unlike the interface's flag, ends with the process however that ends. */
int
iface_promisc_hold(struct port_setup *setup)
{
	struct packet_mreq mreq = {
		.mr_ifindex = (int)if_nametoindex(setup->arg),
		.mr_type = PACKET_MR_PROMISC,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) == 0)
		return fd;
	port_fail(setup->error, "%s: cannot listen on %s: %s", setup->kind->name, setup->arg,
	          strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static COLD struct ethtool_channels
iface_channels(const char *name)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq ifr = {.ifr_data = (void *)&channels};

	if (iface_ioctl(name, SIOCETHTOOL, &ifr) < 0)
		memset(&channels, 0, sizeof(channels));
	return channels;
}

uint32_t
iface_queues(const char *name)
{
	struct ethtool_channels channels = iface_channels(name);

	return MAX(channels.rx_count + channels.combined_count, 1u);
}

uint32_t
iface_combined(const char *name)
{
	return iface_channels(name).combined_count;
}

enum iface_driver
iface_driver(const char *name)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifr = {.ifr_data = (void *)&info};

	if (iface_ioctl(name, SIOCETHTOOL, &ifr) < 0)
		return IFACE_OTHER;
	return strcmp(info.driver, "veth") == 0 ? IFACE_VETH : IFACE_OTHER;
}

int
caps_check(struct port_setup *setup, uint64_t caps)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
	uint64_t have;

	if (syscall(SYS_capget, &hdr, data) < 0)
		return 0; /* the driver will find out */
	have = data[0].effective | (uint64_t)data[1].effective << 32;
	if ((have & caps) == caps)
		return 0;
	return port_fail(setup->error,
	                 "%s: not permitted: run as root (capabilities missing: %#llx)",
	                 setup->kind->name, (unsigned long long)(caps & ~have));
}
