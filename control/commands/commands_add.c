/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is asked for beside a .torrent. */
#include "control/commands/commands_add.h"

#include "control/work/adding.h"
#include "control/base/labels.h"
#include "control/catalogue/settings.h"

#include <errno.h>

/* What a wish points at. */
struct wishing {
	struct registry_wish wish;
	struct torrent_settings settings;
	char labels[LABELS_TEXT_MAX];
};

static int
labels_read(struct wishing *wishing, const json_t *array, struct fail *fail)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < json_array_size(array); i++) {
		const char *label = json_string_value(json_array_get(array, i));
		err = label != NULL ? labels_add(wishing->labels, label, fail)
		                    : fail_set(fail, EINVAL, "a label is not a text");
	}
	return err;
}

static int
wish_read(const struct commands_env *env, const json_t *request, struct wishing *wishing,
          struct fail *fail)
{
	const json_t *class_name = json_object_get(request, "class");

	*wishing = (struct wishing){.settings = settings_preset};
	wishing->wish = (struct registry_wish){
		.data_dir = json_string_value(json_object_get(request, "data")),
		.class_name = class_name != NULL ? json_string_value(class_name) : "",
		.labels = wishing->labels,
		.settings = &wishing->settings,
		.partial = json_is_true(json_object_get(request, "partial")),
	};
	if (wishing->wish.data_dir == NULL || wishing->wish.data_dir[0] != '/')
		return fail_set(fail, EINVAL, "add needs \"data\", an absolute path");
	if (wishing->wish.class_name == NULL)
		return fail_set(fail, EINVAL, "\"class\" is not a name");
	int err = labels_read(wishing, json_object_get(request, "labels"), fail);
	if (err == 0)
		err = settings_read(&wishing->settings, request, fail);
	if (err == 0 && class_name != NULL)
		err = classes_known_check(env->classes, wishing->wish.class_name, fail);
	return err;
}

int
add_run(const struct commands_env *env, const struct rpc_request *request,
        struct torrent **torrent, struct fail *fail)
{
	struct wishing wishing;
	struct metainfo *meta = NULL;
	int err = adding_read(request->fd, json_object_get(request->json, "trackers"), &meta, fail);

	if (err == 0)
		err = wish_read(env, request->json, &wishing, fail);
	if (err == 0)
		err = adding_add(env, meta, &wishing.wish, torrent, fail);
	metainfo_free(meta);
	return err;
}
