/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Lines of a manifest. */
#include "control/work/manifest.h"

#include "control/base/classes.h"
#include "control/base/labels.h"
#include "control/catalogue/settings.h"

#include <jansson.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
no_memory(struct fail *fail)
{
	return fail_set(fail, ENOMEM, "out of memory");
}

/* path_read reads a path that must be there. */
static int
path_read(const json_t *object, const char *name, const char *base, char **path, struct fail *fail)
{
	const char *text = json_string_value(json_object_get(object, name));
	char whole[PATH_MAX];

	if (text == NULL || text[0] == '\0')
		return fail_set(fail, EINVAL, "\"%s\" is missing or not a path", name);
	bool is_absolute = text[0] == '/';
	int len = snprintf(whole, sizeof(whole), "%s%s%s", is_absolute ? "" : base,
	                   is_absolute ? "" : "/", text);
	if (len >= (int)sizeof(whole))
		return fail_set(fail, ENAMETOOLONG, "\"%s\" is too long a path", name);
	*path = strdup(whole);
	return *path != NULL ? 0 : no_memory(fail);
}

static int
labels_read(const json_t *object, char **labels, struct fail *fail)
{
	const json_t *array = json_object_get(object, "labels");
	char text[LABELS_TEXT_MAX] = "";
	int err = 0;

	if (array != NULL && !json_is_array(array))
		return fail_set(fail, EINVAL, "\"labels\" is not an array");
	for (size_t i = 0; err == 0 && i < json_array_size(array); i++) {
		const char *label = json_string_value(json_array_get(array, i));
		err = label != NULL ? labels_add(text, label, fail)
		                    : fail_set(fail, EINVAL, "a label is not a text");
	}
	if (err != 0)
		return err;
	*labels = strdup(text);
	return *labels != NULL ? 0 : no_memory(fail);
}

static int
class_read(const json_t *object, char **class_name, struct fail *fail)
{
	const json_t *member = json_object_get(object, "class");
	const char *text = member != NULL ? json_string_value(member) : "";

	if (text == NULL)
		return fail_set(fail, EINVAL, "\"class\" is not a name");
	int err = text[0] != '\0' ? class_name_check(text, fail) : 0;
	if (err != 0)
		return err;
	*class_name = strdup(text);
	return *class_name != NULL ? 0 : no_memory(fail);
}

/* members_check refuses what is not known. */
static int
members_check(json_t *object, struct fail *fail)
{
	static const char *const known[] = {"torrent", "data", "labels", "class", "partial",
	                                    "rate_bytes_per_s", "weight", "connections_max",
	                                    "paused", "super_seed"};
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		bool found = false;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found |= strcmp(known[i], name) == 0;
		if (!found)
			return fail_set(fail, EINVAL, "\"%.60s\" is unknown", name);
	}
	return 0;
}

static int
item_read(json_t *object, const char *base, struct manifest_item *item, struct fail *fail)
{
	const json_t *partial = json_object_get(object, "partial");
	int err = members_check(object, fail);

	item->settings = settings_preset;
	item->partial = json_is_true(partial);
	if (err == 0 && partial != NULL && !json_is_boolean(partial))
		err = fail_set(fail, EINVAL, "\"partial\" is neither true nor false");
	if (err == 0)
		err = path_read(object, "torrent", base, &item->torrent, fail);
	if (err == 0)
		err = path_read(object, "data", base, &item->data, fail);
	if (err == 0)
		err = labels_read(object, &item->labels, fail);
	if (err == 0)
		err = class_read(object, &item->class_name, fail);
	if (err == 0)
		err = settings_read(&item->settings, object, fail);
	return err;
}

/* one_line replaces what of a text that quotes the line would end the text. */
static void
one_line(char *text)
{
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

int
manifest_line(const char *text, size_t len, const char *base, struct manifest_item *item,
              struct fail *fail)
{
	json_error_t wrong;
	size_t blank = 0;

	*item = (struct manifest_item){0};
	while (blank < len && (text[blank] == ' ' || text[blank] == '\t' || text[blank] == '\r'))
		blank++;
	if (blank == len || text[blank] == '#')
		return 0;
	if (len > MANIFEST_LINE_MAX)
		return fail_set(fail, EINVAL, "longer than %d bytes", MANIFEST_LINE_MAX);
	json_t *object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &wrong);
	if (object == NULL) {
		fail_set(fail, EINVAL, "no JSON: %s", wrong.text);
		one_line(fail->text);
		return -EINVAL;
	}
	int err = json_is_object(object) ? item_read(object, base, item, fail)
	                                 : fail_set(fail, EINVAL, "no JSON object");
	json_decref(object);
	if (err == 0)
		return 1;
	manifest_item_free(item);
	one_line(fail->text);
	return err;
}

void
manifest_item_free(struct manifest_item *item)
{
	free(item->torrent);
	free(item->data);
	free(item->class_name);
	free(item->labels);
	*item = (struct manifest_item){0};
}
