/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway api-token. */
#include "control/cli/cli.h"

static int
run(const struct cli *cli, int argc, char **argv)
{
	struct cli_call call = {.request = json_pack("{s:s}", "command", "api_token"), .fd = -1};
	json_t *final;

	(void)argv;
	if (argc > 1) {
		json_decref(call.request);
		return cli_error(cli, CLI_USAGE, "api-token takes no arguments");
	}
	int code = cli_call(cli, &call, &final);
	if (code != CLI_DONE)
		return code;
	if (cli->json)
		return cli_print(final);
	cli_text(stdout, json_string_value(json_object_get(final, "token")));
	putchar('\n');
	json_decref(final);
	return CLI_DONE;
}

const struct cli_command cli_command_api_token = {
	.name = "api-token",
	.usage = "",
	.help = "print the token of the HTTP API",
	.more = "Clients send it as \"Authorization: Bearer TOKEN\", or as the password of Basic\n"
	        "authentication with any user name:\n\n"
	        "  transmission-remote 127.0.0.1:9091 -n spillway:$(spillway api-token) -l\n\n"
	        "Where the API listens is spillwayd's option api; --json tells it, too.\n",
	.run = run,
};
