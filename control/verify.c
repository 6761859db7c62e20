/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The pass as a whole: looks at the descriptors, cuts ranges, runs them on threads and sums up by
 * piece and by file. */
#include "control/verify.h"

#include "control/verify_range.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	PROGRESS_WAIT_MS = 200,
};

static void
source_open(struct verify_run *run, uint32_t file, uint64_t len)
{
	struct verify_source *source = &run->source[file];
	int flags;

	*source = (struct verify_source){ .fd = run->job->fd[file] };
	if (source->fd < 0) {
		verify_report(run, file, VERIFY_FILE_ABSENT, 0);
		return;
	}
	flags = fcntl(source->fd, F_GETFL);
	if (flags < 0 || fstat(source->fd, &source->before) < 0) {
		verify_report(run, file, VERIFY_FILE_IO, errno);
		return;
	}
	if (!S_ISREG(source->before.st_mode)) {
		verify_report(run, file, VERIFY_FILE_IO, EINVAL);
		return;
	}
	source->direct = flags & O_DIRECT;
	if (!source->direct)
		posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if ((uint64_t)source->before.st_size > len) {
		verify_report(run, file, VERIFY_FILE_LONG, 0);
		return;
	}
	source->len = (uint64_t)source->before.st_size;
	if (source->len < len)
		verify_report(run, file, VERIFY_FILE_SHORT, 0);
}

static void
sources_open(struct verify_run *run)
{
	uint32_t i, file = 0;

	for (i = 0; i < run->job->meta->file_cnt; i++) {
		if (!metainfo_file_has_data(&run->job->meta->file[i]))
			continue;
		run->result->file[file].file = i;
		source_open(run, file++, run->job->meta->file[i].len);
	}
}

/* A piece may begin a range where no read unit would be split. */
static bool
cut_allowed(const struct layout_plan *plan, const struct abi_extent *extent, uint64_t off)
{
	return extent->file == ABI_FILE_PAD || (off - extent->torrent_off) % plan->unit_len == 0;
}

static int
ranges_cut(struct verify_run *run)
{
	const struct metainfo *meta = run->job->meta;
	const struct abi_extent *extent = run->plan.extent;
	struct verify_range *range = calloc(meta->total_len / VERIFY_RANGE_LEN + 1, sizeof(*range));
	uint64_t off;
	uint32_t piece;

	if (range == NULL)
		return -ENOMEM;
	run->range = range;
	for (piece = 0; piece < meta->piece_cnt; piece++) {
		off = (uint64_t)piece * meta->piece_len;
		while (extent->torrent_off + extent->len <= off)
			extent++;
		if (piece > 0 && off - range->off < VERIFY_RANGE_LEN)
			continue;
		if (piece > 0 && !cut_allowed(&run->plan, extent, off))
			continue;
		if (piece > 0)
			(range++)->end = off;
		range->off = off;
		range->extent = (uint32_t)(extent - run->plan.extent);
	}
	range->end = meta->total_len;
	run->range_cnt = (uint32_t)(range - run->range) + 1;
	return 0;
}

static void
run_stop(struct verify_run *run, int code)
{
	int expected = 0;

	__atomic_compare_exchange_n(&run->stop, &expected, code, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

static void
progress_tell(struct verify_run *run)
{
	const struct verify_job *job = run->job;

	if (job->progress != NULL &&
	    job->progress(__atomic_load_n(&run->done_bytes, __ATOMIC_RELAXED),
			  job->meta->content_len, job->ctx) != 0)
		run_stop(run, -ECANCELED);
}

static void
range_hash(struct verify_hasher *hasher, struct verify_range *range, bool tell)
{
	struct verify_run *run = hasher->run;
	int err;

	hasher->piece = (uint32_t)(range->off / run->job->meta->piece_len);
	hasher->fill = 0;
	hasher->lost = false;
	digest_begin(hasher->sha1);
	while (range->off < range->end && __atomic_load_n(&run->stop, __ATOMIC_RELAXED) == 0) {
		err = verify_range_step(hasher, range);
		if (err < 0)
			run_stop(run, err);
		if (tell)
			progress_tell(run);
	}
}

/* Takes ranges until none is left. tell is true on the calling thread. */
static void
worker_run(struct verify_run *run, bool tell)
{
	struct verify_hasher hasher = { .run = run };
	uint32_t next;

	hasher.buffer = aligned_alloc(VERIFY_READ_ALIGN, VERIFY_READ_LEN);
	hasher.sha1 = digest_create(DIGEST_SHA1);
	if (hasher.buffer == NULL || hasher.sha1 == NULL) {
		run_stop(run, -ENOMEM);
	} else {
		while (__atomic_load_n(&run->stop, __ATOMIC_RELAXED) == 0) {
			next = __atomic_fetch_add(&run->range_next, 1, __ATOMIC_RELAXED);
			if (next >= run->range_cnt)
				break;
			range_hash(&hasher, &run->range[next], tell);
		}
	}
	digest_free(hasher.sha1);
	free(hasher.buffer);
}

static void *
thread_main(void *run)
{
	worker_run(run, false);
	return NULL;
}

/* Waits for a thread and goes on telling progress meanwhile. */
static void
thread_join(struct verify_run *run, pthread_t thread)
{
	struct timespec until;

	for (;;) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_WAIT_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (pthread_timedjoin_np(thread, NULL, &until) == 0)
			return;
		progress_tell(run);
	}
}

static int
threads_run(struct verify_run *run)
{
	pthread_t thread[VERIFY_THREADS_MAX];
	uint32_t cnt = run->job->thread_cnt, i, started = 0;
	int err;

	if (cnt > run->range_cnt)
		cnt = run->range_cnt;
	while (started + 1 < cnt) {
		err = pthread_create(&thread[started], NULL, thread_main, run);
		if (err != 0) {
			run_stop(run, -err);
			break;
		}
		started++;
	}
	progress_tell(run);
	worker_run(run, true);
	for (i = 0; i < started; i++)
		thread_join(run, thread[i]);
	progress_tell(run);
	return run->stop;
}

/* First and one past the last piece of an extent. */
static uint32_t
extent_pieces(const struct metainfo *meta, const struct abi_extent *extent, uint32_t *end)
{
	*end = (uint32_t)((extent->torrent_off + extent->len - 1) / meta->piece_len) + 1;
	return (uint32_t)(extent->torrent_off / meta->piece_len);
}

/* What changed while it was read is not what was verified. */
static void
changes_apply(struct verify_run *run, const struct abi_extent *extent)
{
	const struct verify_source *source = &run->source[extent->file];
	uint32_t first, end;
	struct stat after;

	if (source->len == 0)
		return;
	if (fstat(source->fd, &after) == 0 && after.st_size == source->before.st_size &&
	    after.st_mtim.tv_sec == source->before.st_mtim.tv_sec &&
	    after.st_mtim.tv_nsec == source->before.st_mtim.tv_nsec)
		return;
	verify_report(run, extent->file, VERIFY_FILE_CHANGED, 0);
	first = extent_pieces(run->job->meta, extent, &end);
	memset(run->piece_ok + first, 0, end - first);
}

static void
result_sum(struct verify_run *run)
{
	struct verify_result *result = run->result;
	const struct abi_extent *extent = run->plan.extent;
	uint32_t i, piece, end;

	for (i = 0; i < run->plan.extent_cnt; i++)
		if (extent[i].file != ABI_FILE_PAD)
			changes_apply(run, &extent[i]);
	for (piece = 0; piece < result->piece_cnt; piece++) {
		if (!run->piece_ok[piece])
			continue;
		result->have_cnt++;
		result->have[piece / 8] |= (uint8_t)(0x80 >> piece % 8); /* BEP 3 */
	}
	for (i = 0; i < run->plan.extent_cnt; i++) {
		if (extent[i].file == ABI_FILE_PAD)
			continue;
		piece = extent_pieces(run->job->meta, &extent[i], &end);
		for (; piece < end; piece++)
			result->file[extent[i].file].piece_missing_cnt += !run->piece_ok[piece];
	}
}

static int
result_create(struct verify_run *run)
{
	const struct metainfo *meta = run->job->meta;
	struct verify_result *result = run->result;

	result->have_len = layout_have_len(meta);
	result->piece_cnt = meta->piece_cnt;
	result->unit_len = run->plan.unit_len;
	result->unit_cnt = run->plan.unit_cnt;
	result->file_cnt = run->plan.file_cnt;
	result->have = calloc(result->have_len, 1);
	result->fingerprint = calloc(result->unit_cnt, sizeof(*result->fingerprint));
	result->file = calloc(result->file_cnt, sizeof(*result->file));
	run->source = calloc(result->file_cnt, sizeof(*run->source));
	run->piece_ok = calloc(meta->piece_cnt, 1);
	if (result->have == NULL || result->fingerprint == NULL || result->file == NULL ||
	    run->source == NULL || run->piece_ok == NULL)
		return -ENOMEM;
	return 0;
}

static int
run_all(struct verify_run *run, struct metainfo_error *err)
{
	int code;

	code = layout_plan_create(&run->plan, run->job->meta,
				  layout_unit_len(run->job->meta, run->job->unit_max), err);
	if (code < 0)
		return code;
	code = result_create(run);
	if (code == 0) {
		sources_open(run);
		code = ranges_cut(run);
	}
	if (code == 0)
		code = threads_run(run);
	if (code == 0)
		result_sum(run);
	if (code < 0)
		metainfo_error_set(err, code, "verifying \"%.80s\": %s", run->job->meta->name,
				   strerror(-code));
	return code;
}

int
verify_content(const struct verify_job *job, struct verify_result *result,
	       struct metainfo_error *err)
{
	struct verify_run run = { .job = job, .result = result };
	int code;

	*result = (struct verify_result){ 0 };
	if (job->fd_cnt != job->meta->data_file_cnt || job->thread_cnt < 1 ||
	    job->thread_cnt > VERIFY_THREADS_MAX)
		return metainfo_error_set(err, -EINVAL, "wrong number of descriptors or threads");
	pthread_mutex_init(&run.lock, NULL);
	code = run_all(&run, err);
	pthread_mutex_destroy(&run.lock);
	layout_plan_free(&run.plan);
	free(run.source);
	free(run.range);
	free(run.piece_ok);
	if (code < 0)
		verify_result_free(result);
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
