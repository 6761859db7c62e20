/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Verifying again, and waiting for it. */
#include "control/commands/commands_verify.h"

#include "control/commands/answer.h"
#include "control/base/clock.h"
#include "control/commands/commands_parts.h"
#include "control/work/jobs.h"
#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- Which. */

struct wanted {
	struct torrent **torrent;
	uint32_t cnt;
};

static int
wanted_all(const struct commands_env *env, struct wanted *wanted, struct fail *fail)
{
	struct torrents *torrents = env->registry->torrents;

	wanted->torrent = calloc(torrents_cnt(torrents) + 1, sizeof(struct torrent *));
	if (wanted->torrent == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id))
		if (!t->gone)
			wanted->torrent[wanted->cnt++] = t;
	return 0;
}

static int
wanted_named(const struct commands_env *env, struct wanted *wanted, const json_t *request,
             struct fail *fail)
{
	struct commands_named *named = calloc(1, sizeof(*named));
	int err = named == NULL ? fail_set(fail, ENOMEM, "out of memory")
	                        : commands_named(env, request, named, fail);

	if (err == 0) {
		wanted->torrent = calloc(named->cnt + 1, sizeof(struct torrent *));
		if (wanted->torrent == NULL)
			err = fail_set(fail, ENOMEM, "out of memory");
	}
	for (uint32_t i = 0; err == 0 && i < named->cnt; i++)
		wanted->torrent[wanted->cnt++] = named->torrent[i];
	free(named);
	return err;
}

/* wanted_start starts those that are not in verification already. */
static int
wanted_start(const struct commands_env *env, const struct wanted *wanted, struct fail *fail)
{
	struct torrent **idle = calloc(wanted->cnt + 1, sizeof(*idle));
	uint32_t cnt = 0;

	if (idle == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	for (uint32_t i = 0; i < wanted->cnt; i++)
		if (!torrent_verifying(wanted->torrent[i]))
			idle[cnt++] = wanted->torrent[i];
	int err = registry_verify(env->registry, idle, cnt, fail);
	for (uint32_t i = 0; err == 0 && i < cnt; i++)
		work_verify(env->work, idle[i]);
	free(idle);
	log_info("verify_asked", "torrents=%" PRIu32, wanted->cnt);
	return err;
}

static int
watch_fill(struct verify_watch *watch, const struct wanted *wanted, struct fail *fail)
{
	*watch = (struct verify_watch){.id = calloc(wanted->cnt + 1, sizeof(*watch->id))};
	if (watch->id == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	for (uint32_t i = 0; i < wanted->cnt; i++) {
		watch->id[watch->cnt++] = wanted->torrent[i]->id;
		watch->total_bytes += wanted->torrent[i]->total_len;
	}
	return 0;
}

int
verify_watch_begin(const struct commands_env *env, struct verify_watch *watch,
                   const json_t *request, struct fail *fail)
{
	bool all = json_is_true(json_object_get(request, "all"));
	struct wanted wanted = {0};
	int err = all ? wanted_all(env, &wanted, fail) : wanted_named(env, &wanted, request, fail);

	*watch = (struct verify_watch){0};
	if (err == 0)
		err = watch_fill(watch, &wanted, fail);
	if (err == 0)
		err = wanted_start(env, &wanted, fail);
	free(wanted.torrent);
	if (err != 0)
		verify_watch_drop(watch);
	return err;
}

void
verify_watch_drop(struct verify_watch *watch)
{
	free(watch->id);
	*watch = (struct verify_watch){0};
}

/* ---- How far. */

static void
done_tell(const struct commands_env *env, uint64_t client, struct verify_watch *watch)
{
	while (watch->at < watch->cnt && rpc_hungry(env->rpc, client)) {
		const struct torrent *t = torrents_by_id(env->registry->torrents, watch->id[watch->at]);

		if (t != NULL && !t->gone && torrent_verifying(t))
			return;
		watch->at++;
		if (t == NULL || t->gone)
			continue; /* removed meanwhile */
		watch->done_bytes += t->total_len;
		watch->told_cnt++;
		rpc_send(env->rpc, client, json_pack("{s:o}", "torrent", answer_torrent(env, t)), false);
	}
}

/* progress_sum adds up what is not told yet. More than JOBS_MAX are not worked on at once. */
static struct work_progress
progress_sum(const struct commands_env *env, const struct verify_watch *watch, bool *begun)
{
	struct work_progress sum = {.done_bytes = watch->done_bytes, .left_s = -1}, one;
	uint32_t end = watch->cnt - watch->at < JOBS_MAX ? watch->cnt : watch->at + JOBS_MAX;

	for (uint32_t i = watch->at; i < end; i++) {
		const struct torrent *t = torrents_by_id(env->registry->torrents, watch->id[i]);

		if (t == NULL)
			continue;
		if (!torrent_verifying(t))
			sum.done_bytes += t->total_len;
		else
			*begun |= work_progress(env->work, t, &one);
		if (!torrent_verifying(t))
			continue;
		sum.done_bytes += one.done_bytes;
		sum.rate_bytes_per_s += one.rate_bytes_per_s;
	}
	sum.total_bytes = watch->total_bytes;
	if (sum.rate_bytes_per_s > 0 && sum.total_bytes >= sum.done_bytes)
		sum.left_s = (int64_t)((sum.total_bytes - sum.done_bytes) / sum.rate_bytes_per_s);
	return sum;
}

static void
progress_tell(const struct commands_env *env, uint64_t client, struct verify_watch *watch)
{
	int64_t now_ms = clock_now_ms();
	bool begun = watch->at > 0;

	if (now_ms - watch->progress_ms < COMMANDS_PROGRESS_MS || !rpc_hungry(env->rpc, client))
		return;
	watch->progress_ms = now_ms;
	struct work_progress sum = progress_sum(env, watch, &begun);
	rpc_send(env->rpc, client,
	         json_pack("{s:o}", "progress", answer_progress(begun ? "verifying" : "waiting", &sum)),
	         false);
}

bool
verify_watch_run(const struct commands_env *env, uint64_t client, struct verify_watch *watch)
{
	done_tell(env, client, watch);
	if (watch->at < watch->cnt) {
		progress_tell(env, client, watch);
		return false;
	}
	rpc_send(env->rpc, client,
	         json_pack("{s:b, s:I}", "ok", 1, "verified", (json_int_t)watch->told_cnt), true);
	verify_watch_drop(watch);
	return true;
}
