/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway create: needs no spillwayd. */
#include "control/announce/tracker.h"
#include "control/cli/cli.h"
#include "control/content/create.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct create_args {
	struct create_options options;
	const char *trackers[METAINFO_TRACKERS_MAX];
};

/* size_parse reads bytes, or a number with KiB or MiB; 0 when it is neither. */
static uint32_t
size_parse(const char *text)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (end == text || text[0] == '-' || errno != 0 || value > CREATE_PIECE_LEN_GIVEN_MAX)
		return 0;
	if (strcasecmp(end, "k") == 0 || strcasecmp(end, "KiB") == 0)
		value <<= 10;
	else if (strcasecmp(end, "m") == 0 || strcasecmp(end, "MiB") == 0)
		value <<= 20;
	else if (*end != '\0')
		return 0;
	return value > CREATE_PIECE_LEN_GIVEN_MAX ? 0 : (uint32_t)value;
}

/* flag_take reads one argument that has no value. Returns false when it is none. */
static bool
flag_take(struct create_options *options, const char *word)
{
	if (strcmp(word, "--private") == 0)
		options->private_flag = true;
	else if (strcmp(word, "--hybrid") == 0)
		options->hybrid = true;
	else if (word[0] != '-' && options->path == NULL)
		options->path = word;
	else
		return false;
	return true;
}

/* option_take reads one option with its value. Returns as cli_option, -2 for a bad value. */
static int
option_take(struct create_args *args, int argc, char **argv, int *i)
{
	struct create_options *options = &args->options;
	const char *value;
	int got = cli_option(argc, argv, i, "-o", &options->out_path);

	if (got == 0)
		got = cli_option(argc, argv, i, "--output", &options->out_path);
	if (got == 0)
		got = cli_option(argc, argv, i, "--name", &options->name);
	if (got == 0 && (got = cli_option(argc, argv, i, "--tracker", &value)) == 1) {
		if (options->tracker_cnt == METAINFO_TRACKERS_MAX)
			return -2;
		args->trackers[options->tracker_cnt++] = value;
	}
	if (got == 0 && (got = cli_option(argc, argv, i, "--piece-length", &value)) == 1) {
		options->piece_len = size_parse(value);
		if (options->piece_len == 0)
			return -2;
	}
	return got;
}

int
cli_tracker_check(const struct cli *cli, const char *url)
{
	struct tracker_place place;

	if (tracker_url_parse(&place, url) == 0)
		return CLI_DONE;
	return cli_error(cli, CLI_USAGE, "\"%s\" is not a tracker's URL: http://HOST[:PORT]/announce, "
	                 "https://HOST[:PORT]/announce or udp://HOST:PORT", url);
}

static int
args_parse(const struct cli *cli, struct create_args *args, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		int got = option_take(args, argc, argv, &i);

		if (got == -1)
			return cli_error(cli, CLI_USAGE, "option %s needs a value", word);
		if (got == -2)
			return cli_error(cli, CLI_USAGE, "option %s: \"%s\" is not allowed", word, argv[i]);
		if (got == 0 && !flag_take(&args->options, word))
			return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", word);
	}
	for (uint32_t i = 0; i < args->options.tracker_cnt; i++)
		if (cli_tracker_check(cli, args->trackers[i]) != CLI_DONE)
			return CLI_USAGE;
	if (args->options.path == NULL)
		return cli_error(cli, CLI_USAGE, "create needs the PATH of the content");
	if (args->options.out_path == NULL)
		return cli_error(cli, CLI_USAGE, "create needs -o FILE.torrent");
	return CLI_DONE;
}

static int
on_progress(uint64_t done_bytes, uint64_t total_bytes, void *ctx)
{
	cli_progress_show(ctx, done_bytes, total_bytes);
	return 0;
}

static void
hex_write(const uint8_t *bytes, size_t len, char *text)
{
	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static int
result_print(const struct cli *cli, const struct create_args *args,
             const struct create_result *result)
{
	char v1[41], v2[65];

	hex_write(result->info_hash, 20, v1);
	hex_write(result->info_hash_v2, 32, v2);
	if (cli->json) {
		json_t *json = json_pack(
			"{s:b, s:s, s:s, s:I, s:I, s:I, s:I}", "ok", 1, "torrent_path",
			args->options.out_path, "info_hash", v1, "size_bytes",
			(json_int_t)result->content_len, "files", (json_int_t)result->file_cnt,
			"piece_length", (json_int_t)result->piece_len, "pieces",
			(json_int_t)result->piece_cnt);
		if (json != NULL && args->options.hybrid)
			json_object_set_new(json, "info_hash_v2", json_string(v2));
		return cli_print(json);
	}
	fputs("created ", stdout);
	cli_text(stdout, args->options.out_path);
	printf("\n  info hash     %s\n", v1);
	if (args->options.hybrid)
		printf("  info hash v2  %s\n", v2);
	printf("  content       %.1f MiB in %" PRIu32 " file%s\n",
	       (double)result->content_len / (1 << 20), result->file_cnt,
	       result->file_cnt == 1 ? "" : "s");
	printf("  pieces        %" PRIu32 " of %" PRIu32 " KiB\n", result->piece_cnt,
	       result->piece_len >> 10);
	return CLI_DONE;
}

static int
run(const struct cli *cli, int argc, char **argv)
{
	struct create_args args = {0};
	struct create_result result;
	struct metainfo_error refused;
	struct cli_progress progress;
	int code = args_parse(cli, &args, argc, argv);

	if (code != CLI_DONE)
		return code;
	cli_progress_begin(&progress, cli, "hashing");
	args.options.tracker = args.trackers;
	args.options.progress = on_progress;
	args.options.ctx = &progress;
	int err = create_torrent(&args.options, &result, &refused);
	cli_progress_end(&progress);
	if (err != 0)
		return cli_error(cli, CLI_FAILED, "%s", refused.text);
	return result_print(cli, &args, &result);
}

const struct cli_command cli_command_create = {
	.name = "create",
	.usage = "PATH -o FILE.torrent [--piece-length N] [--name S] [--tracker URL]...\n"
	         "                       [--private] [--hybrid]",
	.help = "make a .torrent of a file or folder; needs no spillwayd",
	.more = "  -o FILE.torrent   the file to write; replaced when it exists\n"
	        "  --piece-length N  power of two from 16KiB to 64MiB, in bytes or with KiB or MiB;\n"
	        "                    chosen by size when not given\n"
	        "  --name S          name in the torrent [last part of PATH]\n"
	        "  --tracker URL     announce there; several are allowed, each a tier of its own\n"
	        "  --private         peers from the trackers only (BEP 27)\n"
	        "  --hybrid          v1 and v2 in one (BEP 52)\n",
	.run = run,
};
