/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is asked for beside a .torrent. */
#include "control/commands/commands_add.h"

#include "control/work/adding.h"
#include "control/base/labels.h"
#include "control/catalogue/settings.h"
#include "control/content/known.h"

#include <errno.h>
#include <stdlib.h>

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

/* What came in. */
struct incoming {
	uint8_t *bytes; /* the .torrent, and what is known of its content (known.h) */
	size_t len;
	struct metainfo *meta;
	struct verify_saved *saved;
	uint32_t saved_cnt;
};

/* torrent_len_find finds where the .torrent ends and what is known of its content begins. */
static int
torrent_len_find(const json_t *request, size_t len, size_t *torrent_len, struct fail *fail)
{
	const json_t *given = json_object_get(request, "torrent_len");
	json_int_t value = json_integer_value(given);

	*torrent_len = given == NULL ? len : (size_t)value;
	if (given != NULL && (value <= 0 || (size_t)value > len))
		return fail_set(fail, EINVAL, "\"torrent_len\" is not a length within the file");
	return 0;
}

static int
incoming_read(const struct rpc_request *request, struct incoming *in, struct fail *fail)
{
	size_t torrent_len = 0;
	int err = adding_bytes(request->fd, &in->bytes, &in->len, fail);

	if (err == 0)
		err = torrent_len_find(request->json, in->len, &torrent_len, fail);
	if (err == 0)
		err = adding_parse(in->bytes, torrent_len, json_object_get(request->json, "trackers"),
		                   &in->meta, fail);
	if (err != 0)
		return err;
	err = known_parse(in->bytes + torrent_len, in->len - torrent_len, &in->saved, &in->saved_cnt);
	return err == 0 ? 0 : fail_set(fail, -err, "what is known of the content is not understood");
}

static void
incoming_free(struct incoming *in)
{
	for (uint32_t i = 0; i < in->saved_cnt; i++)
		verify_saved_free(&in->saved[i]);
	free(in->saved);
	metainfo_free(in->meta);
	free(in->bytes);
}

int
add_run(const struct commands_env *env, const struct rpc_request *request,
        struct torrent **torrent, struct fail *fail)
{
	struct incoming in = {0};
	struct wishing wishing;
	struct fail refused;
	int err = incoming_read(request, &in, fail);

	if (err == 0)
		err = wish_read(env, request->json, &wishing, fail);
	if (err == 0)
		err = adding_add(env, in.meta, &wishing.wish, torrent, fail);
	/* What cannot be stored is read again. */
	if (err == 0 &&
	    registry_know(env->registry, *torrent, in.saved, in.saved_cnt, &refused) != 0)
		registry_disk_refused(*torrent, &refused);
	incoming_free(&in);
	return err;
}
