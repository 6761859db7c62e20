/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A ring of memory behind an io_uring: reads end in any order and are used in the order of asking,
 * so memory is taken at one end and given back at the other. */
#include "control/content/read_queue.h"

#include <liburing.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	HUGE_LEN = 2 << 20,
};

struct entry {
	int fd;
	uint64_t off;
	size_t len;     /* asked for */
	size_t at;      /* in memory */
	size_t room;    /* len, rounded up */
	int res;        /* of the kernel, once ended */
	bool ended;
};

struct read_queue {
	struct io_uring uring;
	int refused;    /* errno; the ring is not there then */
	bool registered;
	bool taken;     /* the oldest entry is in use */
	uint8_t *memory;
	size_t memory_len;
	struct entry entry[READ_QUEUE_READS_MAX];
	uint32_t oldest;
	uint32_t cnt;
	uint32_t flying_cnt;
};

/* The newest kernels first; each row is what the kernel before it lacks. */
static const uint32_t ring_flags[] = {
	IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_COOP_TASKRUN,
	0,
};

static int
ring_open(struct read_queue *queue)
{
	struct iovec whole = {.iov_base = queue->memory, .iov_len = READ_QUEUE_LEN};
	int err = -EINVAL;

	for (size_t i = 0; i < sizeof(ring_flags) / sizeof(ring_flags[0]) && err == -EINVAL; i++)
		err = io_uring_queue_init(READ_QUEUE_READS_MAX, &queue->uring, ring_flags[i]);
	if (err != 0)
		return err;
	/* Pinned once instead of at each read, where the limit of locked memory allows. */
	queue->registered = io_uring_register_buffers(&queue->uring, &whole, 1) == 0;
	return 0;
}

struct read_queue *
read_queue_create(void)
{
	struct read_queue *queue = calloc(1, sizeof(*queue));

	if (queue == NULL)
		return NULL;
	queue->memory = aligned_alloc(HUGE_LEN, READ_QUEUE_LEN);
	if (queue->memory == NULL) {
		free(queue);
		return NULL;
	}
	madvise(queue->memory, READ_QUEUE_LEN, MADV_HUGEPAGE);
	queue->refused = -ring_open(queue);
	return queue;
}

void
read_queue_destroy(struct read_queue *queue)
{
	if (queue == NULL)
		return;
	read_queue_drop(queue);
	if (queue->refused == 0)
		io_uring_queue_exit(&queue->uring);
	free(queue->memory);
	free(queue);
}

int
read_queue_refused(const struct read_queue *queue)
{
	return queue->refused;
}

static struct entry *
entry_at(struct read_queue *queue, uint32_t i)
{
	return &queue->entry[(queue->oldest + i) % READ_QUEUE_READS_MAX];
}

/* oldest_free gives back the memory of the read that was handed out last. */
static void
oldest_free(struct read_queue *queue)
{
	if (!queue->taken)
		return;
	queue->taken = false;
	queue->oldest = (queue->oldest + 1) % READ_QUEUE_READS_MAX;
	queue->cnt--;
}

/* room_find returns where room bytes are free, or READ_QUEUE_LEN when they are not. */
static size_t
room_find(struct read_queue *queue, size_t room)
{
	if (queue->cnt == 0)
		return 0;
	if (queue->cnt == READ_QUEUE_READS_MAX)
		return READ_QUEUE_LEN;
	size_t begin = entry_at(queue, 0)->at;
	const struct entry *newest = entry_at(queue, queue->cnt - 1);
	size_t end = newest->at + newest->room;
	if (newest->at < begin) /* gone round */
		return begin - end >= room ? end : READ_QUEUE_LEN;
	if (READ_QUEUE_LEN - end >= room)
		return end;
	return begin >= room ? 0 : READ_QUEUE_LEN;
}

static void
entry_submit(struct read_queue *queue, struct entry *entry)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&queue->uring);
	uint8_t *bytes = queue->memory + entry->at;

	if (queue->registered)
		io_uring_prep_read_fixed(sqe, entry->fd, bytes, (unsigned int)entry->room, entry->off, 0);
	else
		io_uring_prep_read(sqe, entry->fd, bytes, (unsigned int)entry->room, entry->off);
	io_uring_sqe_set_data(sqe, entry);
	queue->flying_cnt++;
}

bool
read_queue_add(struct read_queue *queue, int fd, uint64_t off, size_t len)
{
	size_t room = (len + READ_QUEUE_ALIGN - 1) / READ_QUEUE_ALIGN * READ_QUEUE_ALIGN;

	oldest_free(queue);
	size_t at = room_find(queue, room);
	if (at == READ_QUEUE_LEN)
		return false;
	struct entry *entry = entry_at(queue, queue->cnt++);
	*entry = (struct entry){.fd = fd, .off = off, .len = len, .at = at, .room = room};
	if (queue->refused == 0)
		entry_submit(queue, entry);
	return true;
}

bool
read_queue_has_room(struct read_queue *queue)
{
	oldest_free(queue);
	return room_find(queue, READ_QUEUE_READ_MAX) != READ_QUEUE_LEN;
}

void
read_queue_start(struct read_queue *queue)
{
	if (queue->refused == 0 && io_uring_sq_ready(&queue->uring) > 0)
		io_uring_submit(&queue->uring);
}

static void
completions_take(struct read_queue *queue)
{
	struct io_uring_cqe *cqe;
	unsigned int head, cnt = 0;

	io_uring_for_each_cqe(&queue->uring, head, cqe) {
		struct entry *entry = io_uring_cqe_get_data(cqe);
		entry->res = cqe->res;
		entry->ended = true;
		cnt++;
	}
	io_uring_cq_advance(&queue->uring, cnt);
	queue->flying_cnt -= cnt;
}

/* entry_wait returns what the kernel said of a read. */
static int
entry_wait(struct read_queue *queue, struct entry *entry)
{
	/* What was just added is on its way before the oldest is waited for. */
	read_queue_start(queue);
	completions_take(queue);
	while (!entry->ended) {
		int err = io_uring_submit_and_wait(&queue->uring, 1);
		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
			return err;
		completions_take(queue);
	}
	return entry->res;
}

bool
read_queue_take(struct read_queue *queue, struct read_queue_read *read)
{
	oldest_free(queue);
	if (queue->cnt == 0)
		return false;
	struct entry *entry = entry_at(queue, 0);
	int res = queue->refused == 0 ? entry_wait(queue, entry) : 0;
	*read = (struct read_queue_read){.bytes = queue->memory + entry->at, .len = entry->len};
	queue->taken = true;
	if (res >= 0 && (size_t)res >= entry->len)
		read->got = entry->len;
	else
		read->got = read_queue_pread(entry->fd, read->bytes, entry->off, entry->len,
		                             &read->sys_errno);
	return true;
}

void
read_queue_drop(struct read_queue *queue)
{
	oldest_free(queue);
	while (queue->refused == 0 && queue->flying_cnt > 0) {
		int err = io_uring_submit_and_wait(&queue->uring, 1);
		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
			break;
		completions_take(queue);
	}
	queue->cnt = 0;
}

size_t
read_queue_pread(int fd, uint8_t *bytes, uint64_t off, size_t len, int *sys_errno)
{
	size_t want = (len + READ_QUEUE_ALIGN - 1) / READ_QUEUE_ALIGN * READ_QUEUE_ALIGN;
	size_t done = 0;
	ssize_t got;

	*sys_errno = 0;
	do {
		/* O_DIRECT goes on only at an aligned place: what follows the last is read again. */
		size_t from = done / READ_QUEUE_ALIGN * READ_QUEUE_ALIGN;

		got = pread(fd, bytes + from, want - from, (off_t)(off + from));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			*sys_errno = errno;
		if (got < 0 || from + (size_t)got <= done)
			break;
		done = from + (size_t)got;
	} while (done < len);
	return done < len ? done : len;
}
