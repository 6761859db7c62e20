/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What spillway top shows, from the answers of spillwayd. */
#include "control/cli/cli_top.h"

#include "control/base/clock.h"

#include <stdlib.h>
#include <string.h>

const struct top_limit_name top_limit_names[TOP_LIMITS_CNT] = {
	{"requests", "their requests"}, {"disk", "disk"},       {"window", "their windows"},
	{"congestion", "congestion"},   {"pacing", "limits"},   {"recovery", "losses"},
	{"sending", "nothing"},
};

double
top_number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

const char *
top_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && text[0] != '\0' ? text : "-";
}

/* ---- Asking. */

static void
peer_take(json_t *line, void *ctx)
{
	json_array_append(ctx, json_object_get(line, "peer"));
}

/* ask returns the final line of a command, or NULL. */
static json_t *
ask(const struct cli *cli, const char *command, json_t *peers)
{
	struct cli_call call = {
		.request = json_pack("{s:s}", "command", command),
		.fd = -1,
		.on_line = peers != NULL ? peer_take : NULL,
		.ctx = peers,
	};
	json_t *final;

	return cli_call(cli, &call, &final) == CLI_DONE ? final : NULL;
}

/* before_note keeps what each torrent had uploaded, for the next rates. */
static void
before_note(struct top_view *view)
{
	json_t *torrent;
	size_t i;

	json_decref(view->before);
	view->before = json_object();
	json_array_foreach(view->torrents, i, torrent)
		json_object_set(view->before, top_text(torrent, "info_hash"),
		                json_object_get(torrent, "uploaded_bytes"));
}

/* ---- Rates. */

static double
rate_since(double now, double before, double span_s)
{
	return span_s > 0 && now > before ? (now - before) / span_s : 0;
}

static double
torrent_rate(const struct top_view *view, const json_t *torrent)
{
	const json_t *before = json_object_get(view->before, top_text(torrent, "info_hash"));

	return before == NULL ? 0
	                      : rate_since(top_number(torrent, "uploaded_bytes"),
	                                   json_number_value(before), view->span_s);
}

static double
peer_rate(const struct top_view *view, const json_t *peer)
{
	(void)view;
	return top_number(peer, "rate_bytes_per_s");
}

static int
row_compare(const void *left, const void *right)
{
	const struct top_row *l = left, *r = right;

	if (l->rate_bytes_per_s != r->rate_bytes_per_s)
		return l->rate_bytes_per_s < r->rate_bytes_per_s ? 1 : -1;
	return strcmp(top_text(l->object, "name"), top_text(r->object, "name"));
}

/* rows_make returns the objects of an array with their rates, sorted; cnt is out. */
static struct top_row *
rows_make(const struct top_view *view, const json_t *array,
          double (*rate)(const struct top_view *view, const json_t *object), size_t *cnt)
{
	struct top_row *rows = calloc(json_array_size(array) + 1, sizeof(*rows));

	*cnt = rows != NULL ? json_array_size(array) : 0;
	for (size_t i = 0; i < *cnt; i++) {
		rows[i].object = json_array_get(array, i);
		rows[i].rate_bytes_per_s = rate(view, rows[i].object);
	}
	if (rows != NULL)
		qsort(rows, *cnt, sizeof(*rows), row_compare);
	return rows;
}

static void
limits_count(struct top_view *view)
{
	json_t *peer;
	size_t i;

	memset(view->limit_cnt, 0, sizeof(view->limit_cnt));
	json_array_foreach(view->peers, i, peer)
		for (size_t k = 0; k < TOP_LIMITS_CNT; k++)
			if (strcmp(top_text(peer, "limit"), top_limit_names[k].name) == 0)
				view->limit_cnt[k]++;
}

static void
totals_take(struct top_view *view)
{
	const json_t *totals = json_object_get(view->stats, "totals");
	double payload_bytes = top_number(totals, "payload_bytes");
	double disk_bytes = top_number(totals, "disk_bytes");
	double cpu_s = top_number(totals, "dataplane_cpu_seconds");

	view->upload_bytes_per_s = rate_since(payload_bytes, view->payload_bytes, view->span_s);
	view->disk_bytes_per_s = rate_since(disk_bytes, view->disk_bytes, view->span_s);
	view->cores = rate_since(cpu_s, view->cpu_s, view->span_s);
	view->payload_bytes = payload_bytes;
	view->disk_bytes = disk_bytes;
	view->cpu_s = cpu_s;
}

static void
history_add(struct top_view *view)
{
	if (view->span_s <= 0)
		return;
	if (view->history_cnt == TOP_HISTORY)
		memmove(view->history, view->history + 1, --view->history_cnt * sizeof(double));
	view->history[view->history_cnt++] = view->upload_bytes_per_s;
}

static void
rows_free(struct top_view *view)
{
	free(view->torrent_row);
	free(view->peer_row);
	view->torrent_row = view->peer_row = NULL;
	view->torrent_cnt = view->peer_cnt = 0;
}

/* view_take replaces the answers by new ones, which it takes over. */
static void
view_take(struct top_view *view, json_t *stats, json_t *active, json_t *peers)
{
	int64_t now_ms = clock_now_ms();

	rows_free(view);
	before_note(view);
	json_decref(view->stats);
	json_decref(view->torrents);
	json_decref(view->peers);
	view->stats = stats;
	view->torrents = json_incref(json_object_get(active, "torrents"));
	view->peers = peers;
	json_decref(active);
	view->span_s = view->at_ms != 0 ? (double)(now_ms - view->at_ms) / 1000 : 0;
	view->at_ms = now_ms;
	totals_take(view);
	history_add(view);
	limits_count(view);
	view->torrent_row = rows_make(view, view->torrents, torrent_rate, &view->torrent_cnt);
	view->peer_row = rows_make(view, view->peers, peer_rate, &view->peer_cnt);
}

void
top_view_refresh(struct top_view *view, const struct cli *cli)
{
	struct cli quiet = *cli;
	json_t *peers = json_array();

	quiet.quiet = true;
	json_t *stats = ask(&quiet, "stats", NULL);
	json_t *active = stats != NULL ? ask(&quiet, "active", NULL) : NULL;
	view->reachable = active != NULL;
	if (!view->reachable) {
		json_decref(stats);
		json_decref(peers);
		return;
	}
	/* Without a dataplane there are no peers to tell of, which is no reason to show nothing. */
	json_decref(ask(&quiet, "peers", peers));
	view_take(view, stats, active, peers);
}

void
top_view_free(struct top_view *view)
{
	rows_free(view);
	json_decref(view->stats);
	json_decref(view->torrents);
	json_decref(view->peers);
	json_decref(view->before);
}

/* ---- JSON. */

static json_t *
torrents_json(const struct top_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < view->torrent_cnt; i++) {
		json_t *torrent = json_deep_copy(view->torrent_row[i].object);
		json_object_set_new(torrent, "rate_bytes_per_s",
		                    json_real(view->torrent_row[i].rate_bytes_per_s));
		json_array_append_new(array, torrent);
	}
	return array;
}

json_t *
top_view_json(const struct top_view *view)
{
	json_t *limits = json_object();

	for (size_t i = 0; i < TOP_LIMITS_CNT; i++)
		json_object_set_new(limits, top_limit_names[i].name,
		                    json_integer(view->limit_cnt[i]));
	return json_pack("{s:b, s:f, s:f, s:f, s:I, s:o, s:o}", "ok", view->reachable,
	                 "upload_bytes_per_s", view->upload_bytes_per_s,
	                 "disk_bytes_per_s", view->disk_bytes_per_s,
	                 "cores", view->cores,
	                 "peers", (json_int_t)view->peer_cnt,
	                 "peers_limited_by", limits,
	                 "torrents", torrents_json(view));
}
