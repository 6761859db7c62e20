/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* blocklist.h reads the addresses that are refused, from a file of any of these lines, mixed:
 *
 *      10.0.0.0/8                                  CIDR; without a slash one address
 *      10.0.0.0-10.0.0.255                         from, to
 *      Some name:10.0.0.0-10.0.0.255               PeerGuardian's .p2p
 *      010.000.000.000 - 010.000.000.255 , 100 , name    eMule's .dat; 128 and more is not refused
 *
 * Empty lines and those that begin with # or // are passed, as are IPv6 addresses, which the
 * dataplane does not serve; both are no fault. Spaces around a part are allowed.
 *
 * Memory: 8 bytes a range. Ranges that overlap or touch become one.
 */
#ifndef SPILLWAY_CONTROL_POLICY_BLOCKLIST_H
#define SPILLWAY_CONTROL_POLICY_BLOCKLIST_H

#include "control/base/fail.h"
#include "dataplane/abi.h"

enum blocklist_limit {
	BLOCKLIST_LINE_MAX = 1024, /* bytes of a line */
};

struct blocklist {
	struct abi_range *range; /* ascending, none touches another */
	uint32_t cnt;
	uint32_t size;
};

/* blocklist_read reads a file; list is to be empty.
 *
 * Returns 0; -EINVAL with fail naming FILE:LINE for a line that is none of those, or the file when
 * it is no regular one; -E2BIG for more than ABI_BLOCKS_MAX ranges; another negative errno. list is
 * empty then. */
int
blocklist_read(struct blocklist *list, const char *path, struct fail *fail);

/* blocklist_free empties the list. */
void
blocklist_free(struct blocklist *list);

/* range_parse reads one "10.0.0.0/8", "10.0.0.1" or "10.0.0.0-10.0.0.9" of len bytes.
 * Returns 0 or -EINVAL. */
int
range_parse(const char *text, size_t len, struct abi_range *range);

#endif
