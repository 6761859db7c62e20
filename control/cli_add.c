/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway add. */
#include "control/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct add_args {
	const char *torrent;
	const char *data;
	const char *class_name;
	bool detach;
};

static int
args_parse(const struct cli *cli, struct add_args *args, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int got = cli_option(argc, argv, &i, "--data", &args->data);

		if (got < 0)
			return cli_error(cli, CLI_USAGE, "option --data needs a value");
		if (got == 0)
			got = cli_option(argc, argv, &i, "--class", &args->class_name);
		if (got < 0)
			return cli_error(cli, CLI_USAGE, "option --class needs a value");
		if (got == 1)
			continue;
		if (strcmp(argv[i], "--detach") == 0)
			args->detach = true;
		else if (argv[i][0] != '-' && args->torrent == NULL)
			args->torrent = argv[i];
		else
			return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[i]);
	}
	if (args->torrent == NULL)
		return cli_error(cli, CLI_USAGE, "add needs FILE.torrent");
	if (args->data == NULL)
		return cli_error(cli, CLI_USAGE, "add needs --data DIR, the folder that holds the content");
	return CLI_DONE;
}

static void
on_line(json_t *line, void *ctx)
{
	cli_progress_line(ctx, line);
}

static int
result_print(const struct cli *cli, json_t *final)
{
	const json_t *torrent = json_object_get(final, "torrent");
	json_int_t pieces = json_integer_value(json_object_get(torrent, "pieces"));
	json_int_t had = json_integer_value(json_object_get(torrent, "pieces_had"));
	const char *state = json_string_value(json_object_get(torrent, "state"));
	const char *name = json_string_value(json_object_get(torrent, "name"));
	const char *info_hash = json_string_value(json_object_get(torrent, "info_hash"));
	bool paused = state != NULL && strcmp(state, "paused") == 0;
	bool seeding = paused || (state != NULL && strcmp(state, "seeding") == 0);

	if (seeding && had < pieces)
		fprintf(stderr,
		        "spillway: warning: %lld of %lld pieces do not match and are not served\n",
		        (long long)(pieces - had), (long long)pieces);
	if (cli->json)
		return cli_print(final);
	printf("%s ", paused ? "added, paused:" : seeding ? "seeding" : "added, being verified:");
	cli_text(stdout, name != NULL ? name : "?");
	printf("  %.1f MiB  %s\n",
	       (double)json_integer_value(json_object_get(torrent, "size_bytes")) / (1 << 20),
	       info_hash != NULL ? info_hash : "?");
	json_decref(final);
	return CLI_DONE;
}

static int
add(const struct cli *cli, int argc, char **argv)
{
	struct add_args args = {0};
	struct cli_progress progress;
	char data[PATH_MAX];
	json_t *final;
	int code = args_parse(cli, &args, argc, argv);

	if (code != CLI_DONE)
		return code;
	if (realpath(args.data, data) == NULL)
		return cli_error(cli, CLI_FAILED, "data folder %s: %s", args.data, strerror(errno));
	/* O_NONBLOCK: a pipe must not hold us up; spillwayd refuses it. */
	int fd = open(args.torrent, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return cli_error(cli, CLI_FAILED, "%s: %s", args.torrent, strerror(errno));
	cli_progress_begin(&progress, cli, "verifying");
	struct cli_call call = {
		.request = json_pack("{s:s, s:s, s:b, s:s*}", "command", "add", "data", data, "detach",
	                         args.detach, "class", args.class_name),
		.subject = args.torrent,
		.fd = fd,
		.on_line = on_line,
		.ctx = &progress,
	};
	code = cli_call(cli, &call, &final);
	cli_progress_end(&progress);
	close(fd);
	return code == CLI_DONE ? result_print(cli, final) : code;
}

const struct cli_command cli_command_add = {
	.name = "add",
	.usage = "FILE.torrent --data DIR [--class NAME] [--detach]",
	.help = "verify the content of a torrent and seed it",
	.more = "  --data DIR    the folder that holds the file or folder that the torrent names\n"
	        "  --class NAME  a class of spillwayd's option congestion_classes: its connections\n"
	        "                get the congestion control of that class\n"
	        "  --detach      do not wait until it is verified\n\n"
	        "Waits until the torrent is verified and offered to peers. Pieces that do not match\n"
	        "are not served, and a warning says so; a torrent without any matching piece fails.\n"
	        "A torrent that is there already but in error, changed or incomplete is verified\n"
	        "again.\n",
	.run = add,
};
