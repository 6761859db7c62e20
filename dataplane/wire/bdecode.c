/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Bencode, as much of it as a peer's messages need. */
#include "dataplane/wire/bdecode.h"

#include "dataplane/base/limits.h"

#include <string.h>

static bool
is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* digits_take reads decimal digits without leading zeros, up to limit. */
static bool
digits_take(struct bcursor *cursor, uint64_t limit, uint64_t *value)
{
	const uint8_t *first = cursor->at;

	*value = 0;
	while (cursor->at < cursor->end && is_digit(*cursor->at)) {
		uint8_t digit = (uint8_t)(*cursor->at - '0');

		if (*value > (limit - digit) / 10)
			return false;
		*value = *value * 10 + digit;
		cursor->at++;
	}
	return cursor->at > first && (*first != '0' || cursor->at == first + 1);
}

bool
bdecode_take(struct bcursor *cursor, uint8_t byte)
{
	if (cursor->at >= cursor->end || *cursor->at != byte)
		return false;
	cursor->at++;
	return true;
}

bool
bdecode_int(struct bcursor *cursor, int64_t *value)
{
	uint64_t digits;
	bool negative;

	if (!bdecode_take(cursor, 'i'))
		return false;
	negative = bdecode_take(cursor, '-');
	if (!digits_take(cursor, INT64_MAX, &digits) || (negative && digits == 0))
		return false;
	*value = negative ? -(int64_t)digits : (int64_t)digits;
	return bdecode_take(cursor, 'e');
}

bool
bdecode_string(struct bcursor *cursor, struct bstring *string)
{
	uint64_t len;

	if (!digits_take(cursor, UINT32_MAX, &len) || !bdecode_take(cursor, ':') ||
	    len > (uint64_t)(cursor->end - cursor->at))
		return false;
	string->data = cursor->at;
	string->len = (uint32_t)len;
	cursor->at += len;
	return true;
}

/* scalar_skip passes a string or an integer. */
static bool
scalar_skip(struct bcursor *cursor)
{
	struct bstring string;
	int64_t value;

	if (cursor->at < cursor->end && *cursor->at == 'i')
		return bdecode_int(cursor, &value);
	return bdecode_string(cursor, &string);
}

bool
bdecode_skip(struct bcursor *cursor)
{
	bool dict[WIRE_BENCODE_DEPTH_MAX]; /* of the containers that are open */
	uint32_t depth = 0;

	do {
		struct bstring key;

		if (depth > 0 && bdecode_take(cursor, 'e')) {
			depth--;
			continue;
		}
		if (depth > 0 && dict[depth - 1] && !bdecode_string(cursor, &key))
			return false;
		if (cursor->at < cursor->end && (*cursor->at == 'd' || *cursor->at == 'l')) {
			if (depth == WIRE_BENCODE_DEPTH_MAX)
				return false;
			dict[depth++] = *cursor->at++ == 'd';
		} else if (!scalar_skip(cursor)) {
			return false;
		}
	} while (depth > 0);
	return true;
}

bool
bstring_is(const struct bstring *string, const char *text)
{
	return string->len == strlen(text) && memcmp(string->data, text, string->len) == 0;
}
