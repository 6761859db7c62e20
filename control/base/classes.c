/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Classes of torrents and their congestion control. */
#include "control/base/classes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const congestion_names[ABI_CONGESTION_CNT + 1] = {
	[ABI_CONGESTION_CUBIC] = "cubic",
	[ABI_CONGESTION_BBR] = "bbr",
	[ABI_CONGESTION_NEWRENO] = "newreno",
};

int
class_name_check(const char *name, struct fail *fail)
{
	size_t len = strlen(name);

	if (len < 1 || len >= CLASS_NAME_MAX)
		return fail_set(fail, EINVAL, "class \"%.64s\": a name has 1 to %d bytes", name,
		                CLASS_NAME_MAX - 1);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != len)
		return fail_set(fail, EINVAL, "class \"%s\": a name has only a-z, 0-9, - and _", name);
	return 0;
}

static const struct class_row *
row_find(const struct classes *classes, const char *name)
{
	for (uint32_t i = 0; i < classes->cnt; i++)
		if (strcmp(classes->row[i].name, name) == 0)
			return &classes->row[i];
	return NULL;
}

static int
congestion_read(const char *text, size_t len, uint32_t *congestion)
{
	for (uint32_t i = 0; i < ABI_CONGESTION_CNT; i++) {
		if (strlen(congestion_names[i]) != len || memcmp(congestion_names[i], text, len) != 0)
			continue;
		*congestion = i;
		return 0;
	}
	return -EINVAL;
}

/* row_parse reads one "name=congestion" of len bytes. */
static int
row_parse(struct classes *classes, const char *text, size_t len, struct fail *fail)
{
	const char *equals = memchr(text, '=', len);
	struct class_row row = {0};

	if (equals == NULL)
		return fail_set(fail, EINVAL, "\"%.*s\" is not CLASS=CONGESTION", (int)len, text);
	size_t name_len = (size_t)(equals - text);
	memcpy(row.name, text, name_len < CLASS_NAME_MAX ? name_len : CLASS_NAME_MAX - 1);
	int err = class_name_check(row.name, fail);
	if (err != 0)
		return err;
	if (name_len >= CLASS_NAME_MAX)
		return fail_set(fail, EINVAL, "class \"%.*s\": a name has 1 to %d bytes", (int)name_len,
		                text, CLASS_NAME_MAX - 1);
	if (congestion_read(equals + 1, len - name_len - 1, &row.congestion) != 0)
		return fail_set(fail, EINVAL, "class %s: \"%.*s\" is not cubic, bbr or newreno", row.name,
		                (int)(len - name_len - 1), equals + 1);
	if (row_find(classes, row.name) != NULL)
		return fail_set(fail, EINVAL, "class %s is given twice", row.name);
	if (classes->cnt == CLASSES_MAX)
		return fail_set(fail, EINVAL, "more than %d classes", CLASSES_MAX);
	classes->row[classes->cnt++] = row;
	return 0;
}

int
classes_parse(struct classes *classes, const char *text, struct fail *fail)
{
	int err = 0;

	classes->cnt = 0;
	while (err == 0 && *text != '\0') {
		size_t len = strcspn(text, ",");

		err = row_parse(classes, text, len, fail);
		text += len;
		if (text[0] == ',' && text[1] != '\0')
			text++;
		else if (err == 0 && text[0] == ',')
			err = fail_set(fail, EINVAL, "\"\" is not CLASS=CONGESTION");
	}
	return err;
}

int
classes_known_check(const struct classes *classes, const char *name, struct fail *fail)
{
	char known[512] = "";

	if (row_find(classes, name) != NULL)
		return 0;
	for (uint32_t i = 0; i < classes->cnt; i++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", i ? ", " : "",
		         classes->row[i].name);
	return fail_set(fail, ENOENT, "no class \"%.64s\": option congestion_classes has %s", name,
	                known[0] != '\0' ? known : "none");
}

uint32_t
classes_congestion(const struct classes *classes, const char *name)
{
	const struct class_row *row = row_find(classes, name);

	return row != NULL ? row->congestion : classes->preset;
}
