/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Opening content. Reading it is verify.c's and the dataplane's. */
#include "control/content/content.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int
content_dir_open(const char *data_dir, struct fail *fail)
{
	int fd = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_set(fail, errno, "data folder %s: %s", data_dir, strerror(errno));
	return fd;
}

static int
open_beneath(int dir_fd, const char *path, int flags)
{
	/* O_NONBLOCK: a pipe planted in the folder must not hold us up. */
	struct open_how how = {
		.flags = (uint64_t)(O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	do {
		fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd;
}

static int
open_failed(const char *path, struct fail *fail)
{
	int err = errno;

	if (err == ENOENT || err == ENOTDIR)
		return fail_set(fail, err, "%s: file is missing", path);
	if (err == EXDEV)
		return fail_set(fail, err, "%s: leads out of the data folder", path);
	if (err == ENXIO)
		return fail_set(fail, EINVAL, "%s: not a regular file", path);
	return fail_set(fail, err, "%s: cannot be opened: %s", path, strerror(err));
}

struct content_pin
content_pin_of(const struct stat *st)
{
	return (struct content_pin){
		.size = (uint64_t)st->st_size,
		.mtime_ns = st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec,
		.inode = st->st_ino,
	};
}

/* stat_check fills pin from an open file and judges it. */
static int
stat_check(int fd, const struct metainfo_file *file, struct content_pin *pin, struct fail *fail)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail_set(fail, errno, "%s: cannot be examined: %s", file->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail_set(fail, EINVAL, "%s: not a regular file", file->path);
	if ((uint64_t)st.st_size != file->len)
		return fail_set(fail, ERANGE,
		                "%s: is %s than the torrent says: %" PRIu64 " instead of %" PRIu64
		                " bytes",
		                file->path, (uint64_t)st.st_size < file->len ? "shorter" : "longer",
		                (uint64_t)st.st_size, file->len);
	*pin = content_pin_of(&st);
	return 0;
}

int
content_file_open(int dir_fd, const struct metainfo_file *file, struct content_pin *pin,
                  struct fail *fail)
{
	int fd = open_beneath(dir_fd, file->path, O_DIRECT);

	if (fd < 0 && errno == EINVAL)
		fd = open_beneath(dir_fd, file->path, 0);
	if (fd < 0)
		return open_failed(file->path, fail);
	int err = stat_check(fd, file, pin, fail);
	/* io_uring answers EAGAIN on a file that is O_NONBLOCK. */
	int flags = err == 0 ? fcntl(fd, F_GETFL) : 0;
	if (err == 0 && (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0))
		err = fail_set(fail, errno, "%s: cannot be set blocking: %s", file->path,
		               strerror(errno));
	if (err != 0) {
		close(fd);
		return err;
	}
	return fd;
}

bool
content_pin_equal(const struct content_pin *a, const struct content_pin *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns && a->inode == b->inode;
}

bool
content_pin_absent(const struct content_pin *pin)
{
	return pin->size == 0 && pin->mtime_ns == 0 && pin->inode == 0;
}

bool
content_missing(int err)
{
	return err == -ENOENT || err == -ENOTDIR;
}

static int
file_check(int dir_fd, const struct metainfo_file *file, const struct content_pin *pin,
           struct fail *fail)
{
	struct content_pin now;
	int fd = content_file_open(dir_fd, file, &now, fail);

	if (content_pin_absent(pin) && content_missing(fd))
		return 0;
	if (fd < 0)
		return fd;
	close(fd);
	if (content_pin_absent(pin))
		return fail_set(fail, ESTALE, "%s: was missing when it was verified", file->path);
	if (!content_pin_equal(&now, pin))
		return fail_set(fail, ESTALE, "%s: changed since it was verified", file->path);
	return 0;
}

void
content_pins_look(const struct metainfo *meta, int dir_fd, struct content_pin *pin)
{
	for (uint32_t i = 0, k = 0; i < meta->file_cnt; i++) {
		struct stat st;

		if (!metainfo_file_has_data(&meta->file[i]))
			continue;
		int fd = dir_fd < 0 ? -1 : open_beneath(dir_fd, meta->file[i].path, 0);
		pin[k++] = fd >= 0 && fstat(fd, &st) == 0 ? content_pin_of(&st) : (struct content_pin){0};
		if (fd >= 0)
			close(fd);
	}
}

int
content_check(const struct metainfo *meta, const char *data_dir, const struct content_pin *pin,
              size_t pin_cnt, struct fail *fail)
{
	if (pin_cnt != meta->data_file_cnt)
		return fail_set(fail, ESTALE, "%zu of %" PRIu32 " files are known as verified", pin_cnt,
		                meta->data_file_cnt);
	int dir_fd = content_dir_open(data_dir, fail);
	if (dir_fd < 0)
		return dir_fd;
	int err = 0;
	for (uint32_t i = 0, k = 0; err == 0 && i < meta->file_cnt; i++)
		if (metainfo_file_has_data(&meta->file[i]))
			err = file_check(dir_fd, &meta->file[i], &pin[k++], fail);
	close(dir_fd);
	return err;
}
