/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* leech_row.h: a command line described by a table: each row is one option, once: its name, its
 * kind, where its value goes, its default, its bounds, and what the help says.
 *
 * Single thread; no memory of its own. Texts point into argv.
 */
#ifndef SPILLWAY_PERF_LEECH_ROW_H
#define SPILLWAY_PERF_LEECH_ROW_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum leech_row_kind {
	LEECH_ROW_HEADING,    /* of the help; help is its text */
	LEECH_ROW_FLAG,       /* bool; takes no value */
	LEECH_ROW_NUMBER,     /* uint32_t in [min, max] */
	LEECH_ROW_SIZE,       /* uint64_t in [min, max]; K, M, G are powers of 1024 */
	LEECH_ROW_SECONDS,    /* uint64_t microseconds; given in seconds, with a fraction */
	LEECH_ROW_WORD,       /* uint32_t, the index in words */
	LEECH_ROW_TEXT,       /* const char * */
	LEECH_ROW_ADDRESS,    /* struct in_addr */
	LEECH_ROW_ADDRESSES,  /* struct leech_addresses of ADDR or ADDR/N */
	LEECH_ROW_ENDPOINT,   /* struct sockaddr_in of ADDR:PORT */
	LEECH_ROW_CPUS,      /* struct leech_cpus of N,N,...; each in [-1, max] */
	LEECH_ROW_PERMILLE,  /* uint32_t; given as a share in [0, 1] */
};

struct leech_addresses {
	struct in_addr first;
	uint32_t cnt;              /* that follow each other, first included, > 0 */
};

enum { LEECH_CPUS_MAX = 16 };

struct leech_cpus {
	int cpu[LEECH_CPUS_MAX];   /* -1: not bound */
	uint32_t cnt;              /* > 0 */
};

struct leech_row {
	const char *name;          /* with its dashes; NULL: a heading */
	const char *arg;           /* of the help: what the value is */
	enum leech_row_kind kind;
	size_t offset;             /* of the value in what is filled */
	const char *standard;      /* the default, as on the command line; NULL: zero bytes */
	uint64_t min, max;
	const char *const *words;  /* ends in NULL */
	const char *help;          /* one paragraph; NULL: not told (another name of an option) */
};

/* leech_rows_default sets every option to its default.
 *
 * out      what the offsets are of; zeroed.
 * rows     [0, cnt). */
void
leech_rows_default(const struct leech_row *rows, size_t cnt, void *out);

/* leech_rows_read fills out from the command line.
 *
 * Returns 0, or -1 after one clear line on stderr. */
int
leech_rows_read(const struct leech_row *rows, size_t cnt, void *out, char **argv);

/* leech_rows_help writes the options to stdout, wrapped to 80 columns. */
void
leech_rows_help(const struct leech_row *rows, size_t cnt);

#endif
