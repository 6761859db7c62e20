/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway: the operator's command. Arguments, help and what all commands print with. */
#include "control/cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct cli_command *const cli_commands[] = {
	&cli_command_create,
	&cli_command_add,
	&cli_command_remove,
	&cli_command_verify,
	&cli_command_pause,
	&cli_command_start,
	&cli_command_label,
	&cli_command_set,
	&cli_command_apply,
	&cli_command_list,
	&cli_command_show,
	&cli_command_peers,
	&cli_command_top,
	&cli_command_stats,
	&cli_command_announce,
	&cli_command_dht,
	&cli_command_api_token,
	&cli_command_limit,
	&cli_command_drain,
	&cli_command_reload,
	&cli_command_doctor,
	&cli_command_complete,
	&cli_command_man,
	NULL,
};

#define RUN_DIR_PRESET "/run/spillway"

int
cli_error(const struct cli *cli, int code, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	if (cli->quiet)
		return code;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fputs("spillway: ", stderr);
	cli_text(stderr, text);
	fputc('\n', stderr);
	json_t *json = cli->json ? json_pack("{s:b, s:s}", "ok", 0, "error", text) : NULL;
	if (json != NULL)
		cli_print(json);
	return code;
}

void
cli_text(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		bool c1 = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0; /* U+0080 to U+009F */
		if (*p < ' ' || *p == 0x7f || c1)
			fputc('?', out);
		else
			fputc(*p, out);
		p += c1;
	}
}

int
cli_print(json_t *json)
{
	int failed = json == NULL || json_dumpf(json, stdout, 0) != 0;

	json_decref(json);
	return failed || putchar('\n') == EOF || fflush(stdout) != 0 ? CLI_FAILED : CLI_DONE;
}

int
cli_option(int argc, char **argv, int *i, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return 0;
	if (argv[*i][len] == '=' && name[1] == '-') {
		*value = argv[*i] + len + 1;
		return 1;
	}
	if (argv[*i][len] != '\0')
		return 0;
	if (*i + 1 >= argc)
		return -1;
	*value = argv[++*i];
	return 1;
}

static void
usage(FILE *out)
{
	fputs("usage: spillway [--run-dir DIR] [--json] COMMAND ...\n\n"
	      "Tells spillwayd what to seed.\n\nCommands:\n",
	      out);
	for (size_t i = 0; cli_commands[i] != NULL; i++)
		if (!cli_commands[i]->hidden)
			fprintf(out, "  %-9s %s\n", cli_commands[i]->name, cli_commands[i]->help);
	fputs("\nOptions:\n"
	      "  --run-dir DIR  where spillwayd has its sockets [" RUN_DIR_PRESET "]\n"
	      "  --json         print JSON, an object a line\n"
	      "  --help         after a command: all about it\n"
	      "  --version\n\n"
	      "A torrent is named by its info hash, the first 8 or more digits, its name, or the\n"
	      "beginning of its name.\n\n"
	      "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 spillwayd not reachable.\n",
	      out);
}

static void
command_usage(const struct cli_command *command, FILE *out)
{
	fprintf(out, "usage: spillway %s%s%s\n\n%s.\n", command->name,
	        command->usage[0] != '\0' ? " " : "", command->usage, command->help);
	if (command->more[0] != '\0')
		fprintf(out, "\n%s", command->more);
}

const struct cli_command *
cli_command_find(const char *name)
{
	for (size_t i = 0; cli_commands[i] != NULL; i++)
		if (strcmp(cli_commands[i]->name, name) == 0)
			return cli_commands[i];
	return NULL;
}

/* What the words common to all commands asked for. */
struct common {
	struct cli cli;
	bool help;
	bool version;
	bool wrong; /* an option lacks its value */
};

/* common_take removes the common options from argv. Returns the new argc. */
static int
common_take(struct common *common, int argc, char **argv)
{
	int kept_cnt = 1;

	for (int i = 1; i < argc; i++) {
		int got = cli_option(argc, argv, &i, "--run-dir", &common->cli.run_dir);
		if (got < 0)
			common->wrong = true;
		else if (got == 1)
			continue;
		else if (strcmp(argv[i], "--json") == 0)
			common->cli.json = true;
		else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			common->help = true;
		else if (strcmp(argv[i], "--version") == 0)
			common->version = true;
		else
			argv[kept_cnt++] = argv[i];
	}
	return kept_cnt;
}

int
main(int argc, char **argv)
{
	struct common common = {.cli = {.run_dir = RUN_DIR_PRESET}};

	argc = common_take(&common, argc, argv);
	if (common.version) {
		puts("spillway " SPILLWAY_VERSION);
		return CLI_DONE;
	}
	if (common.wrong)
		return cli_error(&common.cli, CLI_USAGE, "--run-dir needs a value");
	if (argc < 2) {
		usage(common.help ? stdout : stderr);
		return common.help ? CLI_DONE : CLI_USAGE;
	}
	const struct cli_command *command = cli_command_find(argv[1]);
	if (command == NULL)
		return cli_error(&common.cli, CLI_USAGE, "unknown command \"%s\"; see spillway --help",
		                 argv[1]);
	if (common.help) {
		command_usage(command, stdout);
		return CLI_DONE;
	}
	int code = command->run(&common.cli, argc - 1, argv + 1);
	if (code == CLI_USAGE && !common.cli.json)
		fprintf(stderr, "usage: spillway %s%s%s\n", command->name,
		        command->usage[0] != '\0' ? " " : "", command->usage);
	return code;
}
