/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Control's end of the boundary: what it sends, what it believes, and what it refuses. */
#include "control/link/dpclient.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char path[64];
static int listener, peer;
static struct dpclient *client;

static int
set_up(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct fail fail;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/spillway-dpclient-%d", (int)getpid());
	strcpy(address.sun_path, path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(dpclient_connect(&client, path, &fail), 0);
	peer = accept(listener, NULL, NULL);
	return peer < 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dpclient_close(client);
	close(peer);
	close(listener);
	return unlink(path);
}

static uint32_t
ask(enum abi_type type)
{
	struct dpclient_request request = {.type = type};
	uint32_t cookie;

	assert_int_equal(dpclient_send(client, &request, &cookie), 0);
	return cookie;
}

/* say sends a message as the dataplane, with fd when it is not -1. */
static void
say(struct abi_hdr hdr, const void *body, size_t body_len, int fd)
{
	char bytes[sizeof(struct abi_msg) + 64] = {0};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(hdr) + body_len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	memcpy(bytes, &hdr, sizeof(hdr));
	if (body != NULL)
		memcpy(bytes + sizeof(hdr), body, body_len);
	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	assert_true(sendmsg(peer, &msg, 0) > 0);
}

static struct abi_hdr
header(enum abi_type type, uint32_t cookie, uint32_t len)
{
	return (struct abi_hdr){ABI_MAGIC, ABI_VERSION, (uint16_t)type, cookie, len};
}

static int
receive(struct dpclient_event *event)
{
	struct fail fail;

	return dpclient_receive(client, event, &fail);
}

static int
fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int cnt = 0;

	while (readdir(dir) != NULL)
		cnt++;
	closedir(dir);
	return cnt;
}

static void
answers_are_paired(void **state)
{
	struct abi_welcome welcome = {.boot_id = 5};
	struct abi_result result = {.status = ABI_ERR_FULL};
	struct dpclient_event event;

	(void)state;
	assert_int_equal(receive(&event), 0);
	uint32_t hello = ask(ABI_HELLO), add = ask(ABI_ADD);
	assert_true(hello != 0 && add != 0 && hello != add);
	say(header(ABI_WELCOME, hello, sizeof(welcome)), &welcome, sizeof(welcome), listener);
	say(header(ABI_RESULT, add, sizeof(result)), &result, sizeof(result), -1);
	assert_int_equal(receive(&event), 1);
	assert_int_equal(event.type, ABI_WELCOME);
	assert_int_equal(event.asked, ABI_HELLO);
	assert_int_equal(event.cookie, hello);
	assert_int_equal(event.msg.u.welcome.boot_id, 5);
	assert_true(event.fd >= 0);
	close(event.fd);
	assert_int_equal(receive(&event), 1);
	assert_int_equal(event.asked, ABI_ADD);
	assert_int_equal(event.msg.u.result.status, ABI_ERR_FULL);
	assert_int_equal(event.fd, -1);
	assert_int_equal(receive(&event), 0);
	assert_int_equal(dpclient_waiting_ms(client), 0);
}

static void
held_goes_on_until_last(void **state)
{
	struct abi_entries entries = {.cnt = ABI_ENTRIES_MAX};
	struct dpclient_event event;

	(void)state;
	uint32_t list = ask(ABI_LIST), add = ask(ABI_ADD);
	struct abi_result result = {0};
	say(header(ABI_HELD, list, sizeof(entries)), &entries, sizeof(entries), -1);
	entries.last = 1;
	entries.cnt = 0;
	say(header(ABI_HELD, list, sizeof(entries)), &entries, sizeof(entries), -1);
	say(header(ABI_RESULT, add, sizeof(result)), &result, sizeof(result), -1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(receive(&event), 1);
	assert_int_equal(event.asked, ABI_ADD);
}

static void
requests_are_bounded(void **state)
{
	struct dpclient_request request = {.type = ABI_ADD};
	uint32_t sent_cnt = 0;

	(void)state;
	while (dpclient_room(client) > 0) {
		ask(ABI_ADD);
		sent_cnt++;
		assert_true(sent_cnt <= DPCLIENT_PENDING_MAX);
	}
	int before = fds_open(), fd = dup(0);
	request.fds = &fd;
	request.fd_cnt = 1;
	assert_int_equal(dpclient_send(client, &request, NULL), -ENOBUFS);
	assert_int_equal(fds_open(), before);
}

/* A peer that reads nothing: the queue fills, descriptors are kept, none is lost. */
static void
queue_holds_what_the_socket_refuses(void **state)
{
	struct abi_files files = {.id = 1};
	int before = fds_open();

	(void)state;
	while (dpclient_room(client) > 0) {
		int fds[ABI_FDS_MAX];
		for (int i = 0; i < ABI_FDS_MAX; i++)
			fds[i] = dup(0);
		struct dpclient_request request = {
			.type = ABI_FILES,
			.body = &files,
			.body_len = sizeof(files),
			.fds = fds,
			.fd_cnt = ABI_FDS_MAX,
		};
		assert_int_equal(dpclient_send(client, &request, NULL), 0);
	}
	dpclient_close(client);
	client = NULL;
	assert_true(fds_open() < before);
}

/* Each message is refused, and what came with it is closed. */
static void
refused(struct abi_hdr hdr, size_t body_len, int fd)
{
	struct dpclient_event event;
	int before = fds_open();

	say(hdr, NULL, body_len, fd);
	int got = receive(&event);
	if (got != -EPROTO)
		fail_msg("type %d, length %u and %zu, cookie %u: %d", hdr.type, hdr.len, body_len,
		         hdr.cookie, got);
	assert_int_equal(fds_open(), before);
}

static void
bad_messages_are_refused(void **state)
{
	const uint32_t ref = sizeof(struct abi_torrent_ref), result = sizeof(struct abi_result);
	struct abi_hdr hdr = header(ABI_ACTIVATE, 0, ref);

	(void)state;
	refused(header(ABI_ACTIVATE, 0, ref), ref - 1, -1);
	refused(header(ABI_ACTIVATE, 0, ref), ref + 1, -1);
	refused(header(ABI_ACTIVATE, 0, ref + 8), ref + 8, -1);
	refused(header(ABI_ACTIVATE, 0, UINT32_MAX), ref, -1);
	refused(header(ABI_ACTIVATE, 7, ref), ref, -1);
	refused(header(ABI_ACTIVATE, 0, ref), ref, listener);
	refused(header(ABI_ADD, 0, 0), 0, -1);
	refused(header(ABI_SHUTDOWN, 0, 0), 0, -1);
	refused(header(0, 0, 0), 0, -1);
	refused(header(ABI_TYPE_CNT, 0, 0), 0, -1);
	refused(header(UINT16_MAX, 0, 0), 0, -1);
	refused(header(ABI_RESULT, 1, result), result, -1); /* nothing was asked */
	hdr.magic++;
	refused(hdr, ref, -1);
	hdr = header(ABI_ACTIVATE, 0, ref);
	hdr.version++;
	refused(hdr, ref, -1);
	refused(header(ABI_ACTIVATE, 0, ref), 4000, -1);
	refused(header(ABI_ACTIVATE, 0, ref), sizeof(struct abi_msg), -1);
}

static void
bad_answers_are_refused(void **state)
{
	const uint32_t result = sizeof(struct abi_result), held = sizeof(struct abi_entries);
	struct abi_entries entries = {.cnt = ABI_ENTRIES_MAX + 1, .last = 1};
	struct dpclient_event event;

	(void)state;
	uint32_t add = ask(ABI_ADD);
	refused(header(ABI_RESULT, add + 1, result), result, -1);
	refused(header(ABI_WELCOME, add, sizeof(struct abi_welcome)), sizeof(struct abi_welcome),
	        listener);
	refused(header(ABI_HELD, add, held), held, -1);
	dpclient_close(client);
	close(peer);
	struct fail fail;
	assert_int_equal(dpclient_connect(&client, path, &fail), 0);
	peer = accept(listener, NULL, NULL);
	uint32_t hello = ask(ABI_HELLO);
	refused(header(ABI_WELCOME, hello, sizeof(struct abi_welcome)), sizeof(struct abi_welcome), -1);
	say(header(ABI_HELD, hello, held), &entries, sizeof(entries), -1);
	assert_int_equal(receive(&event), -EPROTO);
}

/* peers_answered says peers in answer to ABI_PEERS. Returns what control makes of it. */
static int
peers_answered(const struct abi_peers *peers)
{
	struct dpclient_event event;
	uint32_t cookie;

	dpclient_close(client);
	close(peer);
	struct fail fail;
	assert_int_equal(dpclient_connect(&client, path, &fail), 0);
	peer = accept(listener, NULL, NULL);
	cookie = ask(ABI_PEERS);
	say(header(ABI_PEER, cookie, sizeof(*peers)), peers, sizeof(*peers), -1);
	return receive(&event);
}

static void
peers_out_of_bounds_are_refused(void **state)
{
	static struct abi_peers peers;

	(void)state;
	peers = (struct abi_peers){.cnt = ABI_PEERS_MAX, .last = 1};
	assert_int_equal(peers_answered(&peers), 1);
	peers.cnt++;
	assert_int_equal(peers_answered(&peers), -EPROTO);
	peers.cnt--;
	peers.last = 2;
	assert_int_equal(peers_answered(&peers), -EPROTO);
	peers.last = 0;
	peers.peer[ABI_PEERS_MAX - 1].limit = ABI_LIMITED_CNT;
	assert_int_equal(peers_answered(&peers), -EPROTO);
	peers.peer[ABI_PEERS_MAX - 1].limit = 0;
	peers.peer[0].congestion = ABI_CONGESTION_CNT;
	assert_int_equal(peers_answered(&peers), -EPROTO);
	peers.cnt = 0;
	assert_int_equal(peers_answered(&peers), 1);
}

/* value_refused: the next message is refused for what is in it. */
static void
value_refused(void)
{
	struct dpclient_event event;
	struct fail fail;

	assert_int_equal(dpclient_receive(client, &event, &fail), -EPROTO);
	assert_non_null(strstr(fail.text, "value out of bounds"));
}

static void
traces_without_end_are_refused(void **state)
{
	static struct abi_traced traced;
	struct abi_trace_event *last = &traced.event[ABI_TRACE_MAX - 1];
	char *const texts[] = {last->name, last->value_name[0], last->value_name[1], last->text};
	const size_t sizes[] = {sizeof(last->name), sizeof(last->value_name[0]),
	                        sizeof(last->value_name[1]), sizeof(last->text)};
	struct dpclient_event event;
	uint32_t cookie = ask(ABI_TRACE);

	(void)state;
	traced.cnt = ABI_TRACE_MAX;
	say(header(ABI_TRACED, cookie, sizeof(traced)), &traced, sizeof(traced), -1);
	assert_int_equal(receive(&event), 1);
	for (int i = 0; i < 4; i++) {
		cookie = ask(ABI_TRACE);
		memset(texts[i], 'x', sizes[i]);
		say(header(ABI_TRACED, cookie, sizeof(traced)), &traced, sizeof(traced), -1);
		value_refused();
		texts[i][sizes[i] - 1] = '\0';
	}
	traced.cnt++;
	say(header(ABI_TRACED, cookie, sizeof(traced)), &traced, sizeof(traced), -1);
	value_refused();
}

static void
end_is_seen(void **state)
{
	struct dpclient_event event;

	(void)state;
	close(peer);
	assert_int_equal(receive(&event), -ECONNRESET);
	peer = dup(0);
}

static void
nobody_listens(void **state)
{
	struct dpclient *other;
	struct fail fail;
	char long_path[256];

	(void)state;
	close(listener);
	assert_int_equal(dpclient_connect(&other, path, &fail), -ECONNREFUSED);
	assert_int_equal(dpclient_connect(&other, "/tmp/spillway-none", &fail), -ENOENT);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(dpclient_connect(&other, long_path, &fail), -ENAMETOOLONG);
	listener = dup(0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_are_paired),
		TEST(held_goes_on_until_last),
		TEST(requests_are_bounded),
		TEST(queue_holds_what_the_socket_refuses),
		TEST(bad_messages_are_refused),
		TEST(bad_answers_are_refused),
		TEST(peers_out_of_bounds_are_refused),
		TEST(traces_without_end_are_refused),
		TEST(end_is_seen),
		TEST(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
