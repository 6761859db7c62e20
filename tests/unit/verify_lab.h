/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* verify_lab makes content in the working directory, verifies it and says what must come out. Every
 * function asserts that it did what it says. Threads: one. */
#ifndef SPILLWAY_TESTS_UNIT_VERIFY_LAB_H
#define SPILLWAY_TESTS_UNIT_VERIFY_LAB_H

#include "control/content/verify.h"
#include "tests/unit/metainfo_lab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum verify_lab_limit {
	VERIFY_LAB_FILES_MAX = 16,
	VERIFY_LAB_THREADS_MAX = 4,
};

/* Content in hand: a torrent, its descriptors and what verifying it said. */
struct lab {
	struct metainfo *meta;
	int fd[VERIFY_LAB_FILES_MAX];
	struct verify_job job;
	uint32_t thread_cnt;
	void (*meanwhile)(void); /* called when the pass has begun; or NULL */
	struct verify_result result;
};

/* lab_open opens the files of meta, which it takes over, with the flags of open(2). */
void
lab_open(struct lab *lab, struct metainfo *meta, int flags);

/* lab_close closes and frees everything. */
void
lab_close(struct lab *lab);

/* lab_begin begins a pass. */
struct verify_pass *
lab_begin(struct lab *lab);

/* lab_work does all that is left of a pass, on the calling thread. Returns NULL. */
void *
lab_work(void *pass);

/* lab_end ends a pass that is done. */
void
lab_end(struct lab *lab, struct verify_pass *pass);

/* lab_verify is all three, on thread_cnt threads. */
void
lab_verify(struct lab *lab);

/* have_is holds what is had against a text with '1' or '0' for each piece. */
void
have_is(const struct lab *lab, const char *want);

/* file_is holds what is said of a file against this. */
void
file_is(const struct lab *lab, uint32_t file, enum verify_state state, uint32_t missing_cnt);

/* fingerprints_check holds every fingerprint against one computed here. */
void
fingerprints_check(const struct lab *lab);

/* byte_flip changes one bit of a file. */
void
byte_flip(const char *path, off_t off);

/* single_create makes the file "f" and its torrent. */
struct metainfo *
single_create(size_t len, uint32_t piece_len);

/* odd_create makes the folder "d" with files whose sizes fit neither pieces nor units, an empty
 * one between them. */
struct metainfo *
odd_create(bool hybrid);

/* long_create makes the file "f" of 200 MiB and some bytes, mostly a hole: more than one range, 26
 * pieces. */
struct metainfo *
long_create(bool hybrid);

#endif
