/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* json_text.h writes JSON (RFC 8259) straight as text: for what is told of each of very many
 * torrents, where building a tree first (jansson) costs several times as much.
 *
 *      struct json_text out = {0};
 *      json_text_open(&out, NULL, '{');
 *      json_text_int(&out, "id", 7);
 *      json_text_close(&out, '}');         {"id":7}
 *
 * Commas come by themselves. Memory: the text is the caller's to free, or to use again after
 * len = 0; when there is none left, failed is set and nothing is written any more.
 * Threads: any, each its own text.
 */
#ifndef SPILLWAY_CONTROL_BASE_JSON_TEXT_H
#define SPILLWAY_CONTROL_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_text {
	char *text; /* not ended by a NUL */
	size_t len;
	size_t room;
	bool failed;
};

/* json_text_open opens an object, '{', or an array, '['.
 *
 * name  of the member that it is, as below; NULL in an array and for the whole. */
void
json_text_open(struct json_text *out, const char *name, char bracket);

/* json_text_close closes it: '}' or ']'. */
void
json_text_close(struct json_text *out, char bracket);

/* json_text_str, _int, _bool, _null and _hex write a value.
 *
 * name   of the member, plain ASCII without '"' and '\'; NULL in an array.
 * value  of _str: bytes that are not UTF-8 become U+FFFD.
 * bytes  of _hex: written as hexadecimal digits. */
void
json_text_str(struct json_text *out, const char *name, const char *value);
void
json_text_int(struct json_text *out, const char *name, int64_t value);
void
json_text_bool(struct json_text *out, const char *name, bool value);
void
json_text_null(struct json_text *out, const char *name);
void
json_text_hex(struct json_text *out, const char *name, const uint8_t *bytes, size_t len);

/* utf8_len returns the length of the UTF-8 sequence at p (RFC 3629), which a NUL ends; 0 when there
 * is none. */
size_t
utf8_len(const char *p);

#endif
