/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* A progress bar, or plain lines where there is no terminal. */
#include "control/cli.h"
#include "control/clock.h"

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
	};
}

static void
draw_bar(const struct cli_progress *progress, uint64_t done_bytes, uint64_t total_bytes)
{
	char bar[BAR_WIDTH + 1];
	int full = (int)(done_bytes * BAR_WIDTH / total_bytes);
	int64_t spent_ms = clock_now_ms() - progress->begin_ms;
	double rate = spent_ms > 0 ? (double)done_bytes * 1000 / (double)spent_ms : 0;

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)full);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r%s [%s] %3d %%  %" PRIu64 " of %" PRIu64 " MiB", progress->verb, bar,
	        (int)(done_bytes * 100 / total_bytes), done_bytes / MIB, total_bytes / MIB);
	if (rate > 0)
		fprintf(stderr, "  %.0f MiB/s  %.0f s left", rate / MIB,
		        (double)(total_bytes - done_bytes) / rate);
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
cli_progress_end(struct cli_progress *progress)
{
	if (progress->drawn && progress->is_tty)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
}
