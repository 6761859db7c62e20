/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* Attack surface: any bytes given as a .torrent. The decoder is strict, so that what it accepts,
 * encoded again from the nodes, is the input to the byte; and every node lies inside its parent. */
#include "control/content/bencode.h"

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

/* Encodes node and what is in it; returns the node after it. */
static uint32_t
encode(struct bencode_out *out, const struct bencode *doc, uint32_t index)
{
	const struct bencode_node *node = &doc->node[index];
	uint32_t member = index + 1, left;

	check(node->off < node->end && node->end <= doc->len && node->next <= doc->node_cnt);
	if (node->type == BENCODE_INT) {
		bencode_put_int(out, node->num);
	} else if (node->type == BENCODE_STR) {
		check(node->str_off + node->cnt == node->end);
		bencode_put_str(out, bencode_str(doc, index), node->cnt);
	} else {
		left = node->type == BENCODE_DICT ? node->cnt * 2 : node->cnt;
		if (node->type == BENCODE_DICT)
			bencode_put_dict(out);
		else
			bencode_put_list(out);
		for (; left > 0; left--) {
			check(doc->node[member].off > node->off && doc->node[member].end < node->end);
			member = encode(out, doc, member);
		}
		bencode_put_end(out);
	}
	check(member == node->next);
	return member;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bencode_out out = { 0 };
	const char *why = NULL;
	struct bencode doc;
	size_t off = 0;

	if (bencode_decode(&doc, data, len, &why, &off) < 0) {
		check(why != NULL && off <= len && doc.node == NULL);
		return 0;
	}
	check(encode(&out, &doc, 0) == doc.node_cnt);
	check(out.len == len && memcmp(out.bytes, data, len) == 0);
	bencode_out_free(&out);
	bencode_free(&doc);
	return 0;
}
