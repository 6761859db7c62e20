/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* layout turns a metainfo into what the dataplane is told of it: the extents, read units and the
 * sealed memfd of dataplane/abi.h.
 *
 *      metainfo ── layout_plan_create ──► extents, unit_len ── verify ──► have, fingerprints
 *          └──────────────────────────────────┴── layout_memfd ◄───────────┘
 *
 * Of a torrent without a v1 half there is a plan, in which pads fill what lies between its files,
 * but no memfd: the peer wire does not speak its hashes yet.
 *
 * Threads: any. Memory: a plan owns its extents; the memfd's descriptor is the caller's.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_LAYOUT_H
#define SPILLWAY_CONTROL_CONTENT_LAYOUT_H

#include "control/content/metainfo.h"
#include "dataplane/abi.h"

#include <stdint.h>

struct layout_plan {
	uint32_t unit_len;   /* bytes, power of two, [ABI_UNIT_MIN, ABI_UNIT_MAX] */
	uint32_t unit_cnt;   /* over all files; fingerprints */
	uint32_t file_cnt;   /* descriptors; metainfo.data_file_cnt */
	uint32_t extent_cnt;
	struct abi_extent *extent;
};

/* layout_unit_len returns the read unit for a torrent: the largest power of two in [ABI_UNIT_MIN,
 * unit_max] with which a peer that takes single pieces makes us read little beyond them. That is
 * nothing where pieces and files all begin at multiples of the unit; elsewhere a piece shares the
 * units at its two ends with its neighbours, and the unit is an eighth of a piece at most.
 * unit_max: a power of two, [ABI_UNIT_MIN, ABI_UNIT_MAX]. */
uint32_t
layout_unit_len(const struct metainfo *meta, uint32_t unit_max);

/* layout_plan_create maps meta to extents: one per file with data and one per pad of non-zero
 * length, or gap between files, in order.
 *
 * plan      out; ended by layout_plan_free, harmless after a failure.
 * unit_len  of layout_unit_len, now or when the content was verified.
 * err       out, on failure.
 * Returns 0; -EINVAL for a unit_len that is none; -EFBIG for more read units than fit in 32 bits;
 * -ENOMEM. */
int
layout_plan_create(struct layout_plan *plan, const struct metainfo *meta, uint32_t unit_len,
		   struct metainfo_error *err);

/* layout_plan_free frees the extents and leaves plan empty. */
void
layout_plan_free(struct layout_plan *plan);

/* layout_served_check tells whether a torrent can be served.
 * Returns 0, or -ENOTSUP with err for one without v1. */
int
layout_served_check(const struct metainfo *meta, struct metainfo_error *err);

/* layout_have_len returns the bytes of a have bitfield: (piece_cnt + 7) / 8. */
uint32_t
layout_have_len(const struct metainfo *meta);

/* layout_memfd writes the layout memfd of meta and seals it against write, shrink, grow and
 * further seals.
 *
 * unit_len     that the fingerprints are of.
 * have         layout_have_len bytes, BEP 3 bitfield order; its spare bits are written as 0.
 * fingerprint  plan.unit_cnt values, by unit_first of the extent plus unit of the file.
 * err          out, on failure.
 * Returns a descriptor (close-on-exec), the caller's to close; or as layout_served_check and
 * layout_plan_create; or -errno of memfd_create, ftruncate, mmap and fcntl. */
int
layout_memfd(const struct metainfo *meta, uint32_t unit_len, const uint8_t *have,
	     const uint64_t *fingerprint, struct metainfo_error *err);

#endif
