/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What is remembered, as text. */
#include "control/dht/dht_saved.h"

#include "control/dht/dht_message.h"

#include <stdio.h>
#include <string.h>

static char *
hex_write(char *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out += sprintf(out, "%02x", bytes[i]);
	return out;
}

void
dht_saved_write(const struct dht_saved *saved, char *out)
{
	uint8_t bytes[DHT_NODE_V6];

	out = hex_write(out, saved->id, DHT_ID_LEN);
	for (uint32_t i = 0; i < saved->cnt && i < DHT_SAVED_NODES; i++) {
		*out++ = ' ';
		out = hex_write(out, bytes, dht_contact_write(&saved->node[i], bytes));
	}
	*out = '\0';
}

static int
digit_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;

	return found != NULL ? (int)(found - digits) : -1;
}

/* word_read reads hex digits up to a space or the end into out[max]. Returns how many bytes, 0 when
 * it is wrong. */
static size_t
word_read(const char **text, uint8_t *out, size_t max)
{
	const char *p = *text;
	size_t len = 0;

	while (*p != ' ' && *p != '\0') {
		int high = digit_value(p[0]);
		int low = high >= 0 ? digit_value(p[1]) : -1;
		if (low < 0 || len == max)
			return 0;
		out[len++] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	*text = *p == ' ' ? p + 1 : p;
	return len;
}

void
dht_saved_read(struct dht_saved *saved, const char *text)
{
	uint8_t bytes[DHT_NODE_V6];

	memset(saved, 0, sizeof(*saved));
	if (word_read(&text, bytes, sizeof(bytes)) != DHT_ID_LEN)
		return;
	memcpy(saved->id, bytes, DHT_ID_LEN);
	while (*text != '\0' && saved->cnt < DHT_SAVED_NODES) {
		size_t len = word_read(&text, bytes, sizeof(bytes));
		if (len != DHT_NODE_V4 && len != DHT_NODE_V6)
			return;
		dht_contact_read(&saved->node[saved->cnt++], bytes, len);
	}
}
