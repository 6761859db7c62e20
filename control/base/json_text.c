/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* JSON as text. */
#include "control/base/json_text.h"

#include <stdlib.h>
#include <string.h>

enum {
	ROOM_FIRST = 1024,
	ESCAPED_MAX = 6, /* bytes that one becomes */
	DIGITS_MAX = 21, /* of a number, with its sign */
};

static const char hex_digits[] = "0123456789abcdef";

size_t
utf8_len(const char *p)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t min;
	} forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	const uint8_t *byte = (const uint8_t *)p;

	for (size_t len = 1; len <= 4; len++) {
		if ((byte[0] & forms[len - 1].mask) != forms[len - 1].lead)
			continue;
		uint32_t code = byte[0] & (uint8_t)~forms[len - 1].mask;
		for (size_t i = 1; i < len; i++) {
			if ((byte[i] & 0xc0) != 0x80) /* also at the NUL */
				return 0;
			code = code << 6 | (byte[i] & 0x3f);
		}
		bool surrogate = code >= 0xd800 && code < 0xe000;
		return code < forms[len - 1].min || code > 0x10ffff || surrogate ? 0 : len;
	}
	return 0;
}

/* reserve makes room for len bytes more. */
static bool
reserve(struct json_text *out, size_t len)
{
	size_t room = out->room > 0 ? out->room : ROOM_FIRST;

	if (out->failed)
		return false;
	if (out->room - out->len >= len)
		return true;
	while (room - out->len < len)
		room *= 2;
	char *text = realloc(out->text, room);
	if (text == NULL) {
		out->failed = true;
		return false;
	}
	out->text = text;
	out->room = room;
	return true;
}

/* put appends what there is room for. */
static void
put(struct json_text *out, const char *bytes, size_t len)
{
	memcpy(out->text + out->len, bytes, len);
	out->len += len;
}

/* begin writes what comes before a value of up to len bytes. Returns false when memory is out. */
static bool
begin(struct json_text *out, const char *name, size_t len)
{
	size_t name_len = name != NULL ? strlen(name) : 0;

	if (!reserve(out, len + name_len + 4))
		return false;
	char last = out->len > 0 ? out->text[out->len - 1] : '{';
	if (last != '{' && last != '[')
		out->text[out->len++] = ',';
	if (name == NULL)
		return true;
	out->text[out->len++] = '"';
	put(out, name, name_len);
	put(out, "\":", 2);
	return true;
}

void
json_text_open(struct json_text *out, const char *name, char bracket)
{
	if (begin(out, name, 1))
		out->text[out->len++] = bracket;
}

void
json_text_close(struct json_text *out, char bracket)
{
	if (reserve(out, 1))
		out->text[out->len++] = bracket;
}

/* escape writes one byte that may not stand for itself. */
static void
escape(struct json_text *out, char byte)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *found = memchr(plain, byte, sizeof(plain) - 1);

	if (found != NULL) {
		out->text[out->len++] = '\\';
		out->text[out->len++] = letters[found - plain];
		return;
	}
	put(out, "\\u00", 4);
	out->text[out->len++] = hex_digits[(uint8_t)byte >> 4];
	out->text[out->len++] = hex_digits[(uint8_t)byte & 15];
}

void
json_text_str(struct json_text *out, const char *name, const char *value)
{
	if (!begin(out, name, strlen(value) * ESCAPED_MAX + 2))
		return;
	out->text[out->len++] = '"';
	for (const char *p = value; *p != '\0';) {
		bool plain = *p >= ' ' && *p != '"' && *p != '\\' && (uint8_t)*p < 0x80;
		size_t len = plain ? 1 : utf8_len(p);

		if (plain)
			out->text[out->len++] = *p;
		else if (len == 0)
			put(out, "\xef\xbf\xbd", 3);
		else if (len == 1)
			escape(out, *p);
		else
			put(out, p, len);
		p += len > 0 ? len : 1;
	}
	out->text[out->len++] = '"';
}

void
json_text_int(struct json_text *out, const char *name, int64_t value)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof(digits);
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

	if (!begin(out, name, sizeof(digits)))
		return;
	do
		digits[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (value < 0)
		digits[--at] = '-';
	put(out, digits + at, sizeof(digits) - at);
}

void
json_text_bool(struct json_text *out, const char *name, bool value)
{
	if (begin(out, name, 5))
		put(out, value ? "true" : "false", value ? 4 : 5);
}

void
json_text_null(struct json_text *out, const char *name)
{
	if (begin(out, name, 4))
		put(out, "null", 4);
}

void
json_text_hex(struct json_text *out, const char *name, const uint8_t *bytes, size_t len)
{
	if (!begin(out, name, 2 * len + 2))
		return;
	out->text[out->len++] = '"';
	for (size_t i = 0; i < len; i++) {
		out->text[out->len++] = hex_digits[bytes[i] >> 4];
		out->text[out->len++] = hex_digits[bytes[i] & 15];
	}
	out->text[out->len++] = '"';
}
