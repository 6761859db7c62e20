/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway top: what happens now, drawn again and again. */
#include "control/cli/cli_top.h"

#include "control/base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct top_args {
	double interval_s;
	long count; /* refreshes, 0: until told to end */
};

/* number_take reads the value of an option within bounds. Returns an exit code. */
static int
number_take(const struct cli *cli, const char *name, const char *text, double bounds[2],
            double *value)
{
	char *end;

	*value = strtod(text, &end);
	if (end == text || *end != '\0' || !(*value >= bounds[0] && *value <= bounds[1]))
		return cli_error(cli, CLI_USAGE, "%s: \"%s\" is not a number from %g to %g", name, text,
		                 bounds[0], bounds[1]);
	return CLI_DONE;
}

static int
args_parse(const struct cli *cli, struct top_args *args, int argc, char **argv)
{
	const char *value;
	double number;
	int code = CLI_DONE;

	for (int i = 1; i < argc && code == CLI_DONE; i++) {
		bool interval = strncmp(argv[i], "--interval", 10) == 0;
		const char *name = interval ? "--interval" : "--count";
		int got = cli_option(argc, argv, &i, name, &value);

		if (got < 0)
			return cli_error(cli, CLI_USAGE, "option %s needs a value", name);
		if (got == 0)
			return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[i]);
		code = number_take(cli, name, value,
		                   interval ? (double[]){0.1, 3600} : (double[]){1, 1e9}, &number);
		if (code == CLI_DONE && interval)
			args->interval_s = number;
		else if (code == CLI_DONE)
			args->count = (long)number;
	}
	return code;
}

static void
pause_s(double seconds)
{
	struct timespec span = {.tv_sec = (time_t)seconds};

	span.tv_nsec = (long)((seconds - (double)span.tv_sec) * 1e9);
	nanosleep(&span, NULL);
}

/* json_run prints one line a refresh. The first has no rates, and is not printed. */
static int
json_run(const struct cli *cli, const struct top_args *args)
{
	struct top_view view = {0};
	int code = CLI_DONE;

	top_view_refresh(&view, cli);
	for (long n = 0; code == CLI_DONE && (args->count == 0 || n < args->count); n++) {
		if (!view.reachable) {
			code = cli_error(cli, CLI_UNREACHABLE, "spillwayd cannot be reached in %s",
			                 cli->run_dir);
			break;
		}
		pause_s(args->interval_s);
		top_view_refresh(&view, cli);
		code = cli_print(top_view_json(&view));
	}
	top_view_free(&view);
	return code;
}

/* ---- Keys. */

static void
scroll(struct top_screen *screen, int key)
{
	static const struct {
		int key;
		long step;
	} steps[] = {
		{TOP_KEY_UP, -1}, {'k', -1}, {TOP_KEY_DOWN, 1}, {'j', 1},
		{TOP_KEY_PAGE_UP, -20}, {TOP_KEY_PAGE_DOWN, 20}, {TOP_KEY_HOME, -1000000},
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (steps[i].key != key)
			continue;
		long first = (long)screen->first + steps[i].step;
		screen->first = first > 0 ? (size_t)first : 0;
	}
}

/* key_act acts on a key. Returns false when it ends the program. */
static bool
key_act(struct top_screen *screen, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
	case 3: /* ^C */
		return false;
	case 't':
	case 'p':
		screen->peers = key == 'p';
		screen->first = 0;
		return true;
	case '\t':
		screen->peers = !screen->peers;
		screen->first = 0;
		return true;
	case ' ':
		screen->paused = !screen->paused;
		return true;
	default:
		scroll(screen, key);
		return true;
	}
}

/* keys_until serves keys until a moment. Returns false when one ended the program. */
static bool
keys_until(struct top_screen *screen, const struct top_view *view, int64_t until_ms)
{
	for (;;) {
		int64_t left_ms = until_ms - clock_now_ms();
		if (left_ms <= 0)
			return true;
		int key = top_draw_key((int)left_ms);
		if (key == 0)
			continue;
		if (!key_act(screen, key))
			return false;
		top_draw(screen, view);
	}
}

static void
screen_run(const struct cli *cli, const struct top_args *args)
{
	struct top_screen screen = {0};
	struct top_view view = {0};

	for (long n = 0; args->count == 0 || n < args->count; n++) {
		/* The first only makes the second's rates possible. */
		double wait_s = n == 0 ? 0.2 : args->interval_s;

		if (!screen.paused)
			top_view_refresh(&view, cli);
		if (n == 1)
			view.history_cnt = 0; /* of so short a time that it would dwarf what follows */
		top_draw(&screen, &view);
		if (!keys_until(&screen, &view, clock_now_ms() + (int64_t)(1000 * wait_s)))
			break;
	}
	top_view_free(&view);
}

static int
top(const struct cli *cli, int argc, char **argv)
{
	struct top_args args = {.interval_s = 1};
	int code = args_parse(cli, &args, argc, argv);

	if (code != CLI_DONE)
		return code;
	if (cli->json)
		return json_run(cli, &args);
	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) || !top_draw_begin())
		return cli_error(cli, CLI_FAILED, "top needs a terminal; without one: top --json");
	screen_run(cli, &args);
	top_draw_end();
	return CLI_DONE;
}

const struct cli_command cli_command_top = {
	.name = "top",
	.usage = "[--interval SECONDS] [--count N]",
	.help = "watch rates, torrents and peers, live",
	.more = "  --interval SECONDS  between two looks, 0.1 to 3600 [1]\n"
	        "  --count N           end after so many\n\n"
	        "Keys: t torrents, p peers, Tab the other list, arrows and pages scroll, space stops\n"
	        "and goes on, q ends. With --json, one line a look.\n",
	.run = top,
};
