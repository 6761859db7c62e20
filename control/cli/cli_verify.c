/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway verify. */
#include "control/cli/cli_fields.h"

#include <string.h>

struct verify_args {
	json_t *torrents;
	bool all;
	bool detach;
};

/* What comes back. */
struct verify_told {
	struct cli_progress progress;
	const struct cli *cli;
	json_t *torrents; /* with --json: all of them */
	json_int_t told_cnt, bad_cnt;
};

static int
args_parse(const struct cli *cli, struct verify_args *args, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--all") == 0)
			args->all = true;
		else if (strcmp(argv[i], "--detach") == 0)
			args->detach = true;
		else if (argv[i][0] == '-')
			return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[i]);
		else if (json_array_append_new(args->torrents, json_string(argv[i])) != 0)
			return cli_error(cli, CLI_USAGE, "the arguments must be UTF-8");
	}
	if (args->all && json_array_size(args->torrents) > 0)
		return cli_error(cli, CLI_USAGE, "either torrents or --all");
	if (!args->all && json_array_size(args->torrents) == 0)
		return cli_error(cli, CLI_USAGE, "verify needs INFO_HASH or NAME, or --all");
	return CLI_DONE;
}

/* is_verified is true when what there is of the torrent may be served. */
static bool
is_verified(const json_t *torrent)
{
	const char *state = field_text(torrent, "state");

	return strcmp(state, "seeding") == 0 || strcmp(state, "paused") == 0;
}

/* torrent_is_bad is true when not all is had that should be. */
static bool
torrent_is_bad(const json_t *torrent)
{
	return !is_verified(torrent) ||
	       json_integer_value(json_object_get(torrent, "pieces_withdrawn")) > 0;
}

static void
torrent_say(const json_t *torrent)
{
	json_int_t pieces = json_integer_value(json_object_get(torrent, "pieces"));
	json_int_t had = json_integer_value(json_object_get(torrent, "pieces_had"));
	FILE *out = torrent_is_bad(torrent) ? stderr : stdout;

	cli_text(out, field_text(torrent, "name"));
	if (!is_verified(torrent)) {
		fputs(": not served: ", out);
		cli_text(out, field_text(torrent, "reason"));
	} else if (had < pieces) {
		fprintf(out, ": %lld of %lld pieces do not match and are not served",
		        (long long)(pieces - had), (long long)pieces);
	} else {
		fprintf(out, ": all %lld pieces match", (long long)pieces);
	}
	fputc('\n', out);
}

static void
on_line(json_t *line, void *ctx)
{
	struct verify_told *told = ctx;
	json_t *torrent = json_object_get(line, "torrent");

	cli_progress_line(&told->progress, line);
	if (torrent == NULL)
		return;
	told->told_cnt++;
	told->bad_cnt += torrent_is_bad(torrent);
	if (told->cli->json) {
		json_array_append(told->torrents, torrent);
		return;
	}
	cli_progress_end(&told->progress);
	torrent_say(torrent);
}

static int
end_say(const struct verify_told *told, json_t *final)
{
	int code = told->bad_cnt > 0 ? CLI_FAILED : CLI_DONE;

	if (told->cli->json) {
		if (json_object_get(final, "asked") == NULL)
			json_object_set(final, "torrents", told->torrents);
		int printed = cli_print(final);
		return printed != CLI_DONE ? printed : code;
	}
	const json_t *asked = json_object_get(final, "asked");
	if (asked == NULL && told->told_cnt == 0)
		puts("there are no torrents");
	if (asked != NULL)
		printf("%lld to be verified\n", (long long)json_integer_value(asked));
	json_decref(final);
	return code;
}

static int
verify(const struct cli *cli, int argc, char **argv)
{
	struct verify_args args = {.torrents = json_array()};
	struct verify_told told = {.cli = cli, .torrents = json_array()};
	json_t *final;
	int code = args_parse(cli, &args, argc, argv);

	if (code == CLI_DONE) {
		struct cli_call call = {
			.request = json_pack("{s:s, s:b, s:b, s:O}", "command", "verify", "all", args.all,
			                     "detach", args.detach, "torrents", args.torrents),
			.fd = -1,
			.on_line = on_line,
			.ctx = &told,
		};
		cli_progress_begin(&told.progress, cli, "verifying");
		code = cli_call(cli, &call, &final);
		cli_progress_end(&told.progress);
		if (code == CLI_DONE)
			code = end_say(&told, final);
	}
	json_decref(args.torrents);
	json_decref(told.torrents);
	return code;
}

const struct cli_command cli_command_verify = {
	.name = "verify",
	.usage = "INFO_HASH|NAME... | --all [--detach]",
	.help = "read content again and compare it with the torrent",
	.more = "  --all     every torrent\n"
	        "  --detach  do not wait until it is done\n\n"
	        "What is served goes on being served meanwhile. Pieces that are found wrong are\n"
	        "withdrawn, pieces that are found right again are served again. Verification goes on\n"
	        "where it was when spillwayd is stopped. Fails when a torrent has pieces withdrawn or\n"
	        "is not served.\n",
	.run = verify,
};
