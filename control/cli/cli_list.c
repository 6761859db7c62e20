/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway list. */
#include "control/cli/cli_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
state_text(const json_t *torrent, char out[STATE_MAX])
{
	const char *state = field_text(torrent, "state");
	double size = field_number(torrent, "size_bytes");
	long long pieces = field_integer(torrent, "pieces");
	long long had = field_integer(torrent, "pieces_had");

	if (strcmp(state, "verifying") == 0 && size > 0)
		snprintf(out, STATE_MAX, "verifying %d %%",
		         (int)(100 * field_number(torrent, "verified_bytes") / size));
	else if (strcmp(state, "seeding") == 0 && had < pieces && pieces > 0)
		snprintf(out, STATE_MAX, "seeding %.1f %%", (double)(had * 1000 / pieces) / 10);
	else
		snprintf(out, STATE_MAX, "%s", state);
}

struct list_args {
	const char *label;
	const char *state;
	const char *since;
};

struct listed {
	json_t *torrents;
	json_t *removed;
	FILE *out;  /* with --json: torrents as they come, with commas between; else NULL */
	char *text; /* what was written to it */
	size_t len;
	bool any;
};

static void
list_take(json_t *line, void *ctx)
{
	struct listed *listed = ctx;

	json_array_append(listed->torrents, json_object_get(line, "torrent"));
	json_array_append(listed->removed, json_object_get(line, "removed"));
}

/* text_take keeps a torrent as it is: to parse very many and print them again takes long. */
static bool
text_take(const char *line, size_t len, void *ctx)
{
	static const char head[] = "{\"torrent\":", tail[] = "}\n";
	const size_t head_len = sizeof(head) - 1, tail_len = sizeof(tail) - 1;
	struct listed *listed = ctx;

	if (len < head_len + tail_len || memcmp(line, head, head_len) != 0 ||
	    memcmp(line + len - tail_len, tail, tail_len) != 0)
		return false;
	if (listed->any)
		fputs(", ", listed->out);
	listed->any = true;
	fwrite(line + head_len, 1, len - head_len - tail_len, listed->out);
	return true;
}

/* class_columns returns the width of the column of classes, 0 when no torrent has one. */
static int
class_columns(const json_t *torrents)
{
	json_t *torrent;
	size_t i, widest = 0;

	json_array_foreach(torrents, i, torrent) {
		size_t len = strlen(field_text(torrent, "class"));
		widest = len > widest ? len : widest;
	}
	return widest == 0 ? 0 : widest < 5 ? 5 : (int)widest;
}

static void
class_cell(int columns, const char *text)
{
	if (columns > 0)
		printf("%-*s  ", columns, text[0] != '\0' ? text : "-");
}

static void
list_row(const json_t *torrent, int columns)
{
	char state[STATE_MAX];
	const char *reason = field_text(torrent, "reason");
	long long withdrawn = field_integer(torrent, "pieces_withdrawn");
	const json_t *labels = json_object_get(torrent, "labels");

	state_text(torrent, state);
	printf("%.8s  %-14s  %12.1f  %6lld  %12.1f  ", field_text(torrent, "info_hash"), state,
	       field_number(torrent, "size_bytes") / MIB, field_integer(torrent, "peers"),
	       field_number(torrent, "uploaded_bytes") / MIB);
	class_cell(columns, field_text(torrent, "class"));
	cli_text(stdout, field_text(torrent, "name"));
	for (size_t i = 0; i < json_array_size(labels); i++) {
		fputs(i == 0 ? "  [" : ", ", stdout);
		cli_text(stdout, json_string_value(json_array_get(labels, i)));
	}
	puts(json_array_size(labels) > 0 ? "]" : "");
	if (reason[0] == '\0')
		return;
	fputs("          ", stdout);
	if (withdrawn > 0)
		printf("%lld piece%s withdrawn, last: ", withdrawn, withdrawn == 1 ? "" : "s");
	cli_text(stdout, reason);
	putchar('\n');
}

static void
list_print(const json_t *torrents)
{
	int columns = class_columns(torrents);
	json_t *torrent;
	size_t i;

	printf("%-8s  %-14s  %12s  %6s  %12s  ", "HASH", "STATE", "SIZE MiB", "PEERS",
	       "UPLOADED MiB");
	class_cell(columns, "CLASS");
	puts("NAME");
	json_array_foreach(torrents, i, torrent)
		list_row(torrent, columns);
}

static int
list_args_parse(const struct cli *cli, struct list_args *args, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{"--label", &args->label}, {"--state", &args->state}, {"--since", &args->since},
	};

	for (int i = 1; i < argc; i++) {
		int got = 0;
		for (size_t k = 0; got == 0 && k < sizeof(options) / sizeof(options[0]); k++) {
			got = cli_option(argc, argv, &i, options[k].name, options[k].value);
			if (got < 0)
				return cli_error(cli, CLI_USAGE, "option %s needs a value", options[k].name);
		}
		if (got == 0)
			return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[i]);
	}
	return CLI_DONE;
}

/* request_make returns the request, or NULL with a text when --since is no number. */
static json_t *
request_make(const struct list_args *args)
{
	json_t *request = json_pack("{s:s, s:s*, s:s*}", "command", "list", "label", args->label,
	                            "state", args->state);
	char *end = NULL;

	if (args->since == NULL)
		return request;
	errno = 0;
	long long since = strtoll(args->since, &end, 10);
	if (errno == 0 && args->since[0] != '\0' && *end == '\0' && since >= 0 && request != NULL) {
		json_object_set_new(request, "since", json_integer(since));
		return request;
	}
	json_decref(request);
	return NULL;
}

/* member_print prints a member of final, and frees value. */
static void
member_print(const char *name, json_t *value)
{
	printf(", \"%s\": ", name);
	json_dumpf(value, stdout, JSON_ENCODE_ANY);
	json_decref(value);
}

/* json_print prints what is one object; the serial comes last. */
static int
json_print(const struct list_args *args, const struct listed *listed, const json_t *final)
{
	printf("{\"ok\": true, \"torrents\": [");
	fwrite(listed->text, 1, listed->len, stdout);
	putchar(']');
	if (args->since != NULL) {
		member_print("reset", json_incref(json_object_get(final, "reset")));
		member_print("removed", json_incref(listed->removed));
	}
	member_print("serial", json_incref(json_object_get(final, "serial")));
	puts("}");
	return fflush(stdout) != 0 || ferror(stdout) ? CLI_FAILED : CLI_DONE;
}

static int
listed_print(const struct cli *cli, const struct list_args *args, struct listed *listed,
             const json_t *final)
{
	if (cli->json)
		return json_print(args, listed, final);
	list_print(listed->torrents);
	for (size_t i = 0; i < json_array_size(listed->removed); i++)
		printf("%.8s  removed\n",
		       field_text(json_array_get(listed->removed, i), "info_hash"));
	return CLI_DONE;
}

/* list_ask asks for the list and prints it. */
static int
list_ask(const struct cli *cli, const struct list_args *args, json_t *request,
         struct listed *listed)
{
	struct cli_call call = {
		.request = request,
		.fd = -1,
		.on_line = list_take,
		.on_text = listed->out != NULL ? text_take : NULL,
		.ctx = listed,
	};
	json_t *final;
	int code = cli_call(cli, &call, &final);

	if (listed->out != NULL && fclose(listed->out) != 0 && code == CLI_DONE)
		code = cli_error(cli, CLI_FAILED, "out of memory");
	if (code == CLI_DONE)
		code = listed_print(cli, args, listed, final);
	json_decref(final);
	return code;
}

static int
list(const struct cli *cli, int argc, char **argv)
{
	struct list_args args = {0};
	int code = list_args_parse(cli, &args, argc, argv);
	json_t *request = code == CLI_DONE ? request_make(&args) : NULL;

	if (code != CLI_DONE)
		return code;
	if (request == NULL)
		return cli_error(cli, CLI_USAGE, "\"%s\" is not a serial", args.since ? args.since : "");
	struct listed listed = {.torrents = json_array(), .removed = json_array()};
	listed.out = cli->json ? open_memstream(&listed.text, &listed.len) : NULL;
	if (cli->json && listed.out == NULL) {
		json_decref(request);
		code = cli_error(cli, CLI_FAILED, "out of memory");
	} else {
		code = list_ask(cli, &args, request, &listed);
	}
	free(listed.text);
	json_decref(listed.torrents);
	json_decref(listed.removed);
	return code;
}

const struct cli_command cli_command_list = {
	.name = "list",
	.usage = "[--label LABEL] [--state STATE] [--since SERIAL]",
	.help = "list torrents",
	.more = "  --label LABEL   only those with that label\n"
	        "  --state STATE   only those that are verifying, seeding, paused, changed, error\n"
	        "  --since SERIAL  only what changed after the list that ended with that serial\n\n"
	        "With --json the list ends with its serial. After --since \"removed\" names what no\n"
	        "longer is in the list; \"reset\" is true when it is not known (any more) what\n"
	        "changed since, and the list is of all.\n",
	.run = list,
};
