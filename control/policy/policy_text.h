/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* policy_text.h reads limits as the configuration and the settings table have them.
 *
 *      limits         10M:w200:connections=50     a rate (rate_text.h) first or not at all
 *      label limits   iso=100M:w200,archive=2M    the last = of each ends the label
 *      peer classes   lan=10.0.0.0/8+192.168.1.0-192.168.1.99:none:w300,slow=0.0.0.0/0:1M
 *      slow peer      10K:60                      less than 10 KiB a second for 60 seconds
 *
 * An address is of the class whose range that holds it is the smallest.
 * Threads: plain data.
 */
#ifndef SPILLWAY_CONTROL_POLICY_POLICY_TEXT_H
#define SPILLWAY_CONTROL_POLICY_POLICY_TEXT_H

#include "control/base/classes.h"
#include "control/base/fail.h"
#include "control/base/labels.h"
#include "dataplane/abi.h"

#include <stdbool.h>

enum policy_text_limit {
	POLICY_TEXT_MAX = 4096,
	POLICY_LIMITS_MAX = 96,      /* bytes of one limits_format */
	POLICY_RANGES_MAX = 256,     /* of all classes, as written */
	POLICY_CONNECTIONS_MAX = 1 << 20,
	POLICY_SLOW_S_MAX = 3600,
};

/* What may be limited of anything. */
struct limits {
	uint64_t rate_bytes_per_s; /* 0: not limited */
	uint32_t weight;           /* [1, ABI_WEIGHT_MAX] */
	uint32_t connections_max;  /* 0: not limited */
};

extern const struct limits limits_none;

struct label_limit {
	char label[LABEL_MAX];
	uint32_t id; /* of the label: the same in every run, never 0 */
	struct limits limits;
};

struct label_limits {
	uint32_t cnt;
	struct label_limit row[ABI_GROUPS_MAX]; /* ascending by id */
};

struct peer_class {
	char name[CLASS_NAME_MAX];
	struct limits limits;
};

struct peer_range {
	struct abi_range range;
	uint32_t class_index;
};

struct peer_classes {
	uint32_t cnt;
	uint32_t range_cnt;
	struct peer_class row[ABI_CLASSES_MAX];
	struct peer_range range[POLICY_RANGES_MAX];
};

/* limits_parse reads limits of len bytes over what limits holds. Returns 0 or -EINVAL with fail. */
int
limits_parse(struct limits *limits, const char *text, size_t len, struct fail *fail);

/* limits_format writes limits so that limits_parse reads them back. */
void
limits_format(const struct limits *limits, char out[POLICY_LIMITS_MAX]);

/* label_limits_parse reads text over what labels holds: a label that is there is changed.
 * Returns 0 or -EINVAL with fail; labels is part-way changed then. */
int
label_limits_parse(struct label_limits *labels, const char *text, struct fail *fail);

/* label_limits_set sets one. Returns 0, or -EINVAL with fail: no label, or too many. */
int
label_limits_set(struct label_limits *labels, const char *label, const struct limits *limits,
                 struct fail *fail);

/* label_limits_find returns a label's row, or NULL. */
struct label_limit *
label_limits_find(struct label_limits *labels, const char *label);

/* peer_classes_parse reads classes. Returns 0 or -EINVAL with fail. */
int
peer_classes_parse(struct peer_classes *classes, const char *text, struct fail *fail);

/* peer_classes_find returns a class, or NULL. */
struct peer_class *
peer_classes_find(struct peer_classes *classes, const char *name);

/* peer_classes_flatten makes sorted ranges, of which none overlaps another, of those written.
 *
 * out  [2 * POLICY_RANGES_MAX].
 * Returns how many. */
uint32_t
peer_classes_flatten(const struct peer_classes *classes, struct abi_class_range *out);

/* slow_peer_parse reads "10K:60"; "" is 0 and 0. Returns 0 or -EINVAL with fail. */
int
slow_peer_parse(const char *text, uint32_t *bytes_per_s, uint32_t *seconds, struct fail *fail);

#endif
