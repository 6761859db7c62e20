/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* What trackers answer, bencoded over HTTP and in datagrams. */
#include "control/announce/tracker.h"

#include "control/content/bencode.h"

#include <stdlib.h>
#include <string.h>

enum {
	MINUTE_S = 60,
	DATAGRAM_HEAD = 8, /* action and transaction id */
	ANNOUNCE_HEAD = 20,
	SCRAPE_ROW = 12,
};

/* ---- Bencoding. */

/* number returns the key's integer within [0, UINT32_MAX), otherwise when there is none; what is
 * beyond becomes the nearest bound. */
static uint32_t
number(const struct bencode *doc, uint32_t dict, const char *key, uint32_t otherwise)
{
	uint32_t node = bencode_get_type(doc, dict, key, BENCODE_INT);

	if (node == BENCODE_NONE || doc->node[node].num < 0)
		return otherwise;
	return doc->node[node].num < UINT32_MAX ? (uint32_t)doc->node[node].num : UINT32_MAX - 1;
}

/* retry_read reads "retry in" (BEP 31): minutes, as an integer or its digits, or "never". */
static uint32_t
retry_read(const struct bencode *doc)
{
	uint32_t node = bencode_get(doc, 0, "retry in");
	uint64_t minutes = number(doc, 0, "retry in", 0);

	if (bencode_str_is(doc, node, "never"))
		return TRACKER_UNKNOWN;
	if (bencode_is(doc, node, BENCODE_STR))
		for (uint32_t i = 0; i < doc->node[node].cnt && minutes < UINT32_MAX; i++) {
			uint8_t digit = bencode_str(doc, node)[i];
			if (digit < '0' || digit > '9')
				return 0;
			minutes = minutes * 10 + (digit - '0');
		}
	return minutes < UINT32_MAX / MINUTE_S ? (uint32_t)minutes * MINUTE_S : UINT32_MAX - 1;
}

/* refusal_read is true when the answer is a refusal. */
static bool
refusal_read(struct tracker_result *result, const struct bencode *doc)
{
	uint32_t node = bencode_get_type(doc, 0, "failure reason", BENCODE_STR);

	if (node == BENCODE_NONE)
		return false;
	result->outcome = TRACKER_REFUSED;
	tracker_text(result, bencode_str(doc, node), doc->node[node].cnt);
	if (result->text[0] == '\0')
		tracker_fail(result, TRACKER_REFUSED, "refused, without a reason");
	result->retry_s = retry_read(doc);
	return true;
}

/* answer_open decodes an answer. Returns false when it is done with: result says why. */
static bool
answer_open(struct tracker_result *result, struct bencode *doc, const void *bytes, size_t len)
{
	const char *text = bytes;
	const char *why = "";

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (bencode_decode(doc, bytes, len, &why, NULL) != 0)
		tracker_fail(result, TRACKER_BAD, "not a tracker's answer: %s", why ? why : "too large");
	else if (!bencode_is(doc, 0, BENCODE_DICT))
		tracker_fail(result, TRACKER_BAD, "not a tracker's answer: no dictionary");
	else
		return !refusal_read(result, doc);
	return false;
}

static void
counts_read(struct tracker_counts *counts, const struct bencode *doc, uint32_t dict)
{
	counts->seeders = number(doc, dict, "complete", TRACKER_UNKNOWN);
	counts->leechers = number(doc, dict, "incomplete", TRACKER_UNKNOWN);
	counts->downloaded = number(doc, dict, "downloaded", TRACKER_UNKNOWN);
}

void
tracker_reply_http(struct tracker_result *result, const void *bytes, size_t len)
{
	struct bencode doc = {0};

	if (answer_open(result, &doc, bytes, len)) {
		uint32_t warning = bencode_get_type(&doc, 0, "warning message", BENCODE_STR);
		uint32_t id = bencode_get_type(&doc, 0, "tracker id", BENCODE_STR);

		result->interval_s = number(&doc, 0, "interval", 0);
		result->interval_min_s = number(&doc, 0, "min interval", 0);
		counts_read(&result->counts, &doc, 0);
		if (warning != BENCODE_NONE)
			tracker_text(result, bencode_str(&doc, warning), doc.node[warning].cnt);
		if (id != BENCODE_NONE && doc.node[id].cnt < TRACKER_ID_MAX &&
		    memchr(bencode_str(&doc, id), '\0', doc.node[id].cnt) == NULL) {
			memcpy(result->tracker_id, bencode_str(&doc, id), doc.node[id].cnt);
			result->tracker_id[doc.node[id].cnt] = '\0';
		}
		if (bencode_get(&doc, 0, "interval") == BENCODE_NONE &&
		    bencode_get(&doc, 0, "peers") == BENCODE_NONE)
			tracker_fail(result, TRACKER_BAD, "not a tracker's answer: no interval, no peers");
	}
	bencode_free(&doc);
}

void
tracker_reply_scrape(struct tracker_result *result, const void *bytes, size_t len)
{
	struct bencode doc = {0};

	if (answer_open(result, &doc, bytes, len)) {
		uint32_t files = bencode_get_type(&doc, 0, "files", BENCODE_DICT);
		uint32_t left = files != BENCODE_NONE ? doc.node[files].cnt : 0, key = files + 1;

		for (; left > 0; left--, key = doc.node[key + 1].next)
			for (uint32_t i = 0; doc.node[key].cnt == 20 && i < result->hash_cnt; i++)
				if (memcmp(result->hash[i], bencode_str(&doc, key), 20) == 0)
					counts_read(&result->scraped[i], &doc, key + 1);
		if (files == BENCODE_NONE)
			tracker_fail(result, TRACKER_BAD, "not a scrape's answer: no files");
	}
	bencode_free(&doc);
}

/* ---- Datagrams (BEP 15). */

static uint32_t
read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* count_read is read_u32 of a signed number that must not be negative. */
static uint32_t
count_read(const uint8_t *p)
{
	uint32_t value = read_u32(p);

	return value <= INT32_MAX ? value : TRACKER_UNKNOWN;
}

bool
tracker_reply_transaction(const void *bytes, size_t len, uint32_t *transaction)
{
	if (len < DATAGRAM_HEAD)
		return false;
	*transaction = read_u32((const uint8_t *)bytes + 4);
	return true;
}

/* datagram_open checks what all have in common. Returns false when it is done with. */
static bool
datagram_open(struct tracker_result *result, const uint8_t *p, size_t len, uint32_t action)
{
	if (len >= DATAGRAM_HEAD && read_u32(p) == TRACKER_ERROR) {
		result->outcome = TRACKER_REFUSED;
		tracker_text(result, p + DATAGRAM_HEAD, strnlen((const char *)p + DATAGRAM_HEAD,
		                                                len - DATAGRAM_HEAD));
		if (result->text[0] == '\0')
			tracker_fail(result, TRACKER_REFUSED, "refused, without a reason");
		return false;
	}
	if (len < DATAGRAM_HEAD || read_u32(p) != action) {
		tracker_fail(result, TRACKER_BAD, "not the answer to what was asked");
		return false;
	}
	return true;
}

void
tracker_reply_connect(struct tracker_result *result, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (!datagram_open(result, p, len, TRACKER_CONNECT))
		return;
	if (len < DATAGRAM_HEAD + 8)
		tracker_fail(result, TRACKER_BAD, "the answer is cut short");
	else
		result->connection = (uint64_t)read_u32(p + 8) << 32 | read_u32(p + 12);
}

void
tracker_reply_udp(struct tracker_result *result, const void *bytes, size_t len, bool is_scrape)
{
	const uint8_t *p = bytes;

	if (!datagram_open(result, p, len, is_scrape ? TRACKER_SCRAPE : TRACKER_ANNOUNCE))
		return;
	for (uint32_t i = 0; is_scrape && i < result->hash_cnt; i++) {
		const uint8_t *row = p + DATAGRAM_HEAD + i * SCRAPE_ROW;
		if (DATAGRAM_HEAD + (i + 1) * SCRAPE_ROW > len)
			break;
		result->scraped[i] = (struct tracker_counts){
			.seeders = count_read(row),
			.downloaded = count_read(row + 4),
			.leechers = count_read(row + 8),
		};
	}
	if (is_scrape)
		return;
	if (len < ANNOUNCE_HEAD) {
		tracker_fail(result, TRACKER_BAD, "the answer is cut short");
		return;
	}
	result->interval_s = read_u32(p + 8) <= INT32_MAX ? read_u32(p + 8) : 0;
	result->counts.leechers = count_read(p + 12);
	result->counts.seeders = count_read(p + 16);
}
