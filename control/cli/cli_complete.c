/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway complete: what the shells' completions ask. Commands and options come from the table of
 * commands, so that there is one place where they are told; torrents from spillwayd. */
#include "control/cli/cli.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORDS_MAX = 64,
	TORRENTS_MAX = 200, /* candidates: more help nobody */
};

/* The command line so far, without the program's name; the last word is to be completed. */
struct words {
	const char *word[WORDS_MAX];
	int cnt; /* >= 1 */
};

static bool
begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void
offer(const char *text, size_t len, const char *prefix)
{
	if (len >= strlen(prefix) && strncmp(text, prefix, strlen(prefix)) == 0)
		printf("%.*s\n", (int)len, text);
}

/* offer_options offers every --option that a text names. */
static void
offer_options(const char *text, const char *prefix)
{
	for (const char *p = strstr(text, "--"); p != NULL; p = strstr(p, "--")) {
		size_t len = 2;

		while (islower((unsigned char)p[len]) || p[len] == '-')
			len++;
		if (len > 2 && (p == text || !isalnum((unsigned char)p[-1])))
			offer(p, len, prefix);
		p += len;
	}
}

/* ---- Torrents. */

struct offering {
	const char *prefix;
	int cnt;
};

/* is_plain is true for a name that a shell takes as it is. */
static bool
is_plain(const char *name)
{
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && strchr("._-+,@%", *name) == NULL)
			return false;
	return true;
}

static void
torrent_take(json_t *line, void *ctx)
{
	struct offering *offering = ctx;
	const json_t *torrent = json_object_get(line, "torrent");
	const char *name = json_string_value(json_object_get(torrent, "name"));
	const char *hash = json_string_value(json_object_get(torrent, "info_hash"));

	if (name == NULL || hash == NULL || offering->cnt >= TORRENTS_MAX)
		return;
	const char *text = is_plain(name) && begins(name, offering->prefix) ? name : hash;
	if (!begins(text, offering->prefix))
		return;
	offering->cnt++;
	puts(text);
}

static void
offer_torrents(const struct cli *cli, const char *prefix)
{
	struct offering offering = {.prefix = prefix};
	json_t *final;
	struct cli_call call = {
		.request = json_pack("{s:s}", "command", "list"),
		.fd = -1,
		.on_line = torrent_take,
		.ctx = &offering,
	};

	cli_call(cli, &call, &final);
	json_decref(final);
}

/* ---- Words. */

/* line_split splits a shell's line at spaces, which is what a name or an option needs; the word
 * after a last space is empty. */
static void
line_split(char *line, struct words *words)
{
	char *rest = line;
	size_t len = strlen(line);
	bool fresh = len == 0 || isspace((unsigned char)line[len - 1]);

	strtok_r(line, " \t", &rest); /* the program */
	for (char *word; words->cnt < WORDS_MAX - 1 && (word = strtok_r(NULL, " \t", &rest)) != NULL;)
		words->word[words->cnt++] = word;
	if (fresh || words->cnt == 0)
		words->word[words->cnt++] = "";
}

/* command_of finds the command that stands before the last word, and the --run-dir given. */
static const struct cli_command *
command_of(struct cli *cli, const struct words *words)
{
	for (int i = 0; i + 1 < words->cnt; i++) {
		if (strcmp(words->word[i], "--run-dir") == 0)
			cli->run_dir = words->word[++i];
		else if (words->word[i][0] != '-')
			return cli_command_find(words->word[i]);
	}
	return NULL;
}

static void
offer_commands(const char *prefix)
{
	for (size_t i = 0; cli_commands[i] != NULL; i++)
		if (!cli_commands[i]->hidden)
			offer(cli_commands[i]->name, strlen(cli_commands[i]->name), prefix);
}

/* offer_choices offers the words of which a command takes one after a word before it.
 * Returns false when there are none. */
static bool
offer_choices(const char *command, const char *after, const char *prefix)
{
	static const struct {
		const char *command, *after, *words;
	} choices[] = {
		{"limit", "limit", "global label class torrent"},
		{"list", "--state", "verifying seeding paused changed error"},
		{"peers", "--sort", "rate sent rtt cwnd resent time address"},
	};

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (strcmp(choices[i].command, command) != 0 || strcmp(choices[i].after, after) != 0)
			continue;
		for (const char *p = choices[i].words; *p != '\0'; p += strspn(p, " ")) {
			offer(p, strcspn(p, " "), prefix);
			p += strcspn(p, " ");
		}
		return true;
	}
	return false;
}

/* takes_torrent is true when the word after another may be a torrent. */
static bool
takes_torrent(const struct cli_command *command, const char *after)
{
	if (strchr(command->usage, '|') != NULL && strstr(command->usage, "TORRENT]") != NULL)
		return strcmp(after, "torrent") == 0;
	return strstr(command->usage, "INFO_HASH|NAME") != NULL ||
	       strncmp(command->usage, "TORRENT", 7) == 0;
}

static void
offer_for(const struct cli *cli, const struct words *words)
{
	struct cli quiet = {.run_dir = cli->run_dir, .quiet = true};
	const struct cli_command *command = command_of(&quiet, words);
	const char *prefix = words->word[words->cnt - 1];
	const char *after = words->cnt > 1 ? words->word[words->cnt - 2] : "";

	if (prefix[0] == '-') {
		if (command != NULL) {
			offer_options(command->usage, prefix);
			offer_options(command->more, prefix);
		}
		offer_options("--json --run-dir --help --version", prefix);
	} else if (command == NULL) {
		offer_commands(prefix);
	} else if (!offer_choices(command->name, after, prefix) && takes_torrent(command, after)) {
		offer_torrents(&quiet, prefix);
	}
}

static int
complete(const struct cli *cli, int argc, char **argv)
{
	const char *line = getenv("COMP_LINE");
	struct words words = {0};
	char *copy = line != NULL ? strdup(line) : NULL;

	(void)argc;
	(void)argv; /* the shell repeats there what is in the line */
	if (copy == NULL)
		return cli_error(cli, CLI_FAILED, "complete is for a shell, which sets COMP_LINE");
	line_split(copy, &words);
	offer_for(cli, &words);
	free(copy);
	return CLI_DONE;
}

const struct cli_command cli_command_complete = {
	.name = "complete",
	.usage = "",
	.help = "print what the last word of COMP_LINE may become; for configs/completion",
	.more = "",
	.hidden = true,
	.run = complete,
};
