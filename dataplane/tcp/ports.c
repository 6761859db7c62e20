/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The set of ports that are listened on. */
#include "dataplane/tcp/ports.h"

#include <errno.h>

bool
ports_listening(const struct ports *ports, uint16_t port)
{
	for (uint32_t i = 0; i < ports->listen_cnt; i++) {
		if (ports->listen[i] == port)
			return true;
	}
	return false;
}

int
ports_listen(struct ports *ports, uint16_t port)
{
	dp_assert(port != 0);
	if (ports_listening(ports, port))
		return -EEXIST;
	if (ports->listen_cnt == TCP_LISTEN_PORTS_MAX)
		return -ENOBUFS;
	ports->listen[ports->listen_cnt++] = port;
	return 0;
}
