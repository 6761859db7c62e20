/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Attack surface: what a client of the control socket says that it knows of content. What is taken,
 * written again, is the input to the byte; what is not leaves nothing to be released. */
#include "control/content/known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check(bool right)
{
	if (!right)
		abort();
}

/* compare compares the next bytes of the input, and returns where those after them begin. */
static const uint8_t *
compare(const uint8_t *at, const void *bytes, size_t len)
{
	check(len == 0 || memcmp(at, bytes, len) == 0);
	return at + len;
}

/* record_compare compares a record with the input at its place; returns the place of the next. */
static const uint8_t *
record_compare(const uint8_t *at, const struct verify_saved *saved)
{
	uint32_t numbers[4] = {saved->range, saved->piece_cnt, saved->unit_cnt, 0};

	at = compare(at, &saved->key, sizeof(saved->key));
	at = compare(at, numbers, sizeof(numbers));
	at = compare(at, saved->fingerprint, saved->unit_cnt * sizeof(*saved->fingerprint));
	return compare(at, saved->piece, saved->piece_cnt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *at = data;
	struct verify_saved *saved;
	uint32_t cnt;
	int err = known_parse(data, len, &saved, &cnt);

	if (err != 0) {
		check(err == -EINVAL && saved == NULL && cnt == 0);
		return 0;
	}
	for (uint32_t i = 0; i < cnt; i++) {
		at = record_compare(at, &saved[i]);
		verify_saved_free(&saved[i]);
	}
	check(at == data + len);
	free(saved);
	return 0;
}
