/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* One torrent as JSON: as text, for lists tell of very many. */
#include "control/commands/answer.h"

#include "control/base/labels.h"

#include <stdlib.h>
#include <string.h>

static const char *const state_names[TORRENT_STATE_CNT] = {
	[TORRENT_VERIFYING] = "verifying",
	[TORRENT_SEEDING] = "seeding",
	[TORRENT_CHANGED] = "changed",
	[TORRENT_ERROR] = "error",
};

const char *
answer_state(const struct torrent *torrent)
{
	return torrent->state == TORRENT_SEEDING && torrent->settings.paused
	           ? "paused"
	           : state_names[torrent->state];
}

bool
answer_state_known(const char *state)
{
	for (int i = TORRENT_VERIFYING; i < TORRENT_STATE_CNT; i++)
		if (strcmp(state, state_names[i]) == 0)
			return true;
	return strcmp(state, "paused") == 0;
}

/* settings_tell tells what the operator wants of a torrent. */
static void
settings_tell(struct json_text *out, const struct torrent *torrent)
{
	const struct torrent_settings *settings = &torrent->settings;
	char label[LABEL_MAX];

	json_text_open(out, "labels", '[');
	for (const char *p = torrent->labels; (p = labels_next(p, label)) != NULL;)
		json_text_str(out, NULL, label);
	json_text_close(out, ']');
	json_text_bool(out, "paused", settings->paused);
	json_text_int(out, "rate_bytes_per_s", (int64_t)settings->rate_bytes_per_s);
	json_text_int(out, "weight", settings->weight);
	json_text_int(out, "connections_max", settings->connections_max);
	json_text_bool(out, "super_seed", settings->super_seed);
	json_text_bool(out, "partial", torrent->partial);
	json_text_bool(out, "managed", torrent->managed);
}

/* verification_tell tells how far one is, as answer_progress. */
static void
verification_tell(struct json_text *out, const struct commands_env *env,
                  const struct torrent *torrent)
{
	struct work_progress progress;
	bool begun = work_progress(env->work, torrent, &progress);

	json_text_int(out, "verified_bytes", (int64_t)progress.done_bytes);
	json_text_open(out, "verification", '{');
	json_text_str(out, "phase", begun ? "verifying" : "waiting");
	json_text_int(out, "done_bytes", (int64_t)progress.done_bytes);
	json_text_int(out, "total_bytes", (int64_t)progress.total_bytes);
	json_text_int(out, "rate_bytes_per_s", (int64_t)progress.rate_bytes_per_s);
	if (progress.left_s < 0)
		json_text_null(out, "left_s");
	else
		json_text_int(out, "left_s", progress.left_s);
	json_text_close(out, '}');
}

void
answer_torrent_text(struct json_text *out, const char *name, const struct commands_env *env,
                    const struct torrent *torrent)
{
	struct torrent_whole whole = torrents_whole(torrent);
	uint32_t congestion = classes_congestion(env->classes, torrent->class_name);

	json_text_open(out, name, '{');
	json_text_int(out, "id", torrent->id);
	json_text_hex(out, "info_hash", torrent->info_hash, 20);
	json_text_str(out, "name", torrent->name);
	json_text_str(out, "state", answer_state(torrent));
	json_text_str(out, "reason", torrent->reason);
	json_text_str(out, "class", torrent->class_name);
	json_text_str(out, "congestion", congestion_names[congestion]);
	json_text_int(out, "size_bytes", (int64_t)torrent->total_len);
	json_text_int(out, "uploaded_bytes", (int64_t)whole.uploaded_bytes);
	json_text_int(out, "peers", whole.peer_cnt);
	json_text_bool(out, "active", whole.active);
	json_text_int(out, "files", torrent->file_cnt);
	json_text_int(out, "pieces", torrent->piece_cnt);
	json_text_int(out, "pieces_had", torrent->have_cnt);
	json_text_int(out, "pieces_withdrawn", torrent->withdrawn_cnt);
	json_text_int(out, "added_at", torrent->added_at);
	json_text_int(out, "verified_at", torrent->verified_at);
	settings_tell(out, torrent);
	if (torrent->state == TORRENT_VERIFYING || torrent_verifying(torrent))
		verification_tell(out, env, torrent);
	json_text_close(out, '}');
}

json_t *
answer_torrent(const struct commands_env *env, const struct torrent *torrent)
{
	struct json_text out = {0};

	answer_torrent_text(&out, NULL, env, torrent);
	json_t *json = out.failed ? NULL : json_loadb(out.text, out.len, 0, NULL);
	free(out.text);
	return json;
}
