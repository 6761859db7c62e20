/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_assembly.h: the pieces under verification and the memory that holds them.
 *
 * A connection that starts a piece chosen for verification takes an assembly from the pool and
 * keeps it on a list of its own. Each request of the piece refers to it; a block is received
 * straight into it. When every request is settled the piece is checked, unless one was lost
 * (rejected, choked away), and the assembly goes back. When the pool is empty the piece goes
 * unverified and is counted as such.
 * Single thread. Memory: at most LEECH_ASSEMBLY_BYTES_MAX of buffers, allocated on first use.
 */
#ifndef SPILLWAY_PERF_LEECH_ASSEMBLY_H
#define SPILLWAY_PERF_LEECH_ASSEMBLY_H

#include "perf/leech_options.h"
#include "perf/leech_torrent.h"

#include <stdbool.h>
#include <stdint.h>

#define LEECH_ASSEMBLY_BYTES_MAX (1024ull * 1024 * 1024)

enum { LEECH_ASSEMBLY_CLASSES = 33 }; /* a piece has less than 2^32 bytes */

struct leech_assembly {
	struct leech_assembly *next;
	const struct leech_torrent *torrent;
	uint32_t piece;
	uint32_t class;           /* of its buffer: 1 << class bytes */
	uint32_t unsettled_bytes; /* of blocks neither received nor lost */
	bool lost;                /* a block will not come */
	uint8_t *bytes;
};

struct leech_assembly_pool {
	struct leech_assembly *free_list[LEECH_ASSEMBLY_CLASSES];
	uint64_t allocated_bytes;
	enum leech_verify verify;
	uint64_t seed;           /* of the choice */
	uint64_t ok_cnt;         /* pieces whose SHA-1 was right */
	uint64_t failed_cnt;     /* pieces whose SHA-1 was wrong */
	uint64_t unverified_cnt; /* chosen pieces for which there was no memory */
	uint32_t failed_piece;   /* the last that failed */
};

/* leech_assembly_pool_init chooses the pieces to verify by options->verify and options->seed. */
void
leech_assembly_pool_init(struct leech_assembly_pool *pool, const struct leech_options *options);

/* leech_assembly_pool_fini frees the buffers; each assembly has been given back before. */
void
leech_assembly_pool_fini(struct leech_assembly_pool *pool);

/* leech_assembly_begin puts an assembly for a piece on *list when it is one to verify.
 *
 * Returns it, or NULL: the piece is not to be verified, or there is no memory. */
struct leech_assembly *
leech_assembly_begin(struct leech_assembly_pool *pool, struct leech_assembly **list,
		     const struct leech_torrent *torrent, uint32_t piece);

/* leech_assembly_settle counts a block of len bytes as received into the assembly, or as lost.
 *
 * assembly of *list; after the piece's last block it is checked, counted and given back. */
void
leech_assembly_settle(struct leech_assembly_pool *pool, struct leech_assembly **list,
		      struct leech_assembly *assembly, uint32_t len, bool received);

/* leech_assembly_drop_all gives back every assembly of *list, unchecked. */
void
leech_assembly_drop_all(struct leech_assembly_pool *pool, struct leech_assembly **list);

#endif
