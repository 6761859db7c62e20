/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* store_bench.h is what store_bench is asked for, and a file made a torrent for it: the layout of
 * abi.h over one file, with fingerprints.
 *
 * Threads. One. Memory. The content's image is the caller's until content_free.
 */
#ifndef SPILLWAY_PERF_MICRO_STORE_BENCH_H
#define SPILLWAY_PERF_MICRO_STORE_BENCH_H

#include "dataplane/store/store.h"

struct bench_options {
	const char *file;
	uint64_t block;     /* bytes of a request */
	uint64_t unit;      /* bytes of a read */
	uint64_t run;       /* bytes that are asked for in order, before a jump */
	uint64_t peers;     /* walks of runs beside each other */
	uint64_t window;    /* requests in flight of each */
	uint64_t seconds;
	uint64_t arena_mib;
	uint64_t seed;
	enum store_integrity integrity;
	bool huge;
	bool spin;          /* never sleep */
	bool polled;
	bool help;
};

/* bench_options_parse reads a command line. Returns 0, or -1 after it has said on stderr what is
 * wrong. */
int
bench_options_parse(struct bench_options *options, int argc, char **argv);

/* bench_options_usage prints what there is. */
void
bench_options_usage(void);

/* bench_integrity_name returns the option's word. */
const char *
bench_integrity_name(enum store_integrity integrity);

/* bench_torrent_add makes the file a torrent of the store, active. len: out, the file's bytes.
 * Its fingerprints are made of what is read now, unless integrity is off.
 * Returns it, or NULL after it has said on stderr what failed. */
struct torrent *
bench_torrent_add(struct store *store, const struct bench_options *options, uint64_t *len);

#endif
