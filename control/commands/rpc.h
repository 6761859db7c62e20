/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* rpc.h serves <run_dir>/control.sock: a client sends one JSON object a line and gets zero or more
 * lines in between and one final line, which has "ok". One request at a time per client.
 *
 *      {"command":"list"}              →  {"torrent":{...}} ... {"ok":true,"torrents":2}
 *      {"command":"add","data":"/d"}   →  {"progress":{...}} ... {"ok":true,"torrent":{...}}
 *        with the .torrent as SCM_RIGHTS descriptor beside the line
 *      anything refused                →  {"ok":false,"error":"one line"}
 *
 * Bounds: RPC_CLIENTS_MAX clients; a longer request, more than RPC_OUTPUT_MAX bytes unread, or
 * RPC_IDLE_MS without a byte moving while we wait for the client, closes it.
 * Threads: one. Never blocks.
 */
#ifndef SPILLWAY_CONTROL_COMMANDS_RPC_H
#define SPILLWAY_CONTROL_COMMANDS_RPC_H

#include "control/base/fail.h"

#include <jansson.h>

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum rpc_limit {
	RPC_CLIENTS_MAX = 32,
	RPC_REQUEST_MAX = 16384,      /* bytes of a request line */
	RPC_OUTPUT_MAX = 4 << 20,     /* bytes waiting for a client */
	RPC_OUTPUT_LOW = 64 << 10,    /* below, rpc_hungry is true */
	RPC_WRITE_MIN = 32 << 10,     /* bytes of lines in between that are written at once */
	RPC_IDLE_MS = 30000,
	RPC_POLL_MAX = RPC_CLIENTS_MAX + 1,
};

struct rpc;

/* A request. */
struct rpc_request {
	uint64_t client;  /* whom to answer */
	json_t *json;     /* an object, borrowed until rpc_done or rpc_send of the final line */
	int fd;           /* what came beside it, -1 if nothing; the caller's */
};

/* rpc_create listens at path, mode 0660; a socket there must be stale.
 * Returns 0 or a negative errno with fail. */
int
rpc_create(struct rpc **rpc, const char *path, struct fail *fail);

/* rpc_destroy closes everything and removes the socket; NULL is allowed. */
void
rpc_destroy(struct rpc *rpc);

/* rpc_poll fills what to poll for. Returns the number of entries, up to RPC_POLL_MAX. */
nfds_t
rpc_poll(const struct rpc *rpc, struct pollfd *fds);

/* rpc_run moves bytes; to be called after each poll. */
void
rpc_run(struct rpc *rpc);

/* rpc_next takes a request that is whole. Returns false when there is none. The client gets no
 * other request served before the final line is sent. */
bool
rpc_next(struct rpc *rpc, struct rpc_request *request);

/* rpc_send queues a line and takes over line.
 *
 * final  this ends the request.
 * Returns false when the client has gone. */
bool
rpc_send(struct rpc *rpc, uint64_t client, json_t *line, bool final);

/* rpc_send_text is rpc_send of a line in between that is text already, without its newline. */
bool
rpc_send_text(struct rpc *rpc, uint64_t client, const char *text, size_t len);

/* rpc_send_error is rpc_send of a final {"ok":false,"error":text}. */
bool
rpc_send_error(struct rpc *rpc, uint64_t client, const char *text);

/* rpc_alive is true while the client is connected. */
bool
rpc_alive(const struct rpc *rpc, uint64_t client);

/* rpc_hungry is true while little waits for the client: a long answer is sent piece by piece. */
bool
rpc_hungry(const struct rpc *rpc, uint64_t client);

#endif
