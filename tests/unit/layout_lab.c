/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Files, descriptors and layouts for tests of the store and of what stands on it. */
#include "tests/unit/layout_lab.h"

#include "dataplane/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LAB_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };

/* die_unless ends the program when a system call of the lab itself fails. */
static void
die_unless(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

/* next_random is SplitMix64. */
static uint64_t
next_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void
fill_random(uint8_t *to, size_t len, uint64_t *seed)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = next_random(seed);

		memcpy(to + i, &word, MIN(8, len - i));
	}
}

static size_t
align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

void
lab_file_path(const struct lab *lab, uint32_t file, char path[160])
{
	snprintf(path, 160, "%s/%u", lab->dir, file);
}

static void
write_file(const struct lab *lab, uint32_t file, const uint8_t *data, uint64_t len)
{
	char path[160];
	int fd;

	lab_file_path(lab, file, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	die_unless(fd >= 0, path);
	for (uint64_t done = 0; done < len;) {
		ssize_t n = write(fd, data + done, len - done);

		die_unless(n > 0, "write");
		done += (uint64_t)n;
	}
	die_unless(fsync(fd) == 0 && close(fd) == 0, "close");
}

/* count_parts sums up what the image has to hold. */
static struct abi_layout
count_parts(const struct lab_config *config)
{
	struct abi_layout layout = {
		.magic = ABI_MAGIC,
		.version = ABI_VERSION,
		.piece_len = config->piece_len,
		.unit_len = config->unit_len > 0 ? config->unit_len : ABI_BUFFER_MIN,
		.metadata_len = config->metadata_len > 0 ? config->metadata_len : 1,
		.private_flag = config->private_flag,
	};

	for (uint32_t i = 0; i < config->file_cnt; i++) {
		const struct lab_file *file = &config->files[i];

		layout.total_len += file->len;
		layout.extent_cnt += file->len > 0;
		if (file->pad || file->len == 0)
			continue;
		layout.file_cnt++;
		layout.unit_cnt += (uint32_t)((file->len + layout.unit_len - 1) / layout.unit_len);
	}
	layout.piece_cnt =
	    (uint32_t)((layout.total_len + layout.piece_len - 1) / layout.piece_len);
	return layout;
}

static void
make_image(struct lab *lab, const struct lab_config *config)
{
	struct abi_layout layout = count_parts(config);

	layout.extent_off = align8(sizeof(layout));
	layout.fingerprint_off = layout.extent_off + layout.extent_cnt * sizeof(struct abi_extent);
	layout.have_off = layout.fingerprint_off + layout.unit_cnt * sizeof(uint64_t);
	layout.metadata_off = align8(layout.have_off + (layout.piece_cnt + 7) / 8);
	memcpy(layout.info_hash, lab->info_hash, sizeof(layout.info_hash));
	lab->image_len = layout.metadata_off + layout.metadata_len;
	lab->image = calloc(1, lab->image_len);
	die_unless(lab->image != NULL, "calloc");
	memcpy(lab->image, &layout, sizeof(layout));
	lab->layout = (struct abi_layout *)lab->image;
	lab->extents = (struct abi_extent *)(lab->image + layout.extent_off);
	lab->fingerprints = (uint64_t *)(lab->image + layout.fingerprint_off);
	lab->have = lab->image + layout.have_off;
	for (uint32_t i = 0; i < layout.piece_cnt; i++)
		lab->have[i / 8] |= (uint8_t)(0x80 >> i % 8);
	memcpy(lab->image + layout.metadata_off, config->metadata_len > 0 ? config->metadata : "d",
	       layout.metadata_len);
}

static uint32_t
make_fingerprints(struct lab *lab, const uint8_t *data, uint64_t len, uint32_t unit)
{
	uint32_t unit_len = lab->layout->unit_len;

	for (uint64_t off = 0; off < len; off += unit_len)
		lab->fingerprints[unit++] = hash_unit(data + off, MIN(unit_len, len - off));
	return unit;
}

/* make_content fills the extents one after the other, and writes those that are files. */
static void
make_content(struct lab *lab, const struct lab_config *config, uint64_t seed)
{
	uint32_t extent = 0, file = 0, unit = 0;
	uint64_t off = 0;

	for (uint32_t i = 0; i < config->file_cnt; i++) {
		const struct lab_file *from = &config->files[i];
		struct abi_extent *to = &lab->extents[extent];
		uint8_t *data = lab->content + off;

		if (from->len == 0)
			continue;
		extent++;
		*to = (struct abi_extent){off, from->len, ABI_FILE_PAD, 0};
		off += from->len;
		if (from->pad)
			continue;
		fill_random(data, from->len, &seed);
		write_file(lab, file, data, from->len);
		to->file = file++;
		to->unit_first = unit;
		unit = make_fingerprints(lab, data, from->len, unit);
	}
}

void
lab_create(struct lab *lab, const struct lab_config *config)
{
	const char *tmp = getenv("TMPDIR");
	uint64_t seed = config->seed;

	memset(lab, 0, sizeof(*lab));
	if (config->parent != NULL)
		tmp = config->parent;
	snprintf(lab->dir, sizeof(lab->dir), "%s/spwlab.XXXXXX", tmp != NULL ? tmp : "/tmp");
	die_unless(mkdtemp(lab->dir) != NULL, lab->dir);
	lab->id = (uint32_t)seed > 0 ? (uint32_t)seed : 1;
	fill_random(lab->info_hash, sizeof(lab->info_hash), &seed);
	make_image(lab, config);
	lab->total_len = lab->layout->total_len;
	lab->file_cnt = lab->layout->file_cnt;
	lab->content = calloc(1, lab->total_len);
	die_unless(lab->content != NULL, "calloc");
	make_content(lab, config, seed);
}

void
lab_destroy(struct lab *lab)
{
	char path[160];

	for (uint32_t i = 0; i < lab->file_cnt; i++) {
		lab_file_path(lab, i, path);
		unlink(path);
	}
	rmdir(lab->dir);
	free(lab->content);
	free(lab->image);
	memset(lab, 0, sizeof(*lab));
}

int
lab_image_fd(const struct lab *lab, size_t len, int seals)
{
	int fd = memfd_create("layout", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	die_unless(fd >= 0, "memfd_create");
	die_unless(ftruncate(fd, (off_t)len) == 0, "ftruncate");
	die_unless(pwrite(fd, lab->image, MIN(len, lab->image_len), 0) >= 0, "pwrite");
	if (seals != 0)
		die_unless(fcntl(fd, F_ADD_SEALS, seals) == 0, "F_ADD_SEALS");
	return fd;
}

int
lab_layout_fd(const struct lab *lab)
{
	return lab_image_fd(lab, lab->image_len, LAB_SEALS);
}

int
lab_file_fd(const struct lab *lab, uint32_t file)
{
	char path[160];
	int fd;

	lab_file_path(lab, file, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	die_unless(fd >= 0, path);
	return fd;
}

void
lab_spoil(const struct lab *lab, uint32_t file, uint64_t off)
{
	char path[160];
	uint8_t byte = 0;
	int fd;

	lab_file_path(lab, file, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	die_unless(fd >= 0 && pread(fd, &byte, 1, (off_t)off) == 1, path);
	byte ^= 0xff;
	die_unless(pwrite(fd, &byte, 1, (off_t)off) == 1, "pwrite");
	die_unless(fsync(fd) == 0 && close(fd) == 0, "close");
}

void
lab_truncate(const struct lab *lab, uint32_t file, uint64_t len)
{
	char path[160];

	lab_file_path(lab, file, path);
	die_unless(truncate(path, (off_t)len) == 0, path);
}

enum abi_status
lab_fill(const struct lab *lab, struct store *store)
{
	enum abi_status status = store_layout(store, lab->id, lab_layout_fd(lab));

	for (uint32_t at = 0; status == ABI_OK && at < lab->layout->file_cnt; at += ABI_FDS_MAX) {
		uint32_t cnt = MIN(ABI_FDS_MAX, lab->layout->file_cnt - at);
		struct abi_files files = {.id = lab->id, .file_first = at, .file_cnt = cnt};
		int fds[ABI_FDS_MAX];

		for (uint32_t i = 0; i < cnt; i++)
			fds[i] = lab_file_fd(lab, at + i);
		status = store_files(store, &files, fds, cnt);
	}
	return status;
}

struct torrent *
lab_activate(const struct lab *lab, struct store *store)
{
	struct torrent *torrent;

	dp_assert(store_add(store, lab->id, lab->info_hash) == ABI_OK);
	dp_assert(lab_fill(lab, store) == ABI_OK);
	torrent = store_by_id(store, lab->id);
	dp_assert(torrent != NULL && torrent->state == TORRENT_ACTIVE);
	return torrent;
}
