/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What a client of the HTTP API needs to know. */
#include "control/api/commands_api.h"

#include "control/commands/answer.h"
#include "control/api/api.h"
#include "control/api/api_token.h"

#include <errno.h>
#include <string.h>

json_t *
api_answer(const struct commands_env *env, struct fail *fail)
{
	char path[PATH_MAX], token[HTTP_TOKEN_LEN_MAX + 1];

	if (strcmp(env->options->api, "off") == 0) {
		fail_set(fail, ENOENT, "there is no HTTP API: the option api is off");
		return NULL;
	}
	if (api_token_load(api_token_path(env->options, path), token, fail) != 0)
		return NULL;
	return json_pack("{s:b, s:o, s:s, s:o}", "ok", 1, "api", answer_text(env->options->api),
	                 "token", token, "token_file", answer_text(path));
}
