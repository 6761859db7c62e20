/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway apply. */
#include "control/cli/cli_fields.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct apply_args {
	const char *manifest;
	bool dry_run;
	bool prune;
};

/* What the lines before the final one go to. */
struct applying {
	bool quiet;
	bool is_tty;
	bool drawn;
	json_t *differences;
};

static void
progress_show(struct applying *applying, const json_t *progress)
{
	long long done = field_integer(progress, "done"), total = field_integer(progress, "total");

	if (applying->quiet || !applying->is_tty)
		return;
	fprintf(stderr, "\r%s %lld", field_text(progress, "phase"), done);
	if (total > 0)
		fprintf(stderr, " of %lld", total);
	fputs("\033[K", stderr);
	fflush(stderr);
	applying->drawn = true;
}

static void
on_line(json_t *line, void *ctx)
{
	struct applying *applying = ctx;
	const json_t *progress = json_object_get(line, "progress");

	json_array_append(applying->differences, json_object_get(line, "difference"));
	if (progress != NULL)
		progress_show(applying, progress);
}

static void
difference_print(const json_t *difference)
{
	const json_t *changes = json_object_get(difference, "changes");

	printf("%-6s ", field_text(difference, "what"));
	cli_text(stdout, field_text(difference, "name"));
	for (size_t i = 0; i < json_array_size(changes); i++)
		printf("%s%s", i == 0 ? ": " : ", ", json_string_value(json_array_get(changes, i)));
	if (field_integer(difference, "line") > 0)
		printf("  (line %lld)", field_integer(difference, "line"));
	putchar('\n');
}

static int
result_print(const struct cli *cli, const struct applying *applying, json_t *final)
{
	if (cli->json) {
		if (json_is_true(json_object_get(final, "dry_run")))
			json_object_set(final, "differences", applying->differences);
		return cli_print(final);
	}
	for (size_t i = 0; i < json_array_size(applying->differences); i++)
		difference_print(json_array_get(applying->differences, i));
	printf("%s%lld added, %lld changed, %lld removed, %lld unchanged\n",
	       json_is_true(json_object_get(final, "dry_run")) ? "would be: " : "",
	       field_integer(final, "added"), field_integer(final, "changed"),
	       field_integer(final, "removed"), field_integer(final, "unchanged"));
	json_decref(final);
	return CLI_DONE;
}

static int
args_parse(const struct cli *cli, struct apply_args *args, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--dry-run") == 0)
			args->dry_run = true;
		else if (strcmp(argv[i], "--prune") == 0)
			args->prune = true;
		else if ((argv[i][0] != '-' || argv[i][1] == '\0') && args->manifest == NULL)
			args->manifest = argv[i];
		else
			return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[i]);
	}
	if (args->manifest == NULL)
		return cli_error(cli, CLI_USAGE, "apply needs MANIFEST");
	return CLI_DONE;
}

/* copy returns a regular file with all that can be read from fd, or -1 with errno. */
static int
copy(int fd)
{
	static char bytes[1 << 16];
	int whole = memfd_create("manifest", MFD_CLOEXEC);
	ssize_t n;

	while (whole >= 0 && (n = read(fd, bytes, sizeof(bytes))) != 0) {
		if (n > 0 && write(whole, bytes, (size_t)n) == n)
			continue;
		close(whole);
		return -1;
	}
	return whole;
}

/* manifest_open returns a regular file, and the folder that its paths are in. */
static int
manifest_open(const char *path, char base[PATH_MAX])
{
	char name[PATH_MAX];
	struct stat st;
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		return -1;
	snprintf(name, sizeof(name), "%s", path);
	if (realpath(is_stdin ? "." : dirname(name), base) == NULL)
		return -1;
	if (S_ISREG(st.st_mode) && !is_stdin)
		return fd;
	int whole = copy(fd);
	close(fd);
	return whole;
}

static int
apply(const struct cli *cli, int argc, char **argv)
{
	struct apply_args args = {0};
	char base[PATH_MAX];
	json_t *final;
	int code = args_parse(cli, &args, argc, argv);

	if (code != CLI_DONE)
		return code;
	int fd = manifest_open(args.manifest, base);
	if (fd < 0)
		return cli_error(cli, CLI_FAILED, "%s: %s", args.manifest, strerror(errno));
	struct applying applying = {
		.quiet = cli->json,
		.is_tty = isatty(STDERR_FILENO) == 1,
		.differences = json_array(),
	};
	struct cli_call call = {
		.request = json_pack("{s:s, s:s, s:b, s:b}", "command", "apply", "base", base, "dry_run",
		                     args.dry_run, "prune", args.prune),
		.subject = args.manifest,
		.fd = fd,
		.on_line = on_line,
		.ctx = &applying,
	};
	code = cli_call(cli, &call, &final);
	if (applying.drawn)
		fputs("\r\033[K", stderr);
	close(fd);
	if (code == CLI_DONE)
		code = result_print(cli, &applying, final);
	json_decref(applying.differences);
	return code;
}

const struct cli_command cli_command_apply = {
	.name = "apply",
	.usage = "MANIFEST [--prune] [--dry-run]",
	.help = "make the catalogue what a manifest says",
	.more = "  --prune    remove the torrents that an earlier manifest named and this one does\n"
	        "             not; what was added in other ways stays\n"
	        "  --dry-run  only tell what would be done\n\n"
	        "A manifest has one JSON object a line; lines that begin with # are comments:\n\n"
	        "  {\"torrent\": \"a.torrent\", \"data\": \"/srv/a\", \"labels\": [\"linux\"]}\n\n"
	        "\"torrent\" and \"data\" must be there; paths are relative to the manifest's folder.\n"
	        "\"labels\", \"class\", \"paused\", \"partial\", \"rate_bytes_per_s\", \"weight\",\n"
	        "\"connections_max\" and \"super_seed\" may be there; what is not said is as usual.\n"
	        "All that differs is done, or nothing: a line that cannot be applied is named.\n"
	        "Torrents that are new are verified afterwards. MANIFEST may be - for standard\n"
	        "input.\n",
	.run = apply,
};
