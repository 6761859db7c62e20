/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* sandbox.h gives up what the dataplane needs for its start only. Once the port is open, memory is
 * mapped and the rings are set up, every thread loses all capabilities, none can be had again by
 * executing anything, nobody may look into the process, and a filter of system calls is left that
 * has no way to open a path, make a socket, connect, execute, or map memory as code.
 *
 *      what a turn needs           io_uring_enter, what the drivers send and receive by, sleeping
 *      what control hands over     recvmsg on a connection, mmap and close of what came
 *      the end                     munmap, close, exit
 *      socket, connect, unlink...  EPERM: drivers try when they close, and go on without
 *      anything else               one line on stderr and the end of the process
 *
 * Rings are not seen by the filter: store restricts them to reads of registered files.
 * In a build with a sanitizer the filter has what the sanitizer needs beside this, which includes
 * opening files.
 */
#ifndef SPILLWAY_DATAPLANE_WORKER_SANDBOX_H
#define SPILLWAY_DATAPLANE_WORKER_SANDBOX_H

#include "dataplane/base/common.h"

enum { SANDBOX_ERROR_MAX = 160 };

/* sandbox_enter does it for all threads that there are; to be called by one of them, while no other
 * starts more.
 *
 * flags  enum abi_config_flag: ABI_CONFIG_SANDBOX_LOG lets what the filter has not pass, and the
 *        kernel logs it; ABI_CONFIG_SANDBOX_OFF does nothing at all.
 * error  out, [0, SANDBOX_ERROR_MAX), on failure.
 * Returns 0 or -1. */
COLD int
sandbox_enter(uint32_t flags, char *error);

#endif
