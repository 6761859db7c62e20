/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The thread that scrubs. */
#include "control/work/scrub_read.h"

#include "control/content/content.h"
#include "control/work/idle.h"
#include "control/content/layout.h"
#include "control/content/read_queue.h"

#include <xxhash.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 64, /* not taken: the thread waits */
	/* What is short costs more than its bytes: it counts as so many. */
	TASK_BYTES_MIN = 64 << 10,
	READ_BYTES_MIN = 16 << 10,
};

#define SECOND_NS INT64_C(1000000000)

enum reader_phase {
	READER_IDLE,
	READER_GIVEN,
	READER_END,
};

struct scrub_reader {
	pthread_t thread;
	pthread_mutex_t lock; /* of phase and events */
	pthread_cond_t changed;
	enum reader_phase phase;
	bool cancelled;
	struct scrub_event event[EVENTS_MAX];
	uint32_t oldest;
	uint32_t cnt;
	int event_fd;
	struct scrub_task task; /* the thread's while GIVEN */
	uint8_t *buffer;        /* ABI_UNIT_MAX */
	_Atomic uint64_t bytes_per_s;
	_Atomic uint64_t bytes; /* read, not told yet */
	_Atomic uint32_t unit_at;
	int64_t due_ns;         /* when the next read may be: the thread's */
};

/* What the thread works on. */
struct scrubbing {
	struct scrub_reader *reader;
	struct metainfo *meta;
	struct layout_plan plan;
	int dir_fd;
	int fd;                 /* of the file in hand, -1 for none */
	bool direct;
	uint32_t file;          /* its index in meta->file */
	struct fail *fail;
};

/* ---- Waiting. */

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static bool
is_ending(const struct scrub_reader *reader)
{
	return reader->phase == READER_END || reader->cancelled;
}

/* pace waits until bytes more may be read. Returns false when the task is to end. */
static bool
pace(struct scrub_reader *reader, uint64_t bytes)
{
	int64_t now = now_ns();
	bool go_on;

	/* Time in which nothing was read is lost, so that no burst follows. */
	if (reader->due_ns < now)
		reader->due_ns = now;
	struct timespec due = {
		.tv_sec = reader->due_ns / SECOND_NS, .tv_nsec = reader->due_ns % SECOND_NS,
	};
	if (bytes < READ_BYTES_MIN)
		bytes = READ_BYTES_MIN;
	reader->due_ns += (int64_t)(bytes * (uint64_t)SECOND_NS / atomic_load(&reader->bytes_per_s));
	pthread_mutex_lock(&reader->lock);
	while (!is_ending(reader) &&
	       pthread_cond_timedwait(&reader->changed, &reader->lock, &due) != ETIMEDOUT)
		;
	go_on = !is_ending(reader);
	pthread_mutex_unlock(&reader->lock);
	return go_on;
}

/* event_put tells the owner, once there is room. */
static void
event_put(struct scrub_reader *reader, const struct scrub_event *event)
{
	uint64_t one = 1;

	pthread_mutex_lock(&reader->lock);
	while (reader->cnt == EVENTS_MAX && reader->phase != READER_END)
		pthread_cond_wait(&reader->changed, &reader->lock);
	if (reader->cnt < EVENTS_MAX)
		reader->event[(reader->oldest + reader->cnt++) % EVENTS_MAX] = *event;
	pthread_mutex_unlock(&reader->lock);
	/* An eventfd takes a 1 whenever its sum is small. */
	ssize_t ignored = write(reader->event_fd, &one, sizeof(one));
	(void)ignored;
}

/* ---- Reading. */

static uint32_t
unit_bytes(const struct scrubbing *s, const struct abi_extent *extent, uint64_t off)
{
	uint64_t left = extent->len - off;

	return (uint32_t)(left < s->plan.unit_len ? left : s->plan.unit_len);
}

/* pieces_of returns the pieces that touch a unit: the first, and how many. */
static uint32_t
pieces_of(const struct scrubbing *s, const struct abi_extent *extent, uint64_t off, uint32_t *cnt)
{
	uint64_t first = extent->torrent_off + off;
	uint64_t last = first + unit_bytes(s, extent, off) - 1;

	*cnt = (uint32_t)(last / s->meta->piece_len - first / s->meta->piece_len) + 1;
	return (uint32_t)(first / s->meta->piece_len);
}

/* is_had is true when a piece that touches a unit is had: only then is its fingerprint of use. */
static bool
is_had(const struct scrubbing *s, const struct abi_extent *extent, uint64_t off)
{
	const uint8_t *have = s->reader->task.verified.have;
	uint32_t cnt, piece = pieces_of(s, extent, off, &cnt);

	for (; cnt > 0; cnt--, piece++)
		if (have[piece / 8] & 0x80 >> piece % 8) /* BEP 3 */
			return true;
	return false;
}

static void
rotten_tell(struct scrubbing *s, const struct abi_extent *extent, uint64_t off, int sys_errno)
{
	struct scrub_event event = {.kind = SCRUB_ROTTEN, .id = s->reader->task.id};
	const char *path = s->meta->file[s->file].path;

	event.piece_first = pieces_of(s, extent, off, &event.piece_cnt);
	fail_set(&event.fail, sys_errno != 0 ? sys_errno : EBADMSG,
	         "%s: %s at byte %" PRIu64 ", found by scrubbing", path,
	         sys_errno != 0 ? strerror(sys_errno) : "bytes differ from those verified", off);
	event_put(s->reader, &event);
}

/* unit_read reads a unit and compares it. Returns true when it is as it was; else sys_errno says
 * why it could not be read, 0 when it could. */
static bool
unit_read(struct scrubbing *s, uint64_t off, uint32_t len, uint64_t fingerprint, int *sys_errno)
{
	size_t got = read_queue_pread(s->fd, s->reader->buffer, off, len, sys_errno);

	atomic_fetch_add(&s->reader->bytes, got);
	if (!s->direct)
		posix_fadvise(s->fd, (off_t)off, len, POSIX_FADV_DONTNEED);
	return got == len && XXH3_64bits(s->reader->buffer, len) == fingerprint;
}

/* file_open opens the file of an extent, which must be the one that was verified. */
static int
file_open(struct scrubbing *s, const struct abi_extent *extent)
{
	const struct catalogue_verified *verified = &s->reader->task.verified;
	const struct metainfo_file *file = &s->meta->file[s->file];
	struct content_pin pin;

	s->fd = content_file_open(s->dir_fd, file, &pin, s->fail);
	if (s->fd < 0)
		return s->fd;
	s->direct = fcntl(s->fd, F_GETFL) & O_DIRECT;
	if (extent->file >= verified->pin_cnt ||
	    !content_pin_equal(&pin, &verified->pins[extent->file]))
		return fail_set(s->fail, ESTALE, "%s: changed since it was verified", file->path);
	return 0;
}

static int
unit_scrub(struct scrubbing *s, const struct abi_extent *extent, uint64_t off)
{
	uint32_t unit = extent->unit_first + (uint32_t)(off / s->plan.unit_len);
	uint64_t fingerprint = s->reader->task.verified.fingerprints[unit];
	uint32_t len = unit_bytes(s, extent, off);
	int err = 0, sys_errno;

	if (!is_had(s, extent, off))
		return 0;
	if (!pace(s->reader, len))
		return fail_set(s->fail, ECANCELED, "cancelled");
	if (s->fd < 0)
		err = file_open(s, extent);
	if (err != 0 || unit_read(s, off, len, fingerprint, &sys_errno))
		return err;
	/* Once more: what a cable or memory did may pass. */
	if (!pace(s->reader, len))
		return fail_set(s->fail, ECANCELED, "cancelled");
	if (!unit_read(s, off, len, fingerprint, &sys_errno))
		rotten_tell(s, extent, off, sys_errno);
	return 0;
}

/* absent_look looks whether a file that was missing is there now, whole. */
static int
absent_look(const struct scrubbing *s)
{
	const struct metainfo_file *file = &s->meta->file[s->file];
	struct content_pin pin;
	struct fail ignored;
	int fd = content_file_open(s->dir_fd, file, &pin, &ignored);

	if (fd < 0)
		return 0;
	close(fd);
	return fail_set(s->fail, EEXIST, "%s: was missing when it was verified", file->path);
}

static int
extent_scrub(struct scrubbing *s, const struct abi_extent *extent)
{
	const struct catalogue_verified *verified = &s->reader->task.verified;
	int err = 0;

	s->fd = -1;
	if (extent->file < verified->pin_cnt && content_pin_absent(&verified->pins[extent->file]))
		return absent_look(s);
	for (uint64_t off = 0; off < extent->len && err == 0; off += s->plan.unit_len) {
		uint32_t unit = extent->unit_first + (uint32_t)(off / s->plan.unit_len);

		if (unit < s->reader->task.unit_first)
			continue;
		err = unit_scrub(s, extent, off);
		if (err == 0)
			atomic_store(&s->reader->unit_at, unit + 1);
	}
	if (s->fd >= 0)
		close(s->fd);
	return err;
}

static int
extents_scrub(struct scrubbing *s)
{
	const struct catalogue_verified *verified = &s->reader->task.verified;
	int err = 0;

	if (verified->fingerprint_cnt < s->plan.unit_cnt ||
	    verified->have_len < layout_have_len(s->meta))
		return fail_set(s->fail, ESTALE, "what is known as verified is incomplete");
	if (!pace(s->reader, TASK_BYTES_MIN))
		return fail_set(s->fail, ECANCELED, "cancelled");
	s->dir_fd = content_dir_open(s->reader->task.source.data_dir, s->fail);
	if (s->dir_fd < 0)
		return s->dir_fd;
	s->file = 0;
	for (uint32_t i = 0; i < s->plan.extent_cnt && err == 0; i++) {
		if (s->plan.extent[i].file == ABI_FILE_PAD)
			continue;
		while (!metainfo_file_has_data(&s->meta->file[s->file]))
			s->file++;
		err = extent_scrub(s, &s->plan.extent[i]);
		s->file++;
	}
	close(s->dir_fd);
	return err;
}

static void
task_run(struct scrub_reader *reader)
{
	struct scrub_event event = {.kind = SCRUB_DONE, .id = reader->task.id};
	struct scrubbing s = {.reader = reader, .fd = -1, .fail = &event.fail};
	const struct catalogue_source *source = &reader->task.source;
	struct metainfo_error refused;

	int err = metainfo_parse(&s.meta, source->metainfo, source->metainfo_len, &refused);
	if (err == 0)
		err = layout_plan_create(&s.plan, s.meta, reader->task.verified.unit_len, &refused);
	if (err != 0)
		fail_set(&event.fail, -err, "%s", refused.text);
	else
		err = extents_scrub(&s);
	event.err = err;
	layout_plan_free(&s.plan);
	metainfo_free(s.meta);
	catalogue_source_free(&reader->task.source);
	catalogue_verified_free(&reader->task.verified);
	pthread_mutex_lock(&reader->lock);
	if (reader->phase == READER_GIVEN)
		reader->phase = READER_IDLE;
	pthread_mutex_unlock(&reader->lock);
	event_put(reader, &event);
}

static void *
thread_main(void *arg)
{
	struct scrub_reader *reader = arg;
	enum reader_phase phase;

	idle_thread(IDLE_UNTIL);
	do {
		pthread_mutex_lock(&reader->lock);
		while (reader->phase == READER_IDLE)
			pthread_cond_wait(&reader->changed, &reader->lock);
		phase = reader->phase;
		pthread_mutex_unlock(&reader->lock);
		if (phase == READER_GIVEN)
			task_run(reader);
	} while (phase != READER_END);
	return NULL;
}

/* ---- The owner. */

static int
reader_open(struct scrub_reader *reader)
{
	pthread_condattr_t attr;

	reader->buffer = aligned_alloc(READ_QUEUE_ALIGN, ABI_UNIT_MAX);
	if (reader->buffer == NULL)
		return ENOMEM;
	reader->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reader->event_fd < 0)
		return errno;
	pthread_mutex_init(&reader->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&reader->changed, &attr);
	pthread_condattr_destroy(&attr);
	atomic_store(&reader->bytes_per_s, 1);
	return 0;
}

int
scrub_reader_create(struct scrub_reader **reader, struct fail *fail)
{
	struct scrub_reader *r = calloc(1, sizeof(*r));
	sigset_t all, before;

	if (r == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	int err = reader_open(r);
	if (err == 0) {
		/* Signals are the loop's. */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		err = pthread_create(&r->thread, NULL, thread_main, r);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (err != 0) {
		free(r->buffer);
		free(r);
		return fail_set(fail, err, "scrub thread: %s", strerror(err));
	}
	*reader = r;
	return 0;
}

static void
phase_set(struct scrub_reader *reader, enum reader_phase phase)
{
	pthread_mutex_lock(&reader->lock);
	reader->phase = phase;
	reader->cancelled = false;
	pthread_cond_broadcast(&reader->changed);
	pthread_mutex_unlock(&reader->lock);
}

void
scrub_reader_destroy(struct scrub_reader *reader)
{
	if (reader == NULL)
		return;
	phase_set(reader, READER_END);
	pthread_join(reader->thread, NULL);
	catalogue_source_free(&reader->task.source);
	catalogue_verified_free(&reader->task.verified);
	pthread_mutex_destroy(&reader->lock);
	pthread_cond_destroy(&reader->changed);
	close(reader->event_fd);
	free(reader->buffer);
	free(reader);
}

int
scrub_reader_fd(const struct scrub_reader *reader)
{
	return reader->event_fd;
}

void
scrub_reader_rate(struct scrub_reader *reader, uint64_t bytes_per_s)
{
	atomic_store(&reader->bytes_per_s, bytes_per_s);
}

void
scrub_reader_start(struct scrub_reader *reader, struct scrub_task *task)
{
	reader->task = *task;
	*task = (struct scrub_task){0};
	atomic_store(&reader->unit_at, reader->task.unit_first);
	phase_set(reader, READER_GIVEN);
}

void
scrub_reader_cancel(struct scrub_reader *reader)
{
	pthread_mutex_lock(&reader->lock);
	reader->cancelled = true;
	pthread_cond_broadcast(&reader->changed);
	pthread_mutex_unlock(&reader->lock);
}

bool
scrub_reader_take(struct scrub_reader *reader, struct scrub_event *event)
{
	uint64_t ignored;

	ssize_t got = read(reader->event_fd, &ignored, sizeof(ignored));
	(void)got;
	pthread_mutex_lock(&reader->lock);
	bool found = reader->cnt > 0;
	if (found) {
		*event = reader->event[reader->oldest];
		reader->oldest = (reader->oldest + 1) % EVENTS_MAX;
		reader->cnt--;
		pthread_cond_broadcast(&reader->changed);
	}
	pthread_mutex_unlock(&reader->lock);
	return found;
}

uint32_t
scrub_reader_at(struct scrub_reader *reader, uint64_t *bytes)
{
	*bytes = atomic_exchange(&reader->bytes, 0);
	return atomic_load(&reader->unit_at);
}
