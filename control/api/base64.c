/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Base64: OpenSSL encodes; it decodes neither text without padding nor says where that began, so
 * decoding is here. */
#include "control/api/base64.h"

#include <openssl/evp.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT_NONE = 0x80 };

/* By character: its value, DIGIT_NONE when it has none. */
static uint8_t digits[256];

__attribute__((constructor)) static void
digits_fill(void)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	memset(digits, DIGIT_NONE, sizeof(digits));
	for (uint8_t i = 0; i < 64; i++)
		digits[(uint8_t)alphabet[i]] = i;
}

/* digit returns the value of a character, -1 when it has none. */
static int
digit(char c)
{
	uint8_t value = digits[(uint8_t)c];

	return value == DIGIT_NONE ? -1 : value;
}

static bool
is_space(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* quads_decode decodes groups of four digits up to the first that is not whole.
 *
 * bytes  out: three of each.
 * Returns the number of digits. */
static size_t
quads_decode(const char *text, size_t len, uint8_t *bytes)
{
	size_t i;

	for (i = 0; len - i >= 4; i += 4, bytes += 3) {
		uint32_t a = digits[(uint8_t)text[i]], b = digits[(uint8_t)text[i + 1]];
		uint32_t c = digits[(uint8_t)text[i + 2]], d = digits[(uint8_t)text[i + 3]];

		if (((a | b | c | d) & DIGIT_NONE) != 0)
			break;
		bytes[0] = (uint8_t)(a << 2 | b >> 4);
		bytes[1] = (uint8_t)(b << 4 | c >> 2);
		bytes[2] = (uint8_t)(c << 6 | d);
	}
	return i;
}

/* padding_check is true when what follows the digits is padding only. */
static bool
padding_check(const char *text, size_t len, size_t digit_cnt)
{
	size_t pad_cnt = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '=')
			pad_cnt++;
		else if (!is_space(text[i]))
			return false;
	}
	return digit_cnt % 4 != 1 && (pad_cnt == 0 || (digit_cnt + pad_cnt) % 4 == 0) && pad_cnt <= 2;
}

int
base64_decode(const char *text, size_t len, uint8_t **out, size_t *out_len)
{
	uint8_t *bytes = malloc(len / 4 * 3 + 4);
	uint32_t bits = 0;
	size_t digit_cnt = 0, n = 0, i;

	*out = NULL;
	*out_len = 0;
	if (bytes == NULL)
		return -ENOMEM;
	for (i = 0; i < len && text[i] != '='; i++) {
		if (digit_cnt % 4 == 0) {
			size_t quick = quads_decode(text + i, len - i, bytes + n);
			n += quick / 4 * 3;
			digit_cnt += quick;
			i += quick;
			if (i == len || text[i] == '=')
				break;
		}
		int value = digit(text[i]);
		if (value < 0 && is_space(text[i]))
			continue;
		if (value < 0)
			break;
		bits = bits << 6 | (uint32_t)value;
		if (digit_cnt++ % 4 != 0)
			bytes[n++] = (uint8_t)(bits >> (6 - 2 * ((digit_cnt - 1) % 4)));
	}
	if (!padding_check(text + i, len - i, digit_cnt)) {
		free(bytes);
		return -EINVAL;
	}
	bytes[n] = 0;
	*out = bytes;
	*out_len = n;
	return 0;
}

char *
base64_encode(const uint8_t *bytes, size_t len)
{
	char *text = malloc((len + 2) / 3 * 4 + 1);

	if (text != NULL)
		EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	return text;
}
