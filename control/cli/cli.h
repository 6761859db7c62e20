/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cli.h is what the parts of the spillway command share: cli.c (arguments), cli_client.c (talking
 * to spillwayd), cli_progress.c, and a file per group of commands.
 *
 * Every command returns an exit code of enum cli_exit. Results go to stdout, errors and progress to
 * stderr. Text that came from a torrent is printed by cli_text, which lets no terminal escape
 * through.
 */
#ifndef SPILLWAY_CONTROL_CLI_CLI_H
#define SPILLWAY_CONTROL_CLI_CLI_H

#include <jansson.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_UNREACHABLE = 3,
};

/* Options before or after the command. */
struct cli {
	const char *run_dir;
	bool json;
	bool quiet; /* cli_error prints nothing: what is on the terminal is not to be disturbed */
};

/* A command and what is left of the command line: argv[0] is its name, options come as they are. */
struct cli_command {
	const char *name;
	const char *usage; /* what follows the name */
	const char *help;  /* one line */
	const char *more;  /* the rest of "spillway NAME --help" */
	bool hidden;       /* for scripts: not in the list of commands */
	int (*run)(const struct cli *cli, int argc, char **argv);
};

extern const struct cli_command cli_command_create;
extern const struct cli_command cli_command_add;
extern const struct cli_command cli_command_remove;
extern const struct cli_command cli_command_verify;
extern const struct cli_command cli_command_pause;
extern const struct cli_command cli_command_start;
extern const struct cli_command cli_command_label;
extern const struct cli_command cli_command_set;
extern const struct cli_command cli_command_apply;
extern const struct cli_command cli_command_list;
extern const struct cli_command cli_command_show;
extern const struct cli_command cli_command_stats;
extern const struct cli_command cli_command_dht;
extern const struct cli_command cli_command_peers;
extern const struct cli_command cli_command_top;
extern const struct cli_command cli_command_api_token;
extern const struct cli_command cli_command_complete;
extern const struct cli_command cli_command_man;
extern const struct cli_command cli_command_reload;
extern const struct cli_command cli_command_doctor;
extern const struct cli_command cli_command_announce;
extern const struct cli_command cli_command_limit;
extern const struct cli_command cli_command_drain;

/* Every command; NULL is the last. */
extern const struct cli_command *const cli_commands[];

/* cli_command_find returns the command with that name, or NULL. */
const struct cli_command *
cli_command_find(const char *name);

/* cli_error prints "spillway: TEXT" to stderr, and with --json an object to stdout too, unless
 * cli->quiet.
 * Returns code. */
int
cli_error(const struct cli *cli, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* cli_text prints text with every control character replaced. */
void
cli_text(FILE *out, const char *text);

/* cli_print prints json as one line to stdout, and frees it. Returns CLI_DONE, or CLI_FAILED when
 * stdout cannot be written. */
int
cli_print(json_t *json);

/* cli_tracker_check returns CLI_DONE for a URL that trackers can have, else as cli_error with
 * CLI_USAGE. */
int
cli_tracker_check(const struct cli *cli, const char *url);

/* cli_option takes the value of option argv[*i] when it is "name VALUE" or "name=VALUE", and moves
 * *i to the last word used.
 * Returns 1 with value, 0 when argv[*i] is something else, -1 when the value is missing. */
int
cli_option(int argc, char **argv, int *i, const char *name, const char **value);

/* ---- cli_client.c */

/* A request to spillwayd. */
struct cli_call {
	json_t *request;     /* taken over by cli_call */
	const char *subject; /* goes before the text of a refusal; or NULL */
	int fd;              /* passed beside it, -1 for none; the caller's */
	void (*on_line)(json_t *line, void *ctx); /* gets each line before the final one; or NULL */
	/* Is asked before, with the line as it came, ended by a newline and a NUL: true when it has
	 * taken it, and the line is not parsed. Or NULL. */
	bool (*on_text)(const char *line, size_t len, void *ctx);
	void *ctx;
};

/* cli_call asks spillwayd and waits for the answer.
 *
 * final  out on CLI_DONE: the final line, the caller's to free.
 * Returns CLI_DONE, CLI_FAILED (refused: the text is printed) or CLI_UNREACHABLE. */
int
cli_call(const struct cli *cli, const struct cli_call *call, json_t **final);

/* ---- cli_progress.c */

struct cli_progress {
	const char *verb; /* "verifying" */
	bool quiet;
	bool is_tty;
	bool drawn;
	int64_t begin_ms;
	int64_t drawn_ms;
	int percent_last;
	bool is_told;              /* spillwayd says the rate, else it is of the bytes so far */
	uint64_t rate_bytes_per_s; /* 0: not known */
	int64_t left_s;            /* -1: from the rate */
};

/* cli_progress_begin prepares a bar on stderr if it is a terminal, plain lines otherwise, nothing
 * with --json. */
void
cli_progress_begin(struct cli_progress *progress, const struct cli *cli, const char *verb);

/* cli_progress_line shows the object "progress" of a line, if it has one. */
void
cli_progress_line(struct cli_progress *progress, const json_t *line);

/* cli_progress_show draws the state. total_bytes > 0. */
void
cli_progress_show(struct cli_progress *progress, uint64_t done_bytes, uint64_t total_bytes);

/* cli_progress_end wipes the bar. */
void
cli_progress_end(struct cli_progress *progress);

#endif
