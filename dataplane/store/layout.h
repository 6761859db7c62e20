/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* layout.h maps the layout memfd of abi.h and believes nothing in it before it was checked: seals,
 * sizes, places, sums and order. After layout_map every offset and index in it can be followed.
 *
 * Threads. Any. Memory. The mapping is private, read-only and populated at once.
 */
#ifndef SPILLWAY_DATAPLANE_STORE_LAYOUT_H
#define SPILLWAY_DATAPLANE_STORE_LAYOUT_H

#include "dataplane/abi.h"
#include "dataplane/base/common.h"

/* layout_map maps and checks a layout for the torrent of info_hash.
 *
 * fd    a memfd; stays the caller's.
 * len   out: bytes mapped, for layout_unmap.
 * Returns the layout, or NULL with errno: EINVAL when it is not one, else what the system said. */
COLD const struct abi_layout *
layout_map(int fd, const uint8_t info_hash[20], size_t *len);

/* layout_unmap ends the mapping. */
COLD void
layout_unmap(const struct abi_layout *layout, size_t len);

/* layout_check tells whether len bytes at layout are a consistent layout for the torrent of
 * info_hash. layout: aligned to 8. */
COLD bool
layout_check(const struct abi_layout *layout, size_t len, const uint8_t info_hash[20]);

#endif
