/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* io_uring by way of liburing; nothing else in the dataplane knows it. */
#include "dataplane/store/ring.h"

#include <liburing.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	RING_FILES_MIN = 64,      /* a smaller table is an error */
	RING_REGION_SHIFT = 30,   /* the kernel registers at most 1 GiB as one buffer */
	RING_REGIONS_MAX = 16384, /* and this many buffers */
};

struct ring {
	struct io_uring uring;
	uint8_t *memory;
	uint32_t depth;
	uint32_t reading_cnt;
	uint32_t file_cnt;
	bool registered;          /* the memory is pinned: reads are READ_FIXED */
	bool armed;               /* a sleeper may be at wait_fd */
	int wait_fd;              /* an eventfd, silent unless armed: DEFER_TASKRUN wakes no poll
	                             of the ring itself */
};

/* The newest kernels first; each row is what the kernel before it lacks. */
static const uint32_t ring_flags[] = {
	IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG |
	    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG |
	    IORING_SETUP_COOP_TASKRUN,
	IORING_SETUP_CQSIZE,
};

static COLD int
ring_setup(struct ring *ring, uint32_t depth)
{
	int err = -EINVAL;

	for (uint32_t i = 0; i < ARRAY_CNT(ring_flags) && err == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = ring_flags[i],
			.cq_entries = depth * 2,
		};

		err = io_uring_queue_init_params(depth, &ring->uring, &params);
	}
	return err;
}

/* ring_memory_init pins the arena. Where that is not allowed, plain reads do. */
static COLD int
ring_memory_init(struct ring *ring, uint64_t len)
{
	uint64_t region = (uint64_t)1 << RING_REGION_SHIFT;
	uint32_t cnt = (uint32_t)((len + region - 1) >> RING_REGION_SHIFT);
	struct iovec *iov;
	int err;

	if (cnt > RING_REGIONS_MAX)
		return -EINVAL;
	iov = calloc(cnt, sizeof(*iov));
	if (iov == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < cnt; i++) {
		iov[i].iov_base = ring->memory + i * region;
		iov[i].iov_len = MIN(region, len - i * region);
	}
	err = io_uring_register_buffers(&ring->uring, iov, cnt);
	free(iov);
	ring->registered = err == 0;
	return err == -ENOMEM || err == -EPERM ? 0 : err;
}

/* raise_file_limit asks for room for cnt open files and returns what there is, at most cnt. */
static COLD uint32_t
raise_file_limit(uint32_t cnt)
{
	struct rlimit want, now;

	if (getrlimit(RLIMIT_NOFILE, &now) != 0)
		return cnt;
	if (now.rlim_cur < cnt) {
		want.rlim_cur = cnt;
		want.rlim_max = MAX(now.rlim_max, (rlim_t)cnt);
		if (setrlimit(RLIMIT_NOFILE, &want) != 0) {
			want.rlim_cur = MIN(now.rlim_max, (rlim_t)cnt);
			want.rlim_max = now.rlim_max;
			(void)setrlimit(RLIMIT_NOFILE, &want);
		}
		if (getrlimit(RLIMIT_NOFILE, &now) != 0)
			return cnt;
	}
	return (uint32_t)MIN(now.rlim_cur, (rlim_t)cnt);
}

static COLD int
ring_register_files(struct ring *ring, uint32_t files_max)
{
	uint32_t cnt = raise_file_limit(files_max);
	int err;

	for (;; cnt /= 2) {
		err = io_uring_register_files_sparse(&ring->uring, cnt);
		if (err == 0)
			ring->file_cnt = cnt;
		if (err == 0 || cnt / 2 < RING_FILES_MIN || (err != -EMFILE && err != -ENOMEM))
			return err;
	}
}

/* ring_make_wait_fd makes the descriptor of sleepers, silent at first. */
static COLD int
ring_make_wait_fd(struct ring *ring)
{
	int err;

	ring->wait_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ring->wait_fd < 0)
		return -errno;
	err = io_uring_register_eventfd(&ring->uring, ring->wait_fd);
	if (err == 0)
		err = io_uring_cq_eventfd_toggle(&ring->uring, false);
	if (err != 0)
		close(ring->wait_fd);
	return err;
}

struct ring *
ring_create(const struct ring_config *config)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	int err = -ENOMEM;

	dp_assert((config->depth & (config->depth - 1)) == 0);
	if (ring == NULL)
		goto err_errno;
	ring->memory = config->memory;
	ring->depth = config->depth;
	err = ring_setup(ring, config->depth);
	if (err != 0)
		goto err_free;
	err = ring_memory_init(ring, config->memory_len);
	if (err == 0)
		err = ring_register_files(ring, config->files_max);
	if (err == 0)
		err = ring_make_wait_fd(ring);
	if (err != 0)
		goto err_exit;
	(void)io_uring_register_ring_fd(&ring->uring);
	return ring;

err_exit:
	io_uring_queue_exit(&ring->uring);
err_free:
	free(ring);
err_errno:
	errno = -err;
	return NULL;
}

void
ring_destroy(struct ring *ring)
{
	if (ring == NULL)
		return;
	dp_assert(ring->reading_cnt == 0);
	io_uring_queue_exit(&ring->uring);
	close(ring->wait_fd);
	free(ring);
}

uint32_t
ring_file_cnt(const struct ring *ring)
{
	return ring->file_cnt;
}

int
ring_files_set(struct ring *ring, uint32_t first, const int *fds, uint32_t cnt)
{
	int done;

	dp_assert(first < ring->file_cnt && cnt <= ring->file_cnt - first);
	done = io_uring_register_files_update(&ring->uring, first, fds, cnt);
	if (done < 0)
		return done;
	return (uint32_t)done == cnt ? 0 : -EBADF;
}

uint32_t
ring_room(const struct ring *ring)
{
	return ring->depth - ring->reading_cnt;
}

uint32_t
ring_reading(const struct ring *ring)
{
	return ring->reading_cnt;
}

void
ring_read(struct ring *ring, const struct ring_read *read)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
	size_t at = (size_t)(read->data - ring->memory);

	dp_assert(sqe != NULL && ring->reading_cnt < ring->depth);
	dp_assert(read->user != NULL && read->file < ring->file_cnt);
	if (LIKELY(ring->registered))
		io_uring_prep_read_fixed(sqe, (int)read->file, read->data, read->len, read->off,
		                         (int)(at >> RING_REGION_SHIFT));
	else
		io_uring_prep_read(sqe, (int)read->file, read->data, read->len, read->off);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data(sqe, read->user);
	ring->reading_cnt++;
}

/* ring_has_news tells whether the kernel keeps completions back until it is entered. */
static bool
ring_has_news(const struct ring *ring)
{
	if (ring->reading_cnt == 0)
		return false;
	if (!(ring->uring.flags & IORING_SETUP_TASKRUN_FLAG))
		return true;
	return IO_URING_READ_ONCE(*ring->uring.sq.kflags) &
	       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

int
ring_wait_fd(struct ring *ring)
{
	if (!ring->armed)
		(void)io_uring_cq_eventfd_toggle(&ring->uring, true);
	ring->armed = true;
	/* Armed before looked: what ends from here on is heard, what ended before is seen. */
	atomic_thread_fence(memory_order_seq_cst);
	if (io_uring_cq_ready(&ring->uring) > 0 || ring_has_news(ring))
		(void)eventfd_write(ring->wait_fd, 1);
	return ring->wait_fd;
}

static COLD void
disarm(struct ring *ring)
{
	eventfd_t cnt;

	(void)io_uring_cq_eventfd_toggle(&ring->uring, false);
	(void)eventfd_read(ring->wait_fd, &cnt);
	ring->armed = false;
}

void
ring_submit(struct ring *ring)
{
	if (UNLIKELY(ring->armed))
		disarm(ring);
	/* A refusal (EAGAIN, EBUSY, EINTR) leaves the entries queued for the next call. */
	if (io_uring_sq_ready(&ring->uring) > 0 || ring_has_news(ring))
		(void)io_uring_submit_and_get_events(&ring->uring);
}

void
ring_wait(struct ring *ring)
{
	dp_assert(ring->reading_cnt > 0);
	(void)io_uring_submit_and_wait(&ring->uring, 1);
}

bool
ring_take(struct ring *ring, struct ring_end *end)
{
	struct io_uring_cqe *cqe;
	unsigned int head;
	bool found = false;

	io_uring_for_each_cqe(&ring->uring, head, cqe) {
		end->user = io_uring_cqe_get_data(cqe);
		end->res = cqe->res;
		found = true;
		break;
	}
	if (!found)
		return false;
	io_uring_cq_advance(&ring->uring, 1);
	dp_assert(ring->reading_cnt > 0 && end->user != NULL);
	ring->reading_cnt--;
	return true;
}
