/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* classes.h is which congestion control a torrent's connections get: that of its class, or the
 * default when it has no class or one that is not configured (any more).
 *
 * Threads: plain data, no shared state.
 */
#ifndef SPILLWAY_CONTROL_BASE_CLASSES_H
#define SPILLWAY_CONTROL_BASE_CLASSES_H

#include "control/base/fail.h"
#include "dataplane/abi.h"

#include <stdint.h>

enum classes_limit {
	CLASS_NAME_MAX = 32, /* bytes of a name, with the NUL */
	CLASSES_MAX = 32,
	CLASSES_TEXT_MAX = 1024,
};

struct class_row {
	char name[CLASS_NAME_MAX];
	uint32_t congestion; /* enum abi_congestion */
};

struct classes {
	uint32_t preset; /* enum abi_congestion of everything else */
	uint32_t cnt;
	struct class_row row[CLASSES_MAX];
};

/* congestion_names are the names of enum abi_congestion, and NULL after them. */
extern const char *const congestion_names[ABI_CONGESTION_CNT + 1];

/* classes_parse reads "bulk=bbr,lan=newreno"; "" is no class. preset is left as it is.
 *
 * Returns 0 or -EINVAL with fail: a name that class_name_check refuses, given twice, or without
 * congestion control, or more than CLASSES_MAX. */
int
classes_parse(struct classes *classes, const char *text, struct fail *fail);

/* class_name_check returns 0 for 1 to CLASS_NAME_MAX - 1 of a-z, 0-9, '-' and '_', else -EINVAL
 * with fail. */
int
class_name_check(const char *name, struct fail *fail);

/* classes_known_check returns 0 for a class that is configured, else -ENOENT with fail. */
int
classes_known_check(const struct classes *classes, const char *name, struct fail *fail);

/* classes_congestion returns the enum abi_congestion of a class; name may be "". */
uint32_t
classes_congestion(const struct classes *classes, const char *name);

#endif
