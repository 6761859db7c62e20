/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway-leech: the load generator. Options in, one run, a summary out. */
#include "perf/leech_http.h"
#include "perf/leech_net.h"
#include "perf/leech_options.h"
#include "perf/leech_report.h"
#include "perf/leech_session.h"
#include "perf/leech_socket.h"
#include "perf/leech_url.h"
#include "perf/leech_wire.h"

#include <stdlib.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* struct content is what the run asks for. */
struct content {
	struct leech_torrent *torrents;
	uint32_t cnt;
};

static int
content_probe(const struct leech_options *options, struct content *content)
{
	content->torrents = calloc(1, sizeof(*content->torrents));
	content->cnt = 1;
	return content->torrents == NULL ? -1 : leech_http_probe(options, content->torrents);
}

static int
content_load(struct leech_options *options, struct content *content)
{
	if (options->url != NULL && leech_url_take(options) != 0)
		return -1;
	if (options->list_path != NULL)
		return leech_torrents_load(&content->torrents, &content->cnt, options->list_path);
	if (options->torrent_path == NULL)
		return content_probe(options, content);
	content->torrents = calloc(1, sizeof(*content->torrents));
	if (content->torrents == NULL ||
	    leech_torrent_load(content->torrents, options->torrent_path) != 0)
		return -1;
	content->cnt = 1;
	if (!options->http)
		return 0;
	if (leech_http_check(content->torrents) != 0)
		return -1;
	return options->url != NULL ? 0 : leech_url_make(options, content->torrents->name);
}

static int
session_run(struct leech_session *session)
{
	struct leech_net *net;
	int status = -1;

	if (session->options->port == NULL) {
		session->carrier = &leech_socket_carrier;
		session->lane_cnt = session->options->thread_cnt;
		return leech_session_run(session);
	}
	if (leech_net_env_init(session->options) != 0)
		return -1;
	net = leech_net_open(session->options);
	if (net != NULL)
		status = leech_net_run(net, session);
	leech_net_close(net);
	leech_net_env_fini();
	return status;
}

static int
run(const struct leech_options *options, const struct content *content)
{
	struct leech_session session = {
		.options = options, .torrents = content->torrents, .torrent_cnt = content->cnt,
		.language = options->http ? &leech_http_language : &leech_wire_language,
	};
	int status = STATUS_FAILED;

	if (session_run(&session) == 0) {
		leech_report_print(&session);
		status = leech_report_status(&session);
	}
	leech_session_fini(&session);
	return status;
}

int
main(int argc, char **argv)
{
	struct leech_options options;
	struct content content = {0};
	int go = argc > 0 ? leech_options_read(&options, argv) : -1;
	int status = STATUS_FAILED;

	if (go <= 0)
		return go == 0 ? EXIT_SUCCESS : STATUS_USAGE;
	if (content_load(&options, &content) == 0)
		status = run(&options, &content);
	leech_torrents_unload(content.torrents, content.cnt);
	return status;
}
