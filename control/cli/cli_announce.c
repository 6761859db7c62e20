/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway announce, and the trackers of spillway show. */
#include "control/cli/cli_announce.h"

#include "control/cli/cli.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static long long
integer(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static const char *
text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL ? value : "";
}

static void
answer_print(const json_t *final)
{
	long long asked = integer(final, "asked"), torrents = integer(final, "torrents");
	long long wait_s = integer(final, "wait_seconds");

	if (asked > 0)
		printf("asking %lld tracker%s for %lld torrent%s\n", asked, asked == 1 ? "" : "s", torrents,
		       torrents == 1 ? "" : "s");
	if (wait_s > 0)
		printf("%s tracker may be asked again only in up to %lld s\n",
		       asked > 0 ? "another" : "its", wait_s);
	if (asked == 0 && wait_s == 0)
		puts("no tracker to ask: none is named, or nothing is seeded yet");
}

static int
run(const struct cli *cli, int argc, char **argv)
{
	json_t *request = json_pack("{s:s}", "command", "announce"), *final;
	bool all = argc == 2 && strcmp(argv[1], "--all") == 0;

	if (argc != 2 || (argv[1][0] == '-' && !all)) {
		json_decref(request);
		return cli_error(cli, CLI_USAGE, "announce needs one INFO_HASH or NAME, or --all");
	}
	if (!all)
		json_object_set_new(request, "torrent", json_string(argv[1]));
	struct cli_call call = {.request = request, .fd = -1};
	int code = cli_call(cli, &call, &final);
	if (code != CLI_DONE)
		return code;
	if (cli->json)
		return cli_print(final);
	answer_print(final);
	json_decref(final);
	return CLI_DONE;
}

/* duration_text writes seconds as a person says them. */
static void
duration_text(long long seconds, char out[32])
{
	if (seconds < 120)
		snprintf(out, 32, "%lld s", seconds);
	else if (seconds < 7200)
		snprintf(out, 32, "%lld min", seconds / 60);
	else
		snprintf(out, 32, "%lld h", seconds / 3600);
}

static void
counts_print(const json_t *tracker)
{
	static const char *const names[] = {"seeders", "leechers", "downloaded"};

	for (int i = 0; i < 3; i++)
		if (json_is_integer(json_object_get(tracker, names[i])))
			printf(", %lld %s", integer(tracker, names[i]), names[i]);
}

void
cli_tracker_print(const json_t *tracker)
{
	const char *state = text(tracker, "state"), *why = text(tracker, "text");
	long long now = time(NULL), last = integer(tracker, "last_at");
	long long next = integer(tracker, "next_at");
	char duration[32];

	printf("%-13s ", "tracker");
	cli_text(stdout, text(tracker, "url"));
	printf("\n%-13s tier %lld, %s", "", integer(tracker, "tier") + 1, state);
	if (last > 0) {
		duration_text(now > last ? now - last : 0, duration);
		printf(", asked %s ago", duration);
	}
	if (next > 0) {
		duration_text(next > now ? next - now : 0, duration);
		printf(", next in %s", duration);
	}
	counts_print(tracker);
	putchar('\n');
	if (why[0] == '\0')
		return;
	printf("%-13s ", "");
	cli_text(stdout, why);
	putchar('\n');
}

void
cli_announce_print(const json_t *totals)
{
	if (totals == NULL)
		return;
	printf("%-13s %lld torrents, %lld sent, %lld ok, %lld failed\n", "announced",
	       integer(totals, "torrents"), integer(totals, "sent"), integer(totals, "ok"),
	       integer(totals, "failed"));
	printf("%-13s %lld, %lld backing off; %lld announces waiting, %lld working, %lld failing\n",
	       "trackers", integer(totals, "hosts"), integer(totals, "hosts_backing_off"),
	       integer(totals, "waiting"), integer(totals, "working"), integer(totals, "failing"));
}

const struct cli_command cli_command_announce = {
	.name = "announce",
	.usage = "INFO_HASH|NAME|--all",
	.help = "tell a torrent's trackers at once that it is seeded",
	.more = "Trackers are told anyway, and again at the interval that each wants. This asks them\n"
	        "now: for their numbers of seeders and leechers, or after an error was mended. One\n"
	        "that said how soon it may be asked again is not asked before. What came of it is\n"
	        "told by \"spillway show\".\n",
	.run = run,
};
