/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The routes of the HTTP API. */
#include "control/api/api.h"

#include "control/api/api_token.h"
#include "control/api/live.h"
#include "control/base/clock.h"
#include "control/base/log.h"
#include "control/api/metrics.h"
#include "control/api/transmission.h"
#include "control/api/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct http_route routes[] = {
	{HTTP_GET | HTTP_POST, "/transmission/rpc", HTTP_TOKEN_BASIC, TRANSMISSION_BODY_MAX,
	 transmission_handle},
	{HTTP_GET | HTTP_POST, "/transmission/rpc/", HTTP_TOKEN_BASIC, TRANSMISSION_BODY_MAX,
	 transmission_handle}, /* transmission-remote */
	{HTTP_GET, "/metrics", HTTP_TOKEN, 0, metrics_handle},
	{HTTP_GET, "/api/v1/live", HTTP_TOKEN, 0, live_handle},
	{HTTP_GET, "/", HTTP_OPEN, 0, web_handle},
	{HTTP_GET, "/spillway.css", HTTP_OPEN, 0, web_handle},
	{HTTP_GET, "/spillway.js", HTTP_OPEN, 0, web_handle},
};

const char *
api_token_path(const struct options *options, char path[PATH_MAX])
{
	if (strcmp(options->api_token_file, "auto") == 0)
		snprintf(path, PATH_MAX, "%.*s/api_token", PATH_MAX - 16, options->state_dir);
	else
		snprintf(path, PATH_MAX, "%s", options->api_token_file);
	return path;
}

/* open_all makes the parts of an API. */
static int
open_all(struct api *api, struct fail *fail)
{
	const struct options *options = api->env.options;
	char path[PATH_MAX];
	struct http_config config = {
		.listen = options->api,
		.token = api->token,
		.hosts = options->api_hosts,
		.origins = options->api_origins,
		.routes = routes,
		.route_cnt = sizeof(routes) / sizeof(routes[0]),
		.env = api,
	};

	int err = api_token_load(api_token_path(options, path), api->token, fail);
	if (err == 0)
		err = transmission_create(&api->transmission, &api->env, fail);
	struct rates *rates = err == 0 ? transmission_rates(api->transmission) : NULL;
	if (err == 0 && (metrics_create(&api->metrics, &api->env, rates) != 0 ||
	                 live_create(&api->live, &api->env, rates) != 0))
		err = fail_set(fail, ENOMEM, "out of memory");
	if (err == 0)
		err = http_create(&api->http, &config, fail);
	if (err == 0)
		log_info("api", "listen=%s token=%s", LOG_QUOTE(options->api), LOG_QUOTE(path));
	return err;
}

int
api_create(struct api **api, const struct commands_env *env, struct fail *fail)
{
	*api = NULL;
	if (strcmp(env->options->api, "off") == 0)
		return 0;
	struct api *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return fail_set(fail, ENOMEM, "out of memory");
	made->env = *env;
	int err = open_all(made, fail);
	if (err == 0)
		*api = made;
	else
		api_destroy(made);
	return err;
}

void
api_destroy(struct api *api)
{
	if (api == NULL)
		return;
	http_destroy(api->http);
	live_destroy(api->live);
	metrics_destroy(api->metrics);
	transmission_destroy(api->transmission);
	free(api);
}

int
api_fd(const struct api *api)
{
	return api != NULL ? http_fd(api->http) : -1;
}

int
api_timeout_ms(const struct api *api)
{
	if (api == NULL)
		return -1;
	int due_ms = http_timeout_ms(api->http);
	due_ms = clock_sooner_ms(due_ms, transmission_timeout_ms(api->transmission));
	return clock_sooner_ms(due_ms, live_timeout_ms(api->live));
}

void
api_run(struct api *api)
{
	if (api == NULL)
		return;
	transmission_run(api->transmission);
	live_run(api->live);
	http_run(api->http);
}
