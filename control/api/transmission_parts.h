/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* transmission_parts.h is what the files of transmission.h share: transmission.c (the envelope and
 * the table of methods) and a file per group of methods.
 *
 * A method reads call->args and adds to call->out, or refuses by tr_refuse; one that would take
 * long, with very many torrents, leaves a stream that does it piece by piece.
 */
#ifndef SPILLWAY_CONTROL_API_TRANSMISSION_PARTS_H
#define SPILLWAY_CONTROL_API_TRANSMISSION_PARTS_H

#include "control/base/labels.h"
#include "control/api/rates.h"
#include "control/catalogue/registry_batch.h"
#include "control/api/transmission.h"

#include <stdarg.h>

enum tr_limit {
	TR_SLICE_MS = 4,        /* of work in one turn of the loop, at the most */
	TR_RECENT_S = 60,       /* what changed since is "recently-active" */
	TR_MARKS_MAX = TR_RECENT_S + 4,
	TR_FIELDS_MAX = 128,    /* fields of one torrent-get */
	TR_KILO = 1000,         /* bytes of a kB in limits, as session-get tells in "units" */
};

struct transmission {
	const struct commands_env *env;
	struct rates *rates;
	char session[TRANSMISSION_SESSION_LEN + 1];
	int64_t began_ms;
	struct {
		int64_t at_ms;
		uint64_t serial; /* the last one at that time */
	} mark[TR_MARKS_MAX]; /* a ring of seconds */
	unsigned mark_cnt;    /* that were ever made */
	struct acting *acts;  /* being done, the oldest first */
};

/* The body of a request. */
struct tr_body {
	json_t *json;         /* an object, the caller's */
	const char *metainfo; /* a long .torrent in base64, as it stands in the body; in json it is "".
	                       * NULL: there is none */
	size_t metainfo_len;
};

/* tr_body_parse parses a body, which must outlive body->metainfo.
 * Returns 0 or a negative errno with fail. */
int
tr_body_parse(struct tr_body *parsed, const char *body, size_t len, struct fail *fail);

/* A request that is being answered. */
struct tr_call {
	struct transmission *t;
	const struct tr_body *body;
	const json_t *args; /* an object; borrowed */
	const json_t *tag;  /* a number or NULL; borrowed */
	json_t *out;        /* arguments of the answer */
	bool refused;
	char text[FAIL_TEXT_MAX]; /* why */
	struct http_stream stream; /* instead of out, when next is not NULL */
};

/* tr_refuse makes the answer's result a text. */
void
tr_refuse(struct tr_call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* tr_envelope makes the whole text of an answer, to be freed; NULL when out of memory.
 *
 * out  arguments, taken over. */
char *
tr_envelope(const char *result, json_t *out, const json_t *tag);

/* tr_text, tr_number and tr_bool read an argument. Each returns 1 with *value, 0 when it is not
 * there, or -1 after tr_refuse: it is of another type. A whole number is taken for a boolean. */
int
tr_text(struct tr_call *call, const char *name, const char **value);
int
tr_number(struct tr_call *call, const char *name, json_int_t *value);
int
tr_bool(struct tr_call *call, const char *name, bool *value);

/* ---- transmission_ids.c: which torrents a request means (spec 3.1). */

enum tr_ids_kind {
	TR_IDS_ALL,    /* "ids" is left out */
	TR_IDS_LIST,   /* ids and info hashes; those that are not known are passed over */
	TR_IDS_RECENT, /* "recently-active" */
};

struct tr_ids {
	enum tr_ids_kind kind;
	uint32_t *list; /* ascending, each once; not of TR_IDS_ALL */
	size_t cnt;
	size_t next;       /* in list */
	uint32_t last_id;  /* of TR_IDS_ALL */
	uint64_t serial;   /* of TR_IDS_RECENT: what was removed after it is "removed" */
};

/* tr_ids_read returns 0 with ids, to be freed by tr_ids_free, or -1 after tr_refuse. */
int
tr_ids_read(struct tr_call *call, struct tr_ids *ids);

/* tr_ids_next returns the next torrent, or NULL after the last. */
struct torrent *
tr_ids_next(struct tr_ids *ids, struct torrents *torrents);

/* tr_ids_free frees everything. */
void
tr_ids_free(struct tr_ids *ids);

/* ---- transmission_act.c: something is done to each torrent that a request means. */

/* What is to become of one torrent. */
struct tr_item {
	struct torrent *torrent;
	struct torrent_settings settings; /* as they are */
	struct registry_change change;    /* of nothing */
};

/* What is to be done. */
struct tr_act {
	/* do_one does it, or fills item->change, which is then made together with others.
	 * Returns 0, or a negative errno with fail, of which the first is the answer's result. */
	int (*do_one)(const struct tr_act *act, struct tr_item *item, struct fail *fail);
	struct transmission *t;
	bool changes;   /* do_one fills change */
	bool sets_rate, sets_weight, sets_connections, sets_labels; /* torrent-set has those: */
	bool keeps_rate_none; /* sets_rate only where there is a rate already */
	uint64_t rate_bytes_per_s;
	uint32_t weight;
	uint32_t connections_max;
	char labels[LABELS_TEXT_MAX];
	char location[PATH_MAX]; /* "": as it is */
};

/* tr_act_begin does an act, which is copied, to the torrents of call: at once as far as TR_SLICE_MS
 * go, the rest in the turns after, in the order of requests, whether or not the client waits. */
void
tr_act_begin(struct tr_call *call, const struct tr_act *act);

/* tr_acts_run goes on with acts. Returns true while there are more. */
bool
tr_acts_run(struct transmission *t);

/* tr_acts_drop forgets acts that are not done. */
void
tr_acts_drop(struct transmission *t);

/* tr_verify_one is the do_one that verifies a torrent, in act->location when that is not "". */
int
tr_verify_one(const struct tr_act *act, struct tr_item *item, struct fail *fail);

/* ---- transmission_set.c */

/* tr_labels_read reads "labels" into labels. Returns as tr_text. */
int
tr_labels_read(struct tr_call *call, char labels[LABELS_TEXT_MAX]);

/* tr_settings_read reads the settings of a torrent into act. Returns 0 or -1 after tr_refuse. */
int
tr_settings_read(struct tr_call *call, struct tr_act *act);

/* tr_settings_apply changes settings as act says. Returns false when it says nothing of them. */
bool
tr_settings_apply(const struct tr_act *act, struct torrent_settings *settings);

/* ---- transmission_add.c */

/* tr_dir_check judges a directory that content is said to be in: absolute, there, and under one of
 * the option api_roots.
 *
 * real  out: the path to keep. With api_roots it is the one that was judged, without symbolic
 *       links, for those may lead elsewhere later; without it is dir.
 * Returns 0 or a negative errno with fail. */
int
tr_dir_check(const struct transmission *t, const char *dir, char real[PATH_MAX],
             struct fail *fail);

/* ---- transmission_session.c */

/* tr_download_dir writes where content is when torrent-add does not say. Returns dir. */
const char *
tr_download_dir(const struct transmission *t, char dir[PATH_MAX]);

/* tr_start_added is true when a torrent is served at once that torrent-add does not call paused. */
bool
tr_start_added(const struct transmission *t);

/* ---- transmission_limits.c */

/* tr_limits_tell adds the session's limits to what session-get tells. */
void
tr_limits_tell(const struct transmission *t, json_t *json);

/* tr_limits_set changes the limits that session-set asks for. Returns false after tr_refuse. */
bool
tr_limits_set(struct tr_call *call);

/* ---- The methods. */

void tr_torrent_get(struct tr_call *call);
void tr_torrent_add(struct tr_call *call);
void tr_torrent_set(struct tr_call *call);
void tr_torrent_set_location(struct tr_call *call);
void tr_torrent_remove(struct tr_call *call);
void tr_torrent_start(struct tr_call *call);
void tr_torrent_stop(struct tr_call *call);
void tr_torrent_verify(struct tr_call *call);
void tr_torrent_reannounce(struct tr_call *call);
void tr_session_get(struct tr_call *call);
void tr_session_set(struct tr_call *call);
void tr_session_stats(struct tr_call *call);
void tr_blocklist_update(struct tr_call *call);
void tr_free_space(struct tr_call *call);

#endif
