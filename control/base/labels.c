/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Labels as one sorted text. */
#include "control/base/labels.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int
label_check(const char *label, struct fail *fail)
{
	size_t len = strlen(label);
	bool sound = len > 0 && len < LABEL_MAX && strchr("+- ", label[0]) == NULL &&
	             label[len - 1] != ' ';

	for (const char *p = label; sound && *p != '\0'; p++)
		sound = *p != ',' && (unsigned char)*p >= 0x20 && *p != 0x7f;
	if (sound)
		return 0;
	return fail_set(fail, EINVAL,
	                "\"%.80s\" is not a label: 1 to %d bytes without commas, not beginning with"
	                " \"+\", \"-\" or a blank",
	                label, LABEL_MAX - 1);
}

const char *
labels_next(const char *labels, char label[LABEL_MAX])
{
	size_t len = strcspn(labels, ",");

	if (len == 0)
		return NULL;
	if (len >= LABEL_MAX)
		len = LABEL_MAX - 1;
	memcpy(label, labels, len);
	label[len] = '\0';
	labels += len;
	return *labels == ',' ? labels + 1 : labels;
}

bool
labels_sound(const char *labels)
{
	char label[LABEL_MAX], before[LABEL_MAX] = "";
	struct fail ignored;
	int cnt = 0;
	const char *p = labels;

	while (*p != '\0') {
		size_t len = strcspn(p, ",");
		if (len == 0 || len >= LABEL_MAX || cnt == LABELS_MAX || (p[len] == ',' && !p[len + 1]))
			return false;
		p = labels_next(p, label);
		if (label_check(label, &ignored) != 0 || strcmp(before, label) >= 0)
			return false;
		strcpy(before, label);
		cnt++;
	}
	return true;
}

bool
labels_have(const char *labels, const char *label)
{
	char one[LABEL_MAX];

	for (const char *p = labels; (p = labels_next(p, one)) != NULL;)
		if (strcmp(one, label) == 0)
			return true;
	return false;
}

/* rebuild copies labels without one, and with another in its place. Either may be "". */
static void
rebuild(char labels[LABELS_TEXT_MAX], const char *without, const char *with)
{
	char old[LABELS_TEXT_MAX], one[LABEL_MAX];
	size_t len = 0;
	bool put = with[0] == '\0';

	snprintf(old, sizeof(old), "%s", labels);
	labels[0] = '\0';
	for (const char *p = old; (p = labels_next(p, one)) != NULL;) {
		if (!put && strcmp(with, one) < 0) {
			len += (size_t)sprintf(labels + len, "%s%s", len > 0 ? "," : "", with);
			put = true;
		}
		if (strcmp(one, without) != 0)
			len += (size_t)sprintf(labels + len, "%s%s", len > 0 ? "," : "", one);
	}
	if (!put)
		sprintf(labels + len, "%s%s", len > 0 ? "," : "", with);
}

int
labels_add(char labels[LABELS_TEXT_MAX], const char *label, struct fail *fail)
{
	char one[LABEL_MAX];
	int cnt = 0;
	int err = label_check(label, fail);

	if (err != 0 || labels_have(labels, label))
		return err;
	for (const char *p = labels; (p = labels_next(p, one)) != NULL;)
		cnt++;
	if (cnt == LABELS_MAX)
		return fail_set(fail, ENOSPC, "a torrent has at most %d labels", LABELS_MAX);
	rebuild(labels, "", label);
	return 0;
}

void
labels_remove(char labels[LABELS_TEXT_MAX], const char *label)
{
	rebuild(labels, label, "");
}
