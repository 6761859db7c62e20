/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The screen of spillway top, by ncurses. */
#include "control/cli/cli_top.h"
#include "control/cli/cli_table.h"

#include <curses.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PLOT_ROWS = 4,
	PLOT_STEPS = 8, /* of a character's height */
	HEAD_ROWS = 4,  /* above the plot */
	LINE_MAX_LEN = 1024,
};

enum colour {
	COLOUR_PLOT = 1,
	COLOUR_BAD,
};

bool
top_draw_begin(void)
{
	setlocale(LC_ALL, "");
	SCREEN *screen = newterm(NULL, stdout, stdin);
	if (screen == NULL)
		return false;
	set_term(screen);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(COLOUR_PLOT, COLOR_CYAN, -1);
		init_pair(COLOUR_BAD, COLOR_RED, -1);
	}
	return true;
}

void
top_draw_end(void)
{
	endwin();
}

int
top_draw_key(int wait_ms)
{
	timeout(wait_ms);
	int key = getch();

	switch (key) {
	case ERR:
		return 0;
	case KEY_UP:
		return TOP_KEY_UP;
	case KEY_DOWN:
		return TOP_KEY_DOWN;
	case KEY_PPAGE:
		return TOP_KEY_PAGE_UP;
	case KEY_NPAGE:
		return TOP_KEY_PAGE_DOWN;
	case KEY_HOME:
		return TOP_KEY_HOME;
	case KEY_RESIZE:
		return TOP_KEY_RESIZE;
	default:
		return key < 0x100 ? key : 0;
	}
}

/* ---- Lines. */

/* line_put writes a line, cut to the screen, control characters replaced. */
static void
line_put(int row, const char *text, attr_t attributes)
{
	char *clean = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&clean, &len);

	if (out == NULL)
		return;
	cli_text(out, text);
	fclose(out);
	attron(attributes);
	/* Cut by columns: addnstr counts bytes. */
	int columns = 0;
	char *p = clean;
	while (*p != '\0' && (columns < COLS || ((unsigned char)*p & 0xc0) == 0x80))
		columns += ((unsigned char)*p++ & 0xc0) != 0x80;
	*p = '\0';
	mvaddstr(row, 0, clean);
	attroff(attributes);
	free(clean);
}

static void
head_first(const struct top_view *view)
{
	const json_t *dataplane = json_object_get(view->stats, "dataplane");
	time_t now = time(NULL);
	struct tm local;
	char clock[16] = "", line[LINE_MAX_LEN];

	if (localtime_r(&now, &local) != NULL)
		strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	bool running = json_is_true(json_object_get(dataplane, "running"));
	snprintf(line, sizeof(line), "spillway %s  %s  %s", clock,
	         !view->reachable ? "spillwayd does not answer"
	         : running        ? "dataplane running"
	                          : "dataplane down",
	         view->stats != NULL ? top_text(dataplane, "port") : "");
	line_put(0, line, A_BOLD | (view->reachable && running ? 0 : COLOR_PAIR(COLOUR_BAD)));
}

static void
head_rates(const struct top_view *view)
{
	const json_t *totals = json_object_get(view->stats, "totals");
	char upload[CLI_QUANTITY_MAX], disk[CLI_QUANTITY_MAX], ever[CLI_QUANTITY_MAX];
	char line[LINE_MAX_LEN];

	snprintf(line, sizeof(line),
	         "upload %s   disk %s   CPU %.2f cores   peers %zu   torrents %.0f, %zu active   "
	         "uploaded %s",
	         cli_bytes(upload, view->upload_bytes_per_s, "/s"),
	         cli_bytes(disk, view->disk_bytes_per_s, "/s"), view->cores, view->peer_cnt,
	         top_number(totals, "torrents"), view->torrent_cnt,
	         cli_bytes(ever, top_number(totals, "uploaded_bytes"), ""));
	line_put(1, line, A_NORMAL);
}

static void
head_limits(const struct top_view *view)
{
	char line[LINE_MAX_LEN] = "peers limited by:";

	for (size_t i = 0; i < TOP_LIMITS_CNT; i++) {
		size_t len = strlen(line);
		if (view->limit_cnt[i] > 0)
			snprintf(line + len, sizeof(line) - len, "  %s %u", top_limit_names[i].text,
			         view->limit_cnt[i]);
	}
	if (view->peer_cnt == 0)
		snprintf(line, sizeof(line), "no peers");
	line_put(2, line, A_NORMAL);
}

/* ---- The plot. */

static double
plot_top(const struct top_view *view, size_t first)
{
	double top = 1;

	for (size_t i = first; i < view->history_cnt; i++)
		top = view->history[i] > top ? view->history[i] : top;
	return top;
}

/* plot_cell returns what a column of the plot shows in a row, the uppermost being 0. */
static const char *
plot_cell(double value, double top, int row)
{
	static const char *const steps[PLOT_STEPS + 1] = {" ", "▁", "▂", "▃", "▄",
	                                                  "▅", "▆", "▇", "█"};
	int height = (int)(value / top * PLOT_ROWS * PLOT_STEPS + 0.5);
	int filled = height - (PLOT_ROWS - 1 - row) * PLOT_STEPS;

	return steps[filled < 0 ? 0 : filled > PLOT_STEPS ? PLOT_STEPS : filled];
}

static void
plot_draw(const struct top_view *view)
{
	char label[CLI_QUANTITY_MAX];
	size_t columns = COLS > 16 ? (size_t)COLS - 14 : 1;
	size_t first = view->history_cnt > columns ? view->history_cnt - columns : 0;
	double top = plot_top(view, first);

	for (int row = 0; row < PLOT_ROWS; row++) {
		if (row == 0)
			mvprintw(HEAD_ROWS, 0, "%12s", cli_bytes(label, top, "/s"));
		if (row == PLOT_ROWS - 1)
			mvprintw(HEAD_ROWS + row, 0, "%12s", "0");
		move(HEAD_ROWS + row, 13);
		attron(COLOR_PAIR(COLOUR_PLOT));
		for (size_t i = first; i < view->history_cnt; i++)
			addstr(plot_cell(view->history[i], top, row));
		attroff(COLOR_PAIR(COLOUR_PLOT));
	}
}

/* ---- The lists. */

static void
torrent_line(const struct top_row *row, char line[LINE_MAX_LEN])
{
	char rate[CLI_QUANTITY_MAX], size[CLI_QUANTITY_MAX], uploaded[CLI_QUANTITY_MAX];

	snprintf(line, LINE_MAX_LEN, "%12s  %6.0f  %10s  %10s  %.8s  %s",
	         cli_bytes(rate, row->rate_bytes_per_s, "/s"), top_number(row->object, "peers"),
	         cli_bytes(uploaded, top_number(row->object, "uploaded_bytes"), ""),
	         cli_bytes(size, top_number(row->object, "size_bytes"), ""),
	         top_text(row->object, "info_hash"), top_text(row->object, "name"));
}

static void
peer_line(const struct top_row *row, char line[LINE_MAX_LEN])
{
	char rate[CLI_QUANTITY_MAX], rtt[CLI_QUANTITY_MAX], sent[CLI_QUANTITY_MAX];
	const char *limit = top_text(row->object, "limit");

	for (size_t i = 0; i < TOP_LIMITS_CNT; i++)
		if (strcmp(limit, top_limit_names[i].name) == 0)
			limit = top_limit_names[i].text;
	snprintf(line, LINE_MAX_LEN, "%12s  %9s  %10s  %-14s  %-21s  %-18.18s  %s",
	         cli_bytes(rate, row->rate_bytes_per_s, "/s"),
	         cli_delay(rtt, top_number(row->object, "rtt_us")),
	         cli_bytes(sent, top_number(row->object, "acked_bytes"), ""), limit,
	         top_text(row->object, "address"), top_text(row->object, "client"),
	         top_text(row->object, "torrent"));
}

static void
list_draw(struct top_screen *screen, const struct top_view *view)
{
	int top = HEAD_ROWS + PLOT_ROWS + 1;
	int room = LINES - top - 2;
	size_t cnt = screen->peers ? view->peer_cnt : view->torrent_cnt;
	char line[LINE_MAX_LEN];

	snprintf(line, sizeof(line),
	         screen->peers ? "%12s  %9s  %10s  %-14s  %-21s  %-18s  %s"
	                       : "%12s  %6s  %10s  %10s  %-8s  %s",
	         "RATE", screen->peers ? "RTT" : "PEERS", screen->peers ? "SENT" : "UPLOADED",
	         screen->peers ? "LIMITED BY" : "SIZE", screen->peers ? "ADDRESS" : "HASH",
	         screen->peers ? "CLIENT" : "NAME", "TORRENT");
	line_put(top, line, A_REVERSE);
	if (room < 1)
		return;
	if (screen->first + (size_t)room > cnt)
		screen->first = cnt > (size_t)room ? cnt - (size_t)room : 0;
	for (int i = 0; i < room && screen->first + (size_t)i < cnt; i++) {
		size_t at = screen->first + (size_t)i;

		if (screen->peers)
			peer_line(&view->peer_row[at], line);
		else
			torrent_line(&view->torrent_row[at], line);
		line_put(top + 1 + i, line, A_NORMAL);
	}
}

void
top_draw(struct top_screen *screen, const struct top_view *view)
{
	erase();
	head_first(view);
	head_rates(view);
	head_limits(view);
	plot_draw(view);
	list_draw(screen, view);
	line_put(LINES - 1,
	         screen->paused ? "stopped: space goes on   q ends"
	                        : "t torrents   p peers   arrows scroll   space stops   q ends",
	         A_DIM);
	refresh();
}
