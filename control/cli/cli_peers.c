/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* spillway peers. */
#include "control/cli/cli_peers.h"

#include "control/cli/cli_table.h"

#include <stdlib.h>
#include <string.h>

enum {
	LIMITS_MAX = 96,        /* bytes of the shares of a peer */
	LIMITS_SHOWN = 3,       /* of a peer, 2 where that makes a line fit */
	TORRENT_COLUMNS_MIN = 10, /* below, a peer takes two lines */
};

enum column {
	COLUMN_ADDRESS,
	COLUMN_RATE,
	COLUMN_RTT,
	COLUMN_CWND,
	COLUMN_RESENT,
	COLUMN_FOR,
	COLUMN_CONGESTION,
	COLUMN_CLIENT,
	COLUMN_LIMITS,
	COLUMN_TORRENT,
	COLUMN_CNT
};

static const struct cli_column columns[COLUMN_CNT] = {
	[COLUMN_ADDRESS] = {"ADDRESS", false},
	[COLUMN_RATE] = {"RATE", true},
	[COLUMN_RTT] = {"RTT", true},
	[COLUMN_CWND] = {"CWND", true},
	[COLUMN_RESENT] = {"RESENT", true},
	[COLUMN_FOR] = {"FOR", true},
	[COLUMN_CONGESTION] = {"CC", false},
	[COLUMN_CLIENT] = {"CLIENT", false},
	[COLUMN_LIMITS] = {"LIMITED BY", false},
	[COLUMN_TORRENT] = {"TORRENT", false},
};

/* The limits of answer_peer.h and what they are called here. */
static const struct {
	const char *name;
	const char *text;
} limits[] = {
	{"requests", "its requests"}, {"disk", "disk"},        {"window", "its window"},
	{"congestion", "congestion"}, {"pacing", "pacing"},    {"recovery", "losses"},
	{"sending", "nothing"},
};

enum {
	LIMIT_CNT = sizeof(limits) / sizeof(limits[0]),
};

/* A row's texts; the others are in the peer's object. */
struct row {
	char rate[CLI_QUANTITY_MAX];
	char rtt[CLI_QUANTITY_MAX];
	char cwnd[CLI_QUANTITY_MAX];
	char resent[CLI_QUANTITY_MAX];
	char connected[CLI_QUANTITY_MAX];
	char limits[LIMITS_MAX];
	const char *cell[COLUMN_CNT];
};

static double
number(const json_t *peer, const char *name)
{
	return json_number_value(json_object_get(peer, name));
}

static const char *
text(const json_t *peer, const char *name)
{
	const char *value = json_string_value(json_object_get(peer, name));

	return value != NULL && value[0] != '\0' ? value : "-";
}

/* ---- Order. */

static double
resent_share(const json_t *peer)
{
	double resent = number(peer, "retransmit_bytes");
	double all = number(peer, "acked_bytes") + resent;

	return all > 0 ? resent / all : 0;
}

static double
rate_of(const json_t *peer)
{
	return number(peer, "rate_bytes_per_s");
}

static double
rtt_of(const json_t *peer)
{
	return number(peer, "rtt_us");
}

static double
cwnd_of(const json_t *peer)
{
	return number(peer, "cwnd_bytes");
}

static double
connected_of(const json_t *peer)
{
	return number(peer, "connected_us");
}

static double
acked_of(const json_t *peer)
{
	return number(peer, "acked_bytes");
}

static const struct sort {
	const char *name;
	double (*value)(const json_t *peer); /* NULL: by address */
} sorts[] = {
	{"rate", rate_of},       {"rtt", rtt_of},         {"cwnd", cwnd_of}, {"resent", resent_share},
	{"time", connected_of},  {"sent", acked_of},      {"address", NULL},
};

/* A peer beside what it is sorted by. */
struct keyed {
	double value;
	const char *address;
	json_t *peer;
};

static int
keyed_compare(const void *left, const void *right)
{
	const struct keyed *l = left, *r = right;

	return l->value != r->value ? (l->value < r->value ? 1 : -1) : strcmp(l->address, r->address);
}

/* peers_sort returns a sorted array of the same peers, or NULL when out of memory. */
static json_t *
peers_sort(const json_t *peers, const struct sort *sort)
{
	size_t cnt = json_array_size(peers);
	struct keyed *keyed = calloc(cnt + 1, sizeof(*keyed));
	json_t *sorted = json_array();

	for (size_t i = 0; keyed != NULL && i < cnt; i++) {
		json_t *peer = json_array_get(peers, i);
		keyed[i] = (struct keyed){
			.value = sort->value != NULL ? sort->value(peer) : 0,
			.address = text(peer, "address"),
			.peer = peer,
		};
	}
	if (keyed != NULL)
		qsort(keyed, cnt, sizeof(*keyed), keyed_compare);
	for (size_t i = 0; keyed != NULL && i < cnt; i++)
		json_array_append(sorted, keyed[i].peer);
	free(keyed);
	return sorted;
}

/* ---- Rows. */

/* limits_write writes the largest shares, "its requests 83 %, disk 12 %". */
static void
limits_write(const json_t *peer, int shown_max, char out[LIMITS_MAX])
{
	const json_t *sums = json_object_get(peer, "limit_us");
	double all = number(peer, "connected_us");
	bool shown[LIMIT_CNT] = {false};

	snprintf(out, LIMITS_MAX, "-");
	for (int n = 0; n < shown_max && all > 0; n++) {
		size_t most = LIMIT_CNT;
		for (size_t i = 0; i < LIMIT_CNT; i++)
			if (!shown[i] && (most == LIMIT_CNT || number(sums, limits[i].name) >
			                                           number(sums, limits[most].name)))
				most = i;
		int percent = (int)(100 * number(sums, limits[most].name) / all + 0.5);
		if (percent == 0)
			break;
		shown[most] = true;
		size_t len = n == 0 ? 0 : strlen(out);
		snprintf(out + len, LIMITS_MAX - len, "%s%s %d %%", n == 0 ? "" : ", ",
		         limits[most].text, percent);
	}
}

static void
row_fill(struct row *row, const json_t *peer)
{
	snprintf(row->resent, sizeof(row->resent), "%.1f %%", 100 * resent_share(peer));
	limits_write(peer, LIMITS_SHOWN, row->limits);
	row->cell[COLUMN_ADDRESS] = text(peer, "address");
	row->cell[COLUMN_RATE] = cli_bytes(row->rate, rate_of(peer), "/s");
	row->cell[COLUMN_RTT] = cli_delay(row->rtt, rtt_of(peer));
	row->cell[COLUMN_CWND] = cli_bytes(row->cwnd, cwnd_of(peer), "");
	row->cell[COLUMN_RESENT] = row->resent;
	row->cell[COLUMN_FOR] = cli_span(row->connected, connected_of(peer));
	row->cell[COLUMN_CONGESTION] = text(peer, "congestion");
	row->cell[COLUMN_CLIENT] = text(peer, "client");
	row->cell[COLUMN_LIMITS] = row->limits;
	row->cell[COLUMN_TORRENT] = text(peer, "torrent");
}

/* ---- Printing. */

/* second_line prints what has no place on a narrow terminal's first line. */
static void
second_line(const struct row *row, size_t width)
{
	char line[512];

	snprintf(line, sizeof(line), "%s | %s | %s",
	         row != NULL ? row->cell[COLUMN_LIMITS] : columns[COLUMN_LIMITS].name,
	         row != NULL ? row->cell[COLUMN_CLIENT] : columns[COLUMN_CLIENT].name,
	         row != NULL ? row->cell[COLUMN_TORRENT] : columns[COLUMN_TORRENT].name);
	fputs("    ", stdout);
	cli_text_cut(line, width > 4 ? width - 4 : 0);
	putchar('\n');
}

static void
limits_fill(struct row *rows, const json_t *peers, int shown_max)
{
	for (size_t i = 0; i < json_array_size(peers); i++)
		limits_write(json_array_get(peers, i), shown_max, rows[i].limits);
}

static bool
fits(const struct cli_table *table, size_t width)
{
	return width == 0 || cli_table_width(table) + TORRENT_COLUMNS_MIN <= width;
}

/* table_print prints one line a peer where the terminal is wide enough, else two. */
static void
table_print(struct row *rows, const json_t *peers, const char **cells)
{
	size_t row_cnt = json_array_size(peers);
	struct cli_table table = {columns, COLUMN_CNT, cells, row_cnt};
	size_t width = cli_terminal_columns();

	for (size_t i = 0; i < row_cnt; i++)
		memcpy(&cells[i * COLUMN_CNT], rows[i].cell, sizeof(rows[i].cell));
	if (!fits(&table, width))
		limits_fill(rows, peers, LIMITS_SHOWN - 1);
	bool narrow = !fits(&table, width);
	if (narrow) {
		limits_fill(rows, peers, LIMITS_SHOWN);
		table.column_cnt = COLUMN_CONGESTION + 1;
		for (size_t i = 0; i < row_cnt; i++)
			memcpy(&cells[i * table.column_cnt], rows[i].cell,
			       table.column_cnt * sizeof(cells[0]));
	}
	for (long row = -1; row < (long)row_cnt; row++) {
		cli_table_line(&table, row, width);
		if (narrow)
			second_line(row < 0 ? NULL : &rows[row], width);
	}
}

static int
peers_print(const struct cli *cli, const json_t *peers)
{
	size_t cnt = json_array_size(peers);
	struct row *rows = calloc(cnt + 1, sizeof(*rows));
	const char **cells = calloc(cnt + 1, sizeof(rows->cell));
	char total[CLI_QUANTITY_MAX];
	double rate = 0;

	if (rows == NULL || cells == NULL) {
		free(rows);
		free(cells);
		return cli_error(cli, CLI_FAILED, "out of memory");
	}
	for (size_t i = 0; i < cnt; i++) {
		row_fill(&rows[i], json_array_get(peers, i));
		rate += rate_of(json_array_get(peers, i));
	}
	if (cnt > 0)
		table_print(rows, peers, cells);
	printf("%s%zu peer%s, %s\n", cnt > 0 ? "\n" : "", cnt, cnt == 1 ? "" : "s",
	       cli_bytes(total, rate, "/s"));
	free(rows);
	free(cells);
	return CLI_DONE;
}

/* ---- The command. */

struct peers_args {
	const char *torrent;
	const char *sort;
	const char *trace;
};

static int
args_parse(const struct cli *cli, struct peers_args *args, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{"--torrent", &args->torrent}, {"--sort", &args->sort}, {"--trace", &args->trace},
	};

	for (int i = 1; i < argc; i++) {
		int got = 0;

		for (size_t k = 0; got == 0 && k < sizeof(options) / sizeof(options[0]); k++) {
			got = cli_option(argc, argv, &i, options[k].name, options[k].value);
			if (got < 0)
				return cli_error(cli, CLI_USAGE, "option %s needs a value",
				                 options[k].name);
		}
		if (got == 0)
			return cli_error(cli, CLI_USAGE, "unexpected argument \"%s\"", argv[i]);
	}
	if (args->trace != NULL && (args->torrent != NULL || args->sort != NULL))
		return cli_error(cli, CLI_USAGE, "--trace shows one peer: no --torrent, no --sort");
	return CLI_DONE;
}

static const struct sort *
sort_find(const char *name)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strcmp(sorts[i].name, name) == 0)
			return &sorts[i];
	return NULL;
}

static void
peer_take(json_t *line, void *ctx)
{
	json_array_append(ctx, json_object_get(line, "peer"));
}

static int
peers(const struct cli *cli, int argc, char **argv)
{
	struct peers_args args = {0};
	json_t *final, *got = json_array();
	int code = args_parse(cli, &args, argc, argv);
	const struct sort *sort = sort_find(args.sort != NULL ? args.sort : "rate");

	if (code == CLI_DONE && sort == NULL)
		code = cli_error(cli, CLI_USAGE, "cannot sort by \"%s\": there are rate, sent, rtt, cwnd, "
		                 "resent, time and address", args.sort);
	if (code == CLI_DONE && args.trace != NULL)
		code = cli_trace(cli, args.trace);
	if (code != CLI_DONE || args.trace != NULL) {
		json_decref(got);
		return code;
	}
	struct cli_call call = {
		.request = args.torrent != NULL
		               ? json_pack("{s:s, s:s}", "command", "peers", "torrent", args.torrent)
		               : json_pack("{s:s}", "command", "peers"),
		.fd = -1,
		.on_line = peer_take,
		.ctx = got,
	};
	code = cli_call(cli, &call, &final);
	json_decref(final);
	json_t *sorted = peers_sort(got, sort);
	json_decref(got);
	if (code == CLI_DONE && cli->json)
		return cli_print(json_pack("{s:b, s:o}", "ok", 1, "peers", sorted));
	if (code == CLI_DONE)
		code = peers_print(cli, sorted);
	json_decref(sorted);
	return code;
}

const struct cli_command cli_command_peers = {
	.name = "peers",
	.usage = "[--torrent INFO_HASH|NAME] [--sort KEY] | --trace ADDRESS:PORT",
	.help = "show who is connected, how fast, and what limits each",
	.more = "  --torrent INFO_HASH|NAME  only the peers of one torrent\n"
	        "  --sort KEY                rate (default), sent, rtt, cwnd, resent, time or address\n"
	        "  --trace ADDRESS:PORT      the last events of one connection, the oldest first\n\n"
	        "RATE is what it acknowledged in the last second or so, RESENT the share of bytes\n"
	        "sent again, FOR how long it is connected. LIMITED BY are the largest shares of that\n"
	        "time:\n"
	        "  its requests  it had asked for no more\n"
	        "  disk          what it asked for was being read\n"
	        "  its window    it took no more\n"
	        "  congestion    our congestion window was full\n"
	        "  pacing        pacing or a rate limit\n"
	        "  losses        what was lost was being sent again\n"
	        "  nothing       it was sent as fast as we can\n",
	.run = peers,
};
