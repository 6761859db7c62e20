/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The next hop towards an address: asked for by ARP, or, where the kernel has the interface's
 * address and takes its ARP (af_xdp), looked up in the kernel's table. */
#include "tests/support/tcp_host.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ARP_COMPLETE = 2,                  /* of the flags in /proc/net/arp */
	DISCARD_PORT = 9,
	ASK_US = 3 * 1000 * 1000,
};

static uint32_t
next_hop(const struct host_options *options, uint32_t addr_be)
{
	uint32_t mask_be = htonl(UINT32_MAX << (32 - options->prefix_len));

	if (options->gateway_be == 0 || ((addr_be ^ options->address_be) & mask_be) == 0)
		return addr_be;
	return options->gateway_be;
}

static bool
kernel_knows(uint32_t hop_be, uint8_t *mac)
{
	FILE *f = fopen("/proc/net/arp", "re");
	char line[256], addr[32], text[32];
	struct ether_addr ether;
	unsigned int flags;
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%31s %*s %x %31s", addr, &flags, text) == 3 &&
		    (flags & ARP_COMPLETE) && inet_addr(addr) == hop_be &&
		    ether_aton_r(text, &ether) != NULL)
			found = true;
	}
	if (f != NULL)
		fclose(f);
	if (found)
		memcpy(mac, ether.ether_addr_octet, sizeof(ether.ether_addr_octet));
	return found;
}

/* kernel_ask makes the kernel ask: it needs the address to send anything. */
static void
kernel_ask(uint32_t hop_be)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(DISCARD_PORT), .sin_addr = {hop_be},
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	sendto(fd, "", 1, 0, (struct sockaddr *)&to, sizeof(to));
	close(fd);
}

static enum neighbour_state
kernel_find(struct host *host, struct host_client *client, uint32_t hop_be)
{
	if (kernel_knows(hop_be, client->remote.mac))
		return NEIGHBOUR_KNOWN;
	if (client->asked_us == 0) {
		client->asked_us = host->now_us;
		kernel_ask(hop_be);
	}
	return host->now_us - client->asked_us < ASK_US ? NEIGHBOUR_ASKED : NEIGHBOUR_NONE;
}

enum neighbour_state
host_hop_find(struct host *host, struct host_client *client)
{
	uint32_t hop_be = next_hop(&host->options, client->remote.addr_be);

	if (host->shares_address)
		return kernel_find(host, client, hop_be);
	return neighbour_find(&host->neighbours, hop_be, host->now_us, client->remote.mac);
}
