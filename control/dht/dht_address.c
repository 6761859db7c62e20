/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Addresses of DHT nodes and peers. */
#include "control/dht/dht_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool
dht_address_read(struct dht_address *address, const uint8_t *bytes, size_t len)
{
	*address = (struct dht_address){0};
	if (len != DHT_COMPACT_V4 && len != DHT_COMPACT_V6)
		return false;
	address->ip_len = (uint8_t)(len - 2);
	memcpy(address->ip, bytes, address->ip_len);
	address->port = (uint16_t)(bytes[len - 2] << 8 | bytes[len - 1]);
	return true;
}

size_t
dht_address_write(const struct dht_address *address, uint8_t *out)
{
	memcpy(out, address->ip, address->ip_len);
	out[address->ip_len] = (uint8_t)(address->port >> 8);
	out[address->ip_len + 1] = (uint8_t)address->port;
	return address->ip_len + 2u;
}

bool
dht_address_of(struct dht_address *address, const struct sockaddr_storage *from)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	*address = (struct dht_address){0};
	if (from->ss_family == AF_INET) {
		memcpy(&in, from, sizeof(in));
		address->ip_len = 4;
		memcpy(address->ip, &in.sin_addr, 4);
		address->port = ntohs(in.sin_port);
		return true;
	}
	if (from->ss_family != AF_INET6)
		return false;
	memcpy(&in6, from, sizeof(in6));
	bool mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
	address->ip_len = mapped ? 4 : 16;
	memcpy(address->ip, in6.sin6_addr.s6_addr + (mapped ? 12 : 0), address->ip_len);
	address->port = ntohs(in6.sin6_port);
	return true;
}

socklen_t
dht_address_to_socket(const struct dht_address *address, struct sockaddr_storage *to)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};

	memset(to, 0, sizeof(*to));
	if (address->ip_len == 4) {
		memcpy(&in.sin_addr, address->ip, 4);
		memcpy(to, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, address->ip, 16);
	memcpy(to, &in6, sizeof(in6));
	return sizeof(in6);
}

bool
dht_address_equal(const struct dht_address *a, const struct dht_address *b)
{
	return a->ip_len == b->ip_len && a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

static enum dht_scope
scope_v4(const uint8_t *ip)
{
	if (ip[0] == 0 || ip[0] >= 224)
		return DHT_SCOPE_NONE;
	if (ip[0] == 127)
		return DHT_SCOPE_LOOPBACK;
	bool local = ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
	             (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254);
	return local ? DHT_SCOPE_LOCAL : DHT_SCOPE_GLOBAL;
}

static enum dht_scope
scope_v6(const uint8_t *ip)
{
	static const uint8_t zeros[15];

	if (ip[0] == 0xff)
		return DHT_SCOPE_NONE;
	if (memcmp(ip, zeros, 15) == 0)
		return ip[15] == 1 ? DHT_SCOPE_LOOPBACK : DHT_SCOPE_NONE;
	if (memcmp(ip, zeros, 8) == 0) /* mapped, compatible, translated */
		return DHT_SCOPE_NONE;
	bool local = (ip[0] & 0xfe) == 0xfc || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
	return local ? DHT_SCOPE_LOCAL : DHT_SCOPE_GLOBAL;
}

enum dht_scope
dht_address_scope(const struct dht_address *address)
{
	if (address->ip_len == 4)
		return scope_v4(address->ip);
	return address->ip_len == 16 ? scope_v6(address->ip) : DHT_SCOPE_NONE;
}

size_t
dht_address_host(const struct dht_address *address, uint8_t *out)
{
	if (dht_address_scope(address) != DHT_SCOPE_GLOBAL)
		return dht_address_write(address, out);
	size_t len = address->ip_len == 16 ? 8 : address->ip_len;
	memcpy(out, address->ip, len);
	return len;
}

bool
dht_address_same_host(const struct dht_address *a, const struct dht_address *b)
{
	uint8_t host_a[DHT_COMPACT_V6], host_b[DHT_COMPACT_V6];
	size_t len = dht_address_host(a, host_a);

	return len == dht_address_host(b, host_b) && memcmp(host_a, host_b, len) == 0;
}

bool
dht_address_nameable(const struct dht_address *address, const struct dht_address *from)
{
	enum dht_scope scope = dht_address_scope(address);

	return address->port != 0 && scope != DHT_SCOPE_NONE && scope >= dht_address_scope(from);
}

const char *
dht_address_text(const struct dht_address *address, char *out)
{
	char ip[INET6_ADDRSTRLEN] = "?";

	inet_ntop(address->ip_len == 16 ? AF_INET6 : AF_INET, address->ip, ip, sizeof(ip));
	snprintf(out, DHT_ADDRESS_TEXT_MAX, address->ip_len == 16 ? "[%s]:%u" : "%s:%u", ip,
	         (unsigned)address->port);
	return out;
}
