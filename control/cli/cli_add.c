/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway add. */
#include "control/cli/cli.h"
#include "control/content/known.h"
#include "dataplane/abi.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct add_args {
	const char *torrent;
	const char *data;
	const char *class_name;
	json_t *labels;
	json_t *trackers; /* NULL: none */
	const char *tracker[METAINFO_TRACKERS_MAX];
	uint32_t tracker_cnt;
	bool detach;
	bool paused;
	bool partial;
	bool private_flag;
	json_int_t torrent_len; /* of a folder: what is behind it is known.h's */
};

/* tracker_take notes one more. Returns false when there are too many. */
static bool
tracker_take(struct add_args *args, const char *url)
{
	if (args->tracker_cnt == METAINFO_TRACKERS_MAX)
		return false;
	if (args->trackers == NULL)
		args->trackers = json_array();
	args->tracker[args->tracker_cnt++] = url;
	return json_array_append_new(args->trackers, json_string(url)) == 0;
}

/* value_take reads an option with a value. Returns as cli_option, -2 for a bad value. */
static int
value_take(struct add_args *args, int argc, char **argv, int *i)
{
	const char *value;
	int got = cli_option(argc, argv, i, "--data", &args->data);

	if (got == 0)
		got = cli_option(argc, argv, i, "--class", &args->class_name);
	if (got == 0 && (got = cli_option(argc, argv, i, "--label", &value)) == 1 &&
	    json_array_append_new(args->labels, json_string(value)) != 0)
		return -2;
	if (got == 0 && (got = cli_option(argc, argv, i, "--tracker", &value)) == 1 &&
	    !tracker_take(args, value))
		return -2;
	return got;
}

static bool
flag_take(struct add_args *args, const char *word)
{
	const struct {
		const char *name;
		bool *value;
	} flags[] = {
		{"--detach", &args->detach},
		{"--paused", &args->paused},
		{"--partial", &args->partial},
		{"--private", &args->private_flag},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(word, flags[i].name) == 0) {
			*flags[i].value = true;
			return true;
		}
	}
	if (word[0] == '-' || args->torrent != NULL)
		return false;
	args->torrent = word;
	return true;
}

static int
args_parse(const struct cli *cli, struct add_args *args, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		int got = value_take(args, argc, argv, &i);

		if (got == -1)
			return cli_error(cli, CLI_USAGE, "option %s needs a value", word);
		if (got == -2)
			return cli_error(cli, CLI_USAGE, "option %s: \"%s\" is not allowed", word, argv[i]);
		if (got == 0 && !flag_take(args, word))
			return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", word);
	}
	for (uint32_t i = 0; i < args->tracker_cnt; i++)
		if (cli_tracker_check(cli, args->tracker[i]) != CLI_DONE)
			return CLI_USAGE;
	if (args->torrent == NULL)
		return cli_error(cli, CLI_USAGE, "add needs FILE.torrent or a DIR");
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
	bool partial = json_is_true(json_object_get(torrent, "partial"));
	bool paused = state != NULL && strcmp(state, "paused") == 0;
	bool seeding = paused || (state != NULL && strcmp(state, "seeding") == 0);

	if (seeding && had < pieces)
		fprintf(stderr,
		        "spillway: warning: %lld of %lld pieces %s and are not served\n",
		        (long long)(pieces - had), (long long)pieces,
		        partial ? "are missing or do not match" : "do not match");
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

/* ---- A folder. */

static int
on_hashed(uint64_t done_bytes, uint64_t total_bytes, void *ctx)
{
	cli_progress_show(ctx, done_bytes, total_bytes);
	return 0;
}

/* unit_max_ask asks spillwayd how much it reads at once. */
static int
unit_max_ask(const struct cli *cli, uint32_t *unit_max)
{
	struct cli_call call = {.request = json_pack("{s:s}", "command", "stats"), .fd = -1};
	json_t *final;
	int code = cli_call(cli, &call, &final);

	if (code != CLI_DONE)
		return code;
	json_int_t value = json_integer_value(json_object_get(final, "read_unit_max"));
	json_decref(final);
	bool good = value >= ABI_UNIT_MIN && value <= ABI_UNIT_MAX && (value & (value - 1)) == 0;
	*unit_max = good ? (uint32_t)value : ABI_UNIT_MIN;
	return CLI_DONE;
}

/* known_append puts behind the .torrent what was found, unless it is too much to be taken. */
static void
known_append(struct add_args *args, int fd, const char *data, const struct create_known *known)
{
	struct stat st;
	struct fail ignored;

	if (fstat(fd, &st) != 0)
		return;
	args->torrent_len = st.st_size;
	if (known_write(fd, data, known, &ignored) != 0 || fstat(fd, &st) != 0 ||
	    st.st_size > METAINFO_LEN_MAX)
		args->torrent_len = ftruncate(fd, args->torrent_len) == 0 ? args->torrent_len : 0;
}

/* folder_create makes a .torrent of a folder in data. Returns its descriptor, or -1 with an error
 * told. */
static int
folder_create(const struct cli *cli, struct add_args *args, const char *folder, const char *data)
{
	struct create_known known = {0};
	char place[] = "/tmp/spillway-XXXXXX", path[sizeof(place) + 16];
	struct cli_progress progress;
	struct metainfo_error refused;

	if (unit_max_ask(cli, &known.unit_max) != CLI_DONE)
		return -1;
	if (mkdtemp(place) == NULL) {
		cli_error(cli, CLI_FAILED, "%s: %s", place, strerror(errno));
		return -1;
	}
	snprintf(path, sizeof(path), "%s/.torrent", place);
	cli_progress_begin(&progress, cli, "hashing");
	struct create_options options = {
		.path = folder,
		.out_path = path,
		.tracker = args->tracker,
		.tracker_cnt = args->tracker_cnt,
		.private_flag = args->private_flag,
		.known = &known,
		.progress = on_hashed,
		.ctx = &progress,
	};
	int err = create_torrent(&options, NULL, &refused);
	cli_progress_end(&progress);
	int fd = err == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		cli_error(cli, CLI_FAILED, "%s", err != 0 ? refused.text : strerror(errno));
	else
		known_append(args, fd, data, &known);
	create_known_free(&known);
	unlink(path);
	rmdir(place);
	return fd;
}

/* folder_open makes a .torrent of the folder that is to be added; data is the one above it. */
static int
folder_open(const struct cli *cli, struct add_args *args, char data[PATH_MAX])
{
	char folder[PATH_MAX];

	if (args->data != NULL) {
		cli_error(cli, CLI_USAGE, "--data goes with a .torrent: a folder is its own content");
		return -1;
	}
	if (realpath(args->torrent, folder) == NULL || strcmp(folder, "/") == 0) {
		cli_error(cli, CLI_FAILED, "%s: cannot be added", args->torrent);
		return -1;
	}
	memcpy(data, folder, sizeof(folder));
	char *last = strrchr(data, '/');
	last[last == data] = '\0';
	int fd = folder_create(cli, args, folder, data);
	/* They are in the .torrent now. */
	json_decref(args->trackers);
	args->trackers = NULL;
	return fd;
}

/* ---- A .torrent. */

static int
file_open(const struct cli *cli, const struct add_args *args, char data[PATH_MAX])
{
	if (args->data == NULL) {
		cli_error(cli, CLI_USAGE, "add needs --data DIR, the folder that holds the content");
		return -1;
	}
	if (realpath(args->data, data) == NULL) {
		cli_error(cli, CLI_FAILED, "data folder %s: %s", args->data, strerror(errno));
		return -1;
	}
	/* O_NONBLOCK: a pipe must not hold us up; spillwayd refuses it. */
	int fd = open(args->torrent, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		cli_error(cli, CLI_FAILED, "%s: %s", args->torrent, strerror(errno));
	return fd;
}

static json_t *
request_make(const struct add_args *args, const char *data)
{
	json_t *request = json_pack("{s:s, s:s, s:b, s:s*, s:O, s:O*}", "command", "add", "data", data,
	                            "detach", args->detach, "class", args->class_name, "labels",
	                            args->labels, "trackers", args->trackers);

	if (request != NULL && args->paused)
		json_object_set_new(request, "paused", json_true());
	if (request != NULL && args->partial)
		json_object_set_new(request, "partial", json_true());
	if (request != NULL && args->torrent_len > 0)
		json_object_set_new(request, "torrent_len", json_integer(args->torrent_len));
	return request;
}

static int
add_opened(const struct cli *cli, const struct add_args *args, const char *data, int fd)
{
	struct cli_progress progress;
	json_t *final;

	cli_progress_begin(&progress, cli, "verifying");
	struct cli_call call = {
		.request = request_make(args, data),
		.subject = args->torrent,
		.fd = fd,
		.on_line = on_line,
		.ctx = &progress,
	};
	int code = cli_call(cli, &call, &final);
	cli_progress_end(&progress);
	return code == CLI_DONE ? result_print(cli, final) : code;
}

static int
add(const struct cli *cli, int argc, char **argv)
{
	struct add_args args = {.labels = json_array()};
	char data[PATH_MAX] = "";
	struct stat st;
	int code = args_parse(cli, &args, argc, argv);

	if (code == CLI_DONE) {
		bool is_folder = stat(args.torrent, &st) == 0 && S_ISDIR(st.st_mode);
		bool is_usage = is_folder ? args.data != NULL : args.data == NULL;
		int fd = is_folder ? folder_open(cli, &args, data) : file_open(cli, &args, data);
		code = fd >= 0 ? add_opened(cli, &args, data, fd) : is_usage ? CLI_USAGE : CLI_FAILED;
		if (fd >= 0)
			close(fd);
	}
	json_decref(args.labels);
	json_decref(args.trackers);
	return code;
}

const struct cli_command cli_command_add = {
	.name = "add",
	.usage = "FILE.torrent --data DIR [--partial] [OPTION]... | DIR [OPTION]...",
	.help = "verify the content of a torrent and seed it",
	.more = "  --data DIR     the folder that holds the file or folder that the torrent names\n"
	        "  --partial      files may be missing: what is there is served\n"
	        "  --label LABEL  give it that label; several are allowed\n"
	        "  --class NAME   a class of spillwayd's option congestion_classes: its connections\n"
	        "                 get the congestion control of that class\n"
	        "  --paused       do not serve it before \"spillway start\"\n"
	        "  --tracker URL  of DIR, or of a FILE that is an info dictionary alone; several are\n"
	        "                 allowed, each a tier of its own\n"
	        "  --private      of DIR: peers from the trackers only (BEP 27)\n"
	        "  --detach       do not wait until it is verified\n\n"
	        "Waits until the torrent is verified and offered to peers. Pieces that do not match\n"
	        "are not served, and a warning says so; a torrent without any matching piece fails.\n"
	        "A torrent that is there already but in error, changed or incomplete is verified\n"
	        "again. Of a DIR a torrent is made as by \"spillway create\", which is kept;\n"
	        "\"spillway show\" tells its magnet link. It is read once for that, and verified only\n"
	        "where files change before it is added. FILE may be an info dictionary alone, as\n"
	        "peers give it for a magnet link.\n",
	.run = add,
};
