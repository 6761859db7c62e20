/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The plan is arithmetic over the file list; the memfd is the plan, the result of verifying and
 * the info dictionary laid end to end. */
#include "control/content/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PIECE_UNITS_MIN = 8, /* of a piece that shares units with its neighbours */
};

/* is_aligned tells whether no unit lies in two pieces. */
static bool
is_aligned(const struct metainfo *meta, uint32_t unit_len)
{
	uint32_t i;

	if (meta->piece_len % unit_len != 0)
		return false;
	for (i = 0; i < meta->file_cnt; i++)
		if (metainfo_file_has_data(&meta->file[i]) && meta->file[i].off % unit_len != 0)
			return false;
	return true;
}

uint32_t
layout_unit_len(const struct metainfo *meta, uint32_t unit_max)
{
	uint32_t unit_len = unit_max;

	while (unit_len > ABI_UNIT_MIN && meta->piece_len / PIECE_UNITS_MIN < unit_len &&
	       !is_aligned(meta, unit_len))
		unit_len /= 2;
	return unit_len;
}

static bool
unit_len_allowed(uint32_t unit_len)
{
	return unit_len >= ABI_UNIT_MIN && unit_len <= ABI_UNIT_MAX &&
	       (unit_len & (unit_len - 1)) == 0;
}

uint32_t
layout_have_len(const struct metainfo *meta)
{
	return (meta->piece_cnt + 7) / 8;
}

static struct abi_extent *
pad_add(struct layout_plan *plan, uint64_t off, uint64_t len)
{
	struct abi_extent *extent = &plan->extent[plan->extent_cnt];

	if (len == 0)
		return NULL;
	*extent = (struct abi_extent){ .torrent_off = off, .len = len, .file = ABI_FILE_PAD };
	plan->extent_cnt++;
	return extent;
}

int
layout_served_check(const struct metainfo *meta, struct metainfo_error *err)
{
	if (meta->has_v1)
		return 0;
	return metainfo_error_set(err, -ENOTSUP, "a torrent of v2 only is not served yet");
}

int
layout_plan_create(struct layout_plan *plan, const struct metainfo *meta, uint32_t unit_len,
		   struct metainfo_error *err)
{
	uint64_t unit_cnt = 0, end = 0;
	uint32_t i;

	*plan = (struct layout_plan){ .unit_len = unit_len };
	if (!unit_len_allowed(unit_len))
		return metainfo_error_set(err, -EINVAL, "%u bytes are no read unit", unit_len);
	/* Before each file there may be a gap. */
	plan->extent = calloc(2 * (size_t)meta->file_cnt + 1, sizeof(*plan->extent));
	if (plan->extent == NULL)
		return metainfo_error_set(err, -ENOMEM, "out of memory");
	for (i = 0; i < meta->file_cnt; i++) {
		const struct metainfo_file *file = &meta->file[i];
		struct abi_extent *extent;

		if (file->len == 0)
			continue;
		pad_add(plan, end, file->off - end);
		extent = pad_add(plan, file->off, file->len);
		end = file->off + file->len;
		if (!metainfo_file_has_data(file))
			continue;
		extent->file = plan->file_cnt++;
		extent->unit_first = (uint32_t)unit_cnt;
		unit_cnt += (file->len + plan->unit_len - 1) / plan->unit_len;
		if (unit_cnt > UINT32_MAX) {
			layout_plan_free(plan);
			return metainfo_error_set(err, -EFBIG, "too many read units");
		}
	}
	plan->unit_cnt = (uint32_t)unit_cnt;
	return 0;
}

void
layout_plan_free(struct layout_plan *plan)
{
	free(plan->extent);
	*plan = (struct layout_plan){ 0 };
}

static uint64_t
align8(uint64_t off)
{
	return (off + 7) & ~UINT64_C(7);
}

static struct abi_layout
head_make(const struct metainfo *meta, const struct layout_plan *plan)
{
	struct abi_layout head = {
		.magic = ABI_MAGIC,
		.version = ABI_VERSION,
		.total_len = meta->total_len,
		.piece_len = meta->piece_len,
		.piece_cnt = meta->piece_cnt,
		.unit_len = plan->unit_len,
		.file_cnt = plan->file_cnt,
		.extent_cnt = plan->extent_cnt,
		.unit_cnt = plan->unit_cnt,
		.metadata_len = meta->info_len,
		.private_flag = meta->private_flag,
		.extent_off = align8(sizeof(head)),
	};

	head.fingerprint_off =
		align8(head.extent_off + (uint64_t)plan->extent_cnt * sizeof(struct abi_extent));
	head.have_off = align8(head.fingerprint_off + (uint64_t)plan->unit_cnt * sizeof(uint64_t));
	head.metadata_off = align8(head.have_off + layout_have_len(meta));
	memcpy(head.info_hash, meta->info_hash, sizeof(head.info_hash));
	return head;
}

static void
layout_fill(uint8_t *map, const struct abi_layout *head, const struct layout_plan *plan,
	    const uint8_t *have, const uint64_t *fingerprint)
{
	uint32_t have_len = (head->piece_cnt + 7) / 8, spare = have_len * 8 - head->piece_cnt;

	memcpy(map, head, sizeof(*head));
	memcpy(map + head->extent_off, plan->extent, plan->extent_cnt * sizeof(*plan->extent));
	memcpy(map + head->fingerprint_off, fingerprint, plan->unit_cnt * sizeof(*fingerprint));
	memcpy(map + head->have_off, have, have_len);
	map[head->have_off + have_len - 1] &= (uint8_t)(0xff << spare); /* BEP 3 */
}

static int
memfd_write(int fd, const struct metainfo *meta, const struct layout_plan *plan,
	    const uint8_t *have, const uint64_t *fingerprint)
{
	struct abi_layout head = head_make(meta, plan);
	size_t len = head.metadata_off + meta->info_len;
	uint8_t *map;

	if (ftruncate(fd, (off_t)len) < 0)
		return -errno;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	layout_fill(map, &head, plan, have, fingerprint);
	memcpy(map + head.metadata_off, meta->info, meta->info_len);
	munmap(map, len);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	return 0;
}

int
layout_memfd(const struct metainfo *meta, uint32_t unit_len, const uint8_t *have,
	     const uint64_t *fingerprint, struct metainfo_error *err)
{
	struct layout_plan plan;
	int fd, code;

	code = layout_served_check(meta, err);
	if (code == 0)
		code = layout_plan_create(&plan, meta, unit_len, err);
	if (code < 0)
		return code;
	fd = memfd_create("spillway-layout", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	code = fd < 0 ? -errno : memfd_write(fd, meta, &plan, have, fingerprint);
	layout_plan_free(&plan);
	if (code < 0) {
		if (fd >= 0)
			close(fd);
		return metainfo_error_set(err, code, "layout memfd: %s", strerror(-code));
	}
	return fd;
}
