/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the files of commands.h share. */
#include "control/commands/commands_parts.h"

#include "control/commands/answer.h"

#include <errno.h>

void
commands_refuse(const struct commands_env *env, uint64_t client, const char *text)
{
	json_t *clean = answer_text(text);

	rpc_send_error(env->rpc, client, clean != NULL ? json_string_value(clean) : "refused");
	json_decref(clean);
}

int
commands_torrent(const struct commands_env *env, const char *text, struct torrent **torrent,
                 struct fail *fail)
{
	enum torrents_find how =
		text != NULL ? torrents_find(env->registry->torrents, text, torrent) : FIND_NONE;

	if (how == FIND_ONE)
		return 0;
	if (how == FIND_SEVERAL)
		return fail_set(fail, ENOENT,
		                "\"%.200s\" could mean several torrents: give more of the info hash",
		                text);
	return fail_set(fail, ENOENT, "no torrent \"%.200s\"", text != NULL ? text : "");
}

static int
named_add(const struct commands_env *env, struct commands_named *named, const char *text,
          struct fail *fail)
{
	struct torrent *torrent = NULL;
	int err = commands_torrent(env, text, &torrent, fail);

	for (uint32_t i = 0; err == 0 && i < named->cnt; i++)
		if (named->torrent[i] == torrent)
			return 0;
	if (err == 0 && named->cnt == COMMANDS_NAMED_MAX)
		err = fail_set(fail, E2BIG, "more than %d torrents", COMMANDS_NAMED_MAX);
	if (err == 0)
		named->torrent[named->cnt++] = torrent;
	return err;
}

int
commands_named(const struct commands_env *env, const json_t *request,
               struct commands_named *named, struct fail *fail)
{
	const json_t *many = json_object_get(request, "torrents");
	int err = 0;

	named->cnt = 0;
	if (many == NULL)
		return named_add(env, named, json_string_value(json_object_get(request, "torrent")), fail);
	for (size_t i = 0; err == 0 && i < json_array_size(many); i++)
		err = named_add(env, named, json_string_value(json_array_get(many, i)), fail);
	if (err == 0 && named->cnt == 0)
		err = fail_set(fail, EINVAL, "no torrent is named");
	return err;
}

void
commands_answer(const struct commands_env *env, const struct rpc_request *request,
                json_t *answers)
{
	bool is_one = json_object_get(request->json, "torrents") == NULL;
	json_t *line = is_one ? json_pack("{s:b, s:O}", "ok", 1, "torrent", json_array_get(answers, 0))
	                      : json_pack("{s:b, s:O}", "ok", 1, "torrents", answers);

	json_decref(answers);
	rpc_send(env->rpc, request->client, line, true);
}
