/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Finding what an idle worker can sleep on. The drivers of sockets keep their descriptor to
 * themselves and have no rx interrupt; but the one socket of the driver's family that this process
 * has, beside the port's own, is the device's. */
#include "dataplane/port/device.h"

#include <sys/resource.h>
#include <sys/socket.h>

enum { WAIT_FDS_MAX = 4096 };

static COLD bool
is_of_family(int fd, int family)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == family;
}

int
wait_fd_find(int family, int except_fd)
{
	struct rlimit limit;
	int found = -1;

	if (family == 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	for (int fd = 0; fd < (int)MIN(limit.rlim_cur, (rlim_t)WAIT_FDS_MAX); fd++) {
		if (fd == except_fd || !is_of_family(fd, family))
			continue;
		if (found >= 0)
			return -1;
		found = fd;
	}
	return found;
}

int
port_wait_fd(const struct port *port)
{
	return port->wait_fd;
}
