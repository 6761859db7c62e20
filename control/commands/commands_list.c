/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The torrents, all of them or those that changed. */
#include "control/commands/commands_list.h"

#include "control/commands/answer.h"
#include "control/link/tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIST_TURN_MAX = 256, /* torrents looked at in one turn of the loop */
};

/* changed_take notes what changed after watch->since. */
static int
changed_take(const struct torrents *torrents, struct list_watch *watch, struct fail *fail)
{
	int err = 0;

	for (const struct torrent *t = torrents_changed_after(torrents, watch->since);
	     err == 0 && t != NULL; t = t->changed_next)
		err = id_list_add(&watch->changed, t->id);
	return err == 0 ? 0 : fail_set(fail, -err, "out of memory");
}

static int
filter_read(const json_t *request, const char *name, char *out, size_t room, struct fail *fail)
{
	const json_t *member = json_object_get(request, name);
	const char *text = json_string_value(member);

	out[0] = '\0';
	if (member == NULL)
		return 0;
	if (text == NULL || (size_t)snprintf(out, room, "%s", text) >= room)
		return fail_set(fail, EINVAL, "\"%s\" is not a text of less than %zu bytes", name, room);
	return 0;
}

static int
state_check(const char *state, struct fail *fail)
{
	if (state[0] == '\0' || answer_state_known(state))
		return 0;
	return fail_set(fail, EINVAL, "no state \"%.20s\": there are " ANSWER_STATES, state);
}

int
list_watch_begin(const struct commands_env *env, struct list_watch *watch, const json_t *request,
                 struct fail *fail)
{
	const struct torrents *torrents = env->registry->torrents;
	const json_t *since = json_object_get(request, "since");

	*watch = (struct list_watch){0};
	int err = filter_read(request, "label", watch->label, sizeof(watch->label), fail);
	if (err == 0)
		err = filter_read(request, "state", watch->state, sizeof(watch->state), fail);
	if (err == 0)
		err = state_check(watch->state, fail);
	if (err == 0 && since != NULL && (!json_is_integer(since) || json_integer_value(since) < 0))
		err = fail_set(fail, EINVAL, "\"since\" is not a serial");
	if (err != 0)
		return err;
	tally_stats(env->tally);
	watch->serial = torrents_serial(torrents);
	if (since == NULL)
		return 0;
	watch->since = (uint64_t)json_integer_value(since);
	watch->is_since = torrents_serial_known(torrents, watch->since);
	watch->is_reset = !watch->is_since;
	if (watch->is_since)
		err = changed_take(torrents, watch, fail);
	if (err != 0)
		list_watch_drop(watch);
	return err;
}

void
list_watch_drop(struct list_watch *watch)
{
	id_list_free(&watch->changed);
	free(watch->line.text);
	watch->line = (struct json_text){0};
}

static bool
is_wanted(const struct list_watch *watch, const struct torrent *t)
{
	if (watch->label[0] != '\0' && !labels_have(t->labels, watch->label))
		return false;
	return watch->state[0] == '\0' || strcmp(answer_state(t), watch->state) == 0;
}

/* next finds the torrent to look at. Returns false when that was all; *t is NULL for one that has
 * gone meanwhile. */
static bool
next(const struct torrents *torrents, struct list_watch *watch, struct torrent **t)
{
	uint32_t id;

	if (watch->is_since) {
		if (!id_list_take(&watch->changed, &id))
			return false;
		*t = torrents_by_id(torrents, id);
		return true;
	}
	*t = torrents_after(torrents, watch->id_last);
	if (*t == NULL)
		return false;
	watch->id_last = (*t)->id;
	return true;
}

static void
removed_send(const struct commands_env *env, uint64_t client, uint32_t id, const uint8_t *hash)
{
	rpc_send(env->rpc, client,
	         json_pack("{s:{s:I, s:o}}", "removed", "id", (json_int_t)id, "info_hash",
	                   answer_hex(hash, 20)),
	         false);
}

/* torrent_send writes into line, which keeps its memory. */
static void
torrent_send(const struct commands_env *env, uint64_t client, struct json_text *line,
             const struct torrent *t)
{
	line->len = 0;
	json_text_open(line, NULL, '{');
	answer_torrent_text(line, "torrent", env, t);
	json_text_close(line, '}');
	rpc_send_text(env->rpc, client, line->failed ? NULL : line->text, line->len);
}

/* tell tells of one torrent; who asks for changes has to know too what no longer is in the list. */
static void
tell(const struct commands_env *env, uint64_t client, struct list_watch *watch,
     const struct torrent *t)
{
	if (t->gone)
		return;
	if (is_wanted(watch, t)) {
		watch->sent_cnt++;
		torrent_send(env, client, &watch->line, t);
	} else if (watch->is_since) {
		removed_send(env, client, t->id, t->info_hash);
	}
}

/* finish tells what was removed, and ends the request. There are TORRENTS_REMOVED_MAX at most. */
static void
finish(const struct commands_env *env, uint64_t client, struct list_watch *watch)
{
	const struct torrents *torrents = env->registry->torrents;
	const struct torrents_removed *removed = NULL;
	uint64_t serial = watch->since;

	while (watch->is_since && (removed = torrents_removed_after(torrents, serial)) != NULL &&
	       removed->serial <= watch->serial) {
		removed_send(env, client, removed->id, removed->info_hash);
		serial = removed->serial;
	}
	rpc_send(env->rpc, client,
	         json_pack("{s:b, s:I, s:b, s:I}", "ok", 1, "torrents", (json_int_t)watch->sent_cnt,
	                   "reset", watch->is_reset, "serial", (json_int_t)watch->serial),
	         true);
	list_watch_drop(watch);
}

bool
list_watch_run(const struct commands_env *env, uint64_t client, struct list_watch *watch)
{
	struct torrent *t;

	for (int i = 0; i < LIST_TURN_MAX && rpc_hungry(env->rpc, client); i++) {
		if (!next(env->registry->torrents, watch, &t)) {
			finish(env, client, watch);
			return true;
		}
		if (t != NULL)
			tell(env, client, watch, t);
	}
	return false;
}
