/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What control says of a torrent, checked before anything relies on it. */
#include "dataplane/store/layout.h"

#include "dataplane/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	LAYOUT_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW,
	PIECE_LEN_MIN = 1024,
	PIECE_LEN_MAX = 1 << 30,
};

#define TOTAL_LEN_MAX ((uint64_t)1 << 62)

static_assert(ABI_UNIT_MIN % STORE_ALIGN == 0, "units begin where O_DIRECT can read");

static const void *
section(const struct abi_layout *layout, uint64_t off)
{
	return (const uint8_t *)layout + off;
}

/* ceil_div returns n / d rounded up. n > 0. */
static uint64_t
ceil_div(uint64_t n, uint64_t d)
{
	return (n - 1) / d + 1;
}

static COLD bool
check_numbers(const struct abi_layout *layout)
{
	uint32_t unit = layout->unit_len;

	return layout->magic == ABI_MAGIC && layout->version == ABI_VERSION &&
	       layout->total_len > 0 && layout->total_len <= TOTAL_LEN_MAX &&
	       layout->piece_len >= PIECE_LEN_MIN && layout->piece_len <= PIECE_LEN_MAX &&
	       ceil_div(layout->total_len, layout->piece_len) == layout->piece_cnt &&
	       unit >= ABI_UNIT_MIN && unit <= ABI_UNIT_MAX && (unit & (unit - 1)) == 0 &&
	       layout->extent_cnt > 0 && layout->file_cnt <= layout->extent_cnt &&
	       layout->metadata_len > 0 && layout->metadata_len <= STORE_METADATA_MAX &&
	       layout->private_flag <= 1 && layout->reserved == 0;
}

/* check_sections sees that the parts lie inside, aligned, in order and apart. */
static COLD bool
check_sections(const struct abi_layout *layout, uint64_t len)
{
	const struct {
		uint64_t off;
		uint64_t len;
	} parts[] = {
		{layout->extent_off, (uint64_t)layout->extent_cnt * sizeof(struct abi_extent)},
		{layout->fingerprint_off, (uint64_t)layout->unit_cnt * sizeof(uint64_t)},
		{layout->have_off, ((uint64_t)layout->piece_cnt + 7) / 8},
		{layout->metadata_off, layout->metadata_len},
	};
	uint64_t end = sizeof(*layout);

	for (uint32_t i = 0; i < ARRAY_CNT(parts); i++) {
		if (parts[i].off % 8 != 0 || parts[i].off < end || parts[i].off > len ||
		    parts[i].len > len - parts[i].off)
			return false;
		end = parts[i].off + parts[i].len;
	}
	return true;
}

/* check_extents sees that they follow each other without gap, count files and units in order, and
 * come to the totals that the header claims. */
static COLD bool
check_extents(const struct abi_layout *layout)
{
	const struct abi_extent *extents = section(layout, layout->extent_off);
	uint64_t off = 0, units = 0;
	uint32_t files = 0;

	for (uint32_t i = 0; i < layout->extent_cnt; i++) {
		const struct abi_extent *extent = &extents[i];

		if (extent->torrent_off != off || extent->len == 0 ||
		    extent->len > layout->total_len - off)
			return false;
		off += extent->len;
		if (extent->file == ABI_FILE_PAD) {
			if (extent->unit_first != 0)
				return false;
			continue;
		}
		if (extent->file != files || extent->unit_first != units)
			return false;
		files++;
		units += ceil_div(extent->len, layout->unit_len);
		if (units > layout->unit_cnt)
			return false;
	}
	return off == layout->total_len && files == layout->file_cnt && units == layout->unit_cnt;
}

/* check_have sees that the spare bits of the bitfield are 0 (BEP 3). */
static COLD bool
check_have(const struct abi_layout *layout)
{
	const uint8_t *have = section(layout, layout->have_off);
	uint32_t used = layout->piece_cnt % 8;

	return used == 0 || (have[layout->piece_cnt / 8] & (0xff >> used)) == 0;
}

bool
layout_check(const struct abi_layout *layout, size_t len, const uint8_t info_hash[20])
{
	return len >= sizeof(*layout) && check_numbers(layout) && check_sections(layout, len) &&
	       check_extents(layout) && check_have(layout) &&
	       memcmp(layout->info_hash, info_hash, sizeof(layout->info_hash)) == 0;
}

const struct abi_layout *
layout_map(int fd, const uint8_t info_hash[20], size_t *len)
{
	const struct abi_layout *layout;
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & LAYOUT_SEALS) != LAYOUT_SEALS) {
		errno = EINVAL;
		return NULL;
	}
	if (fstat(fd, &st) != 0)
		return NULL;
	if (st.st_size < (off_t)sizeof(*layout)) {
		errno = EINVAL;
		return NULL;
	}
	*len = (size_t)st.st_size;
	layout = mmap(NULL, *len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (layout == MAP_FAILED)
		return NULL;
	if (!layout_check(layout, *len, info_hash)) {
		layout_unmap(layout, *len);
		errno = EINVAL;
		return NULL;
	}
	return layout;
}

void
layout_unmap(const struct abi_layout *layout, size_t len)
{
	munmap((void *)(uintptr_t)layout, len);
}
