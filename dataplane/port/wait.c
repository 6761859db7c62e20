/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What an idle worker can sleep on. Some drivers have rx interrupts; those of sockets have none
 * and keep their descriptors to themselves, but the sockets of the driver's family that this
 * process has, beside the port's own, are the device's: one a queue, in order. */
#include "dataplane/port/device.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_FDS_MAX = 4096 };

static COLD bool
is_of_family(int fd, int family)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == family;
}

/* sockets_find finds the process's sockets of a family, beside except_fd.
 *
 * fds  out, [0, max).
 * Returns how many there are, which may be more than max. */
static COLD uint16_t
sockets_find(int family, int except_fd, int *fds, uint16_t max)
{
	struct rlimit limit;
	uint16_t cnt = 0;

	if (family == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	for (int fd = 0; fd < (int)MIN(limit.rlim_cur, (rlim_t)WAIT_FDS_MAX); fd++) {
		if (fd == except_fd || !is_of_family(fd, family))
			continue;
		if (cnt < max)
			fds[cnt] = fd;
		cnt++;
	}
	return cnt;
}

void
wait_find(struct port_device *device, const struct port_setup *setup)
{
	int fds[PORT_QUEUES_MAX];
	uint16_t cnt = sockets_find(setup->kind->family, setup->lock_fd, fds, PORT_QUEUES_MAX);

	for (uint16_t i = 0; i < device->queue_cnt; i++) {
		struct port *port = device->queues[i];

		if (setup->kind->interrupts)
			port->wait_fd = rte_eth_dev_rx_intr_ctl_q_get_fd(device->id, i);
		else if (cnt == device->queue_cnt)
			port->wait_fd = fds[i];
		port->rings_bell = setup->kind->interrupts &&
		                   rte_eth_dev_rx_intr_disable(device->id, i) == 0;
	}
}

/* bell_armed tells whether the other end will ring. Arms it, or takes back what it rang: packets
 * may have come before it knew, or since. */
static bool
bell_armed(struct port *port)
{
	uint64_t rung;

	if (port->armed)
		return read(port->wait_fd, &rung, sizeof(rung)) < 0;
	rte_eth_dev_rx_intr_enable(port->id, port->queue);
	port->armed = true;
	return false;
}

int
port_wait_fd(struct port *port)
{
	if (port->rings_bell && !bell_armed(port))
		return -1;
	return port->wait_fd;
}

void
wait_end(struct port *port)
{
	rte_eth_dev_rx_intr_disable(port->id, port->queue);
	port->armed = false;
}
