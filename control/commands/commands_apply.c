/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A manifest that a client waits for. */
#include "control/commands/commands_apply.h"

#include "control/commands/answer.h"
#include "control/work/apply.h"
#include "control/base/clock.h"
#include "control/commands/commands_parts.h"

#include <errno.h>

int
apply_watch_begin(const struct commands_env *env, struct apply_watch *watch,
                  const struct rpc_request *request, struct fail *fail)
{
	const char *base = json_string_value(json_object_get(request->json, "base"));
	struct apply_wish wish = {
		.fd = request->fd,
		.base = base,
		.dry_run = json_is_true(json_object_get(request->json, "dry_run")),
		.prune = json_is_true(json_object_get(request->json, "prune")),
	};

	*watch = (struct apply_watch){.dry_run = wish.dry_run};
	if (base == NULL || base[0] != '/')
		return fail_set(fail, EINVAL, "apply needs \"base\", an absolute path");
	int err = apply_begin(env->apply, &wish, fail);
	watch->is_begun = err == 0;
	return err;
}

void
apply_watch_drop(const struct commands_env *env, struct apply_watch *watch)
{
	if (watch->is_begun)
		apply_end(env->apply);
	watch->is_begun = false;
}

static void
progress_send(const struct commands_env *env, uint64_t client, struct apply_watch *watch)
{
	static const char *const names[] = {
		[APPLY_IDLE] = "reading",       [APPLY_READING] = "reading",
		[APPLY_COMPARING] = "comparing", [APPLY_CHECKING] = "checking",
		[APPLY_STORING] = "storing",    [APPLY_SETTLING] = "storing",
		[APPLY_DONE] = "storing",
	};
	uint32_t done_cnt, total_cnt;
	enum apply_phase phase = apply_progress(env->apply, &done_cnt, &total_cnt);
	int64_t now_ms = clock_now_ms();

	if (now_ms - watch->progress_ms < COMMANDS_PROGRESS_MS || !rpc_hungry(env->rpc, client))
		return;
	watch->progress_ms = now_ms;
	rpc_send(env->rpc, client,
	         json_pack("{s:{s:s, s:I, s:I}}", "progress", "phase", names[phase], "done",
	                   (json_int_t)done_cnt, "total", (json_int_t)total_cnt),
	         false);
}

static json_t *
flags_answer(uint32_t flags)
{
	static const struct {
		enum apply_flag flag;
		const char *name;
	} names[] = {
		{APPLY_DATA, "data"},     {APPLY_PARTIAL, "partial"}, {APPLY_SETTINGS, "settings"},
		{APPLY_LABELS, "labels"}, {APPLY_CLASS, "class"},
	};
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((flags & names[i].flag) != 0)
			json_array_append_new(array, json_string(names[i].name));
	return array;
}

/* differences_send tells what a dry run found. Returns true when all is told. */
static bool
differences_send(const struct commands_env *env, uint64_t client, struct apply_watch *watch)
{
	struct apply_difference difference;

	while (rpc_hungry(env->rpc, client)) {
		if (!apply_difference(env->apply, &watch->cursor, &difference))
			return true;
		rpc_send(env->rpc, client,
		         json_pack("{s:{s:s, s:o, s:I, s:o}}", "difference", "what", difference.what,
		                   "name", answer_text(difference.name), "line",
		                   (json_int_t)difference.line, "changes",
		                   flags_answer(difference.flags)),
		         false);
	}
	return false;
}

static void
result_send(const struct commands_env *env, uint64_t client, const struct apply_watch *watch)
{
	const struct apply_result *result = apply_result(env->apply);

	rpc_send(env->rpc, client,
	         json_pack("{s:b, s:b, s:I, s:I, s:I, s:I}", "ok", 1, "dry_run", watch->dry_run,
	                   "added", (json_int_t)result->added_cnt, "changed",
	                   (json_int_t)result->changed_cnt, "removed",
	                   (json_int_t)result->removed_cnt, "unchanged",
	                   (json_int_t)result->unchanged_cnt),
	         true);
}

bool
apply_watch_run(const struct commands_env *env, uint64_t client, struct apply_watch *watch)
{
	uint32_t done_cnt, total_cnt;

	if (apply_progress(env->apply, &done_cnt, &total_cnt) != APPLY_DONE) {
		progress_send(env, client, watch);
		return false;
	}
	const struct apply_result *result = apply_result(env->apply);
	if (result->err != 0)
		commands_refuse(env, client, result->fail.text);
	else if (watch->dry_run && !differences_send(env, client, watch))
		return false;
	else
		result_send(env, client, watch);
	apply_watch_drop(env, watch);
	return true;
}
