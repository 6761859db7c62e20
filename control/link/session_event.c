/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What the dataplane says: answers and events. */
#include "control/link/session_state.h"

#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- Answers. */

static int
on_welcome(struct session *session, struct dpclient_event *event, struct fail *fail)
{
	const struct abi_welcome *welcome = &event->msg.u.welcome;
	int err = tally_welcome(session->tally, welcome, event->fd, fail);

	if (err != 0)
		return err;
	if (welcome->worker != session->worker)
		return fail_set(fail, EPROTO,
		                "worker %" PRIu32 " of the dataplane answers as worker %" PRIu32,
		                session->worker, welcome->worker);
	session->welcome = *welcome;
	session->welcome.port_text[sizeof(session->welcome.port_text) - 1] = '\0';
	session->phase = SESSION_LISTING;
	log_info("dataplane_ready",
	         "worker=%" PRIu32 " pid=%" PRIu32 " boot=%016" PRIx64 " torrents=%" PRIu32 " port=%s",
	         session->worker, welcome->pid, welcome->boot_id, welcome->torrent_cnt,
	         LOG_QUOTE(session->welcome.port_text));
	err = session_ask(session, ABI_LIST, NULL, 0);
	if (err != 0)
		fail_set(fail, -err, "the connection to the dataplane failed: %s", strerror(-err));
	return err;
}

/* list_finish queues every torrent that is not where it should be. */
static void
list_finish(struct session *session)
{
	struct torrents *torrents = session->registry->torrents;
	uint32_t held_cnt = 0, add_cnt = 0;

	for (struct torrent *t = torrents_after(torrents, 0); t != NULL;
	     t = torrents_after(torrents, t->id)) {
		enum torrent_sync sync = session_place(session, t)->sync;
		held_cnt += sync == SYNC_HELD;
		add_cnt += sync == SYNC_ABSENT && torrent_offered(t);
		session_push(session, t);
	}
	session->phase = SESSION_LIVE;
	log_info("dataplane_listed",
	         "worker=%" PRIu32 " held=%" PRIu32 " to_add=%" PRIu32 " to_remove=%" PRIu32,
	         session->worker, held_cnt, add_cnt, session->foreign.cnt);
}

static void
entry_held(struct session *session, struct torrent *t, const struct abi_entry *entry)
{
	struct torrent_place *place = session_place(session, t);

	place->sync = SYNC_HELD;
	place->reclass = entry->congestion != classes_congestion(session->classes, t->class_name) ||
	                 policy_entry_differs(session->policy, t, entry);
	place->active = entry->active != 0;
}

static int
on_held(struct session *session, const struct abi_entries *entries, struct fail *fail)
{
	for (uint32_t i = 0; i < entries->cnt; i++) {
		const struct abi_entry *entry = &entries->entry[i];
		struct torrent *t = torrents_by_id(session->registry->torrents, entry->id);

		if (t != NULL && memcmp(t->info_hash, entry->info_hash, sizeof(t->info_hash)) == 0)
			entry_held(session, t, entry);
		else if (id_list_add(&session->foreign, entry->id) != 0)
			return fail_set(fail, ENOMEM, "out of memory");
	}
	if (entries->last)
		list_finish(session);
	return 0;
}

static const char *const status_texts[ABI_STATUS_CNT] = {
	[ABI_OK] = "ok",
	[ABI_ERR_VERSION] = "other version",
	[ABI_ERR_MESSAGE] = "malformed message",
	[ABI_ERR_UNKNOWN] = "unknown torrent",
	[ABI_ERR_EXISTS] = "id or info_hash already in use",
	[ABI_ERR_FULL] = "a limit is reached",
	[ABI_ERR_LAYOUT] = "inconsistent layout",
	[ABI_ERR_STATE] = "not in this state",
	[ABI_ERR_SYSTEM] = "a system call failed",
	[ABI_ERR_POLICY] = "inconsistent policy",
};

static const char *
status_text(const struct abi_result *result)
{
	return result->status < ABI_STATUS_CNT ? status_texts[result->status] : "unknown status";
}

/* activation_drop ends the activation that is being sent, if it is of that torrent. */
static void
activation_drop(struct session *session, uint32_t id)
{
	if (session->activation == NULL || activation_id(session->activation) != id)
		return;
	activation_end(session->activation);
	session->activation = NULL;
}

static void
entry_done(struct session *session, uint32_t id, enum abi_type asked)
{
	struct torrent *t = torrents_by_id(session->registry->torrents, id);

	if (t == NULL)
		return;
	struct torrent_place *place = session_place(session, t);
	place->sync = asked == ABI_ADD ? SYNC_HELD : SYNC_ABSENT;
	place->activating = false;
	place->add_exists_cnt = 0;
	activation_drop(session, id);
	if (asked == ABI_REMOVE) {
		/* removal raises no ABI_DEACTIVATED */
		tally_fold(session->tally, t, session->worker);
		place->stale = false;
	}
	/* What is wanted may have changed meanwhile. */
	if (!registry_settle(session->registry, t))
		session_push(session, t);
}

static void
entry_failed(struct session *session, uint32_t id, enum abi_type asked,
             const struct abi_result *result)
{
	struct torrent *t = torrents_by_id(session->registry->torrents, id);

	if (asked == ABI_REMOVE && result->status == ABI_ERR_UNKNOWN) {
		entry_done(session, id, asked);
		return;
	}
	/* The one that had this info_hash before is let go first: ABI_REMOVE is queued or sent. */
	if (t != NULL && asked == ABI_ADD && result->status == ABI_ERR_EXISTS &&
	    ++session_place(session, t)->add_exists_cnt < SESSION_ADD_TRIES_MAX) {
		session_place(session, t)->sync = SYNC_ABSENT;
		if (!registry_settle(session->registry, t))
			session_push(session, t);
		return;
	}
	log_warn("dataplane_refused", "worker=%" PRIu32 " id=%" PRIu32 " request=%s reason=%s",
	         session->worker, id, asked == ABI_ADD ? "add" : "remove",
	         LOG_QUOTE(status_text(result)));
	if (t == NULL)
		return;
	session_place(session, t)->sync = SYNC_REFUSED;
	registry_settle(session->registry, t);
}

/* on_entries ends an ABI_ADD or ABI_REMOVE: done_cnt entries were done, the next failed, the rest
 * was not looked at and is queued again. */
static int
on_entries(struct session *session, const struct dpclient_event *event, struct fail *fail)
{
	const struct abi_result *result = &event->msg.u.result;
	struct asked asked = *session_asked(session, event->cookie);
	uint32_t done_cnt = result->status == ABI_OK ? asked.cnt : result->done_cnt;

	if (done_cnt > asked.cnt)
		return fail_set(fail, EPROTO, "the dataplane did more entries than were asked");
	for (uint32_t i = 0; i < done_cnt; i++)
		entry_done(session, asked.ids[i], event->asked);
	if (done_cnt < asked.cnt)
		entry_failed(session, asked.ids[done_cnt], event->asked, result);
	for (uint32_t i = done_cnt + 1; i < asked.cnt; i++) {
		struct torrent *t = torrents_by_id(session->registry->torrents, asked.ids[i]);
		if (t != NULL) {
			session_place(session, t)->sync =
				event->asked == ABI_ADD ? SYNC_ABSENT : SYNC_HELD;
			session_push(session, t);
		} else if (id_list_add(&session->foreign, asked.ids[i]) != 0) {
			return fail_set(fail, ENOMEM, "out of memory");
		}
	}
	return 0;
}

/* on_content ends an ABI_LAYOUT or ABI_FILES. */
static int
on_content(struct session *session, const struct dpclient_event *event)
{
	const struct abi_result *result = &event->msg.u.result;
	const struct asked *asked = session_asked(session, event->cookie);
	uint32_t id = asked->ids[0];
	struct torrent *t = torrents_by_id(session->registry->torrents, id);

	if (result->status == ABI_OK) {
		if (t != NULL && result->active) {
			session_place(session, t)->activating = false;
			session_place(session, t)->active = true;
			torrents_touch(session->registry->torrents, t);
			log_info("torrent_activated", "worker=%" PRIu32 " id=%" PRIu32 " name=%s",
			         session->worker, id, LOG_QUOTE(t->name));
		}
		return 0;
	}
	if (t == NULL || !session_place(session, t)->activating ||
	    asked->activation_serial != session_place(session, t)->activation_serial)
		return 0; /* of an activation that is over */
	log_warn("activation_refused",
	         "worker=%" PRIu32 " id=%" PRIu32 " name=%s reason=%s errno=%d", session->worker, id,
	         LOG_QUOTE(t->name), LOG_QUOTE(status_text(result)), result->sys_errno);
	activation_drop(session, id);
	session_place(session, t)->activating = false;
	/* Unknown: it was removed meanwhile. */
	return result->status == ABI_ERR_UNKNOWN ? 0 : id_list_add(&session->to_refuse, id);
}

static int
on_result(struct session *session, const struct dpclient_event *event, struct fail *fail)
{
	const struct abi_result *result = &event->msg.u.result;

	switch (event->asked) {
	case ABI_ADD:
	case ABI_REMOVE:
		return on_entries(session, event, fail);
	case ABI_LAYOUT:
	case ABI_FILES:
		return on_content(session, event);
	case ABI_PEERS:
	case ABI_TRACE:
	case ABI_USE:
		session_query_answered(session, event);
		return 0;
	case ABI_POLICY:
	case ABI_RATES:
		if (result->status != ABI_OK)
			log_error("policy_refused", "worker=%" PRIu32 " reason=%s", session->worker,
			          LOG_QUOTE(status_text(result)));
		return 0;
	case ABI_HELLO:
	case ABI_LIST:
		return fail_set(fail, EPROTO, "the dataplane refused to talk: %s", status_text(result));
	default:
		return 0;
	}
}

/* ---- Events. */

static int
on_activate(struct session *session, uint32_t id)
{
	struct torrent *t = torrents_by_id(session->registry->torrents, id);

	if (t == NULL || !torrent_offered(t))
		return id_list_add(&session->to_refuse, id);
	struct torrent_place *place = session_place(session, t);
	if (place->activating)
		return 0;
	place->activating = true;
	place->activation_serial = 0;
	return id_list_add(&session->to_activate, id);
}

static void
on_deactivated(struct session *session, const struct abi_deactivated *deactivated)
{
	struct torrent *t = torrents_by_id(session->registry->torrents, deactivated->id);

	if (t == NULL || t->gone)
		return;
	registry_add_uploaded(session->registry, t, deactivated->uploaded_bytes);
	session_place(session, t)->active = false;
	session_place(session, t)->live_uploaded_bytes = 0;
	torrents_touch(session->registry->torrents, t);
	log_info("torrent_deactivated",
	         "worker=%" PRIu32 " id=%" PRIu32 " name=%s uploaded_bytes=%" PRIu64, session->worker,
	         t->id, LOG_QUOTE(t->name), deactivated->uploaded_bytes);
}

static const char *const reason_texts[ABI_REASON_CNT] = {
	[ABI_REASON_CHANGED] = "bytes differ from those verified",
	[ABI_REASON_SHORT] = "the file ends early",
	[ABI_REASON_IO] = "cannot be read",
};

/* withdrawn_text says what happened to which file. */
static void
withdrawn_text(struct session *session, const struct abi_withdrawn *event, struct fail *text)
{
	struct metainfo *meta = NULL;
	const char *path = "?";
	struct fail ignored;

	registry_metainfo(session->registry, event->id, &meta, NULL, &ignored);
	for (uint32_t i = 0, k = 0; meta != NULL && i < meta->file_cnt; i++)
		if (metainfo_file_has_data(&meta->file[i]) && k++ == event->file)
			path = meta->file[i].path;
	bool known = event->reason > 0 && event->reason < ABI_REASON_CNT;
	bool is_io = event->reason == ABI_REASON_IO;
	fail_set(text, 0, "%s: %s%s%s at byte %" PRIu64, path,
	         known ? reason_texts[event->reason] : "withdrawn", is_io ? ": " : "",
	         is_io ? strerror(event->sys_errno) : "", event->file_off);
	metainfo_free(meta);
}

static int
on_withdrawn(struct session *session, const struct abi_withdrawn *event, struct fail *fail)
{
	struct torrent *t = torrents_by_id(session->registry->torrents, event->id);
	struct fail text;

	if (t == NULL || t->gone || session_place(session, t)->stale)
		return 0; /* of content that is not what was last verified */
	if (event->piece_first >= t->piece_cnt || event->piece_cnt > t->piece_cnt - event->piece_first)
		return fail_set(fail, EPROTO, "the dataplane withdrew pieces that do not exist");
	withdrawn_text(session, event, &text);
	log_error("pieces_withdrawn",
	          "worker=%" PRIu32 " id=%" PRIu32 " name=%s piece_first=%" PRIu32
	          " piece_cnt=%" PRIu32 " reason=%s",
	          session->worker, t->id, LOG_QUOTE(t->name), event->piece_first, event->piece_cnt,
	          LOG_QUOTE(text.text));
	registry_withdraw(session->registry, t, event->piece_first, event->piece_cnt, text.text);
	struct abi_withdraw withdrawn = {
		.id = t->id,
		.piece_first = event->piece_first,
		.piece_cnt = event->piece_cnt,
	};
	if (withdrawals_add(&session->withdrawn, &withdrawn) != 0)
		return fail_set(fail, ENOMEM, "out of memory");
	return 0;
}

int
session_event(struct session *session, struct dpclient_event *event, struct fail *fail)
{
	switch (event->type) {
	case ABI_WELCOME:
		return on_welcome(session, event, fail);
	case ABI_HELD:
		return on_held(session, &event->msg.u.entries, fail);
	case ABI_RESULT:
		return on_result(session, event, fail);
	case ABI_ACTIVATE:
		return on_activate(session, event->msg.u.ref.id);
	case ABI_DEACTIVATED:
		on_deactivated(session, &event->msg.u.deactivated);
		return 0;
	case ABI_WITHDRAWN:
		return on_withdrawn(session, &event->msg.u.withdrawn, fail);
	case ABI_PEER:
	case ABI_TRACED:
	case ABI_USED:
		session_query_answered(session, event);
		return 0;
	default:
		return 0;
	}
}
