/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* isn.h makes numbers that only who holds the secret can foretell: initial sequence numbers
 * (RFC 6528) and timestamp offsets (RFC 7323 5.4).
 */
#ifndef SPILLWAY_DATAPLANE_TCP_ISN_H
#define SPILLWAY_DATAPLANE_TCP_ISN_H

#include "dataplane/tcp/table.h"

/* isn_hash returns SipHash-2-4 of a flow and a salt under a 128-bit key. */
uint64_t
isn_hash(const uint64_t secret[2], const struct flow_key *key, uint32_t salt);

/* isn_make returns M + F(flow, secret), where M counts 4 microseconds (RFC 6528 3). */
uint32_t
isn_make(const uint64_t secret[2], const struct flow_key *key, uint64_t now_us);

#endif
