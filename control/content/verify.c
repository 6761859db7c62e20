/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The pass as a whole: looks at the descriptors, cuts ranges, hands them out and sums up by piece
 * and by file. What of it outlives the program is verify_save.c's. */
#include "control/content/verify.h"

#include "control/content/verify_range.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- The hands. */

struct verify_hand *
verify_hand_create(void)
{
	struct verify_hand *hand = calloc(1, sizeof(*hand));

	if (hand == NULL)
		return NULL;
	hand->queue = read_queue_create();
	hand->sha1 = digest_create(DIGEST_SHA1);
	hand->leaves = leaves_create();
	if (hand->queue == NULL || hand->sha1 == NULL || hand->leaves == NULL) {
		verify_hand_destroy(hand);
		return NULL;
	}
	return hand;
}

void
verify_hand_destroy(struct verify_hand *hand)
{
	if (hand == NULL)
		return;
	read_queue_destroy(hand->queue);
	digest_free(hand->sha1);
	leaves_destroy(hand->leaves);
	free(hand->leaf);
	free(hand);
}

int
verify_hand_refused(const struct verify_hand *hand)
{
	return read_queue_refused(hand->queue);
}

/* ---- The beginning. */

static void
source_open(struct verify_pass *pass, uint32_t file, uint64_t len)
{
	struct verify_source *source = &pass->source[file];
	int flags;

	*source = (struct verify_source){ .fd = pass->job.fd[file] };
	if (source->fd < 0) {
		verify_report(pass, file, VERIFY_FILE_ABSENT, 0);
		return;
	}
	flags = fcntl(source->fd, F_GETFL);
	if (flags < 0 || fstat(source->fd, &source->before) < 0) {
		verify_report(pass, file, VERIFY_FILE_IO, errno);
		return;
	}
	if (!S_ISREG(source->before.st_mode)) {
		verify_report(pass, file, VERIFY_FILE_IO, EINVAL);
		return;
	}
	source->direct = flags & O_DIRECT;
	if (!source->direct)
		posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if ((uint64_t)source->before.st_size > len) {
		verify_report(pass, file, VERIFY_FILE_LONG, 0);
		return;
	}
	source->len = (uint64_t)source->before.st_size;
	if (source->len < len)
		verify_report(pass, file, VERIFY_FILE_SHORT, 0);
}

static void
sources_open(struct verify_pass *pass)
{
	uint32_t i, file = 0;

	for (i = 0; i < pass->job.meta->file_cnt; i++) {
		if (!metainfo_file_has_data(&pass->job.meta->file[i]))
			continue;
		pass->result.file[file].file = i;
		source_open(pass, file++, pass->job.meta->file[i].len);
	}
}

/* A piece may begin a range where no read unit would be split. */
static bool
cut_allowed(const struct layout_plan *plan, const struct abi_extent *extent, uint64_t off)
{
	return extent->file == ABI_FILE_PAD || (off - extent->torrent_off) % plan->unit_len == 0;
}

static int
ranges_cut(struct verify_pass *pass)
{
	const struct metainfo *meta = pass->job.meta;
	const struct abi_extent *extent = pass->plan.extent;
	struct verify_range *range = calloc(meta->total_len / VERIFY_RANGE_LEN + 1, sizeof(*range));
	uint64_t off;
	uint32_t piece;

	if (range == NULL)
		return -ENOMEM;
	pass->range = range;
	for (piece = 0; piece < meta->piece_cnt; piece++) {
		off = (uint64_t)piece * meta->piece_len;
		while (extent->torrent_off + extent->len <= off)
			extent++;
		if (piece > 0 && off - range->off < VERIFY_RANGE_LEN)
			continue;
		if (piece > 0 && !cut_allowed(&pass->plan, extent, off))
			continue;
		if (piece > 0)
			(range++)->end = off;
		range->off = off;
		range->extent = (uint32_t)(extent - pass->plan.extent);
	}
	range->end = meta->total_len;
	pass->range_cnt = (uint32_t)(range - pass->range) + 1;
	return 0;
}

static int
result_create(struct verify_pass *pass)
{
	const struct metainfo *meta = pass->job.meta;
	struct verify_result *result = &pass->result;

	result->have_len = layout_have_len(meta);
	result->piece_cnt = meta->piece_cnt;
	result->unit_len = pass->plan.unit_len;
	result->unit_cnt = pass->plan.unit_cnt;
	result->file_cnt = pass->plan.file_cnt;
	result->have = calloc(result->have_len, 1);
	result->fingerprint = calloc(result->unit_cnt, sizeof(*result->fingerprint));
	result->file = calloc(result->file_cnt, sizeof(*result->file));
	pass->source = calloc(result->file_cnt, sizeof(*pass->source));
	pass->piece = calloc(meta->piece_cnt, 1);
	if (result->have == NULL || result->fingerprint == NULL || result->file == NULL ||
	    pass->source == NULL || pass->piece == NULL)
		return -ENOMEM;
	return 0;
}

static void
pass_free(struct verify_pass *pass)
{
	pthread_mutex_destroy(&pass->lock);
	layout_plan_free(&pass->plan);
	verify_result_free(&pass->result);
	free(pass->source);
	free(pass->range);
	free(pass->piece);
	free(pass);
}

static int
pass_open(struct verify_pass *pass, struct metainfo_error *err)
{
	const struct metainfo *meta = pass->job.meta;
	int code = layout_plan_create(&pass->plan, meta,
	                              layout_unit_len(meta, pass->job.unit_max), err);

	if (code < 0)
		return code;
	code = result_create(pass);
	if (code == 0) {
		sources_open(pass);
		code = ranges_cut(pass);
	}
	if (code < 0)
		return metainfo_error_set(err, code, "out of memory");
	verify_saved_apply(pass);
	return 0;
}

int
verify_begin(struct verify_pass **pass, const struct verify_job *job, struct metainfo_error *err)
{
	struct verify_pass *p;

	if (job->fd_cnt != job->meta->data_file_cnt)
		return metainfo_error_set(err, -EINVAL, "wrong number of descriptors");
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return metainfo_error_set(err, -ENOMEM, "out of memory");
	p->job = *job;
	pthread_mutex_init(&p->lock, NULL);
	int code = pass_open(p, err);
	if (code < 0) {
		pass_free(p);
		return code;
	}
	*pass = p;
	return 0;
}

/* ---- The work. */

static void
pass_stop(struct verify_pass *pass, int code)
{
	int expected = 0;

	__atomic_compare_exchange_n(&pass->stop, &expected, code, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

bool
verify_hungry(struct verify_hand *hand)
{
	if (hand->held_cnt == 0)
		return true;
	const struct verify_held *newest = verify_range_newest(hand);
	bool asked = newest->ahead.off == newest->range->end || verify_stopped(newest->pass);

	return asked && hand->held_cnt < VERIFY_HELD_MAX && read_queue_has_room(hand->queue);
}

bool
verify_take(struct verify_pass *pass, struct verify_hand *hand)
{
	while (!verify_stopped(pass)) {
		uint32_t next = __atomic_fetch_add(&pass->range_next, 1, __ATOMIC_RELAXED);
		struct verify_range *range = &pass->range[next];

		if (next >= pass->range_cnt)
			return false;
		if (__atomic_load_n(&range->state, __ATOMIC_RELAXED) != VERIFY_RANGE_OPEN)
			continue;
		verify_range_take(hand, pass, range);
		return true;
	}
	return false;
}

bool
verify_holds(const struct verify_hand *hand)
{
	return hand->held_cnt > 0;
}

struct verify_pass *
verify_step(struct verify_hand *hand)
{
	struct verify_pass *pass = hand->held[hand->held_first].pass;
	struct verify_range *range = hand->held[hand->held_first].range;

	if (!verify_stopped(pass)) {
		int err = verify_range_step(hand);
		if (err < 0)
			pass_stop(pass, err);
	}
	if (verify_stopped(pass)) {
		verify_range_drop(hand);
		return pass;
	}
	if (!verify_range_ended(hand))
		return NULL;
	__atomic_store_n(&range->state, VERIFY_RANGE_DONE, __ATOMIC_RELEASE);
	verify_range_drop(hand);
	return pass;
}

bool
verify_left(const struct verify_pass *pass)
{
	return !verify_stopped(pass) &&
	       __atomic_load_n(&pass->range_next, __ATOMIC_RELAXED) < pass->range_cnt;
}

void
verify_cancel(struct verify_pass *pass)
{
	pass_stop(pass, -ECANCELED);
}

uint64_t
verify_done_bytes(const struct verify_pass *pass)
{
	return __atomic_load_n(&pass->done_bytes, __ATOMIC_RELAXED);
}

/* ---- The end. */

/* First and one past the last piece of an extent. */
static uint32_t
extent_pieces(const struct metainfo *meta, const struct abi_extent *extent, uint32_t *end)
{
	*end = (uint32_t)((extent->torrent_off + extent->len - 1) / meta->piece_len) + 1;
	return (uint32_t)(extent->torrent_off / meta->piece_len);
}

/* What changed while it was read is not what was verified. */
static void
changes_apply(struct verify_pass *pass, const struct abi_extent *extent)
{
	const struct verify_source *source = &pass->source[extent->file];
	uint32_t first, end;
	struct stat after;

	if (source->len == 0)
		return;
	if (fstat(source->fd, &after) == 0 && after.st_size == source->before.st_size &&
	    after.st_mtim.tv_sec == source->before.st_mtim.tv_sec &&
	    after.st_mtim.tv_nsec == source->before.st_mtim.tv_nsec)
		return;
	verify_report(pass, extent->file, VERIFY_FILE_CHANGED, 0);
	first = extent_pieces(pass->job.meta, extent, &end);
	memset(pass->piece + first, 0, end - first);
}

static void
files_sum(struct verify_pass *pass)
{
	struct verify_result *result = &pass->result;
	const struct abi_extent *extent = pass->plan.extent;
	uint32_t i, piece, end;

	for (i = 0; i < pass->plan.extent_cnt; i++) {
		if (extent[i].file == ABI_FILE_PAD)
			continue;
		piece = extent_pieces(pass->job.meta, &extent[i], &end);
		for (; piece < end; piece++)
			result->file[extent[i].file].piece_missing_cnt +=
				!verify_piece_had(pass, piece);
	}
}

static void
result_sum(struct verify_pass *pass)
{
	struct verify_result *result = &pass->result;
	const struct abi_extent *extent = pass->plan.extent;
	uint32_t i, piece;

	for (i = 0; i < pass->plan.extent_cnt; i++)
		if (extent[i].file != ABI_FILE_PAD)
			changes_apply(pass, &extent[i]);
	for (piece = 0; piece < result->piece_cnt; piece++) {
		if (!verify_piece_had(pass, piece))
			continue;
		result->have_cnt++;
		result->have[piece / 8] |= (uint8_t)(0x80 >> piece % 8); /* BEP 3 */
	}
	files_sum(pass);
}

int
verify_end(struct verify_pass *pass, struct verify_result *result, struct metainfo_error *err)
{
	int code = pass->stop;

	*result = (struct verify_result){ 0 };
	if (code == 0) {
		result_sum(pass);
		*result = pass->result;
		pass->result = (struct verify_result){ 0 };
	} else {
		metainfo_error_set(err, code, "verifying \"%.80s\": %s", pass->job.meta->name,
				   strerror(-code));
	}
	pass_free(pass);
	return code;
}

void
verify_result_free(struct verify_result *result)
{
	free(result->have);
	free(result->fingerprint);
	free(result->file);
	*result = (struct verify_result){ 0 };
}

const char *
verify_state_text(enum verify_state state)
{
	static const char *const text[VERIFY_STATE_CNT] = {
		[VERIFY_FILE_OK] = "file was read whole",
		[VERIFY_FILE_ABSENT] = "file is missing or cannot be opened",
		[VERIFY_FILE_SHORT] = "file is shorter than the torrent says",
		[VERIFY_FILE_LONG] = "file is longer than the torrent says",
		[VERIFY_FILE_CHANGED] = "file changed while it was read",
		[VERIFY_FILE_IO] = "file cannot be read",
	};

	return text[state];
}
