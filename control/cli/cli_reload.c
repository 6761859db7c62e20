/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway reload. */
#include "control/cli/cli.h"

static void
print_names(const json_t *names, const char *after)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		cli_text(stdout, json_string_value(name));
		printf(": %s\n", after);
	}
}

static int
run_reload(const struct cli *cli, int argc, char **argv)
{
	struct cli_call call = {.request = json_pack("{s:s}", "command", "reload"), .fd = -1};
	json_t *final;

	if (argc > 1) {
		json_decref(call.request);
		return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[1]);
	}
	int code = cli_call(cli, &call, &final);
	if (code != CLI_DONE)
		return code;
	if (cli->json)
		return cli_print(final);
	const json_t *changed = json_object_get(final, "changed");
	const json_t *waiting = json_object_get(final, "needs_restart");
	print_names(changed, "changed");
	print_names(waiting, "needs a restart");
	if (json_array_size(changed) + json_array_size(waiting) == 0)
		puts("nothing has changed");
	json_decref(final);
	return CLI_DONE;
}

const struct cli_command cli_command_reload = {
	.name = "reload",
	.usage = "",
	.help = "read spillwayd's configuration file again",
	.more = "Options marked live in spillwayd --help take effect at once and no peer is dropped;\n"
	        "those that need a restart of spillwayd are named. With anything wrong in the file\n"
	        "nothing changes. SIGHUP to spillwayd does the same, and says so in its log.\n",
	.run = run_reload,
};
