/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The order of jobs and what becomes of their results. */
#include "control/work/work.h"

#include "control/catalogue/catalogue_ranges.h"
#include "control/base/clock.h"
#include "control/base/id_list.h"
#include "control/work/jobs.h"
#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct work {
	struct registry *registry;
	struct jobs *jobs;
	uint32_t unit_max;
	struct id_list to_verify;
	uint32_t check_after; /* torrents up to this id have been checked */
	bool check_done;
	bool refused_told;    /* that the kernel refuses io_uring */
	int64_t saved_ms;     /* when ranges were saved last */
	uint64_t serial;      /* of the torrents when those that are gone were looked for */
	int64_t reaped_ms;    /* when results were taken last */
	bool is_together;     /* what is read and stored now is one transaction */
};

enum {
	SAVE_MS = 3000,
	REAP_MS = 5, /* between results: those of small torrents are stored many at once */
};

/* asked_resume marks what an earlier run was asked to verify while it is served. */
static void
asked_resume(struct registry *registry)
{
	uint32_t id = 0;

	while ((id = catalogue_ranges_after(registry->catalogue, id)) != 0) {
		struct torrent *t = torrents_by_id(registry->torrents, id);
		if (t != NULL)
			t->to_verify = true;
	}
}

int
work_create(struct work **work, struct registry *registry, uint32_t unit_max, struct fail *fail)
{
	struct work *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	w->registry = registry;
	w->unit_max = unit_max;
	int err = jobs_create(&w->jobs, fail);
	if (err != 0) {
		free(w);
		return err;
	}
	asked_resume(registry);
	for (const struct torrent *t = torrents_after(registry->torrents, 0); t != NULL;
	     t = torrents_after(registry->torrents, t->id))
		if (t->to_verify)
			work_verify(w, t);
	*work = w;
	return 0;
}

/* ranges_save stores what was newly verified of torrents that are not done. */
static void
ranges_save(struct work *work)
{
	struct verify_saved saved;
	struct fail fail;
	uint32_t id;

	while (jobs_save_next(work->jobs, &id, &saved)) {
		const struct torrent *t = torrents_by_id(work->registry->torrents, id);
		if (t != NULL && !t->gone &&
		    catalogue_range_put(work->registry->catalogue, id, &saved, &fail) != 0)
			registry_disk_refused(t, &fail);
		verify_saved_free(&saved);
	}
	work->saved_ms = clock_now_ms();
}

void
work_destroy(struct work *work)
{
	if (work == NULL)
		return;
	jobs_stop(work->jobs);
	ranges_save(work);
	jobs_destroy(work->jobs);
	id_list_free(&work->to_verify);
	free(work);
}

/* reap_wait_ms returns how long results have to wait; there are jobs for the threads meanwhile. */
static int
reap_wait_ms(const struct work *work)
{
	int64_t left_ms = work->reaped_ms + REAP_MS - clock_now_ms();

	return left_ms > 0 ? (int)left_ms : 0;
}

int
work_fd(const struct work *work)
{
	return reap_wait_ms(work) > 0 ? -1 : jobs_fd(work->jobs);
}

int
work_timeout_ms(const struct work *work)
{
	if (!jobs_any(work->jobs))
		return -1;
	int wait_ms = reap_wait_ms(work);
	int64_t left_ms = work->saved_ms + SAVE_MS - clock_now_ms();
	return wait_ms > 0 ? wait_ms : left_ms > 0 ? (int)left_ms : 0;
}

void
work_verify(struct work *work, const struct torrent *torrent)
{
	if (torrent->in_verify)
		jobs_cancel(work->jobs, torrent->id);
	if (id_list_add(&work->to_verify, torrent->id) != 0)
		log_error("out_of_memory", "id=%" PRIu32, torrent->id);
}

bool
work_progress(struct work *work, const struct torrent *torrent, struct work_progress *progress)
{
	struct jobs_progress jobs;
	bool begun = jobs_verifying(work->jobs, torrent->id, &jobs);

	*progress = (struct work_progress){
		.done_bytes = jobs.done_bytes,
		.total_bytes = jobs.total_bytes,
		.rate_bytes_per_s = jobs.rate_bytes_per_s,
		.left_s = -1,
	};
	if (jobs.rate_bytes_per_s > 0)
		progress->left_s =
			(int64_t)((jobs.total_bytes - jobs.done_bytes) / jobs.rate_bytes_per_s);
	return begun;
}

/* ---- Results. */

static void
verified(struct work *work, struct torrent *t, const struct job *job)
{
	bool passing = job->err == -ENOMEM || job->err == -EMFILE || job->err == -ENFILE;

	if (passing && t->state == TORRENT_SEEDING) {
		log_warn("verify_given_up", "id=%" PRIu32 " name=%s reason=%s", t->id, LOG_QUOTE(t->name),
		         LOG_QUOTE(job->fail.text));
		return;
	}
	if (job->err != 0) {
		log_error("verify_failed", "id=%" PRIu32 " name=%s reason=%s", t->id, LOG_QUOTE(t->name),
		          LOG_QUOTE(job->fail.text));
		registry_verify_failed(work->registry, t, job->verified.pins,
		                       passing ? 0 : job->verified.pin_cnt, job->fail.text);
		return;
	}
	registry_set_verified(work->registry, t, &job->verified);
	log_info("torrent_verified",
	         "id=%" PRIu32 " name=%s pieces=%" PRIu32 " pieces_had=%" PRIu32, t->id,
	         LOG_QUOTE(t->name), t->piece_cnt, t->have_cnt);
}

/* partly_changed verifies a partial seed again that lost files or got new ones: what is there is
 * served meanwhile. */
static void
partly_changed(struct work *work, struct torrent *t)
{
	struct fail fail;

	if (registry_verify(work->registry, &t, 1, &fail) != 0)
		registry_disk_refused(t, &fail);
	t->to_verify = true;
	work_verify(work, t);
}

void
work_changed(struct work *work, struct torrent *t, int err, const struct fail *fail)
{
	bool part = t->partial && (err == -EEXIST || content_missing(err));
	bool changed = err == -ESTALE || err == -ERANGE;
	bool passing = err == -ENOMEM || err == -EMFILE || err == -ENFILE;

	log_warn("content_changed", "id=%" PRIu32 " name=%s reason=%s", t->id, LOG_QUOTE(t->name),
	         LOG_QUOTE(fail->text));
	if (passing)
		return;
	if (part && t->state == TORRENT_SEEDING) {
		partly_changed(work, t);
		return;
	}
	registry_set_state(work->registry, t, changed ? TORRENT_VERIFYING : TORRENT_ERROR,
	                   changed ? "" : fail->text);
	if (changed) {
		t->to_verify = true;
		work_verify(work, t);
	}
}

/* retry verifies a torrent in error whose files are others now. */
static void
retry(struct work *work, struct torrent *t)
{
	registry_set_state(work->registry, t, TORRENT_VERIFYING, "");
	t->to_verify = true;
	work_verify(work, t);
}

static void
result_take(struct work *work, const struct job *job)
{
	struct torrent *t = torrents_by_id(work->registry->torrents, job->id);
	struct jobs_progress ignored;

	if (t == NULL)
		return;
	/* It may have been cancelled and begun anew. */
	if (job->kind == JOB_VERIFY)
		t->in_verify = jobs_verifying(work->jobs, t->id, &ignored);
	if (t->gone || job->err == -ECANCELED)
		return;
	if (job->kind == JOB_VERIFY)
		verified(work, t, job);
	else if (job->kind == JOB_RETRY && job->err == -ESTALE && t->state == TORRENT_ERROR)
		retry(work, t);
	else if (job->kind == JOB_CHECK && job->err != 0 && t->state == TORRENT_SEEDING)
		work_changed(work, t, job->err, &job->fail);
}

/* gone_cancel ends what is done for torrents that were removed. */
static void
gone_cancel(struct work *work)
{
	const struct torrents *torrents = work->registry->torrents;
	uint32_t ids[JOBS_MAX];

	if (work->serial == torrents_serial(torrents))
		return;
	work->serial = torrents_serial(torrents);
	uint32_t cnt = jobs_ids(work->jobs, ids);
	for (uint32_t i = 0; i < cnt; i++) {
		const struct torrent *t = torrents_by_id(torrents, ids[i]);
		if (t == NULL || t->gone)
			jobs_cancel(work->jobs, ids[i]);
	}
}

/* ---- The next job. */

static struct torrent *
next_torrent(struct work *work, enum job_kind *kind)
{
	struct torrents *torrents = work->registry->torrents;
	struct torrent *t;
	uint32_t id;

	*kind = JOB_VERIFY;
	while (id_list_take(&work->to_verify, &id))
		if ((t = torrents_by_id(torrents, id)) != NULL && t->to_verify)
			return t;
	*kind = JOB_CHECK;
	while (!work->check_done && (t = torrents_after(torrents, work->check_after)) != NULL) {
		work->check_after = t->id;
		if (t->to_check && t->state == TORRENT_ERROR)
			*kind = JOB_RETRY;
		if (t->to_check)
			return t;
	}
	work->check_done = true;
	return NULL;
}

/* job_load reads what a job needs. */
static int
job_load(struct work *work, const struct torrent *t, struct job *job)
{
	int err = catalogue_source(work->registry->catalogue, t->id, &job->source, &job->fail);

	if (err == 0 && job->kind == JOB_VERIFY)
		err = catalogue_ranges(work->registry->catalogue, t->id, &job->saved, &job->saved_cnt,
		                       &job->fail);
	else if (err == 0)
		err = catalogue_verified(work->registry->catalogue, t->id, &job->verified, &job->fail);
	/* Nothing stored of what was verified: the same as changed. */
	return err == -ENOENT ? -ESTALE : err;
}

/* together makes one transaction of what is read and stored until apart. */
static void
together(struct work *work)
{
	struct fail ignored;

	if (!work->is_together)
		work->is_together = catalogue_begin(work->registry->catalogue, &ignored) == 0;
}

static void
apart(struct work *work)
{
	struct fail fail;

	if (work->is_together && catalogue_finish(work->registry->catalogue, 0, &fail) != 0)
		log_error("catalogue_failed", "reason=%s", LOG_QUOTE(fail.text));
	work->is_together = false;
}

static void
results_take(struct work *work)
{
	struct job job;

	while (jobs_reap(work->jobs, &job)) {
		together(work);
		work->reaped_ms = clock_now_ms();
		result_take(work, &job);
		job_free(&job);
	}
}

/* job_begin gives a torrent to the threads. */
static void
job_begin(struct work *work, struct torrent *t, enum job_kind kind)
{
	struct job job = {
		.kind = kind,
		.id = t->id,
		.unit_max = work->unit_max,
		.partial = t->partial,
	};

	t->to_verify = t->to_check = false;
	t->in_verify = kind == JOB_VERIFY;
	job.err = job_load(work, t, &job);
	if (job.err != 0) {
		result_take(work, &job);
		job_free(&job);
		return;
	}
	if (kind == JOB_VERIFY)
		log_info("verify_start",
		         "id=%" PRIu32 " name=%s size_bytes=%" PRIu64 " ranges_known=%" PRIu32, t->id,
		         LOG_QUOTE(t->name), t->total_len, job.saved_cnt);
	jobs_start(work->jobs, &job);
}

void
work_run(struct work *work)
{
	enum job_kind kind;
	struct torrent *t;

	gone_cancel(work);
	if (reap_wait_ms(work) > 0)
		return;
	results_take(work);
	if (clock_now_ms() - work->saved_ms >= SAVE_MS)
		ranges_save(work);
	if (!work->refused_told && jobs_refused(work->jobs) != 0) {
		work->refused_told = true;
		log_warn("io_uring_refused", "reason=%s", LOG_QUOTE(strerror(jobs_refused(work->jobs))));
	}
	while (jobs_room(work->jobs) && (t = next_torrent(work, &kind)) != NULL) {
		together(work);
		job_begin(work, t, kind);
	}
	apart(work);
}
