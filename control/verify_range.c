/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The reading pass over one range: chunks of whole units, each unit fingerprinted and fed to the
 * SHA-1 of the pieces it lies in. */
#include "control/verify_range.h"

#include <xxhash.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static_assert(VERIFY_READ_LEN / ABI_UNIT_MIN <= 64, "a chunk's units fit a 64-bit map");
static_assert(VERIFY_READ_LEN % ABI_UNIT_MAX == 0, "a chunk is whole units");

static const uint8_t zeros[64 << 10];

void
verify_report(struct verify_run *run, uint32_t file, enum verify_state state, int sys_errno)
{
	struct verify_file *report = &run->result->file[file];

	pthread_mutex_lock(&run->lock);
	if (report->state == VERIFY_FILE_OK) {
		report->state = state;
		report->sys_errno = sys_errno;
	}
	pthread_mutex_unlock(&run->lock);
}

/* Ends the piece in hand and begins the next. */
static int
piece_end(struct verify_hasher *hasher)
{
	const struct metainfo *meta = hasher->run->job->meta;
	const uint8_t *want = meta->pieces + (size_t)hasher->piece * DIGEST_SHA1_LEN;
	uint8_t hash[DIGEST_SHA1_LEN];
	int err = digest_end(hasher->sha1, hash);

	hasher->run->piece_ok[hasher->piece] =
		err == 0 && !hasher->lost && memcmp(hash, want, sizeof(hash)) == 0;
	hasher->piece++;
	hasher->fill = 0;
	hasher->lost = false;
	digest_begin(hasher->sha1);
	return err;
}

/* Feeds len bytes to the pieces they lie in; bytes is NULL for bytes that could not be read. */
static int
piece_feed(struct verify_hasher *hasher, const uint8_t *bytes, uint64_t len)
{
	const struct metainfo *meta = hasher->run->job->meta;
	int err = 0;

	while (len > 0 && err == 0) {
		uint64_t start = (uint64_t)hasher->piece * meta->piece_len;
		uint64_t left = meta->total_len - start, part;

		if (left > meta->piece_len)
			left = meta->piece_len;
		part = left - hasher->fill < len ? left - hasher->fill : len;
		if (bytes == NULL) {
			hasher->lost = true;
		} else {
			digest_add(hasher->sha1, bytes, part);
			bytes += part;
		}
		hasher->fill += (uint32_t)part;
		len -= part;
		if (hasher->fill == left)
			err = piece_end(hasher);
	}
	return err;
}

static int
pad_feed(struct verify_hasher *hasher, uint64_t len)
{
	int err = 0;

	while (len > 0 && err == 0) {
		uint64_t part = len < sizeof(zeros) ? len : sizeof(zeros);

		err = piece_feed(hasher, zeros, part); /* BEP 47 */
		len -= part;
	}
	return err;
}

/* Reads len bytes at off; asks for multiples of the alignment, so that the end of a file answers
 * short. Returns the bytes had, with errno 0 at the end of the file. */
static size_t
read_full(int fd, uint8_t *buffer, uint64_t off, size_t len)
{
	size_t want = (len + VERIFY_READ_ALIGN - 1) / VERIFY_READ_ALIGN * VERIFY_READ_ALIGN;
	size_t done = 0;
	ssize_t got;

	do {
		/* O_DIRECT goes on only at an aligned place: what follows the last is read again. */
		size_t from = done / VERIFY_READ_ALIGN * VERIFY_READ_ALIGN;

		errno = 0;
		got = pread(fd, buffer + from, want - from, (off_t)(off + from));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || from + (size_t)got <= done)
			break;
		done = from + (size_t)got;
	} while (done < len);
	return done < len ? done : len;
}

static uint32_t
unit_part(uint32_t unit_len, size_t len, uint32_t unit)
{
	size_t left = len - (size_t)unit * unit_len;

	return (uint32_t)(left < unit_len ? left : unit_len);
}

/* Fills the buffer with len bytes of a file from off, a unit's beginning. Returns a map of the
 * units that were read whole. When a read fails, each unit is tried by itself. */
static uint64_t
chunk_read(struct verify_hasher *hasher, uint32_t file, uint64_t off, size_t len)
{
	const struct verify_source *source = &hasher->run->source[file];
	uint32_t unit_len = hasher->run->plan.unit_len, unit;
	size_t got = 0;
	uint64_t whole = 0;
	int failed = 0;

	if (off < source->len)
		got = read_full(source->fd, hasher->buffer, off, len);
	failed = got < len && off < source->len ? errno : 0;
	for (unit = 0; (size_t)unit * unit_len < len; unit++) {
		size_t at = (size_t)unit * unit_len;
		uint32_t part = unit_part(unit_len, len, unit);

		if (failed != 0 && at + part > got &&
		    read_full(source->fd, hasher->buffer + at, off + at, part) == part)
			whole |= UINT64_C(1) << unit;
		else if (at + part <= got)
			whole |= UINT64_C(1) << unit;
	}
	if (failed != 0)
		verify_report(hasher->run, file, VERIFY_FILE_IO, failed);
	else if (got < len && off < source->len && source->len >= off + len)
		verify_report(hasher->run, file, VERIFY_FILE_CHANGED, 0);
	if (!source->direct && got > 0)
		posix_fadvise(source->fd, (off_t)off, (off_t)len, POSIX_FADV_DONTNEED);
	return whole;
}

static int
chunk_hash(struct verify_hasher *hasher, uint64_t *fingerprint, size_t len, uint64_t whole)
{
	uint32_t unit_len = hasher->run->plan.unit_len, unit;
	int err = 0;

	for (unit = 0; (size_t)unit * unit_len < len && err == 0; unit++) {
		const uint8_t *bytes = hasher->buffer + (size_t)unit * unit_len;
		uint32_t part = unit_part(unit_len, len, unit);

		if (whole & (UINT64_C(1) << unit))
			fingerprint[unit] = XXH3_64bits(bytes, part);
		else
			bytes = NULL;
		err = piece_feed(hasher, bytes, part);
	}
	return err;
}

int
verify_range_step(struct verify_hasher *hasher, struct verify_range *range)
{
	struct verify_run *run = hasher->run;
	const struct abi_extent *extent = &run->plan.extent[range->extent];
	uint64_t off = range->off - extent->torrent_off, len = extent->len - off, whole;
	uint64_t *fingerprint;
	int err;

	if (len > range->end - range->off)
		len = range->end - range->off;
	if (len > VERIFY_READ_LEN)
		len = VERIFY_READ_LEN;
	if (extent->file == ABI_FILE_PAD) {
		err = pad_feed(hasher, len);
	} else {
		fingerprint = run->result->fingerprint + extent->unit_first +
			      off / run->plan.unit_len;
		whole = chunk_read(hasher, extent->file, off, len);
		err = chunk_hash(hasher, fingerprint, len, whole);
		__atomic_add_fetch(&run->done_bytes, len, __ATOMIC_RELAXED);
	}
	range->off += len;
	if (off + len == extent->len)
		range->extent++;
	return err;
}
