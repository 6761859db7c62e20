/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway limit and spillway drain. */
#include "control/cli/cli.h"
#include "control/cli/cli_table.h"
#include "control/policy/rate_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what there is */

static long long
integer(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static void
row_print(const char *what, const char *name, const json_t *row)
{
	char rate[CLI_QUANTITY_MAX] = "none", label[96], connections[24] = "-";
	long long bytes = integer(row, "rate_bytes_per_s");
	long long connections_max = integer(row, "connections_max");

	if (bytes > 0)
		cli_bytes(rate, (double)bytes, "/s");
	if (connections_max > 0)
		snprintf(connections, sizeof(connections), "%lld", connections_max);
	snprintf(label, sizeof(label), "%s%s%.64s", what, name[0] != '\0' ? " " : "", name);
	printf("%-28s %14s %8lld %12s\n", label, rate, integer(row, "weight"), connections);
}

static void
rows_print(const json_t *rows, const char *key)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *name = json_string_value(json_object_get(row, key));
		row_print(key, name != NULL ? name : "", row);
	}
}

static void
limits_print(const json_t *limits)
{
	const char *slow = json_string_value(json_object_get(limits, "slow_peer"));

	printf("%-28s %14s %8s %12s\n", "LIMIT OF", "RATE", "WEIGHT", "CONNECTIONS");
	row_print("global", "", json_object_get(limits, "global"));
	rows_print(json_object_get(limits, "labels"), "label");
	rows_print(json_object_get(limits, "classes"), "class");
	if (integer(limits, "upload_slots") > 0)
		printf("upload slots: %lld, %s%s%s\n", integer(limits, "upload_slots"),
		       json_string_value(json_object_get(limits, "choke")),
		       slow != NULL && slow[0] != '\0' ? ", slow peers yield: " : "",
		       slow != NULL ? slow : "");
	if (integer(limits, "blocked_ranges") > 0)
		printf("blocklist: %lld range%s of addresses refused\n", integer(limits, "blocked_ranges"),
		       integer(limits, "blocked_ranges") == 1 ? "" : "s");
	if (json_is_true(json_object_get(limits, "drain")))
		puts("draining: new connections are refused");
}

static void
torrent_print(const json_t *torrent)
{
	const json_t *settings = json_object_get(torrent, "settings");
	const char *name = json_string_value(json_object_get(torrent, "name"));

	printf("%-28s %14s %8s %12s\n", "LIMIT OF", "RATE", "WEIGHT", "CONNECTIONS");
	row_print("torrent", name != NULL ? name : "", settings != NULL ? settings : torrent);
}

/* ---- limit */

/* number_set puts the number of an option into request. */
static int
number_set(const struct cli *cli, json_t *request, const char *member, const char *text)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);

	if (errno != 0 || end == text || *end != '\0' || value < 0)
		return cli_error(cli, CLI_USAGE, "\"%s\" is not a number", text);
	json_object_set_new(request, member, json_integer(value));
	return CLI_DONE;
}

static int
rate_set(const struct cli *cli, json_t *request, const char *text)
{
	uint64_t bytes_per_s;
	struct fail fail;

	if (rate_parse(text, strlen(text), &bytes_per_s, &fail) != 0)
		return cli_error(cli, CLI_USAGE, "%s", fail.text);
	json_object_set_new(request, "rate_bytes_per_s", json_integer((json_int_t)bytes_per_s));
	return CLI_DONE;
}

/* word_set takes a word that is no option: global, label L, class C, torrent T, or the rate. */
static int
word_set(const struct cli *cli, json_t *request, int argc, char **argv, int *i)
{
	const char *word = argv[*i];
	bool named = strcmp(word, "label") == 0 || strcmp(word, "class") == 0 ||
	             strcmp(word, "torrent") == 0;

	if (json_object_get(request, "of") != NULL)
		return rate_set(cli, request, word);
	if (!named && strcmp(word, "global") != 0)
		return cli_error(cli, CLI_USAGE, "\"%s\" is not global, label, class or torrent", word);
	if (named && *i + 1 == argc)
		return cli_error(cli, CLI_USAGE, "%s needs a name", word);
	json_object_set_new(request, "of", json_string(word));
	if (named && json_object_set_new(request, "name", json_string(argv[++*i])) != 0)
		return cli_error(cli, CLI_USAGE, "the arguments must be UTF-8");
	return CLI_DONE;
}

static int
request_make(const struct cli *cli, json_t *request, int argc, char **argv)
{
	int code = CLI_DONE;

	for (int i = 1; i < argc && code == CLI_DONE; i++) {
		const char *value;
		int got;

		if ((got = cli_option(argc, argv, &i, "--weight", &value)) == 1)
			code = number_set(cli, request, "weight", value);
		else if (got == 0 && (got = cli_option(argc, argv, &i, "--connections", &value)) == 1)
			code = number_set(cli, request, "connections_max", value);
		else if (got < 0)
			code = cli_error(cli, CLI_USAGE, "%s needs a number", argv[i]);
		else if (strcmp(argv[i], "--reset") == 0)
			json_object_set_new(request, "reset", json_true());
		else
			code = word_set(cli, request, argc, argv, &i);
	}
	return code;
}

static int
run_limit(const struct cli *cli, int argc, char **argv)
{
	json_t *request = json_pack("{s:s}", "command", "limit"), *final;
	int code = request_make(cli, request, argc, argv);

	if (code != CLI_DONE) {
		json_decref(request);
		return code;
	}
	struct cli_call call = {.request = request, .fd = -1};
	code = cli_call(cli, &call, &final);
	if (code != CLI_DONE)
		return code;
	if (cli->json)
		return cli_print(final);
	if (json_object_get(final, "torrent") != NULL)
		torrent_print(json_object_get(final, "torrent"));
	else
		limits_print(json_object_get(final, "limits"));
	json_decref(final);
	return CLI_DONE;
}

const struct cli_command cli_command_limit = {
	.name = "limit",
	.usage = "[global|label LABEL|class CLASS|torrent TORRENT] [RATE|none] [--weight N] "
	         "[--connections N] | --reset",
	.help = "show limits, or change them at once and for good",
	.more = "RATE is 10M (MiB a second), 500000 (bytes a second), 100Mbit (bits) or none. Weights\n"
	        "are from 1 to 1000, usually 100: shares of a rate that is not enough for all. What\n"
	        "is sent of a torrent passes the limits of all, of the first limited label that it\n"
	        "bears, its own, and of the peer's class. Changes hold over restarts and win over\n"
	        "the configuration; --reset forgets those of all, labels and classes.\n",
	.run = run_limit,
};

/* ---- drain */

enum { DRAIN_LOOK_US = 500 * 1000 };

static int
drain_ask(const struct cli *cli, json_t *request, json_t **final)
{
	struct cli_call call = {.request = request, .fd = -1};

	return cli_call(cli, &call, final);
}

static void
drain_print(const json_t *final)
{
	long long peers = integer(final, "peers");

	if (json_is_true(json_object_get(final, "drain")))
		printf("draining: %lld connection%s left\n", peers, peers == 1 ? "" : "s");
	else
		printf("not draining: %lld connection%s\n", peers, peers == 1 ? "" : "s");
}

/* drain_wait asks until nobody is left. */
static int
drain_wait(const struct cli *cli, json_t **final)
{
	long long last = -1;
	int code = CLI_DONE;

	while (code == CLI_DONE && integer(*final, "peers") > 0) {
		if (!json_is_true(json_object_get(*final, "drain")))
			return cli_error(cli, CLI_FAILED, "the drain was ended");
		if (!cli->json && integer(*final, "peers") != last)
			drain_print(*final);
		last = integer(*final, "peers");
		fflush(stdout);
		usleep(DRAIN_LOOK_US);
		json_decref(*final);
		*final = NULL;
		code = drain_ask(cli, json_pack("{s:s}", "command", "drain"), final);
	}
	return code;
}

static int
run_drain(const struct cli *cli, int argc, char **argv)
{
	bool wait = false, on = true;
	json_t *final = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--wait") == 0)
			wait = true;
		else if (strcmp(argv[i], "--off") == 0)
			on = false;
		else
			return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[i]);
	}
	int code = drain_ask(cli, json_pack("{s:s, s:b}", "command", "drain", "on", on), &final);
	if (code == CLI_DONE && on && wait)
		code = drain_wait(cli, &final);
	if (code != CLI_DONE) {
		json_decref(final);
		return code;
	}
	if (cli->json)
		return cli_print(final);
	drain_print(final);
	json_decref(final);
	return CLI_DONE;
}

const struct cli_command cli_command_drain = {
	.name = "drain",
	.usage = "[--wait] [--off]",
	.help = "refuse new connections and let those that are there finish, for maintenance",
	.more = "Peers that have asked for nothing for 15 seconds are closed. --wait ends when nobody\n"
	        "is left. A drain holds over restarts of either daemon until --off.\n",
	.run = run_drain,
};
