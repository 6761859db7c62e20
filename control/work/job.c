/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Verifying or checking one torrent. */
#include "control/work/job.h"

#include "control/content/content.h"
#include "control/content/metainfo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* files_open opens all; one that may be missing, and is, has the descriptor -1. */
static int
files_open(struct job_task *task, const struct job *job, struct fail *fail)
{
	const struct metainfo *meta = task->meta;
	size_t room = meta->data_file_cnt > 0 ? meta->data_file_cnt : 1;

	task->fd = calloc(room, sizeof(*task->fd));
	task->pin = calloc(room, sizeof(*task->pin));
	if (task->fd == NULL || task->pin == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	task->dir_fd = content_dir_open(job->source.data_dir, fail);
	if (task->dir_fd < 0)
		return task->dir_fd;
	for (uint32_t i = 0; i < meta->file_cnt; i++) {
		if (!metainfo_file_has_data(&meta->file[i]))
			continue;
		int fd = content_file_open(task->dir_fd, &meta->file[i], &task->pin[task->fd_cnt], fail);
		if (fd < 0 && !(job->partial && content_missing(fd)))
			return fd;
		task->fd[task->fd_cnt++] = fd < 0 ? -1 : fd;
	}
	return 0;
}

static int
pass_begin(struct job *job, struct job_task *task)
{
	struct metainfo_error refused;
	int err = files_open(task, job, &job->fail);

	if (err != 0)
		return err;
	struct verify_job pass = {
		.meta = task->meta,
		.fd = task->fd,
		.fd_cnt = task->fd_cnt,
		.unit_max = job->unit_max,
		.saved = job->saved,
		.saved_cnt = job->saved_cnt,
	};
	err = verify_begin(&task->pass, &pass, &refused);
	if (err != 0)
		fail_set(&job->fail, -err, "%s", refused.text);
	job_saved_free(job);
	return err;
}

/* retry_judge tells whether files are others than those that failed. */
static int
retry_judge(const struct job *job, struct job_task *task, struct fail *fail)
{
	const struct catalogue_verified *failed = &job->verified;
	uint32_t cnt = task->meta->data_file_cnt;

	/* Those that were verified once, and are in error because they could not be had: try. */
	if (failed->fingerprint_cnt > 0 || failed->pin_cnt != cnt)
		return fail_set(fail, ESTALE, "it is not known which files failed");
	task->pin = calloc(cnt + 1, sizeof(*task->pin));
	if (task->pin == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	task->dir_fd = content_dir_open(job->source.data_dir, fail);
	content_pins_look(task->meta, task->dir_fd, task->pin);
	for (uint32_t i = 0; i < cnt; i++)
		if (!content_pin_equal(&task->pin[i], &failed->pins[i]))
			return fail_set(fail, ESTALE, "files changed since their verification failed");
	return 0;
}

void
job_open(struct job *job, struct job_task *task)
{
	struct metainfo_error refused;

	*task = (struct job_task){.dir_fd = -1};
	job->err = metainfo_parse(&task->meta, job->source.metainfo, job->source.metainfo_len,
	                          &refused);
	if (job->err != 0)
		fail_set(&job->fail, -job->err, "%s", refused.text);
	else if (job->kind == JOB_VERIFY)
		job->err = pass_begin(job, task);
	else if (job->kind == JOB_RETRY)
		job->err = retry_judge(job, task, &job->fail);
	else
		job->err = content_check(task->meta, job->source.data_dir, job->verified.pins,
		                         job->verified.pin_cnt, &job->fail);
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
		else if (file->state != VERIFY_FILE_OK && file->state != VERIFY_FILE_ABSENT)
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

/* result_take moves what the catalogue keeps out of result and task. */
static void
result_take(struct job *job, struct verify_result *result, struct job_task *task)
{
	job->verified = (struct catalogue_verified){
		.have = result->have,
		.have_len = result->have_len,
		.fingerprints = result->fingerprint,
		.fingerprint_cnt = result->unit_cnt,
		.pins = task->pin,
		.pin_cnt = task->fd_cnt,
		.unit_len = result->unit_len,
		.have_cnt = result->have_cnt,
	};
	result->have = NULL;
	result->fingerprint = NULL;
	task->pin = NULL;
}

static void
pass_end(struct job *job, struct job_task *task)
{
	struct verify_result result = {0};
	struct metainfo_error refused;

	job->err = verify_end(task->pass, &result, &refused);
	if (job->err != 0)
		fail_set(&job->fail, -job->err, "%s", refused.text);
	else
		job->err = result_judge(task->meta, &result, &job->fail);
	if (job->err == 0)
		result_take(job, &result, task);
	verify_result_free(&result);
}

/* failed_keep notes the files as they were when a verification that failed began. */
static void
failed_keep(struct job *job, struct job_task *task)
{
	uint32_t cnt = task->meta->data_file_cnt;
	struct content_pin *pin = calloc(cnt + 1, sizeof(*pin));

	if (pin == NULL)
		return;
	content_pins_look(task->meta, task->dir_fd, pin);
	if (task->fd_cnt > 0)
		memcpy(pin, task->pin, task->fd_cnt * sizeof(*pin));
	job->verified = (struct catalogue_verified){.pins = pin, .pin_cnt = cnt};
}

void
job_close(struct job *job, struct job_task *task)
{
	if (task->pass != NULL)
		pass_end(job, task);
	if (job->kind == JOB_VERIFY && job->err != 0 && task->meta != NULL)
		failed_keep(job, task);
	for (uint32_t i = 0; i < task->fd_cnt; i++)
		if (task->fd[i] >= 0)
			close(task->fd[i]);
	if (task->dir_fd >= 0)
		close(task->dir_fd);
	free(task->fd);
	free(task->pin);
	metainfo_free(task->meta);
	*task = (struct job_task){.dir_fd = -1};
}

void
job_saved_free(struct job *job)
{
	for (uint32_t i = 0; i < job->saved_cnt; i++)
		verify_saved_free(&job->saved[i]);
	free(job->saved);
	job->saved = NULL;
	job->saved_cnt = 0;
}

void
job_free(struct job *job)
{
	catalogue_source_free(&job->source);
	catalogue_verified_free(&job->verified);
	job_saved_free(job);
	*job = (struct job){0};
}
