/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A ring whose reads end as a test wants. */
#include "tests/unit/ring_double.h"

#include "dataplane/store/ring.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES = 256 };

struct ring {
	struct ring_read *reads; /* a queue of [depth] */
	uint32_t depth;
	uint32_t first;
	uint32_t cnt;
	uint32_t started_cnt;
	int fds[FILES];
};

struct ring_double ring_double;

struct ring *
ring_create(const struct ring_config *config)
{
	struct ring *ring = calloc(1, sizeof(*ring));

	dp_assert(ring != NULL);
	ring->depth = config->depth;
	ring->reads = calloc(config->depth, sizeof(*ring->reads));
	dp_assert(ring->reads != NULL);
	for (uint32_t i = 0; i < FILES; i++)
		ring->fds[i] = -1;
	return ring;
}

void
ring_destroy(struct ring *ring)
{
	if (ring == NULL)
		return;
	dp_assert(ring->cnt == 0);
	for (uint32_t i = 0; i < FILES; i++)
		dp_assert(ring->fds[i] < 0); /* the store cleared what it had set */
	free(ring->reads);
	free(ring);
}

uint32_t
ring_file_cnt(const struct ring *ring)
{
	(void)ring;
	return FILES;
}

bool
ring_polls(const struct ring *ring)
{
	(void)ring;
	return true;
}

int
ring_files_set(struct ring *ring, uint32_t first, const int *fds, uint32_t cnt)
{
	dp_assert(first + cnt <= FILES);
	for (uint32_t i = 0; i < cnt; i++) {
		if (ring->fds[first + i] >= 0)
			close(ring->fds[first + i]);
		ring->fds[first + i] = fds[i] < 0 ? -1 : dup(fds[i]);
	}
	return fds[0] < 0 ? 0 : ring_double.files_error;
}

uint32_t
ring_room(const struct ring *ring)
{
	return ring->depth - ring->cnt;
}

uint32_t
ring_reading(const struct ring *ring)
{
	return ring->cnt;
}

int
ring_wait_fd(struct ring *ring)
{
	(void)ring;
	return -1;
}

void
ring_read(struct ring *ring, const struct ring_read *read)
{
	dp_assert(ring->cnt < ring->depth);
	dp_assert(read->off % 4096 == 0 && read->len % 4096 == 0 && read->len > 0);
	ring->reads[(ring->first + ring->cnt++) % ring->depth] = *read;
}

void
ring_submit(struct ring *ring)
{
	ring_double.submit_cnt++;
	ring->started_cnt = ring->cnt;
}

void
ring_wait(struct ring *ring)
{
	ring_submit(ring);
}

bool
ring_take(struct ring *ring, struct ring_end *end)
{
	const struct ring_read *next = &ring->reads[ring->first];
	int32_t how = DOUBLE_WHOLE;

	if (ring->started_cnt == 0)
		return false;
	if (ring_double.script_at < ring_double.script_cnt)
		how = ring_double.script[ring_double.script_at++];
	end->user = next->user;
	end->res = how;
	if (how > 0)
		end->res = (int32_t)pread(ring->fds[next->file], next->data,
		                          MIN(next->len, (uint32_t)how), (off_t)next->off);
	ring->first = (ring->first + 1) % ring->depth;
	ring->cnt--;
	ring->started_cnt--;
	return true;
}
