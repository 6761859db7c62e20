/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_address.h is where a DHT node or a peer is: an IPv4 or IPv6 address with a port, in the
 * compact form of BEP 5 and BEP 32 (4 or 16 bytes and 2 of port, in network order) and as a socket
 * address.
 *
 * Threads: plain data.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_ADDRESS_H
#define SPILLWAY_CONTROL_DHT_DHT_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dht_address_limit {
	DHT_COMPACT_V4 = 6,  /* bytes of a compact IPv4 address */
	DHT_COMPACT_V6 = 18,
	DHT_ADDRESS_TEXT_MAX = 56,
};

/* Who can reach an address. */
enum dht_scope {
	DHT_SCOPE_NONE,     /* no host's: unspecified, multicast, reserved */
	DHT_SCOPE_LOOPBACK,
	DHT_SCOPE_LOCAL,    /* private and link-local: exempt from BEP 42 */
	DHT_SCOPE_GLOBAL,
};

struct dht_address {
	uint8_t ip[16];  /* network order; the bytes after ip_len are 0 */
	uint8_t ip_len;  /* 4, or 16; 0: none */
	uint16_t port;   /* host order */
};

/* dht_address_read reads a compact address. len is DHT_COMPACT_V4 or DHT_COMPACT_V6, or it is
 * refused. Returns false when refused. */
bool
dht_address_read(struct dht_address *address, const uint8_t *bytes, size_t len);

/* dht_address_write writes the compact form to out[DHT_COMPACT_V6]; returns its length. */
size_t
dht_address_write(const struct dht_address *address, uint8_t *out);

/* dht_address_of takes a socket address of AF_INET or AF_INET6, mapped ones as IPv4.
 * Returns false for another family. */
bool
dht_address_of(struct dht_address *address, const struct sockaddr_storage *from);

/* dht_address_to_socket fills a socket address; returns its length. */
socklen_t
dht_address_to_socket(const struct dht_address *address, struct sockaddr_storage *to);

/* dht_address_equal tells whether address and port are the same. */
bool
dht_address_equal(const struct dht_address *a, const struct dht_address *b);

/* dht_address_scope tells who can reach it. */
enum dht_scope
dht_address_scope(const struct dht_address *address);

/* dht_address_same_host tells whether two may be in one hand: the same IPv4 address or the same /64
 * of IPv6 when they are global, else the same address and port. */
bool
dht_address_same_host(const struct dht_address *a, const struct dht_address *b);

/* dht_address_host writes what dht_address_same_host compares to out[18]; returns its length. */
size_t
dht_address_host(const struct dht_address *address, uint8_t *out);

/* dht_address_nameable tells whether the sender at from may tell us of an address that we then send
 * to: it has a port, is of a host, and reaches no nearer than the sender does itself, so that
 * nobody out there has us ask around in our own network. */
bool
dht_address_nameable(const struct dht_address *address, const struct dht_address *from);

/* dht_address_text writes "ADDRESS:PORT", IPv6 in brackets, to out[DHT_ADDRESS_TEXT_MAX]; returns
 * out. */
const char *
dht_address_text(const struct dht_address *address, char *out);

#endif
