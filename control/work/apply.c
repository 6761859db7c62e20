/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The life of a manifest that is applied. */
#include "control/work/apply_parts.h"

#include "control/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

int
apply_create(struct apply **apply, const struct apply_env *env, struct fail *fail)
{
	struct apply *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	a->env = *env;
	a->fd = -1;
	a->garbage = true;
	a->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->event_fd < 0) {
		int err = fail_set(fail, errno, "eventfd: %s", strerror(errno));
		free(a);
		return err;
	}
	*apply = a;
	return 0;
}

static void
thread_join(struct apply *a)
{
	eventfd_t ignored;

	if (a->has_thread)
		pthread_join(a->thread, NULL);
	a->has_thread = false;
	eventfd_read(a->event_fd, &ignored);
}

void
apply_destroy(struct apply *apply)
{
	if (apply == NULL)
		return;
	apply->cancelled = true;
	thread_join(apply);
	apply_end(apply);
	close(apply->event_fd);
	free(apply);
}

int
apply_fail(struct apply *apply, uint32_t line, int err, const char *text)
{
	struct fail *fail = &apply->result.fail;

	apply->result.err = line > 0 ? fail_set(fail, err, "line %" PRIu32 ": %s", line, text)
	                             : fail_set(fail, err, "%s", text);
	return apply->result.err;
}

/* thread_begin begins a phase that is the thread's. */
static int
thread_begin(struct apply *a, enum apply_phase phase, void *(*run)(void *), struct fail *fail)
{
	a->done_cnt = 0; /* and result: from now on the thread's */
	int err = pthread_create(&a->thread, NULL, run, a);
	if (err != 0)
		return fail_set(fail, err, "a thread cannot be started: %s", strerror(err));
	a->has_thread = true;
	a->phase = phase;
	return 0;
}

int
apply_begin(struct apply *apply, const struct apply_wish *wish, struct fail *fail)
{
	struct stat st;

	if (apply->phase != APPLY_IDLE)
		return fail_set(fail, EBUSY, "another manifest is being applied");
	if (wish->fd < 0 || fstat(wish->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fail_set(fail, EINVAL, "the manifest is not a regular file");
	if (st.st_size > MANIFEST_LEN_MAX)
		return fail_set(fail, EFBIG, "the manifest is larger than %d MiB", MANIFEST_LEN_MAX >> 20);
	apply->result = (struct apply_result){0};
	apply->dry_run = wish->dry_run;
	apply->prune = wish->prune;
	apply->cancelled = false;
	apply->total_cnt = 0;
	apply->base = strdup(wish->base);
	apply->fd = fcntl(wish->fd, F_DUPFD_CLOEXEC, 0);
	int err = apply->base != NULL && apply->fd >= 0
	              ? thread_begin(apply, APPLY_READING, apply_read, fail)
	              : fail_set(fail, ENOMEM, "out of memory or of descriptors");
	if (err != 0)
		apply_end(apply);
	return err;
}

static void
batch_free(struct apply *a)
{
	free(a->batch.change);
	free(a->batch.new);
	a->batch = (struct registry_batch){0};
}

static void
items_free(struct apply *a)
{
	for (uint32_t i = 0; i < a->item_cnt; i++) {
		manifest_item_free(&a->item[i].wish);
		free(a->item[i].name);
	}
	free(a->item);
	a->item = NULL;
	a->item_cnt = a->item_room = a->compared_cnt = 0;
	batch_free(a);
	for (uint32_t i = 0; i < a->removed_cnt; i++)
		free(a->removed[i]);
	free(a->removed);
	a->removed = NULL;
	a->removed_cnt = 0;
}

/* unstage leaves to the sweep what was staged and is not used. */
static void
unstage(struct apply *a)
{
	struct fail fail;

	if (a->is_staged && catalogue_unstage(a->env.registry->catalogue, &fail) != 0)
		log_error("catalogue_failed", "reason=%s", LOG_QUOTE(fail.text));
	a->is_staged = false;
	a->garbage = true;
}

void
apply_end(struct apply *apply)
{
	apply->cancelled = true;
	if (apply->has_thread)
		return; /* apply_run ends it when the thread has noticed */
	unstage(apply);
	items_free(apply);
	free(apply->base);
	apply->base = NULL;
	if (apply->fd >= 0)
		close(apply->fd);
	apply->fd = -1;
	apply->phase = APPLY_IDLE;
}

/* done ends the work; what was found stays until apply_end. */
static void
done(struct apply *a)
{
	a->phase = APPLY_DONE;
	unstage(a);
	batch_free(a); /* the torrents that it points at may go */
}

/* ---- The loop. */

static void
thread_ended(struct apply *a)
{
	thread_join(a);
	if (a->phase == APPLY_SETTLING)
		catalogue_hold(a->env.registry->catalogue, false);
	if (a->cancelled) {
		apply_end(a);
		return;
	}
	a->total_cnt = a->item_cnt;
	if (a->result.err != 0 || a->phase == APPLY_SETTLING) {
		done(a);
		return;
	}
	a->phase = a->phase == APPLY_READING ? APPLY_COMPARING : APPLY_STORING;
	a->done_cnt = 0;
}

static void
compare(struct apply *a)
{
	int got = apply_compare(a);
	struct fail fail;

	if (got == 1) {
		a->is_staged = !a->dry_run;
		got = thread_begin(a, APPLY_CHECKING, apply_check, &fail);
		if (got < 0)
			apply_fail(a, 0, -got, fail.text);
	}
	if (got < 0)
		done(a);
}

/* settle makes the changes; what of that waits for the disk is the thread's. */
static void
settle(struct apply *a)
{
	struct fail fail;

	catalogue_hold(a->env.registry->catalogue, true);
	apply_store(a);
	batch_free(a); /* the torrents that it points at may go */
	a->is_staged &= a->result.err != 0;
	if (a->result.err == 0 && thread_begin(a, APPLY_SETTLING, apply_settle, &fail) == 0)
		return;
	catalogue_hold(a->env.registry->catalogue, false);
}

static void
store(struct apply *a)
{
	if (apply_batch(a) == 0) {
		if (a->dry_run)
			apply_remember(a);
		else
			settle(a);
	}
	if (!a->has_thread)
		done(a);
}

void
apply_run(struct apply *apply)
{
	eventfd_t ended;

	if (apply->has_thread) {
		if (eventfd_read(apply->event_fd, &ended) == 0)
			thread_ended(apply);
	} else if (apply->phase == APPLY_COMPARING) {
		compare(apply);
	} else if (apply->phase == APPLY_STORING) {
		store(apply);
	}
	if (apply->garbage)
		apply->garbage = registry_sweep(apply->env.registry, APPLY_SWEEP_MAX);
}

int
apply_fd(const struct apply *apply)
{
	return apply->event_fd;
}

int
apply_timeout_ms(const struct apply *apply)
{
	bool due = apply->phase == APPLY_COMPARING || apply->phase == APPLY_STORING;

	return due || apply->garbage ? 0 : -1;
}

enum apply_phase
apply_progress(const struct apply *apply, uint32_t *done_cnt, uint32_t *total_cnt)
{
	*done_cnt = apply->done_cnt;
	*total_cnt = apply->total_cnt;
	return apply->phase;
}

const struct apply_result *
apply_result(const struct apply *apply)
{
	return &apply->result;
}

bool
apply_difference(const struct apply *apply, uint32_t *cursor, struct apply_difference *difference)
{
	for (; *cursor < apply->item_cnt; (*cursor)++) {
		const struct apply_item *item = &apply->item[*cursor];
		uint32_t flags = item->flags & ~(uint32_t)APPLY_MANAGED;

		if (item->id != 0 && flags == 0)
			continue;
		*difference = (struct apply_difference){
			.what = item->id == 0 ? "add" : "change",
			.name = item->name,
			.line = item->wish.line,
			.flags = flags,
		};
		(*cursor)++;
		return true;
	}
	if (*cursor - apply->item_cnt >= apply->removed_cnt)
		return false;
	*difference = (struct apply_difference){
		.what = "remove",
		.name = apply->removed[*cursor - apply->item_cnt],
	};
	(*cursor)++;
	return true;
}
