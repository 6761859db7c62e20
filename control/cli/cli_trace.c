/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway peers --trace. */
#include "control/cli/cli_peers.h"

static void
event_print(const json_t *event)
{
	const char *text = json_string_value(json_object_get(event, "text"));
	const char *name = json_string_value(json_object_get(event, "event"));

	printf("%16.6f s ago  ", json_number_value(json_object_get(event, "ago_us")) / 1e6);
	printf("%-11s ", name != NULL ? name : "");
	cli_text(stdout, text != NULL ? text : "");
	putchar('\n');
}

int
cli_trace(const struct cli *cli, const char *peer)
{
	struct cli_call call = {
		.request = json_pack("{s:s, s:s}", "command", "trace", "peer", peer),
		.fd = -1,
	};
	json_t *final, *event;
	size_t i;
	int code = cli_call(cli, &call, &final);

	if (code != CLI_DONE)
		return code;
	if (cli->json)
		return cli_print(final);
	json_array_foreach(json_object_get(final, "trace"), i, event)
		event_print(event);
	json_decref(final);
	return CLI_DONE;
}
