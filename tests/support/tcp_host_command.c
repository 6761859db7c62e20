/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The commands of the test host. */
#include "tests/support/tcp_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 4 };

#define WRITE_MAX (UINT64_C(1) << 40)

/* struct call is one command being carried out. */
struct call {
	struct host *host;
	struct host_client *client;
	struct host_conn *conn;        /* the selected one, NULL: none */
	char *word[WORDS_MAX];
	uint32_t word_cnt;
	char *answer;
};

static void
say(char *answer, const char *text)
{
	snprintf(answer, HOST_ANSWER_MAX, "%s", text);
}

/* number_read reads a whole word in [0, max]. */
static bool
number_read(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && text[0] >= '0' && text[0] <= '9' &&
	       *number <= max;
}

static bool
port_read(const char *text, uint16_t *port)
{
	uint64_t number;

	if (!number_read(text, UINT16_MAX, &number) || number == 0)
		return false;
	*port = (uint16_t)number;
	return true;
}

static const char *
end_text(const struct host_conn *conn)
{
	switch (conn->end) {
	case HOST_RESET:
		return "error reset";
	case HOST_TIMED_OUT:
		return "error timed out";
	case HOST_ABORTED:
		return "error aborted";
	default:
		return "error closed";
	}
}

static void
say_peer(struct host_client *client, const struct host_conn *conn, char *answer)
{
	char addr[INET_ADDRSTRLEN];

	client->current = conn->number;
	inet_ntop(AF_INET, &conn->last.remote_be, addr, sizeof(addr));
	snprintf(answer, HOST_ANSWER_MAX, "ok %s %u", addr, conn->last.remote_port);
}

/* ---- what is waited for */

static bool
answer_accept(struct host *host, struct host_client *client, char *answer)
{
	struct host_conn *conn = host_conn_accept(host);

	if (conn == NULL)
		return false;
	say_peer(client, conn, answer);
	return true;
}

static bool
answer_write(const struct host_conn *conn, char *answer)
{
	if (conn->tcb != NULL && conn->to_write_bytes > 0)
		return false;
	say(answer, conn->tcb == NULL ? end_text(conn) : "ok");
	return true;
}

static bool
answer_read(struct host_conn *conn, char *answer)
{
	if (conn->unread_bytes > 0) {
		snprintf(answer, HOST_ANSWER_MAX, "ok %" PRIu64, conn->unread_bytes);
		conn->unread_bytes = 0;
		return true;
	}
	if (conn->end != HOST_OPEN && conn->end != HOST_CLOSED)
		say(answer, end_text(conn));
	else if (conn->fin)
		say(answer, "ok 0");
	else if (conn->closed || conn->tcb == NULL)
		say(answer, "error closed");
	else
		return false;
	return true;
}

static bool
answer_hop(struct host *host, struct host_client *client, char *answer)
{
	enum neighbour_state state = host_hop_find(host, client);

	if (state == NEIGHBOUR_ASKED)
		return false;
	if (state == NEIGHBOUR_NONE) {
		say(answer, "error unreachable: no ARP answer from the next hop");
		return true;
	}
	client->conn = host_connect(host, &client->remote);
	if (client->conn == NULL) {
		say(answer, "error no local port is free, or too many connections");
		return true;
	}
	client->number = client->conn->number;
	client->current = client->number;
	client->wait = HOST_WAIT_CONNECT;
	return false;
}

static bool
answer_connect(const struct host_conn *conn, char *answer)
{
	if (!conn->established && conn->tcb != NULL)
		return false;
	if (conn->established)
		say(answer, "ok");
	else
		say(answer, conn->end == HOST_TIMED_OUT ? "error timed out" : "error refused");
	return true;
}

bool
host_answer(struct host *host, struct host_client *client, char *answer)
{
	if (client->wait == HOST_WAIT_ACCEPT)
		return answer_accept(host, client, answer);
	if (client->wait == HOST_WAIT_HOP)
		return answer_hop(host, client, answer);
	if (client->conn->number != client->number) {
		say(answer, "error forgotten");
		return true;
	}
	if (client->wait == HOST_WAIT_CONNECT)
		return answer_connect(client->conn, answer);
	if (client->wait == HOST_WAIT_WRITE)
		return answer_write(client->conn, answer);
	return answer_read(client->conn, answer);
}

/* wait_for answers now, or when it can. */
static void
wait_for(struct call *call, enum host_wait wait)
{
	struct host_client *client = call->client;

	client->wait = wait;
	client->conn = call->conn;
	client->number = call->conn != NULL ? call->conn->number : 0;
	if (host_answer(call->host, client, call->answer))
		client->wait = HOST_WAIT_NOTHING;
}

/* ---- the commands */

static void
do_listen(struct call *call)
{
	uint16_t port;
	int ret;

	if (!port_read(call->word[1], &port)) {
		say(call->answer, "error expected a port from 1 to 65535");
		return;
	}
	ret = tcp_listen(call->host->tcp, port);
	say(call->answer, ret == -ENOBUFS ? "error too many ports" : "ok");
}

static void
do_accept(struct call *call)
{
	wait_for(call, HOST_WAIT_ACCEPT);
}

static void
do_connect(struct call *call)
{
	struct tcp_remote *remote = &call->client->remote;

	*remote = (struct tcp_remote){0};
	call->client->asked_us = 0;
	call->conn = NULL;
	if (inet_pton(AF_INET, call->word[1], &remote->addr_be) != 1 || remote->addr_be == 0 ||
	    !port_read(call->word[2], &remote->port)) {
		say(call->answer, "error expected A.B.C.D and a port");
		return;
	}
	if (call->host->shares_address)        /* only that one's segments come to us */
		remote->local_port = call->host->options.listen_port;
	wait_for(call, HOST_WAIT_HOP);
}

static void
do_write(struct call *call)
{
	struct host_conn *conn = call->conn;
	uint64_t bytes;

	if (!number_read(call->word[1], WRITE_MAX, &bytes))
		say(call->answer, "error expected bytes from 0 to 2^40");
	else if (conn->tcb == NULL)
		say(call->answer, end_text(conn));
	else if (conn->shut || !conn->established)
		say(call->answer, conn->shut ? "error shut down" : "error not connected");
	else if (conn->to_write_bytes > WRITE_MAX)
		say(call->answer, "error too much is waiting to be written");
	else {
		host_write(call->host, conn, bytes);
		host_pump(call->host);
		wait_for(call, HOST_WAIT_WRITE);
	}
}

static void
do_read(struct call *call)
{
	wait_for(call, HOST_WAIT_READ);
}

static void
shut(struct call *call, bool closed)
{
	if (call->conn->tcb == NULL) {
		say(call->answer, closed ? "ok" : end_text(call->conn));
		return;
	}
	host_shut(call->host, call->conn, closed);
	say(call->answer, "ok");
}

static void
do_shutdown(struct call *call)
{
	if (call->conn->established)
		shut(call, false);
	else
		say(call->answer, "error not connected");
}

static void
do_close(struct call *call)
{
	shut(call, true);
}

static void
do_abort(struct call *call)
{
	if (call->conn->tcb != NULL)
		host_abort(call->host, call->conn);
	say(call->answer, "ok");
}

static void
do_info(struct call *call)
{
	say(call->answer, "ok ");
	host_info(call->host, call->conn, call->answer + 3, HOST_ANSWER_MAX - 3);
}

static void
do_list(struct call *call)
{
	size_t len = (size_t)snprintf(call->answer, HOST_ANSWER_MAX, "ok");

	for (uint32_t i = 0; i < HOST_CONNS_MAX && len < HOST_ANSWER_MAX - 64; i++) {
		const struct host_conn *conn = &call->host->conns[i];
		char addr[INET_ADDRSTRLEN];

		if (conn->number == 0)
			continue;
		inet_ntop(AF_INET, &conn->last.remote_be, addr, sizeof(addr));
		len += (size_t)snprintf(call->answer + len, HOST_ANSWER_MAX - len,
		                        "\n#%u %s %u %s", conn->number, addr,
		                        conn->last.remote_port, host_state_name(call->host, conn));
	}
}

static const struct command {
	const char *name;
	uint32_t word_cnt;             /* with its name */
	bool needs_conn;
	void (*run)(struct call *call);
} commands[] = {
	{"listen", 2, false, do_listen},
	{"accept", 1, false, do_accept},
	{"connect", 3, false, do_connect},
	{"write", 2, true, do_write},
	{"read", 1, true, do_read},
	{"shutdown", 1, true, do_shutdown},
	{"close", 1, true, do_close},
	{"abort", 1, true, do_abort},
	{"info", 1, true, do_info},
	{"list", 1, false, do_list},
};

/* ---- taking a command apart */

static void
split(struct call *call, char *text)
{
	char *save = NULL;
	char *word = strtok_r(text, " \t\r\n", &save);

	while (word != NULL && call->word_cnt < WORDS_MAX) {
		call->word[call->word_cnt++] = word;
		word = strtok_r(NULL, " \t\r\n", &save);
	}
	if (word != NULL)
		call->word_cnt = WORDS_MAX + 1;
}

/* choose finds the connection that the command is for, and takes "#N" away. */
static bool
choose(struct call *call)
{
	uint32_t number = call->client->current;
	uint64_t named;

	if (number == 0)
		number = call->host->latest;
	if (call->word_cnt > 0 && call->word[0][0] == '#') {
		if (!number_read(call->word[0] + 1, UINT32_MAX, &named))
			return false;
		number = (uint32_t)named;
		call->word_cnt = MIN(call->word_cnt, (uint32_t)WORDS_MAX) - 1;
		memmove(call->word, call->word + 1, sizeof(call->word) - sizeof(call->word[0]));
	}
	call->conn = host_conn_find(call->host, number);
	return true;
}

void
host_command(struct host *host, struct host_client *client, char *text, char *answer)
{
	struct call call = {.host = host, .client = client, .answer = answer};

	split(&call, text);
	if (!choose(&call)) {
		say(answer, "error expected #NUMBER");
		return;
	}
	for (uint32_t i = 0; call.word_cnt > 0 && i < ARRAY_CNT(commands); i++) {
		const struct command *command = &commands[i];

		if (strcmp(call.word[0], command->name) != 0)
			continue;
		if (call.word_cnt != command->word_cnt)
			say(answer, "error wrong number of arguments");
		else if (command->needs_conn && call.conn == NULL)
			say(answer, "error no connection");
		else
			command->run(&call);
		return;
	}
	say(answer, "error unknown command");
}
