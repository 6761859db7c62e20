/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* cli_top.h is what the parts of "spillway top" share: cli_top.c (arguments, keys, the loop),
 * cli_top_view.c (asks spillwayd and makes rates of what it tells), cli_top_draw.c (the screen).
 *
 * Rates are differences of two refreshes: the first one knows none but the peers' own.
 * Threads: one. Memory: a view holds the last answers.
 */
#ifndef SPILLWAY_CONTROL_CLI_CLI_TOP_H
#define SPILLWAY_CONTROL_CLI_CLI_TOP_H

#include "control/cli/cli.h"

enum top_limit {
	TOP_HISTORY = 240, /* refreshes that the plot remembers */
	TOP_LIMITS_CNT = 7,
};

/* The limits of a peer and what they are called; [0, TOP_LIMITS_CNT). */
extern const struct top_limit_name {
	const char *name; /* in JSON */
	const char *text;
} top_limit_names[TOP_LIMITS_CNT];

/* A torrent or a peer with what it is sorted by; object is the view's. */
struct top_row {
	const json_t *object;
	double rate_bytes_per_s;
};

struct top_view {
	bool reachable; /* spillwayd answered all of the last refresh */
	int64_t at_ms;  /* of the last refresh that was answered, monotonic; 0: none */
	double span_s;  /* between the two last; 0: there is one at most */
	json_t *stats;
	json_t *torrents;
	json_t *peers;
	json_t *before; /* info_hash: uploaded_bytes, of the refresh before */
	struct top_row *torrent_row; /* by rate, the fastest first */
	size_t torrent_cnt;
	struct top_row *peer_row;
	size_t peer_cnt;
	double payload_bytes, disk_bytes, cpu_s; /* of the dataplane, as last seen */
	double upload_bytes_per_s;
	double disk_bytes_per_s;
	double cores;           /* CPU that the dataplane takes */
	uint32_t limit_cnt[TOP_LIMITS_CNT]; /* peers that each limit holds now */
	double history[TOP_HISTORY]; /* upload_bytes_per_s, the oldest first */
	size_t history_cnt;
};

/* ---- cli_top_view.c */

/* top_view_refresh asks for everything anew. When spillwayd does not answer, reachable is false and
 * the rest stays. */
void
top_view_refresh(struct top_view *view, const struct cli *cli);

/* top_view_free frees what the view holds. */
void
top_view_free(struct top_view *view);

/* top_view_json returns the view as one object: totals, rates, limits, and the torrents with their
 * rates. NULL when out of memory. */
json_t *
top_view_json(const struct top_view *view);

/* top_number returns a member of an object, 0 when it is none. */
double
top_number(const json_t *object, const char *name);

/* top_text returns a member of an object, "-" when it is none. */
const char *
top_text(const json_t *object, const char *name);

/* ---- cli_top_draw.c */

struct top_screen {
	bool peers;    /* the list is of peers, not of torrents */
	bool paused;
	size_t first;  /* row shown at the top of the list */
};

/* top_draw_begin takes the terminal; top_draw_end gives it back. Returns false when the terminal
 * cannot be used. */
bool
top_draw_begin(void);

void
top_draw_end(void);

/* top_draw draws the view, and brings screen->first into bounds. */
void
top_draw(struct top_screen *screen, const struct top_view *view);

/* top_draw_key waits at most wait_ms for a key. Returns it, 0 for none; arrows and pages are told
 * as enum top_key. */
int
top_draw_key(int wait_ms);

enum top_key {
	TOP_KEY_UP = 0x100,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_RESIZE,
};

#endif
