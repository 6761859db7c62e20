/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* known.h tells one program what another found when it made a .torrent (create.h), so that content
 * is not read twice: every range of a verification (verify.h) with all its pieces there. Whoever
 * takes it up compares the files with those that were read; what changed since is verified.
 *
 * Threads: any, no shared state.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_KNOWN_H
#define SPILLWAY_CONTROL_CONTENT_KNOWN_H

#include "control/base/fail.h"
#include "control/content/create.h"
#include "control/content/verify.h"

#include <stddef.h>
#include <stdint.h>

/* known_write appends what is known to a file, in this machine's byte order.
 *
 * fd        of the file, which holds the .torrent alone.
 * data_dir  the folder that holds the content.
 * Returns 0, having appended nothing when files are not as they were read; or a negative errno
 * with fail. */
int
known_write(int fd, const char *data_dir, const struct create_known *known, struct fail *fail);

/* known_parse reads what known_write appended.
 *
 * saved  out: cnt of them, each to be released with verify_saved_free, the array with free.
 * Returns 0, -EINVAL for other bytes, or -ENOMEM; nothing is to be released then. */
int
known_parse(const uint8_t *bytes, size_t len, struct verify_saved **saved, uint32_t *cnt);

#endif
