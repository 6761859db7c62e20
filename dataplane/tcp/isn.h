/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* isn.h makes numbers that only who holds the secret can foretell: initial sequence numbers
 * (RFC 6528), timestamp offsets (RFC 7323 5.4), SYN cookies, and what else is keyed.
 */
#ifndef SPILLWAY_DATAPLANE_TCP_ISN_H
#define SPILLWAY_DATAPLANE_TCP_ISN_H

#include "dataplane/tcp/table.h"

/* what a hash is of: no two uses share one */
enum isn_salt {
	ISN_SALT_NUMBER,
	ISN_SALT_TIMESTAMP,
	ISN_SALT_COOKIE,
	ISN_SALT_SOURCE,
	ISN_SALT_CHALLENGE,
	ISN_SALT_PORT,         /* where our local ports begin */
};

/* isn_hash returns SipHash-2-4 of a flow and a salt under a 128-bit key. */
uint64_t
isn_hash(const uint64_t secret[2], const struct flow_key *key, uint32_t salt);

/* isn_hash_with returns the same of a flow, a salt and one word more. */
uint64_t
isn_hash_with(const uint64_t secret[2], const struct flow_key *key, uint32_t salt, uint64_t more);

/* isn_make returns M + F(flow, secret), where M counts 4 microseconds (RFC 6528 3). */
uint32_t
isn_make(const uint64_t secret[2], const struct flow_key *key, uint64_t now_us);

#endif
