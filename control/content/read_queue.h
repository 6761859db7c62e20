/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* read_queue.h reads ahead of the one who hashes: up to READ_QUEUE_LEN bytes are asked for and not
 * yet used, and come back in the order in which they were asked for.
 *
 *      read_queue_add ─► ▓▓▓▓▓▓▓▓▓ in flight ─► read_queue_take (waits for the oldest)
 *
 * It is the one place in control that knows io_uring. Verification reads terabytes and hashes them
 * as fast as they come, so the device must have several MiB to work on while a CPU hashes; a thread
 * that preads has one read in flight and waits for it, and read-ahead of the kernel is only had by
 * copying everything through the page cache. The dataplane's ring is another: it serves peers, is
 * of fixed files and has an arena.
 *
 * Where the kernel refuses io_uring (a filter of system calls, kernel.io_uring_disabled), reads are
 * made by pread when they are taken: slower, the same otherwise.
 *
 * Threads: one, the one that made it. Memory: READ_QUEUE_LEN, registered with the ring if allowed.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_READ_QUEUE_H
#define SPILLWAY_CONTROL_CONTENT_READ_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum read_queue_limit {
	READ_QUEUE_LEN = 8 << 20,   /* bytes in flight or in use */
	READ_QUEUE_READS_MAX = 64,  /* and reads */
	READ_QUEUE_READ_MAX = 1 << 20,
	READ_QUEUE_ALIGN = 4096,    /* of addresses and lengths: O_DIRECT */
};

struct read_queue;

struct read_queue_read {
	uint8_t *bytes; /* aligned, with room for len rounded up; until the next call */
	size_t len;     /* asked for */
	size_t got;     /* bytes that are there, up to len: less at the end of the file */
	int sys_errno;  /* why there are fewer; 0 at the end of the file */
};

/* read_queue_create returns a queue, or NULL when memory ran out. */
struct read_queue *
read_queue_create(void);

/* read_queue_destroy waits for what is in flight and frees everything; NULL is allowed. */
void
read_queue_destroy(struct read_queue *queue);

/* read_queue_refused returns the errno with which the kernel refused io_uring, 0 when it is used.
 */
int
read_queue_refused(const struct read_queue *queue);

/* read_queue_add asks for bytes of a file.
 *
 * off  multiple of READ_QUEUE_ALIGN.
 * len  [1, READ_QUEUE_READ_MAX]; a multiple of READ_QUEUE_ALIGN, or up to the end of the file.
 * Returns false, having done nothing, when there is no room now. */
bool
read_queue_add(struct read_queue *queue, int fd, uint64_t off, size_t len);

/* read_queue_has_room is true when read_queue_add of any length would do something now. */
bool
read_queue_has_room(struct read_queue *queue);

/* read_queue_start has the device begin with what was asked for; read_queue_take does so, too. */
void
read_queue_start(struct read_queue *queue);

/* read_queue_take waits for the oldest read and hands it out. What the device gives only in part is
 * asked for again until the file ends or it fails. Returns false when nothing was asked for. */
bool
read_queue_take(struct read_queue *queue, struct read_queue_read *read);

/* read_queue_drop waits for all that was asked for and forgets it. */
void
read_queue_drop(struct read_queue *queue);

/* read_queue_pread fills bytes, aligned and with room for len rounded up, without the queue.
 *
 * sys_errno  out: as in struct read_queue_read.
 * Returns the bytes that are there, up to len. */
size_t
read_queue_pread(int fd, uint8_t *bytes, uint64_t off, size_t len, int *sys_errno);

#endif
