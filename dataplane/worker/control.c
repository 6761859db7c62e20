/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Taking control's messages. What each does is one handler in the table below; sending events and
 * the answer to ABI_LIST are at the end. */
#include "dataplane/worker/control.h"

#include "dataplane/worker/enforce.h"
#include "dataplane/worker/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGES_PER_TURN = 16 };

static void
hang_up(struct control *control)
{
	if (control->fd >= 0)
		close(control->fd);
	control->fd = -1;
	control->greeted = false;
	control->listing = false;
}

static void
drop_fds(struct control *control)
{
	for (uint32_t i = 0; i < control->fd_cnt; i++)
		close(control->fds[i]);
	control->fd_cnt = 0;
}

/* post sends control->out, with one descriptor if fd >= 0. False: the socket takes no more now, or
 * is gone (then hung up). */
static bool
post(struct control *control, uint16_t type, uint32_t cookie, uint32_t len, int fd)
{
	struct abi_msg *out = &control->out;
	char space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = out, .iov_len = sizeof(out->hdr) + len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	out->hdr = (struct abi_hdr){ABI_MAGIC, ABI_VERSION, type, cookie, len};
	if (fd >= 0) {
		struct cmsghdr *cmsg;

		mh.msg_control = space;
		mh.msg_controllen = sizeof(space);
		cmsg = CMSG_FIRSTHDR(&mh);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	if (sendmsg(control->fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		hang_up(control);
	return false;
}

/* answer sends an ABI_RESULT. A control that cannot take its answer is hung up. */
static void
answer(struct control *control, const struct abi_result *result)
{
	if (result->status != ABI_OK)
		count(control->ctr, CTR_control_refused);
	control->out.u.result = *result;
	if (!post(control, ABI_RESULT, control->msg.hdr.cookie, sizeof(*result), -1))
		hang_up(control);
}

static void
answer_status(struct control *control, enum abi_status status)
{
	struct abi_result result = {
		.status = status,
		.sys_errno = status == ABI_ERR_SYSTEM ? errno : 0,
	};

	answer(control, &result);
}

static void
on_hello(struct control *control)
{
	struct abi_welcome *welcome = &control->out.u.welcome;

	memset(welcome, 0, sizeof(*welcome));
	welcome->boot_id = control->boot_id;
	welcome->worker_cnt = control->publish->head->worker_cnt;
	welcome->worker = control->index;
	welcome->pid = (uint32_t)getpid();
	welcome->torrent_cnt = (uint32_t)control->ctr->value[CTR_torrents];
	welcome->counters_len = control->publish->len;
	memcpy(welcome->port_text, control->port_text, sizeof(welcome->port_text));
	if (!post(control, ABI_WELCOME, control->msg.hdr.cookie, sizeof(*welcome),
	          control->publish->fd)) {
		hang_up(control);
		return;
	}
	control->greeted = true;
	if (control->event.type == STORE_EV_ACTIVATE)
		control->event_held = false; /* asked again */
	store_ask_again(control->store);
}

static bool
entry_ok(const struct abi_entry *entry)
{
	return entry->congestion < ABI_CONGESTION_CNT && (entry->flags & ~ABI_ENTRY_FLAGS) == 0 &&
	       entry->weight >= 1 && entry->weight <= ABI_WEIGHT_MAX;
}

/* entry_take takes what an entry says of a torrent beside its name, and notes when other rates hold
 * now for peers that are there. */
static void
entry_take(struct torrent *torrent, const struct abi_entry *entry)
{
	bool changed = torrent->group != entry->group || torrent->weight != entry->weight ||
	               torrent->rate_bytes_per_s != entry->rate_bytes_per_s;

	torrent->congestion = (uint16_t)entry->congestion;
	torrent->flags = (uint16_t)entry->flags;
	torrent->group = entry->group;
	torrent->rate_bytes_per_s = entry->rate_bytes_per_s;
	torrent->connections_max = entry->connections_max;
	torrent->weight = entry->weight;
	torrent->relimit |= changed && torrent->peer_cnt > 0;
}

static void
on_add(struct control *control)
{
	const struct abi_entries *entries = &control->msg.u.entries;
	struct abi_result result = {.status = ABI_OK};
	struct torrent *torrent;
	bool changed = false;

	while (result.done_cnt < entries->cnt) {
		const struct abi_entry *entry = &entries->entry[result.done_cnt];

		result.status = ABI_ERR_MESSAGE;
		if (entry_ok(entry))
			result.status = store_add(control->store, entry->id, entry->info_hash);
		if (result.status != ABI_OK)
			break;
		torrent = store_by_id(control->store, entry->id);
		entry_take(torrent, entry);
		changed |= torrent->relimit;
		result.done_cnt++;
	}
	if (changed)
		enforce_torrents(control->worker, entries->entry, result.done_cnt);
	answer(control, &result);
}

static void
on_remove(struct control *control)
{
	const struct abi_entries *entries = &control->msg.u.entries;
	struct abi_result result = {.status = ABI_OK};

	while (result.done_cnt < entries->cnt) {
		uint32_t id = entries->entry[result.done_cnt].id;
		struct torrent *torrent = store_by_id(control->store, id);

		if (torrent != NULL)
			wire_torrent_changed(control->wire, torrent, true);
		result.status = store_remove(control->store, id);
		if (result.status != ABI_OK)
			break;
		result.done_cnt++;
	}
	answer(control, &result);
}

static void
on_list(struct control *control)
{
	control->listing = true;
	control->list_cursor = 0;
	control->list_cookie = control->msg.hdr.cookie;
}

/* torrent_result answers a step of an activation and tells the peers who wait for it. */
static void
torrent_result(struct control *control, uint32_t id, enum abi_status status)
{
	struct abi_result result = {.status = status};
	struct torrent *torrent = store_by_id(control->store, id);

	if (status == ABI_ERR_SYSTEM)
		result.sys_errno = errno;
	if (torrent != NULL && torrent->state == TORRENT_ACTIVE) {
		result.active = 1;
		result.slot = (uint32_t)(torrent->active->stat -
		                         publish_stats(control->publish, control->index));
	}
	if (torrent != NULL && torrent->state != TORRENT_FILLING)
		wire_torrent_changed(control->wire, torrent, false);
	answer(control, &result);
}

static void
on_layout(struct control *control)
{
	uint32_t id = control->msg.u.ref.id;

	control->fd_cnt = 0;
	torrent_result(control, id, store_layout(control->store, id, control->fds[0]));
}

static void
on_files(struct control *control)
{
	const struct abi_files *files = &control->msg.u.files;
	uint32_t cnt = control->fd_cnt;

	if (files->file_cnt != cnt) {
		drop_fds(control);
		answer_status(control, ABI_ERR_MESSAGE);
		return;
	}
	control->fd_cnt = 0;
	torrent_result(control, files->id, store_files(control->store, files, control->fds, cnt));
}

static void
on_refuse(struct control *control)
{
	uint32_t id = control->msg.u.ref.id;

	torrent_result(control, id, store_refuse(control->store, id));
}

static void
on_withdraw(struct control *control)
{
	answer_status(control, store_withdraw(control->store, &control->msg.u.withdraw));
}

static void
on_peers(struct control *control)
{
	struct abi_peers *peers = &control->out.u.peers;

	peers_fill(control->worker, &control->msg.u.peers_ask, peers);
	if (!post(control, ABI_PEER, control->msg.hdr.cookie, sizeof(*peers), -1))
		hang_up(control);
}

static void
on_trace(struct control *control)
{
	struct abi_traced *traced = &control->out.u.traced;

	if (!peers_trace(control->worker, &control->msg.u.trace_ask, traced))
		answer_status(control, ABI_ERR_UNKNOWN);
	else if (!post(control, ABI_TRACED, control->msg.hdr.cookie, sizeof(*traced), -1))
		hang_up(control);
}

static void
on_policy(struct control *control)
{
	enum abi_status status =
		enforce_policy(control->worker, &control->msg.u.policy, control->fds[0]);

	answer_status(control, status); /* before errno is another's */
	drop_fds(control);
}

static void
on_rates(struct control *control)
{
	answer_status(control, enforce_rates(control->worker, &control->msg.u.rates));
}

static void
on_use(struct control *control)
{
	struct abi_used *used = &control->out.u.used;

	enforce_used(control->worker, used);
	if (!post(control, ABI_USED, control->msg.hdr.cookie, sizeof(*used), -1))
		hang_up(control);
}

static void
on_shutdown(struct control *control)
{
	control->shutdown = true;
	answer_status(control, ABI_OK);
}

static const struct {
	uint32_t len;     /* of the body */
	uint32_t fds_min;
	uint32_t fds_max;
	void (*handle)(struct control *control);
} rules[ABI_TYPE_CNT] = {
	[ABI_HELLO] = {0, 0, 0, on_hello},
	[ABI_ADD] = {sizeof(struct abi_entries), 0, 0, on_add},
	[ABI_REMOVE] = {sizeof(struct abi_entries), 0, 0, on_remove},
	[ABI_LIST] = {0, 0, 0, on_list},
	[ABI_LAYOUT] = {sizeof(struct abi_torrent_ref), 1, 1, on_layout},
	[ABI_FILES] = {sizeof(struct abi_files), 1, ABI_FDS_MAX, on_files},
	[ABI_REFUSE] = {sizeof(struct abi_torrent_ref), 0, 0, on_refuse},
	[ABI_SHUTDOWN] = {0, 0, 0, on_shutdown},
	[ABI_PEERS] = {sizeof(struct abi_peers_ask), 0, 0, on_peers},
	[ABI_TRACE] = {sizeof(struct abi_trace_ask), 0, 0, on_trace},
	[ABI_POLICY] = {sizeof(struct abi_policy), 1, 1, on_policy},
	[ABI_RATES] = {sizeof(struct abi_rates), 0, 0, on_rates},
	[ABI_USE] = {0, 0, 0, on_use},
	[ABI_WITHDRAW] = {sizeof(struct abi_withdraw), 0, 0, on_withdraw},
};

static bool
entries_ok(const struct abi_msg *msg)
{
	bool has = msg->hdr.type == ABI_ADD || msg->hdr.type == ABI_REMOVE;

	return !has || msg->u.entries.cnt <= ABI_ENTRIES_MAX;
}

static void
dispatch(struct control *control, size_t len)
{
	const struct abi_hdr *hdr = &control->msg.hdr;

	count(control->ctr, CTR_control_messages);
	if (len < sizeof(*hdr) || hdr->magic != ABI_MAGIC || hdr->version != ABI_VERSION) {
		drop_fds(control);
		answer_status(control, ABI_ERR_VERSION);
		hang_up(control);
		return;
	}
	if (hdr->type >= ABI_TYPE_CNT || rules[hdr->type].handle == NULL ||
	    hdr->len != rules[hdr->type].len || len != sizeof(*hdr) + hdr->len ||
	    control->fd_cnt < rules[hdr->type].fds_min ||
	    control->fd_cnt > rules[hdr->type].fds_max || !entries_ok(&control->msg) ||
	    control->greeted != (hdr->type != ABI_HELLO)) {
		drop_fds(control);
		answer_status(control, ABI_ERR_MESSAGE);
		return;
	}
	rules[hdr->type].handle(control);
}

static void
take_fds(struct control *control, struct msghdr *mh)
{
	control->fd_cnt = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL; c = CMSG_NXTHDR(mh, c)) {
		uint32_t cnt;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		cnt = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		cnt = MIN(cnt, ABI_FDS_MAX - control->fd_cnt);
		memcpy(control->fds + control->fd_cnt, CMSG_DATA(c), cnt * sizeof(int));
		control->fd_cnt += cnt;
	}
}

/* receive handles one message. False: none is there, or control is gone. */
static bool
receive(struct control *control)
{
	char space[CMSG_SPACE(ABI_FDS_MAX * sizeof(int))];
	struct iovec iov = {.iov_base = &control->msg, .iov_len = sizeof(control->msg)};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = space,
	                    .msg_controllen = sizeof(space)};
	ssize_t len = recvmsg(control->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return false;
	if (len <= 0) {
		hang_up(control);
		return false;
	}
	take_fds(control, &mh);
	dispatch(control, (size_t)len);
	return control->fd >= 0;
}

static void
list_more(struct control *control)
{
	while (control->listing) {
		struct abi_entries *held = &control->out.u.entries;
		uint32_t from = control->list_cursor;

		memset(held, 0, sizeof(*held));
		held->cnt = store_held(control->store, &control->list_cursor, held->entry,
		                       ABI_ENTRIES_MAX);
		held->last = held->cnt < ABI_ENTRIES_MAX;
		if (!post(control, ABI_HELD, control->list_cookie, sizeof(*held), -1)) {
			control->list_cursor = from;
			return;
		}
		control->listing = held->last == 0;
	}
}

static bool
post_event(struct control *control)
{
	const struct store_event *event = &control->event;

	switch (event->type) {
	case STORE_EV_ACTIVATE:
		control->out.u.ref = (struct abi_torrent_ref){.id = event->id};
		return post(control, ABI_ACTIVATE, 0, sizeof(struct abi_torrent_ref), -1);
	case STORE_EV_DEACTIVATED:
		control->out.u.deactivated = event->deactivated;
		return post(control, ABI_DEACTIVATED, 0, sizeof(event->deactivated), -1);
	case STORE_EV_WITHDRAWN:
		control->out.u.withdrawn = event->withdrawn;
		return post(control, ABI_WITHDRAWN, 0, sizeof(event->withdrawn), -1);
	}
	return true;
}

static void
events_send(struct control *control)
{
	while (control->fd >= 0) {
		if (!control->event_held &&
		    store_events(control->store, &control->event, 1) == 0)
			return;
		control->event_held = true;
		if (!post_event(control))
			return;
		control->event_held = false;
	}
}

static void
accept_one(struct control *control)
{
	int fd = accept4(control->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		control->fd = fd;
}

/* can_answer tells whether the socket takes an answer now: a control that is behind with events is
 * not asked for more until it has caught up. */
static bool
can_answer(const struct control *control)
{
	struct pollfd pollfd = {.fd = control->fd, .events = POLLOUT};

	return poll(&pollfd, 1, 0) != 0;
}

int
control_init(struct control *control, int listen_fd)
{
	control->listen_fd = listen_fd;
	control->fd = -1;
	if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

void
control_fini(struct control *control)
{
	hang_up(control);
	close(control->listen_fd);
}

void
control_turn(struct control *control)
{
	if (control->fd < 0)
		accept_one(control);
	if (control->fd < 0)
		return;
	list_more(control);
	for (int i = 0; i < MESSAGES_PER_TURN && !control->listing; i++)
		if (!can_answer(control) || !receive(control))
			break;
	list_more(control);
	if (control->fd >= 0 && control->greeted && !control->listing)
		events_send(control);
}

int
control_poll_fd(const struct control *control)
{
	return control->fd >= 0 ? control->fd : control->listen_fd;
}
