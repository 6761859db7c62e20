/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a pass has done, range by range, in a form that a later pass can take up. */
#include "control/content/verify_range.h"

#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

/* Where a range's pieces and read units are. */
struct span {
	uint32_t piece_first;
	uint32_t piece_cnt;
	uint32_t unit_first;
	uint32_t unit_cnt;
};

/* What a range's key is the hash of: this once, then a key_file for each file that it touches. */
struct key_head {
	uint64_t off;
	uint64_t end;
	uint64_t unit_len;
};

struct key_file {
	uint64_t device;
	uint64_t inode;
	uint64_t size;
	uint64_t mtime_ns;
	uint64_t off; /* in the torrent */
};

/* data_extent returns the first extent of a file in a range from index at on, or NULL. */
static const struct abi_extent *
data_extent(const struct verify_pass *pass, const struct verify_range *range, uint32_t *at)
{
	for (; *at < pass->plan.extent_cnt; (*at)++) {
		const struct abi_extent *extent = &pass->plan.extent[*at];

		if (extent->torrent_off >= range->end)
			return NULL;
		if (extent->file != ABI_FILE_PAD)
			return extent;
	}
	return NULL;
}

static uint64_t
key_make(const struct verify_pass *pass, const struct verify_range *range)
{
	struct key_head head = {
		.off = range->off, .end = range->end, .unit_len = pass->plan.unit_len,
	};
	uint64_t key = XXH3_64bits(&head, sizeof(head));
	const struct abi_extent *extent;

	for (uint32_t at = range->extent; (extent = data_extent(pass, range, &at)) != NULL; at++) {
		const struct stat *st = &pass->source[extent->file].before;
		struct key_file file = {
			.device = st->st_dev,
			.inode = st->st_ino,
			.size = (uint64_t)st->st_size,
			.mtime_ns = (uint64_t)st->st_mtim.tv_sec * 1000000000 +
			            (uint64_t)st->st_mtim.tv_nsec,
			.off = extent->torrent_off,
		};
		key = XXH3_64bits_withSeed(&file, sizeof(file), key);
	}
	return key;
}

/* unit_at returns the index of the unit in which off lies, or of the one after it. */
static uint32_t
unit_at(const struct verify_pass *pass, const struct abi_extent *extent, uint64_t off)
{
	uint64_t in_file = off <= extent->torrent_off ? 0 : off - extent->torrent_off;

	if (in_file > extent->len)
		in_file = extent->len;
	return extent->unit_first +
	       (uint32_t)((in_file + pass->plan.unit_len - 1) / pass->plan.unit_len);
}

static struct span
span_of(const struct verify_pass *pass, const struct verify_range *range)
{
	uint32_t piece_len = pass->job.meta->piece_len;
	struct span span = {.piece_first = (uint32_t)(range->off / piece_len)};
	uint32_t at = range->extent, end = 0;
	const struct abi_extent *extent = data_extent(pass, range, &at);

	span.piece_cnt = (uint32_t)((range->end + piece_len - 1) / piece_len) - span.piece_first;
	if (extent == NULL)
		return span;
	span.unit_first = unit_at(pass, extent, range->off);
	for (; (extent = data_extent(pass, range, &at)) != NULL; at++)
		end = unit_at(pass, extent, range->end);
	span.unit_cnt = end - span.unit_first;
	return span;
}

/* content_len returns the bytes of files in a range. */
static uint64_t
content_len(const struct verify_pass *pass, const struct verify_range *range)
{
	const struct abi_extent *extent;
	uint64_t len = 0;

	for (uint32_t at = range->extent; (extent = data_extent(pass, range, &at)) != NULL; at++) {
		uint64_t first = extent->torrent_off, end = first + extent->len;

		len += (end < range->end ? end : range->end) - (first > range->off ? first : range->off);
	}
	return len;
}

bool
verify_piece_had(const struct verify_pass *pass, uint32_t piece)
{
	uint8_t needs = pass->job.meta->has_v1 ? VERIFY_PIECE_V1 : VERIFY_PIECE_V2;

	return (pass->piece[piece] & needs) && !(pass->piece[piece] & VERIFY_PIECE_BAD);
}

static void
saved_apply(struct verify_pass *pass, const struct verify_saved *saved)
{
	struct verify_range *range = &pass->range[saved->range];
	struct span span = span_of(pass, range);

	if (saved->piece_cnt != span.piece_cnt || saved->unit_cnt != span.unit_cnt ||
	    range->state != VERIFY_RANGE_OPEN || saved->key != key_make(pass, range))
		return;
	for (uint32_t i = 0; i < span.piece_cnt; i++)
		pass->piece[span.piece_first + i] =
			saved->piece[i] ? VERIFY_PIECE_V1 | VERIFY_PIECE_V2 : VERIFY_PIECE_BAD;
	if (span.unit_cnt > 0)
		memcpy(pass->result.fingerprint + span.unit_first, saved->fingerprint,
		       span.unit_cnt * sizeof(*saved->fingerprint));
	range->state = VERIFY_RANGE_SAVED;
	pass->done_bytes += content_len(pass, range);
}

void
verify_saved_apply(struct verify_pass *pass)
{
	for (uint32_t i = 0; i < pass->job.saved_cnt; i++)
		if (pass->job.saved[i].range < pass->range_cnt)
			saved_apply(pass, &pass->job.saved[i]);
	pass->job.saved = NULL;
	pass->job.saved_cnt = 0;
}

/* saved_make copies what is known of a range. Returns false when memory ran out. */
static bool
saved_make(const struct verify_pass *pass, uint32_t index, struct verify_saved *saved)
{
	struct span span = span_of(pass, &pass->range[index]);

	*saved = (struct verify_saved){
		.range = index,
		.piece_cnt = span.piece_cnt,
		.unit_cnt = span.unit_cnt,
		.key = key_make(pass, &pass->range[index]),
		.piece = malloc(span.piece_cnt + 1),
		.fingerprint = malloc((span.unit_cnt + 1) * sizeof(*saved->fingerprint)),
	};
	if (saved->piece == NULL || saved->fingerprint == NULL) {
		verify_saved_free(saved);
		return false;
	}
	for (uint32_t i = 0; i < span.piece_cnt; i++)
		saved->piece[i] = verify_piece_had(pass, span.piece_first + i);
	memcpy(saved->fingerprint, pass->result.fingerprint + span.unit_first,
	       span.unit_cnt * sizeof(*saved->fingerprint));
	return true;
}

bool
verify_save_next(struct verify_pass *pass, struct verify_saved *saved)
{
	uint32_t taken = __atomic_load_n(&pass->range_next, __ATOMIC_RELAXED);
	uint32_t end = taken < pass->range_cnt ? taken : pass->range_cnt;

	while (pass->save_next < end &&
	       __atomic_load_n(&pass->range[pass->save_next].state, __ATOMIC_RELAXED) ==
	           VERIFY_RANGE_SAVED)
		pass->save_next++;
	for (uint32_t i = pass->save_next; i < end; i++) {
		struct verify_range *range = &pass->range[i];

		if (__atomic_load_n(&range->state, __ATOMIC_ACQUIRE) != VERIFY_RANGE_DONE)
			continue;
		__atomic_store_n(&range->state, VERIFY_RANGE_SAVED, __ATOMIC_RELAXED);
		if (!range->failed)
			return saved_make(pass, i, saved);
	}
	return false;
}

bool
verify_know(struct verify_pass *pass, const uint64_t *fingerprint, uint32_t unit_cnt)
{
	if (unit_cnt != pass->result.unit_cnt)
		return false;
	memcpy(pass->result.fingerprint, fingerprint, unit_cnt * sizeof(*fingerprint));
	memset(pass->piece, VERIFY_PIECE_V1 | VERIFY_PIECE_V2, pass->job.meta->piece_cnt);
	for (uint32_t i = 0; i < pass->range_cnt; i++)
		pass->range[i].state = VERIFY_RANGE_DONE;
	pass->range_next = pass->range_cnt;
	pass->done_bytes = pass->job.meta->content_len;
	return true;
}

void
verify_saved_free(struct verify_saved *saved)
{
	free(saved->piece);
	free(saved->fingerprint);
	*saved = (struct verify_saved){0};
}
