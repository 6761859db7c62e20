/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway remove, pause, start, label and set: what changes torrents. */
#include "control/cli/cli_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* torrents_say prints what became of the torrents. */
static int
torrents_say(const struct cli *cli, json_t *final, const char *word)
{
	const json_t *torrents = json_object_get(final, "torrents");

	if (cli->json)
		return cli_print(final);
	for (size_t i = 0; i < json_array_size(torrents); i++) {
		const json_t *torrent = json_array_get(torrents, i);
		const json_t *labels = json_object_get(torrent, "labels");

		printf("%s ", word);
		cli_text(stdout, field_text(torrent, "name"));
		for (size_t k = 0; strcmp(word, "labelled") == 0 && k < json_array_size(labels); k++) {
			fputs(k == 0 ? ": " : ", ", stdout);
			cli_text(stdout, json_string_value(json_array_get(labels, k)));
		}
		if (strcmp(word, "labelled") == 0 && json_array_size(labels) == 0)
			fputs(": no labels", stdout);
		putchar('\n');
	}
	json_decref(final);
	return CLI_DONE;
}

/* change_ask sends a request for torrents; both are taken over. */
static int
change_ask(const struct cli *cli, json_t *request, json_t *torrents, const char *word)
{
	json_t *final;

	if (json_array_size(torrents) == 0) {
		json_decref(request);
		json_decref(torrents);
		return cli_error(cli, CLI_USAGE, "no torrent is named");
	}
	json_object_set_new(request, "torrents", torrents);
	struct cli_call call = {.request = request, .fd = -1};
	int code = cli_call(cli, &call, &final);
	return code == CLI_DONE ? torrents_say(cli, final, word) : code;
}

/* torrents_read returns an array of the words; NULL with a text when one is not UTF-8. */
static json_t *
torrents_read(const struct cli *cli, int argc, char **argv)
{
	json_t *torrents = json_array();

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-' && json_array_append_new(torrents, json_string(argv[i])) == 0)
			continue;
		cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[i]);
		json_decref(torrents);
		return NULL;
	}
	return torrents;
}

static int
simple(const struct cli *cli, int argc, char **argv, json_t *request, const char *word)
{
	json_t *torrents = torrents_read(cli, argc, argv);

	if (torrents != NULL)
		return change_ask(cli, request, torrents, word);
	json_decref(request);
	return CLI_USAGE;
}

static int
drop(const struct cli *cli, int argc, char **argv)
{
	return simple(cli, argc, argv, json_pack("{s:s}", "command", "remove"), "removed");
}

static int
pause_all(const struct cli *cli, int argc, char **argv)
{
	return simple(cli, argc, argv, json_pack("{s:s, s:b}", "command", "set", "paused", 1),
	              "paused");
}

static int
start(const struct cli *cli, int argc, char **argv)
{
	return simple(cli, argc, argv, json_pack("{s:s, s:b}", "command", "set", "paused", 0),
	              "started");
}

/* ---- label */

static int
label(const struct cli *cli, int argc, char **argv)
{
	json_t *torrents = json_array(), *add = json_array(), *less = json_array();
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		bool is_label = word[0] == '+' || word[0] == '-';
		json_t *into = word[0] == '+' ? add : word[0] == '-' ? less : torrents;

		failed |= json_array_append_new(into, json_string(word + is_label));
	}
	if (failed != 0 || json_array_size(add) + json_array_size(less) == 0) {
		json_decref(torrents);
		json_decref(add);
		json_decref(less);
		return cli_error(cli, CLI_USAGE, failed ? "the arguments must be UTF-8"
		                                        : "label needs +LABEL or -LABEL");
	}
	json_t *request =
		json_pack("{s:s, s:o, s:o}", "command", "label", "add", add, "remove", less);
	return change_ask(cli, request, torrents, "labelled");
}

/* ---- set */

/* count_read reads digits, and K, M or G after them: times 1024, 1024^2, 1024^3. */
static json_t *
count_read(const char *text)
{
	static const char units[] = "KMG";
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
	int shift = unit != NULL ? 10 * (int)(unit - units + 1) : 0;
	if (errno != 0 || end == text || value < 0 || value > INT64_MAX >> 30 ||
	    end[unit != NULL] != '\0')
		return NULL;
	return json_integer((json_int_t)value << shift);
}

static json_t *
switch_read(const char *text)
{
	if (strcmp(text, "yes") == 0)
		return json_true();
	return strcmp(text, "no") == 0 ? json_false() : NULL;
}

/* setting_read puts what NAME=VALUE says into request. Returns CLI_DONE or CLI_USAGE. */
static int
setting_read(const struct cli *cli, json_t *request, const char *word)
{
	static const struct {
		const char *name, *member, *values;
		json_t *(*read)(const char *text);
	} names[] = {
		{"rate=", "rate_bytes_per_s", "bytes per second, or 5M", count_read},
		{"weight=", "weight", "a number", count_read},
		{"connections=", "connections_max", "a number", count_read},
		{"super_seed=", "super_seed", "yes or no", switch_read},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i].name);
		if (strncmp(word, names[i].name, len) != 0)
			continue;
		json_t *value = names[i].read(word + len);
		if (value == NULL)
			return cli_error(cli, CLI_USAGE, "%s needs %s", names[i].name, names[i].values);
		json_object_set_new(request, names[i].member, value);
		return CLI_DONE;
	}
	return cli_error(cli, CLI_USAGE, "no setting \"%s\": there are rate=, weight=, connections= "
	                 "and super_seed=", word);
}

static int
set(const struct cli *cli, int argc, char **argv)
{
	json_t *request = json_pack("{s:s}", "command", "set");
	json_t *torrents = json_array();
	int code = CLI_DONE;

	for (int i = 1; i < argc && code == CLI_DONE; i++) {
		if (strchr(argv[i], '=') != NULL)
			code = setting_read(cli, request, argv[i]);
		else if (json_array_append_new(torrents, json_string(argv[i])) != 0)
			code = cli_error(cli, CLI_USAGE, "the arguments must be UTF-8");
	}
	if (code == CLI_DONE && json_object_size(request) == 1)
		code = cli_error(cli, CLI_USAGE, "set needs NAME=VALUE");
	if (code == CLI_DONE)
		return change_ask(cli, request, torrents, "set");
	json_decref(request);
	json_decref(torrents);
	return code;
}

const struct cli_command cli_command_remove = {
	.name = "remove",
	.usage = "TORRENT...",
	.help = "stop seeding torrents and forget them; their content is not touched",
	.more = "All that are named are removed or, when one is not there, none.\n",
	.run = drop,
};

const struct cli_command cli_command_pause = {
	.name = "pause",
	.usage = "TORRENT...",
	.help = "serve torrents to nobody until they are started",
	.more = "Their connections are closed. They stay paused over restarts.\n",
	.run = pause_all,
};

const struct cli_command cli_command_start = {
	.name = "start",
	.usage = "TORRENT...",
	.help = "serve torrents again that were paused",
	.more = "",
	.run = start,
};

const struct cli_command cli_command_label = {
	.name = "label",
	.usage = "TORRENT... [+LABEL...] [-LABEL...]",
	.help = "give torrents labels, or take them away",
	.more = "A label is 1 to 63 bytes without commas. A torrent has at most 16.\n",
	.run = label,
};

const struct cli_command cli_command_set = {
	.name = "set",
	.usage = "TORRENT... NAME=VALUE...",
	.help = "change the limits of torrents",
	.more = "  rate=N          at most so many bytes per second, 0: no limit of its own; K, M and\n"
	        "                  G after a number are units of 1024\n"
	        "  weight=N        its share where a limit of several torrents binds: 1 to 1000 [100]\n"
	        "  connections=N   at most so many connections, 0: no limit of its own\n"
	        "  super_seed=yes  reveal each piece to few peers at a time (BEP 16); or no\n",
	.run = set,
};
