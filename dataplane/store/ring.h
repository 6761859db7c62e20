/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* ring.h is the worker's io_uring: a queue of reads of fixed files into the registered arena.
 *
 * A second ring beside it, where the configuration asks for it and the kernel has it, takes polled
 * reads (IORING_SETUP_IOPOLL): their completions are looked for in the device's poll queue instead
 * of being told by interrupt. It is the same to all who read, but that nobody is woken by it: while
 * a polled read is in flight the worker keeps turning.
 *
 * Threads. Made and used by one thread (SINGLE_ISSUER, DEFER_TASKRUN).
 * Memory. Bounded: at most depth reads are queued or in flight, so neither ring overflows.
 * Lifecycle. ring_create; ring_files_set; ring_read, ring_submit, ring_take; ring_destroy when
 * ring_reading is 0. The only system call of the packet path is in ring_submit.
 */
#ifndef SPILLWAY_DATAPLANE_STORE_RING_H
#define SPILLWAY_DATAPLANE_STORE_RING_H

#include "dataplane/base/common.h"

struct ring;

struct ring_config {
	uint32_t depth;      /* reads queued or in flight at once, a power of two */
	uint32_t files_max;  /* fixed files wanted */
	uint8_t *memory;     /* what is read into; outlives the ring */
	uint64_t memory_len; /* bytes */
	bool polled;         /* wanted: a ring for polled reads too */
};

struct ring_read {
	uint32_t file;  /* fixed-file index */
	uint32_t len;   /* bytes */
	uint64_t off;   /* bytes into the file */
	uint8_t *data;  /* inside the memory of the configuration; does not cross a multiple of 1 GiB */
	void *user;     /* not NULL; comes back with the result */
	bool polled;    /* only where ring_polls; ends with -EOPNOTSUPP if the file cannot be */
};

struct ring_end {
	void *user;
	int32_t res;    /* bytes read, or -errno */
};

/* ring_create sets the ring up with what the kernel has of the flags, registers the memory and an
 * empty file table (smaller than files_max where RLIMIT_NOFILE, raised as far as allowed, says so).
 * Returns the ring, or NULL with errno. */
COLD struct ring *
ring_create(const struct ring_config *config);

/* ring_destroy ends the ring. Nothing may be in flight (asserted). NULL is allowed. */
COLD void
ring_destroy(struct ring *ring);

/* ring_file_cnt returns the places of the file table. */
COLD uint32_t
ring_file_cnt(const struct ring *ring);

/* ring_polls tells whether there is a ring for polled reads. */
COLD bool
ring_polls(const struct ring *ring);

/* ring_files_set fills places [first, first + cnt) of the file table; fd -1 clears a place.
 * The descriptors stay the caller's. Returns 0 or -errno; on error some places may be filled. */
COLD int
ring_files_set(struct ring *ring, uint32_t first, const int *fds, uint32_t cnt);

/* ring_room returns how many more reads can be queued. */
uint32_t
ring_room(const struct ring *ring);

/* ring_reading returns the reads queued or in flight. */
uint32_t
ring_reading(const struct ring *ring);

/* ring_wait_fd returns a descriptor that polls readable once a read has ended, also one that ended
 * before the call, and at once while a polled read is in flight. It holds until the next
 * ring_submit: ask for it before each sleep. */
int
ring_wait_fd(struct ring *ring);

/* ring_read queues a read. There must be room (asserted). */
void
ring_read(struct ring *ring, const struct ring_read *read);

/* ring_submit starts what is queued and lets completions in: one system call, or none when nothing
 * is queued and the kernel has nothing to tell; one more while polled reads are in flight. */
void
ring_submit(struct ring *ring);

/* ring_wait is ring_submit that sleeps until a read has ended. */
COLD void
ring_wait(struct ring *ring);

/* ring_take takes the next read that ended. False: none. No system call. */
bool
ring_take(struct ring *ring, struct ring_end *end);

#endif
