/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The command "reload". */
#include "control/commands/commands_reload.h"

#include <errno.h>

static json_t *
names(const char *const *list, uint32_t cnt)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < cnt; i++)
		json_array_append_new(array, json_string(list[i]));
	return array;
}

json_t *
commands_reload(const struct reload_env *env, struct fail *fail)
{
	struct options_change change;

	if (reload_run(env, &change, fail) != 0)
		return NULL;
	json_t *answer = json_pack("{s:b, s:o, s:o}", "ok", 1, "changed",
	                           names(change.done, change.done_cnt), "needs_restart",
	                           names(change.waiting, change.waiting_cnt));
	if (answer == NULL)
		fail_set(fail, ENOMEM, "out of memory");
	return answer;
}
