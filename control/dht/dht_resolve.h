/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* dht_resolve.h finds the addresses of the routers that a DHT node begins with (option
 * dht_bootstrap) on a thread of its own, for names are resolved in any time.
 *
 * Threads: one uses it. A question that is under way when it is destroyed is left to its thread,
 * which frees what it holds.
 */
#ifndef SPILLWAY_CONTROL_DHT_DHT_RESOLVE_H
#define SPILLWAY_CONTROL_DHT_DHT_RESOLVE_H

#include "control/dht/dht_address.h"
#include "control/base/fail.h"

#include <stdbool.h>
#include <stdint.h>

enum dht_resolve_limit {
	DHT_ROUTERS_MAX = 16,         /* names of dht_bootstrap */
	DHT_ROUTER_ADDRESSES_MAX = 64,
	DHT_BOOTSTRAP_MAX = 1024,     /* bytes of dht_bootstrap */
};

struct dht_resolve;

/* dht_bootstrap_check tells whether text is a list of HOST:PORT or [IPV6]:PORT, separated by
 * commas; "" is an empty one. Returns 0, or -EINVAL with fail. */
int
dht_bootstrap_check(const char *text, struct fail *fail);

/* dht_resolve_create makes one for a list that dht_bootstrap_check allows.
 * Returns 0 or a negative errno with fail. */
int
dht_resolve_create(struct dht_resolve **resolve, const char *text, struct fail *fail);

/* dht_resolve_destroy lets go of it; NULL is allowed. */
void
dht_resolve_destroy(struct dht_resolve *resolve);

/* dht_resolve_fd returns a descriptor that is readable when addresses are there. */
int
dht_resolve_fd(const struct dht_resolve *resolve);

/* dht_resolve_start begins to resolve all names, unless that is under way or there are none. */
void
dht_resolve_start(struct dht_resolve *resolve);

/* dht_resolve_take takes an address that was found; false when there is none (yet, or any more). */
bool
dht_resolve_take(struct dht_resolve *resolve, struct dht_address *address);

#endif
