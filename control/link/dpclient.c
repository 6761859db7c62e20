/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The control end of the boundary socket. */
#include "control/link/dpclient.h"

#include "control/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct pending {
	enum abi_type type;
	uint32_t cookie;
	int64_t since_ms;
};

struct queued {
	struct abi_msg msg;
	uint32_t fd_cnt;
	int fds[ABI_FDS_MAX];
};

struct dpclient {
	int fd;
	uint32_t cookie_last;
	uint32_t pending_head; /* oldest; both run freely, index is modulo */
	uint32_t pending_tail;
	uint32_t queue_head;
	uint32_t queue_tail;
	struct pending pending[DPCLIENT_PENDING_MAX];
	struct queued queue[DPCLIENT_QUEUE_MAX];
};

/* What each type from the dataplane must look like. */
static const struct message_form {
	uint32_t len;
	uint32_t fd_cnt;
	bool is_answer;
	bool is_event;
} forms[ABI_TYPE_CNT] = {
	[ABI_WELCOME] = {sizeof(struct abi_welcome), 1, true, false},
	[ABI_RESULT] = {sizeof(struct abi_result), 0, true, false},
	[ABI_HELD] = {sizeof(struct abi_entries), 0, true, false},
	[ABI_ACTIVATE] = {sizeof(struct abi_torrent_ref), 0, false, true},
	[ABI_DEACTIVATED] = {sizeof(struct abi_deactivated), 0, false, true},
	[ABI_WITHDRAWN] = {sizeof(struct abi_withdrawn), 0, false, true},
	[ABI_PEER] = {sizeof(struct abi_peers), 0, true, false},
	[ABI_TRACED] = {sizeof(struct abi_traced), 0, true, false},
	[ABI_USED] = {sizeof(struct abi_used), 0, true, false},
};

int
dpclient_connect(struct dpclient **client, const char *path, struct fail *fail)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return fail_set(fail, ENAMETOOLONG, "dataplane socket %s: path too long", path);
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_set(fail, errno, "dataplane socket: %s", strerror(errno));
	struct dpclient *c = calloc(1, sizeof(*c));
	if (c == NULL || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		int err = fail_set(fail, c == NULL ? ENOMEM : errno, "dataplane socket %s: %s", path,
		                   strerror(errno));
		close(fd);
		free(c);
		return err;
	}
	c->fd = fd;
	*client = c;
	return 0;
}

static void
fds_close(const int *fds, uint32_t fd_cnt)
{
	for (uint32_t i = 0; i < fd_cnt; i++)
		close(fds[i]);
}

void
dpclient_close(struct dpclient *client)
{
	if (client == NULL)
		return;
	for (; client->queue_head != client->queue_tail; client->queue_head++) {
		struct queued *q = &client->queue[client->queue_head % DPCLIENT_QUEUE_MAX];
		fds_close(q->fds, q->fd_cnt);
	}
	close(client->fd);
	free(client);
}

int
dpclient_fd(const struct dpclient *client)
{
	return client->fd;
}

short
dpclient_poll_events(const struct dpclient *client)
{
	return client->queue_head != client->queue_tail ? POLLIN | POLLOUT : POLLIN;
}

uint32_t
dpclient_room(const struct dpclient *client)
{
	uint32_t pending_room = DPCLIENT_PENDING_MAX - (client->pending_tail - client->pending_head);
	uint32_t queue_room = DPCLIENT_QUEUE_MAX - (client->queue_tail - client->queue_head);

	return pending_room < queue_room ? pending_room : queue_room;
}

int64_t
dpclient_waiting_ms(const struct dpclient *client)
{
	if (client->pending_head == client->pending_tail)
		return 0;
	return clock_now_ms() -
	       client->pending[client->pending_head % DPCLIENT_PENDING_MAX].since_ms;
}

/* ---- Sending. */

static ssize_t
message_send(int fd, struct queued *q)
{
	struct iovec iov = {.iov_base = &q->msg, .iov_len = sizeof(q->msg.hdr) + q->msg.hdr.len};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(q->fds))];
	} control = {0};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};

	if (q->fd_cnt > 0) {
		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(q->fd_cnt * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(q->fd_cnt * sizeof(int));
		memcpy(CMSG_DATA(cmsg), q->fds, q->fd_cnt * sizeof(int));
	}
	return sendmsg(fd, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int
dpclient_flush(struct dpclient *client)
{
	while (client->queue_head != client->queue_tail) {
		struct queued *q = &client->queue[client->queue_head % DPCLIENT_QUEUE_MAX];

		if (message_send(client->fd, q) < 0) {
			/* ETOOMANYREFS: descriptors in flight; the peer takes them as it reads. */
			if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ETOOMANYREFS)
				return 0;
			return -errno;
		}
		fds_close(q->fds, q->fd_cnt);
		client->queue_head++;
	}
	return 0;
}

static uint32_t
cookie_next(struct dpclient *client)
{
	if (++client->cookie_last == 0)
		client->cookie_last = 1;
	return client->cookie_last;
}

int
dpclient_send(struct dpclient *client, const struct dpclient_request *request, uint32_t *cookie)
{
	if (dpclient_room(client) == 0 || request->fd_cnt > ABI_FDS_MAX ||
	    request->body_len > sizeof(struct abi_msg) - sizeof(struct abi_hdr)) {
		fds_close(request->fds, request->fd_cnt);
		return -ENOBUFS;
	}
	struct queued *q = &client->queue[client->queue_tail++ % DPCLIENT_QUEUE_MAX];
	q->msg.hdr = (struct abi_hdr){
		.magic = ABI_MAGIC,
		.version = ABI_VERSION,
		.type = (uint16_t)request->type,
		.cookie = cookie_next(client),
		.len = request->body_len,
	};
	if (request->body_len > 0)
		memcpy(&q->msg.u, request->body, request->body_len);
	q->fd_cnt = request->fd_cnt;
	if (request->fd_cnt > 0)
		memcpy(q->fds, request->fds, request->fd_cnt * sizeof(int));
	client->pending[client->pending_tail++ % DPCLIENT_PENDING_MAX] = (struct pending){
		.type = request->type,
		.cookie = q->msg.hdr.cookie,
		.since_ms = clock_now_ms(),
	};
	if (cookie != NULL)
		*cookie = q->msg.hdr.cookie;
	return dpclient_flush(client);
}

/* ---- Receiving. */

struct received {
	ssize_t len;
	uint32_t fd_cnt;
	bool cut;
	int fds[ABI_FDS_MAX];
};

static void
message_receive(int fd, struct abi_msg *msg, struct received *got)
{
	struct iovec iov = {.iov_base = msg, .iov_len = sizeof(*msg)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(got->fds))];
	} control;
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};

	hdr.msg_control = control.bytes;
	hdr.msg_controllen = sizeof(control.bytes);
	got->fd_cnt = 0;
	got->len = recvmsg(fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got->len < 0)
		return;
	got->cut = (hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&hdr); c != NULL; c = CMSG_NXTHDR(&hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		got->fd_cnt = (uint32_t)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(got->fds, CMSG_DATA(c), got->fd_cnt * sizeof(int));
	}
}

static bool
peers_ok(const struct abi_peers *peers)
{
	if (peers->cnt > ABI_PEERS_MAX || peers->last > 1)
		return false;
	for (uint32_t i = 0; i < peers->cnt; i++)
		if (peers->peer[i].limit >= ABI_LIMITED_CNT ||
		    peers->peer[i].congestion >= ABI_CONGESTION_CNT)
			return false;
	return true;
}

static bool
text_ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool
traced_ok(const struct abi_traced *traced)
{
	if (traced->cnt > ABI_TRACE_MAX)
		return false;
	for (uint32_t i = 0; i < traced->cnt; i++) {
		const struct abi_trace_event *event = &traced->event[i];
		if (!text_ends(event->name, sizeof(event->name)) ||
		    !text_ends(event->value_name[0], sizeof(event->value_name[0])) ||
		    !text_ends(event->value_name[1], sizeof(event->value_name[1])) ||
		    !text_ends(event->text, sizeof(event->text)))
			return false;
	}
	return true;
}

static bool
entries_ok(const struct abi_entries *entries)
{
	return entries->cnt <= ABI_ENTRIES_MAX && entries->last <= 1;
}

/* values_ok judges what is inside a message of the right length. */
static bool
values_ok(const struct abi_msg *msg)
{
	switch (msg->hdr.type) {
	case ABI_HELD:
		return entries_ok(&msg->u.entries);
	case ABI_PEER:
		return peers_ok(&msg->u.peers);
	case ABI_TRACED:
		return traced_ok(&msg->u.traced);
	default:
		return true;
	}
}

/* form_check judges a message by what abi.h says of its type. Returns NULL or what is wrong. */
static const char *
form_check(const struct abi_msg *msg, const struct received *got)
{
	const struct abi_hdr *hdr = &msg->hdr;

	if (got->cut || got->len < (ssize_t)sizeof(*hdr))
		return "cut short or too long";
	if (hdr->magic != ABI_MAGIC)
		return "not of this protocol";
	if (hdr->version != ABI_VERSION)
		return "of another version";
	if (hdr->type >= ABI_TYPE_CNT || forms[hdr->type].len == 0)
		return "of a type it may not send";
	if (hdr->len != forms[hdr->type].len || (size_t)got->len != sizeof(*hdr) + hdr->len)
		return "of the wrong length";
	if (got->fd_cnt != forms[hdr->type].fd_cnt)
		return "with the wrong number of descriptors";
	if (!values_ok(msg))
		return "with a value out of bounds";
	if (forms[hdr->type].is_event && hdr->cookie != 0)
		return "an event with a cookie";
	return NULL;
}

static bool
answer_fits(enum abi_type asked, enum abi_type answer)
{
	if (answer == ABI_RESULT)
		return true;
	return answer == (asked == ABI_HELLO   ? ABI_WELCOME
	                  : asked == ABI_LIST  ? ABI_HELD
	                  : asked == ABI_PEERS ? ABI_PEER
	                  : asked == ABI_TRACE ? ABI_TRACED
	                  : asked == ABI_USE   ? ABI_USED
	                                       : ABI_RESULT);
}

/* answer_pair matches an answer with the oldest request. Returns NULL or what is wrong. */
static const char *
answer_pair(struct dpclient *client, struct dpclient_event *event)
{
	if (!forms[event->type].is_answer)
		return NULL;
	if (client->pending_head == client->pending_tail)
		return "an answer to nothing";
	struct pending *oldest = &client->pending[client->pending_head % DPCLIENT_PENDING_MAX];
	if (event->msg.hdr.cookie != oldest->cookie)
		return "an answer out of order";
	if (!answer_fits(oldest->type, event->type))
		return "an answer of another kind than was asked for";
	event->asked = oldest->type;
	event->cookie = oldest->cookie;
	if (event->type == ABI_HELD && event->msg.u.entries.last == 0)
		oldest->since_ms = clock_now_ms(); /* more to come */
	else
		client->pending_head++;
	return NULL;
}

int
dpclient_receive(struct dpclient *client, struct dpclient_event *event, struct fail *fail)
{
	struct received got;

	memset(&event->msg, 0, sizeof(event->msg));
	message_receive(client->fd, &event->msg, &got);
	if (got.len < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got.len < 0)
		return fail_set(fail, errno, "the connection to the dataplane failed: %s",
		                strerror(errno));
	if (got.len == 0)
		return fail_set(fail, ECONNRESET, "the dataplane closed the connection");
	event->asked = 0;
	event->cookie = 0;
	event->fd = -1;
	const char *wrong = form_check(&event->msg, &got);
	if (wrong == NULL) {
		event->type = (enum abi_type)event->msg.hdr.type;
		wrong = answer_pair(client, event);
	}
	if (wrong != NULL) {
		fds_close(got.fds, got.fd_cnt);
		return fail_set(fail, EPROTO, "the dataplane sent a message %s (type %" PRIu16 ")", wrong,
		                event->msg.hdr.type);
	}
	if (got.fd_cnt == 1)
		event->fd = got.fds[0];
	return 1;
}
