/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* tracker_dns.h looks up trackers' names on threads of its own, TRACKER_DNS_THREADS at most and
 * none while nothing is asked, for getaddrinfo may take its time.
 *
 *      loop ── tracker_dns_ask ──► thread ── tracker_dns_fd readable ──► tracker_dns_take ── loop
 *
 * Threads: every function is for the one that runs the loop. tracker_dns_destroy does not wait: a
 * look-up that hangs ends with the process, or frees what is left when it returns.
 */
#ifndef SPILLWAY_CONTROL_ANNOUNCE_TRACKER_DNS_H
#define SPILLWAY_CONTROL_ANNOUNCE_TRACKER_DNS_H

#include "control/base/fail.h"
#include "control/announce/tracker.h"

enum tracker_dns_limit {
	TRACKER_DNS_THREADS = 4,
	TRACKER_DNS_ADDRESSES_MAX = 8, /* of one name; the rest is left out */
};

struct tracker_addresses {
	uint32_t cnt; /* 0: there are none, see text */
	union tracker_address address[TRACKER_DNS_ADDRESSES_MAX]; /* IPv4 first */
	char text[TRACKER_TEXT_MAX]; /* why there are none */
};

struct tracker_dns;

/* tracker_dns_create starts nothing yet. Returns 0 or a negative errno with fail. */
int
tracker_dns_create(struct tracker_dns **dns, struct fail *fail);

/* tracker_dns_destroy gives up what was asked; NULL is allowed. */
void
tracker_dns_destroy(struct tracker_dns *dns);

/* tracker_dns_fd returns a descriptor that is readable when tracker_dns_take has something. */
int
tracker_dns_fd(const struct tracker_dns *dns);

/* tracker_dns_ask has a name or an address looked up.
 * cookie  given back by tracker_dns_take.
 * Returns 0, -ENOMEM, or -EAGAIN when there can be no thread. */
int
tracker_dns_ask(struct tracker_dns *dns, uint64_t cookie, const char *host, uint16_t port);

/* tracker_dns_take gives an answer. Returns false when there is none. */
bool
tracker_dns_take(struct tracker_dns *dns, uint64_t *cookie, struct tracker_addresses *addresses);

#endif
