/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Commands that change what is wanted of torrents. */
#include "control/commands/commands_change.h"

#include "control/commands/answer.h"
#include "control/commands/commands_parts.h"
#include "control/base/labels.h"
#include "control/base/log.h"
#include "control/catalogue/registry_batch.h"
#include "control/catalogue/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What one request does: large, so that it is allocated. */
struct changing {
	struct commands_named named;
	struct registry_change change[COMMANDS_NAMED_MAX];
	struct torrent_settings settings[COMMANDS_NAMED_MAX];
	char labels[COMMANDS_NAMED_MAX][LABELS_TEXT_MAX];
};

static int
changing_begin(const struct commands_env *env, const struct rpc_request *request,
               struct changing **changing, struct fail *fail)
{
	*changing = calloc(1, sizeof(**changing));
	if (*changing == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	int err = commands_named(env, request->json, &(*changing)->named, fail);
	for (uint32_t i = 0; err == 0 && i < (*changing)->named.cnt; i++)
		(*changing)->change[i].torrent = (*changing)->named.torrent[i];
	return err;
}

static int
changing_apply(const struct commands_env *env, struct changing *changing, struct fail *fail)
{
	struct registry_batch batch = {
		.change = changing->change,
		.change_cnt = changing->named.cnt,
	};

	return registry_apply(env->registry, &batch, fail);
}

static json_t *
answers_make(const struct commands_env *env, const struct commands_named *named)
{
	json_t *answers = json_array();

	tally_stats(env->tally);
	for (uint32_t i = 0; i < named->cnt; i++)
		json_array_append_new(answers, answer_torrent(env, named->torrent[i]));
	return answers;
}

/* changing_end makes the changes unless err is set, and answers. */
static void
changing_end(const struct commands_env *env, const struct rpc_request *request,
             struct changing *changing, int err, struct fail *fail)
{
	if (err == 0)
		err = changing_apply(env, changing, fail);
	if (err != 0)
		commands_refuse(env, request->client, fail->text);
	else
		commands_answer(env, request, answers_make(env, &changing->named));
	free(changing);
}

/* ---- remove */

static void
remove_all(const struct commands_env *env, const struct rpc_request *request,
           struct changing *changing)
{
	struct fail fail;
	json_t *was = answers_make(env, &changing->named);

	for (uint32_t i = 0; i < changing->named.cnt; i++)
		changing->change[i].remove = true;
	for (uint32_t i = 0; i < changing->named.cnt; i++) {
		const struct torrent *t = changing->named.torrent[i];
		log_info("torrent_removed", "id=%" PRIu32 " name=%s", t->id, LOG_QUOTE(t->name));
	}
	if (changing_apply(env, changing, &fail) == 0) {
		registry_sweep(env->registry, changing->named.cnt);
		commands_answer(env, request, was);
		return;
	}
	json_decref(was);
	commands_refuse(env, request->client, fail.text);
}

void
change_remove(const struct commands_env *env, const struct rpc_request *request)
{
	struct changing *changing;
	struct fail fail;

	if (changing_begin(env, request, &changing, &fail) == 0)
		remove_all(env, request, changing);
	else
		commands_refuse(env, request->client, fail.text);
	free(changing);
}

/* ---- set */

void
change_set(const struct commands_env *env, const struct rpc_request *request)
{
	struct changing *changing;
	struct fail fail;
	int err = changing_begin(env, request, &changing, &fail);

	for (uint32_t i = 0; err == 0 && i < changing->named.cnt; i++) {
		changing->settings[i] = changing->named.torrent[i]->settings;
		changing->change[i].settings = &changing->settings[i];
		err = settings_read(&changing->settings[i], request->json, &fail);
	}
	changing_end(env, request, changing, err, &fail);
}

/* ---- label */

/* labels_change adds or removes the labels of an array. */
static int
labels_change(char labels[LABELS_TEXT_MAX], const json_t *array, bool add, struct fail *fail)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < json_array_size(array); i++) {
		const char *label = json_string_value(json_array_get(array, i));
		if (label == NULL)
			return fail_set(fail, EINVAL, "a label is not a text");
		if (add)
			err = labels_add(labels, label, fail);
		else
			labels_remove(labels, label);
	}
	return err;
}

void
change_label(const struct commands_env *env, const struct rpc_request *request)
{
	struct changing *changing;
	struct fail fail;
	int err = changing_begin(env, request, &changing, &fail);

	for (uint32_t i = 0; err == 0 && i < changing->named.cnt; i++) {
		char *labels = changing->labels[i];

		strcpy(labels, changing->named.torrent[i]->labels);
		changing->change[i].labels = labels;
		err = labels_change(labels, json_object_get(request->json, "remove"), false, &fail);
		if (err == 0)
			err = labels_change(labels, json_object_get(request->json, "add"), true, &fail);
	}
	changing_end(env, request, changing, err, &fail);
}
