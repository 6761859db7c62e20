/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A progress bar, or plain lines where there is no terminal. */
#include "control/cli/cli.h"
#include "control/base/clock.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum {
	BAR_WIDTH = 24,
	BAR_MS = 100,    /* between drawings on a terminal */
	LINE_MS = 2000,  /* between plain lines */
	MIB = 1 << 20,
};

void
cli_progress_begin(struct cli_progress *progress, const struct cli *cli, const char *verb)
{
	*progress = (struct cli_progress){
		.verb = verb,
		.quiet = cli->json,
		.is_tty = isatty(STDERR_FILENO) == 1,
		.begin_ms = clock_now_ms(),
		.drawn_ms = clock_now_ms(),
		.percent_last = -1,
		.left_s = -1,
	};
}

/* rate_of returns bytes a second. */
static double
rate_of(const struct cli_progress *progress, uint64_t done_bytes)
{
	int64_t spent_ms = clock_now_ms() - progress->begin_ms;

	if (progress->is_told)
		return (double)progress->rate_bytes_per_s;
	return spent_ms > 0 ? (double)done_bytes * 1000 / (double)spent_ms : 0;
}

static void
left_text(char text[32], int64_t left_s)
{
	if (left_s < 100)
		snprintf(text, 32, "%" PRId64 " s", left_s);
	else if (left_s < 6000)
		snprintf(text, 32, "%" PRId64 " min %" PRId64 " s", left_s / 60, left_s % 60);
	else
		snprintf(text, 32, "%" PRId64 " h %" PRId64 " min", left_s / 3600, left_s / 60 % 60);
}

static void
draw_bar(const struct cli_progress *progress, uint64_t done_bytes, uint64_t total_bytes)
{
	char bar[BAR_WIDTH + 1];
	int full = (int)(done_bytes * BAR_WIDTH / total_bytes);
	double rate = rate_of(progress, done_bytes);
	char left[32];

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)full);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r%s [%s] %3d %%  %" PRIu64 " of %" PRIu64 " MiB", progress->verb, bar,
	        (int)(done_bytes * 100 / total_bytes), done_bytes / MIB, total_bytes / MIB);
	if (rate > 0) {
		left_text(left, progress->left_s >= 0
		                    ? progress->left_s
		                    : (int64_t)((double)(total_bytes - done_bytes) / rate));
		fprintf(stderr, "  %.0f MiB/s  %s left", rate / MIB, left);
	}
	fputs("\033[K", stderr);
	fflush(stderr);
}

void
cli_progress_show(struct cli_progress *progress, uint64_t done_bytes, uint64_t total_bytes)
{
	int64_t now_ms = clock_now_ms();

	if (progress->quiet || total_bytes == 0)
		return;
	if (done_bytes > total_bytes)
		done_bytes = total_bytes;
	if (now_ms - progress->drawn_ms < (progress->is_tty ? BAR_MS : LINE_MS))
		return;
	int percent = (int)(done_bytes * 100 / total_bytes);
	if (progress->is_tty)
		draw_bar(progress, done_bytes, total_bytes);
	else if (percent != progress->percent_last)
		fprintf(stderr, "%s %d %%, %" PRIu64 " of %" PRIu64 " MiB\n", progress->verb, percent,
		        done_bytes / MIB, total_bytes / MIB);
	progress->percent_last = percent;
	progress->drawn_ms = now_ms;
	progress->drawn = true;
}

void
cli_progress_line(struct cli_progress *progress, const json_t *line)
{
	const json_t *told = json_object_get(line, "progress");
	json_int_t done_bytes = json_integer_value(json_object_get(told, "done_bytes"));
	json_int_t total_bytes = json_integer_value(json_object_get(told, "total_bytes"));
	json_int_t rate = json_integer_value(json_object_get(told, "rate_bytes_per_s"));
	const json_t *left = json_object_get(told, "left_s");

	if (total_bytes <= 0 || done_bytes < 0)
		return;
	progress->is_told = true;
	progress->rate_bytes_per_s = rate > 0 ? (uint64_t)rate : 0;
	progress->left_s = json_is_integer(left) ? json_integer_value(left) : -1;
	cli_progress_show(progress, (uint64_t)done_bytes, (uint64_t)total_bytes);
}

void
cli_progress_end(struct cli_progress *progress)
{
	if (progress->drawn && progress->is_tty)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}
