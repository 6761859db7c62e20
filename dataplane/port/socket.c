/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The kinds of port that find their other end, another process, at a unix socket. */
#include "dataplane/port/setup.h"

#include <rte_eal.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	MEMIF_BUF_MIN = 2048,
	VHOST_DATA_LEN = PORT_TSO_MAX + PKT_HDR_MAX, /* the longest packet that a front end sends */
	VHOST_MBUFS = 1024,
};

/* socket_is_bound tells whether a live process has bound a unix socket's path. Connecting to find
 * out would end a net_memif server: it stops at a client that leaves at once. */
static COLD bool
socket_is_bound(const char *path)
{
	FILE *table = fopen("/proc/net/unix", "re");
	char line[256];
	bool bound = false;

	while (table != NULL && !bound && fgets(line, sizeof(line), table) != NULL) {
		const char *at = strchr(line, '/');

		line[strcspn(line, "\n")] = '\0';
		bound = at != NULL && strcmp(at, path) == 0;
	}
	if (table != NULL)
		fclose(table);
	return bound;
}

/* A server that was killed leaves its socket behind. */
static COLD int
server_check(struct port_setup *setup, bool bound)
{
	const char *kind = setup->kind->name;

	if (access(setup->arg, F_OK) < 0)
		return 0;
	if (bound)
		return port_fail(setup->error, "%s: a server listens on %s already", kind,
		                 setup->arg);
	if (unlink(setup->arg) < 0)
		return port_fail(setup->error, "%s: cannot remove the stale socket %s: %s", kind,
		                 setup->arg, strerror(errno));
	return 0;
}

int
socket_check(struct port_setup *setup)
{
	const char *kind = setup->kind->name;
	bool bound;

	if (setup->arg[0] != '/' || strchr(setup->arg, ',') != NULL)
		return port_fail(setup->error, "%s: the socket's path must begin with /: %s", kind,
		                 setup->arg);
	bound = socket_is_bound(setup->arg);
	if (setup->server)
		return server_check(setup, bound);
	if (!bound || access(setup->arg, F_OK) < 0)
		return port_fail(setup->error, "%s: no server listens on %s", kind, setup->arg);
	return 0;
}

/* bsize holds the largest frame: net_memif does not split a packet correctly. */
int
memif_devargs(struct port_setup *setup)
{
	uint32_t bsize = MAX((setup->config->mtu + (uint32_t)PORT_ETH_LEN + 63) & ~63u,
	                     (uint32_t)MEMIF_BUF_MIN);

	return port_devargs(setup,
	                    "role=%s,id=0,socket=%s,socket-abstract=no,bsize=%u,rsize=10",
	                    setup->server ? "server" : "client", setup->arg, bsize);
}

int
vhost_user_check(struct port_setup *setup)
{
	if (!rte_eal_has_hugepages())
		return port_fail(setup->error, "vhost-user: needs hugepages, for the other end to "
		                               "see: not with --no-huge");
	return socket_check(setup);
}

int
vhost_user_devargs(struct port_setup *setup)
{
	return port_devargs(setup, "path=%s,server=%d,queues=%u,cq=1,queue_size=%d,mrg_rxbuf=0",
	                    setup->arg, setup->server, setup->config->queue_cnt, PORT_RING_LEN);
}

/* What the front end leaves to be cut arrives whole, in one buffer. */
int
vhost_backend_devargs(struct port_setup *setup)
{
	setup->data_len = VHOST_DATA_LEN;
	setup->mbufs = VHOST_MBUFS;
	return port_devargs(setup, "iface=%s,client=%d,queues=%u,tso=1,legacy-ol-flags=0",
	                    setup->arg, !setup->server, setup->config->queue_cnt);
}
