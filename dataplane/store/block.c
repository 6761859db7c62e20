/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Torrent offsets to files and units. */
#include "dataplane/store/block.h"

/* extent_at finds the extent that holds a torrent offset. */
static const struct abi_extent *
extent_at(const struct content *content, uint64_t off)
{
	const struct abi_extent *extents = content->active.extents;
	uint32_t low = 0, high = content->active.layout->extent_cnt;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (extents[middle].torrent_off <= off)
			low = middle;
		else
			high = middle;
	}
	return &extents[low];
}

struct block_walk
block_open(const struct content *content, uint64_t off, uint32_t len)
{
	uint64_t total_len = content->active.layout->total_len;

	dp_assert(off < total_len && len <= total_len - off);
	return (struct block_walk){content, extent_at(content, off), off, len};
}

/* next_part gives the part at the walk's place and steps over it. */
static struct block_part
next_part(struct block_walk *walk)
{
	const struct abi_extent *extent = walk->extent;
	uint64_t off = walk->off - extent->torrent_off;
	uint64_t left = extent->len - off;
	struct block_part part = {.extent = extent, .len = (uint32_t)MIN(left, walk->left)};

	if (extent->file != ABI_FILE_PAD) {
		uint32_t unit_len = walk->content->active.layout->unit_len;

		part.unit = extent->unit_first + (uint32_t)(off >> walk->content->unit_shift);
		part.begin = (uint32_t)off & (unit_len - 1);
		part.len = MIN(part.len, unit_len - part.begin);
	}
	walk->off += part.len;
	walk->left -= part.len;
	if (part.len == left)
		walk->extent++;
	return part;
}

uint32_t
block_parts(struct block_walk *walk, struct block_part *parts, uint32_t max)
{
	uint32_t cnt = 0;

	while (walk->left > 0 && cnt < max)
		parts[cnt++] = next_part(walk);
	return cnt;
}
