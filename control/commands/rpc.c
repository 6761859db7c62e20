/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Lines of JSON over a unix socket. */
#include "control/commands/rpc.h"

#include "control/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
	int fd; /* -1: free */
	uint32_t generation;
	bool busy;     /* a request is being served */
	bool is_ended; /* it will send no more */
	int passed_fd; /* came with the request being read */
	int64_t moved_ms;
	size_t in_len;
	size_t out_len;
	size_t out_off; /* sent of it */
	size_t out_room;
	char *out;
	json_t *json;
	char in[RPC_REQUEST_MAX];
};

struct rpc {
	int fd;
	char path[128];
	struct client clients[RPC_CLIENTS_MAX];
};

int
rpc_create(struct rpc **rpc, const char *path, struct fail *fail)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct rpc *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	for (int i = 0; i < RPC_CLIENTS_MAX; i++)
		r->clients[i].fd = r->clients[i].passed_fd = -1;
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	size_t len = strlen(path);
	if (r->fd < 0 || len >= sizeof(address.sun_path)) {
		int err = fail_set(fail, r->fd < 0 ? errno : ENAMETOOLONG, "%s: no socket", path);
		if (r->fd >= 0)
			close(r->fd);
		free(r);
		return err;
	}
	memcpy(address.sun_path, path, len + 1);
	memcpy(r->path, path, len + 1);
	unlink(path);
	mode_t old = umask(0117);
	int err = bind(r->fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	                  listen(r->fd, RPC_CLIENTS_MAX) == 0
	              ? 0
	              : fail_set(fail, errno, "%s: %s", path, strerror(errno));
	umask(old);
	if (err != 0) {
		close(r->fd);
		free(r);
		return err;
	}
	*rpc = r;
	return 0;
}

static void
client_close(struct client *c)
{
	close(c->fd);
	if (c->passed_fd >= 0)
		close(c->passed_fd);
	free(c->out);
	json_decref(c->json);
	*c = (struct client){.fd = -1, .passed_fd = -1, .generation = c->generation + 1};
}

void
rpc_destroy(struct rpc *rpc)
{
	if (rpc == NULL)
		return;
	for (int i = 0; i < RPC_CLIENTS_MAX; i++)
		if (rpc->clients[i].fd >= 0)
			client_close(&rpc->clients[i]);
	close(rpc->fd);
	unlink(rpc->path);
	free(rpc);
}

/* ---- Naming clients: slot in the low byte, generation above. */

static uint64_t
client_name(const struct rpc *rpc, const struct client *c)
{
	return (uint64_t)c->generation << 8 | (uint64_t)(c - rpc->clients);
}

static struct client *
client_find(const struct rpc *rpc, uint64_t name)
{
	const struct client *c = &rpc->clients[name % 256 % RPC_CLIENTS_MAX];

	return c->fd >= 0 && client_name(rpc, c) == name ? (struct client *)(uintptr_t)c : NULL;
}

/* ---- Input. */

static void
passed_take(struct client *c, struct msghdr *hdr)
{
	for (struct cmsghdr *m = CMSG_FIRSTHDR(hdr); m != NULL; m = CMSG_NXTHDR(hdr, m)) {
		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS)
			continue;
		size_t cnt = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < cnt; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(m) + i * sizeof(fd), sizeof(fd));
			if (c->passed_fd >= 0)
				close(c->passed_fd);
			c->passed_fd = fd;
		}
	}
}

/* client_read takes what has come. Returns false when the client is to be closed. */
static bool
client_read(struct client *c)
{
	struct iovec iov = {.iov_base = c->in + c->in_len, .iov_len = sizeof(c->in) - c->in_len};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};

	hdr.msg_control = control.bytes;
	hdr.msg_controllen = sizeof(control.bytes);
	ssize_t n = recvmsg(c->fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	passed_take(c, &hdr);
	if (n == 0) {
		/* Half closed: it may still read the answer. */
		c->is_ended = true;
		return c->busy || c->out_len > 0;
	}
	c->in_len += (size_t)n;
	c->moved_ms = clock_now_ms();
	return true;
}

static void
accept_one(struct rpc *rpc)
{
	static const char full[] = "{\"ok\": false, \"error\": \"too many clients\"}\n";
	int fd = accept4(rpc->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < RPC_CLIENTS_MAX; i++) {
		struct client *c = &rpc->clients[i];
		if (c->fd >= 0)
			continue;
		c->fd = fd;
		c->moved_ms = clock_now_ms();
		return;
	}
	ssize_t ignored = send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL);
	(void)ignored;
	close(fd);
}

/* ---- Output. */

static bool
client_write(struct client *c)
{
	while (c->out_off < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off,
		                 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		c->out_off += (size_t)n;
		c->moved_ms = clock_now_ms();
	}
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_off = c->out_room = 0;
	return !c->is_ended || c->busy;
}

/* client_reserve makes room for len bytes behind what waits. */
static bool
client_reserve(struct client *c, size_t len)
{
	size_t waiting = c->out_len - c->out_off;
	size_t room = c->out_room > 0 ? c->out_room : RPC_WRITE_MIN;

	if (c->out_room - c->out_len >= len)
		return true;
	if (waiting > 0)
		memmove(c->out, c->out + c->out_off, waiting);
	c->out_len = waiting;
	c->out_off = 0;
	while (room - waiting < len)
		room *= 2;
	char *out = realloc(c->out, room);
	if (out == NULL)
		return false;
	c->out = out;
	c->out_room = room;
	return true;
}

/* client_queue appends a line to what waits. */
static bool
client_queue(struct client *c, const char *line, size_t len)
{
	if (c->out_len - c->out_off + len + 1 > RPC_OUTPUT_MAX || !client_reserve(c, len + 1))
		return false;
	memcpy(c->out + c->out_len, line, len);
	c->out[c->out_len + len] = '\n';
	c->out_len += len + 1;
	return true;
}

/* client_send queues a line, NULL for one that could not be made, and writes what is due. */
static bool
client_send(struct client *c, const char *line, size_t len)
{
	bool sent = line != NULL && client_queue(c, line, len);

	/* Lines in between are many: what is not written now is at the next turn. */
	if (sent && (!c->busy || c->out_len - c->out_off >= RPC_WRITE_MIN))
		sent = client_write(c);
	if (!sent)
		client_close(c);
	return sent;
}

bool
rpc_send(struct rpc *rpc, uint64_t client, json_t *line, bool final)
{
	struct client *c = client_find(rpc, client);
	char *text = c != NULL && line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;

	json_decref(line);
	if (c == NULL)
		return false;
	if (final) {
		c->busy = false;
		json_decref(c->json);
		c->json = NULL;
		c->moved_ms = clock_now_ms();
	}
	bool sent = client_send(c, text, text != NULL ? strlen(text) : 0);
	free(text);
	return sent;
}

bool
rpc_send_text(struct rpc *rpc, uint64_t client, const char *text, size_t len)
{
	struct client *c = client_find(rpc, client);

	return c != NULL && client_send(c, text, len);
}

bool
rpc_send_error(struct rpc *rpc, uint64_t client, const char *text)
{
	json_t *line = json_pack("{s:b, s:s}", "ok", 0, "error", text);

	if (line == NULL) /* text is not UTF-8 */
		line = json_pack("{s:b, s:s}", "ok", 0, "error", "refused");
	return rpc_send(rpc, client, line, true);
}

bool
rpc_alive(const struct rpc *rpc, uint64_t client)
{
	return client_find(rpc, client) != NULL;
}

bool
rpc_hungry(const struct rpc *rpc, uint64_t client)
{
	const struct client *c = client_find(rpc, client);

	return c != NULL && c->out_len - c->out_off < RPC_OUTPUT_LOW;
}

/* ---- The loop. */

nfds_t
rpc_poll(const struct rpc *rpc, struct pollfd *fds)
{
	nfds_t cnt = 0;

	fds[cnt++] = (struct pollfd){.fd = rpc->fd, .events = POLLIN};
	for (int i = 0; i < RPC_CLIENTS_MAX; i++) {
		const struct client *c = &rpc->clients[i];
		if (c->fd < 0)
			continue;
		bool reads = !c->is_ended && c->in_len < sizeof(c->in);
		fds[cnt++] = (struct pollfd){
			.fd = c->fd,
			.events = (short)((reads ? POLLIN : 0) | (c->out_len > 0 ? POLLOUT : 0)),
		};
	}
	return cnt;
}

static bool
client_hung_up(const struct client *c)
{
	struct pollfd state = {.fd = c->fd};

	return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

static bool
client_run(struct client *c, int64_t now_ms)
{
	if (!c->is_ended && c->in_len < sizeof(c->in) && !client_read(c))
		return false;
	if (c->out_len > 0 && !client_write(c))
		return false;
	if (c->is_ended && client_hung_up(c))
		return false;
	/* While a request is served it is we who are slow. */
	return (c->busy && c->out_len == 0) || now_ms - c->moved_ms < RPC_IDLE_MS;
}

void
rpc_run(struct rpc *rpc)
{
	int64_t now_ms = clock_now_ms();

	accept_one(rpc);
	for (int i = 0; i < RPC_CLIENTS_MAX; i++)
		if (rpc->clients[i].fd >= 0 && !client_run(&rpc->clients[i], now_ms))
			client_close(&rpc->clients[i]);
}

/* line_take parses the first line of a client's input. Returns 1 with c->json set, 0 when there is
 * no whole line, -1 with a text when it cannot be used. */
static int
line_take(struct client *c, const char **wrong)
{
	char *newline = memchr(c->in, '\n', c->in_len);

	*wrong = "request too long";
	if (newline == NULL)
		return c->in_len == sizeof(c->in) ? -1 : 0;
	size_t len = (size_t)(newline - c->in);
	c->json = json_loadb(c->in, len, JSON_REJECT_DUPLICATES, NULL);
	c->in_len -= len + 1;
	memmove(c->in, newline + 1, c->in_len);
	*wrong = "request is not a JSON object";
	return json_is_object(c->json) ? 1 : -1;
}

static bool
client_next(struct rpc *rpc, struct client *c, struct rpc_request *request)
{
	const char *wrong;
	int got = line_take(c, &wrong);

	if (got == 0)
		return false;
	if (got < 0) {
		c->in_len = 0;
		c->is_ended = true;
		rpc_send_error(rpc, client_name(rpc, c), wrong);
		return false;
	}
	c->busy = true;
	*request = (struct rpc_request){
		.client = client_name(rpc, c),
		.json = c->json,
		.fd = c->passed_fd,
	};
	c->passed_fd = -1;
	return true;
}

bool
rpc_next(struct rpc *rpc, struct rpc_request *request)
{
	for (int i = 0; i < RPC_CLIENTS_MAX; i++) {
		struct client *c = &rpc->clients[i];
		if (c->fd >= 0 && !c->busy && client_next(rpc, c, request))
			return true;
	}
	return false;
}
