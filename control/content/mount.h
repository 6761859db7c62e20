/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* mount.h asks a file system whether it is there, without being held up for long by one whose
 * server is gone (NFS, FUSE): to be asked by the loop before it opens what others name.
 *
 * Threads: the one that runs the loop.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_MOUNT_H
#define SPILLWAY_CONTROL_CONTENT_MOUNT_H

#include "control/base/fail.h"

#include <sys/statvfs.h>

enum mount_limit {
	MOUNT_WAIT_MS = 500,
	MOUNT_SILENT_MAX = 8, /* paths that were asked for and have not answered: no more are asked */
};

/* mount_ask asks for what path lies on.
 *
 * st  out.
 * Returns 0, or a negative errno with fail: -ETIMEDOUT when there was no answer after
 * MOUNT_WAIT_MS, at once when an earlier question about the same path is still open. */
int
mount_ask(const char *path, struct statvfs *st, struct fail *fail);

#endif
