/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Who announces, and where trackers are told that peers reach us. */
#include "control/announce/announce_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

int
announce_address_check(const char *value, struct fail *fail)
{
	uint8_t address[sizeof(struct in6_addr)];

	if (strcmp(value, "auto") == 0 || inet_pton(AF_INET, value, address) == 1 ||
	    inet_pton(AF_INET6, value, address) == 1)
		return 0;
	return fail_set(fail, EINVAL, "\"%s\" is not an IPv4 or IPv6 address or auto", value);
}

/* kernel_owns tells whether questions can be sent from an address. */
static bool
kernel_owns(uint32_t address_be)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = address_be};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool owns = fd >= 0 && bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0;

	if (fd >= 0)
		close(fd);
	return owns;
}

void
self_make(struct announce *a, uint32_t address_be)
{
	static const char prefix[] = "-SW0100-"; /* BEP 20 */
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const struct options *options = a->options;
	struct tracker_self *self = &a->self;
	uint8_t random[sizeof(self->peer_id)];
	bool kernel_owned = kernel_owns(address_be);

	while (getrandom(random, sizeof(random), 0) != sizeof(random))
		continue;
	memcpy(self->peer_id, prefix, strlen(prefix));
	for (size_t i = strlen(prefix); i < sizeof(self->peer_id); i++)
		self->peer_id[i] = (uint8_t)digits[random[i] % (sizeof(digits) - 1)];
	memcpy(&self->key, random, sizeof(self->key));
	self->port = (uint16_t)(options->announce_port != 0 ? options->announce_port
	                                                    : options->listen_port);
	self->timeout_ms = (uint32_t)options->tracker_timeout * 1000;
	self->bind_be = kernel_owned ? address_be : 0;
	self->ip_be = kernel_owned ? 0 : address_be;
	inet_pton(AF_INET, options->announce_address, &self->ip_be);
	inet_pton(AF_INET6, options->announce_address, &self->ip6);
}
