/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Limits as text. */
#include "control/policy/policy_text.h"

#include "control/policy/blocklist.h"
#include "control/policy/rate_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct limits limits_none = {.weight = ABI_WEIGHT_USUAL};

/* ---- limits */

static int
number_parse(const char *text, size_t len, uint32_t max, uint32_t *value)
{
	uint64_t number = 0;

	if (len == 0 || len > 9)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	*value = (uint32_t)number;
	return number <= max ? 0 : -EINVAL;
}

/* part_parse reads one part of limits. */
static int
part_parse(struct limits *limits, const char *text, size_t len, struct fail *fail)
{
	static const char connections[] = "connections=";
	const size_t skip = sizeof(connections) - 1;

	if (len > 1 && text[0] == 'w') {
		if (number_parse(text + 1, len - 1, ABI_WEIGHT_MAX, &limits->weight) == 0 &&
		    limits->weight >= 1)
			return 0;
		return fail_set(fail, EINVAL, "\"%.*s\" is no weight from w1 to w%d", (int)len, text,
		                ABI_WEIGHT_MAX);
	}
	if (len > skip && memcmp(text, connections, skip) == 0) {
		if (number_parse(text + skip, len - skip, POLICY_CONNECTIONS_MAX,
		                 &limits->connections_max) == 0)
			return 0;
		return fail_set(fail, EINVAL, "\"%.*s\" is not from connections=0 to connections=%d",
		                (int)len, text, POLICY_CONNECTIONS_MAX);
	}
	if (len > 5 && memcmp(text, "rate=", 5) == 0)
		return rate_parse(text + 5, len - 5, &limits->rate_bytes_per_s, fail);
	return rate_parse(text, len, &limits->rate_bytes_per_s, fail);
}

int
limits_parse(struct limits *limits, const char *text, size_t len, struct fail *fail)
{
	const char *end = text + len;
	int err = 0;

	while (err == 0) {
		const char *colon = memchr(text, ':', (size_t)(end - text));
		size_t part_len = (size_t)((colon != NULL ? colon : end) - text);

		err = part_parse(limits, text, part_len, fail);
		if (colon == NULL)
			break;
		text = colon + 1;
	}
	return err;
}

void
limits_format(const struct limits *limits, char out[POLICY_LIMITS_MAX])
{
	char rate[RATE_TEXT_MAX];

	rate_format(limits->rate_bytes_per_s, rate);
	snprintf(out, POLICY_LIMITS_MAX, "%s:w%" PRIu32 ":connections=%" PRIu32, rate, limits->weight,
	         limits->connections_max);
}

/* ---- labels */

/* label_id makes a number of a label (FNV-1a), so that it means the same in every run. */
static uint32_t
label_id(const char *label)
{
	uint32_t hash = 2166136261u;

	for (; *label != '\0'; label++)
		hash = (hash ^ (uint8_t)*label) * 16777619u;
	return hash != 0 ? hash : 1;
}

struct label_limit *
label_limits_find(struct label_limits *labels, const char *label)
{
	for (uint32_t i = 0; i < labels->cnt; i++)
		if (strcmp(labels->row[i].label, label) == 0)
			return &labels->row[i];
	return NULL;
}

int
label_limits_set(struct label_limits *labels, const char *label, const struct limits *limits,
                 struct fail *fail)
{
	struct label_limit *row = label_limits_find(labels, label);
	uint32_t id = label_id(label), at = 0;
	int err = label_check(label, fail);

	if (err != 0)
		return err;
	if (limits->connections_max != 0)
		return fail_set(fail, EINVAL, "label %s: connections are limited by torrent and class",
		                label);
	if (row != NULL) {
		row->limits = *limits;
		return 0;
	}
	if (labels->cnt == ABI_GROUPS_MAX)
		return fail_set(fail, EINVAL, "more than %d labels with limits", ABI_GROUPS_MAX);
	while (at < labels->cnt && labels->row[at].id < id)
		at++;
	if (at < labels->cnt && labels->row[at].id == id)
		return fail_set(fail, EINVAL, "labels %s and %s cannot both have limits: rename one",
		                label, labels->row[at].label);
	memmove(&labels->row[at + 1], &labels->row[at], (labels->cnt - at) * sizeof(*row));
	labels->cnt++;
	labels->row[at] = (struct label_limit){.id = id, .limits = *limits};
	snprintf(labels->row[at].label, LABEL_MAX, "%s", label);
	return 0;
}

static int
label_row_parse(struct label_limits *labels, const char *text, size_t len, struct fail *fail)
{
	const char *equals = memchr(text, '=', len);
	char label[LABEL_MAX];
	struct limits limits = limits_none;

	if (equals == NULL || (size_t)(equals - text) >= sizeof(label))
		return fail_set(fail, EINVAL, "\"%.*s\" is not LABEL=LIMITS", (int)len, text);
	snprintf(label, sizeof(label), "%.*s", (int)(equals - text), text);
	int err = limits_parse(&limits, equals + 1, len - (size_t)(equals + 1 - text), fail);
	return err != 0 ? err : label_limits_set(labels, label, &limits, fail);
}

int
label_limits_parse(struct label_limits *labels, const char *text, struct fail *fail)
{
	int err = 0;

	while (err == 0 && *text != '\0') {
		size_t len = strcspn(text, ",");

		err = label_row_parse(labels, text, len, fail);
		text += len;
		text += *text == ',';
	}
	return err;
}

/* ---- classes */

struct peer_class *
peer_classes_find(struct peer_classes *classes, const char *name)
{
	for (uint32_t i = 0; i < classes->cnt; i++)
		if (strcmp(classes->row[i].name, name) == 0)
			return &classes->row[i];
	return NULL;
}

/* ranges_parse reads "10.0.0.0/8+192.168.0.0/16" for the class that is last. */
static int
ranges_parse(struct peer_classes *classes, const char *text, size_t len, struct fail *fail)
{
	const char *end = text + len;

	for (;;) {
		const char *plus = memchr(text, '+', (size_t)(end - text));
		size_t part_len = (size_t)((plus != NULL ? plus : end) - text);
		struct peer_range *range = &classes->range[classes->range_cnt];

		if (classes->range_cnt == POLICY_RANGES_MAX)
			return fail_set(fail, EINVAL, "more than %d ranges of addresses", POLICY_RANGES_MAX);
		if (range_parse(text, part_len, &range->range) != 0)
			return fail_set(fail, EINVAL, "\"%.*s\" is no IPv4 address, CIDR or range",
			                (int)part_len, text);
		range->class_index = classes->cnt - 1;
		classes->range_cnt++;
		if (plus == NULL)
			return 0;
		text = plus + 1;
	}
}

static int
class_row_parse(struct peer_classes *classes, const char *text, size_t len, struct fail *fail)
{
	const char *equals = memchr(text, '=', len);
	struct peer_class row = {.limits = limits_none};

	if (equals == NULL || (size_t)(equals - text) >= sizeof(row.name))
		return fail_set(fail, EINVAL, "\"%.*s\" is not CLASS=ADDRESSES:LIMITS", (int)len, text);
	snprintf(row.name, sizeof(row.name), "%.*s", (int)(equals - text), text);
	int err = class_name_check(row.name, fail);
	if (err != 0)
		return err;
	if (peer_classes_find(classes, row.name) != NULL)
		return fail_set(fail, EINVAL, "class %s is given twice", row.name);
	if (classes->cnt == ABI_CLASSES_MAX)
		return fail_set(fail, EINVAL, "more than %d classes", ABI_CLASSES_MAX);
	const char *ranges = equals + 1, *end = text + len;
	const char *colon = memchr(ranges, ':', (size_t)(end - ranges));
	size_t ranges_len = (size_t)((colon != NULL ? colon : end) - ranges);
	if (colon != NULL)
		err = limits_parse(&row.limits, colon + 1, (size_t)(end - colon - 1), fail);
	if (err != 0)
		return err;
	classes->row[classes->cnt++] = row;
	return ranges_parse(classes, ranges, ranges_len, fail);
}

int
peer_classes_parse(struct peer_classes *classes, const char *text, struct fail *fail)
{
	int err = 0;

	classes->cnt = classes->range_cnt = 0;
	while (err == 0 && *text != '\0') {
		size_t len = strcspn(text, ",");

		err = class_row_parse(classes, text, len, fail);
		text += len;
		text += *text == ',';
	}
	return err;
}

/* holder_of returns the smallest range that an address is in, or NULL. */
static const struct peer_range *
holder_of(const struct peer_classes *classes, uint32_t address)
{
	const struct peer_range *best = NULL;

	for (uint32_t i = 0; i < classes->range_cnt; i++) {
		const struct peer_range *r = &classes->range[i];
		if (address < r->range.first || address > r->range.last)
			continue;
		if (best == NULL ||
		    r->range.last - r->range.first < best->range.last - best->range.first)
			best = r;
	}
	return best;
}

static int
address_compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

uint32_t
peer_classes_flatten(const struct peer_classes *classes, struct abi_class_range *out)
{
	uint64_t edge[2 * POLICY_RANGES_MAX + 1]; /* where something may begin */
	uint32_t edge_cnt = 0, cnt = 0;

	for (uint32_t i = 0; i < classes->range_cnt; i++) {
		edge[edge_cnt++] = classes->range[i].range.first;
		edge[edge_cnt++] = (uint64_t)classes->range[i].range.last + 1;
	}
	qsort(edge, edge_cnt, sizeof(edge[0]), address_compare);
	for (uint32_t i = 0; i + 1 < edge_cnt; i++) {
		if (edge[i] == edge[i + 1])
			continue;
		const struct peer_range *holder = holder_of(classes, (uint32_t)edge[i]);
		if (holder == NULL)
			continue;
		struct abi_class_range *last = cnt > 0 ? &out[cnt - 1] : NULL;
		if (last != NULL && last->class_index == holder->class_index &&
		    (uint64_t)last->range.last + 1 == edge[i]) {
			last->range.last = (uint32_t)(edge[i + 1] - 1);
			continue;
		}
		out[cnt++] = (struct abi_class_range){
			.range = {(uint32_t)edge[i], (uint32_t)(edge[i + 1] - 1)},
			.class_index = holder->class_index,
		};
	}
	return cnt;
}

/* ---- slow peers */

int
slow_peer_parse(const char *text, uint32_t *bytes_per_s, uint32_t *seconds, struct fail *fail)
{
	const char *colon = strchr(text, ':');
	uint64_t rate = 0;

	*bytes_per_s = *seconds = 0;
	if (*text == '\0')
		return 0;
	if (colon == NULL ||
	    number_parse(colon + 1, strlen(colon + 1), POLICY_SLOW_S_MAX, seconds) != 0 ||
	    *seconds == 0)
		return fail_set(fail, EINVAL, "\"%s\" is not RATE:SECONDS, as 10K:60, up to %d seconds",
		                text, POLICY_SLOW_S_MAX);
	int err = rate_parse(text, (size_t)(colon - text), &rate, fail);
	if (err == 0 && (rate == 0 || rate > UINT32_MAX))
		err = fail_set(fail, EINVAL, "\"%s\" is no rate from 1K to 4095M", text);
	*bytes_per_s = (uint32_t)rate;
	return err;
}
