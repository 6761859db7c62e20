/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The verification thread. The loop and the thread share one job, one condition and two atomics. */
#include "control/jobs.h"

#include "control/content.h"
#include "control/metainfo.h"
#include "control/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum jobs_phase {
	JOBS_IDLE,
	JOBS_GIVEN, /* or running */
	JOBS_DONE,
	JOBS_END,
};

enum {
	VERIFY_NICE = 10, /* the dataplane goes first */
	VERIFY_THREADS = 2,
};

struct jobs {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t given;
	enum jobs_phase phase; /* under lock */
	struct job job;        /* the loop's in IDLE and DONE, the thread's in GIVEN */
	int event_fd;
	atomic_bool cancel;
	_Atomic uint64_t done_bytes;
	_Atomic uint64_t total_bytes;
};

static int
progress(uint64_t done_bytes, uint64_t total_bytes, void *ctx)
{
	struct jobs *jobs = ctx;

	atomic_store(&jobs->total_bytes, total_bytes);
	atomic_store(&jobs->done_bytes, done_bytes);
	return atomic_load(&jobs->cancel) ? 1 : 0;
}

static uint32_t
thread_cnt(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online < VERIFY_THREADS ? 1 : VERIFY_THREADS;
}

/* ---- Verifying one torrent. */

struct content_set {
	int dir_fd;
	int *fd;
	struct content_pin *pin;
	uint32_t cnt;
};

static void
set_close(struct content_set *set)
{
	for (uint32_t i = 0; i < set->cnt; i++)
		close(set->fd[i]);
	if (set->dir_fd >= 0)
		close(set->dir_fd);
	free(set->fd);
	free(set->pin);
}

static int
set_open(struct content_set *set, const struct metainfo *meta, const char *data_dir,
         struct fail *fail)
{
	size_t room = meta->data_file_cnt > 0 ? meta->data_file_cnt : 1;

	set->fd = calloc(room, sizeof(*set->fd));
	set->pin = calloc(room, sizeof(*set->pin));
	if (set->fd == NULL || set->pin == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	set->dir_fd = content_dir_open(data_dir, fail);
	if (set->dir_fd < 0)
		return set->dir_fd;
	for (uint32_t i = 0; i < meta->file_cnt; i++) {
		if (!metainfo_file_has_data(&meta->file[i]))
			continue;
		int fd = content_file_open(set->dir_fd, &meta->file[i], &set->pin[set->cnt], fail);
		if (fd < 0)
			return fd;
		set->fd[set->cnt++] = fd;
	}
	return 0;
}

/* result_judge turns a finished pass into an error when there is nothing to serve or the files
 * moved under it. A file that could not be read costs its own pieces only. */
static int
result_judge(const struct metainfo *meta, const struct verify_result *result, struct fail *fail)
{
	const struct verify_file *broken = NULL;

	for (uint32_t i = 0; i < result->file_cnt; i++) {
		const struct verify_file *file = &result->file[i];
		const char *path = meta->file[file->file].path;

		if (file->state == VERIFY_FILE_IO)
			broken = file;
		else if (file->state != VERIFY_FILE_OK)
			return fail_set(fail, ESTALE, "%s: %s", path, verify_state_text(file->state));
	}
	if (result->have_cnt > 0)
		return 0;
	if (broken != NULL)
		return fail_set(fail, EIO, "%s: cannot be read: %s", meta->file[broken->file].path,
		                strerror(broken->sys_errno));
	return fail_set(fail, EBADMSG, "%s: none of its %" PRIu32 " pieces matches the torrent",
	                meta->name, result->piece_cnt);
}

/* result_take moves what the catalogue keeps out of result and set. */
static void
result_take(struct job *job, struct verify_result *result, struct content_set *set)
{
	job->verified = (struct catalogue_verified){
		.have = result->have,
		.have_len = result->have_len,
		.fingerprints = result->fingerprint,
		.fingerprint_cnt = result->unit_cnt,
		.pins = set->pin,
		.pin_cnt = set->cnt,
		.unit_len = result->unit_len,
		.have_cnt = result->have_cnt,
	};
	result->have = NULL;
	result->fingerprint = NULL;
	set->pin = NULL;
}

static int
job_verify(struct jobs *jobs, const struct metainfo *meta)
{
	struct job *job = &jobs->job;
	struct content_set set = {.dir_fd = -1};
	struct metainfo_error refused;
	int err = set_open(&set, meta, job->source.data_dir, &job->fail);

	if (err == 0) {
		struct verify_job pass = {
			.meta = meta,
			.fd = set.fd,
			.fd_cnt = set.cnt,
			.thread_cnt = thread_cnt(),
			.unit_max = job->unit_max,
			.progress = progress,
			.ctx = jobs,
		};
		struct verify_result result = {0};
		err = verify_content(&pass, &result, &refused);
		if (err != 0)
			fail_set(&job->fail, -err, "%s", refused.text);
		else
			err = result_judge(meta, &result, &job->fail);
		if (err == 0)
			result_take(job, &result, &set);
		verify_result_free(&result);
	}
	set_close(&set);
	return err;
}

static int
job_run(struct jobs *jobs)
{
	struct job *job = &jobs->job;
	struct metainfo *meta = NULL;
	struct metainfo_error refused;
	int err = metainfo_parse(&meta, job->source.metainfo, job->source.metainfo_len, &refused);

	if (err != 0)
		return fail_set(&job->fail, -err, "%s", refused.text);
	if (job->kind == JOB_VERIFY)
		err = job_verify(jobs, meta);
	else
		err = content_check(meta, job->source.data_dir, job->verified.pins,
		                    job->verified.pin_cnt, &job->fail);
	metainfo_free(meta);
	return err;
}

/* ---- The thread. */

static bool
job_wait(struct jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	while (jobs->phase != JOBS_GIVEN && jobs->phase != JOBS_END)
		pthread_cond_wait(&jobs->given, &jobs->lock);
	bool run = jobs->phase == JOBS_GIVEN;
	pthread_mutex_unlock(&jobs->lock);
	return run;
}

static void *
thread_main(void *arg)
{
	struct jobs *jobs = arg;
	uint64_t one = 1;

	setpriority(PRIO_PROCESS, (id_t)gettid(), VERIFY_NICE);
	while (job_wait(jobs)) {
		jobs->job.err = job_run(jobs);
		pthread_mutex_lock(&jobs->lock);
		if (jobs->phase == JOBS_GIVEN)
			jobs->phase = JOBS_DONE;
		pthread_mutex_unlock(&jobs->lock);
		/* An eventfd takes a 1 whenever its sum is small. */
		ssize_t ignored = write(jobs->event_fd, &one, sizeof(one));
		(void)ignored;
	}
	return NULL;
}

int
jobs_create(struct jobs **jobs, struct fail *fail)
{
	struct jobs *j = calloc(1, sizeof(*j));
	sigset_t all, before;

	if (j == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	j->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (j->event_fd < 0) {
		int err = fail_set(fail, errno, "eventfd: %s", strerror(errno));
		free(j);
		return err;
	}
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->given, NULL);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(&j->thread, NULL, thread_main, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0) {
		close(j->event_fd);
		free(j);
		return fail_set(fail, err, "verification thread: %s", strerror(err));
	}
	*jobs = j;
	return 0;
}

void
jobs_destroy(struct jobs *jobs)
{
	if (jobs == NULL)
		return;
	atomic_store(&jobs->cancel, true);
	pthread_mutex_lock(&jobs->lock);
	jobs->phase = JOBS_END;
	pthread_cond_signal(&jobs->given);
	pthread_mutex_unlock(&jobs->lock);
	pthread_join(jobs->thread, NULL);
	pthread_mutex_destroy(&jobs->lock);
	pthread_cond_destroy(&jobs->given);
	job_free(&jobs->job);
	close(jobs->event_fd);
	free(jobs);
}

int
jobs_fd(const struct jobs *jobs)
{
	return jobs->event_fd;
}

static enum jobs_phase
phase_get(const struct jobs *jobs)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&jobs->lock;

	pthread_mutex_lock(lock);
	enum jobs_phase phase = jobs->phase;
	pthread_mutex_unlock(lock);
	return phase;
}

bool
jobs_idle(const struct jobs *jobs)
{
	return phase_get(jobs) == JOBS_IDLE;
}

void
jobs_start(struct jobs *jobs, struct job *job)
{
	jobs->job = *job;
	*job = (struct job){0};
	atomic_store(&jobs->cancel, false);
	atomic_store(&jobs->done_bytes, 0);
	atomic_store(&jobs->total_bytes, 0);
	pthread_mutex_lock(&jobs->lock);
	jobs->phase = JOBS_GIVEN;
	pthread_cond_signal(&jobs->given);
	pthread_mutex_unlock(&jobs->lock);
}

bool
jobs_reap(struct jobs *jobs, struct job *job)
{
	uint64_t ignored;

	if (phase_get(jobs) != JOBS_DONE)
		return false;
	ssize_t got = read(jobs->event_fd, &ignored, sizeof(ignored));
	(void)got;
	*job = jobs->job;
	jobs->job = (struct job){0};
	pthread_mutex_lock(&jobs->lock);
	jobs->phase = JOBS_IDLE;
	pthread_mutex_unlock(&jobs->lock);
	return true;
}

uint32_t
jobs_progress(struct jobs *jobs, uint64_t *done_bytes, uint64_t *total_bytes)
{
	*done_bytes = atomic_load(&jobs->done_bytes);
	*total_bytes = atomic_load(&jobs->total_bytes);
	return phase_get(jobs) == JOBS_IDLE || jobs->job.kind != JOB_VERIFY ? 0 : jobs->job.id;
}

void
jobs_cancel(struct jobs *jobs, uint32_t id)
{
	if (phase_get(jobs) == JOBS_GIVEN && jobs->job.id == id)
		atomic_store(&jobs->cancel, true);
}

void
job_free(struct job *job)
{
	catalogue_source_free(&job->source);
	catalogue_verified_free(&job->verified);
	*job = (struct job){0};
}
