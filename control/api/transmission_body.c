/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* The body of a request, read without it holding up the loop: what parsing will cost is bounded
 * before, and a long .torrent, which is one text of megabytes, does not go through the parser,
 * which takes a quarter of a microsecond for each of its bytes. */
#include "control/api/transmission_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	VALUES_MAX = 150000, /* values in one request; each is some 40 bytes when parsed */
	DEPTH_MAX = 64,
	TEXT_MAX = 64 << 10, /* bytes of a text that the parser gets */
};

/* What a look at a body found. */
struct shape {
	size_t values;
	size_t depth_max;
	size_t long_cnt;             /* texts above TEXT_MAX */
	size_t long_begin, long_end; /* of the last of them, without its quotes */
};

/* byte_find returns the index of a byte in [i, len), or len. */
static size_t
byte_find(const char *body, char byte, size_t i, size_t len)
{
	const char *found = i < len ? memchr(body + i, byte, len - i) : NULL;

	return found != NULL ? (size_t)(found - body) : len;
}

/* text_end returns the index of the quote that ends the text beginning at i, or len. */
static size_t
text_end(const char *body, size_t len, size_t i)
{
	size_t quote = byte_find(body, '"', i, len);
	size_t escape;

	while ((escape = byte_find(body, '\\', i, quote)) < quote) {
		i = escape + 2;
		if (i > quote)
			quote = byte_find(body, '"', i, len);
	}
	return quote;
}

static struct shape
shape_of(const char *body, size_t len)
{
	struct shape shape = {0};
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (body[i] == '"') {
			size_t end = text_end(body, len, i + 1);
			if (end - i > TEXT_MAX) {
				shape.long_cnt++;
				shape.long_begin = i + 1;
				shape.long_end = end;
			}
			i = end;
		} else if (body[i] == '[' || body[i] == '{') {
			shape.values++;
			depth++;
			shape.depth_max = depth > shape.depth_max ? depth : shape.depth_max;
		} else if (body[i] == ']' || body[i] == '}') {
			depth -= depth > 0;
		} else if (body[i] == ',') {
			shape.values++;
		}
	}
	return shape;
}

/* is_metainfo is true when the text at begin is the value of a key "metainfo". */
static bool
is_metainfo(const char *body, size_t begin)
{
	static const char key[] = "\"metainfo\"";
	size_t i = begin - 1; /* the quote */

	while (i > 0 && strchr(" \t\r\n:", body[i - 1]) != NULL)
		i--;
	return i >= sizeof(key) - 1 && memcmp(body + i - (sizeof(key) - 1), key, sizeof(key) - 1) == 0;
}

/* parse_around parses a body from which a text is left out: it is "" then. */
static json_t *
parse_around(const char *body, size_t len, const struct shape *shape, json_error_t *error)
{
	size_t left = len - (shape->long_end - shape->long_begin);
	char *text = malloc(left + 1);

	if (text == NULL) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return NULL;
	}
	memcpy(text, body, shape->long_begin);
	memcpy(text + shape->long_begin, body + shape->long_end, len - shape->long_end);
	json_t *json = json_loadb(text, left, JSON_REJECT_DUPLICATES, error);
	free(text);
	return json;
}

int
tr_body_parse(struct tr_body *parsed, const char *body, size_t len, struct fail *fail)
{
	struct shape shape = shape_of(body, len);
	json_error_t error = {0};

	*parsed = (struct tr_body){0};
	if (shape.values > VALUES_MAX || shape.depth_max > DEPTH_MAX)
		return fail_set(fail, E2BIG, "the request has too many values, or is too deep");
	if (shape.long_cnt > 1 || (shape.long_cnt == 1 && !is_metainfo(body, shape.long_begin)))
		return fail_set(fail, E2BIG, "the request has a text that is too long");
	if (shape.long_cnt == 1) {
		parsed->json = parse_around(body, len, &shape, &error);
		parsed->metainfo = body + shape.long_begin;
		parsed->metainfo_len = shape.long_end - shape.long_begin;
	} else {
		parsed->json = json_loadb(body, len, JSON_REJECT_DUPLICATES, &error);
	}
	if (parsed->json == NULL)
		return fail_set(fail, EINVAL, "not JSON: line %d, column %d: %s", error.line, error.column,
		                error.text);
	if (json_is_object(parsed->json))
		return 0;
	json_decref(parsed->json);
	return fail_set(fail, EINVAL, "not a JSON object");
}
