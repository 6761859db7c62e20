/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway dht. */
#include "control/cli/cli.h"

#include "control/cli/cli_fields.h"

#include <string.h>

static void
counters_print(json_t *counters, const json_t *texts)
{
	const char *name;
	json_t *value;

	json_object_foreach(counters, name, value) {
		if (json_integer_value(value) == 0)
			continue;
		fputs("  ", stdout);
		cli_text(stdout, name);
		printf("%*s %12lld  ", (int)(strlen(name) < 18 ? 18 - strlen(name) : 0), "",
		       (long long)json_integer_value(value));
		cli_text(stdout, field_text(texts, name));
		putchar('\n');
	}
}

static void
node_print(const json_t *node, const json_t *texts)
{
	const char *external = field_text(node, "external");

	printf("\n%-13s ", field_text(node, "family"));
	cli_text(stdout, field_text(node, "address"));
	printf(", seen by others as %s%s\n", external[0] != '\0' ? external : "(not known yet)",
	       json_is_true(json_object_get(node, "read_only")) ? ", read-only" : "");
	printf("%-13s %s\n", "id", field_text(node, "id"));
	printf("%-13s %lld good, %lld dubious", "nodes", field_integer(node, "nodes_good"),
	       field_integer(node, "nodes_dubious"));
	if (field_integer(node, "nodes_refused") > 0)
		printf(", %lld with an id that is not theirs", field_integer(node, "nodes_refused"));
	printf("\n%-13s %lld\n", "peers stored", field_integer(node, "peers_stored"));
	printf("%-13s %lld under way, %lld replies waited for\n", "lookups",
	       field_integer(node, "lookups"), field_integer(node, "waiting_replies"));
	counters_print(json_object_get(node, "counters"), texts);
}

static void
dht_print(const json_t *dht, const json_t *texts)
{
	json_t *node;
	size_t i;

	if (!json_is_true(json_object_get(dht, "on"))) {
		printf("%-13s off: ", "DHT");
		cli_text(stdout, field_text(dht, "reason"));
		putchar('\n');
		return;
	}
	printf("%-13s on\n", "DHT");
	printf("%-13s %lld announced, %lld of them late\n", "torrents",
	       field_integer(dht, "torrents"), field_integer(dht, "waiting"));
	json_array_foreach(json_object_get(dht, "nodes"), i, node)
		node_print(node, texts);
}

static int
run_dht(const struct cli *cli, int argc, char **argv)
{
	struct cli_call call = {.fd = -1};
	json_t *final;

	if (argc > 1)
		return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[1]);
	call.request = json_pack("{s:s}", "command", "dht");
	int code = cli_call(cli, &call, &final);
	if (code != CLI_DONE)
		return code;
	if (cli->json) {
		json_object_del(final, "counter_texts");
		return cli_print(final);
	}
	dht_print(json_object_get(final, "dht"), json_object_get(final, "counter_texts"));
	json_decref(final);
	return CLI_DONE;
}

const struct cli_command cli_command_dht = {
	.name = "dht",
	.usage = "",
	.help = "tell how the distributed hash table is",
	.more = "Nodes are good when they answered lately. Each counter that is not zero is told with\n"
	        "what it counts. What became of one torrent's announce is in spillway show.\n",
	.run = run_dht,
};
