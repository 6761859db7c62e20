/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* torrent-get. The answer is made piece by piece: torrents are added to a text until it is as long
 * as is wanted or TR_SLICE_MS have passed, and the loop's other work comes between. */
#include "control/api/transmission_view.h"

#include "control/commands/answer.h"
#include "control/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum get_phase {
	GET_HEAD,
	GET_TORRENTS,
	GET_REMOVED,
	GET_DONE,
};

struct get {
	struct transmission *t;
	enum get_phase phase;
	bool table;    /* "format": arrays, of which the first has the names */
	bool is_first; /* no torrent was told yet */
	struct tr_ids ids;
	const struct tr_field *field[TR_FIELDS_MAX];
	size_t field_cnt;
	bool needs_peers;
	json_t *tag;
	struct tr_peers peers;
	uint32_t peers_id; /* the torrent whose peers are being asked for; 0: none */
	char *text;        /* made and not given away: [text_off, text_len) */
	size_t text_off, text_len, text_room;
	bool failed;
};

/* ---- The text. */

/* given_drop gives up the room of what was given away. */
static void
given_drop(struct get *g)
{
	if (g->text_off == 0)
		return;
	g->text_len -= g->text_off;
	memmove(g->text, g->text + g->text_off, g->text_len);
	g->text_off = 0;
}

static void
text_add(struct get *g, const char *text, size_t len)
{
	if (g->text_off == g->text_len || g->text_len + len > g->text_room)
		given_drop(g);
	if (g->text_len + len > g->text_room) {
		size_t room = (g->text_len + len) * 2;
		char *more = realloc(g->text, room);
		g->failed |= more == NULL;
		if (more == NULL)
			return;
		g->text = more;
		g->text_room = room;
	}
	memcpy(g->text + g->text_len, text, len);
	g->text_len += len;
}

static void
text_add_json(struct get *g, json_t *json)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	json_decref(json);
	g->failed |= text == NULL;
	if (text != NULL)
		text_add(g, text, strlen(text));
	free(text);
}

/* ---- A torrent. */

static json_t *
torrent_json(const struct get *g, const struct tr_view *v)
{
	json_t *json = g->table ? json_array() : json_object();

	for (size_t i = 0; json != NULL && i < g->field_cnt; i++) {
		json_t *value = g->field[i]->make(v);
		if (value == NULL)
			value = json_null();
		if (g->table)
			json_array_append_new(json, value);
		else
			json_object_set_new_nocheck(json, g->field[i]->name, value);
	}
	return json;
}

static void
torrent_add(struct get *g, const struct torrent *torrent)
{
	struct tr_loan loan = {0};
	struct tr_view v = {
		.t = g->t,
		.torrent = torrent,
		.whole = torrents_whole(torrent),
		.rate = rates_of(g->t->rates, torrent->id),
		.now = time(NULL),
		.loan = &loan,
		.peers = g->peers.list,
	};

	text_add(g, ",", g->is_first ? 0 : 1);
	text_add_json(g, torrent_json(g, &v));
	g->is_first = false;
	tr_loan_end(&loan);
}

/* next_add adds the next torrent. Returns false when it has to wait for its peers. */
static bool
next_add(struct get *g)
{
	struct torrents *torrents = g->t->env->registry->torrents;
	struct torrent *torrent = g->peers_id != 0 ? torrents_by_id(torrents, g->peers_id)
	                                           : tr_ids_next(&g->ids, torrents);

	if (torrent == NULL && g->peers_id == 0) {
		g->phase = GET_REMOVED;
		return true;
	}
	if (torrent != NULL && g->needs_peers &&
	    torrents_whole(torrent).peer_cnt > 0 && !tr_peers_ask(g->t, torrent->id, &g->peers)) {
		g->peers_id = torrent->id;
		return false;
	}
	if (torrent != NULL && !torrent->gone)
		torrent_add(g, torrent);
	tr_peers_drop(g->t, &g->peers);
	g->peers_id = 0;
	return true;
}

/* ---- Around the torrents. */

static void
head_add(struct get *g)
{
	static const char head[] = "{\"arguments\":{\"torrents\":[";
	json_t *names = g->table ? json_array() : NULL;

	text_add(g, head, sizeof(head) - 1);
	for (size_t i = 0; g->table && i < g->field_cnt; i++)
		json_array_append_new(names, json_string(g->field[i]->name));
	if (g->table)
		text_add_json(g, names);
	g->is_first = !g->table;
	g->phase = GET_TORRENTS;
}

static void
removed_add(struct get *g)
{
	struct torrents *torrents = g->t->env->registry->torrents;
	json_t *ids = json_array();
	uint64_t serial = g->ids.serial;

	for (const struct torrents_removed *r = torrents_removed_after(torrents, serial); r != NULL;
	     r = torrents_removed_after(torrents, serial)) {
		json_array_append_new(ids, json_integer(r->id));
		serial = r->serial;
	}
	text_add(g, ",\"removed\":", 11);
	text_add_json(g, ids);
}

static void
tail_add(struct get *g)
{
	text_add(g, "]", 1);
	if (g->ids.kind == TR_IDS_RECENT)
		removed_add(g);
	text_add(g, "},\"result\":\"success\"", 20);
	if (g->tag != NULL) {
		text_add(g, ",\"tag\":", 7);
		text_add_json(g, json_incref(g->tag));
	}
	text_add(g, "}\n", 2);
	g->phase = GET_DONE;
}

/* ---- The stream. */

/* step goes on. Returns false when there is nothing to do now. */
static bool
step(struct get *g)
{
	switch (g->phase) {
	case GET_HEAD:
		head_add(g);
		return true;
	case GET_TORRENTS:
		return next_add(g);
	case GET_REMOVED:
		tail_add(g);
		return true;
	default:
		return false;
	}
}

static ssize_t
get_next(void *ctx, char *out, size_t max)
{
	struct get *g = ctx;
	int64_t until_ms = clock_now_ms() + TR_SLICE_MS;

	bool goes_on = true;
	while (g->text_len - g->text_off < max && !g->failed && goes_on && clock_now_ms() < until_ms)
		goes_on = step(g);
	if (goes_on && g->text_off == g->text_len)
		text_add(g, "\n", 1); /* between two torrents: something, so that it is our turn again */
	size_t len = g->text_len - g->text_off < max ? g->text_len - g->text_off : max;
	if (g->failed)
		return -2;
	if (len == 0)
		return g->phase == GET_DONE ? -1 : 0;
	memcpy(out, g->text + g->text_off, len);
	g->text_off += len;
	return (ssize_t)len;
}

static void
get_end(void *ctx)
{
	struct get *g = ctx;

	tr_peers_drop(g->t, &g->peers);
	tr_ids_free(&g->ids);
	json_decref(g->tag);
	free(g->text);
	free(g);
}

/* ---- The request. */

static bool
is_named(const struct get *g, const struct tr_field *field)
{
	for (size_t i = 0; i < g->field_cnt; i++)
		if (g->field[i] == field)
			return true;
	return false;
}

/* fields_read takes those that are known, each once: tools ask for more than any server has.
 * Returns 0, or -1 after tr_refuse. */
static int
fields_read(struct tr_call *call, struct get *g)
{
	const json_t *list = json_object_get(call->args, "fields");

	if (!json_is_array(list)) {
		tr_refuse(call, "fields: not a list of names");
		return -1;
	}
	for (size_t i = 0; i < json_array_size(list) && g->field_cnt < TR_FIELDS_MAX; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		const struct tr_field *field = name != NULL ? tr_field_find(name) : NULL;
		if (field == NULL || is_named(g, field))
			continue;
		g->field[g->field_cnt++] = field;
		g->needs_peers |= field->needs_peers;
	}
	return 0;
}

static int
format_read(struct tr_call *call, struct get *g)
{
	const char *format = "objects";

	if (tr_text(call, "format", &format) < 0)
		return -1;
	g->table = strcmp(format, "table") == 0;
	if (g->table || strcmp(format, "objects") == 0)
		return 0;
	tr_refuse(call, "format: neither objects nor table");
	return -1;
}

void
tr_torrent_get(struct tr_call *call)
{
	struct get *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		tr_refuse(call, "out of memory");
		return;
	}
	g->t = call->t;
	rates_want(call->t->rates);
	tally_stats(call->t->env->tally);
	if (fields_read(call, g) != 0 || format_read(call, g) != 0 || tr_ids_read(call, &g->ids) != 0) {
		get_end(g);
		return;
	}
	g->tag = call->tag != NULL ? json_deep_copy(call->tag) : NULL;
	call->stream = (struct http_stream){.next = get_next, .end = get_end, .ctx = g};
}
