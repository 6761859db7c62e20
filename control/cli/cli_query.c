/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway show and stats. */
#include "control/cli/cli_announce.h"
#include "control/cli/cli_fields.h"
#include "control/cli/cli_table.h"

#include <string.h>
#include <time.h>

static int
call_simple(const struct cli *cli, json_t *request, json_t **final)
{
	struct cli_call call = {.request = request, .fd = -1};

	return cli_call(cli, &call, final);
}

/* ---- show */

static void
show_time(const char *label, long long seconds)
{
	char text[64];
	time_t when = (time_t)seconds;
	struct tm local;

	if (seconds == 0 || localtime_r(&when, &local) == NULL)
		snprintf(text, sizeof(text), "never");
	else
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	printf("%-13s %s\n", label, text);
}

static void
show_text(const char *label, const char *text)
{
	printf("%-13s ", label);
	cli_text(stdout, text);
	putchar('\n');
}

static void
show_pieces(const json_t *torrent)
{
	printf("%-13s %lld of %.0f KiB, %lld served", "pieces", field_integer(torrent, "pieces"),
	       field_number(torrent, "piece_length") / 1024, field_integer(torrent, "pieces_had"));
	if (field_integer(torrent, "pieces_withdrawn") > 0)
		printf(", %lld withdrawn", field_integer(torrent, "pieces_withdrawn"));
	putchar('\n');
}

static void
show_labels(const json_t *torrent)
{
	const json_t *labels = json_object_get(torrent, "labels");

	if (json_array_size(labels) == 0)
		return;
	printf("%-13s ", "labels");
	for (size_t i = 0; i < json_array_size(labels); i++) {
		fputs(i > 0 ? ", " : "", stdout);
		cli_text(stdout, json_string_value(json_array_get(labels, i)));
	}
	putchar('\n');
}

/* show_settings tells what differs from what is preset. */
static void
show_settings(const json_t *torrent)
{
	char rate[CLI_QUANTITY_MAX];

	if (field_integer(torrent, "rate_bytes_per_s") > 0)
		printf("%-13s %s at most\n", "rate",
		       cli_bytes(rate, field_number(torrent, "rate_bytes_per_s"), "/s"));
	if (field_integer(torrent, "weight") != 100)
		printf("%-13s %lld\n", "weight", field_integer(torrent, "weight"));
	if (field_integer(torrent, "connections_max") > 0)
		printf("%-13s %lld at most\n", "connections", field_integer(torrent, "connections_max"));
	if (json_is_true(json_object_get(torrent, "super_seed")))
		show_text("super-seeding", "yes");
}

/* show_trackers shows those that are announced to, or else all that are named. */
static void
show_trackers(const json_t *torrent)
{
	const json_t *announce = json_object_get(torrent, "announce");
	json_t *tracker;
	size_t i;

	json_array_foreach(announce, i, tracker)
		cli_tracker_print(tracker);
	if (json_array_size(announce) > 0)
		return;
	json_array_foreach(json_object_get(torrent, "trackers"), i, tracker)
		show_text("tracker", json_string_value(tracker));
}

/* show_dht tells what became of the torrent's announce. */
static void
show_dht(const json_t *dht)
{
	const char *state = field_text(dht, "state");

	if (field_integer(dht, "announced_at") == 0) {
		show_text("DHT", strcmp(state, "private") == 0 ? "never, for it is private" : state);
		return;
	}
	printf("%-13s %lld nodes stored it\n", "DHT", field_integer(dht, "stored_by"));
	show_time("DHT announced", field_integer(dht, "announced_at"));
}

static void
show_whole(const json_t *torrent)
{
	char state[STATE_MAX];

	state_text(torrent, state);
	show_text("name", field_text(torrent, "name"));
	show_text("info hash", field_text(torrent, "info_hash"));
	if (field_text(torrent, "info_hash_v2")[0] != '\0')
		show_text("info hash v2", field_text(torrent, "info_hash_v2"));
	show_text("state", state);
	show_labels(torrent);
	if (field_text(torrent, "reason")[0] != '\0')
		show_text("reason", field_text(torrent, "reason"));
	printf("%-13s %.1f MiB in %lld file%s\n", "size", field_number(torrent, "size_bytes") / MIB,
	       field_integer(torrent, "files"), field_integer(torrent, "files") == 1 ? "" : "s");
	show_pieces(torrent);
	printf("%-13s %lld\n", "peers", field_integer(torrent, "peers"));
	printf("%-13s %.1f MiB\n", "uploaded", field_number(torrent, "uploaded_bytes") / MIB);
	show_text("congestion", field_text(torrent, "congestion"));
	if (field_text(torrent, "class")[0] != '\0')
		show_text("class", field_text(torrent, "class"));
	show_settings(torrent);
	show_text("data", field_text(torrent, "data"));
	show_time("added", field_integer(torrent, "added_at"));
	show_time("verified", field_integer(torrent, "verified_at"));
	show_text("private", json_is_true(json_object_get(torrent, "private")) ? "yes" : "no");
	show_trackers(torrent);
	show_dht(json_object_get(torrent, "dht"));
	show_text("magnet", field_text(torrent, "magnet"));
}

static int
show(const struct cli *cli, int argc, char **argv)
{
	json_t *final;

	if (argc != 2)
		return cli_error(cli, CLI_USAGE, "show needs one INFO_HASH or NAME");
	int code = call_simple(
		cli, json_pack("{s:s, s:s}", "command", "show", "torrent", argv[1]), &final);
	if (code != CLI_DONE)
		return code;
	if (cli->json)
		return cli_print(final);
	show_whole(json_object_get(final, "torrent"));
	json_decref(final);
	return CLI_DONE;
}

/* ---- stats */

static void
stats_ratio(const json_t *totals, const char *name, const char *text)
{
	const json_t *value = json_object_get(totals, name);

	if (json_is_number(value))
		printf(", %s %.2f", text, json_number_value(value));
}

static void
stats_totals(const json_t *dataplane, const json_t *totals)
{
	long long restarts = field_integer(dataplane, "restarts");

	if (json_is_true(json_object_get(dataplane, "running")))
		printf("%-13s running, pid %lld", "dataplane", field_integer(dataplane, "pid"));
	else
		printf("%-13s down", "dataplane");
	if (restarts > 0)
		printf(", restarted %lld time%s", restarts, restarts == 1 ? "" : "s");
	putchar('\n');
	show_text("port", field_text(dataplane, "port"));
	printf("%-13s %lld, %lld active\n", "torrents", field_integer(totals, "torrents"),
	       field_integer(totals, "torrents_active"));
	printf("%-13s %lld\n", "peers", field_integer(totals, "peers"));
	printf("%-13s %.1f MiB ever, %.1f MiB by this dataplane\n", "uploaded",
	       field_number(totals, "uploaded_bytes") / MIB,
	       field_number(totals, "payload_bytes") / MIB);
	printf("%-13s %.1f MiB", "disk read", field_number(totals, "disk_bytes") / MIB);
	stats_ratio(totals, "read_amplification", "read amplification");
	printf("\n%-13s %.2f s", "dataplane CPU", field_number(totals, "dataplane_cpu_seconds"));
	stats_ratio(totals, "cycles_per_byte", "cycles per byte");
	putchar('\n');
}

/* time_show prints a time of some microseconds; null is what is longer than all that is told
 * apart. */
static void
time_show(const json_t *time_us)
{
	double us = json_number_value(time_us);

	if (!json_is_number(time_us))
		printf(" %10s", "> 58 s");
	else if (us < 1000)
		printf(" %7.0f us", us);
	else if (us < 1000000)
		printf(" %7.1f ms", us / 1000);
	else
		printf(" %8.2f s", us / 1000000);
}

/* stats_times shows histograms: of so many in a thousand, the longest. */
static void
stats_times(json_t *histograms)
{
	const char *name;
	json_t *histogram;

	puts("\ntimes                     count        p50        p99      p99.9");
	json_object_foreach(histograms, name, histogram) {
		if (field_integer(histogram, "count") == 0)
			continue;
		fputs("  ", stdout);
		cli_text(stdout, name);
		printf("%*s %12lld", (int)(strlen(name) < 16 ? 16 - strlen(name) : 0), "",
		       field_integer(histogram, "count"));
		time_show(json_object_get(histogram, "p50"));
		time_show(json_object_get(histogram, "p99"));
		time_show(json_object_get(histogram, "p99_9"));
		fputs("  ", stdout);
		cli_text(stdout, field_text(histogram, "text"));
		putchar('\n');
	}
}

static void
time_print(const char *text, const json_t *scrub, const char *name)
{
	time_t when = (time_t)field_integer(scrub, name);
	char day[32];

	if (when <= 0)
		return;
	strftime(day, sizeof(day), "%F %H:%M", localtime(&when));
	printf(", %s %s", text, day);
}

static void
stats_scrub(const json_t *scrub)
{
	bool running = json_is_true(json_object_get(scrub, "running"));

	printf("%-13s %.1f MiB ever, %lld rotten pieces found", "scrubbed",
	       field_number(scrub, "scrubbed_bytes") / MIB, field_integer(scrub, "rotten_pieces"));
	time_print("last whole pass", scrub, "ended_at");
	if (running)
		printf(", pass under way: %.1f MiB", field_number(scrub, "pass_bytes") / MIB);
	else
		time_print("next", scrub, "next_at");
	putchar('\n');
}

static void
stats_dht(const json_t *dht)
{
	const json_t *node = json_array_get(json_object_get(dht, "nodes"), 0);
	const json_t *counters = json_object_get(node, "counters");

	if (node == NULL) {
		printf("%-13s off: ", "DHT");
		cli_text(stdout, field_text(dht, "reason"));
		putchar('\n');
		return;
	}
	printf("%-13s %lld nodes good, %lld announces, %lld failed\n", "DHT",
	       field_integer(node, "nodes_good"), field_integer(counters, "announces"),
	       field_integer(counters, "announces_failed"));
}

static void
stats_counters(json_t *counters, const json_t *texts)
{
	const char *name;
	json_t *value;

	puts("\ncounters that are not zero");
	json_object_foreach(counters, name, value) {
		if (json_integer_value(value) == 0)
			continue;
		fputs("  ", stdout);
		cli_text(stdout, name);
		printf("%*s %16lld  ", (int)(strlen(name) < 28 ? 28 - strlen(name) : 0), "",
		       (long long)json_integer_value(value));
		cli_text(stdout, field_text(texts, name));
		putchar('\n');
	}
}

static int
stats(const struct cli *cli, int argc, char **argv)
{
	json_t *final;

	if (argc != 1)
		return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[1]);
	int code = call_simple(cli, json_pack("{s:s}", "command", "stats"), &final);
	if (code != CLI_DONE)
		return code;
	if (cli->json) {
		json_object_del(final, "counter_texts");
		return cli_print(final);
	}
	stats_totals(json_object_get(final, "dataplane"), json_object_get(final, "totals"));
	stats_scrub(json_object_get(final, "scrub"));
	cli_announce_print(json_object_get(final, "announce"));
	stats_dht(json_object_get(final, "dht"));
	stats_times(json_object_get(final, "histograms"));
	stats_counters(json_object_get(final, "counters"), json_object_get(final, "counter_texts"));
	json_decref(final);
	return CLI_DONE;
}

const struct cli_command cli_command_show = {
	.name = "show",
	.usage = "INFO_HASH|NAME",
	.help = "tell all about one torrent",
	.more = "",
	.run = show,
};

const struct cli_command cli_command_stats = {
	.name = "stats",
	.usage = "",
	.help = "tell what the dataplane has done",
	.more = "",
	.run = stats,
};
