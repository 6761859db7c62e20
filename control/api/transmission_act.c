/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Methods that do something to each torrent of many. */
#include "control/api/transmission_parts.h"

#include "control/base/clock.h"
#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_MAX = 64, /* torrents in one change on disk */
};

struct acting {
	struct acting *next;
	struct tr_act act;
	struct tr_ids ids;
	bool is_done;
	bool failed;
	bool wanted;      /* by its stream, which frees it then; else whoever does it */
	struct fail fail; /* the first */
	json_t *tag;
	char *text;       /* the answer */
	size_t text_off, text_len;
	struct tr_item item[BATCH_MAX];
};

static void
acting_free(struct acting *a)
{
	tr_ids_free(&a->ids);
	json_decref(a->tag);
	free(a->text);
	free(a);
}

/* ---- Doing it. */

static void
failure_note(struct acting *a, int err, const struct fail *fail)
{
	if (err != 0 && !a->failed)
		a->fail = *fail;
	a->failed |= err != 0;
}

static int
items_change(struct acting *a, uint32_t cnt, struct fail *fail)
{
	struct registry_change change[BATCH_MAX];

	for (uint32_t i = 0; i < cnt; i++)
		change[i] = a->item[i].change;
	struct registry_batch batch = {.change = change, .change_cnt = cnt};
	return cnt > 0 ? registry_apply(a->act.t->env->registry, &batch, fail) : 0;
}

/* batch_run takes up to BATCH_MAX torrents. Returns false after the last. */
static bool
batch_run(struct acting *a)
{
	struct torrents *torrents = a->act.t->env->registry->torrents;
	struct torrent *torrent = NULL;
	struct fail fail;
	uint32_t cnt = 0;

	while (cnt < BATCH_MAX && (torrent = tr_ids_next(&a->ids, torrents)) != NULL) {
		struct tr_item *item = &a->item[cnt];
		*item = (struct tr_item){.torrent = torrent, .settings = torrent->settings};
		item->change.torrent = torrent;
		int err = a->act.do_one(&a->act, item, &fail);
		failure_note(a, err, &fail);
		if (!a->act.changes)
			return true; /* one at a time: each may take long */
		cnt += err == 0;
	}
	failure_note(a, items_change(a, cnt, &fail), &fail);
	return torrent != NULL;
}

/* slice_run goes on until it is done or time is up. */
static void
slice_run(struct acting *a)
{
	int64_t until_ms = clock_now_ms() + TR_SLICE_MS;

	do
		a->is_done = !batch_run(a);
	while (!a->is_done && clock_now_ms() < until_ms);
}

bool
tr_acts_run(struct transmission *t)
{
	struct acting *a = t->acts;

	if (a == NULL)
		return false;
	slice_run(a);
	if (a->is_done) {
		t->acts = a->next;
		if (!a->wanted)
			acting_free(a);
	}
	return t->acts != NULL;
}

void
tr_acts_drop(struct transmission *t)
{
	while (t->acts != NULL) {
		struct acting *a = t->acts;
		t->acts = a->next;
		acting_free(a); /* its stream has ended: see transmission_destroy */
	}
}

/* ---- Telling. */

static ssize_t
act_next(void *ctx, char *out, size_t max)
{
	struct acting *a = ctx;

	if (!a->is_done)
		return 0;
	if (a->text == NULL) {
		a->text = tr_envelope(a->failed ? a->fail.text : "success", json_object(), a->tag);
		if (a->text == NULL)
			return -2;
		a->text_len = strlen(a->text);
	}
	size_t left = a->text_len - a->text_off, len = left < max ? left : max;
	memcpy(out, a->text + a->text_off, len);
	a->text_off += len;
	return len > 0 ? (ssize_t)len : -1;
}

static void
act_end(void *ctx)
{
	struct acting *a = ctx;

	a->wanted = false;
	if (a->is_done)
		acting_free(a);
}

void
tr_act_begin(struct tr_call *call, const struct tr_act *act)
{
	struct acting *a = calloc(1, sizeof(*a)), **last = &call->t->acts;

	if (a == NULL) {
		tr_refuse(call, "out of memory");
		return;
	}
	a->act = *act;
	a->act.t = call->t;
	if (tr_ids_read(call, &a->ids) != 0) {
		free(a);
		return;
	}
	if (*last == NULL)
		slice_run(a);
	if (a->is_done) {
		if (a->failed)
			tr_refuse(call, "%s", a->fail.text);
		acting_free(a);
		return;
	}
	while (*last != NULL)
		last = &(*last)->next;
	*last = a;
	a->wanted = true;
	a->tag = call->tag != NULL ? json_deep_copy(call->tag) : NULL;
	call->stream = (struct http_stream){.next = act_next, .end = act_end, .ctx = a};
}

/* ---- Start and stop. */

static int
start_one(const struct tr_act *act, struct tr_item *item, struct fail *fail)
{
	(void)act, (void)fail;
	item->settings.paused = false;
	item->change.settings = &item->settings;
	return 0;
}

static int
stop_one(const struct tr_act *act, struct tr_item *item, struct fail *fail)
{
	(void)act, (void)fail;
	item->settings.paused = true;
	item->change.settings = &item->settings;
	return 0;
}

void
tr_torrent_start(struct tr_call *call)
{
	tr_act_begin(call, &(struct tr_act){.do_one = start_one, .changes = true});
}

void
tr_torrent_stop(struct tr_call *call)
{
	tr_act_begin(call, &(struct tr_act){.do_one = stop_one, .changes = true});
}

/* ---- Remove. */

static int
remove_one(const struct tr_act *act, struct tr_item *item, struct fail *fail)
{
	(void)act, (void)fail;
	log_info("torrent_removed", "id=%" PRIu32 " name=%s", item->torrent->id,
	         LOG_QUOTE(item->torrent->name));
	item->change.remove = true;
	return 0;
}

void
tr_torrent_remove(struct tr_call *call)
{
	bool deletes = false;

	if (tr_bool(call, "delete-local-data", &deletes) < 0)
		return;
	if (deletes)
		tr_refuse(call, "delete-local-data: Spillway never deletes content; nothing was removed");
	else
		tr_act_begin(call, &(struct tr_act){.do_one = remove_one, .changes = true});
}

/* ---- Verify. */

/* verify_here reads what is there again; what is served goes on being served meanwhile. */
static int
verify_here(const struct tr_act *act, struct torrent *torrent, struct fail *fail)
{
	int err;

	if (torrent_verifying(torrent))
		return 0; /* it is under way */
	err = registry_verify(act->t->env->registry, &torrent, 1, fail);
	if (err == 0)
		work_verify(act->t->env->work, torrent);
	return err;
}

int
tr_verify_one(const struct tr_act *act, struct tr_item *item, struct fail *fail)
{
	struct registry_wish wish = {.class_name = "", .data_dir = act->location};
	int err;

	if (act->location[0] == '\0')
		return verify_here(act, item->torrent, fail);
	err = registry_reverify(act->t->env->registry, item->torrent, &wish, fail);
	if (err == 0)
		work_verify(act->t->env->work, item->torrent);
	return err;
}

void
tr_torrent_verify(struct tr_call *call)
{
	tr_act_begin(call, &(struct tr_act){.do_one = tr_verify_one});
}

/* ---- Reannounce. */

/* announce_one has trackers told at once, as far as their min interval allows: what may not be yet
 * is no failure, tools ask this of all torrents. */
static int
announce_one(const struct tr_act *act, struct tr_item *item, struct fail *fail)
{
	uint32_t wait_s;

	(void)fail;
	announce_now(act->t->env->announce, item->torrent, &wait_s);
	return 0;
}

void
tr_torrent_reannounce(struct tr_call *call)
{
	if (!call->t->env->options->announce)
		tr_refuse(call, "nothing is announced: the option announce is no");
	else
		tr_act_begin(call, &(struct tr_act){.do_one = announce_one});
}
