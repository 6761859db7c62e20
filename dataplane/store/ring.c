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

enum lane_kind { LANE_TOLD, LANE_POLLED, LANE_CNT };

/* struct lane is one io_uring. */
struct lane {
	struct io_uring uring;
	uint32_t reading_cnt;
	bool open;
	bool registered;          /* the memory is pinned: reads are READ_FIXED */
};

struct ring {
	struct lane lanes[LANE_CNT]; /* the polled one may be missing */
	uint8_t *memory;
	uint32_t depth;
	uint32_t file_cnt;
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
lane_setup(struct lane *lane, uint32_t depth, uint32_t more_flags)
{
	int err = -EINVAL;

	for (uint32_t i = 0; i < ARRAY_CNT(ring_flags) && err == -EINVAL; i++) {
		struct io_uring_params params = {
			.flags = ring_flags[i] | more_flags | IORING_SETUP_R_DISABLED,
			.cq_entries = depth * 2,
		};

		err = io_uring_queue_init_params(depth, &lane->uring, &params);
	}
	lane->open = err == 0;
	return err;
}

/* lane_memory_init pins the arena. Where that is not allowed, plain reads do. */
static COLD int
lane_memory_init(struct lane *lane, uint8_t *memory, uint64_t len)
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
		iov[i].iov_base = memory + i * region;
		iov[i].iov_len = MIN(region, len - i * region);
	}
	err = io_uring_register_buffers(&lane->uring, iov, cnt);
	free(iov);
	lane->registered = err == 0;
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

/* lane_files_init makes the file table, of *file_cnt places or fewer: out. */
static COLD int
lane_files_init(struct lane *lane, uint32_t *file_cnt)
{
	uint32_t cnt = raise_file_limit(*file_cnt);
	int err;

	for (;; cnt /= 2) {
		err = io_uring_register_files_sparse(&lane->uring, cnt);
		if (err == 0)
			*file_cnt = cnt;
		if (err == 0 || cnt / 2 < RING_FILES_MIN || (err != -EMFILE && err != -ENOMEM))
			return err;
	}
}

/* lane_enable lets the ring begin, and from then on do nothing but read its registered files and
 * replace them: no filter of system calls sees what a ring is asked for. */
static COLD int
lane_enable(struct lane *lane)
{
	struct io_uring_restriction only[] = {
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ_FIXED},
		{.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE},
		{.opcode = IORING_RESTRICTION_REGISTER_OP,
		 .register_op = IORING_REGISTER_FILES_UPDATE},
		{.opcode = IORING_RESTRICTION_REGISTER_OP,
		 .register_op = IORING_UNREGISTER_RING_FDS}, /* liburing, when the ring ends */
	};
	unsigned int fd = (unsigned int)lane->uring.ring_fd;
	int err;

	(void)io_uring_register_ring_fd(&lane->uring);
	/* liburing 2.3 has functions for these two, and does not export them. */
	err = io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, only, ARRAY_CNT(only));
	return err == 0 ? io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) : err;
}

/* lane_open makes one io_uring with memory and files. file_cnt: in and out. */
static COLD int
lane_open(struct lane *lane, const struct ring_config *config, uint32_t more_flags,
          uint32_t *file_cnt)
{
	int err = lane_setup(lane, config->depth, more_flags);

	if (err == 0)
		err = lane_memory_init(lane, config->memory, config->memory_len);
	if (err == 0)
		err = lane_files_init(lane, file_cnt);
	return err;
}

static COLD void
lane_close(struct lane *lane)
{
	dp_assert(lane->reading_cnt == 0);
	if (lane->open)
		io_uring_queue_exit(&lane->uring);
	lane->open = false;
}

/* make_polled_lane does without when the kernel has no such rings, or not as many files. */
static COLD void
make_polled_lane(struct ring *ring, const struct ring_config *config)
{
	struct lane *lane = &ring->lanes[LANE_POLLED];
	uint32_t file_cnt = ring->file_cnt;
	int err = lane_open(lane, config, IORING_SETUP_IOPOLL, &file_cnt);

	if (err == 0)
		err = file_cnt == ring->file_cnt ? lane_enable(lane) : -ENOMEM;
	if (err != 0)
		lane_close(lane);
}

/* ring_make_wait_fd makes the descriptor of sleepers, silent at first. */
static COLD int
ring_make_wait_fd(struct ring *ring)
{
	struct io_uring *uring = &ring->lanes[LANE_TOLD].uring;
	int err;

	ring->wait_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ring->wait_fd < 0)
		return -errno;
	err = io_uring_register_eventfd(uring, ring->wait_fd);
	if (err == 0)
		err = io_uring_cq_eventfd_toggle(uring, false);
	if (err != 0)
		close(ring->wait_fd);
	return err;
}

struct ring *
ring_create(const struct ring_config *config)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	struct lane *told;
	int err;

	dp_assert((config->depth & (config->depth - 1)) == 0);
	if (ring == NULL)
		return NULL;
	told = &ring->lanes[LANE_TOLD];
	ring->memory = config->memory;
	ring->depth = config->depth;
	ring->file_cnt = config->files_max;
	err = lane_open(told, config, 0, &ring->file_cnt);
	if (err == 0)
		err = ring_make_wait_fd(ring);
	if (err == 0)
		err = lane_enable(told);
	if (err != 0) {
		lane_close(told);
		free(ring);
		errno = -err;
		return NULL;
	}
	if (config->polled)
		make_polled_lane(ring, config);
	return ring;
}

void
ring_destroy(struct ring *ring)
{
	if (ring == NULL)
		return;
	for (uint32_t i = 0; i < LANE_CNT; i++)
		lane_close(&ring->lanes[i]);
	close(ring->wait_fd);
	free(ring);
}

bool
ring_polls(const struct ring *ring)
{
	return ring->lanes[LANE_POLLED].open;
}

uint32_t
ring_file_cnt(const struct ring *ring)
{
	return ring->file_cnt;
}

static COLD int
lane_files_set(struct lane *lane, uint32_t first, const int *fds, uint32_t cnt)
{
	int done = io_uring_register_files_update(&lane->uring, first, fds, cnt);

	if (done < 0)
		return done;
	return (uint32_t)done == cnt ? 0 : -EBADF;
}

int
ring_files_set(struct ring *ring, uint32_t first, const int *fds, uint32_t cnt)
{
	int err = 0;

	dp_assert(first < ring->file_cnt && cnt <= ring->file_cnt - first);
	for (uint32_t i = 0; i < LANE_CNT && err == 0; i++)
		if (ring->lanes[i].open)
			err = lane_files_set(&ring->lanes[i], first, fds, cnt);
	return err;
}

uint32_t
ring_reading(const struct ring *ring)
{
	return ring->lanes[LANE_TOLD].reading_cnt + ring->lanes[LANE_POLLED].reading_cnt;
}

uint32_t
ring_room(const struct ring *ring)
{
	return ring->depth - ring_reading(ring);
}

void
ring_read(struct ring *ring, const struct ring_read *read)
{
	struct lane *lane = &ring->lanes[read->polled ? LANE_POLLED : LANE_TOLD];
	struct io_uring_sqe *sqe = io_uring_get_sqe(&lane->uring);
	size_t at = (size_t)(read->data - ring->memory);

	dp_assert(sqe != NULL && lane->open && ring_room(ring) > 0);
	dp_assert(read->user != NULL && read->file < ring->file_cnt);
	if (LIKELY(lane->registered))
		io_uring_prep_read_fixed(sqe, (int)read->file, read->data, read->len, read->off,
		                         (int)(at >> RING_REGION_SHIFT));
	else
		io_uring_prep_read(sqe, (int)read->file, read->data, read->len, read->off);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data(sqe, read->user);
	lane->reading_cnt++;
}

/* lane_has_news tells whether the kernel keeps completions back until it is entered. */
static bool
lane_has_news(const struct lane *lane)
{
	if (lane->reading_cnt == 0)
		return false;
	if (!(lane->uring.flags & IORING_SETUP_TASKRUN_FLAG) ||
	    lane->uring.flags & IORING_SETUP_IOPOLL)
		return true;
	return IO_URING_READ_ONCE(*lane->uring.sq.kflags) &
	       (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

int
ring_wait_fd(struct ring *ring)
{
	struct lane *told = &ring->lanes[LANE_TOLD];

	if (!ring->armed)
		(void)io_uring_cq_eventfd_toggle(&told->uring, true);
	ring->armed = true;
	/* Armed before looked: what ends from here on is heard, what ended before is seen. */
	atomic_thread_fence(memory_order_seq_cst);
	if (io_uring_cq_ready(&told->uring) > 0 || lane_has_news(told) ||
	    ring->lanes[LANE_POLLED].reading_cnt > 0)
		(void)eventfd_write(ring->wait_fd, 1);
	return ring->wait_fd;
}

static COLD void
disarm(struct ring *ring)
{
	eventfd_t cnt;

	(void)io_uring_cq_eventfd_toggle(&ring->lanes[LANE_TOLD].uring, false);
	(void)eventfd_read(ring->wait_fd, &cnt);
	ring->armed = false;
}

/* lane_submit: a refusal (EAGAIN, EBUSY, EINTR) leaves the entries queued for the next call. */
static void
lane_submit(struct lane *lane)
{
	if (lane->reading_cnt > 0 && (io_uring_sq_ready(&lane->uring) > 0 || lane_has_news(lane)))
		(void)io_uring_submit_and_get_events(&lane->uring);
}

void
ring_submit(struct ring *ring)
{
	if (UNLIKELY(ring->armed))
		disarm(ring);
	lane_submit(&ring->lanes[LANE_TOLD]);
	lane_submit(&ring->lanes[LANE_POLLED]);
}

void
ring_wait(struct ring *ring)
{
	struct lane *polled = &ring->lanes[LANE_POLLED];

	dp_assert(ring_reading(ring) > 0);
	if (polled->reading_cnt > 0)
		(void)io_uring_submit_and_wait(&polled->uring, 1);
	else
		(void)io_uring_submit_and_wait(&ring->lanes[LANE_TOLD].uring, 1);
}

/* lane_take looks only at what the kernel has put there: ring_submit makes it do so. */
static bool
lane_take(struct lane *lane, struct ring_end *end)
{
	struct io_uring_cqe *cqe;
	unsigned int head;
	bool found = false;

	if (lane->reading_cnt == 0)
		return false;
	io_uring_for_each_cqe(&lane->uring, head, cqe) {
		end->user = io_uring_cqe_get_data(cqe);
		end->res = cqe->res;
		found = true;
		break;
	}
	if (!found)
		return false;
	io_uring_cq_advance(&lane->uring, 1);
	dp_assert(end->user != NULL);
	lane->reading_cnt--;
	return true;
}

bool
ring_take(struct ring *ring, struct ring_end *end)
{
	return lane_take(&ring->lanes[LANE_TOLD], end) ||
	       lane_take(&ring->lanes[LANE_POLLED], end);
}
