/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One file as a torrent that the store serves, without a metainfo. */
#include "perf/micro/store_bench.h"

#include "dataplane/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TORRENT_ID = 1,
	PIECE_LEN = 1 << 20,
	CHUNK_LEN = 1 << 20,
	SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
};

static const uint8_t info_hash[20] = "store_bench";

static uint64_t
align8(uint64_t off)
{
	return (off + 7) & ~UINT64_C(7);
}

static struct abi_layout
head_of(uint64_t len, uint32_t unit_len)
{
	struct abi_layout head = {
		.magic = ABI_MAGIC,
		.version = ABI_VERSION,
		.total_len = len,
		.piece_len = PIECE_LEN,
		.piece_cnt = (uint32_t)((len + PIECE_LEN - 1) / PIECE_LEN),
		.unit_len = unit_len,
		.file_cnt = 1,
		.extent_cnt = 1,
		.unit_cnt = (uint32_t)((len + unit_len - 1) / unit_len),
		.metadata_len = 1,
		.extent_off = align8(sizeof(head)),
	};

	head.fingerprint_off = head.extent_off + sizeof(struct abi_extent);
	head.have_off = head.fingerprint_off + (uint64_t)head.unit_cnt * sizeof(uint64_t);
	head.metadata_off = align8(head.have_off + (head.piece_cnt + 7) / 8);
	memcpy(head.info_hash, info_hash, sizeof(head.info_hash));
	return head;
}

/* fingerprints_read makes the fingerprints of what is in the file. 0 or -1 with errno. */
static int
fingerprints_read(int fd, const struct abi_layout *head, uint64_t *fingerprints)
{
	uint8_t *chunk = aligned_alloc(STORE_ALIGN, CHUNK_LEN);
	uint64_t off = 0;
	ssize_t got = 0;

	while (chunk != NULL && off < head->total_len) {
		got = pread(fd, chunk, CHUNK_LEN, (off_t)off);
		if (got <= 0 || ((uint64_t)got < CHUNK_LEN && off + (uint64_t)got < head->total_len))
			break;
		for (uint64_t at = 0; at < (uint64_t)got; at += head->unit_len)
			*fingerprints++ =
			    hash_unit(chunk + at, MIN((uint64_t)got - at, head->unit_len));
		off += (uint64_t)got;
	}
	free(chunk);
	return off < head->total_len ? -1 : 0;
}

/* layout_make returns a sealed layout memfd, or -1 with errno. */
static int
layout_make(int fd, const struct abi_layout *head, bool fingerprinted)
{
	size_t len = head->metadata_off + 1;
	int memfd = memfd_create("store_bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err = memfd < 0 ? -1 : ftruncate(memfd, (off_t)len);
	uint8_t *map;

	if (err != 0)
		return -1;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	if (map == MAP_FAILED)
		return -1;
	memcpy(map, head, sizeof(*head));
	*(struct abi_extent *)(void *)(map + head->extent_off) =
	    (struct abi_extent){0, head->total_len, 0, 0};
	for (uint32_t piece = 0; piece < head->piece_cnt; piece++)
		map[head->have_off + piece / 8] |= (uint8_t)(0x80 >> piece % 8);
	map[head->metadata_off] = 'd';
	if (fingerprinted)
		err = fingerprints_read(fd, head,
		                        (uint64_t *)(void *)(map + head->fingerprint_off));
	munmap(map, len);
	if (err == 0)
		err = fcntl(memfd, F_ADD_SEALS, SEALS);
	return err == 0 ? memfd : -1;
}

static int
file_open(const char *path, uint64_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
	struct stat st;

	if (fd < 0 && errno == EINVAL)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return -1;
	*len = (uint64_t)st.st_size;
	return *len > 0 ? fd : -1;
}

struct torrent *
bench_torrent_add(struct store *store, const struct bench_options *options, uint64_t *len)
{
	struct abi_files files = {.id = TORRENT_ID, .file_cnt = 1, .flags = ABI_FILES_POLLED};
	int fd = file_open(options->file, len);
	enum abi_status status = ABI_OK;
	struct abi_layout head;
	int memfd = -1;

	if (fd >= 0) {
		head = head_of(*len, (uint32_t)options->unit);
		memfd = layout_make(fd, &head, options->integrity != STORE_INTEGRITY_OFF);
	}
	if (memfd < 0) {
		fprintf(stderr, "store_bench: %s: %s\n", options->file,
		        errno != 0 ? strerror(errno) : "empty or cut short");
		return NULL;
	}
	status = store_add(store, TORRENT_ID, info_hash);
	if (status == ABI_OK)
		status = store_layout(store, TORRENT_ID, memfd);
	if (status == ABI_OK)
		status = store_files(store, &files, &fd, 1);
	if (status == ABI_OK)
		return store_by_id(store, TORRENT_ID);
	fprintf(stderr, "store_bench: the store refuses %s (%d): %s\n", options->file, (int)status,
	        strerror(errno));
	return NULL;
}
