/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The pool: threads look for something to do under one lock, and do it outside. */
#include "control/work/jobs.h"

#include "control/base/clock.h"
#include "control/work/idle.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum slot_phase {
	SLOT_FREE,
	SLOT_GIVEN,
	SLOT_HELD,    /* one thread opens or closes it */
	SLOT_RUNNING, /* any thread may work on its pass */
	SLOT_DONE,    /* to be reaped */
};

enum {
	RATE_SAMPLE_MS = 1000,
	HAND_KEEP_S = 5, /* without work: many small torrents come one after the other */
};

struct slot {
	enum slot_phase phase;
	uint64_t serial;   /* the oldest has the lowest */
	uint32_t held_cnt; /* ranges that hands hold */
	bool cancelled;
	struct job job;    /* the loop's in FREE and DONE, a thread's in HELD */
	struct job_task task;
	int64_t sampled_ms;
	uint64_t sampled_bytes;
	uint64_t rate_bytes_per_s;
};

struct jobs {
	pthread_t thread[JOBS_THREADS_MAX];
	uint32_t thread_cnt;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t given;
	struct slot slot[JOBS_MAX];
	uint64_t serial;
	uint32_t cnt;         /* of slots that are not free; the loop's */
	int refused;
	bool ending;
	bool stopped;         /* the loop's */
	int event_fd;
};

static void
event_tell(const struct jobs *jobs)
{
	uint64_t one = 1;
	/* An eventfd takes a 1 whenever its sum is small. */
	ssize_t ignored = write(jobs->event_fd, &one, sizeof(one));

	(void)ignored;
}

/* ---- The threads; the lock is held but where said. */

/* is_due is true for a slot that a thread can do something for. */
static bool
is_due(const struct slot *slot)
{
	if (slot->phase == SLOT_GIVEN)
		return true;
	return slot->phase == SLOT_RUNNING && (slot->held_cnt == 0 || verify_left(slot->task.pass));
}

/* slot_next returns the oldest that is due, what is begun before what is not; or NULL. */
static struct slot *
slot_next(struct jobs *jobs)
{
	struct slot *next = NULL;

	for (uint32_t i = 0; i < JOBS_MAX; i++) {
		struct slot *slot = &jobs->slot[i];

		if (!is_due(slot))
			continue;
		if (next == NULL || slot->phase > next->phase ||
		    (slot->phase == next->phase && slot->serial < next->serial))
			next = slot;
	}
	return next;
}

static void
slot_end(struct jobs *jobs, struct slot *slot)
{
	slot->phase = SLOT_HELD;
	pthread_mutex_unlock(&jobs->lock);
	job_close(&slot->job, &slot->task);
	pthread_mutex_lock(&jobs->lock);
	slot->phase = SLOT_DONE;
	event_tell(jobs);
}

/* slot_take has a hand that is hungry take a range, or ends what has none left. The slot may be
 * another job's afterwards. */
static void
slot_take(struct jobs *jobs, struct slot *slot, struct verify_hand *hand)
{
	if (verify_take(slot->task.pass, hand)) {
		slot->held_cnt++;
		if (verify_left(slot->task.pass))
			pthread_cond_broadcast(&jobs->given);
		pthread_mutex_unlock(&jobs->lock);
		verify_ask(hand);
		pthread_mutex_lock(&jobs->lock);
	} else if (slot->held_cnt == 0) {
		slot_end(jobs, slot);
	}
}

static void
slot_begin(struct jobs *jobs, struct slot *slot, struct verify_hand *hand)
{
	slot->phase = SLOT_HELD;
	pthread_mutex_unlock(&jobs->lock);
	job_open(&slot->job, &slot->task);
	pthread_mutex_lock(&jobs->lock);
	if (slot->task.pass == NULL) {
		slot_end(jobs, slot);
		return;
	}
	slot->sampled_ms = clock_now_ms();
	slot->sampled_bytes = verify_done_bytes(slot->task.pass);
	slot->rate_bytes_per_s = 0;
	slot->phase = SLOT_RUNNING;
	if (slot->cancelled)
		verify_cancel(slot->task.pass);
	if (jobs->ending) /* what is verified is still to be saved */
		return;
	slot_take(jobs, slot, hand);
}

/* slot_drop is told that a hand does not hold a range of a pass any more. */
static void
slot_drop(struct jobs *jobs, const struct verify_pass *pass)
{
	struct slot *slot = jobs->slot;

	while (slot->task.pass != pass)
		slot++;
	/* When all is to end what is verified is still to be saved. */
	if (--slot->held_cnt == 0 && !verify_left(pass) && !jobs->ending)
		slot_end(jobs, slot);
}

/* hand_work goes on with what a hand holds, until it has room for more or a range ended. */
static void
hand_work(struct jobs *jobs, struct verify_hand *hand)
{
	struct verify_pass *pass;

	pthread_mutex_unlock(&jobs->lock);
	do
		pass = verify_step(hand);
	while (pass == NULL && !verify_hungry(hand));
	pthread_mutex_lock(&jobs->lock);
	if (pass != NULL)
		slot_drop(jobs, pass);
}

/* hand_ready makes what a thread needs for its first verification, or the first after a pause. */
static bool
hand_ready(struct jobs *jobs, struct verify_hand **hand)
{
	if (*hand != NULL)
		return true;
	*hand = verify_hand_create();
	if (*hand != NULL && verify_hand_refused(*hand) != 0)
		jobs->refused = verify_hand_refused(*hand);
	return *hand != NULL;
}

/* jobs_wait sleeps until something is given. Returns false when nothing was for a while. */
static bool
jobs_wait(struct jobs *jobs)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HAND_KEEP_S;
	return pthread_cond_timedwait(&jobs->given, &jobs->lock, &until) == 0;
}

/* slot_serve does what is due for a slot. Returns false when there is no memory to do it with. */
static bool
slot_serve(struct jobs *jobs, struct slot *slot, struct verify_hand **hand)
{
	if (slot->job.kind == JOB_VERIFY && !hand_ready(jobs, hand))
		return false;
	if (slot->phase == SLOT_RUNNING)
		slot_take(jobs, slot, *hand);
	else
		slot_begin(jobs, slot, *hand);
	return true;
}

static void *
thread_main(void *arg)
{
	struct jobs *jobs = arg;
	struct verify_hand *hand = NULL;

	idle_thread(IDLE_LAST);
	pthread_mutex_lock(&jobs->lock);
	while (!jobs->ending) {
		bool hungry = hand == NULL || verify_hungry(hand);
		struct slot *slot = hungry ? slot_next(jobs) : NULL;

		if (slot != NULL && slot_serve(jobs, slot, &hand))
			continue;
		if (hand != NULL && verify_holds(hand)) {
			hand_work(jobs, hand);
		} else if (hand == NULL && slot == NULL) {
			pthread_cond_wait(&jobs->given, &jobs->lock);
		} else if (!jobs_wait(jobs)) {
			verify_hand_destroy(hand);
			hand = NULL;
		}
	}
	pthread_mutex_unlock(&jobs->lock);
	verify_hand_destroy(hand);
	return NULL;
}

/* ---- The loop. */

static uint32_t
threads_wanted(void)
{
	cpu_set_t set;
	int cpu_cnt = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return cpu_cnt < JOBS_THREADS_MAX / 2 ? 2 * (uint32_t)cpu_cnt : JOBS_THREADS_MAX;
}

static int
threads_start(struct jobs *jobs)
{
	uint32_t wanted = threads_wanted();
	sigset_t all, before;
	int err = 0;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (jobs->thread_cnt < wanted && err == 0) {
		err = pthread_create(&jobs->thread[jobs->thread_cnt], NULL, thread_main, jobs);
		jobs->thread_cnt += err == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return jobs->thread_cnt > 0 ? 0 : err;
}

int
jobs_create(struct jobs **jobs, struct fail *fail)
{
	struct jobs *j = calloc(1, sizeof(*j));

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
	int err = threads_start(j);
	if (err != 0) {
		jobs_destroy(j);
		return fail_set(fail, err, "verification thread: %s", strerror(err));
	}
	*jobs = j;
	return 0;
}

void
jobs_stop(struct jobs *jobs)
{
	if (jobs->stopped)
		return;
	jobs->stopped = true;
	pthread_mutex_lock(&jobs->lock);
	jobs->ending = true;
	for (uint32_t i = 0; i < JOBS_MAX; i++) {
		jobs->slot[i].cancelled = true;
		if (jobs->slot[i].phase == SLOT_RUNNING)
			verify_cancel(jobs->slot[i].task.pass);
	}
	pthread_cond_broadcast(&jobs->given);
	pthread_mutex_unlock(&jobs->lock);
	for (uint32_t i = 0; i < jobs->thread_cnt; i++)
		pthread_join(jobs->thread[i], NULL);
}

void
jobs_destroy(struct jobs *jobs)
{
	if (jobs == NULL)
		return;
	jobs_stop(jobs);
	for (uint32_t i = 0; i < JOBS_MAX; i++) {
		if (jobs->slot[i].phase == SLOT_RUNNING)
			job_close(&jobs->slot[i].job, &jobs->slot[i].task);
		job_free(&jobs->slot[i].job);
	}
	pthread_mutex_destroy(&jobs->lock);
	pthread_cond_destroy(&jobs->given);
	close(jobs->event_fd);
	free(jobs);
}

int
jobs_fd(const struct jobs *jobs)
{
	return jobs->event_fd;
}

uint32_t
jobs_thread_cnt(const struct jobs *jobs)
{
	return jobs->thread_cnt;
}

bool
jobs_any(const struct jobs *jobs)
{
	return jobs->cnt > 0;
}

bool
jobs_room(const struct jobs *jobs)
{
	return jobs->cnt < JOBS_MAX;
}

void
jobs_start(struct jobs *jobs, struct job *job)
{
	struct slot *slot = jobs->slot;

	pthread_mutex_lock(&jobs->lock);
	while (slot->phase != SLOT_FREE)
		slot++;
	*slot = (struct slot){.phase = SLOT_GIVEN, .serial = jobs->serial++, .job = *job};
	jobs->cnt++;
	pthread_cond_signal(&jobs->given);
	pthread_mutex_unlock(&jobs->lock);
	*job = (struct job){0};
}

bool
jobs_reap(struct jobs *jobs, struct job *job)
{
	struct slot *oldest = NULL;
	uint64_t ignored;

	ssize_t got = read(jobs->event_fd, &ignored, sizeof(ignored));
	(void)got;
	pthread_mutex_lock(&jobs->lock);
	for (uint32_t i = 0; i < JOBS_MAX; i++)
		if (jobs->slot[i].phase == SLOT_DONE &&
		    (oldest == NULL || jobs->slot[i].serial < oldest->serial))
			oldest = &jobs->slot[i];
	if (oldest != NULL) {
		*job = oldest->job;
		if (oldest->cancelled) /* it was done, but nobody had taken it */
			job->err = -ECANCELED;
		*oldest = (struct slot){.phase = SLOT_FREE};
		jobs->cnt--;
	}
	pthread_mutex_unlock(&jobs->lock);
	return oldest != NULL;
}

/* slot_of returns where torrent id is verified, or NULL. What is cancelled does not count. */
static struct slot *
slot_of(struct jobs *jobs, uint32_t id)
{
	for (uint32_t i = 0; i < JOBS_MAX; i++) {
		struct slot *slot = &jobs->slot[i];

		if (slot->phase != SLOT_FREE && slot->job.id == id && slot->job.kind == JOB_VERIFY &&
		    !slot->cancelled)
			return slot;
	}
	return NULL;
}

/* rate_update looks at the bytes about once a second, if asked so often. */
static void
rate_update(struct slot *slot, uint64_t done_bytes)
{
	int64_t now_ms = clock_now_ms(), spent_ms = now_ms - slot->sampled_ms;

	if (spent_ms < RATE_SAMPLE_MS)
		return;
	uint64_t now = (done_bytes - slot->sampled_bytes) * 1000 / (uint64_t)spent_ms;
	slot->rate_bytes_per_s =
		slot->rate_bytes_per_s == 0 ? now : (3 * slot->rate_bytes_per_s + now) / 4;
	slot->sampled_ms = now_ms;
	slot->sampled_bytes = done_bytes;
}

bool
jobs_verifying(struct jobs *jobs, uint32_t id, struct jobs_progress *progress)
{
	*progress = (struct jobs_progress){0};
	pthread_mutex_lock(&jobs->lock);
	struct slot *slot = slot_of(jobs, id);
	if (slot != NULL && slot->phase == SLOT_RUNNING) {
		progress->done_bytes = verify_done_bytes(slot->task.pass);
		progress->total_bytes = slot->task.meta->content_len;
		rate_update(slot, progress->done_bytes);
		progress->rate_bytes_per_s = slot->rate_bytes_per_s;
	}
	pthread_mutex_unlock(&jobs->lock);
	return slot != NULL;
}

void
jobs_cancel(struct jobs *jobs, uint32_t id)
{
	pthread_mutex_lock(&jobs->lock);
	struct slot *slot = slot_of(jobs, id);
	if (slot != NULL) {
		slot->cancelled = true;
		if (slot->phase == SLOT_RUNNING)
			verify_cancel(slot->task.pass);
	}
	pthread_cond_broadcast(&jobs->given);
	pthread_mutex_unlock(&jobs->lock);
}

uint32_t
jobs_ids(struct jobs *jobs, uint32_t ids[JOBS_MAX])
{
	uint32_t cnt = 0;

	pthread_mutex_lock(&jobs->lock);
	for (uint32_t i = 0; i < JOBS_MAX; i++)
		if (jobs->slot[i].phase != SLOT_FREE && !jobs->slot[i].cancelled)
			ids[cnt++] = jobs->slot[i].job.id;
	pthread_mutex_unlock(&jobs->lock);
	return cnt;
}

bool
jobs_save_next(struct jobs *jobs, uint32_t *id, struct verify_saved *saved)
{
	bool found = false;

	pthread_mutex_lock(&jobs->lock);
	for (uint32_t i = 0; i < JOBS_MAX && !found; i++) {
		struct slot *slot = &jobs->slot[i];

		if (slot->phase != SLOT_RUNNING)
			continue;
		*id = slot->job.id;
		found = verify_save_next(slot->task.pass, saved);
	}
	pthread_mutex_unlock(&jobs->lock);
	return found;
}

int
jobs_refused(struct jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	int refused = jobs->refused;
	pthread_mutex_unlock(&jobs->lock);
	return refused;
}
