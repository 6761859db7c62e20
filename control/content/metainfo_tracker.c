/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Trackers: "announce" (BEP 3) and "announce-list" (BEP 12). They do not touch the content, so
 * that what cannot be used is left out and counted rather than refused. */
#include "control/content/metainfo_parse.h"

#include <errno.h>
#include <stdlib.h>

static bool
url_usable(const struct bencode *doc, uint32_t node)
{
	uint32_t i;

	if (!bencode_is(doc, node, BENCODE_STR) || doc->node[node].cnt == 0 ||
	    doc->node[node].cnt > METAINFO_TRACKER_LEN_MAX)
		return false;
	for (i = 0; i < doc->node[node].cnt; i++)
		if (bencode_str(doc, node)[i] <= ' ' || bencode_str(doc, node)[i] >= 0x7f)
			return false;
	return true;
}

static int
tracker_add(struct metainfo_parser *parser, uint32_t node, uint32_t tier)
{
	struct metainfo *meta = parser->meta;
	struct metainfo_tracker *tracker;

	if (meta->tracker_cnt == METAINFO_TRACKERS_MAX || !url_usable(&parser->doc, node)) {
		meta->tracker_skipped_cnt++;
		return 0;
	}
	if (meta->tracker == NULL)
		meta->tracker = calloc(METAINFO_TRACKERS_MAX, sizeof(*meta->tracker));
	if (meta->tracker == NULL)
		return metainfo_refuse(parser, -ENOMEM, "out of memory");
	tracker = &meta->tracker[meta->tracker_cnt++];
	tracker->tier = tier;
	return metainfo_text_put(parser, bencode_str(&parser->doc, node),
				 parser->doc.node[node].cnt, &tracker->url);
}

static int
tier_read(struct metainfo_parser *parser, uint32_t list, uint32_t tier)
{
	const struct bencode *doc = &parser->doc;
	uint32_t i, node = list + 1;
	int err = 0;

	if (doc->node[list].type != BENCODE_LIST)
		return tracker_add(parser, list, tier);
	for (i = 0; i < doc->node[list].cnt && err == 0; i++, node = doc->node[node].next)
		err = tracker_add(parser, node, tier);
	return err;
}

int
metainfo_trackers(struct metainfo_parser *parser)
{
	const struct bencode *doc = &parser->doc;
	uint32_t announce = bencode_get(doc, 0, "announce"), i;
	uint32_t list = bencode_get_type(doc, 0, "announce-list", BENCODE_LIST);
	uint32_t node = list + 1;
	int err = 0;

	if (list != BENCODE_NONE)
		for (i = 0; i < doc->node[list].cnt && err == 0; i++, node = doc->node[node].next)
			err = tier_read(parser, node, i);
	/* BEP 12: announce counts only without an announce-list. */
	if (err == 0 && parser->meta->tracker_cnt == 0 && announce != BENCODE_NONE)
		err = tracker_add(parser, announce, 0);
	return err;
}

/* peek_run fills parser->meta. */
static int
peek_run(struct metainfo_parser *parser, const void *bytes, size_t len)
{
	int err = bencode_decode(&parser->doc, bytes, len, NULL, NULL);
	uint32_t node;

	if (err < 0)
		return err;
	node = bencode_get_type(&parser->doc, 0, "info", BENCODE_DICT);
	node = bencode_get_type(&parser->doc, node, "private", BENCODE_INT);
	parser->meta->private_flag = node != BENCODE_NONE && parser->doc.node[node].num == 1;
	return metainfo_trackers(parser);
}

int
metainfo_peek(struct metainfo **meta, const void *bytes, size_t len)
{
	struct metainfo_parser parser = { .err = NULL };
	int err;

	*meta = NULL;
	parser.meta = calloc(1, sizeof(*parser.meta));
	if (parser.meta == NULL)
		return -ENOMEM;
	err = peek_run(&parser, bytes, len);
	bencode_free(&parser.doc);
	if (err < 0)
		metainfo_free(parser.meta);
	else
		*meta = parser.meta;
	return err;
}
