/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The reading pass over one range: chunks of whole units, asked for ahead by one cursor and hashed
 * by another that follows. Each unit is fingerprinted, fed to the SHA-1 of the v1 pieces it lies in
 * and to the tree of its v2 piece. */
#include "control/content/verify_range.h"

#include <xxhash.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static_assert(VERIFY_READ_LEN / ABI_UNIT_MIN <= 64, "a chunk's units fit a 64-bit map");
static_assert(VERIFY_READ_LEN % ABI_UNIT_MAX == 0, "a chunk is whole units");
static_assert(ABI_UNIT_MIN % MERKLE_BLOCK_LEN == 0, "a chunk begins with a leaf");

enum {
	LEAVES_MAX = VERIFY_READ_LEN / MERKLE_BLOCK_LEN,
};

static const uint8_t zeros[64 << 10];
static const uint8_t zero_leaf[MERKLE_HASH_LEN];

/* What comes next where a cursor stands. */
struct chunk {
	const struct abi_extent *extent;
	uint64_t off; /* in the file or pad */
	size_t len;
	bool is_read; /* some of it is in the file */
};

void
verify_report(struct verify_pass *pass, uint32_t file, enum verify_state state, int sys_errno)
{
	struct verify_file *report = &pass->result.file[file];

	pthread_mutex_lock(&pass->lock);
	if (report->state == VERIFY_FILE_OK) {
		report->state = state;
		report->sys_errno = sys_errno;
	}
	pthread_mutex_unlock(&pass->lock);
}

/* ---- v1. */

/* Ends the piece in hand and begins the next. */
static int
piece_end(struct verify_hand *hand)
{
	const struct metainfo *meta = hand->pass->job.meta;
	const uint8_t *want = meta->pieces + (size_t)hand->piece * DIGEST_SHA1_LEN;
	uint8_t hash[DIGEST_SHA1_LEN];
	int err = digest_end(hand->sha1, hash);

	if (err == 0 && !hand->lost && memcmp(hash, want, sizeof(hash)) == 0)
		hand->pass->piece[hand->piece] |= VERIFY_PIECE_V1;
	hand->piece++;
	hand->fill = 0;
	hand->lost = false;
	digest_begin(hand->sha1);
	return err;
}

/* Feeds len bytes to the pieces they lie in; bytes is NULL for bytes that could not be read. */
static int
piece_feed(struct verify_hand *hand, const uint8_t *bytes, uint64_t len)
{
	const struct metainfo *meta = hand->pass->job.meta;
	int err = 0;

	while (len > 0 && err == 0) {
		uint64_t start = (uint64_t)hand->piece * meta->piece_len;
		uint64_t left = meta->total_len - start, part;

		if (left > meta->piece_len)
			left = meta->piece_len;
		part = left - hand->fill < len ? left - hand->fill : len;
		if (bytes == NULL) {
			hand->lost = true;
		} else {
			digest_add(hand->sha1, bytes, part);
			bytes += part;
		}
		hand->fill += (uint32_t)part;
		len -= part;
		if (hand->fill == left)
			err = piece_end(hand);
	}
	return err;
}

static int
pad_feed(struct verify_hand *hand, uint64_t len)
{
	int err = 0;

	while (len > 0 && err == 0 && hand->pass->job.meta->has_v1) {
		uint64_t part = len < sizeof(zeros) ? len : sizeof(zeros);

		err = piece_feed(hand, zeros, part); /* BEP 47 */
		len -= part;
	}
	return err;
}

/* ---- v2. */

/* The leaves of a tree: those of a whole piece, or of a file that is shorter as many as it takes,
 * rounded up to a power of two (BEP 52). */
static int
tree_root(struct verify_hand *hand, const struct metainfo_file *file, uint8_t root[MERKLE_HASH_LEN])
{
	uint32_t leaf_max = hand->pass->job.meta->piece_len / MERKLE_BLOCK_LEN;
	struct digest *sha256 = leaves_sha256(hand->leaves);

	if (file->piece_layer == NULL)
		return merkle_root(sha256, hand->leaf, hand->leaf_cnt, zero_leaf, root);
	memset(hand->leaf + (size_t)hand->leaf_cnt * MERKLE_HASH_LEN, 0,
	       (size_t)(leaf_max - hand->leaf_cnt) * MERKLE_HASH_LEN);
	return merkle_root(sha256, hand->leaf, leaf_max, zero_leaf, root);
}

/* Ends the v2 piece whose last byte is before end of the file. */
static int
tree_end(struct verify_hand *hand, const struct metainfo_file *file, uint64_t end)
{
	const struct metainfo *meta = hand->pass->job.meta;
	uint64_t in_file = (end - 1) / meta->piece_len;
	uint32_t piece = (uint32_t)(file->off / meta->piece_len + in_file);
	const uint8_t *want = file->piece_layer == NULL
	                          ? file->pieces_root
	                          : file->piece_layer + in_file * MERKLE_HASH_LEN;
	uint8_t root[MERKLE_HASH_LEN];
	int err = tree_root(hand, file, root);

	if (err == 0 && !hand->leaf_lost && memcmp(root, want, sizeof(root)) == 0)
		hand->pass->piece[piece] |= VERIFY_PIECE_V2;
	else
		hand->pass->piece[piece] |= VERIFY_PIECE_BAD;
	hand->leaf_cnt = 0;
	hand->leaf_lost = false;
	return err;
}

/* Feeds a chunk to its trees. bytes: NULL when none could be read; whole: as units_read. */
static int
tree_feed(struct verify_hand *hand, const struct chunk *chunk, const uint8_t *bytes,
          uint64_t whole)
{
	const struct verify_pass *pass = hand->pass;
	const struct metainfo_file *file =
		&pass->job.meta->file[pass->result.file[chunk->extent->file].file];
	uint32_t leaf_max = pass->job.meta->piece_len / MERKLE_BLOCK_LEN;
	uint32_t unit_leaves = pass->plan.unit_len / MERKLE_BLOCK_LEN;
	uint8_t leaf[LEAVES_MAX * MERKLE_HASH_LEN] = {0};
	uint64_t end = chunk->off;
	int err = bytes != NULL ? leaves_hash(hand->leaves, bytes, chunk->len, leaf) : 0;

	for (uint32_t i = 0; end < chunk->off + chunk->len && err == 0; i++) {
		memcpy(hand->leaf + (size_t)hand->leaf_cnt++ * MERKLE_HASH_LEN,
		       leaf + (size_t)i * MERKLE_HASH_LEN, MERKLE_HASH_LEN);
		hand->leaf_lost |= !(whole >> i / unit_leaves & 1);
		end += MERKLE_BLOCK_LEN;
		if (end > file->len)
			end = file->len;
		if (hand->leaf_cnt == leaf_max || end == file->len)
			err = tree_end(hand, file, end);
	}
	return err;
}

/* ---- Chunks. */

/* chunk_next returns what a cursor stands before and moves it behind that. */
static struct chunk
chunk_next(const struct verify_pass *pass, const struct verify_range *range,
           struct verify_cursor *cursor)
{
	const struct abi_extent *extent = &pass->plan.extent[cursor->extent];
	struct chunk chunk = {.extent = extent, .off = cursor->off - extent->torrent_off};
	uint64_t len = extent->len - chunk.off;

	if (len > range->end - cursor->off)
		len = range->end - cursor->off;
	if (len > VERIFY_READ_LEN)
		len = VERIFY_READ_LEN;
	chunk.len = len;
	chunk.is_read = extent->file != ABI_FILE_PAD && chunk.off < pass->source[extent->file].len;
	cursor->off += len;
	if (chunk.off + len == extent->len)
		cursor->extent++;
	return chunk;
}

static struct verify_held *
held_at(struct verify_hand *hand, uint32_t i)
{
	return &hand->held[(hand->held_first + i) % VERIFY_HELD_MAX];
}

/* ahead_move asks for what the queue has room for of one range. Returns false when it is full. */
static bool
ahead_move(struct verify_hand *hand, struct verify_held *held)
{
	const struct verify_pass *pass = held->pass;

	while (held->ahead.off < held->range->end) {
		struct verify_cursor next = held->ahead;
		struct chunk chunk = chunk_next(pass, held->range, &next);

		if (chunk.is_read && !read_queue_add(hand->queue, pass->source[chunk.extent->file].fd,
		                                     chunk.off, chunk.len))
			return false;
		held->ahead = next;
	}
	return true;
}

void
verify_ask(struct verify_hand *hand)
{
	bool room = true;

	for (uint32_t i = 0; i < hand->held_cnt && room; i++)
		room = verify_stopped(held_at(hand, i)->pass) || ahead_move(hand, held_at(hand, i));
	read_queue_start(hand->queue);
}

static uint32_t
unit_part(uint32_t unit_len, size_t len, uint32_t unit)
{
	size_t left = len - (size_t)unit * unit_len;

	return (uint32_t)(left < unit_len ? left : unit_len);
}

/* units_read returns a map of the units of a chunk that were read whole. When a read failed, each
 * unit is tried by itself. */
static uint64_t
units_read(struct verify_hand *hand, const struct chunk *chunk, struct read_queue_read *read)
{
	uint32_t unit_len = hand->pass->plan.unit_len, unit;
	int fd = hand->pass->source[chunk->extent->file].fd, ignored;
	uint64_t whole = 0;

	for (unit = 0; (size_t)unit * unit_len < chunk->len; unit++) {
		size_t at = (size_t)unit * unit_len;
		uint32_t part = unit_part(unit_len, chunk->len, unit);

		if (at + part <= read->got)
			whole |= UINT64_C(1) << unit;
		else if (read->sys_errno != 0 &&
		         read_queue_pread(fd, read->bytes + at, chunk->off + at, part, &ignored) == part)
			whole |= UINT64_C(1) << unit;
	}
	return whole;
}

/* chunk_take waits for a chunk and reports what is wrong with it. Returns as units_read. */
static uint64_t
chunk_take(struct verify_hand *hand, const struct chunk *chunk, struct read_queue_read *read)
{
	const struct verify_source *source = &hand->pass->source[chunk->extent->file];

	if (!chunk->is_read)
		return 0;
	bool asked = read_queue_take(hand->queue, read);
	assert(asked && read->len == chunk->len);
	(void)asked;
	uint64_t whole = units_read(hand, chunk, read);
	if (read->sys_errno != 0)
		verify_report(hand->pass, chunk->extent->file, VERIFY_FILE_IO, read->sys_errno);
	else if (read->got < chunk->len && source->len >= chunk->off + chunk->len)
		verify_report(hand->pass, chunk->extent->file, VERIFY_FILE_CHANGED, 0);
	hand->range->failed |= read->got < chunk->len;
	if (!source->direct && read->got > 0)
		posix_fadvise(source->fd, (off_t)chunk->off, (off_t)chunk->len, POSIX_FADV_DONTNEED);
	return whole;
}

static int
chunk_hash(struct verify_hand *hand, const struct chunk *chunk, const uint8_t *chunk_bytes,
           uint64_t whole)
{
	struct verify_pass *pass = hand->pass;
	uint32_t unit_len = pass->plan.unit_len, unit;
	uint64_t *fingerprint =
		pass->result.fingerprint + chunk->extent->unit_first + chunk->off / unit_len;
	int err = 0;

	for (unit = 0; (size_t)unit * unit_len < chunk->len && err == 0; unit++) {
		const uint8_t *bytes = NULL;
		uint32_t part = unit_part(unit_len, chunk->len, unit);

		if (whole & (UINT64_C(1) << unit)) {
			bytes = chunk_bytes + (size_t)unit * unit_len;
			fingerprint[unit] = XXH3_64bits(bytes, part);
		}
		if (pass->job.meta->has_v1)
			err = piece_feed(hand, bytes, part);
	}
	if (err == 0 && pass->job.meta->has_v2)
		err = tree_feed(hand, chunk, chunk_bytes, whole);
	return err;
}

static int
chunk_run(struct verify_hand *hand, const struct chunk *chunk)
{
	struct read_queue_read read = {0};
	uint64_t whole;
	int err;

	if (chunk->extent->file == ABI_FILE_PAD)
		return pad_feed(hand, chunk->len);
	whole = chunk_take(hand, chunk, &read);
	err = chunk_hash(hand, chunk, read.bytes, whole);
	__atomic_add_fetch(&hand->pass->done_bytes, chunk->len, __ATOMIC_RELAXED);
	return err;
}

/* hand_begin sets a hand to the beginning of its oldest range. */
static int
hand_begin(struct verify_hand *hand)
{
	struct verify_held *held = held_at(hand, 0);
	const struct metainfo *meta = held->pass->job.meta;
	uint32_t leaf_max = meta->has_v2 ? meta->piece_len / MERKLE_BLOCK_LEN : 0;

	if (leaf_max > hand->leaf_room) {
		uint8_t *leaf = realloc(hand->leaf, (size_t)leaf_max * MERKLE_HASH_LEN);
		if (leaf == NULL)
			return -ENOMEM;
		hand->leaf = leaf;
		hand->leaf_room = leaf_max;
	}
	hand->begun = true;
	hand->pass = held->pass;
	hand->range = held->range;
	hand->piece = (uint32_t)(held->range->off / meta->piece_len);
	hand->fill = 0;
	hand->lost = false;
	hand->leaf_cnt = 0;
	hand->leaf_lost = false;
	digest_begin(hand->sha1);
	return 0;
}

void
verify_range_take(struct verify_hand *hand, struct verify_pass *pass, struct verify_range *range)
{
	struct verify_cursor begin = {.off = range->off, .extent = range->extent};

	assert(hand->held_cnt < VERIFY_HELD_MAX);
	*held_at(hand, hand->held_cnt++) =
		(struct verify_held){.pass = pass, .range = range, .ahead = begin, .at = begin};
}

int
verify_range_step(struct verify_hand *hand)
{
	struct verify_held *held = held_at(hand, 0);
	int err = hand->begun ? 0 : hand_begin(hand);

	verify_ask(hand);
	if (err != 0 || held->at.off == held->range->end)
		return err;
	struct chunk chunk = chunk_next(held->pass, held->range, &held->at);
	return chunk_run(hand, &chunk);
}

bool
verify_range_ended(const struct verify_hand *hand)
{
	const struct verify_held *held = &hand->held[hand->held_first];

	return held->at.off == held->range->end;
}

void
verify_range_drop(struct verify_hand *hand)
{
	struct verify_held *held = held_at(hand, 0);
	struct read_queue_read ignored;

	while (held->at.off < held->ahead.off)
		if (chunk_next(held->pass, held->range, &held->at).is_read)
			read_queue_take(hand->queue, &ignored);
	hand->held_first = (hand->held_first + 1) % VERIFY_HELD_MAX;
	hand->held_cnt--;
	hand->begun = false;
}

const struct verify_held *
verify_range_newest(const struct verify_hand *hand)
{
	return &hand->held[(hand->held_first + hand->held_cnt - 1) % VERIFY_HELD_MAX];
}
