/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Spillway authors */

/* bencode reads and writes bencoding (BEP 3).
 *
 * The decoder is strict and copies nothing: it makes one flat array of nodes over the caller's
 * bytes, in the order in which they stand there.
 *
 *      d 4:name 3:abc 4:list l i1e i2e e e
 *      [0]dict [1]"name" [2]"abc" [3]"list" [4]list [5]1 [6]2        next of [4] is 7
 *
 * A container's first member is the node after it; a member's sibling is at its next. A
 * dictionary's members alternate: key, value, key, value.
 *
 * Refused: a byte that begins nothing, an integer with a leading zero, with a minus before zero,
 * with no digit or beyond int64, a string length with a leading zero or beyond the input, a
 * dictionary key that is no string, a key without value, a key twice in one dictionary, bytes
 * after the value, more than BENCODE_DEPTH_MAX containers in each other, more than
 * BENCODE_NODES_MAX nodes, more than BENCODE_LEN_MAX bytes.
 * Keys out of order are accepted, for such torrents are in use, and told by node.unsorted.
 *
 * Threads: any, an object by one at a time. Memory: a doc owns its node array and borrows the
 * bytes, which must outlive it; its size is bounded by BENCODE_NODES_MAX nodes of 32 bytes. No
 * recursion.
 */
#ifndef SPILLWAY_CONTROL_CONTENT_BENCODE_H
#define SPILLWAY_CONTROL_CONTENT_BENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bencode_limit {
	BENCODE_LEN_MAX = 128 << 20,
	BENCODE_DEPTH_MAX = 100,
	BENCODE_NODES_MAX = 4 << 20,
};

#define BENCODE_NONE UINT32_MAX /* no such node */

enum bencode_type {
	BENCODE_INT,
	BENCODE_STR,
	BENCODE_LIST,
	BENCODE_DICT,
};

struct bencode_node {
	uint8_t type;      /* enum bencode_type */
	uint8_t unsorted;  /* DICT: 1 when its keys do not ascend */
	uint16_t reserved;
	uint32_t off;      /* raw span: first byte, in the input */
	uint32_t end;      /* raw span: one past its last byte */
	uint32_t next;     /* index of the node after this one and all within it */
	uint32_t str_off;  /* STR: its first byte, in the input */
	uint32_t cnt;      /* STR: bytes; LIST: members; DICT: pairs */
	int64_t num;       /* INT */
};

struct bencode {
	const uint8_t *bytes;
	uint32_t len;
	uint32_t node_cnt;
	uint32_t node_cap;
	struct bencode_node *node; /* node[0] is the whole value */
};

/* bencode_decode makes doc from one bencoded value that fills bytes exactly.
 *
 * doc      out; to be freed by bencode_free, also harmless after a failure.
 * bytes    borrowed until bencode_free.
 * len      [0, SIZE_MAX].
 * why      out, may be NULL; on failure a constant phrase such as "key twice in a dictionary".
 * err_off  out, may be NULL; on failure the byte at which it was found.
 * Returns 0; -EINVAL when it is not strict bencoding; -EFBIG beyond a limit; -ENOMEM. */
int
bencode_decode(struct bencode *doc, const void *bytes, size_t len, const char **why,
	       size_t *err_off);

/* bencode_free frees the node array and leaves doc empty. */
void
bencode_free(struct bencode *doc);

/* bencode_get returns the value node of a key in a dictionary, or BENCODE_NONE when dict is not
 * a dictionary (or is BENCODE_NONE) or has no such key. Linear in the number of pairs. */
uint32_t
bencode_get(const struct bencode *doc, uint32_t dict, const char *key);

/* bencode_get_type is bencode_get for a value that must have a type: BENCODE_NONE also when it
 * has another. */
uint32_t
bencode_get_type(const struct bencode *doc, uint32_t dict, const char *key,
		 enum bencode_type type);

/* bencode_is tells whether node is no BENCODE_NONE and has the type. */
bool
bencode_is(const struct bencode *doc, uint32_t node, enum bencode_type type);

/* bencode_str returns the bytes of a STR node, in the caller's input, without a NUL after them;
 * node.cnt is their number. */
const uint8_t *
bencode_str(const struct bencode *doc, uint32_t node);

/* bencode_str_is tells whether node is a STR that equals text. */
bool
bencode_str_is(const struct bencode *doc, uint32_t node, const char *text);

/* bencode_raw returns the first byte of node's raw span and stores its length in len: what the
 * info hash is taken over. */
const uint8_t *
bencode_raw(const struct bencode *doc, uint32_t node, uint32_t *len);

/* ---- The encoder: appends to a buffer that grows. The caller writes keys in ascending order and
 * closes what it opens. The first failure to allocate sticks; later calls do nothing. */
struct bencode_out {
	uint8_t *bytes; /* owned; free() it, or bencode_out_free */
	size_t len;
	size_t cap;
	bool failed;    /* memory ran out */
};

/* bencode_out_free frees the buffer and leaves out empty. An out of zeros is a valid start. */
void
bencode_out_free(struct bencode_out *out);

/* bencode_put_int appends i<num>e. */
void
bencode_put_int(struct bencode_out *out, int64_t num);

/* bencode_put_str appends <len>:<bytes>. */
void
bencode_put_str(struct bencode_out *out, const void *bytes, size_t len);

/* bencode_put_text is bencode_put_str of a C string. */
void
bencode_put_text(struct bencode_out *out, const char *text);

/* bencode_put_raw appends bytes that are bencoding already. */
void
bencode_put_raw(struct bencode_out *out, const void *bytes, size_t len);

/* bencode_put_dict, bencode_put_list and bencode_put_end append d, l and e. */
void
bencode_put_dict(struct bencode_out *out);
void
bencode_put_list(struct bencode_out *out);
void
bencode_put_end(struct bencode_out *out);

#endif
