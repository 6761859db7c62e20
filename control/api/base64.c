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

/* By character: its value plus 1, 0 when it has none. */
static uint8_t digits[256];

__attribute__((constructor)) static void
digits_fill(void)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (uint8_t i = 0; i < 64; i++)
		digits[(uint8_t)alphabet[i]] = i + 1;
}

/* digit returns the value of a character, -1 when it has none. */
static int
digit(char c)
{
	return digits[(uint8_t)c] - 1;
}

static bool
is_space(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
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
