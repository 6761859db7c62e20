/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* layout_lab.h makes torrents for tests, as control would: files with seeded random bytes in a
 * directory of their own, descriptors for them, and the layout of abi.h over them.
 *
 * Memory. A lab holds the whole content (what peers must get) and the layout's image; a test may
 * spoil either, or the files, before or after the store has taken them.
 * Lifecycle. lab_create; lab_activate, or lab_layout_fd and lab_file_fd by hand; lab_destroy,
 * which removes the files. A system call that fails ends the test program.
 */
#ifndef SPILLWAY_TESTS_UNIT_LAYOUT_LAB_H
#define SPILLWAY_TESTS_UNIT_LAYOUT_LAB_H

#include "dataplane/abi.h"
#include "dataplane/store/store.h"

struct lab_file {
	uint64_t len; /* bytes; 0: a file without extent and descriptor */
	bool pad;     /* zeros that have no file (BEP 47) */
};

struct lab_config {
	const struct lab_file *files;
	uint32_t file_cnt;
	uint32_t piece_len;
	uint32_t unit_len;      /* 0: ABI_BUFFER_MIN */
	const void *metadata;   /* copied */
	uint32_t metadata_len;  /* 0: one byte, 'd' */
	bool private_flag;
	uint64_t seed;          /* of the bytes and of the info_hash */
	const char *parent;     /* where the directory is made; NULL: TMPDIR or /tmp */
};

struct lab {
	char dir[128];
	uint32_t id;              /* what lab_activate adds it as: the seed's low half, or 1 */
	uint8_t info_hash[20];
	uint8_t *content;         /* total_len bytes */
	uint64_t total_len;
	uint32_t file_cnt;        /* files made */
	uint8_t *image;           /* the layout memfd's bytes */
	size_t image_len;
	struct abi_layout *layout;    /* in the image, as are the next three */
	struct abi_extent *extents;
	uint64_t *fingerprints;
	uint8_t *have;
};

/* lab_create makes the files and the image: all pieces had. */
void
lab_create(struct lab *lab, const struct lab_config *config);

/* lab_destroy removes the files and frees all. */
void
lab_destroy(struct lab *lab);

/* lab_image_fd returns a memfd with the first len bytes of the image (zeros beyond it) and the
 * given seals: F_SEAL_*, 0 for none. The caller's, or the store's that it is given to. */
int
lab_image_fd(const struct lab *lab, size_t len, int seals);

/* lab_layout_fd returns a memfd with the image, sealed as abi.h wants it. */
int
lab_layout_fd(const struct lab *lab);

/* lab_file_fd opens a file read-only, with O_DIRECT where the file system has it.
 * file: descriptor index, [0, layout->file_cnt). */
int
lab_file_fd(const struct lab *lab, uint32_t file);

/* lab_file_path writes the path of a file. file: descriptor index. */
void
lab_file_path(const struct lab *lab, uint32_t file, char path[160]);

/* lab_spoil flips one byte of a file on disk. */
void
lab_spoil(const struct lab *lab, uint32_t file, uint64_t off);

/* lab_truncate cuts a file on disk. */
void
lab_truncate(const struct lab *lab, uint32_t file, uint64_t len);

/* lab_fill sends the layout and every descriptor of a torrent that the store already knows by
 * lab->id. Returns the first status that is not ABI_OK, or ABI_OK. */
enum abi_status
lab_fill(const struct lab *lab, struct store *store);

/* lab_activate adds the torrent and fills it. Asserts that it is active; returns it. */
struct torrent *
lab_activate(const struct lab *lab, struct store *store);

#endif
