/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Rates as text. */
#include "control/policy/rate_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	double bytes;
} units[] = {
	{"", 1},
	{"K", 1024},
	{"M", 1024.0 * 1024},
	{"G", 1024.0 * 1024 * 1024},
	{"T", 1024.0 * 1024 * 1024 * 1024},
	{"Kbit", 1000.0 / 8},
	{"Mbit", 1000.0 * 1000 / 8},
	{"Gbit", 1000.0 * 1000 * 1000 / 8},
};

static int
unit_read(const char *text, double *bytes)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].name, text) != 0)
			continue;
		*bytes = units[i].bytes;
		return 0;
	}
	return -EINVAL;
}

int
rate_parse(const char *text, size_t len, uint64_t *bytes_per_s, struct fail *fail)
{
	char copy[RATE_TEXT_MAX], *end;
	double unit, value;

	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	if (strcmp(copy, "none") == 0) {
		*bytes_per_s = 0;
		return 0;
	}
	size_t digits = strspn(copy, "0123456789.");
	value = strtod(copy, &end);
	if (len >= sizeof(copy) || digits == 0 || end != copy + digits || unit_read(end, &unit) != 0)
		return fail_set(fail, EINVAL,
		                "\"%.*s\" is no rate: 500000 (bytes a second), 10M (MiB a second), "
		                "100Mbit, or none",
		                (int)(len < 64 ? len : 64), text);
	value *= unit;
	if (value != 0 && (value < RATE_MIN || value > (double)RATE_MAX))
		return fail_set(fail, EINVAL, "a rate of %s is not from 1K to 128G", copy);
	*bytes_per_s = (uint64_t)value;
	return 0;
}

void
rate_format(uint64_t bytes_per_s, char out[RATE_TEXT_MAX])
{
	static const char letters[] = "TGMK";

	if (bytes_per_s == 0) {
		snprintf(out, RATE_TEXT_MAX, "none");
		return;
	}
	for (int i = 0; i < 4; i++) {
		uint64_t unit = UINT64_C(1) << 10 * (4 - i);
		if (bytes_per_s % unit != 0)
			continue;
		snprintf(out, RATE_TEXT_MAX, "%" PRIu64 "%c", bytes_per_s / unit, letters[i]);
		return;
	}
	snprintf(out, RATE_TEXT_MAX, "%" PRIu64, bytes_per_s);
}
