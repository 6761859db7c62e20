/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* api.h is what spillwayd offers over HTTP: the server of http.h, the token, and the table of
 * routes (api.c), whose handlers get a struct api as env.
 *
 *      /transmission/rpc   transmission.h
 *      /metrics            metrics.h
 *      /api/v1/live        live.h
 *      /                   web.h
 *
 * Threads: one. Lifecycle: as http.h.
 */
#ifndef SPILLWAY_CONTROL_API_API_H
#define SPILLWAY_CONTROL_API_API_H

#include "control/commands/commands.h"
#include "control/api/http.h"
#include "control/api/http_guard.h"

struct transmission;
struct live;
struct metrics;

/* What handlers work on. */
struct api {
	struct commands_env env;
	struct http *http;
	struct transmission *transmission;
	struct metrics *metrics;
	struct live *live;
	char token[HTTP_TOKEN_LEN_MAX + 1];
};

/* api_create begins to listen where options say. With "off" there is nothing to listen at, and *api
 * is NULL, which the functions below allow.
 *
 * env  copied; what it points to is borrowed.
 * Returns 0 or a negative errno with fail. */
int
api_create(struct api **api, const struct commands_env *env, struct fail *fail);

/* api_destroy closes everything. */
void
api_destroy(struct api *api);

/* api_fd returns the descriptor to poll for POLLIN, -1 for none. */
int
api_fd(const struct api *api);

/* api_timeout_ms returns when api_run is due at the latest, -1 for never. */
int
api_timeout_ms(const struct api *api);

/* api_run serves what has come. */
void
api_run(struct api *api);

/* api_token_path returns the path of the token's file: as options say, or in state_dir. */
const char *
api_token_path(const struct options *options, char path[PATH_MAX]);

#endif
