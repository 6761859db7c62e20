/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is due to be said: torrents to add and remove, content to hand over. */
#include "control/link/session_state.h"

#include "control/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int
ask_entries(struct session *session, enum abi_type type, struct abi_entries *entries)
{
	struct dpclient_request request = {
		.type = type,
		.body = entries,
		.body_len = sizeof(*entries),
	};
	uint32_t cookie;
	int err = dpclient_send(session->client, &request, &cookie);

	if (err != 0)
		return err;
	struct asked *asked = session_asked(session, cookie);
	asked->cnt = entries->cnt;
	for (uint32_t i = 0; i < entries->cnt; i++)
		asked->ids[i] = entries->entry[i].id;
	return 0;
}

/* foreign_step removes what the dataplane holds and we do not know. Returns 1 when it sent. */
static int
foreign_step(struct session *session)
{
	struct abi_entries entries = {.last = 1};

	while (entries.cnt < ABI_ENTRIES_MAX &&
	       id_list_take(&session->foreign, &entries.entry[entries.cnt].id))
		entries.cnt++;
	if (entries.cnt == 0)
		return 0;
	int err = ask_entries(session, ABI_REMOVE, &entries);
	return err != 0 ? err : 1;
}

/* due returns ABI_ADD or ABI_REMOVE, whichever brings a torrent to its place, or 0. */
static enum abi_type
due(const struct torrent *t, const struct torrent_place *place)
{
	bool wanted = !place->stale && torrent_offered(t);

	if (wanted && (place->sync == SYNC_ABSENT || (place->sync == SYNC_HELD && place->reclass)))
		return ABI_ADD;
	if (!wanted && place->sync == SYNC_HELD)
		return ABI_REMOVE;
	return 0;
}

static void
entry_take(struct session *session, struct torrent *t, enum abi_type type,
           struct abi_entries *entries)
{
	struct abi_entry *entry = &entries->entry[entries->cnt++];

	entry->id = t->id;
	entry->congestion = classes_congestion(session->classes, t->class_name);
	policy_entry(session->policy, t, entry);
	memcpy(entry->info_hash, t->info_hash, sizeof(entry->info_hash));
	session_place(session, t)->reclass = false;
	session_place(session, t)->sync = type == ABI_ADD ? SYNC_ADDING : SYNC_REMOVING;
}

/* queue_step sends the run of adds or removes at the head of the queue. Returns 1 when it sent. */
static int
queue_step(struct session *session)
{
	struct torrents *torrents = session->registry->torrents;
	struct abi_entries entries = {.last = 1};
	enum abi_type type = 0;

	while (entries.cnt < ABI_ENTRIES_MAX) {
		struct torrent *t = torrents_peek(torrents, session->worker);
		if (t == NULL)
			break;
		struct torrent_place *place = session_place(session, t);
		if (place->sync == SYNC_ABSENT)
			place->stale = false;
		enum abi_type next = due(t, place);
		if (next != 0 && type != 0 && next != type)
			break;
		torrents_pop(torrents, session->worker);
		if (next == 0) {
			registry_settle(session->registry, t);
			continue;
		}
		type = next;
		entry_take(session, t, type, &entries);
	}
	if (entries.cnt == 0)
		return 0;
	if (type == ABI_REMOVE)
		tally_stats(session->tally); /* their slots are cleared */
	int err = ask_entries(session, type, &entries);
	return err != 0 ? err : 1;
}

/* ---- Content. */

/* withdraw_step tells what another worker withdrew. Content whose layout may have been made before
 * is sent first. Returns 1 when it sent. */
static int
withdraw_step(struct session *session)
{
	const struct abi_withdraw *oldest = withdrawals_peek(&session->to_withdraw);
	struct abi_withdraw withdraw;

	if (oldest == NULL ||
	    (session->activation != NULL && activation_id(session->activation) == oldest->id))
		return 0;
	withdrawals_take(&session->to_withdraw, &withdraw);
	int err = session_ask(session, ABI_WITHDRAW, &withdraw, sizeof(withdraw));
	return err != 0 ? err : 1;
}

static int
refuse_step(struct session *session)
{
	struct abi_torrent_ref ref = {0};

	if (!id_list_take(&session->to_refuse, &ref.id))
		return 0;
	int err = session_ask(session, ABI_REFUSE, &ref, sizeof(ref));
	return err != 0 ? err : 1;
}

/* give_up ends an activation that cannot be finished. */
static int
give_up(struct session *session, uint32_t id, enum activation_progress why, const char *reason)
{
	struct torrent *t = torrents_by_id(session->registry->torrents, id);

	if (t == NULL)
		return 0;
	log_error("activation_failed", "id=%" PRIu32 " name=%s reason=%s", id, LOG_QUOTE(t->name),
	          LOG_QUOTE(reason));
	session_place(session, t)->activating = false;
	if (why == ACTIVATION_CHANGED)
		registry_set_state(session->registry, t, TORRENT_CHANGED, reason);
	else if (why == ACTIVATION_FAILED)
		registry_set_state(session->registry, t, TORRENT_ERROR, reason);
	return id_list_add(&session->to_refuse, id);
}

static enum activation_progress
begin_failed(int err)
{
	bool passing = err == -ENOMEM || err == -EMFILE || err == -ENFILE;

	if (passing)
		return ACTIVATION_BUSY;
	return err == -ESTALE ? ACTIVATION_CHANGED : ACTIVATION_FAILED;
}

static uint32_t
serial_next(struct session *session)
{
	if (++session->activation_serial == 0)
		session->activation_serial = 1;
	return session->activation_serial;
}

/* activation_next begins the next torrent that was asked for. Returns 1 when it did. */
static int
activation_next(struct session *session)
{
	struct fail fail;
	uint32_t id;

	while (id_list_take(&session->to_activate, &id)) {
		struct torrent *t = torrents_by_id(session->registry->torrents, id);
		int err;

		if (t == NULL || !session_place(session, t)->activating)
			continue; /* removed meanwhile */
		struct torrent_place *place = session_place(session, t);
		if (place->stale || !torrent_offered(t)) {
			place->activating = false;
			err = id_list_add(&session->to_refuse, id);
		} else {
			err = activation_begin(&session->activation, session->registry, id, &fail);
			if (err == 0) {
				place->activation_serial = serial_next(session);
				return 1;
			}
			session->activation = NULL;
			err = give_up(session, id, begin_failed(err), fail.text);
		}
		if (err != 0)
			return err;
	}
	return 0;
}

static int
content_step(struct session *session, struct fail *fail)
{
	uint32_t cookie;
	int err = 0;

	if (session->activation == NULL) {
		int begun = activation_next(session);
		if (begun != 1)
			return begun;
	}
	uint32_t id = activation_id(session->activation);
	enum activation_progress progress =
		activation_step(session->activation, session->client, &cookie, fail);
	if (cookie != 0) {
		struct asked *asked = session_asked(session, cookie);
		asked->cnt = 1;
		asked->ids[0] = id;
		asked->activation_serial = session->activation_serial;
	}
	if (progress == ACTIVATION_MORE)
		return 1;
	activation_end(session->activation);
	session->activation = NULL;
	if (progress == ACTIVATION_LOST)
		return -EPIPE;
	if (progress != ACTIVATION_SENT)
		err = give_up(session, id, progress, fail->text);
	return err != 0 ? err : 1;
}

/* policy_step tells the limits when they have changed. Returns 1 when it sent. */
static int
policy_step(struct session *session)
{
	struct abi_policy message;
	struct dpclient_request request = {
		.type = ABI_POLICY,
		.body = &message,
		.body_len = sizeof(message),
		.fd_cnt = 1,
	};

	if (session->policy_serial == policy_serial(session->policy))
		return 0;
	int fd = policy_fd(session->policy);
	if (fd < 0)
		return fd;
	policy_message(session->policy, &message);
	request.fds = &fd;
	session->policy_serial = policy_serial(session->policy);
	int err = dpclient_send(session->client, &request, NULL);
	return err != 0 ? err : 1;
}

/* step sends one request. Returns 1, 0 when nothing is due, or a negative errno. */
static int
step(struct session *session, struct fail *fail)
{
	int sent = policy_step(session);

	if (sent == 0)
		sent = refuse_step(session);
	if (sent == 0)
		sent = withdraw_step(session);
	if (sent == 0)
		sent = foreign_step(session);
	if (sent == 0)
		sent = queue_step(session);
	if (sent == 0)
		sent = content_step(session, fail);
	return sent;
}

int
session_pump(struct session *session, struct fail *fail)
{
	int sent = 1;

	fail_set(fail, EIO, "the connection to the dataplane failed");
	while (sent == 1 && dpclient_room(session->client) > 0)
		sent = step(session, fail);
	return sent < 0 ? sent : 0;
}
