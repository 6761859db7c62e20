/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A record for each range. */
#include "control/content/known.h"

#include "control/content/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of each record; then unit_cnt fingerprints of 8 bytes and piece_cnt bytes. */
struct record {
	uint64_t key;
	uint32_t range;
	uint32_t piece_cnt;
	uint32_t unit_cnt;
	uint32_t zero;
};

/* Content that is opened once more. */
struct opened {
	struct metainfo *meta;
	int *fd;
	uint32_t cnt;
	bool same; /* as it was read */
};

static int
files_open(struct opened *opened, const char *data_dir, const struct create_known *known,
           struct fail *fail)
{
	const struct metainfo *meta = opened->meta;
	int dir_fd = content_dir_open(data_dir, fail);

	if (dir_fd < 0)
		return dir_fd;
	opened->same = known->pin_cnt == meta->data_file_cnt;
	for (uint32_t i = 0; opened->same && i < meta->file_cnt; i++) {
		struct content_pin pin;

		if (!metainfo_file_has_data(&meta->file[i]))
			continue;
		int fd = content_file_open(dir_fd, &meta->file[i], &pin, fail);
		opened->same = fd >= 0 && content_pin_equal(&pin, &known->pin[opened->cnt]);
		if (fd >= 0)
			opened->fd[opened->cnt++] = fd;
	}
	close(dir_fd);
	return 0;
}

static int
append(int fd, const void *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const uint8_t *)bytes + done, len - done);
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int
record_write(int fd, const struct verify_saved *saved)
{
	struct record record = {
		.key = saved->key,
		.range = saved->range,
		.piece_cnt = saved->piece_cnt,
		.unit_cnt = saved->unit_cnt,
	};
	int err = append(fd, &record, sizeof(record));

	if (err == 0)
		err = append(fd, saved->fingerprint, saved->unit_cnt * sizeof(*saved->fingerprint));
	return err == 0 ? append(fd, saved->piece, saved->piece_cnt) : err;
}

static int
ranges_write(int fd, const struct opened *opened, const struct create_known *known,
             struct fail *fail)
{
	struct verify_job job = {
		.meta = opened->meta,
		.fd = opened->fd,
		.fd_cnt = opened->cnt,
		.unit_max = known->unit_max,
	};
	struct metainfo_error refused;
	struct verify_result ignored;
	struct verify_saved saved;
	struct verify_pass *pass;
	int err = verify_begin(&pass, &job, &refused);

	if (err != 0)
		return fail_set(fail, -err, "%s", refused.text);
	if (verify_know(pass, known->fingerprint, known->unit_cnt)) {
		while (err == 0 && verify_save_next(pass, &saved)) {
			err = record_write(fd, &saved);
			verify_saved_free(&saved);
		}
	}
	verify_end(pass, &ignored, &refused);
	verify_result_free(&ignored);
	return err == 0 ? 0 : fail_set(fail, -err, "what is known cannot be written: %s",
	                               strerror(-err));
}

static int
torrent_read(int fd, struct metainfo **meta, struct fail *fail)
{
	struct metainfo_error refused;
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return fail_set(fail, EINVAL, "the .torrent cannot be read back");
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return fail_set(fail, errno, "the .torrent cannot be read back: %s", strerror(errno));
	int err = metainfo_parse(meta, bytes, (size_t)st.st_size, &refused);
	munmap(bytes, (size_t)st.st_size);
	if (err == 0 && lseek(fd, 0, SEEK_END) < 0)
		err = -errno;
	return err == 0 ? 0 : fail_set(fail, -err, "%s", refused.text);
}

int
known_write(int fd, const char *data_dir, const struct create_known *known, struct fail *fail)
{
	struct opened opened = {0};
	int err = torrent_read(fd, &opened.meta, fail);

	if (err == 0) {
		opened.fd = calloc(opened.meta->data_file_cnt + 1, sizeof(*opened.fd));
		err = opened.fd == NULL ? fail_set(fail, ENOMEM, "out of memory")
		                        : files_open(&opened, data_dir, known, fail);
	}
	if (err == 0 && opened.same)
		err = ranges_write(fd, &opened, known, fail);
	for (uint32_t i = 0; i < opened.cnt; i++)
		close(opened.fd[i]);
	free(opened.fd);
	metainfo_free(opened.meta);
	return err;
}

/* ---- Reading. */

/* record_read reads one record. Returns the bytes it takes, or a negative errno. */
static int64_t
record_read(const uint8_t *bytes, size_t len, struct verify_saved *saved)
{
	struct record record;

	if (len < sizeof(record))
		return -EINVAL;
	memcpy(&record, bytes, sizeof(record));
	size_t units_len = record.unit_cnt * sizeof(uint64_t), left = len - sizeof(record);
	if (record.zero != 0 || record.range == UINT32_MAX || units_len > left ||
	    record.piece_cnt > left - units_len)
		return -EINVAL;
	*saved = (struct verify_saved){
		.range = record.range,
		.piece_cnt = record.piece_cnt,
		.unit_cnt = record.unit_cnt,
		.key = record.key,
		.fingerprint = malloc(units_len + 1),
		.piece = malloc(record.piece_cnt + UINT64_C(1)),
	};
	if (saved->fingerprint == NULL || saved->piece == NULL) {
		verify_saved_free(saved);
		return -ENOMEM;
	}
	memcpy(saved->fingerprint, bytes + sizeof(record), units_len);
	memcpy(saved->piece, bytes + sizeof(record) + units_len, record.piece_cnt);
	return (int64_t)(sizeof(record) + units_len + record.piece_cnt);
}

int
known_parse(const uint8_t *bytes, size_t len, struct verify_saved **saved, uint32_t *cnt)
{
	int64_t taken = 0;

	*cnt = 0;
	*saved = calloc(len / sizeof(struct record) + 1, sizeof(**saved));
	if (*saved == NULL)
		return -ENOMEM;
	for (size_t at = 0; at < len && taken >= 0; at += (size_t)taken) {
		taken = record_read(bytes + at, len - at, &(*saved)[*cnt]);
		*cnt += taken > 0;
		if (taken < 0)
			break;
	}
	if (taken >= 0)
		return 0;
	while (*cnt > 0)
		verify_saved_free(&(*saved)[--*cnt]);
	free(*saved);
	*saved = NULL;
	return (int)taken;
}
