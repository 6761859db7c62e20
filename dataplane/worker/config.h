/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* config.h reads what the dataplane is started with: the sealed memfd of abi.h. */
#ifndef SPILLWAY_DATAPLANE_WORKER_CONFIG_H
#define SPILLWAY_DATAPLANE_WORKER_CONFIG_H

#include "dataplane/abi.h"
#include "dataplane/base/common.h"

/* config_read reads and checks struct abi_config from fd.
 *
 * Returns NULL, or a static text that says what is wrong. */
COLD const char *
config_read(int fd, struct abi_config *config);

#endif
