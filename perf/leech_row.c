/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Reading values by their kind, and printing the table as help. */
#include "perf/leech_row.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 26, HELP_WIDTH = 80, EXPECTED_MAX = 256 };

static int
complain(const struct leech_row *row, const char *value, const char *expected)
{
	fprintf(stderr, "spillway-leech: %s %s: expected %s\n", row->name, value, expected);
	return -1;
}

/* digits_read takes a whole number at the start of text. Returns what follows it, or NULL. */
static const char *
digits_read(const char *text, uint64_t *number)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return NULL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 ? end : NULL;
}

static int
bounds_check(const struct leech_row *row, const char *value, bool readable, uint64_t number)
{
	char expected[EXPECTED_MAX];

	if (readable && number >= row->min && number <= row->max)
		return 0;
	snprintf(expected, sizeof(expected), "a number from %" PRIu64 " to %" PRIu64, row->min,
		 row->max);
	return complain(row, value, expected);
}

static int
number_read(const struct leech_row *row, const char *value, void *at)
{
	uint64_t number = 0;
	const char *end = digits_read(value, &number);

	if (bounds_check(row, value, end != NULL && *end == '\0', number) != 0)
		return -1;
	*(uint32_t *)at = (uint32_t)number;
	return 0;
}

static uint32_t
suffix_shift(const char **end)
{
	const char *const suffixes = "KMG";
	const char *found = **end != '\0' ? strchr(suffixes, **end) : NULL;

	if (found == NULL)
		return 0;
	(*end)++;
	return 10 * (uint32_t)(found - suffixes + 1);
}

static int
size_read(const struct leech_row *row, const char *value, void *at)
{
	uint64_t number = 0;
	const char *end = digits_read(value, &number);
	uint32_t shift = end != NULL ? suffix_shift(&end) : 0;
	bool readable = end != NULL && *end == '\0' && number <= UINT64_MAX >> shift;

	if (bounds_check(row, value, readable, number << shift) != 0)
		return -1;
	*(uint64_t *)at = number << shift;
	return 0;
}

static int
seconds_read(const struct leech_row *row, const char *value, void *at)
{
	char expected[EXPECTED_MAX];
	char *end;
	double seconds = strtod(value, &end);

	/* written so that what is not a number fails too */
	if (end != value && *end == '\0' && seconds >= (double)row->min / 1e6 &&
	    seconds <= (double)row->max / 1e6) {
		*(uint64_t *)at = (uint64_t)(seconds * 1e6 + 0.5);
		return 0;
	}
	snprintf(expected, sizeof(expected), "seconds from %g to %g", (double)row->min / 1e6,
		 (double)row->max / 1e6);
	return complain(row, value, expected);
}

static int
word_read(const struct leech_row *row, const char *value, void *at)
{
	char expected[EXPECTED_MAX] = "";
	uint32_t i;

	for (i = 0; row->words[i] != NULL; i++) {
		if (strcmp(row->words[i], value) == 0) {
			*(uint32_t *)at = i;
			return 0;
		}
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s%s",
			 i == 0 ? "" : row->words[i + 1] != NULL ? ", " : " or ", row->words[i]);
	}
	return complain(row, value, expected);
}

static int
text_read(const struct leech_row *row, const char *value, void *at)
{
	if (value[0] == '\0')
		return complain(row, value, "something");
	*(const char **)at = value;
	return 0;
}

static int
address_read(const struct leech_row *row, const char *value, void *at)
{
	if (inet_pton(AF_INET, value, at) != 1)
		return complain(row, value, "an IPv4 address");
	return 0;
}

static int
addresses_read(const struct leech_row *row, const char *value, void *at)
{
	struct leech_addresses *addresses = at;
	const char *slash = strchr(value, '/');
	char address[INET_ADDRSTRLEN];
	size_t len = slash != NULL ? (size_t)(slash - value) : strlen(value);
	const char *end = "";
	uint64_t cnt = 1;

	if (len >= sizeof(address))
		return complain(row, value, "ADDR or ADDR/N");
	memcpy(address, value, len);
	address[len] = '\0';
	if (slash != NULL)
		end = digits_read(slash + 1, &cnt);
	if (inet_pton(AF_INET, address, &addresses->first) != 1)
		return complain(row, value, "an IPv4 address");
	if (bounds_check(row, value, end != NULL && *end == '\0', cnt) != 0)
		return -1;
	addresses->cnt = (uint32_t)cnt;
	return 0;
}

static int
endpoint_read(const struct leech_row *row, const char *value, void *at)
{
	struct sockaddr_in *endpoint = at;
	const char *colon = strrchr(value, ':');
	char address[INET_ADDRSTRLEN];
	size_t len = colon != NULL ? (size_t)(colon - value) : sizeof(address);
	const char *end;
	uint64_t port = 0;

	if (len >= sizeof(address))
		return complain(row, value, "ADDR:PORT");
	memcpy(address, value, len);
	address[len] = '\0';
	end = digits_read(colon + 1, &port);
	if (inet_pton(AF_INET, address, &endpoint->sin_addr) != 1)
		return complain(row, value, "an IPv4 address before the port");
	if (end == NULL || *end != '\0' || port < 1 || port > UINT16_MAX)
		return complain(row, value, "a port from 1 to 65535");
	endpoint->sin_family = AF_INET;
	endpoint->sin_port = htons((uint16_t)port);
	return 0;
}

static int
cpus_read(const struct leech_row *row, const char *value, void *at)
{
	struct leech_cpus *cpus = at;
	const char *text = value;
	uint64_t cpu = 0;

	for (cpus->cnt = 0; cpus->cnt < LEECH_CPUS_MAX; text++) {
		bool none = strncmp(text, "-1", 2) == 0;
		const char *end = none ? text + 2 : digits_read(text, &cpu);

		if (end == NULL || (*end != ',' && *end != '\0') || (!none && cpu > row->max))
			break;
		cpus->cpu[cpus->cnt++] = none ? -1 : (int)cpu;
		text = end;
		if (*end == '\0')
			return 0;
	}
	return complain(row, value, "numbers of CPUs, with a comma between them");
}

static int
permille_read(const struct leech_row *row, const char *value, void *at)
{
	char *end;
	double share = strtod(value, &end);

	if (end == value || *end != '\0' || !(share >= 0 && share <= 1))
		return complain(row, value, "a share from 0 to 1");
	*(uint32_t *)at = (uint32_t)(share * 1000 + 0.5);
	return 0;
}

static int (*const readers[])(const struct leech_row *row, const char *value, void *at) = {
	[LEECH_ROW_NUMBER] = number_read,     [LEECH_ROW_SIZE] = size_read,
	[LEECH_ROW_SECONDS] = seconds_read,   [LEECH_ROW_WORD] = word_read,
	[LEECH_ROW_TEXT] = text_read,         [LEECH_ROW_ADDRESS] = address_read,
	[LEECH_ROW_ADDRESSES] = addresses_read,
	[LEECH_ROW_ENDPOINT] = endpoint_read, [LEECH_ROW_CPUS] = cpus_read,
	[LEECH_ROW_PERMILLE] = permille_read,
};

static const struct leech_row *
row_find(const struct leech_row *rows, size_t cnt, const char *name)
{
	size_t i;

	for (i = 0; i < cnt; i++)
		if (rows[i].name != NULL && strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

void
leech_rows_default(const struct leech_row *rows, size_t cnt, void *out)
{
	size_t i;

	for (i = 0; i < cnt; i++)
		if (rows[i].standard != NULL)
			readers[rows[i].kind](&rows[i], rows[i].standard,
					      (uint8_t *)out + rows[i].offset);
}

int
leech_rows_read(const struct leech_row *rows, size_t cnt, void *out, char **argv)
{
	const struct leech_row *row;

	for (; *argv != NULL; argv++) {
		row = row_find(rows, cnt, *argv);
		if (row != NULL && row->kind == LEECH_ROW_FLAG) {
			*(bool *)((uint8_t *)out + row->offset) = true;
			continue;
		}
		if (row == NULL || argv[1] == NULL) {
			fprintf(stderr, "spillway-leech: %s: %s (see --help)\n", *argv,
				row == NULL ? "no such option" : "a value is needed");
			return -1;
		}
		argv++;
		if (readers[row->kind](row, *argv, (uint8_t *)out + row->offset) != 0)
			return -1;
	}
	return 0;
}

/* words_print writes text from column `at` on, wrapped, continued at HELP_COLUMN. */
static void
words_print(const char *text, int at)
{
	while (*text != '\0') {
		int len = (int)strcspn(text, " ");

		if (at + len > HELP_WIDTH) {
			printf("\n%*s", HELP_COLUMN, "");
			at = HELP_COLUMN;
		}
		printf("%.*s", len, text);
		at += len;
		text += len;
		if (*text == ' ') {
			putchar(' ');
			at++;
			text++;
		}
	}
	putchar('\n');
}

static void
row_print(const struct leech_row *row)
{
	char text[1024];
	int at = printf("  %s %s", row->name, row->arg != NULL ? row->arg : "");

	if (at >= HELP_COLUMN) {
		putchar('\n');
		at = 0;
	}
	printf("%*s", HELP_COLUMN - at, "");
	snprintf(text, sizeof(text), "%s%s%s%s", row->help, row->standard != NULL ? " [" : "",
		 row->standard != NULL ? row->standard : "", row->standard != NULL ? "]" : "");
	words_print(text, HELP_COLUMN);
}

void
leech_rows_help(const struct leech_row *rows, size_t cnt)
{
	size_t i;

	for (i = 0; i < cnt; i++) {
		if (rows[i].kind == LEECH_ROW_HEADING)
			printf("\n%s:\n", rows[i].help);
		else if (rows[i].help != NULL)
			row_print(&rows[i]);
	}
}
