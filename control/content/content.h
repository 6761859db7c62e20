/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* content.h opens the files of a torrent beneath the folder that the operator named, and tells
 * whether they are those that were verified. A path never leaves that folder: ".." and absolute
 * symlinks cannot lead out (openat2, RESOLVE_BENEATH); symlinks that stay inside are followed.
 *
 * Threads: any, no shared state. Memory: none kept; descriptors are the caller's.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_CONTENT_H
#define SPILLWAY_CONTROL_CONTENT_CONTENT_H

#include "control/base/fail.h"
#include "control/content/metainfo.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* A file as it was when its pieces were verified. */
struct content_pin {
	uint64_t size; /* bytes */
	int64_t mtime_ns;
	uint64_t inode;
};

/* content_dir_open opens the folder that holds the torrent's name.
 * Returns a descriptor for content_file_open only (O_PATH), or a negative errno with fail. */
int
content_dir_open(const char *data_dir, struct fail *fail);

/* content_file_open opens one file for reading, with O_DIRECT where the file system takes it.
 *
 * dir_fd  of content_dir_open.
 * file    one with data (metainfo_file_has_data).
 * pin     out: the file as it is now.
 * Returns a blocking, close-on-exec descriptor, or a negative errno with fail naming the file:
 * missing, not readable, not a regular file (-EINVAL), shorter or longer than the torrent says
 * (-ERANGE), outside the folder (-EXDEV), too many open files. */
int
content_file_open(int dir_fd, const struct metainfo_file *file, struct content_pin *pin,
                  struct fail *fail);

/* content_pin_of returns the pin of a file that was looked at. */
struct content_pin
content_pin_of(const struct stat *st);

/* content_pin_equal is true when size, modification time and inode are the same. */
bool
content_pin_equal(const struct content_pin *a, const struct content_pin *b);

/* content_pin_absent is true for the pin of a file that was missing: all zeros. */
bool
content_pin_absent(const struct content_pin *pin);

/* content_missing is true for what content_file_open returns for a file that is not there. */
bool
content_missing(int err);

/* content_pins_look fills the pin of each file with data as it is now, by descriptor index of
 * layout.h; one that is not there or cannot be opened is absent.
 *
 * dir_fd  of content_dir_open; negative: all are absent.
 * pin     out: meta->data_file_cnt. */
void
content_pins_look(const struct metainfo *meta, int dir_fd, struct content_pin *pin);

/* content_check compares all files of meta with their pins, without reading them.
 *
 * pin, pin_cnt  by descriptor index of layout.h.
 * A file whose pin is absent must still be missing.
 * Returns 0 when nothing changed, -ESTALE when a file or their number did, or as
 * content_dir_open and content_file_open; fail names the file. */
int
content_check(const struct metainfo *meta, const char *data_dir, const struct content_pin *pin,
              size_t pin_cnt, struct fail *fail);

#endif
